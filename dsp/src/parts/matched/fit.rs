//! The quotient of polynomials nearest to given levels at given places.

use super::PLACES;
use crate::parts::analogue::at;

/// How much a step away from the starting point counts beside an error: enough to hold what the
/// places leave open.
const RIDGE: f64 = 1e-4;
const TURNS: usize = 3;
/// Turns in which the places that are most off count more, and the error (0.15 dB, as a ratio of
/// powers) above which they are taken.
const LEVELLING_TURNS: usize = 4;
const NEAR_ENOUGH: f64 = 1.035;
/// The error of which a level that is 100 dB down is free, as a power.
const NOTHING: f64 = 1e-10;

/// A place at which the level is fitted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    /// The square of the bent frequency over the bent corner.
    pub(super) w: f64,
    /// The level's square.
    pub(super) power: f64,
}

/// Numerator and denominator of the level's square, in W, the lowest power first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quotient {
    pub(super) p: [f64; 3],
    pub(super) q: [f64; 3],
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
    pub(super) fn error(&self, places: &[Place]) -> f64 {
        let off = |place: &Place| {
            let ratio = self.ratio(place);
            ratio.max(1.0 / ratio)
        };
        places.iter().map(off).fold(1.0, f64::max)
    }

    /// The power at a place over the one that is wanted.
    fn ratio(&self, place: &Place) -> f64 {
        let got = at(&self.p, place.w) / at(&self.q, place.w);
        (got + NOTHING) / (place.power + NOTHING)
    }

    pub(super) fn inverse(self) -> Self {
        let Self { p, q } = self;
        Self { p: q, q: p }
    }

    /// The polynomials of the filter, the highest power first.
    pub(super) fn roots([zero, one, two]: [f64; 3]) -> [f64; 3] {
        let between = libm::sqrt((one + 2.0 * libm::sqrt(zero * two)).max(0.0));
        [libm::sqrt(two), between, libm::sqrt(zero)]
    }
}

/// The numbers of P and Q that a fit may change. The others hold what happens at 0 Hz.
pub(super) struct Free {
    above: &'static [usize],
    below: &'static [usize],
    /// Whether P is held near its beginning where the places leave it open.
    above_is_held: bool,
}

impl Free {
    /// For a prototype's numerator, with or without the poles.
    pub(super) fn new(b: &[f64; 3], poles: bool) -> Self {
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

/// The least relative error in the mean square, near `begin`; or, where one place is then far off, the
/// one with the least such.
pub(super) fn fit(begin: &Quotient, free: &Free, places: &[Place]) -> Option<Quotient> {
    let above = free.above.len();
    let count = above + free.below.len();
    let powers = || free.above.iter().chain(free.below).copied().enumerate();
    let mut now = *begin;
    let mut weights = [1.0; PLACES];
    let mut best = (f64::INFINITY, None);
    for turn in 1..=TURNS + LEVELLING_TURNS {
        let mut sums = [[0.0; 5]; 4];
        let mut sizes = [0.0; 4];
        for (place, weight) in places.iter().zip(&weights) {
            let of_w = [1.0, place.w, place.w * place.w];
            let scale = weight / (place.power.max(1e-12) * at(&now.q, place.w));
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
            break;
        }
        if turn >= TURNS {
            let error = now.error(places);
            if error < best.0 {
                best = (error, Some(now));
            }
            if error < NEAR_ENOUGH {
                break;
            }
            level(&mut weights, places, &now);
        }
    }
    best.1
}

/// Makes the weights of places larger where the fit is off; the mean of their squares is 1.
fn level(weights: &mut [f64; PLACES], places: &[Place], fit: &Quotient) {
    let mut sum = 0.0;
    for (weight, place) in weights.iter_mut().zip(places) {
        *weight *= libm::sqrt((fit.ratio(place) - 1.0).abs()) + 1e-6;
        sum += *weight * *weight;
    }
    let scale = libm::sqrt(places.len() as f64 / sum);
    weights.iter_mut().for_each(|weight| *weight *= scale);
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
