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

/// A clock that is asked by calls for blocks of `block` frames, those of a device that errs by `ppm`.
struct Calls {
    clock: ClockEstimator,
    block: u64,
    ppm: f64,
    due_ns: f64,
    frame: u64,
    random: u64,
}

impl Calls {
    fn new(block: u64, ppm: f64) -> Self {
        Self {
            clock: ClockEstimator::new(RATE_HZ, None),
            block,
            ppm,
            due_ns: 1e9,
            frame: 0,
            random: 5,
        }
    }

    fn unit(&mut self) -> f64 {
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.random >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Calls until so many seconds are over, each when `comes` says that one comes which is due then, given
    /// two numbers from 0 to 1.
    fn go(&mut self, until_s: f64, comes: impl Fn(f64, f64, f64) -> f64) {
        while self.due_ns < (1.0 + until_s) * 1e9 {
            let time_ns = comes(self.due_ns, self.unit(), self.unit());
            self.clock.observe(self.frame, time_ns as u64);
            self.due_ns += self.block as f64 * 1e9 / (RATE_HZ * (1.0 + 1e-6 * self.ppm));
            self.frame += self.block;
        }
    }

    /// By how many millionths the clock is wrong, and by how many nanoseconds.
    fn off(&self) -> (f64, f64) {
        let off_ns = -self.clock.time_after(self.due_ns as u64, self.frame);
        (self.clock.error() * 1e6 - self.ppm, off_ns)
    }
}

/// A device on a bus calls at points of a grid only, along which its clock slides: each step is as one of
/// the floor, but they never come back. Of blocks of 5 1/3 ms a third of the grid is a step.
#[test]
fn a_clock_that_slides_along_a_grid_is_followed() {
    let cases = [
        (256, 50e3, 1e6, 0.0),
        (256, 0.0, 1e6, 300e3),
        (256, 50e3, 125e3, 0.0),
        (480, 50e3, 125e3, 0.0),
    ];
    for (block, before_ns, grid_ns, behind_ns) in cases {
        for (ppm, seconds) in [
            (130.0, 30.0),
            (130.0, 200.0),
            (-20.0, 130.0),
            (-20.0, 250.0),
            (-130.0, 30.0),
            (20.0, 130.0),
            (5.0, 400.0),
        ] {
            let mut calls = Calls::new(block, ppm);
            calls.go(seconds, |due_ns, before, behind| {
                let woken_ns = due_ns + before_ns * before;
                (woken_ns / grid_ns).ceil() * grid_ns + behind_ns * behind
            });
            let (error, off_ns) = calls.off();
            assert!(
                error.abs() < 2.0 && off_ns.abs() < 50e3,
                "blocks of {block}, late {before_ns} ns, grid {grid_ns} ns, then {behind_ns} ns; {ppm} ppm \
                 for {seconds} s: {error:.2} ppm, {off_ns:.0} ns"
            );
        }
    }
}

/// The floor may have moved before, and the device may warm up, by more than what would be another clock all
/// at once.
#[test]
fn a_clock_on_a_grid_may_begin_on_another_floor_and_warm_up() {
    let grid = |due_ns: f64| (due_ns / 1e6).ceil() * 1e6;
    for warms in [-0.05, 0.0, 0.05] {
        let mut calls = Calls::new(256, 60.0);
        calls.go(9.0, |due_ns, unit, _| grid(due_ns + 50e3 * unit));
        for second in 10..500 {
            calls.go(f64::from(second), |due_ns, unit, _| {
                grid(due_ns + 50e3 * unit) + 900e3
            });
            let (error, off_ns) = calls.off();
            let off_ns = off_ns + 900e3;
            assert!(
                second < 60 || error.abs() < 5.0 && off_ns.abs() < 100e3,
                "{warms} ppm a second, at {second} s: {error:.2} ppm, {off_ns:.0} ns"
            );
            calls.ppm += warms;
        }
    }
}

/// Calls late by up to 50 us over a floor that rises at those times, in seconds, to those heights.
fn on_floors<'a>(floors: &'a [(f64, f64)]) -> impl Fn(f64, f64, f64) -> f64 + 'a {
    move |due_ns, unit, _| {
        let risen = |(at_s, _): &&(f64, f64)| due_ns > (1.0 + at_s) * 1e9;
        let floor_us = floors.iter().rfind(risen).map_or(0.0, |floor| floor.1);
        due_ns + 1e3 * floor_us + 50e3 * unit
    }
}

/// Taken for a clock's they would be so for some 5 ppm of it.
#[test]
fn floors_that_rise_unalike_unevenly_or_seldom_are_no_clock() {
    let floors: [&[(f64, f64)]; 3] = [
        &[
            (15., 100.),
            (35., 160.),
            (55., 300.),
            (75., 380.),
            (95., 500.),
        ],
        &[(15., 100.), (30., 200.), (45., 300.), (95., 400.)],
        &[(15., 100.), (35., 200.), (55., 300.)],
    ];
    for floors in floors {
        for ppm in [-80.0, 0.0, 80.0] {
            let mut calls = Calls::new(256, ppm);
            for second in 8..120 {
                calls.go(f64::from(second), on_floors(floors));
                let (error, _) = calls.off();
                assert!(
                    error.abs() < 2.0,
                    "{floors:?}, {ppm} ppm, at {second} s: {error:.2} ppm"
                );
            }
        }
    }
}

/// Four floors that rise as a grid's steps would, and then no more; and calls on a grid that all come
/// later, or earlier, by other than its steps.
#[test]
fn a_grid_that_is_none_any_more_is_left() {
    for ppm in [-80.0, 80.0] {
        let mut calls = Calls::new(256, ppm);
        let floors = [(15.0, 100.0), (20.0, 200.0), (25.0, 300.0), (30.0, 400.0)];
        calls.go(34.0, on_floors(&floors));
        let (error, _) = calls.off();
        assert!(error.abs() > 10.0, "no grid: {error:.2} ppm");
        calls.go(45.0, on_floors(&floors));
        let (error, _) = calls.off();
        assert!(error.abs() < 2.0, "no grid, {ppm} ppm: {error:.2} ppm");
    }
    for by_ns in [-800e3, -250e3, 5e6] {
        let grid = |due_ns: f64| (due_ns / 1e6).ceil() * 1e6;
        let mut calls = Calls::new(256, 130.0);
        calls.go(30.0, |due_ns, unit, _| grid(due_ns + 50e3 * unit));
        calls.go(50.0, |due_ns, unit, _| grid(due_ns + 50e3 * unit) + by_ns);
        let (error, off_ns) = calls.off();
        let off_ns = off_ns + by_ns;
        assert!(
            error.abs() < 2.0 && off_ns.abs() < 50e3,
            "grid moved by {by_ns} ns: {error:.2} ppm, {off_ns:.0} ns"
        );
    }
}
