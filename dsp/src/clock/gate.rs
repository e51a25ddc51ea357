//! Which calls tell something of a device's clock.

use super::estimator::ClockEstimator;

/// A call that is later than so many times the latest usual one, and so much, in nanoseconds, tells
/// of a fault, not of the clock.
const FAULT_TIMES: f64 = 3.0;
const FAULT_NS: f64 = 2e6;
/// Such calls in a row, those not counted that come right behind another: more often, it is how the
/// device is now.
const FAULTS: u32 = 8;
/// Calls before anything is known to be unusual.
const SETTLED: u32 = 24;
/// A call that comes after so much of its block's time is one of several that were late together.
const CATCHING_UP: f64 = 0.25;

/// Keeps calls from a clock's estimate that come after a stall.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gate {
    last_ns: u64,
    faults: u32,
}

impl Gate {
    /// Whether a call at `time_ns`, whose `block` frames end at `end`, tells something of the clock;
    /// `usual_ns` is how late calls usually are at most. Also whether it comes right behind another.
    pub(super) fn takes(
        &mut self,
        clock: &ClockEstimator,
        end: u64,
        time_ns: u64,
        block: f64,
        usual_ns: f64,
    ) -> (bool, bool) {
        let passed_ns = time_ns.wrapping_sub(self.last_ns).cast_signed().max(0) as f64;
        self.last_ns = time_ns;
        let is_behind = clock.seen() > 0 && passed_ns <= CATCHING_UP * block * clock.frame_ns();
        if clock.seen() < SETTLED {
            return (true, is_behind);
        }
        let late_ns = -clock.time_after(time_ns, end);
        if late_ns <= FAULT_TIMES * usual_ns + FAULT_NS {
            self.faults = 0;
            return (true, is_behind);
        }
        self.faults += u32::from(!is_behind);
        (self.faults > FAULTS, is_behind)
    }
}
