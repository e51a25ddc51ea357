//! Butterworth slopes: filters of first and second order in a row, matched together.

use core::f64::consts::{FRAC_1_SQRT_2, PI};

use super::fit::Place;
use super::{PLACES, TOP_NORM, joint, look, matched_in_row};
use crate::parts::analogue::{Analogue, Response};
use crate::parts::svf::SvfCoefficients;

/// The steepest slope's order: 48 dB an octave.
pub const MAX_ORDER: usize = 8;
/// Filters a slope may need.
pub const MAX_FILTERS: usize = MAX_ORDER / 2;
/// A resonance above this quality and this share of the sample rate leaves a high pass lacking.
const RESONANT_Q: f64 = FRAC_1_SQRT_2;
const HIGH_NORM: f64 = 0.15;

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
    /// for qualities to 2.
    ///
    /// # Real-time
    /// Safe: some tens of microseconds.
    pub fn filters(&self, norm: f64, bilinear: bool) -> impl Iterator<Item = SvfCoefficients> {
        let mut row = Row {
            norm,
            bilinear,
            count: 0,
            filters: [(FLAT, FLAT); MAX_FILTERS],
        };
        let order = self.order.min(MAX_ORDER);
        let pairs = order / 2;
        let together = !bilinear
            && order > 2
            && self.second == Response::HighPass
            && self.q > RESONANT_Q
            && (HIGH_NORM..=TOP_NORM).contains(&norm);
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
        if together {
            row.refine(self.q);
        }
        row.filters
            .into_iter()
            .take(row.count)
            .map(move |(_, digital)| SvfCoefficients::bilinear(&digital, norm))
    }
}

/// The quality of a pair of poles of the Butterworth filter: they lie even on a half circle, and the
/// first pair is nearest to the axis.
fn butterworth(order: usize, pair: usize) -> f64 {
    let angle = PI * (2 * pair + 1) as f64 / (2 * order) as f64;
    0.5 / libm::sin(angle)
}

/// What fills the row up.
const FLAT: Analogue = Analogue {
    b: [0.0, 0.0, 1.0],
    a: [0.0, 0.0, 1.0],
};

/// Filters that are designed one after the other.
struct Row {
    norm: f64,
    bilinear: bool,
    count: usize,
    /// Prototypes, and what they became on the bent axis.
    filters: [(Analogue, Analogue); MAX_FILTERS],
}

impl Row {
    fn add(&mut self, response: Response, q: f64) {
        let (norm, analogue) = (self.norm, Analogue::new(response, 0.0, q));
        let digital = if self.bilinear {
            analogue
        } else {
            matched_in_row(&analogue, norm, q, |at| self.missing(at))
        };
        if let Some(free) = self.filters.get_mut(self.count) {
            *free = (analogue, digital);
            self.count += 1;
        }
    }

    /// What the filters lack of the power of their prototypes, as a factor.
    fn missing(&self, at: f64) -> f64 {
        let bent = libm::tan(PI * at) / libm::tan(PI * self.norm);
        let lacks = |(analogue, digital): &(Analogue, Analogue)| {
            analogue.power(at / self.norm) / digital.power(bent)
        };
        self.filters.iter().map(lacks).product()
    }

    /// Moves all of them together, as a high pass whose most resonant pair has `q`.
    fn refine(&mut self, q: f64) {
        let (norm, corner) = (self.norm, libm::tan(PI * self.norm));
        let mut places = [Place::default(); PLACES];
        let wanted = |at: f64| -> f64 {
            let prototypes = self.filters.iter();
            prototypes
                .map(|(analogue, _)| analogue.power(at / norm))
                .product()
        };
        let places = look(wanted, norm, q, corner * corner, &mut places);
        let mut digital = self.filters.map(|(_, digital)| digital);
        joint::refine(&mut digital, self.count, places);
        for ((_, to), from) in self.filters.iter_mut().zip(digital) {
            *to = from;
        }
    }
}
