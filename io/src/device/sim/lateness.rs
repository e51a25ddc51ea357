//! How late a device's callbacks come.

use super::random::Random;

/// One part of the way from a block that is full to the callback that brings it. Parts apply in
/// their order, each from the time at which the one before ended. A callback never overtakes the
/// one before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Lateness {
    /// Later by 0 to `max_ns`, all alike likely.
    Uniform {
        /// Longest, in nanoseconds.
        max_ns: u64,
    },
    /// Later by an exponential chance: mostly a little, sometimes much.
    Exponential {
        /// Mean in nanoseconds.
        mean_ns: u64,
    },
    /// Later by 0 to `max_ns`, and now and then by `from_ns` to `until_ns` instead.
    HeavyTail {
        /// Longest of the usual ones, in nanoseconds.
        max_ns: u64,
        /// How likely the other ones are, 0 to 1.
        probability: f64,
        /// Shortest of the other ones, in nanoseconds.
        from_ns: u64,
        /// Longest of the other ones, in nanoseconds.
        until_ns: u64,
    },
    /// Only at multiples of `step_ns` of virtual time: the frames of USB are 1 ms, its microframes
    /// 125 us.
    Grid {
        /// Nanoseconds, at least 1.
        step_ns: u64,
    },
    /// All later by `by_ns` from a random time on, all in time again from another, and so on.
    Floor {
        /// By how much, in nanoseconds.
        by_ns: u64,
        /// Mean time between two jumps, in nanoseconds; the times are exponential.
        mean_ns: u64,
    },
}

impl Lateness {
    /// What is wrong with it.
    pub(super) fn fault(&self) -> Option<&'static str> {
        match self {
            Self::HeavyTail {
                probability,
                from_ns,
                until_ns,
                ..
            } if !(0.0..=1.0).contains(probability) || until_ns < from_ns => {
                Some("a heavy tail needs a probability of 0 to 1 and a range")
            }
            Self::Grid { step_ns: 0 } => Some("a grid needs a step"),
            Self::Floor { mean_ns: 0, .. } => Some("a floor needs a time between its jumps"),
            _ => None,
        }
    }
}

/// The lateness of one stream.
#[derive(Clone, Debug)]
pub(super) struct Late {
    parts: Vec<Part>,
    random: Random,
}

#[derive(Clone, Debug)]
struct Part {
    kind: Lateness,
    /// Of a floor: whether it is up, and when it jumps next.
    up: bool,
    jump_ns: f64,
}

impl Late {
    /// From `now_ns` on.
    pub(super) fn new(kinds: &[Lateness], now_ns: u64, mut random: Random) -> Self {
        let part = |&kind: &Lateness| Part {
            kind,
            up: false,
            jump_ns: match kind {
                Lateness::Floor { mean_ns, .. } => {
                    now_ns as f64 + random.exponential(mean_ns as f64)
                }
                _ => f64::INFINITY,
            },
        };
        Self {
            parts: kinds.iter().map(part).collect(),
            random,
        }
    }

    /// When the callback comes whose block is full at `due_ns`.
    pub(super) fn wake_ns(&mut self, due_ns: u64) -> u64 {
        let random = &mut self.random;
        self.parts.iter_mut().fold(due_ns, |wake_ns, part| {
            let later_ns = match part.kind {
                Lateness::Uniform { max_ns } => up_to(max_ns, random),
                Lateness::Exponential { mean_ns } => random.exponential(mean_ns as f64) as u64,
                Lateness::HeavyTail {
                    max_ns,
                    probability,
                    from_ns,
                    until_ns,
                } => {
                    if random.unit() < probability {
                        from_ns + up_to(until_ns - from_ns, random)
                    } else {
                        up_to(max_ns, random)
                    }
                }
                Lateness::Grid { step_ns } => {
                    let point_ns = wake_ns.checked_next_multiple_of(step_ns);
                    point_ns.map_or(0, |point_ns| point_ns - wake_ns)
                }
                Lateness::Floor { by_ns, mean_ns } => {
                    while wake_ns as f64 >= part.jump_ns {
                        part.up = !part.up;
                        part.jump_ns += random.exponential(mean_ns as f64);
                    }
                    if part.up { by_ns } else { 0 }
                }
            };
            wake_ns.saturating_add(later_ns)
        })
    }
}

fn up_to(most_ns: u64, random: &mut Random) -> u64 {
    (random.unit() * most_ns as f64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNT: usize = 100_000;

    /// Latenesses of callbacks a millisecond apart, in order of size.
    fn drawn(kinds: &[Lateness]) -> Vec<u64> {
        let mut late = Late::new(kinds, 0, Random::new(11, 0));
        let mut drawn: Vec<u64> = (0..COUNT as u64)
            .map(|n| late.wake_ns(n * 1_000_000) - n * 1_000_000)
            .collect();
        drawn.sort_unstable();
        drawn
    }

    /// Compares quantiles with their formula. The share of 100,000 draws below a quantile q strays
    /// by sqrt(q (1 - q) / 100,000), at most 0.0016: the formula has to lie between the quantiles
    /// 0.008 to both sides.
    fn has_quantiles(drawn: &[u64], quantile: impl Fn(f64) -> f64) {
        for percent in [2, 10, 25, 50, 75, 90, 97] {
            let q = f64::from(percent) / 100.0;
            let at = |q: f64| drawn[(q * COUNT as f64) as usize] as f64;
            let (low, high) = (at(q - 0.008), at(q + 0.008));
            let expected = quantile(q);
            assert!(
                (low..=high).contains(&expected),
                "{q}: {low} {expected} {high}"
            );
        }
    }

    #[test]
    fn uniform_lateness_has_straight_quantiles() {
        let drawn = drawn(&[Lateness::Uniform { max_ns: 3_000_000 }]);
        has_quantiles(&drawn, |q| q * 3e6);
        assert!(drawn[COUNT - 1] <= 3_000_000);
    }

    #[test]
    fn exponential_lateness_has_the_quantiles_of_its_mean() {
        let drawn = drawn(&[Lateness::Exponential { mean_ns: 500_000 }]);
        has_quantiles(&drawn, |q| -5e5 * (1.0 - q).ln());
    }

    #[test]
    fn a_heavy_tail_is_as_heavy_as_asked() {
        let kind = Lateness::HeavyTail {
            max_ns: 1_000_000,
            probability: 0.15,
            from_ns: 20_000_000,
            until_ns: 40_000_000,
        };
        let drawn = drawn(&[kind]);
        has_quantiles(&drawn, |q| match q {
            q if q < 0.85 => q / 0.85 * 1e6,
            q => 20e6 + (q - 0.85) / 0.15 * 20e6,
        });
        // Nothing lies between.
        assert!(drawn.iter().all(|ns| !(1_000_001..20_000_000).contains(ns)));
    }

    #[test]
    fn parts_add_up_and_a_grid_rounds_what_is_before_it() {
        let grid = Lateness::Grid { step_ns: 125_000 };
        let mut late = Late::new(&[grid], 0, Random::new(1, 0));
        assert_eq!(
            [0, 1, 125_000, 125_001].map(|ns| late.wake_ns(ns)),
            [0, 125_000, 125_000, 250_000]
        );
        let sum = [
            Lateness::Uniform { max_ns: 300_000 },
            grid,
            Lateness::Uniform { max_ns: 10 },
        ];
        let mut late = Late::new(&sum, 0, Random::new(1, 0));
        let wakes: Vec<u64> = (0..1_000).map(|n| late.wake_ns(n * 1_000_000)).collect();
        assert!(wakes.iter().all(|wake| wake % 125_000 < 10), "{wakes:?}");
        assert!(wakes.iter().any(|wake| wake % 1_000_000 > 250_000));
        assert!(wakes.iter().any(|wake| wake % 125_000 > 0));
    }

    #[test]
    fn a_floor_jumps_up_and_down_about_as_often_as_asked() {
        let kind = Lateness::Floor {
            by_ns: 2_000_000,
            mean_ns: 100_000_000,
        };
        let mut late = Late::new(&[kind], 0, Random::new(2, 0));
        let levels: Vec<u64> = (0..COUNT as u64)
            .map(|n| late.wake_ns(n * 1_000_000) - n * 1_000_000)
            .collect();
        assert!(levels.iter().all(|&ns| ns == 0 || ns == 2_000_000));
        // 100 s hold 1,000 jumps, give or take 32; two within a millisecond are not seen, 1 in 100.
        let jumps = levels.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert!((850..=1_150).contains(&jumps), "{jumps}");
    }
}
