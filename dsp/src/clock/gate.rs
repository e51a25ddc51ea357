//! Which calls tell something of a device's clock.

use super::estimator::ClockEstimator;

/// A call that is later than so many times the latest usual one, and so much, in nanoseconds, tells
/// of a fault, not of the clock.
const FAULT_TIMES: f64 = 3.0;
const FAULT_NS: f64 = 2e6;
/// No more lateness than this is usual, in nanoseconds: what stays later than three times that, and
/// 22 ms, is a break, so that less than 70 ms are left to be waited for.
const USUAL_NS: f64 = 15e6;
/// Such calls in a row, those not counted that come right behind another: more often, it is how the
/// device is now.
const FAULTS: u32 = 8;
/// Calls that are so many nanoseconds later than they can be by a fault, in a row, or one that is so
/// much too early, come by another count: frames passed that nobody counted.
const OTHER_NS: f64 = 20e6;
/// Calls before anything is known to be unusual.
const SETTLED: u32 = 24;
/// A call that comes after so much of its block's time is one of several that were late together.
const CATCHING_UP: f64 = 0.25;

/// What a call tells of a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tells {
    /// When a frame begins.
    Time,
    /// Nothing: it is late by a fault.
    Nothing,
    /// That times and frames do not belong together any more.
    Break,
}

/// Keeps calls from a clock's estimate that come after a stall.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gate {
    last_ns: u64,
    faults: u32,
}

impl Gate {
    /// What a call at `time_ns` tells, whose `block` frames end at `end`, and whether it comes right
    /// behind another; `usual_ns` is how late calls usually are at most.
    pub(super) fn look(
        &mut self,
        clock: &ClockEstimator,
        end: u64,
        time_ns: u64,
        block: f64,
        usual_ns: f64,
    ) -> (Tells, bool) {
        let passed_ns = time_ns.wrapping_sub(self.last_ns).cast_signed().max(0) as f64;
        self.last_ns = time_ns;
        let is_behind = clock.seen() > 0 && passed_ns <= CATCHING_UP * block * clock.frame_ns();
        if clock.seen() < SETTLED {
            return (Tells::Time, is_behind);
        }
        let late_ns = -clock.time_after(time_ns, end);
        let most_ns = FAULT_TIMES * usual_ns.min(USUAL_NS) + FAULT_NS;
        if late_ns < -OTHER_NS {
            return (Tells::Break, is_behind);
        }
        if late_ns <= most_ns {
            self.faults = 0;
            return (Tells::Time, is_behind);
        }
        self.faults += u32::from(!is_behind);
        let tells = match self.faults > FAULTS {
            false => Tells::Nothing,
            true if late_ns > most_ns + OTHER_NS => Tells::Break,
            true => Tells::Time,
        };
        (tells, is_behind)
    }
}
