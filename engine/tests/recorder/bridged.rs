//! Takes before and behind the chain of a device on another clock than the session's.

use std::time::Duration;

use ossicle::io::device::sim::{Fault, FaultKind, Lateness, Sim, SimDevice};
use ossicle::io::realtime;
use ossicle::io::ring::Cause;
use ossicle::record::{Gap, GapList, RecordConfig, Recorded, Tap};
use ossicle::session::SessionConfig;

use crate::rig::{Dice, folder, joined, port, recording, start, trials};

const MS: u64 = 1_000_000;
/// Frames beside a gap that are no sound as it was: it fades, and the kernel reaches into the gap.
const FADE: usize = 400;

/// What a device captured in `seconds`, with this fault after 2 s: before the chain, and behind it.
fn takes_of(sample_rate_hz: u32, kind: FaultKind, seconds: u64) -> Vec<Recorded> {
    let at_ns = 2_000 * MS;
    takes_through(71, sample_rate_hz, vec![Fault { at_ns, kind }], seconds)
}

/// What a device captured in `seconds`, with these faults.
fn takes_through(
    seed: u64,
    sample_rate_hz: u32,
    faults: Vec<Fault>,
    seconds: u64,
) -> Vec<Recorded> {
    let folder = folder();
    let sim = Sim::new(seed);
    let mic = SimDevice {
        sample_rate_hz,
        rate_error_ppm: 80.0,
        lateness: vec![Lateness::Uniform { max_ns: 200_000 }],
        faults,
        ..SimDevice::new("mic", 1, 0)
    };
    // A ramp of a frame each 2^-20, so that it tells its frame to a sixteenth and is never silence.
    let ramp = |frame, _| (frame + 1) as f32 * (1.0 / 1_048_576.0);
    sim.plug(mic.with_source(ramp)).unwrap();
    sim.plug(SimDevice::new("speaker", 0, 1)).unwrap();
    let take = |tap| RecordConfig {
        tap,
        ..RecordConfig::new(folder.path().join(format!("{tap:?}.wav")))
    };
    let config = SessionConfig {
        output: port("speaker"),
        ..recording("mic", vec![take(Tap::Pre), take(Tap::Post)])
    };
    let mut session = start(&sim, config);
    for _ in 0..seconds * 100 {
        sim.run_for(Duration::from_millis(10));
        session.report();
    }
    let ended = session.stop().unwrap();
    assert_eq!(realtime::violations(), 0);
    for recorded in &ended.recorded {
        let list = GapList::load(&recorded.path).unwrap();
        let listed = list.map(|list| list.gaps).unwrap_or_default();
        let listed: Vec<_> = listed
            .iter()
            .map(|gap| (gap.position, gap.frames))
            .collect();
        let gaps = recorded.gaps.iter();
        let gaps: Vec<_> = gaps.map(|gap| (gap.position, gap.frames)).collect();
        assert_eq!(listed, gaps);
        let samples = joined(recorded);
        assert_eq!(samples.len() as u64, ended.frames);
        silent_in_gaps_alone(&samples, &recorded.gaps);
    }
    ended.recorded
}

/// Every frame of a gap is silence; none that is away from gaps and the beginning is.
fn silent_in_gaps_alone(samples: &[f32], gaps: &[Gap]) {
    let mut from = 20_000;
    for gap in gaps {
        let (first, end) = (gap.position as usize, (gap.position + gap.frames) as usize);
        let sound = samples.get(from..first.saturating_sub(FADE));
        let silent = sound.unwrap_or_default().iter().position(|x| *x <= 0.0);
        assert!(
            silent.is_none(),
            "{silent:?} behind {from}, before {gaps:?}"
        );
        assert!(samples[first..end].iter().all(|x| *x == 0.0), "{gap:?}");
        from = end + FADE;
    }
    let sound = samples.get(from..).unwrap_or_default();
    let silent = sound.iter().position(|x| *x <= 0.0);
    assert!(silent.is_none(), "{silent:?} behind {from}, {gaps:?}");
}

#[test]
fn frames_that_a_bridged_device_lost_are_a_gap_of_their_length_in_their_place() {
    for rate in [48_000, 44_100] {
        let kind = FaultKind::Xrun { lost_frames: 3_000 };
        for recorded in takes_of(rate, kind, 4) {
            let [gap] = &recorded.gaps[..] else {
                panic!("{:?}", recorded.gaps);
            };
            assert_eq!(gap.cause, Cause::Xrun);
            // As long as they were by the session's clock.
            let ratio = 48_000.0 / (f64::from(rate) * (1.0 + 80e-6));
            let wanted = 3_000.0 * ratio;
            assert!(
                (gap.frames as f64 - wanted).abs() < 2.0,
                "{gap:?}: {wanted}"
            );
        }
    }
}

#[test]
fn a_bridged_device_that_stalls_or_goes_is_one_gap_with_its_cause() {
    let for_ns = 1_500 * MS;
    for (kind, cause) in [
        (FaultKind::Stall { for_ns }, Cause::Stalled),
        (FaultKind::Unplug { for_ns }, Cause::DeviceGone),
    ] {
        for recorded in takes_of(48_000, kind.clone(), 5) {
            let [gap] = &recorded.gaps[..] else {
                panic!("{kind:?}: {:?}", recorded.gaps);
            };
            assert_eq!(gap.cause, cause, "{gap:?}");
            // What is waited for until the device is read again comes on top.
            let seconds = gap.frames as f64 / 48_000.0;
            assert!((1.45..1.8).contains(&seconds), "{gap:?}");
        }
    }
}

#[test]
fn no_silence_of_a_bridged_device_is_without_a_gap_whatever_befalls_it() {
    let mut faults = 0;
    for seed in 0..trials(4) {
        let dice = &mut Dice::new(9_000 + seed);
        let fault = |dice: &mut Dice| {
            let for_ms = dice.log_uniform(1.0, 1_500.0);
            let for_ns = (for_ms * 1e6) as u64;
            let kind = match dice.below(6) {
                0 | 1 => FaultKind::Xrun {
                    lost_frames: ((for_ms * 48.0) as u64).max(1),
                },
                2 => FaultKind::Unplug { for_ns },
                3 => FaultKind::Stall { for_ns },
                4 => FaultKind::Miss,
                _ => FaultKind::Double,
            };
            Fault {
                at_ns: (1_000 + dice.below(4_500)) * MS,
                kind,
            }
        };
        let count = 1 + dice.below(4);
        let thrown: Vec<_> = (0..count).map(|_| fault(dice)).collect();
        let rate = [48_000, 44_100][dice.below(2) as usize];
        println!("trial {seed}: {rate} Hz, {thrown:?}");
        faults += count;
        takes_through(seed, rate, thrown, 7);
    }
    println!("{faults} faults of a bridged device: no silence without a gap");
}
