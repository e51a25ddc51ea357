//! The rows of the kernel: a sinc under a Kaiser window, one row for each phase.
//!
//! Source: Kaiser and Schafer, "On the use of the I0-sinh window for spectrum analysis", IEEE
//! Transactions ASSP 28(1), 1980, for the window and its two formulas.

use alloc::vec;
use alloc::vec::Vec;
use core::f64::consts::PI;

/// What a table is made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Design {
    /// Length of a row, even.
    pub(crate) taps: usize,
    /// Rows for a way of one input frame; the row behind them is there too.
    pub(crate) phases: usize,
    /// Where the gain is one half, of half the input's rate: 1 or less.
    pub(crate) cutoff: f64,
    /// Attenuation beyond the transition.
    pub(crate) attenuation_db: f64,
}

impl Design {
    /// `phases + 1` rows in one piece. Row r is for the position r / phases behind tap
    /// `taps / 2 - 1`. Each adds up to 1.
    pub(crate) fn rows(&self) -> Vec<f32> {
        let taps = self.taps;
        let mut rows = vec![0.0; taps * (self.phases + 1)];
        // The kernel is even: rows of the other half are these, read backwards.
        for phase in 0..=self.phases / 2 {
            let row = self.row(phase as f64 / self.phases as f64);
            let mirror = self.phases - phase;
            rows[phase * taps..][..taps].copy_from_slice(&row);
            for (mirrored, &value) in rows[mirror * taps..][..taps].iter_mut().rev().zip(&row) {
                *mirrored = value;
            }
        }
        rows
    }

    fn row(&self, fraction: f64) -> Vec<f32> {
        let middle = self.taps / 2 - 1;
        let values: Vec<f64> = (0..self.taps)
            .map(|tap| self.value(tap as f64 - middle as f64 - fraction))
            .collect();
        let sum: f64 = values.iter().sum();
        let mut row = vec![0.0; self.taps];
        // From the middle outwards, each rounding error goes to the next, smaller value: what is
        // left of it in the sum is that of the smallest.
        let (left, right) = row.split_at_mut(middle + 1);
        let (left_values, right_values) = values.split_at(middle + 1);
        round(left.iter_mut().rev().zip(left_values.iter().rev()), sum);
        round(right.iter_mut().zip(right_values), sum);
        row
    }

    /// The kernel at so many input frames from its middle.
    fn value(&self, at: f64) -> f64 {
        if at == 0.0 {
            return 1.0;
        }
        if self.cutoff == 1.0 && at == libm::trunc(at) {
            return 0.0;
        }
        let angle = PI * self.cutoff * at;
        let beta = beta(self.attenuation_db);
        let place = 2.0 * at / self.taps as f64;
        let window = bessel_i0(beta * libm::sqrt((1.0 - place * place).max(0.0)));
        libm::sin(angle) / angle * window / bessel_i0(beta)
    }
}

/// Rounds `value / sum` to single precision, the error of each going to the next.
fn round<'a>(values: impl Iterator<Item = (&'a mut f32, &'a f64)>, sum: f64) {
    let mut error = 0.0;
    for (rounded, value) in values {
        let exact = value / sum + error;
        *rounded = exact as f32;
        error = exact - f64::from(*rounded);
    }
}

/// The window's parameter for an attenuation above 60 dB; equation 12 of the source.
fn beta(attenuation_db: f64) -> f64 {
    0.1102 * (attenuation_db - 8.7)
}

/// The modified Bessel function of the first kind and order zero, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut sum, mut term, mut k) = (1.0, 1.0, 1.0);
    while term > 1e-18 * sum {
        term *= quarter / (k * k);
        sum += term;
        k += 1.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    const EQUAL: Design = Design {
        taps: 64,
        phases: 2048,
        cutoff: 1.0,
        attenuation_db: 144.0,
    };

    #[test]
    fn every_row_adds_up_to_one() {
        let lowered = Design {
            taps: 144,
            phases: 1024,
            cutoff: 0.459_375,
            ..EQUAL
        };
        for design in [EQUAL, lowered] {
            for (phase, row) in design.rows().chunks(design.taps).enumerate() {
                let sum: f64 = row.iter().map(|&value| f64::from(value)).sum();
                // Rounded one by one they would be wrong by about 3e-8.
                assert!((sum - 1.0).abs() < 1e-11, "row {phase}: {sum:e}");
            }
        }
    }

    #[test]
    fn rows_at_whole_frames_are_a_single_one() {
        let rows = EQUAL.rows();
        let last = rows.len() - 64;
        for (row, one) in [(&rows[..64], 31), (&rows[last..], 32)] {
            for (tap, &value) in row.iter().enumerate() {
                assert_eq!(value, f32::from(u8::from(tap == one)), "tap {tap}");
            }
        }
    }

    #[test]
    fn bessel_function_has_its_tabulated_values() {
        // Abramowitz and Stegun, table 9.8: I0(1), and I0(10) from exp(-x) I0(x) there.
        for (x, value) in [(0.0, 1.0), (1.0, 1.266_065_877_8), (10.0, 2_815.716_628)] {
            assert!((bessel_i0(x) / value - 1.0).abs() < 1e-9, "I0({x})");
        }
    }
}
