//! How a device's clock strays from its nominal rate, and the integral of it.

use core::f64::consts::TAU;

use super::walk::Walk;

/// One part of a clock's error, as a function of virtual time. Parts add up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Drift {
    /// Faster by `ppm` from a time on.
    Step {
        /// Virtual time in nanoseconds.
        at_ns: u64,
        /// Millionths of the nominal rate: positive is faster.
        ppm: f64,
    },
    /// Ever faster between two times; as it is then, afterwards.
    Ramp {
        /// Virtual time at which it begins, in nanoseconds.
        from_ns: u64,
        /// Virtual time at which it ends, in nanoseconds.
        until_ns: u64,
        /// Millionths of the nominal rate per second.
        ppm_per_s: f64,
    },
    /// Faster and slower by turns: 0 at time 0, and growing.
    Sine {
        /// Greatest error in millionths of the nominal rate.
        ppm: f64,
        /// Turns per second, above 0.
        hz: f64,
    },
    /// A random walk, whose spectrum falls with the square of the frequency, for 50 days; held
    /// within 50,000 ppm.
    Walk {
        /// Standard deviation after a second, in millionths of the nominal rate; after T seconds it
        /// is the square root of T times that.
        ppm_per_sqrt_s: f64,
        /// All its chance.
        seed: u64,
    },
}

impl Drift {
    /// The greatest error this can bring, walks aside, in millionths; not a number where a value
    /// makes no sense.
    pub(super) fn widest_ppm(&self) -> f64 {
        match *self {
            Self::Step { ppm, .. } => ppm.abs(),
            Self::Ramp {
                from_ns,
                until_ns,
                ppm_per_s,
            } => ppm_per_s.abs() * until_ns.saturating_sub(from_ns) as f64 * 1e-9,
            Self::Sine { ppm, hz } if hz > 0.0 && hz.is_finite() => ppm.abs(),
            Self::Walk { ppm_per_sqrt_s, .. } if ppm_per_sqrt_s.is_finite() => 0.0,
            Self::Sine { .. } | Self::Walk { .. } => f64::NAN,
        }
    }
}

/// A clock's whole error.
#[derive(Clone, Debug)]
pub(super) struct Drifts {
    /// The part that never changes, of the nominal rate.
    constant: f64,
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Ramp {
        from_ns: f64,
        until_ns: f64,
        per_ns: f64,
    },
    Step {
        at_ns: f64,
        by: f64,
    },
    Sine {
        by: f64,
        hz: f64,
    },
    Walk(Walk),
}

impl Drifts {
    pub(super) fn new(constant_ppm: f64, drifts: &[Drift]) -> Self {
        let part = |drift: &Drift| match *drift {
            Drift::Step { at_ns, ppm } => Part::Step {
                at_ns: at_ns as f64,
                by: ppm * 1e-6,
            },
            Drift::Ramp {
                from_ns,
                until_ns,
                ppm_per_s,
            } => Part::Ramp {
                from_ns: from_ns as f64,
                until_ns: until_ns.max(from_ns) as f64,
                per_ns: ppm_per_s * 1e-15,
            },
            Drift::Sine { ppm, hz } => Part::Sine { by: ppm * 1e-6, hz },
            Drift::Walk {
                ppm_per_sqrt_s,
                seed,
            } => Part::Walk(Walk::new(ppm_per_sqrt_s, seed)),
        };
        Self {
            constant: constant_ppm * 1e-6,
            parts: drifts.iter().map(part).collect(),
        }
    }

    /// By how many nanoseconds the clock is ahead since time 0, and its error then, as a part of the
    /// nominal rate: the first is the integral of the second.
    pub(super) fn at(&mut self, time_ns: f64) -> (f64, f64) {
        let (mut ahead_ns, mut error) = (self.constant * time_ns, self.constant);
        for part in &mut self.parts {
            let (ahead, by) = part.at(time_ns);
            ahead_ns += ahead;
            error += by;
        }
        (ahead_ns, error)
    }
}

impl Part {
    fn at(&mut self, time_ns: f64) -> (f64, f64) {
        match self {
            Self::Step { at_ns, by } if time_ns >= *at_ns => (*by * (time_ns - *at_ns), *by),
            Self::Step { .. } => (0.0, 0.0),
            Self::Ramp {
                from_ns,
                until_ns,
                per_ns,
            } => {
                let rising_ns = time_ns.clamp(*from_ns, *until_ns) - *from_ns;
                let error = *per_ns * rising_ns;
                let level_ns = (time_ns - *until_ns).max(0.0);
                (error * (rising_ns / 2.0 + level_ns), error)
            }
            Self::Sine { by, hz } => {
                // Whole turns are left out first: the sine of a large number is less exact.
                let turns = time_ns * 1e-9 * *hz;
                let (sine, cosine) = libm::sincos(TAU * (turns - turns.floor()));
                (*by * 1e9 / (TAU * *hz) * (1.0 - cosine), *by * sine)
            }
            Self::Walk(walk) => walk.at(time_ns),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_integral_is_that_of_its_error() {
        let second = 1_000_000_000;
        let kinds = [
            Drift::Step {
                at_ns: 3 * second,
                ppm: 70.0,
            },
            Drift::Ramp {
                from_ns: 2 * second,
                until_ns: 9 * second,
                ppm_per_s: -13.0,
            },
            Drift::Sine { ppm: 40.0, hz: 0.3 },
            Drift::Walk {
                ppm_per_sqrt_s: 5.0,
                seed: 4,
            },
        ];
        for kind in kinds {
            let mut drifts = Drifts::new(0.0, &[kind]);
            // The midpoint rule on a grid that meets all corners. Its error for the sine is
            // h^2 / 24 of the rise of the slope, (0.5e-3)^2 / 24 * 40e-6 * TAU * 0.3 = 8e-13 s.
            let (mut sum_ns, step_ns) = (0.0, 500_000.0);
            for n in 0..24_000 {
                sum_ns += drifts.at((f64::from(n) + 0.5) * step_ns).1 * step_ns;
            }
            let ahead_ns = drifts.at(12e9).0;
            assert!(ahead_ns.abs() > 1.0, "{kind:?}: {ahead_ns}");
            assert!(
                (ahead_ns - sum_ns).abs() < 1e-2,
                "{kind:?}: {ahead_ns} {sum_ns}"
            );
        }
    }
}
