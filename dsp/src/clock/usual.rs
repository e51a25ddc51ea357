//! How late calls usually come, and how long blocks usually are.

/// Calls of a period. What was seen counts for one to two of them.
const PERIOD: u32 = 10_000;
/// Largest values of a period that are kept.
const KEPT: usize = 16;
/// One call in so many may be a fault: more often, it is how the device is.
const FAULTS_ONE_IN: u32 = 2_000;

/// The largest of values that come again and again: single ones far beyond all others are faults,
/// and are left out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usual {
    /// A value is far beyond the next smaller one when it is more than so many times as large, and
    /// so much more.
    times: f64,
    more: f64,
    /// The largest of the period before and of this one, falling.
    before: [f64; KEPT],
    now: [f64; KEPT],
    calls_before: u32,
    calls: u32,
    most: f64,
}

impl Usual {
    /// Nothing seen. A value is a fault beyond `times` the next smaller one and `more`.
    pub(super) fn new(times: f64, more: f64) -> Self {
        Self {
            times,
            more,
            before: [0.0; KEPT],
            now: [0.0; KEPT],
            calls_before: 0,
            calls: 0,
            most: 0.0,
        }
    }

    /// A call came with this value, 0 or more.
    pub(super) fn add(&mut self, value: f64) {
        let turns = self.calls == PERIOD;
        if turns {
            (self.before, self.calls_before) = (self.now, self.calls);
            (self.now, self.calls) = ([0.0; KEPT], 0);
        }
        self.calls += 1;
        let kept = value > self.now[KEPT - 1];
        if kept {
            let mut at = KEPT - 1;
            while at > 0 && self.now[at - 1] < value {
                self.now[at] = self.now[at - 1];
                at -= 1;
            }
            self.now[at] = value;
        }
        // With the calls the faults that are believed grow.
        if kept || turns || self.calls.is_multiple_of(FAULTS_ONE_IN) {
            self.most = self.find();
        }
    }

    /// Whether enough calls were seen that what is usual was among them.
    pub(super) fn is_settled(&self) -> bool {
        self.calls + self.calls_before >= FAULTS_ONE_IN
    }

    /// The largest value that is no fault; 0 where nothing was seen.
    pub(super) fn most(&self) -> f64 {
        self.most
    }

    fn find(&self) -> f64 {
        let (mut old, mut new) = (0, 0);
        let mut next = || {
            let take_old = old < KEPT && (new == KEPT || self.before[old] > self.now[new]);
            let (list, at) = if take_old {
                (&self.before, &mut old)
            } else {
                (&self.now, &mut new)
            };
            let value = list.get(*at).copied().unwrap_or(0.0);
            *at += 1;
            value
        };
        let calls = self.calls + self.calls_before;
        let faults = ((calls / FAULTS_ONE_IN).max(1) as usize).min(KEPT - 1);
        let mut most = next();
        let mut larger = most;
        for _ in 0..faults {
            let value = next();
            if larger > self.times * value + self.more {
                most = value;
            }
            larger = value;
        }
        most
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lateness() -> Usual {
        Usual::new(3.0, 500_000.0)
    }

    #[test]
    fn one_very_late_call_is_a_stall_and_two_are_a_lateness() {
        let mut late = lateness();
        for call in 0..1000 {
            late.add(f64::from(call % 50) * 1_000.0);
        }
        assert_eq!(late.most(), 49_000.0);
        late.add(20e6);
        assert_eq!(late.most(), 49_000.0);
        late.add(15e6);
        assert_eq!(late.most(), 20e6);
    }

    #[test]
    fn stalls_that_come_once_a_minute_are_faults_for_ever() {
        // 11,250 calls of 256 frames are a minute at 48 kHz.
        let mut late = lateness();
        for call in 0..200_000_u32 {
            let stall = call % 11_250 == 5_000;
            late.add(if stall {
                20e6
            } else {
                f64::from(call % 50) * 1_000.0
            });
            assert!(late.most() <= 49_000.0, "call {call}: {}", late.most());
        }
        assert_eq!(late.most(), 49_000.0);
    }

    #[test]
    fn what_no_longer_comes_is_forgotten_after_two_periods() {
        let mut late = lateness();
        // One in a thousand is no fault.
        for _ in 0..20 {
            late.add(900_000.0);
        }
        for _ in 20..2 * PERIOD {
            late.add(10_000.0);
        }
        assert_eq!(late.most(), 900_000.0);
        late.add(10_000.0);
        assert_eq!(late.most(), 10_000.0);
    }
}
