//! A true-peak meter to judge by: sixteen times the rate, 256 taps a phase, 0.99 of half the rate.
//!
//! One stage, in double precision, under Blackman's window: neither the filter nor the structure of
//! the limiter's own detector.

use std::f64::consts::PI;

const PHASES: usize = 16;
const TAPS: usize = 256;
/// Where the low-pass has half its amplitude, in cycles per sample.
const CORNER_NORM: f64 = 0.99 * 0.5;

pub struct Meter {
    rows: Vec<[f64; TAPS]>,
}

impl Meter {
    pub fn new() -> Self {
        let rows = (0..PHASES).map(|phase| {
            let row: [f64; TAPS] = std::array::from_fn(|tap| {
                let x = tap as f64 - (TAPS / 2 - 1) as f64 - phase as f64 / PHASES as f64;
                let angle = PI * x / (TAPS / 2) as f64;
                let window = 0.42 + 0.5 * angle.cos() + 0.08 * (2.0 * angle).cos();
                let turn = 2.0 * PI * CORNER_NORM * x;
                let sinc = if x == 0.0 { 1.0 } else { turn.sin() / turn };
                2.0 * CORNER_NORM * sinc * window
            });
            let sum: f64 = row.iter().sum();
            row.map(|value| value / sum)
        });
        Self {
            rows: rows.collect(),
        }
    }

    /// The largest magnitude between the samples, and at them, of a signal in silence.
    pub fn peak(&self, samples: &[f32]) -> f64 {
        let silence = std::iter::repeat_n(0.0, TAPS);
        let samples = samples.iter().map(|&sample| f64::from(sample));
        let padded: Vec<f64> = silence.clone().chain(samples).chain(silence).collect();
        let mut largest = padded.iter().fold(0.0_f64, |a, b| a.max(b.abs()));
        for window in padded.windows(TAPS) {
            // What is far below the largest cannot exceed it: the weights of a row sum up to
            // less than 4 in magnitude.
            for row in &self.rows {
                let mut sums = [0.0; 8];
                for (row, window) in row.chunks_exact(8).zip(window.chunks_exact(8)) {
                    for lane in 0..8 {
                        sums[lane] += row[lane] * window[lane];
                    }
                }
                largest = largest.max(sums.iter().sum::<f64>().abs());
            }
        }
        largest
    }
}
