//! A rate that walks at random, and its exact integral.
//!
//! At whole seconds the walk is a sum of independent steps, so that its spectrum falls with the
//! square of the frequency; between them it is straight, so that its integral is exact.

use super::random::Random;

/// Time between two points of the walk in nanoseconds.
const POINT_NS: f64 = 1e9;
/// The walk stands still after these, 50 days: points are kept in memory, 16 bytes each.
const POINTS: usize = 50 * 86_400;
/// The walk is held within this part of the nominal rate, 50,000 ppm.
const WIDEST: f64 = 0.05;

/// A walk that begins at 0 at time 0.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    /// Standard deviation of a step, as a part of the nominal rate.
    step: f64,
    random: Random,
    /// Integral in nanoseconds, and value, at whole seconds as far as they were asked for.
    points: Vec<(f64, f64)>,
}

impl Walk {
    pub(super) fn new(ppm_per_sqrt_s: f64, seed: u64) -> Self {
        Self {
            step: ppm_per_sqrt_s * 1e-6,
            random: Random::new(seed, 0),
            points: vec![(0.0, 0.0)],
        }
    }

    /// Its integral since time 0 in nanoseconds, and its value.
    pub(super) fn at(&mut self, time_ns: f64) -> (f64, f64) {
        let time_ns = time_ns.max(0.0);
        let point = ((time_ns / POINT_NS) as usize).min(POINTS);
        while self.points.len() < point + 2 {
            self.go_on();
        }
        let (integral_ns, value) = self.points[point];
        let since_ns = time_ns - point as f64 * POINT_NS;
        let slope = (self.points[point + 1].1 - value) / POINT_NS;
        (
            integral_ns + since_ns * (value + slope * since_ns / 2.0),
            value + slope * since_ns,
        )
    }

    #[cold]
    fn go_on(&mut self) {
        let (integral_ns, value) = self.points.last().copied().unwrap_or_default();
        let step = if self.points.len() > POINTS {
            0.0
        } else {
            self.step * self.random.normal()
        };
        let next = (value + step).clamp(-WIDEST, WIDEST);
        let integral_ns = integral_ns + POINT_NS * (value + next) / 2.0;
        self.points.push((integral_ns, next));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_integral_is_that_of_the_values() {
        let mut walk = Walk::new(10.0, 5);
        // The value is straight between the points, so that Simpson's rule is exact; the halves
        // meet at points, not over them.
        let (mut sum, step_ns) = (0.0, 0.25e9);
        for quarter in 0..4_000 {
            let begin = f64::from(quarter) * step_ns;
            let mut value = |part: f64| walk.at(begin + part * step_ns).1;
            sum += (value(0.0) + 4.0 * value(0.5) + value(1.0)) / 6.0 * step_ns;
            let (integral, _) = walk.at(begin + step_ns);
            assert!((integral - sum).abs() < 1e-6, "{quarter}: {integral} {sum}");
        }
    }

    #[test]
    fn the_variance_grows_with_time() {
        // The variance after T seconds is T times that of a step: among 400 walks the estimate
        // strays by sqrt(2 / 400) = 7 percent; the limit is four of these.
        for seconds in [10.0, 1_000.0] {
            let square = |seed| Walk::new(0.5, seed).at(seconds * 1e9).1.powi(2);
            let variance = (0..400).map(square).sum::<f64>() / 400.0;
            let ratio = variance / (0.25e-12 * seconds);
            assert!((ratio - 1.0).abs() < 0.28, "{seconds} s: {ratio}");
        }
    }

    #[test]
    fn it_does_not_matter_in_which_order_it_is_asked() {
        let (mut one, mut other) = (Walk::new(1.0, 9), Walk::new(1.0, 9));
        let far = one.at(5e12);
        for second in 0..5_000 {
            other.at(f64::from(second) * 1e9);
        }
        assert_eq!(other.at(5e12), far);
    }
}
