//! A filter that rests, four frames at a time.
//!
//! With the state s at the first frame of a group, matrices A, B, C, D and inputs x, the outputs and
//! the state behind the group are
//!
//! ```text
//! y[i] = C A^i s + D x[i] + sum over k < i of C A^(i-1-k) B x[k]
//! s'   = A^4 s + sum over k of A^(3-k) B x[k]
//! ```
//!
//! so that only one product in four frames waits for the state before. Two channels stand side by
//! side in the lanes, and two frames, or the two numbers of the state. Longer groups wait less and
//! multiply more: eight frames are slower.

use super::super::svf::{Matrices, SvfCoefficients};
use super::Pair;

/// Frames of a group.
pub(super) const GROUP: usize = 4;

/// Four numbers that are worked on together: two of each of two channels.
type Lanes = [f64; 4];

/// The matrices of a group of frames, each number once for each channel.
#[derive(Clone, Debug)]
pub(super) struct Kernel {
    /// The impulse response at frames j - 1 and j.
    taps: [Lanes; GROUP],
    /// What each number of the state adds to frames 2 j and 2 j + 1.
    rows: [[Lanes; 2]; GROUP / 2],
    /// What each frame adds to the state behind.
    columns: [Lanes; GROUP],
    /// What each number of the state adds to the state behind.
    kept: [Lanes; 2],
}

/// `[a, a, b, b]`.
fn twice([a, b]: [f64; 2]) -> Lanes {
    [a, a, b, b]
}

impl From<&SvfCoefficients> for Kernel {
    fn from(coefficients: &SvfCoefficients) -> Self {
        let Matrices { a, b, c, d } = Matrices::from(coefficients);
        let times = |[one, two]: [f64; 2]| a.map(|[first, second]| first * one + second * two);
        let power = |frames: usize, start: [f64; 2]| (0..frames).fold(start, |s, _| times(s));
        let seen = |[one, two]: [f64; 2]| c[0] * one + c[1] * two;
        let response = |i: usize| match i.checked_sub(2) {
            Some(i) => seen(power(i, b)),
            None => [0.0, d][i],
        };
        let units = [[1.0, 0.0], [0.0, 1.0]];
        let row = |i: usize| units.map(|unit| twice([i, i + 1].map(|i| seen(power(i, unit)))));
        Self {
            taps: core::array::from_fn(|j| twice([response(j), response(j + 1)])),
            rows: core::array::from_fn(|j| row(2 * j)),
            columns: core::array::from_fn(|k| twice(power(GROUP - 1 - k, b))),
            kept: units.map(|unit| twice(power(GROUP, unit))),
        }
    }
}

impl Kernel {
    /// Filters groups of two channels in a row; the state is `[first, first, second, second]`.
    ///
    /// An output does not depend on inputs behind it, but for the sign of a zero.
    #[inline(always)]
    pub(super) fn run(&self, state: &mut Lanes, groups: &mut [[Pair; GROUP]]) {
        let [last, now, next, far] = &self.taps;
        let [one, two, three, four] = &self.columns;
        let mut parts = apart(state);
        for group in groups {
            let [x0, x1, x2, x3] = group.map(|[left, right]| [left, right, left, right]);
            let gathered = sum(
                &sum(&product(one, &x0), &product(two, &x1)),
                &sum(&product(three, &x2), &product(four, &x3)),
            );
            let [first, second] = &parts;
            let kept = sum(&gathered, &product(&self.kept[0], first));
            let behind = sum(&kept, &product(&self.kept[1], second));
            let y = sum(
                &sum(&product(now, &x0), &product(last, &x1)),
                &through(&self.rows[0], &parts),
            );
            let early = sum(&product(far, &x0), &product(next, &x1));
            let late = sum(&product(now, &x2), &product(last, &x3));
            let z = sum(&sum(&early, &late), &through(&self.rows[1], &parts));
            *group = [[y[0], y[1]], [y[2], y[3]], [z[0], z[1]], [z[2], z[3]]];
            *state = behind;
            parts = apart(&behind);
        }
    }
}

/// Each number of the state, of both channels, twice.
#[inline(always)]
fn apart(&[a, b, c, d]: &Lanes) -> [Lanes; 2] {
    [[a, b, a, b], [c, d, c, d]]
}

/// A matrix times a state.
#[inline(always)]
fn through(matrix: &[Lanes; 2], state: &[Lanes; 2]) -> Lanes {
    sum(
        &product(&matrix[0], &state[0]),
        &product(&matrix[1], &state[1]),
    )
}

#[inline(always)]
fn product(a: &Lanes, b: &Lanes) -> Lanes {
    let mut out = [0.0; 4];
    for lane in 0..4 {
        out[lane] = a[lane] * b[lane];
    }
    out
}

#[inline(always)]
fn sum(a: &Lanes, b: &Lanes) -> Lanes {
    let mut out = [0.0; 4];
    for lane in 0..4 {
        out[lane] = a[lane] + b[lane];
    }
    out
}
