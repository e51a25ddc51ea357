//! The estimate of a clock, from calls that are late by chance.

use ossicle_dsp::clock::ClockEstimator;

const RATE_HZ: f64 = 48_000.0;

/// Calls for blocks of 451 frames, late by up to `late_ns`, of a device whose error is `usual` in
/// millionths, and another one between two moments in seconds. Gives the clock after `seconds`, and by
/// how many nanoseconds its last frame begins later than it is thought to.
fn run(usual: f64, other: (f64, f64, f64), late_ns: f64, seconds: f64) -> (ClockEstimator, f64) {
    let mut clock = ClockEstimator::new(RATE_HZ, None);
    let (ppm, from_s, until_s) = other;
    let (mut frame, mut at_ns, mut random) = (0, 1e9, 5_u64);
    while at_ns < (1.0 + seconds) * 1e9 {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let late = late_ns * (random >> 11) as f64 / (1_u64 << 53) as f64;
        clock.observe(frame, (at_ns + late) as u64);
        let is_other = at_ns > (1.0 + from_s) * 1e9 && at_ns < (1.0 + until_s) * 1e9;
        let error = 1e-6 * if is_other { ppm } else { usual };
        at_ns += 451.0 * 1e9 / (RATE_HZ * (1.0 + error));
        frame += 451;
    }
    let off_ns = -clock.time_after(at_ns as u64, frame);
    (clock, off_ns)
}

/// Points of that time would lie in the clock's line for as long as it looks back, a thousandth off and
/// more.
#[test]
fn a_rate_that_no_clock_has_is_forgotten_as_soon_as_it_is_over() {
    for ppm in [-9_000.0, -7_200.0, -4_000.0, 4_000.0, 9_000.0] {
        for late_ns in [20e3, 200e3, 500e3] {
            for (seconds, most_ppm) in [(13.0, 200.0), (16.0, 100.0), (40.0, 2.0)] {
                let (clock, off_ns) = run(-836.0, (ppm, 8.0, 11.0), late_ns, seconds);
                let error = clock.error() * 1e6 + 836.0;
                assert!(
                    error.abs() < most_ppm && off_ns.abs() < 0.2 * late_ns + 5e3,
                    "{ppm} ppm for 3 s, late {late_ns} ns, at {seconds} s: {error:.1} ppm, {off_ns:.0} ns"
                );
            }
        }
    }
}

/// A device that stood still calls for all that it has at once: those calls lie on one line, exactly,
/// that is no clock's.
#[test]
fn calls_that_are_caught_up_with_tell_no_rate() {
    const PPM: f64 = 560.0;
    let period_ns = 128.0 * 1e9 / (RATE_HZ * (1.0 + 1e-6 * PPM));
    for learned in [None, Some(560.5e-6)] {
        for burst in [1, 2, 30, 200] {
            let mut clock = ClockEstimator::new(RATE_HZ, learned);
            let begin_ns = 1e9 + f64::from(burst) * period_ns;
            for call in 0..6_000 {
                let frame = 128 * u64::from(call as u32);
                let due_ns = (1e9 + f64::from(call) * period_ns).max(begin_ns);
                clock.observe(frame, due_ns as u64);
                if call < burst + 60 {
                    continue;
                }
                let off_ns = -clock.time_after(due_ns as u64, frame);
                let error = clock.error() * 1e6 - PPM;
                assert!(
                    error.abs() < 10.0 && off_ns.abs() < 2e3,
                    "{learned:?}, {burst} at once, call {call}: {error:.1} ppm, {off_ns:.0} ns"
                );
            }
        }
    }
}
