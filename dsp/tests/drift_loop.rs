//! The loop between two clocks, on two devices that are simulated here: it locks, forgets nothing,
//! and is not taken in by calls that come late.

#[path = "drift_loop/plant.rs"]
mod plant;

use ossicle_dsp::clock::{DriftLoop, Learned, LoopSpec};
use plant::{BLOCK, Plant, RATE_HZ, Seen, locked_s};

#[test]
fn two_clocks_far_apart_lock_within_seconds() {
    for (ppm, late_ns, most_s) in [
        (1_900.0, 50e3, 1.5),
        (-1_900.0, 50e3, 1.5),
        (60.0, 2e6, 10.0),
    ] {
        let seen = Plant::new(ppm, late_ns, None).run(40.0);
        let locked = locked_s(&seen);
        assert!(
            locked < most_s,
            "{ppm} ppm, late {late_ns} ns: locked at {locked} s"
        );
        let last = &seen[seen.len() - 1];
        assert!(last.ppm.abs() < 0.5, "{} ppm", last.ppm);
        assert!(
            seen[1..]
                .iter()
                .filter(|seen| seen.seconds > most_s)
                .all(|seen| !seen.jump)
        );
    }
}

/// What was seen of the lateness before its floor was is not waited for, neither in the delay nor
/// in a margin that is given up two periods of 10,000 calls later.
#[test]
fn calls_that_are_very_late_lock_for_good() {
    for (late_ns, most_s) in [(500e3, 6.0), (2e6, 12.0)] {
        for seed in 0..12 {
            let ppm = 300.0 * (f64::from(seed) - 6.0);
            let mut plant = Plant::new(ppm, late_ns, None);
            plant.random = 1_000 + 77_777 * seed as u64;
            let seen = plant.run(125.0);
            let locked = locked_s(&seen);
            assert!(
                locked < most_s,
                "late {late_ns} ns, seed {seed}: locked at {locked} s"
            );
            // The lateness of both sides and 8 frames, of which the margin needs one side's.
            let most = 2.0 * late_ns * 1e-9 * RATE_HZ + 8.0;
            let margin = plant.drift.margin_frames();
            assert!(
                margin <= most,
                "late {late_ns} ns, seed {seed}: {margin} of {most} frames"
            );
        }
    }
}

#[test]
fn what_was_learned_locks_at_once() {
    let mut cold = Plant::new(-700.0, 50e3, None);
    cold.run(0.5);
    assert!(cold.drift.unsure().0 > 2e-6, "{:?}", cold.drift.unsure());
    let mut cold = Plant::new(-700.0, 50e3, None);
    cold.run(30.0);
    let (from, to) = cold.drift.unsure();
    assert!(from < 2e-6 && to < 2e-6, "{from} and {to}");
    let learned = cold.drift.learned().unwrap();
    assert!((learned.from_error - learned.to_error + 700e-6).abs() < 0.2e-6);
    let mut warm = Plant::new(-700.0, 50e3, Some(learned));
    warm.random = 99;
    let seen = warm.run(5.0);
    assert!(locked_s(&seen) < 0.1, "{} s", locked_s(&seen));
}

/// A load that is over is not what the next session needs, though this one's delay stays for long:
/// what was usual is known two periods of 10,000 calls later.
#[test]
fn a_margin_that_was_needed_once_is_not_learned() {
    let mut plant = Plant::new(-700.0, 50e3, None);
    plant.loaded = (20.0, 20e6);
    plant.run(10.0);
    let loaded = plant.drift.learned().unwrap().margin_frames;
    let mut plant = Plant::new(-700.0, 50e3, None);
    plant.loaded = (20.0, 20e6);
    plant.run(20.0 + 20_000.0 * BLOCK as f64 / RATE_HZ + 1.0);
    let margin = plant.drift.margin_frames();
    let learned = plant.drift.learned().unwrap().margin_frames;
    // Up to 20 ms late: 960 frames.
    assert!(loaded > 800.0 && margin > 800.0, "{loaded} and {margin}");
    // As where nothing was ever late by more than 50 us: 2.4 frames, of both sides, and 4.
    assert!((6.0..10.0).contains(&learned), "{learned} frames");
}

/// A margin that another session found out is believed until it is known what is usual now, in 2,000
/// calls. What is not needed then goes by a pitch that is off by less than a cent, and without a jump.
#[test]
fn a_learned_margin_that_is_not_needed_goes_within_a_minute() {
    let learned = |margin_frames| Learned {
        from_error: -700e-6,
        to_error: 0.0,
        margin_frames,
    };
    let known_s = 2_000.0 * BLOCK as f64 / RATE_HZ;
    let mut plant = Plant::new(-700.0, 50e3, Some(learned(1_000.0)));
    plant.run(known_s - 0.1);
    assert_eq!(plant.drift.margin_frames(), 1_000.0);
    let mut plant = Plant::new(-700.0, 50e3, Some(learned(1_000.0)));
    let seen = plant.run(known_s + 52.0);
    let margin = plant.drift.margin_frames();
    assert!(margin < 30.0, "{margin} frames");
    assert!(seen[1..].iter().all(|seen| !seen.jump));
    let most = |of: fn(&Seen) -> f64| seen[40..].iter().map(of).fold(0.0, f64::max);
    let (off, ppm) = (
        most(|seen| seen.off_frames.abs()),
        most(|seen| seen.ppm.abs()),
    );
    assert!(off < 0.5 && ppm < 450.0, "{off} frames off, {ppm} ppm");
    // What is left goes slowly.
    let last = &seen[seen.len() - 1];
    assert!(last.ppm.abs() < 9.0, "{} ppm", last.ppm);

    // One that is needed stays.
    let mut plant = Plant::new(-700.0, 20e6, Some(learned(1_000.0)));
    plant.run(known_s + 52.0);
    let margin = plant.drift.margin_frames();
    assert!(margin >= 1_000.0, "{margin} frames");
}

#[test]
fn what_was_learned_wrongly_is_forgotten() {
    let learned = Learned {
        from_error: 300e-6,
        to_error: 0.0,
        margin_frames: 8.0,
    };
    let seen = Plant::new(-200.0, 50e3, Some(learned)).run(40.0);
    assert!(locked_s(&seen) < 25.0, "{} s", locked_s(&seen));
}

#[test]
fn what_no_clock_is_off_by_is_not_believed() {
    for error in [0.01, -0.01, 2.5e-3, -2.5e-3, -1.0, f64::NAN, f64::INFINITY] {
        let learned = Learned {
            from_error: error,
            to_error: -error,
            margin_frames: if error.is_nan() { f64::NAN } else { -1e9 },
        };
        let seen = Plant::new(-200.0, 50e3, Some(learned)).run(10.0);
        assert!(locked_s(&seen) < 3.0, "{error}: {} s", locked_s(&seen));
    }
}

/// Calls that are never late: nothing divides by their lateness.
#[test]
fn calls_that_are_never_late_lock_at_once() {
    let seen = Plant::new(150.0, 0.0, None).run(20.0);
    assert!(locked_s(&seen) < 0.3, "{} s", locked_s(&seen));
    assert!(seen.iter().all(|seen| seen.ppm.is_finite()));
}

#[test]
fn a_floor_that_jumps_moves_nothing() {
    for floor_ns in [200e3, 25e3] {
        let mut plant = Plant::new(120.0, 50e3, None);
        plant.floor = (20.0, floor_ns);
        let seen = plant.run(60.0);
        assert!(
            locked_s(&seen) < 2.0,
            "{floor_ns} ns: {} s",
            locked_s(&seen)
        );
    }
}

/// Where the first calls of a stream come with another lateness, nothing between the two is a rate.
#[test]
fn a_floor_that_jumps_before_the_clock_is_known_leaves_the_rate_alone() {
    for learned in [false, true] {
        let learned = learned.then_some(Learned {
            from_error: 120e-6,
            to_error: 0.0,
            margin_frames: 8.0,
        });
        let mut plant = Plant::new(120.0, 200e3, learned);
        plant.floor = (0.12, 1.35e6);
        let seen = plant.run(40.0);
        let end = seen[seen.len() - 1].off_frames;
        for seen in seen.iter().filter(|seen| seen.seconds > 5.0) {
            let Seen { seconds, ppm, .. } = *seen;
            assert!(ppm.abs() < 5.0, "{learned:?}: {ppm} ppm at {seconds} s");
            let moved = seen.off_frames - end;
            assert!(
                moved.abs() < 2.0,
                "{learned:?}: {moved} frames at {seconds} s"
            );
        }
    }
}

/// A margin that shrinks is followed at any two rates.
#[test]
fn a_delay_that_shrinks_is_followed_from_one_rate_to_another() {
    for (from_hz, to_hz) in [(96_000.0, 32_000.0), (32_000.0, 96_000.0)] {
        let mut drift = DriftLoop::new(LoopSpec {
            from_hz,
            to_hz,
            ahead_frames: 32.0,
            late_frames: 0.0,
            learned: Some(Learned {
                from_error: 0.0,
                to_error: 0.0,
                margin_frames: 4_000.0,
            }),
        });
        let frames = |hz: f64| (hz * 8e-3) as u64;
        for call in 1..=5_000 {
            drift.written(call * frames(from_hz), call * 8_000_000);
            drift.read(
                call * frames(to_hz),
                call * 8_000_000,
                frames(to_hz) as usize,
            );
        }
        assert!(drift.margin_frames() < 3_995.0, "{}", drift.margin_frames());
        let off = drift.error_frames();
        assert!(off.abs() < 0.1, "{from_hz} into {to_hz} Hz: {off} frames");
    }
}

#[test]
fn lateness_that_is_known_moves_nothing_when_it_comes() {
    let learned = Learned {
        from_error: 0.0,
        to_error: 0.0,
        margin_frames: 9.0,
    };
    for learned in [None, Some(learned)] {
        let mut drift = DriftLoop::new(LoopSpec {
            from_hz: RATE_HZ,
            to_hz: RATE_HZ,
            ahead_frames: 32.0,
            late_frames: 6e-3 * RATE_HZ,
            learned,
        });
        let period_ns = 1e9 * BLOCK as f64 / RATE_HZ;
        let mut jumps = 0;
        for call in 1..=10_000 {
            // From the fifth second on, four calls in a thousand are 4 ms late.
            let late_ns = if call > 1_000 && call % 250 == 0 {
                4e6
            } else {
                0.0
            };
            let time_ns = |late_ns| (call as f64 * period_ns + late_ns) as u64;
            let end = call * BLOCK;
            drift.written(end, time_ns(late_ns));
            let read = drift.read(end, time_ns(late_ns + 1e3), BLOCK as usize);
            jumps += u32::from(read.is_some_and(|read| read.jump));
        }
        assert_eq!(jumps, 1, "with {learned:?}");
        let margin = drift.margin_frames();
        assert!((288.0..370.0).contains(&margin), "{margin}");
    }
}

#[test]
fn a_rate_that_jumps_is_followed() {
    for by in [-20.0, 20.0] {
        let mut plant = Plant::new(100.0, 50e3, None);
        plant.ppm = (100.0, 20.0, 100.0 + by);
        let seen = plant.run(60.0);
        let locked = locked_s(&seen);
        assert!(locked > 20.0 && locked < 36.0, "{by} ppm: {locked} s");
    }
}

/// Once a window is full, wherever the calls of a device that warms up are late; a straight line
/// below all calls of a window is up to a frame away at its end.
#[test]
fn a_rate_that_drifts_is_followed() {
    for (late_ns, drifts, from_s) in [(50e3, 0.05, 30.0), (500e3, -0.05, 80.0), (2e6, 0.05, 120.0)]
    {
        for seed in 0..3 {
            let mut plant = Plant::new(100.0, late_ns, None);
            (plant.drifts, plant.random) = (drifts, 1_000 + 77_777 * seed);
            let seen = plant.run(from_s + 40.0);
            let off = seen
                .iter()
                .filter(|seen| seen.seconds > from_s)
                .fold(0.0, |most: f64, seen| most.max(seen.off_frames.abs()));
            assert!(off < 0.2, "late {late_ns} ns, seed {seed}: {off} frames");
        }
    }
}

#[test]
fn a_stall_leaves_ratio_and_target_as_they_were() {
    let mut plant = Plant::new(-80.0, 50e3, None);
    plant.stall_s = (20.0, 20.02);
    let seen = plant.run(40.0);
    let margin = plant.drift.margin_frames();
    assert!(margin < 12.0, "{margin} frames of margin");
    assert!(locked_s(&seen) < 2.0, "{} s", locked_s(&seen));
}

#[test]
fn lateness_that_stays_is_waited_for_at_once() {
    let mut plant = Plant::new(0.0, 50e3, None);
    plant.run(2.0);
    let before = plant.drift.margin_frames();
    let mut plant = Plant::new(0.0, 50e3, None);
    plant.floor = (1.0, 2e6);
    plant.run(2.0);
    let after = plant.drift.margin_frames();
    assert!(before < 12.0 && after > 96.0, "{before} and {after} frames");
}

/// The same calls give the same reads, whatever the counters begin at.
#[test]
fn counters_may_begin_anywhere_and_wrap() {
    let run = |frame: u64, time: u64| {
        let mut plant = Plant::new(300.0, 50e3, None);
        let mut steps = Vec::new();
        for block in 1..2_000_u64 {
            let late = (plant.late_ns * plant.unit()) as u64;
            let ns = (plant.time_of((block * BLOCK) as f64) * 1e9) as u64 + late;
            plant
                .drift
                .written(frame.wrapping_add(block * BLOCK), time.wrapping_add(ns));
            let ns = (block * BLOCK) * 1_000_000_000 / 48_000 + late;
            let end = frame.wrapping_add(block * BLOCK);
            if let Some(read) = plant.drift.read(end, time.wrapping_add(ns), BLOCK as usize) {
                steps.push((read.frame.wrapping_sub(frame), read.fraction, read.step_to));
            }
        }
        steps
    };
    let first = run(0, 1_000);
    assert!(first.len() > 1_900);
    assert_eq!(first, run(u64::MAX - 100_000, u64::MAX - 2_000_000_000));
}

/// Long blocks that come at once are a break of the clock: what the line is by then is no rate that was
/// found out.
#[test]
fn a_break_while_calls_are_caught_up_with_teaches_no_rate() {
    const BLOCKS: u64 = 1_024;
    for ppm in [-400.0, 560.0] {
        let mut drift = DriftLoop::new(LoopSpec {
            from_hz: RATE_HZ,
            to_hz: RATE_HZ,
            ahead_frames: 32.0,
            late_frames: 0.0,
            learned: None,
        });
        let from_ns = 1e9 / (RATE_HZ * (1.0 + 1e-6 * ppm));
        let begin_ns = 40.0 * BLOCKS as f64 * from_ns;
        let (mut from, mut random) = (0, 7_u64);
        for call in 1..=900 {
            let read_ns = call as f64 * BLOCK as f64 * 1e9 / RATE_HZ;
            loop {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                let late_ns = 2e6 * (random >> 11) as f64 / (1_u64 << 53) as f64;
                let end = from + BLOCKS;
                let time_ns = (end as f64 * from_ns + late_ns).max(begin_ns);
                if time_ns > read_ns {
                    break;
                }
                from = end;
                drift.written(end, time_ns as u64);
            }
            drift.read(call * BLOCK, read_ns as u64, BLOCK as usize);
        }
        let off = drift.errors().0 * 1e6 - ppm;
        assert!(off.abs() < 150.0, "{ppm} ppm: off by {off:.1}");
    }
}
