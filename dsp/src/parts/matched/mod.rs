//! Digital filters whose level follows the analogue prototype up to the top of the spectrum.
//!
//! The bilinear transform squeezes all frequencies up to infinity below half the sample rate, and
//! with them the right half of every curve near the top. Here the digital filter is fitted instead.
//! With W the square of the bent frequency tan(pi f) over the bent corner, a filter of second order
//! has the level
//!
//! ```text
//! |H|^2 = (P0 + P1 W + P2 W^2) / (Q0 + Q1 W + Q2 W^2)
//! ```
//!
//! and any such quotient without zeros or poles on W >= 0 is one. P and Q are those with the least
//! relative error in the mean square at some twenty frequencies up to 0.42 of the sample rate. The
//! error times Q of the last turn in place of this one's makes that a linear problem, which is solved
//! three times in turn (Sanathanan and Koerner, "Transfer Function Synthesis as a Ratio of Two
//! Complex Polynomials", IEEE Trans. Automatic Control 8, 1963, for magnitudes). Where the largest
//! error is still over 0.15 dB, more turns follow in which each place counts as much more as it is
//! off. What begins at the prototype's level at 0 Hz stays exact there.
//!
//! A narrow resonance cannot be seen from so few frequencies: its poles are those of the prototype's
//! own ringing, sampled, and P alone is fitted, as in Martin Vicanek, "Matched Second Order Digital
//! Filters", 2016, at more places than his three. Of both fits and the bilinear transform the one
//! that is nearest is taken.
//!
//! Filters in a row are matched one after the other, each to what its prototype and the errors of
//! those before it ask for together, so that errors do not add up. A resonant high pass with its corner
//! near the top cannot be met so, as its zeros are all at 0 Hz: then all of the row are moved together.

mod fit;
mod joint;
pub mod slope;

use core::f64::consts::PI;

use self::fit::{Free, Place, Quotient, fit};
use super::analogue::{Analogue, squared};
use super::svf::SvfCoefficients;

/// Above this share of the sample rate levels are left to themselves.
const TOP_NORM: f64 = 0.42;
/// Fitted frequencies that do not depend on the filter, as shares of the sample rate.
const HIGH_NORMS: [f64; 12] = [
    0.05, 0.1, 0.15, 0.2, 0.24, 0.28, 0.31, 0.34, 0.365, 0.385, 0.405, 0.418,
];
/// Fitted frequencies below and above the corner, in bandwidths.
const BANDWIDTHS: [f64; 4] = [0.15, 0.5, 1.3, 4.0];
const PLACES: usize = HIGH_NORMS.len() + 2 * BANDWIDTHS.len() + 1;
/// Above this quality a resonance may lie between the fitted frequencies below the top.
const NARROW_Q: f64 = 2.0;

/// The filter nearest to the prototype with its corner at `frequency_norm` cycles per sample, above 0
/// and below 0.5. `q` is the quality the prototype was made with.
///
/// Within 0.3 dB of the prototype up to 0.42 of the sample rate for qualities up to 2; a notch down to
/// -40 dB. An all-pass comes by the bilinear transform: its level needs no match.
///
/// # Real-time
/// Safe: some microseconds.
#[must_use]
pub fn matched(analogue: &Analogue, frequency_norm: f64, q: f64) -> SvfCoefficients {
    if squared(&analogue.b) == squared(&analogue.a) {
        return SvfCoefficients::bilinear(analogue, frequency_norm);
    }
    let digital = matched_in_row(analogue, frequency_norm, q, |_| 1.0);
    SvfCoefficients::bilinear(&digital, frequency_norm)
}

/// As [`matched`], for a filter that stands in a row with others: `missing` gives the power that
/// these lack, as a factor, at a share of the sample rate. What is given is on the bent axis.
fn matched_in_row(
    analogue: &Analogue,
    frequency_norm: f64,
    q: f64,
    missing: impl Fn(f64) -> f64,
) -> Analogue {
    let Analogue { b, a } = *analogue;
    // A cut is the inverse of a boost: of the two, the boost has the nearer poles.
    let has_zeros = b.iter().all(|&c| c != 0.0);
    let (above, below) = (b[0] * b[2], a[0] * a[2]);
    let inverse = has_zeros && (above < below || (above == below && b[1] < a[1]));
    let target = if inverse {
        analogue.inverse()
    } else {
        *analogue
    };
    let wanted = |norm: f64| {
        let missing = missing(norm);
        let missing = if inverse { 1.0 / missing } else { missing };
        target.power(norm / frequency_norm) * missing
    };
    let corner = libm::tan(PI * frequency_norm);
    let corner = corner * corner;
    let mut places = [Place::default(); PLACES];
    let places = look(wanted, frequency_norm, q, corner, &mut places);
    let start = Quotient {
        p: squared(&target.b),
        q: squared(&target.a),
    };
    let spread = spread(&start, frequency_norm, corner);
    let ringing = ringing(&target, frequency_norm, corner).map(|q| Quotient { q, ..spread });
    let fits = [
        fit(&spread, &Free::new(&target.b, true), places),
        ringing.and_then(|begin| fit(&begin, &Free::new(&target.b, false), places)),
    ];
    let mut best = (start.error(places), None);
    for fit in fits.into_iter().flatten() {
        let error = fit.error(places);
        if error < best.0 {
            best = (error, Some(fit));
        }
    }
    let Some(fit) = best.1 else { return *analogue };
    let Quotient { p, q } = if inverse { fit.inverse() } else { fit };
    Analogue {
        // A notch stays silent at its corner.
        b: match b {
            [two, 0.0, zero] if two != 0.0 && zero != 0.0 => b,
            _ => Quotient::roots(p),
        },
        a: Quotient::roots(q),
    }
}

/// Fills in the places; returns those that there are.
fn look(
    wanted: impl Fn(f64) -> f64,
    frequency_norm: f64,
    q: f64,
    corner: f64,
    places: &mut [Place; PLACES],
) -> &[Place] {
    let mut count = 0;
    let mut add = |norm: f64, near: bool| {
        if norm <= TOP_NORM || (near && q > NARROW_Q && norm < 0.497) {
            let bent = libm::tan(PI * norm);
            places[count] = Place {
                w: bent * bent / corner,
                power: wanted(norm),
            };
            count += 1;
        }
    };
    add(frequency_norm, true);
    for bandwidths in BANDWIDTHS {
        let half = bandwidths / 2.0 / q;
        let ratio = half + libm::sqrt(1.0 + half * half);
        add(frequency_norm / ratio, ratio < 1.3);
        add(frequency_norm * ratio, ratio < 1.3);
    }
    HIGH_NORMS.into_iter().for_each(|norm| add(norm, false));
    &places[..count]
}

/// The prototype with its frequency axis bent back by a W/(1 + b W), which is right at 0 Hz and at
/// the top.
fn spread(start: &Quotient, frequency_norm: f64, corner: f64) -> Quotient {
    let turn = 2.0 * PI * frequency_norm;
    let a = 4.0 * corner / (turn * turn);
    let bent = libm::tan(PI * TOP_NORM);
    let top = bent * bent / corner;
    let ratio = TOP_NORM / frequency_norm;
    let b = (a * top / (ratio * ratio) - 1.0) / top;
    let through = |[zero, one, two]: [f64; 3]| {
        [
            zero,
            2.0 * b * zero + a * one,
            b * b * zero + a * b * one + a * a * two,
        ]
    };
    let p = match start.p {
        // The zero of a notch stays at the corner.
        [zero, one, _] if one == -2.0 * zero => start.p,
        p => through(p),
    };
    Quotient {
        p,
        q: through(start.q),
    }
}

/// The denominator whose poles ring as the prototype's: e^(s T) for each pole s.
fn ringing(target: &Analogue, frequency_norm: f64, corner: f64) -> Option<[f64; 3]> {
    let [two, one, zero] = target.a;
    let turn = 2.0 * PI * frequency_norm * libm::sqrt(zero / two);
    let half = one / (2.0 * libm::sqrt(two * zero));
    let radius = libm::exp(-turn * half);
    let inside = 1.0 - half * half;
    let sway = turn * libm::sqrt(inside.abs());
    if inside >= 0.0 && sway > PI {
        return None; // It would ring above half the sample rate.
    }
    let sway = if inside >= 0.0 {
        libm::cos(sway)
    } else {
        libm::cosh(sway)
    };
    // z^2 + a1 z + a2, with z = (1 + s)/(1 - s).
    let (a1, a2) = (-2.0 * radius * sway, radius * radius);
    let bent = [
        (1.0 - a1 + a2) * corner,
        2.0 * (1.0 - a2) * libm::sqrt(corner),
        1.0 + a1 + a2,
    ];
    let q = squared(&bent);
    let scale = zero * zero / q[0];
    Some(q.map(|c| c * scale))
}
