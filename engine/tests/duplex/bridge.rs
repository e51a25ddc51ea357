//! The bridge in a session: in step, as late as it says, and without a step in the sound.

use std::f64::consts::TAU;

use ossicle::dsp::resample::Taps;
use ossicle::io::device::sim::{Blocks, Fault, FaultKind, Sim, SimDevice};
use ossicle::io::realtime;
use ossicle::session::{BridgeTaps, Direction, SessionConfig};

use crate::world::{RATE, counting, delay, device, largest_step, live, run, sine, start};

const MS: u64 = 1_000_000;

#[test]
fn two_clocks_are_in_step_and_the_latency_is_told_to_the_frame() {
    for (ppm, late_us) in [(300.0, 50), (-1_500.0, 50), (20.0, 500)] {
        let sim = Sim::new(3);
        sim.plug(counting(device("mic", 1, 0, ppm, late_us)))
            .unwrap();
        sim.plug(device("speaker", 0, 1, 0.0, late_us)).unwrap();
        let mut session = start(&sim, live("mic", "speaker"));
        run(&sim, &mut session, 6.0);
        let report = session.report();
        let played = sim.played("speaker");
        let at = played.len() - 300;
        let measured = delay(&sim, "mic", "speaker", at, played[at]);
        let told = report.latency_frames as f64;
        assert!(
            (measured - told).abs() < 1.0,
            "{ppm} ppm: {measured} frames, {told} told"
        );
        // One block, half of 64 taps, all lateness and 8 frames.
        let late = 48e-3 * late_us as f64;
        assert!(told <= 256.0 + 32.0 + 2.0 * late + 8.0, "{told} frames");
        let bridge = &report.bridges[0];
        assert!((bridge.ppm - ppm).abs() < 1.0, "{bridge:?}");
        assert_eq!(bridge.direction, Direction::In);
        assert!(bridge.locked && bridge.jumps == 0, "{bridge:?}");
        assert_eq!((report.underrun_frames, report.overrun_frames), (0, 0));
        session.stop().unwrap();
    }
    assert_eq!(realtime::violations(), 0);
}

#[test]
fn kernels_of_all_lengths_are_as_late_as_told() {
    let mut shortest = None;
    for taps in Taps::ALL {
        let sim = Sim::new(4);
        sim.plug(counting(device("mic", 1, 0, -400.0, 50))).unwrap();
        sim.plug(device("speaker", 0, 1, 0.0, 50)).unwrap();
        let config = SessionConfig {
            bridge_taps: BridgeTaps(taps),
            ..live("mic", "speaker")
        };
        let mut session = start(&sim, config);
        run(&sim, &mut session, 4.0);
        let told = session.bridges()[0].latency_frames;
        session.stop().unwrap();
        let played = sim.played("speaker");
        let at = played.len() - 300;
        let measured = delay(&sim, "mic", "speaker", at, played[at]);
        assert!(
            (measured - told).abs() < 1.0,
            "{taps:?}: {measured} frames, {told} told"
        );
        // All else is the same: a block, and the lateness that was seen.
        let rest = told - 0.5 * taps.frames() as f64;
        let first = *shortest.get_or_insert(rest);
        assert!((rest - first).abs() < 1.0, "{taps:?}: {rest} and {first}");
    }
    assert_eq!(realtime::violations(), 0);
}

#[test]
fn rates_as_different_as_44_1_and_48_khz_are_bridged_by_the_same_code() {
    for (from, to) in [
        (44_100, 48_000),
        (48_000, 44_100),
        (96_000, 48_000),
        (192_000, 16_000),
        (96_000, 8_000),
        (8_000, 96_000),
    ] {
        let sim = Sim::new(5);
        let mic = SimDevice {
            sample_rate_hz: from,
            ..device("mic", 1, 0, 80.0, 50)
        };
        let speaker = SimDevice {
            sample_rate_hz: to,
            ..device("speaker", 0, 1, -40.0, 50)
        };
        sim.plug(sine(mic, 997.0)).unwrap();
        sim.plug(speaker).unwrap();
        let mut session = start(&sim, live("mic", "speaker"));
        run(&sim, &mut session, 5.0);
        let report = session.report();
        assert_eq!(session.sample_rate_hz(), to);
        assert!((report.bridges[0].ppm - 120.0).abs() < 1.0, "{report:?}");
        let played = sim.played("speaker");
        // What is heard is 997 Hz by the speaker's true clock.
        let heard_hz = 997.0 * (1.0 + 80e-6);
        let step = TAU * heard_hz / (f64::from(to) * (1.0 - 40e-6));
        // Half a millionth in the ratio moves the phase by 7e-5 in 2048 frames: -83 dB.
        let residual = residual_db(&played[played.len() - 2_048..], step);
        assert!(residual < -80.0, "{from} to {to} Hz: {residual} dB");
        session.stop().unwrap();
    }
    assert_eq!(realtime::violations(), 0);
}

/// What is left of a sine of a known step per frame when it is taken away, in dB relative to it.
fn residual_db(samples: &[f32], step: f64) -> f64 {
    // Least squares on sine and cosine.
    let mut sums = [0.0; 5];
    for (n, sample) in samples.iter().enumerate() {
        let (sin, cos) = (step * n as f64).sin_cos();
        let x = f64::from(*sample);
        let products = [sin * sin, sin * cos, cos * cos, sin * x, cos * x];
        sums.iter_mut()
            .zip(products)
            .for_each(|(sum, product)| *sum += product);
    }
    let [ss, sc, cc, sx, cx] = sums;
    let determinant = ss * cc - sc * sc;
    let (a, b) = (
        (sx * cc - cx * sc) / determinant,
        (cx * ss - sx * sc) / determinant,
    );
    let (mut rest, mut whole) = (0.0, 0.0);
    for (n, sample) in samples.iter().enumerate() {
        let (sin, cos) = (step * n as f64).sin_cos();
        let tone = a * sin + b * cos;
        rest += (f64::from(*sample) - tone).powi(2);
        whole += tone * tone;
    }
    10.0 * (rest / whole).log10()
}

#[test]
fn a_stall_of_either_side_is_covered_and_the_latency_comes_back() {
    for stalled in ["mic", "speaker"] {
        let sim = Sim::new(11);
        let fault = Fault {
            at_ns: 3_000 * MS,
            kind: FaultKind::Stall { for_ns: 20 * MS },
        };
        let with = |device: SimDevice| SimDevice {
            faults: if device.name == stalled {
                vec![fault.clone()]
            } else {
                Vec::new()
            },
            ..device
        };
        sim.plug(sine(with(device("mic", 1, 0, 100.0, 50)), 997.0))
            .unwrap();
        sim.plug(with(device("speaker", 0, 1, 0.0, 50))).unwrap();
        let mut session = start(&sim, live("mic", "speaker"));
        run(&sim, &mut session, 2.9);
        let before = session.report();
        run(&sim, &mut session, 1.2);
        let after = session.report();
        let (before, after) = (&before.bridges[0], &after.bridges[0]);
        let moved = (after.latency_frames - before.latency_frames).abs();
        assert!(moved < 1.0, "{stalled}: {before:?} {after:?}");
        assert!((after.ppm - before.ppm).abs() < 1.0, "{before:?} {after:?}");
        let played = sim.played("speaker");
        // The sine steps by 0.5 x 2 pi 997 / 48000 at most, a fade by 0.5 x pi / 2 / 192.
        let (step, at) = largest_step(&played);
        assert!(step < 0.0653 + 0.0042, "{stalled}: {step} at frame {at}");
        // All of it sounds but for less than 50 ms.
        let silent = silent_frames(&played[30_000..]);
        let most = if stalled == "mic" { 0.05 * RATE } else { 0.0 };
        assert!(silent as f64 <= most, "{stalled}: {silent} silent frames");
        session.stop().unwrap();
    }
    assert_eq!(realtime::violations(), 0);
}

/// Frames in runs of silence.
fn silent_frames(samples: &[f32]) -> usize {
    samples
        .windows(8)
        .filter(|run| run.iter().all(|sample| sample.abs() < 1e-6))
        .count()
}

#[test]
fn frames_that_a_device_loses_leave_the_delay_as_it_was() {
    let losses = [
        ("mic", 4_800),
        ("mic", 40),
        ("speaker", 4_800),
        ("speaker", 40),
    ];
    for (device_name, lost_frames) in losses {
        let sim = Sim::new(13);
        let fault = Fault {
            at_ns: 2_000 * MS,
            kind: FaultKind::Xrun { lost_frames },
        };
        let with = |device: SimDevice| SimDevice {
            faults: if device.name == device_name {
                vec![fault.clone()]
            } else {
                Vec::new()
            },
            ..device
        };
        sim.plug(counting(with(device("mic", 1, 0, 50.0, 50))))
            .unwrap();
        sim.plug(with(device("speaker", 0, 1, 0.0, 50))).unwrap();
        let mut session = start(&sim, live("mic", "speaker"));
        run(&sim, &mut session, 4.0);
        let played = sim.played("speaker");
        let at = |at: usize| delay(&sim, "mic", "speaker", at, played[at]);
        // Half a second behind the loss, and at the end.
        let before = at(90_000);
        for after in [
            at(96_000 + lost_frames as usize + 24_000),
            at(played.len() - 300),
        ] {
            assert!(
                (after - before).abs() < 1.0,
                "{device_name} lost {lost_frames}: {before} frames before, {after} after"
            );
        }
        let report = session.report();
        let told = report.overrun_frames + report.underrun_frames;
        assert!(told >= lost_frames, "{report:?}");
        session.stop().unwrap();
    }
    assert_eq!(realtime::violations(), 0);
}

#[test]
fn blocks_that_become_much_longer_are_silent_twice_at_most() {
    let sim = Sim::new(19);
    let longer = 1_757;
    let mic = SimDevice {
        blocks: Blocks::Fixed(64),
        faults: vec![Fault {
            at_ns: 12_000 * MS,
            kind: FaultKind::Period { frames: longer },
        }],
        ..device("mic", 1, 0, 100.0, 50)
    };
    sim.plug(sine(mic, 997.0)).unwrap();
    sim.plug(device("speaker", 0, 1, 0.0, 50)).unwrap();
    let mut session = start(&sim, live("mic", "speaker"));
    run(&sim, &mut session, 14.0);
    let played = sim.played("speaker");
    let silent = silent_frames(&played[11 * 48_000..]);
    // Two blocks, and the 10 ms that it waits until it sounds again.
    assert!(silent > 0 && silent < 2 * longer + 480, "{silent} frames");
    let (step, at) = largest_step(&played[11 * 48_000..]);
    assert!(step < 0.0653 + 3.0 * 0.0042, "{step} at {at}");
    session.stop().unwrap();
    assert_eq!(realtime::violations(), 0);
}

#[test]
fn a_period_that_changes_later_is_told_once() {
    let sim = Sim::new(19);
    let mic = SimDevice {
        blocks: Blocks::Fixed(64),
        faults: vec![Fault {
            at_ns: 10_000 * MS,
            kind: FaultKind::Period { frames: 512 },
        }],
        ..device("mic", 1, 0, 100.0, 50)
    };
    sim.plug(mic).unwrap();
    sim.plug(device("speaker", 0, 1, 0.0, 50)).unwrap();
    let mut session = start(&sim, live("mic", "speaker"));
    let told = |session: &mut ossicle::session::Session| {
        let warnings = session.report().warnings;
        let told = warnings.iter().filter(|line| line.contains("calls for"));
        told.cloned().collect::<Vec<_>>()
    };
    run(&sim, &mut session, 9.0);
    assert_eq!(told(&mut session), [""; 0]);
    run(&sim, &mut session, 21.0);
    let [line] = &told(&mut session)[..] else {
        panic!("{:?}", told(&mut session))
    };
    assert!(line.contains("\"mic\" calls for 512 frames"), "{line}");
    assert_eq!(session.report().events.len(), 0);
    session.stop().unwrap();
}

#[test]
fn blocks_of_any_length_on_both_sides_stay_in_step() {
    for (from, to) in [
        (Blocks::Random { max: 700 }, Blocks::Fixed(64)),
        (Blocks::Fixed(64), Blocks::List(vec![441, 480, 7, 1024])),
        (Blocks::Fixed(480), Blocks::Random { max: 5_000 }),
    ] {
        let sim = Sim::new(17);
        let mic = SimDevice {
            blocks: from.clone(),
            ..device("mic", 2, 0, 250.0, 50)
        };
        let speaker = SimDevice {
            blocks: to.clone(),
            ..device("speaker", 0, 2, 0.0, 50)
        };
        sim.plug(sine(mic, 440.0)).unwrap();
        sim.plug(speaker).unwrap();
        let mut session = start(&sim, live("mic", "speaker"));
        run(&sim, &mut session, 5.0);
        let report = session.report();
        let bridge = &report.bridges[0];
        assert!(
            (bridge.ppm - 250.0).abs() < 2.0,
            "{from:?} {to:?}: {bridge:?}"
        );
        let played = sim.played("speaker");
        let left: Vec<f32> = played.iter().step_by(2).copied().collect();
        // From the second second on: longest blocks are seen by then.
        let (step, at) = largest_step(&left[96_000..]);
        assert!(step < 0.0288 + 0.0042, "{from:?} {to:?}: {step} at {at}");
        assert_eq!(silent_frames(&left[96_000..]), 0, "{from:?} {to:?}");
        session.stop().unwrap();
    }
    assert_eq!(realtime::violations(), 0);
}
