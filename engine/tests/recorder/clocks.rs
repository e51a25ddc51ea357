//! Takes of several devices, each by its own clock.

use std::time::Duration;

use ossicle::io::device::sim::{Fault, FaultKind, Lateness, Sim, SimDevice};
use ossicle::io::realtime;
use ossicle::record::{ClockLog, RecordConfig, Tap};
use ossicle::session::SessionConfig;

use crate::rig::{counting, folder, joined, judge, port, recording, start};

#[test]
fn tracks_of_devices_on_their_own_clocks_are_aligned_by_their_logs() {
    let folder = folder();
    let sim = Sim::new(61);
    let errors = [
        ("one", -35.0, 48_000),
        ("two", 90.0, 48_000),
        ("three", -60.0, 44_100),
    ];
    for (name, rate_error_ppm, sample_rate_hz) in errors {
        let device = SimDevice {
            rate_error_ppm,
            sample_rate_hz,
            lateness: vec![Lateness::Uniform { max_ns: 200_000 }],
            ..SimDevice::new(name, 1, 0)
        };
        // What is lost on the way leaves the alignment as it was.
        let faults = vec![Fault {
            at_ns: 4_000_000_000,
            kind: FaultKind::Xrun { lost_frames: 3_000 },
        }];
        let faults = if name == "two" { faults } else { Vec::new() };
        sim.plug(counting(SimDevice { faults, ..device })).unwrap();
    }
    let take = |input, name: &str| RecordConfig {
        tap: Tap::Input,
        input,
        ..RecordConfig::new(folder.path().join(name))
    };
    let configs = vec![take(0, "one.wav"), take(1, "two.wav"), take(2, "three.wav")];
    let config = SessionConfig {
        more_inputs: vec![port("two").unwrap(), port("three").unwrap()],
        ..recording("one", configs)
    };
    let mut session = start(&sim, config);
    for _ in 0..1_500 {
        sim.run_for(Duration::from_millis(10));
        session.report();
    }
    let ended = session.stop().unwrap();
    let takes: Vec<_> = ended.recorded.iter().map(joined).collect();
    assert_eq!(ended.recorded[0].clock_file, None);
    for (samples, recorded) in takes.iter().zip(&ended.recorded) {
        judge(samples, &recorded.gaps, 0).unwrap();
    }
    assert_eq!(ended.recorded[1].lost_frames, 3_000);
    for number in [1, 2] {
        let recorded = &ended.recorded[number];
        let log = ClockLog::load(&recorded.path).unwrap().unwrap();
        let rate = f64::from(errors[number].2);
        for seconds in [0.5, 3.0, 3.9, 5.0, 9.0, 14.0] {
            let frame = (seconds * rate) as u64;
            // The devices' own numbers of both frames, and when they were there in truth.
            let at = takes[number][frame as usize];
            let true_ns = sim
                .device_time_ns(errors[number].0, f64::from(at) - 1.0)
                .unwrap();
            let master = f64::from(takes[0][0]) - 1.0;
            let true_frame = sim.device_frame("one", true_ns).unwrap() - master;
            let found = log.session_frame(frame as f64).unwrap();
            let error = found - true_frame;
            assert!(error.abs() < 1.0, "{number} at {seconds} s: {error} frames");
        }
    }
    assert_eq!(realtime::violations(), 0);
}

#[test]
fn a_device_that_comes_back_at_another_rate_leaves_a_gap_to_the_end_of_its_own_take() {
    let folder = folder();
    let sim = Sim::new(63);
    sim.plug(counting(SimDevice::new("one", 1, 0))).unwrap();
    let kind = FaultKind::Return {
        for_ns: 300_000_000,
        sample_rate_hz: 44_100,
        input_channels: 1,
        output_channels: 0,
    };
    let two = SimDevice {
        faults: vec![Fault {
            at_ns: 1_000_000_000,
            kind,
        }],
        ..SimDevice::new("two", 1, 0)
    };
    sim.plug(counting(two)).unwrap();
    let take = |input, name: &str| RecordConfig {
        tap: Tap::Input,
        input,
        ..RecordConfig::new(folder.path().join(name))
    };
    let config = SessionConfig {
        more_inputs: vec![port("two").unwrap()],
        ..recording("one", vec![take(0, "one.wav"), take(1, "two.wav")])
    };
    let mut session = start(&sim, config);
    for _ in 0..300 {
        sim.run_for(Duration::from_millis(10));
        session.report();
    }
    let ended = session.stop().unwrap();
    let [one, two] = &ended.recorded[..] else {
        panic!("{:?}", ended.recorded);
    };
    assert_eq!(one.gaps, []);
    // 3 s of both; the second has 1 s of sound.
    assert!(
        one.frames.abs_diff(two.frames) < 600,
        "{} {}",
        one.frames,
        two.frames
    );
    assert_eq!(two.gaps.len(), 1, "{:?}", two.gaps);
    assert!(two.lost_frames.abs_diff(96_000) < 600, "{:?}", two.gaps);
    judge(&joined(two), &two.gaps, 0).unwrap();
}
