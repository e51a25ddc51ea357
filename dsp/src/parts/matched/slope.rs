//! Butterworth slopes: filters of first and second order in a row, matched together.

use core::f64::consts::{FRAC_1_SQRT_2, PI};

use super::matched_in_row;
use crate::parts::analogue::{Analogue, Response};
use crate::parts::svf::SvfCoefficients;

/// Filters a slope may need: 48 dB an octave take four of second order.
pub const MAX_FILTERS: usize = 4;
/// The steepest slope's order.
pub const MAX_ORDER: usize = 2 * MAX_FILTERS;

/// A low or high pass of 6 dB an octave for each order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slope {
    /// Its kind of first order.
    pub first: Response,
    /// Its kind of second order.
    pub second: Response,
    /// 1 to [`MAX_ORDER`]; more is taken as this.
    pub order: usize,
    /// 0.707 for Butterworth's; the most resonant pair of poles has so much more or less.
    pub q: f64,
}

impl Slope {
    /// The filters, with their corners at `norm` cycles per sample, above 0 and below 0.5: matched, or
    /// by the bilinear transform.
    ///
    /// Matched they are together within 0.3 dB of the analogue slope up to 0.42 of the sample rate,
    /// for qualities to 0.707 and for a low pass to 2; a resonant high pass with its corner above 0.2
    /// of the rate within 1 dB.
    ///
    /// # Real-time
    /// Safe: some microseconds each.
    pub fn filters(&self, norm: f64, bilinear: bool) -> impl Iterator<Item = SvfCoefficients> {
        let mut row = Row {
            norm,
            bilinear,
            filters: [None; MAX_FILTERS],
        };
        let order = self.order.min(MAX_ORDER);
        let pairs = order / 2;
        if order % 2 == 1 {
            row.add(self.first, FRAC_1_SQRT_2);
        }
        for pair in (0..pairs).rev() {
            // From the least resonant on. But the most resonant comes before the one next to it,
            // which can make up for what it lacks.
            let pair = match pair {
                0 | 1 if pairs > 1 => 1 - pair,
                pair => pair,
            };
            let asked = if pair == 0 {
                self.q / FRAC_1_SQRT_2
            } else {
                1.0
            };
            row.add(self.second, butterworth(order, pair) * asked);
        }
        row.filters.into_iter().flatten().map(|(_, filter)| filter)
    }
}

/// The quality of a pair of poles of the Butterworth filter: they lie even on a half circle, and the
/// first pair is nearest to the axis.
fn butterworth(order: usize, pair: usize) -> f64 {
    let angle = PI * (2 * pair + 1) as f64 / (2 * order) as f64;
    0.5 / libm::sin(angle)
}

/// Filters that are designed one after the other.
struct Row {
    norm: f64,
    bilinear: bool,
    filters: [Option<(Analogue, SvfCoefficients)>; MAX_FILTERS],
}

impl Row {
    fn add(&mut self, response: Response, q: f64) {
        let (norm, analogue) = (self.norm, Analogue::new(response, 0.0, q));
        let filter = if self.bilinear {
            SvfCoefficients::bilinear(&analogue, norm)
        } else {
            matched_in_row(&analogue, norm, q, |at| self.missing(at))
        };
        if let Some(free) = self.filters.iter_mut().find(|place| place.is_none()) {
            *free = Some((analogue, filter));
        }
    }

    /// What the filters lack of the power of their prototypes, as a factor.
    fn missing(&self, at: f64) -> f64 {
        let lacks = |(analogue, filter): &(Analogue, SvfCoefficients)| {
            analogue.power(at / self.norm) / filter.power(at)
        };
        self.filters.iter().flatten().map(lacks).product()
    }
}
