//! A bridge between devices that are late, drift and stamp their calls in many ways.

use ossicle::io::device::sim::{Drift, Lateness, Sim, SimDevice, Stamps};
use ossicle::io::realtime;

use crate::world::{RATE, counting, delay, device, live, run, start};

const US: u64 = 1_000;
const MS: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
/// Seconds that are judged, the last ones.
const JUDGED_S: f64 = 10.0;

/// The most that may be wrong in the end.
struct Bounds {
    /// The ratio of both rates, in millionths.
    ppm: f64,
    /// The delay against what is told, in frames.
    frames: f64,
    /// Silence that is told, as a part of the time.
    silent: f64,
}

const GOOD: Bounds = Bounds {
    ppm: 1.0,
    frames: 2.0,
    silent: 0.0,
};

/// Runs a microphone into a speaker for so many seconds and judges the last of them: nothing is
/// silent that is not told, the sound is as late as told, and goes at the rate of both clocks.
fn stays_in_step(name: &str, mic: SimDevice, speaker: SimDevice, seconds: f64, most: &Bounds) {
    let sim = Sim::new(23);
    sim.plug(counting(mic)).unwrap();
    sim.plug(speaker).unwrap();
    let mut session = start(&sim, live("mic", "speaker"));
    run(&sim, &mut session, seconds - JUDGED_S);
    let missing = session.report().underrun_frames;
    let began = (sim.now_ns() as f64, sim.played("speaker").len());
    run(&sim, &mut session, JUDGED_S);
    let report = session.report();
    let missing = report.underrun_frames - missing;
    let played = sim.played("speaker");
    // What is counted is never 0 there.
    let silent = played[began.1..]
        .iter()
        .filter(|sample| **sample == 0.0)
        .count();
    assert!(
        missing > 0 || silent == 0,
        "{name}: {silent} silent frames are not told"
    );
    let most_silent = most.silent * JUDGED_S * RATE;
    assert!(
        silent as f64 <= most_silent,
        "{name}: {silent} frames are silent, {report:?}"
    );
    // A whole number of frames, nothing fading, which is near the end.
    let sounds = |at: &usize| {
        let around = &played[at - 600..at + 200];
        around
            .windows(2)
            .all(|pair| (0.5..2.0).contains(&(pair[1] - pair[0])))
    };
    let at = (played.len() - 48_000..played.len() - 300)
        .rfind(sounds)
        .unwrap();
    let off = delay(&sim, "mic", "speaker", at, played[at]) - report.latency_frames as f64;
    assert!(
        off.abs() < most.frames,
        "{name}: later by {off} frames than told"
    );
    let passed = |device: &str| {
        let frame = |time_ns| sim.device_frame(device, time_ns).unwrap();
        frame(sim.now_ns() as f64) - frame(began.0)
    };
    let ppm = (passed("mic") / passed("speaker") - 1.0) * 1e6;
    let told = report.bridges[0].ppm;
    assert!(
        (told - ppm).abs() < most.ppm,
        "{name}: {told} ppm, {ppm} in truth"
    );
    session.stop().unwrap();
    assert_eq!(realtime::violations(), 0);
}

#[test]
fn stamps_that_are_invented_or_rounded_do_no_harm() {
    for stamps in [
        Stamps::Synthetic,
        Stamps::Quantised { step_ns: MS },
        Stamps::Quantised {
            step_ns: 10_666_667,
        },
    ] {
        for (side, ppm) in [("mic", -100.0), ("mic", 100.0), ("speaker", -100.0)] {
            let with = |name: &str, inputs, outputs| {
                let is_it = name == side;
                SimDevice {
                    stamps: if is_it { stamps } else { Stamps::Exact },
                    ..device(name, inputs, outputs, if is_it { ppm } else { 0.0 }, 50)
                }
            };
            let name = format!("{side} {stamps:?} {ppm} ppm");
            stays_in_step(&name, with("mic", 1, 0), with("speaker", 0, 1), 30.0, &GOOD);
        }
    }
}

#[test]
fn lateness_with_a_tail_or_another_floor_is_lived_with() {
    let some = Lateness::Uniform { max_ns: 50 * US };
    let cases = [
        (
            vec![Lateness::Uniform { max_ns: 2 * MS }],
            Bounds { ppm: 5.0, ..GOOD },
        ),
        (vec![Lateness::Exponential { mean_ns: 200 * US }], GOOD),
        (
            vec![Lateness::HeavyTail {
                max_ns: 100 * US,
                probability: 0.001,
                from_ns: 10 * MS,
                until_ns: 30 * MS,
            }],
            Bounds {
                silent: 0.02,
                ..GOOD
            },
        ),
        (
            vec![
                some,
                Lateness::Floor {
                    by_ns: 300 * US,
                    mean_ns: 15 * SECOND,
                },
            ],
            // Which of both floors is the clock's nobody can know: 14.4 frames of either side.
            Bounds {
                ppm: 5.0,
                frames: 30.0,
                ..GOOD
            },
        ),
    ];
    for (lateness, most) in cases {
        both_call_late(&lateness, 60.0, &most);
    }
}

/// A microphone and a speaker 150 millionths apart, both of which call so late.
fn both_call_late(lateness: &[Lateness], seconds: f64, most: &Bounds) {
    let with = |device: SimDevice| SimDevice {
        lateness: lateness.to_vec(),
        ..device
    };
    let (mic, speaker) = (
        device("mic", 1, 0, 130.0, 0),
        device("speaker", 0, 1, -20.0, 0),
    );
    let name = format!("{lateness:?} for {seconds} s");
    stays_in_step(&name, with(mic), with(speaker), seconds, most);
}

/// A clock slides along the grid on which its device calls. That of the speaker takes a step of a third of
/// a millisecond each 17 seconds, and the fourth one tells that they are the clock's: until then the sound
/// is late by them.
#[test]
fn calls_on_the_grid_of_a_bus_are_followed() {
    let grid = |step_ns| Lateness::Grid { step_ns };
    let uniform = |max_ns| Lateness::Uniform { max_ns };
    let cases = [
        (vec![uniform(50 * US), grid(MS)], 72.0),
        (vec![grid(MS), uniform(300 * US)], 72.0),
        (vec![uniform(50 * US), grid(125 * US)], 9.0),
    ];
    for (lateness, late_frames) in cases {
        for (seconds, ppm, frames) in [(60.0, 50.0, late_frames), (80.0, 5.0, 2.0)] {
            let most = Bounds {
                ppm,
                frames,
                silent: 0.0,
            };
            both_call_late(&lateness, seconds, &most);
        }
    }
}

#[test]
fn every_drift_is_followed() {
    let cases = [
        (
            Drift::Step {
                at_ns: 20 * SECOND,
                ppm: 50.0,
            },
            1.0,
        ),
        (
            Drift::Ramp {
                from_ns: 10 * SECOND,
                until_ns: 50 * SECOND,
                ppm_per_s: 0.05,
            },
            1.0,
        ),
        // Within the ten seconds it turns by 3 ppm at most.
        (Drift::Sine { ppm: 5.0, hz: 0.01 }, 3.0),
        (
            Drift::Walk {
                ppm_per_sqrt_s: 0.1,
                seed: 7,
            },
            1.0,
        ),
    ];
    for (drift, ppm) in cases {
        let mic = SimDevice {
            drifts: vec![drift],
            ..device("mic", 1, 0, 130.0, 50)
        };
        let speaker = device("speaker", 0, 1, -20.0, 50);
        stays_in_step(
            &format!("{drift:?}"),
            mic,
            speaker,
            60.0,
            &Bounds { ppm, ..GOOD },
        );
    }
}
