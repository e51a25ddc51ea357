//! A filter that rests, eight frames at a time.
//!
//! With the state s at the first frame of a group, matrices A, B, C, D and inputs x, the outputs and
//! the state behind the group are
//!
//! ```text
//! y[i] = C A^i s + D x[i] + sum over k < i of C A^(i-1-k) B x[k]
//! s'   = A^8 s + sum over k of A^(7-k) B x[k]
//! ```
//!
//! so that only one of eight frames waits for the one before. Two channels stand side by side in the
//! lanes, and two frames, or the two numbers of the state.

use super::super::svf::{Matrices, SvfCoefficients};
use super::Pair;

/// Frames of a group.
pub(super) const GROUP: usize = 8;

/// Four numbers that are worked on together: two of each of two channels.
type Lanes = [f64; 4];

/// The matrices of a group of frames, each number once for each channel.
#[derive(Clone, Debug)]
pub(super) struct Kernel {
    /// The impulse response at frames j - 1 and j.
    taps: [Lanes; GROUP],
    /// What the state's first number adds to two frames.
    first: [Lanes; GROUP / 2],
    /// What the state's second number adds to two frames.
    second: [Lanes; GROUP / 2],
    /// What each frame adds to the next state.
    gathered: [Lanes; GROUP],
    /// What each number of the state adds to the next state.
    kept: [Lanes; 2],
}

/// `[a, a, b, b]`.
fn twice(a: f64, b: f64) -> Lanes {
    [a, a, b, b]
}

impl From<&SvfCoefficients> for Kernel {
    fn from(coefficients: &SvfCoefficients) -> Self {
        let Matrices { a, b, c, d } = Matrices::from(coefficients);
        // Rows C A^i, columns A^i B.
        let (mut row, mut column) = (c, b);
        let mut rows = [[0.0; 2]; GROUP];
        let mut columns = [[0.0; 2]; GROUP];
        for (to_row, to_column) in rows.iter_mut().zip(&mut columns) {
            (*to_row, *to_column) = (row, column);
            row = [0, 1].map(|j| row[0] * a[0][j] + row[1] * a[1][j]);
            column = [0, 1].map(|i| a[i][0] * column[0] + a[i][1] * column[1]);
        }
        let response = |i: usize| match i.checked_sub(2) {
            Some(i) => c[0] * columns[i][0] + c[1] * columns[i][1],
            None => [0.0, d][i],
        };
        let power = |j: usize| {
            let mut unit = [0.0; 2];
            unit[j] = 1.0;
            for _ in 0..GROUP {
                unit = [0, 1].map(|i| a[i][0] * unit[0] + a[i][1] * unit[1]);
            }
            twice(unit[0], unit[1])
        };
        Self {
            taps: core::array::from_fn(|j| twice(response(j), response(j + 1))),
            first: core::array::from_fn(|i| twice(rows[2 * i][0], rows[2 * i + 1][0])),
            second: core::array::from_fn(|i| twice(rows[2 * i][1], rows[2 * i + 1][1])),
            gathered: core::array::from_fn(|k| {
                let [one, two] = columns[GROUP - 1 - k];
                twice(one, two)
            }),
            kept: [power(0), power(1)],
        }
    }
}

impl Kernel {
    /// Filters a group of two channels; the state is `[first, first, second, second]`.
    ///
    /// An output does not depend on inputs behind it, but for the sign of a zero.
    #[inline(always)]
    pub(super) fn run(&self, state: &mut Lanes, group: &mut [Pair; GROUP]) {
        let [first_left, first_right, second_left, second_right] = *state;
        let first = [first_left, first_right, first_left, first_right];
        let second = [second_left, second_right, second_left, second_right];
        let x = group.map(|[left, right]| [left, right, left, right]);
        let mut next = product(&self.gathered[0], &x[0]);
        for k in 1..GROUP {
            add(&mut next, &product(&self.gathered[k], &x[k]));
        }
        let mut kept = product(&self.kept[0], &first);
        add(&mut kept, &product(&self.kept[1], &second));
        add(&mut next, &kept);
        for half in 0..GROUP / 2 {
            let mut y = product(&self.taps[2 * half + 1], &x[0]);
            for k in 1..2 * half + 2 {
                add(&mut y, &product(&self.taps[2 * half + 1 - k], &x[k]));
            }
            let mut from_state = product(&self.first[half], &first);
            add(&mut from_state, &product(&self.second[half], &second));
            add(&mut y, &from_state);
            group[2 * half] = [y[0], y[1]];
            group[2 * half + 1] = [y[2], y[3]];
        }
        *state = next;
    }
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
fn add(sum: &mut Lanes, more: &Lanes) {
    for lane in 0..4 {
        sum[lane] += more[lane];
    }
}
