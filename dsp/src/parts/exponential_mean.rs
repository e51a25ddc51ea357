//! A mean that forgets: d(n) = f d(n - 1) + (1 - f) w(n), eight values at a time.
//!
//! As in [`falling_peak`](super::falling_peak): eight steps at once are the sum of (1 - f) f^k w(n - k)
//! over the last eight values and f^8 d(n - 8), which alone waits for what was before.

use super::falling_peak::{LANES, Lanes, earlier, last};

/// Taken off at each step of eight, so that what falls comes to 0 and not to subnormal numbers.
const FLOOR: f32 = 1e-20;

/// The factor of the mean, in the powers that are needed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forgetting {
    share: f32,
    first: f32,
    second: f32,
    fourth: f32,
    eighth: f64,
}

impl Forgetting {
    /// A mean of which `factor`, 0 to 1, stays from one value to the next.
    ///
    /// # Real-time
    /// Safe.
    #[must_use]
    pub const fn new(factor: f64) -> Self {
        let second = factor * factor;
        let fourth = second * second;
        Self {
            share: (1.0 - factor) as f32,
            first: factor as f32,
            second: second as f32,
            fourth: fourth as f32,
            eighth: fourth * fourth,
        }
    }
}

/// The mean and what it needs of the past: the last eight of each step.
#[derive(Clone, Copy, Debug)]
pub struct ExponentialMean {
    ones: Lanes,
    twos: Lanes,
    fours: Lanes,
    means: [f64; LANES],
}

impl ExponentialMean {
    /// The mean of silence.
    pub const REST: Self = Self {
        ones: [0.0; LANES],
        twos: [0.0; LANES],
        fours: [0.0; LANES],
        means: [0.0; LANES],
    };

    /// Takes the next eight values, at least 0; gives the mean at each.
    ///
    /// # Real-time
    /// Safe.
    #[inline(always)]
    pub fn step(&mut self, forgetting: &Forgetting, values: Lanes) -> Lanes {
        let eights = self.gather(forgetting, values);
        self.carry(forgetting, eights)
    }

    /// The first half of [`step`](Self::step): the weighted sum of each eight.
    ///
    /// # Real-time
    /// Safe.
    #[inline(always)]
    pub fn gather(&mut self, forgetting: &Forgetting, values: Lanes) -> Lanes {
        let mut ones = [0.0; LANES];
        for lane in 0..LANES {
            ones[lane] = values[lane] * forgetting.share;
        }
        let twos = sum::<1>(&self.ones, &ones, forgetting.first);
        let fours = sum::<2>(&self.twos, &twos, forgetting.second);
        let mut eights = sum::<4>(&self.fours, &fours, forgetting.fourth);
        for lane in 0..LANES {
            eights[lane] -= FLOOR;
        }
        (self.ones, self.twos, self.fours) = (ones, twos, fours);
        eights
    }

    /// The second half: carries on what was before. Halves may be done for many groups in turn,
    /// the first for all of them, then the second.
    ///
    /// # Real-time
    /// Safe.
    #[inline(always)]
    pub fn carry(&mut self, forgetting: &Forgetting, eights: Lanes) -> Lanes {
        for lane in 0..LANES {
            let mean = self.means[lane] * forgetting.eighth + f64::from(eights[lane]);
            self.means[lane] = if mean > 0.0 { mean } else { 0.0 };
        }
        let mut out = [0.0; LANES];
        for lane in 0..LANES {
            out[lane] = self.means[lane] as f32;
        }
        out
    }

    /// What it would be had only the first `count` of the last eight values come, where `before` is
    /// what it was before them.
    ///
    /// # Real-time
    /// Safe.
    #[must_use]
    pub fn after(&self, before: &Self, count: usize) -> Self {
        Self {
            ones: last(&before.ones, &self.ones, count),
            twos: last(&before.twos, &self.twos, count),
            fours: last(&before.fours, &self.fours, count),
            means: last(&before.means, &self.means, count),
        }
    }
}

/// The sum of each value and the one `N` before it, times `factor`.
#[inline(always)]
fn sum<const N: usize>(before: &Lanes, now: &Lanes, factor: f32) -> Lanes {
    let earlier = earlier::<N>(before, now);
    let mut out = [0.0; LANES];
    for lane in 0..LANES {
        out[lane] = now[lane] + earlier[lane] * factor;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_recursion_in_double_precision_for_any_cut() {
        for factor in [0.0, 0.5, 0.99, 0.999_99, 1.0] {
            let forgetting = Forgetting::new(factor);
            let (mut mean, mut exact) = (ExponentialMean::REST, 0.0_f64);
            let mut at = 0_u32;
            for turn in 0..4000 {
                let count = 1 + turn * 5 % LANES;
                let mut values = [1e9; LANES];
                for value in &mut values[..count] {
                    at += 1;
                    let noise = (at.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 24) as f32;
                    *value = if at % 1000 < 600 { 0.0 } else { noise };
                }
                let before = mean;
                let got = mean.step(&forgetting, values);
                mean = mean.after(&before, count);
                for (got, input) in got.iter().zip(values).take(count) {
                    exact = exact * factor + (1.0 - factor) * f64::from(input);
                    // Eight roundings of 2^-25, none of which gathers, and what is taken off.
                    let error = (f64::from(*got) - exact).abs();
                    assert!(error < 3e-7 * exact + 1e-14, "{factor}: {got}, not {exact}");
                }
            }
        }
    }
}
