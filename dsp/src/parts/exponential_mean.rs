//! A mean that forgets: d(n) = f d(n - 1) + (1 - f) w(n), many values at a time.
//!
//! As in [`falling_peak`](super::falling_peak): eight steps at once are the sum of f^k w(n - k) over
//! the last eight values and f^8 d(n - 8), which alone waits for what was before.

use super::falling_peak::{LANES, NO_VALUES, Values, last};

/// Taken off at each step of eight, so that what falls comes to 0 and not to subnormal numbers.
const FLOOR: f32 = 1e-20;

/// The factor of the mean, in the powers that are needed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forgetting {
    powers: [f32; 4],
    eighth: f64,
    share: f32,
}

impl Forgetting {
    /// A mean of which `factor`, 0 to 1, stays from one value to the next.
    ///
    /// # Real-time
    /// Safe.
    #[must_use]
    pub fn new(factor: f64) -> Self {
        let square = factor * factor;
        let fourth = square * square;
        Self {
            powers: [factor, square, square * factor, fourth].map(|power| power as f32),
            eighth: fourth * fourth,
            share: (1.0 - factor) as f32,
        }
    }
}

/// The mean and what it needs of the past.
#[derive(Clone, Copy, Debug)]
pub struct ExponentialMean {
    /// The last values, the newest last.
    values: [f32; LANES],
    /// The weighted sum of each and its three before it.
    fours: [f32; LANES],
    /// The last means.
    means: [f64; LANES],
}

impl ExponentialMean {
    /// The mean of silence.
    pub const REST: Self = Self {
        values: [0.0; LANES],
        fours: [0.0; LANES],
        means: [0.0; LANES],
    };

    /// Replaces `count` values, at least 0, by their mean. They stand behind the first [`LANES`]
    /// places, whose content does not matter.
    ///
    /// # Panics
    /// When there are more than [`MAX_VALUES`](super::falling_peak::MAX_VALUES).
    ///
    /// # Real-time
    /// Safe.
    #[inline(always)]
    pub fn run(&mut self, forgetting: &Forgetting, values: &mut Values, count: usize) {
        let whole = count.next_multiple_of(LANES);
        let [p1, p2, p3, p4] = forgetting.powers;
        values[..LANES].copy_from_slice(&self.values);
        let mut fours = NO_VALUES;
        fours[..LANES].copy_from_slice(&self.fours);
        let (w0, w1) = (&values[LANES..][..whole], &values[LANES - 1..][..whole]);
        let (w2, w3) = (&values[LANES - 2..][..whole], &values[LANES - 3..][..whole]);
        let out = &mut fours[LANES..][..whole];
        for n in 0..whole {
            out[n] = (w0[n] + w1[n] * p1) + (w2[n] * p2 + w3[n] * p3);
        }
        self.values.copy_from_slice(&values[count..][..LANES]);
        self.fours.copy_from_slice(&fours[count..][..LANES]);
        let (near, far) = (&fours[LANES..][..whole], &fours[LANES - 4..][..whole]);
        let eights = &mut values[LANES..][..whole];
        for n in 0..whole {
            eights[n] = (near[n] + far[n] * p4) * forgetting.share - FLOOR;
        }
        let mut means = self.means;
        let mut before = means;
        for group in eights.as_chunks_mut::<LANES>().0 {
            before = means;
            for lane in 0..LANES {
                let mean = means[lane] * forgetting.eighth + f64::from(group[lane]);
                means[lane] = if mean > 0.0 { mean } else { 0.0 };
            }
            for lane in 0..LANES {
                group[lane] = means[lane] as f32;
            }
        }
        self.means = last(&before, &means, whole - count);
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::super::falling_peak::MAX_VALUES;
    use super::*;

    #[test]
    fn it_is_the_recursion_in_double_precision_for_any_cut() {
        for factor in [0.0, 0.5, 0.99, 0.99999, 1.0] {
            let forgetting = Forgetting::new(factor);
            let (mut mean, mut exact) = (ExponentialMean::REST, 0.0_f64);
            let mut at = 0_u32;
            for turn in 0..400 {
                let count = 1 + turn * 29 % MAX_VALUES;
                let mut values = NO_VALUES;
                for value in &mut values[LANES..][..count] {
                    at += 1;
                    let noise = (at.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 24) as f32;
                    *value = if at % 1000 < 600 { 0.0 } else { noise };
                }
                let input = values;
                mean.run(&forgetting, &mut values, count);
                for (value, input) in values.iter().zip(input).skip(LANES).take(count) {
                    exact = exact * factor + (1.0 - factor) * f64::from(input);
                    // Six roundings of 2^-24, none of which gathers, and what is taken off.
                    let error = (f64::from(*value) - exact).abs();
                    assert!(
                        error < 4e-7 * exact + 1e-14,
                        "{factor}: {value}, not {exact}"
                    );
                }
            }
        }
    }
}
