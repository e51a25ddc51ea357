//! Many devices in one session: each in step, all as late as each other, channels where they belong.

use ossicle::io::device::Port;
use ossicle::io::device::sim::{Blocks, Sim, SimDevice};
use ossicle::io::file::AudioFile;
use ossicle::io::realtime;
use ossicle::record::{RecordConfig, Tap};
use ossicle::session::{DeviceChannel, Direction, Routes, SessionConfig};

use crate::world::{RATE, counting, device, live, run, start};

fn named(name: &str) -> Port {
    Port {
        device: Some(name.to_owned()),
        channels: None,
    }
}

#[test]
fn tracks_of_four_devices_are_aligned_within_a_frame() {
    tracks_are_aligned(false);
}

#[test]
fn what_the_master_itself_captures_is_aligned_with_the_others_within_a_frame() {
    tracks_are_aligned(true);
}

/// Three microphones into a speaker; or two, beside what the speaker's own device captures.
fn tracks_are_aligned(master_captures: bool) {
    let folder = tempfile::tempdir().unwrap();
    let take = folder.path().join("take.wav");
    let sim = Sim::new(41);
    // One ramp of true time for all: a millionth for each microsecond.
    let of_time = |device: SimDevice| {
        let (sim, name) = (sim.clone(), device.name.clone());
        device.with_source(move |frame, _| {
            (sim.device_time_ns(&name, frame as f64).unwrap() * 1e-9) as f32
        })
    };
    for (name, ppm, blocks, late_us) in [
        ("a", 400.0, 64, 50),
        ("b", -700.0, 480, 500),
        ("c", 15.0, 256, 200),
    ] {
        let mic = SimDevice {
            blocks: Blocks::Fixed(blocks),
            ..device(name, 1, 0, ppm, late_us)
        };
        sim.plug(of_time(mic)).unwrap();
    }
    let inputs = usize::from(master_captures);
    let speaker = device("speaker", inputs, 2, -100.0, 50);
    sim.plug(of_time(speaker)).unwrap();
    let first = if master_captures { "speaker" } else { "a" };
    let config = SessionConfig {
        more_inputs: vec![named("b"), named("c")],
        record: vec![RecordConfig {
            tap: Tap::Pre,
            ..RecordConfig::new(&take)
        }],
        ..live(first, "speaker")
    };
    let mut session = start(&sim, config);
    for _ in 0..60 {
        run(&sim, &mut session, 0.2);
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let report = session.report();
    assert_eq!(report.bridges.len(), 3 - inputs);
    let latencies: Vec<f64> = report.bridges.iter().map(|b| b.latency_frames).collect();
    assert!(
        latencies
            .iter()
            .all(|frames| (frames - latencies[0]).abs() < 0.1),
        "{latencies:?}"
    );
    let told = report.latency_frames as f64;
    assert!((told - latencies[0]).abs() < 0.6, "{told}, {latencies:?}");
    session.stop().unwrap();
    let mut file = AudioFile::open(&take).unwrap();
    assert_eq!(file.info().channels, 3);
    let mut samples = vec![0.0; 3 << 20];
    let frames = file.read(&mut samples).unwrap();
    // From ten seconds on, each frame has one time in all channels: a frame is 20.8 us, and a single
    // holds the time to 0.5 us.
    for frame in samples[..frames * 3]
        .chunks_exact(3)
        .skip(10 * RATE as usize)
    {
        let (least, most) = frame
            .iter()
            .fold((f32::MAX, f32::MIN), |(a, b), &x| (a.min(x), b.max(x)));
        let apart = f64::from(most - least) * RATE;
        assert!(apart < 1.0, "{frame:?}: {apart} frames apart");
    }
    assert_eq!(realtime::violations(), 0);
}

#[test]
fn several_outputs_play_the_same_each_by_its_own_clock() {
    let sim = Sim::new(43);
    sim.plug(counting(device("mic", 1, 0, 50.0, 50))).unwrap();
    sim.plug(device("speaker", 0, 1, 0.0, 50)).unwrap();
    let phones = SimDevice {
        sample_rate_hz: 44_100,
        ..device("phones", 0, 2, -300.0, 50)
    };
    sim.plug(phones).unwrap();
    let config = SessionConfig {
        more_outputs: vec![named("phones")],
        ..live("mic", "speaker")
    };
    let mut session = start(&sim, config);
    run(&sim, &mut session, 6.0);
    let report = session.report();
    let out = report
        .bridges
        .iter()
        .find(|b| b.direction == Direction::Out)
        .unwrap();
    assert_eq!((out.from_hz, out.to_hz), (48_000, 44_100));
    assert!((out.ppm - 300.0).abs() < 1.0, "{out:?}");
    // The number that is heard is that of the mic, behind by both bridges.
    let played = sim.played("phones");
    let at = played.len() / 2 - 300;
    assert_eq!(played[2 * at], played[2 * at + 1]);
    let time_ns = sim.device_time_ns("phones", at as f64).unwrap();
    let there = sim.device_frame("mic", time_ns).unwrap();
    let late = there - f64::from(played[2 * at]);
    let told = report.latency_frames as f64 + out.latency_frames;
    assert!((late - told).abs() < 1.5, "{late} frames, {told} told");
    assert_eq!((report.underrun_frames, report.skipped_frames), (0, 0));
    session.stop().unwrap();
    assert_eq!(realtime::violations(), 0);
}

#[test]
fn routes_lead_channels_where_they_say() {
    let sim = Sim::new(47);
    let two = |name: &str, first: f32| {
        device(name, 2, 0, 0.0, 50).with_source(move |_, channel| first + channel as f32)
    };
    sim.plug(two("a", 10.0)).unwrap();
    sim.plug(two("b", 20.0)).unwrap();
    sim.plug(device("speaker", 0, 2, 0.0, 50)).unwrap();
    sim.plug(device("phones", 0, 2, 0.0, 50)).unwrap();
    let at = |device, channel| DeviceChannel { device, channel };
    let config = SessionConfig {
        more_inputs: vec![named("b")],
        more_outputs: vec![named("phones")],
        routes: Routes {
            inputs: vec![at(1, 1), at(0, 0)],
            outputs: vec![(at(0, 1), 0), (at(1, 0), 1), (at(1, 1), 0)],
        },
        ..live("a", "speaker")
    };
    let mut session = start(&sim, config);
    run(&sim, &mut session, 2.0);
    session.stop().unwrap();
    let last = |name: &str| {
        let played = sim.played(name);
        let last = &played[played.len() - 2..];
        [last[0].round(), last[1].round()]
    };
    assert_eq!(last("speaker"), [0.0, 21.0]);
    assert_eq!(last("phones"), [10.0, 21.0]);
    assert_eq!(realtime::violations(), 0);
}
