//! How long a reader has to wait for a writer that comes late.

/// Calls of a period. All but one of so many are waited for.
const PERIOD: u32 = 10_000;
/// A call that came this many times later than the second latest, and so much, is a fault.
const FAULT_TIMES: f64 = 3.0;
const FAULT_NS: f64 = 500_000.0;

/// The lateness that is waited for: of all but one in 10,000 calls.
///
/// One call that comes very much later than all others is a stall, not a lateness to be waited for
/// in every block from then on.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Margin {
    /// Latest and second latest call of the period before and of this one, in nanoseconds.
    before: [f64; 2],
    now: [f64; 2],
    calls: u32,
}

impl Margin {
    /// A call came so late.
    pub(super) fn add(&mut self, late_ns: f64) {
        if self.calls == PERIOD {
            self.before = core::mem::take(&mut self.now);
            self.calls = 0;
        }
        self.calls += 1;
        if late_ns > self.now[0] {
            self.now = [late_ns, self.now[0]];
        } else if late_ns > self.now[1] {
            self.now[1] = late_ns;
        }
    }

    /// What is to be waited for, in nanoseconds.
    pub(super) fn needed_ns(&self) -> f64 {
        let (latest, second) = if self.now[0] >= self.before[0] {
            (self.now[0], self.now[1].max(self.before[0]))
        } else {
            (self.before[0], self.before[1].max(self.now[0]))
        };
        if latest > FAULT_TIMES * second + FAULT_NS {
            second
        } else {
            latest
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_very_late_call_is_a_stall_and_two_are_a_lateness() {
        let mut margin = Margin::default();
        for call in 0..1000 {
            margin.add(f64::from(call % 50) * 1_000.0);
        }
        assert_eq!(margin.needed_ns(), 49_000.0);
        margin.add(20e6);
        assert_eq!(margin.needed_ns(), 49_000.0);
        margin.add(15e6);
        assert_eq!(margin.needed_ns(), 20e6);
    }

    #[test]
    fn what_no_longer_comes_is_forgotten_after_two_periods() {
        let mut margin = Margin::default();
        margin.add(900_000.0);
        margin.add(900_000.0);
        for _ in 2..2 * PERIOD {
            margin.add(10_000.0);
        }
        assert_eq!(margin.needed_ns(), 900_000.0);
        margin.add(10_000.0);
        assert_eq!(margin.needed_ns(), 10_000.0);
    }
}
