//! How many frames the server lost before a cycle.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use crate::device::clock::frames_in;
use crate::device::status::STALL_NS;

/// A frame time that lies further back than this many cycles began anew.
const BEHIND_CYCLES: i64 = 4;

/// What is known at the beginning of a cycle.
#[derive(Clone, Copy)]
pub(super) struct Cycle {
    /// The server's frame time. Wraps.
    pub begin: u32,
    /// Length of the cycle.
    pub frames: u32,
    /// Own time at which the cycle began here, in nanoseconds.
    pub time_ns: u64,
}

/// Finds lost frames.
///
/// The server's frame time runs on where only this client missed cycles. It stands where the server
/// itself stopped: a stop as long as a stall is measured by the monotonic clock instead. (The
/// server's own time would be no help: it is smoothed, and after a stop it is wrong for seconds.)
#[derive(Default)]
pub(super) struct FrameClock {
    last: Option<Cycle>,
    /// Frame time at which the next cycle begins if nothing is lost.
    expected: u32,
}

impl FrameClock {
    /// Frames lost before `cycle`, which begins now.
    pub(super) fn lost(&mut self, cycle: Cycle, sample_rate_hz: u32) -> u64 {
        let frames = i64::from(cycle.frames);
        let Some(last) = self.last.replace(cycle) else {
            self.expected = cycle.begin.wrapping_add(cycle.frames);
            return 0;
        };
        // A late client is told the time of a cycle that has only just begun, and then the same once
        // more: what was counted too early is not counted again.
        let missed = i64::from(cycle.begin.wrapping_sub(self.expected).cast_signed());
        if missed > 0 || missed < -BEHIND_CYCLES * frames {
            self.expected = cycle.begin;
        }
        self.expected = self.expected.wrapping_add(cycle.frames);
        let missed = missed.max(0).unsigned_abs();

        let gap_ns = cycle.time_ns.saturating_sub(last.time_ns);
        if gap_ns < STALL_NS {
            return missed;
        }
        let passed = i64::from(cycle.begin.wrapping_sub(last.begin).cast_signed());
        let gap = i64::try_from(frames_in(gap_ns, sample_rate_hz)).unwrap_or(i64::MAX);
        let stopped = gap - passed.max(0);
        // The frame time is as coarse as a cycle, and calls come a little early or late.
        if stopped <= 2 * frames {
            return missed;
        }
        missed + stopped.unsigned_abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD_NS: u64 = 5_333_333;

    /// Frames lost before each cycle but the first, given what passed by the server's frame time
    /// and by the own clock.
    fn lost(cycles: &[(u32, u64)]) -> Vec<u64> {
        let mut clock = FrameClock::default();
        let mut cycle = Cycle {
            begin: u32::MAX - 300,
            frames: 256,
            time_ns: 1_000_100_000,
        };
        clock.lost(cycle, 48_000);
        let next = |&(passed, gap_ns): &(u32, u64)| {
            cycle.begin = cycle.begin.wrapping_add(passed);
            cycle.time_ns += gap_ns;
            clock.lost(cycle, 48_000)
        };
        cycles.iter().map(next).collect()
    }

    #[test]
    fn cycles_missed_by_this_client_alone_are_lost() {
        let rest = (256, PERIOD_NS);
        assert_eq!(lost(&[rest, (4 * 256, 4 * PERIOD_NS), rest]), [0, 768, 0]);
        let long = (100 * 256, 100 * PERIOD_NS);
        assert_eq!(lost(&[long, rest]), [99 * 256, 0]);
        // Called late, told of the cycle that has begun meanwhile, and told of it again.
        let cycles = [rest, (512, PERIOD_NS), (0, 60_000), rest, (512, PERIOD_NS)];
        assert_eq!(lost(&cycles), [0, 256, 0, 0, 0]);
    }

    #[test]
    fn a_stop_of_the_server_is_lost_by_the_own_clock() {
        let (stop_ns, stop) = (600_000_000, 48 * 600);
        let rest = (256, PERIOD_NS);
        assert_eq!(lost(&[rest, (256, stop_ns), rest]), [0, stop - 256, 0]);
        let cycles = [rest, (512, stop_ns), (0, 60_000), rest];
        assert_eq!(lost(&cycles), [0, stop - 256, 0, 0]);
        // The server went on for a part of it.
        assert_eq!(lost(&[rest, (9_600, stop_ns)]), [0, stop - 256]);
    }

    #[test]
    fn a_frame_time_that_begins_anew_is_no_loss() {
        let rest = (256, PERIOD_NS);
        let back = (0_u32.wrapping_sub(100_000), PERIOD_NS);
        assert_eq!(lost(&[rest, back, rest, rest]), [0, 0, 0, 0]);
    }
}
