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
//! Complex Polynomials", IEEE Trans. Automatic Control 8, 1963, for magnitudes). What begins at the
//! prototype's level at 0 Hz stays exact there.
//!
//! A narrow resonance cannot be seen from so few frequencies: its poles are those of the prototype's
//! own ringing, sampled, and P alone is fitted, as in Martin Vicanek, "Matched Second Order Digital
//! Filters", 2016, at more places than his three. Of both fits and the bilinear transform the one
//! that is nearest is taken.

use core::f64::consts::PI;

use super::analogue::{Analogue, at, squared};
use super::svf::SvfCoefficients;

/// Above this share of the sample rate levels are left to themselves.
const TOP_NORM: f64 = 0.42;
/// Fitted frequencies that do not depend on the filter, as shares of the sample rate.
const HIGH_NORMS: [f64; 8] = [0.05, 0.1, 0.18, 0.26, 0.32, 0.37, 0.40, TOP_NORM];
/// Fitted frequencies below and above the corner, in bandwidths.
const BANDWIDTHS: [f64; 4] = [0.15, 0.5, 1.3, 4.0];
const PLACES: usize = HIGH_NORMS.len() + 2 * BANDWIDTHS.len() + 1;
/// How much a step away from the starting point counts beside an error: enough to hold what the
/// places leave open.
const RIDGE: f64 = 1e-4;
const TURNS: usize = 3;
/// Above this quality a resonance may lie between the fitted frequencies below the top.
const NARROW_Q: f64 = 2.0;

/// A place at which the level is fitted.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// The square of the bent frequency over the bent corner.
    w: f64,
    /// The level's square.
    power: f64,
}

/// Numerator and denominator of the level's square, in W, the lowest power first.
#[derive(Clone, Copy, Debug)]
struct Quotient {
    p: [f64; 3],
    q: [f64; 3],
}

impl Quotient {
    /// Whether it is the level of a filter: nowhere negative, and the denominator nowhere zero.
    fn is_filter(&self) -> bool {
        let [p0, p1, p2] = self.p;
        let [q0, q1, q2] = self.q;
        let above = p0 >= 0.0 && p2 >= 0.0 && p1 + 2.0 * libm::sqrt(p0 * p2) >= -1e-9 * (p0 + p2);
        above && q0 > 0.0 && q2 > 0.0 && q1 + 2.0 * libm::sqrt(q0 * q2) > 0.0
    }

    /// The largest error at the places, as a ratio of powers, at least 1.
    fn error(&self, places: &[Place]) -> f64 {
        let off = |place: &Place| {
            let got = at(&self.p, place.w) / at(&self.q, place.w);
            // What is 100 dB down is nothing.
            let (got, want) = (got + 1e-10, place.power + 1e-10);
            (got / want).max(want / got)
        };
        places.iter().map(off).fold(1.0, f64::max)
    }

    fn inverse(self) -> Self {
        let Self { p, q } = self;
        Self { p: q, q: p }
    }

    /// The polynomials of the filter, the highest power first.
    fn roots([zero, one, two]: [f64; 3]) -> [f64; 3] {
        let between = libm::sqrt((one + 2.0 * libm::sqrt(zero * two)).max(0.0));
        [libm::sqrt(two), between, libm::sqrt(zero)]
    }
}

/// The filter nearest to the prototype with its corner at `frequency_norm` cycles per sample, above 0
/// and below 0.5. `q` is the quality the prototype was made with.
///
/// Within 0.3 dB of the prototype up to 0.42 of the sample rate for qualities up to 2; a notch with a
/// quality below 0.15 and a corner above 0.35 of the rate within 0.33 dB, down to -40 dB. An all-pass
/// comes by the bilinear transform: its level needs no match.
///
/// # Real-time
/// Safe: some microseconds.
#[must_use]
pub fn matched(analogue: &Analogue, frequency_norm: f64, q: f64) -> SvfCoefficients {
    let bilinear = SvfCoefficients::bilinear(analogue, frequency_norm);
    let Analogue { b, a } = *analogue;
    if squared(&b) == squared(&a) {
        return bilinear;
    }
    // A cut is the inverse of a boost: of the two, the boost has the nearer poles.
    let has_zeros = b.iter().all(|&c| c != 0.0);
    let (above, below) = (b[0] * b[2], a[0] * a[2]);
    let inverse = has_zeros && (above < below || (above == below && b[1] < a[1]));
    let target = if inverse {
        analogue.inverse()
    } else {
        *analogue
    };
    let corner = libm::tan(PI * frequency_norm);
    let corner = corner * corner;
    let mut places = [Place::default(); PLACES];
    let places = look(&target, frequency_norm, q, corner, &mut places);
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
    let Some(fit) = best.1 else { return bilinear };
    let Quotient { p, q } = if inverse { fit.inverse() } else { fit };
    let digital = Analogue {
        // A notch stays silent at its corner.
        b: match b {
            [two, 0.0, zero] if two != 0.0 && zero != 0.0 => b,
            _ => Quotient::roots(p),
        },
        a: Quotient::roots(q),
    };
    SvfCoefficients::bilinear(&digital, frequency_norm)
}

/// Fills in the places; returns those that there are.
fn look<'a>(
    target: &Analogue,
    frequency_norm: f64,
    q: f64,
    corner: f64,
    places: &'a mut [Place; PLACES],
) -> &'a [Place] {
    let mut count = 0;
    let mut add = |norm: f64, near: bool| {
        if norm <= TOP_NORM || (near && q > NARROW_Q && norm < 0.497) {
            let bent = libm::tan(PI * norm);
            places[count] = Place {
                w: bent * bent / corner,
                power: target.power(norm / frequency_norm),
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

/// The numbers of P and Q that a fit may change. The others hold what happens at 0 Hz.
struct Free {
    above: &'static [usize],
    below: &'static [usize],
    /// Whether P is held near its beginning where the places leave it open.
    above_is_held: bool,
}

impl Free {
    /// For a prototype's numerator, with or without the poles.
    fn new(b: &[f64; 3], poles: bool) -> Self {
        let above: &[usize] = match b {
            // A notch is silent at its corner.
            [two, 0.0, zero] if *two != 0.0 && *zero != 0.0 => &[],
            // A high pass: all of P there is.
            [_, 0.0, 0.0] => &[2],
            // A band pass: how it rises from 0 Hz stays.
            [0.0, _, 0.0] if poles => &[2],
            _ => &[1, 2],
        };
        Self {
            above,
            below: if poles { &[1, 2] } else { &[] },
            above_is_held: b[1..] != [0.0, 0.0],
        }
    }
}

/// The least relative error in the mean square, near `begin`.
fn fit(begin: &Quotient, free: &Free, places: &[Place]) -> Option<Quotient> {
    let above = free.above.len();
    let count = above + free.below.len();
    let powers = || free.above.iter().chain(free.below).copied().enumerate();
    let mut now = *begin;
    for _ in 0..TURNS {
        let mut sums = [[0.0; 5]; 4];
        let mut sizes = [0.0; 4];
        for place in places {
            let of_w = [1.0, place.w, place.w * place.w];
            let scale = 1.0 / (place.power.max(1e-12) * at(&now.q, place.w));
            let mut row = [0.0; 5];
            for (i, power) in powers() {
                let sign = if i < above { 1.0 } else { -place.power };
                row[i] = sign * of_w[power] * scale;
                sizes[i] += row[i] * row[i];
            }
            row[4] = (place.power * at(&begin.q, place.w) - at(&begin.p, place.w)) * scale;
            for i in 0..count {
                for j in 0..5 {
                    sums[i][j] += row[i] * row[j];
                }
            }
        }
        for i in 0..count {
            if i >= above || free.above_is_held {
                sums[i][i] += RIDGE * sizes[i];
            }
        }
        let steps = solve(sums, &sizes, count)?;
        now = *begin;
        for ((i, power), step) in powers().zip(steps) {
            let side = if i < above { &mut now.p } else { &mut now.q };
            side[power] += step;
        }
        if !now.is_filter() {
            return None;
        }
    }
    Some(now)
}

/// Solves `count` equations, the right side in the last column, by elimination. `sizes` scale rows
/// and columns, which may differ by many powers of ten.
fn solve(mut sums: [[f64; 5]; 4], sizes: &[f64; 4], count: usize) -> Option<[f64; 4]> {
    let scale = sizes.map(|size| {
        if size > 0.0 {
            1.0 / libm::sqrt(size)
        } else {
            1.0
        }
    });
    for i in 0..count {
        for j in 0..count {
            sums[i][j] *= scale[i] * scale[j];
        }
        sums[i][4] *= scale[i];
    }
    for i in 0..count {
        let pivot = sums[i][i];
        // The matrix is positive definite: no pivot is negative but by rounding.
        if pivot <= 1e-15 {
            return None;
        }
        for below in i + 1..count {
            let share = sums[below][i] / pivot;
            let row = sums[i];
            for (to, from) in sums[below].iter_mut().zip(row) {
                *to -= share * from;
            }
        }
    }
    let mut out = [0.0; 4];
    for i in (0..count).rev() {
        let known: f64 = (i + 1..count).map(|j| sums[i][j] * out[j]).sum();
        out[i] = (sums[i][4] - known) / sums[i][i];
    }
    for (out, scale) in out.iter_mut().zip(scale) {
        *out *= scale;
    }
    Some(out)
}
