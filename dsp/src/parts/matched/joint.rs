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

/// Two numbers of each denominator, and the numerator of the first filter.
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

/// The row, filters that leave all levels as they are behind it.
type Filters = [Analogue; MAX_FILTERS];

/// The error at each place, as the logarithm of a power, and its slopes.
struct Errors {
    off: [f64; PLACES],
    slopes: [[f64; MAX_FREE]; PLACES],
    squares: f64,
    largest: f64,
}

/// Moves the first `count` filters; as they were where nothing is nearer.
pub(super) fn refine(filters: &mut Filters, count: usize, places: &[Place]) {
    let free = free(filters, count);
    let mut now = *filters;
    let mut errors = errors(&now, &free, places);
    let (mut nearest, mut held) = (errors.largest, BEGIN_HELD);
    for _ in 0..TURNS {
        if nearest < NEAR_ENOUGH {
            return;
        }
        let next = moved(&now, &free, &step(&errors, held));
        let then = self::errors(&next, &free, places);
        if then.squares < errors.squares {
            (now, errors) = (next, then);
            held *= LESS_HELD;
        } else {
            held *= MORE_HELD;
        }
        if errors.largest < nearest {
            nearest = errors.largest;
            *filters = now;
        }
    }
}

/// What may be changed: all denominators but for their scale, and the first numerator.
fn free(filters: &Filters, count: usize) -> [Option<Free>; MAX_FREE] {
    let below = (0..count).flat_map(|filter| {
        (0..2).map(move |place| Free {
            filter,
            above: false,
            place,
        })
    });
    let above = filters[0].b.into_iter().enumerate();
    let above = above
        .filter(|(_, value)| *value > 0.0)
        .map(|(place, _)| Free {
            filter: 0,
            above: true,
            place,
        });
    let mut all = [None; MAX_FREE];
    for (place, free) in all.iter_mut().zip(below.chain(above)) {
        *place = Some(free);
    }
    all
}

fn moved(filters: &Filters, free: &[Option<Free>; MAX_FREE], steps: &[f64; MAX_FREE]) -> Filters {
    let mut moved = *filters;
    for (free, step) in free.iter().flatten().zip(steps) {
        let Some(filter) = moved.get_mut(free.filter) else {
            continue;
        };
        let side = if free.above {
            &mut filter.b
        } else {
            &mut filter.a
        };
        if let Some(value) = side.get_mut(free.place) {
            *value *= libm::exp(step.clamp(-LONGEST, LONGEST));
        }
    }
    moved
}

fn errors(filters: &Filters, free: &[Option<Free>; MAX_FREE], places: &[Place]) -> Errors {
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
        for (slope, free) in slopes.iter_mut().zip(free.iter().flatten()) {
            let Some(filter) = filters.get(free.filter) else {
                continue;
            };
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

/// The step to the least mean square, held back. What is not free has no slope and makes no step.
fn step(errors: &Errors, held: f64) -> [f64; MAX_FREE] {
    let mut sums = [[0.0; MAX_FREE]; MAX_FREE];
    let mut right = [0.0; MAX_FREE];
    for (slopes, off) in errors.slopes.iter().zip(&errors.off) {
        for i in 0..MAX_FREE {
            right[i] -= slopes[i] * off;
            for j in 0..=i {
                sums[i][j] += slopes[i] * slopes[j];
            }
        }
    }
    // Cholesky's method. What is held back is at least above what rounding leaves.
    for i in 0..MAX_FREE {
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
    for i in 0..MAX_FREE {
        let known: f64 = (0..i).map(|k| sums[i][k] * right[k]).sum();
        right[i] = (right[i] - known) / sums[i][i];
    }
    for i in (0..MAX_FREE).rev() {
        let known: f64 = (i + 1..MAX_FREE).map(|k| sums[k][i] * right[k]).sum();
        right[i] = (right[i] - known) / sums[i][i];
    }
    right
}
