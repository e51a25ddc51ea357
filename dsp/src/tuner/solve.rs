//! Symmetric positive systems of equations.

use alloc::vec::Vec;

/// Solves a symmetric positive system in place, by Cholesky's method; `None` when it is singular. Of
/// the matrix only the lower half is read.
pub(super) fn solve(mut matrix: Vec<f64>, right: &mut [f64]) -> Option<()> {
    let size = right.len();
    for row in 0..size {
        // What is nearly no difference between functions is to be no difference at all.
        matrix[row * size + row] *= 1.0 + 1e-9;
        for column in 0..=row {
            let (upper, lower) = (&matrix[column * size..], &matrix[row * size..]);
            let known = dot(&lower[..column], &upper[..column]);
            let left = matrix[row * size + column] - known;
            matrix[row * size + column] = if row == column {
                if left <= 0.0 {
                    return None;
                }
                libm::sqrt(left)
            } else {
                left / matrix[column * size + column]
            };
        }
    }
    for row in 0..size {
        let known = dot(&matrix[row * size..][..row], &right[..row]);
        right[row] = (right[row] - known) / matrix[row * size + row];
    }
    for row in (0..size).rev() {
        let known: f64 = (row + 1..size)
            .map(|k| matrix[k * size + row] * right[k])
            .sum();
        right[row] = (right[row] - known) / matrix[row * size + row];
    }
    Some(())
}

/// In four sums side by side.
pub(super) fn dot(one: &[f64], other: &[f64]) -> f64 {
    let (ones, others) = (one.chunks_exact(4), other.chunks_exact(4));
    let rest = ones.remainder().iter().zip(others.remainder());
    let rest: f64 = rest.map(|(x, y)| x * y).sum();
    let mut sums = [0.0; 4];
    for (one, other) in ones.zip(others) {
        for ((sum, x), y) in sums.iter_mut().zip(one).zip(other) {
            *sum += x * y;
        }
    }
    rest + sums.iter().sum::<f64>()
}
