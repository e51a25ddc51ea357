//! Filters in a row that are moved all together until the row as a whole is nearest to given levels.
//!
//! With the polynomials two s^2 + one s + zero of each filter on the bent axis, the logarithm of the
//! row's level is a sum over them, and its slope by the logarithm of each coefficient is known. So
//! the least mean square of the error in decibels is found by the method of Gauss and Newton, held
//! back where a step does not help (D. Marquardt, "An Algorithm for Least-Squares Estimation of
//! Nonlinear Parameters", Journal of SIAM 11(2), 1963). All coefficients stay above 0: every filter
//! stays stable.

use super::PLACES;
use super::fit::Place;
use super::slope::MAX_FILTERS;
use crate::parts::analogue::{Analogue, at, squared};

/// Two numbers of each denominator, and the numerator of the last filter.
const MAX_FREE: usize = 2 * MAX_FILTERS + 3;
const TURNS: usize = 24;
/// The largest error with which it stops: 0.09 dB, as the logarithm of a power.
const NEAR_ENOUGH: f64 = 0.02;
/// How much the first step is held back; less by this factor after a step that helped, and more
/// after one that did not.
const BEGIN_HELD: f64 = 1e-3;
const LESS_HELD: f64 = 0.2;
const MORE_HELD: f64 = 6.0;
/// The longest step, in the logarithm of a coefficient.
const LONGEST: f64 = 1.0;

/// A number that may be changed.
#[derive(Clone, Copy)]
struct Free {
    filter: usize,
    above: bool,
    /// Its place, the highest power of s first.
    place: usize,
}

/// The error at each place, as the logarithm of a power, and its slopes.
struct Errors {
    off: [f64; PLACES],
    slopes: [[f64; MAX_FREE]; PLACES],
    squares: f64,
    largest: f64,
}

/// Moves the filters; as they were where nothing is nearer.
pub(super) fn refine(filters: &mut [Analogue], places: &[Place]) {
    let mut all = [Free {
        filter: 0,
        above: false,
        place: 0,
    }; MAX_FREE];
    let count = free(filters, &mut all);
    let free = &all[..count];
    let mut now = [Analogue {
        b: [0.0; 3],
        a: [0.0; 3],
    }; MAX_FILTERS];
    let Some(now) = now.get_mut(..filters.len()) else {
        return;
    };
    now.copy_from_slice(filters);
    let mut errors = errors(now, free, places);
    let (mut nearest, mut held) = (errors.largest, BEGIN_HELD);
    for _ in 0..TURNS {
        if nearest < NEAR_ENOUGH {
            return;
        }
        let mut next = [now[0]; MAX_FILTERS];
        let next = &mut next[..now.len()];
        next.copy_from_slice(now);
        for (free, step) in free.iter().zip(step(&errors, count, places.len(), held)) {
            let filter = &mut next[free.filter];
            let side = if free.above {
                &mut filter.b
            } else {
                &mut filter.a
            };
            side[free.place] *= libm::exp(step.max(-LONGEST).min(LONGEST));
        }
        let then = self::errors(next, free, places);
        if then.squares < errors.squares {
            now.copy_from_slice(next);
            errors = then;
            held *= LESS_HELD;
        } else {
            held *= MORE_HELD;
        }
        if errors.largest < nearest {
            nearest = errors.largest;
            filters.copy_from_slice(now);
        }
    }
}

/// What may be changed: all denominators but for their scale, and the last numerator.
fn free(filters: &[Analogue], all: &mut [Free; MAX_FREE]) -> usize {
    let below = (0..filters.len()).flat_map(|filter| {
        (0..2).map(move |place| Free {
            filter,
            above: false,
            place,
        })
    });
    let last = filters.len().saturating_sub(1);
    let above = filters.last().map_or([0.0; 3], |filter| filter.b);
    let above = (0..3)
        .filter(|&place| above[place] > 0.0)
        .map(|place| Free {
            filter: last,
            above: true,
            place,
        });
    let mut count = 0;
    for (place, free) in all.iter_mut().zip(below.chain(above)) {
        *place = free;
        count += 1;
    }
    count
}

fn errors(filters: &[Analogue], free: &[Free], places: &[Place]) -> Errors {
    let mut errors = Errors {
        off: [0.0; PLACES],
        slopes: [[0.0; MAX_FREE]; PLACES],
        squares: 0.0,
        largest: 0.0,
    };
    let rows = errors.off.iter_mut().zip(&mut errors.slopes);
    for ((off, slopes), place) in rows.zip(places) {
        let power = |c: &[f64; 3]| at(&squared(c), place.w);
        let row: f64 = filters.iter().map(|f| power(&f.b) / power(&f.a)).product();
        *off = libm::log(row / place.power);
        errors.squares += *off * *off;
        errors.largest = errors.largest.max(off.abs());
        for (slope, free) in slopes.iter_mut().zip(free) {
            let filter = &filters[free.filter];
            let (c, sign) = if free.above {
                (&filter.b, 1.0)
            } else {
                (&filter.a, -1.0)
            };
            let ([two, one, zero], w) = (*c, place.w);
            let by = match free.place {
                0 => two * w * (two * w - zero),
                1 => one * one * w,
                _ => zero * (zero - two * w),
            };
            *slope = sign * 2.0 * by / power(c);
        }
    }
    errors
}

/// The step to the least mean square, held back.
fn step(errors: &Errors, count: usize, places: usize, held: f64) -> [f64; MAX_FREE] {
    let mut sums = [[0.0; MAX_FREE]; MAX_FREE];
    let mut right = [0.0; MAX_FREE];
    for (slopes, off) in errors.slopes.iter().zip(&errors.off).take(places) {
        for i in 0..count {
            right[i] -= slopes[i] * off;
            for j in 0..=i {
                sums[i][j] += slopes[i] * slopes[j];
            }
        }
    }
    // Cholesky's method. What is held back is at least above what rounding leaves.
    for i in 0..count {
        sums[i][i] += held.max(1e-9) * sums[i][i] + 1e-12;
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| sums[i][k] * sums[j][k]).sum();
            let left = sums[i][j] - known;
            sums[i][j] = if i == j {
                libm::sqrt(left.max(1e-18))
            } else {
                left / sums[j][j]
            };
        }
    }
    for i in 0..count {
        let known: f64 = (0..i).map(|k| sums[i][k] * right[k]).sum();
        right[i] = (right[i] - known) / sums[i][i];
    }
    for i in (0..count).rev() {
        let known: f64 = (i + 1..count).map(|k| sums[k][i] * right[k]).sum();
        right[i] = (right[i] - known) / sums[i][i];
    }
    right
}
