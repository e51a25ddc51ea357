//! The peaks whose sum goes through given levels.
//!
//! Neighbouring peaks overlap, so a peak's own gain is not the level at its centre. In decibels the
//! levels are nearly a linear map of the gains once a peak's quality follows its gain such that at
//! the neighbour's centre there is always the same share of it. That map is inverted once; then the
//! levels that the peaks really have are worked out and what is missing goes through the inverse
//! again. Source: R. J. Oliver and J.-M. Jot, "Efficient Multi-Band Digital Audio Graphic Equalizer
//! with Accurate Frequency Response Control", AES 139, 2015, for peaks that keep their share;
//! V. Valimaki and J. Liski, "Accurate Cascade Graphic Equalizer", IEEE Signal Processing Letters 24,
//! 2017, for the inverse in two steps. Here there are as many steps as make it exact.

use core::f64::consts::PI;

use alloc::vec::Vec;

use super::table::THIRDS;
use crate::parts::analogue::{Analogue, Response};
use crate::parts::decibel::amplitude;
use crate::parts::svf::SvfCoefficients;

/// The share of a peak's decibels that is left at the neighbour's centre. More makes all sliders at
/// one place a flatter line; less makes up and down in turn cost less gain.
const SHARE: f64 = 0.35;
/// The gain for which the map is worked out, in decibels.
const TYPICAL_DB: f64 = 12.0;
/// Corrections: each leaves about a quarter of the error when up and down take turns.
const STEPS: usize = 5;
/// Gains below this have its quality, in decibels: at 0 there is none.
const SMALL_DB: f64 = 0.01;

/// One number for each band; those there are not are 0.
pub(super) type Bands = [f64; THIRDS];

/// What follows from the bands and the sample rate alone.
#[derive(Clone, Debug)]
pub(super) struct Solver {
    /// Centres in cycles per sample.
    norms: Vec<f64>,
    /// For each band, the square of the bent frequency over the bent centre at the neighbour below.
    neighbours: Vec<f64>,
    /// For each centre, the square of the bent frequency over the bent centre of each band.
    ratios: Vec<Bands>,
    /// From levels to gains.
    inverse: Vec<Bands>,
}

/// Numerator and denominator factors of a peak: squares of what stands before s.
#[derive(Clone, Copy, Debug, Default)]
struct Peak {
    above: f64,
    below: f64,
}

impl Peak {
    fn new(gain_db: f64, q: f64) -> Self {
        let gain = amplitude(gain_db / 2.0);
        let (above, below) = (gain / q, 1.0 / (gain * q));
        Self {
            above: above * above,
            below: below * below,
        }
    }

    /// The square of the level where the square of the frequency over the centre is `w`.
    fn power(&self, w: f64) -> f64 {
        let apart = (1.0 - w) * (1.0 - w);
        (apart + self.above * w) / (apart + self.below * w)
    }
}

impl Solver {
    /// For centres `step` apart, as a ratio of frequencies.
    ///
    /// Allocates.
    pub(super) fn new(norms: Vec<f64>, step: f64) -> Self {
        let bent = |norm: f64| {
            let bent = libm::tan(PI * norm);
            bent * bent
        };
        let ratio = |at: f64, band: f64| bent(at) / bent(band);
        let ratios: Vec<Bands> = norms
            .iter()
            .map(|&at| {
                let mut row = [0.0; THIRDS];
                for (place, &band) in row.iter_mut().zip(&norms) {
                    *place = ratio(at, band);
                }
                row
            })
            .collect();
        let neighbours = norms.iter().map(|&norm| ratio(norm / step, norm)).collect();
        let mut solver = Self {
            norms,
            neighbours,
            ratios,
            inverse: Vec::new(),
        };
        let mut map = solver.ratios.clone();
        for (band, &neighbour) in solver.neighbours.iter().enumerate() {
            let peak = Peak::new(TYPICAL_DB, quality(TYPICAL_DB, neighbour));
            for (row, ratios) in map.iter_mut().zip(&solver.ratios) {
                row[band] = decibels(peak.power(ratios[band])) / TYPICAL_DB;
            }
        }
        solver.inverse = invert(map);
        solver
    }

    /// Number of bands.
    pub(super) fn bands(&self) -> usize {
        self.norms.len()
    }

    /// The gains of the peaks that together have these levels at the centres, all in decibels.
    ///
    /// Real-time safe: some ten microseconds.
    pub(super) fn gains(&self, levels_db: &Bands) -> Bands {
        let mut gains = self.through_inverse(levels_db);
        for _ in 0..STEPS {
            let got = self.levels(&gains);
            let missing = core::array::from_fn(|band| levels_db[band] - got[band]);
            let step = self.through_inverse(&missing);
            for (gain, step) in gains.iter_mut().zip(step) {
                *gain += step;
            }
        }
        gains
    }

    /// The filter of a band whose peak has this gain.
    pub(super) fn filter(&self, band: usize, gain_db: f64) -> SvfCoefficients {
        let q = quality(gain_db, self.neighbours[band]);
        let peak = Analogue::new(Response::Peak, gain_db, q);
        SvfCoefficients::bilinear(&peak, self.norms[band])
    }

    /// The levels at the centres in decibels when the peaks have these gains.
    fn levels(&self, gains_db: &Bands) -> Bands {
        let mut peaks = [Peak::default(); THIRDS];
        for (band, &neighbour) in self.neighbours.iter().enumerate() {
            peaks[band] = Peak::new(gains_db[band], quality(gains_db[band], neighbour));
        }
        let mut out = [0.0; THIRDS];
        for (out, ratios) in out.iter_mut().zip(&self.ratios) {
            let powers = peaks[..self.bands()].iter().zip(ratios);
            *out = decibels(powers.map(|(peak, &w)| peak.power(w)).product());
        }
        out
    }

    fn through_inverse(&self, levels: &Bands) -> Bands {
        let mut out = [0.0; THIRDS];
        for (out, row) in out.iter_mut().zip(&self.inverse) {
            *out = row.iter().zip(levels).map(|(a, b)| a * b).sum();
        }
        out
    }
}

/// The quality with which a peak has [`SHARE`] of its decibels where the square of the frequency over
/// its centre is `w`.
///
/// With G the gain's square and c = G^SHARE: (1-w)^2 + G w/(Q^2 sqrt(G)) over (1-w)^2 + w/(Q^2
/// sqrt(G)) shall be c.
fn quality(gain_db: f64, w: f64) -> f64 {
    let power = amplitude(2.0 * gain_db.abs().max(SMALL_DB));
    let root = libm::sqrt(power);
    let share = libm::pow(power, SHARE);
    let apart = (1.0 - w) * (1.0 - w);
    libm::sqrt(w * (root - share / root) / ((share - 1.0) * apart))
}

fn decibels(power: f64) -> f64 {
    10.0 * libm::log10(power)
}

/// The inverse of the square matrix in the first columns, by elimination. The largest number of each
/// row is on its diagonal.
fn invert(mut rows: Vec<Bands>) -> Vec<Bands> {
    let count = rows.len();
    let mut inverse: Vec<Bands> = (0..count)
        .map(|row| {
            let mut unit = [0.0; THIRDS];
            unit[row] = 1.0;
            unit
        })
        .collect();
    for pivot in 0..count {
        let scale = 1.0 / rows[pivot][pivot];
        rows[pivot].iter_mut().for_each(|x| *x *= scale);
        inverse[pivot].iter_mut().for_each(|x| *x *= scale);
        let (from, from_inverse) = (rows[pivot], inverse[pivot]);
        for other in (0..count).filter(|&other| other != pivot) {
            let share = rows[other][pivot];
            for (to, from) in rows[other].iter_mut().zip(&from) {
                *to -= share * from;
            }
            for (to, from) in inverse[other].iter_mut().zip(&from_inverse) {
                *to -= share * from;
            }
        }
    }
    inverse
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_keeps_its_share_at_the_neighbour() {
        for gain_db in [-20.0, -3.0, 0.5, 12.0, 25.0] {
            let w = 0.6;
            let peak = Peak::new(gain_db, quality(gain_db, w));
            let got = decibels(peak.power(w)) / gain_db;
            assert!((got - SHARE).abs() < 1e-9, "{gain_db} dB: {got}");
        }
    }

    #[test]
    fn an_inverse_undoes_its_matrix() {
        let rows: Vec<Bands> = (0..5)
            .map(|i| {
                core::array::from_fn(|j| match j {
                    _ if j >= 5 => 0.0,
                    _ if i == j => 1.0,
                    _ => 0.4 / (1.0 + f64::from((i as i32 - j as i32).abs())),
                })
            })
            .collect();
        let inverse = invert(rows.clone());
        for (i, row) in rows.iter().enumerate() {
            for j in 0..5 {
                let column = inverse.iter().map(|row| row[j]);
                let product: f64 = row.iter().zip(column).map(|(a, b)| a * b).sum();
                let unit = f64::from(u8::from(i == j));
                assert!((product - unit).abs() < 1e-12, "{i} {j}: {product}");
            }
        }
    }
}
