//! From a band's values to the filters it is made of.

use core::f64::consts::FRAC_1_SQRT_2;

use super::table::{FREQUENCY, GAIN, Q, ROWS, TYPE};
use crate::parts::analogue::{Analogue, Response};
use crate::parts::matched::matched;
use crate::parts::matched::slope::{MAX_FILTERS, Slope};
use crate::parts::svf::SvfCoefficients;

/// Filters a band may need.
pub(super) const SECTIONS: usize = MAX_FILTERS;

/// The largest corner frequency as a share of the sample rate: at half the rate there is none.
pub(super) const LARGEST_FREQUENCY_NORM: f64 = 0.49;

/// What a band does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// One filter, or none.
    One(Response),
    /// Filters in a row, of the given kind of second and of first order.
    Pass(Response, Response),
}

impl Type {
    /// The type behind an index of the table.
    pub(super) fn new(index: f64) -> Self {
        match index as usize {
            1 => Self::One(Response::Peak),
            2 => Self::One(Response::LowShelf),
            3 => Self::One(Response::HighShelf),
            4 => Self::Pass(Response::LowPass, Response::GentleLowPass),
            5 => Self::Pass(Response::HighPass, Response::GentleHighPass),
            6 => Self::One(Response::Notch),
            7 => Self::One(Response::BandPass),
            8 => Self::One(Response::AllPass),
            _ => Self::One(Response::Flat),
        }
    }
}

/// The filters of a band with the values of its rows and of its slope.
pub(super) fn sections(
    rows: &[f64; ROWS],
    slope: f64,
    bilinear: bool,
    sample_rate_hz: u32,
) -> [SvfCoefficients; SECTIONS] {
    let norm = (rows[FREQUENCY] / f64::from(sample_rate_hz)).min(LARGEST_FREQUENCY_NORM);
    let flat = SvfCoefficients::new(Response::Flat, norm, 0.0, FRAC_1_SQRT_2);
    let mut out = [flat; SECTIONS];
    match Type::new(rows[TYPE]) {
        Type::One(Response::Flat) => {}
        Type::One(response) => {
            let analogue = Analogue::new(response, rows[GAIN], rows[Q]);
            out[0] = if bilinear {
                SvfCoefficients::bilinear(&analogue, norm)
            } else {
                matched(&analogue, norm, rows[Q])
            };
        }
        Type::Pass(second, first) => {
            let slope = Slope {
                first,
                second,
                order: slope as usize + 1,
                q: rows[Q],
            };
            for (out, filter) in out.iter_mut().zip(slope.filters(norm, bilinear)) {
                *out = filter;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use core::f64::consts::PI;

    use super::*;

    #[test]
    fn passes_fall_by_their_slope_and_are_half_power_at_the_corner() {
        // A Butterworth low pass of order N has the level 1/(1 + w^(2N)), w bent as the bilinear
        // transform bends it.
        for order in 1..=8 {
            for (index, over) in [(4.0, 1.0), (5.0, -1.0)] {
                let rows = [index, 3000.0, 0.0, FRAC_1_SQRT_2];
                let sections = sections(&rows, (order - 1) as f64, true, 48_000);
                for hz in [500.0, 2000.0, 3000.0, 5000.0, 16_000.0] {
                    let bent = |hz: f64| libm::tan(PI * hz / 48_000.0);
                    let w = libm::pow(bent(hz) / bent(3000.0), over);
                    let want = 1.0 / (1.0 + libm::pow(w, 2.0 * order as f64));
                    let power = |section: &SvfCoefficients| section.power(hz / 48_000.0);
                    let got: f64 = sections.iter().map(power).product();
                    assert!(
                        (got / want - 1.0).abs() < 1e-9,
                        "order {order} {hz} Hz: {got}, {want}"
                    );
                }
            }
        }
    }

    #[test]
    fn steep_passes_follow_the_analogue_ones_too() {
        for order in 1..=8 {
            for (index, over) in [(4.0, 1.0), (5.0, -1.0)] {
                for corner in [40.0, 700.0, 6000.0, 15_000.0, 19_000.0] {
                    let rows = [index, corner, 0.0, FRAC_1_SQRT_2];
                    let sections = sections(&rows, (order - 1) as f64, false, 48_000);
                    for step in 0..=40 {
                        let hz = 20.0 * libm::pow(1000.0, f64::from(step) / 40.0);
                        let w = libm::pow(hz / corner, over);
                        let want = -libm::log10(1.0 + libm::pow(w, 2.0 * order as f64)) * 10.0;
                        let power = |section: &SvfCoefficients| section.power(hz / 48_000.0);
                        let got: f64 = sections.iter().map(power).product();
                        let got = 10.0 * libm::log10(got);
                        // Below -60 dB there is nothing left to hear.
                        let allowed = if want > -60.0 { 0.3 } else { 0.4 };
                        assert!(
                            (got - want).abs() < allowed,
                            "order {order} of {corner} Hz at {hz} Hz: {got} dB, not {want} dB"
                        );
                    }
                }
            }
        }
    }
}
