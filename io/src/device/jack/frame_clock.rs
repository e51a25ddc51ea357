//! How many frames the server lost before a cycle.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use crate::device::clock::{frames_in, ns_of};

/// A frame time that lies further back than this many cycles began anew.
const BEHIND_CYCLES: i64 = 4;
/// A stop is at least this many cycles: a server with some periods in its card's buffer makes up for
/// a shorter one.
const STOP_CYCLES: i64 = 3;
/// A stop is at least this long, in nanoseconds: threads are late by some milliseconds.
const STOP_NS: u64 = 20_000_000;
/// Most by which a server's rate is lower than it says, as a divisor: 500 ppm.
const SLOW_DIVISOR: i64 = 2_000;
/// In so many nanoseconds one cycle at least is in time, and a stop is over.
const WINDOW_NS: u64 = 500_000_000;

/// What is known at the beginning of a cycle.
#[derive(Clone, Copy)]
pub(super) struct Cycle {
    /// The server's frame time. Wraps.
    pub begin: u32,
    /// Length of the cycle.
    pub frames: u32,
    /// When the server began the cycle, in nanoseconds of the own clock, however late it is told.
    pub began_ns: u64,
}

/// Finds lost frames.
///
/// The server's frame time runs on where only this client missed cycles. It stands where the server
/// itself stopped: that is seen by when cycles begin. They begin late by chance, never early, so the
/// least lateness is the course of the server, and it rises by what was lost. (The server's own
/// prediction of the time would be no help: it is smoothed, and after a stop it is wrong for seconds.)
#[derive(Default)]
pub(super) struct FrameClock {
    /// Frame time at which the next cycle begins if nothing is lost.
    expected: u32,
    course: Option<Course>,
}

/// How a server's cycles go by the own clock.
struct Course {
    last: Cycle,
    /// When the cycle would have begun if the server had never been late or stopped but for what was
    /// told.
    due_ns: i64,
    /// Part of a nanosecond that `due_ns` is short of, in 1/rate.
    due_rest: u64,
    /// Least lateness in this window, and how long the window is.
    least_ns: i64,
    window_ns: u64,
    /// A stop was told in this window.
    is_settling: bool,
    /// What was told and made up for after all.
    surplus_ns: i64,
}

impl FrameClock {
    /// Frames lost before `cycle`, which begins now.
    pub(super) fn lost(&mut self, cycle: Cycle, sample_rate_hz: u32) -> u64 {
        let frames = i64::from(cycle.frames);
        let Some(course) = &mut self.course else {
            self.expected = cycle.begin.wrapping_add(cycle.frames);
            self.course = Some(Course::new(cycle));
            return 0;
        };
        // A late client is told the time of a cycle that has only just begun, and then the same once
        // more: what was counted too early is not counted again.
        let missed = i64::from(cycle.begin.wrapping_sub(self.expected).cast_signed());
        let is_anew = missed < -BEHIND_CYCLES * frames;
        if missed > 0 || is_anew {
            self.expected = cycle.begin;
        }
        self.expected = self.expected.wrapping_add(cycle.frames);
        if is_anew {
            *course = Course::new(cycle);
            return 0;
        }
        missed.max(0).unsigned_abs() + course.stopped(cycle, sample_rate_hz)
    }
}

impl Course {
    fn new(cycle: Cycle) -> Self {
        Self {
            last: cycle,
            due_ns: cycle.began_ns.cast_signed(),
            due_rest: 0,
            least_ns: i64::MAX,
            window_ns: 0,
            is_settling: false,
            surplus_ns: 0,
        }
    }

    /// Frames for which the server stood still before `cycle`.
    fn stopped(&mut self, cycle: Cycle, sample_rate_hz: u32) -> u64 {
        let rate = u64::from(sample_rate_hz.max(1));
        let passed = i64::from(cycle.begin.wrapping_sub(self.last.begin).cast_signed());
        let passed_ns = cycle.began_ns.saturating_sub(self.last.began_ns);
        self.last = cycle;
        let exact = passed.max(0).unsigned_abs() * 1_000_000_000 + self.due_rest;
        self.due_rest = exact % rate;
        self.due_ns = self.due_ns.wrapping_add((exact / rate).cast_signed());
        if passed < 0 {
            let back_ns = ns_of(passed.unsigned_abs(), sample_rate_hz);
            self.due_ns = self.due_ns.wrapping_sub(back_ns.cast_signed());
        }
        let late_ns = cycle.began_ns.cast_signed().wrapping_sub(self.due_ns);
        if late_ns < 0 {
            // It was late before, or its rate is higher than it says.
            self.due_ns = cycle.began_ns.cast_signed();
            if self.is_settling {
                self.surplus_ns -= late_ns;
            }
        }
        let late_ns = late_ns.max(0);
        let cycle_ns = ns_of(u64::from(cycle.frames), sample_rate_hz).cast_signed();
        let least_stop_ns = STOP_NS.cast_signed().max(STOP_CYCLES * cycle_ns);
        // The cycle it was stopped in begins late, and the next follows at once.
        let stop_ns = late_ns - cycle_ns;
        let untold_ns = stop_ns - self.surplus_ns;
        if untold_ns >= least_stop_ns {
            self.due_ns = self.due_ns.wrapping_add(stop_ns);
            self.surplus_ns = 0;
            self.begin_window(true);
            return frames_in(untold_ns.unsigned_abs(), sample_rate_hz);
        }
        self.least_ns = self.least_ns.min(late_ns);
        self.window_ns = self.window_ns.saturating_add(passed_ns);
        if self.window_ns >= WINDOW_NS {
            let slow_ns = self.window_ns.cast_signed() / SLOW_DIVISOR;
            self.due_ns = self.due_ns.wrapping_add(self.least_ns.min(slow_ns));
            self.begin_window(false);
        }
        0
    }

    fn begin_window(&mut self, is_settling: bool) {
        self.is_settling = is_settling;
        self.least_ns = i64::MAX;
        self.window_ns = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD_NS: u64 = 5_333_333;
    const MS: u64 = 1_000_000;
    const REST: (u32, u64) = (256, PERIOD_NS);

    /// Frames lost before each cycle but the first, given what passed by the server's frame time and
    /// by the own clock since the cycle before began.
    fn lost(cycles: &[(u32, u64)]) -> Vec<u64> {
        let mut clock = FrameClock::default();
        let mut cycle = Cycle {
            begin: u32::MAX - 300,
            frames: 256,
            began_ns: 1_000_100_000,
        };
        clock.lost(cycle, 48_000);
        let next = |&(passed, gap_ns): &(u32, u64)| {
            cycle.begin = cycle.begin.wrapping_add(passed);
            cycle.began_ns += gap_ns;
            clock.lost(cycle, 48_000)
        };
        cycles.iter().map(next).collect()
    }

    /// All that is lost in so many cycles, of which each comes by chance late by up to `late_ns`,
    /// `slow_ns` after the period, with a stop of `stop_ns` in every `every`th.
    fn lost_in(cycles: u64, late_ns: u64, slow_ns: u64, (every, stop_ns): (u64, u64)) -> u64 {
        let (mut clock, mut seed, mut time_ns) = (FrameClock::default(), 1_u64, 7 * MS);
        let mut all = 0;
        for number in 0..cycles {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            if number % every == every - 1 {
                time_ns += stop_ns;
            }
            let cycle = Cycle {
                begin: 256 * number as u32,
                frames: 256,
                began_ns: time_ns + (seed >> 33) % (late_ns + 1),
            };
            all += clock.lost(cycle, 48_000);
            time_ns += PERIOD_NS + slow_ns;
        }
        all
    }

    #[test]
    fn cycles_missed_by_this_client_alone_are_lost() {
        assert_eq!(lost(&[REST, (4 * 256, 4 * PERIOD_NS), REST]), [0, 768, 0]);
        let long = (100 * 256, 100 * PERIOD_NS);
        assert_eq!(lost(&[long, REST]), [99 * 256, 0]);
        // Called late, told of the cycle that has begun meanwhile, and told of it again.
        let twice = [(512, 2 * PERIOD_NS), (0, 0)];
        let cycles = [REST, twice[0], twice[1], REST, twice[0]];
        assert_eq!(lost(&cycles), [0, 256, 0, 0, 0]);
    }

    /// As a server with the dummy driver wakes up: one cycle late, the next at once.
    #[test]
    fn a_stop_of_the_server_is_lost_to_a_frame_from_a_few_periods_up() {
        for stop_ms in [26, 60, 100, 150, 200, 220, 600] {
            let late = (256, PERIOD_NS + stop_ms * MS);
            let told = lost(&[REST, late, (256, 50_000), REST, REST]);
            let true_frames = stop_ms * 48 - 256;
            assert!(told[1].abs_diff(true_frames) <= 3, "{stop_ms} ms: {told:?}");
            assert_eq!(told.iter().sum::<u64>(), told[1], "{told:?}");
        }
        // The client was told of the cycle twice.
        let late = (512, 2 * PERIOD_NS + 150 * MS);
        let told = lost(&[REST, late, (0, 0), (256, 50_000), REST]);
        assert!(told[1].abs_diff(256 + 7_200 - 256) <= 2, "{told:?}");
        assert_eq!(told.iter().sum::<u64>(), told[1], "{told:?}");
        // The server went on for a part of it.
        let told = lost(&[REST, (9_600, 600 * MS), REST]);
        assert!(told[1].abs_diff(600 * 48 - 256 - 256) <= 2, "{told:?}");
    }

    #[test]
    fn late_cycles_and_slow_rates_are_no_loss() {
        let never = (u64::MAX, 0);
        for (late_ns, slow_ns) in [(0, 0), (9 * MS, 0), (20 * MS, 0), (MS, 2_000)] {
            let told = lost_in(100_000, late_ns, slow_ns, never);
            assert_eq!(told, 0, "late by {late_ns} ns, slow by {slow_ns} ns");
        }
        // A cycle in fifty comes late by four periods, and those that follow make up for it.
        let catches = [4 * PERIOD_NS, 0, 0, 0, 0].map(|ns| (256, ns + 1));
        let cycles: Vec<_> = [vec![REST; 45], catches.to_vec()].concat();
        assert_eq!(lost(&cycles.repeat(20)).iter().sum::<u64>(), 0);
    }

    #[test]
    fn a_stop_that_a_long_buffer_makes_up_for_is_taken_off_the_next() {
        let late = (256, PERIOD_NS + 60 * MS);
        let caught = vec![(256, PERIOD_NS - 5 * MS); 12];
        let told = lost(&[vec![REST, late], caught, vec![late], vec![REST; 3]].concat());
        let all: u64 = told.iter().sum();
        assert!(all.abs_diff(60 * 48) <= 256 + 8, "{told:?}");
    }

    #[test]
    fn short_stops_are_lost_once_they_are_long_together() {
        let cycles = 20_000;
        let stops = cycles / 500;
        let told = lost_in(cycles, MS, 0, (500, 7 * MS));
        // 500 ppm of the rate may be slowness, and what is under 20 ms is not told yet.
        let true_frames = stops * 7 * 48;
        let least = true_frames - cycles * 256 / 2_000 - 21 * 48;
        assert!(
            (least..=true_frames).contains(&told),
            "{told} of {true_frames}"
        );
    }

    #[test]
    fn a_frame_time_that_begins_anew_is_no_loss() {
        let back = (0_u32.wrapping_sub(100_000), PERIOD_NS);
        assert_eq!(lost(&[REST, back, REST, REST]), [0, 0, 0, 0]);
    }
}
