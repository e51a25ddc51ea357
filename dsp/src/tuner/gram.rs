//! The products of the functions that partials are fitted with, in closed form, with weights or without.

use alloc::vec;
use alloc::vec::Vec;
use core::f64::consts::TAU;

/// The samples times a raised cosine, 1 in the middle and 0 next to the ends.
pub(super) fn weigh(samples: &[f32]) -> Vec<f32> {
    let length = samples.len() as f64;
    let half = (samples.len() / 2) as f64;
    let weight = |place: usize| {
        let cos = libm::cos(TAU * (place as f64 - half) / length);
        (0.5 + 0.5 * cos) as f32
    };
    let samples = samples.iter().enumerate();
    samples.map(|(place, x)| x * weight(place)).collect()
}

/// The products of all functions with each other: those that are even about the middle (cos, t sin)
/// and those that are odd (sin, t cos), which have nothing in common. `t` counts in half lengths. The
/// matrices are symmetric: what lies above the diagonal's blocks is left at 0.
pub(super) fn gram(norms: &[f64], length: usize, weighed: bool) -> (Vec<f64>, Vec<f64>) {
    let sums = if weighed { weighed_sums } else { sums };
    let size = 2 * norms.len();
    let half = (length / 2) as f64;
    let (mut even, mut odd) = (vec![0.0; size * size], vec![0.0; size * size]);
    for (m, &one) in norms.iter().enumerate() {
        for (n, &other) in norms.iter().enumerate().take(m + 1) {
            let minus = sums(one - other, length);
            let plus = sums(one + other, length);
            let at = |row: usize, column: usize| (2 * m + row) * size + 2 * n + column;
            even[at(0, 0)] = (minus[0] + plus[0]) / 2.0;
            even[at(0, 1)] = (plus[1] - minus[1]) / 2.0 / half;
            even[at(1, 0)] = (plus[1] + minus[1]) / 2.0 / half;
            even[at(1, 1)] = (minus[2] - plus[2]) / 2.0 / (half * half);
            odd[at(0, 0)] = (minus[0] - plus[0]) / 2.0;
            odd[at(0, 1)] = (plus[1] + minus[1]) / 2.0 / half;
            odd[at(1, 0)] = (plus[1] - minus[1]) / 2.0 / half;
            odd[at(1, 1)] = (minus[2] + plus[2]) / 2.0 / (half * half);
        }
    }
    (even, odd)
}

/// The sums of cos(w t), t sin(w t) and t^2 cos(w t) for t from -(length - 1) / 2 to as much above:
/// S = sin(a w) / sin(w / 2) with a = length / 2, its derivative and its second one, negative.
fn sums(norm: f64, length: usize) -> [f64; 3] {
    let count = length as f64;
    let (a, w) = (count / 2.0, TAU * norm);
    let squares = count * (count * count - 1.0) / 12.0;
    if (a * w).abs() < 1e-4 {
        return [count - w * w * squares / 2.0, w * squares, squares];
    }
    let (s, c) = libm::sincos(w / 2.0);
    let (big_s, big_c) = libm::sincos(a * w);
    let first = a * big_c / s - big_s * c / (2.0 * s * s);
    let second = -a * a * big_s / s - a * big_c * c / (s * s)
        + big_s / (4.0 * s)
        + big_s * c * c / (2.0 * s * s * s);
    [big_s / s, -first, -second]
}

/// The same, each weighed with a raised cosine, which is three frequencies.
fn weighed_sums(norm: f64, length: usize) -> [f64; 3] {
    let step = 1.0 / length as f64;
    let [below, middle, above] = [norm - step, norm, norm + step].map(|norm| sums(norm, length));
    core::array::from_fn(|sum| 0.5 * middle[sum] + 0.25 * (below[sum] + above[sum]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_sums_are_the_sums() {
        for (norm, length) in [(0.013, 101), (0.31, 77), (1e-9, 51), (0.0, 9), (0.47, 333)] {
            let half = (length / 2) as i32;
            let ones = vec![1.0; length];
            for (weights, got) in [
                (&ones, sums(norm, length)),
                (&weigh(&ones), weighed_sums(norm, length)),
            ] {
                let mut want = [0.0; 3];
                for (t, weight) in (-half..=half).map(f64::from).zip(weights) {
                    let ((s, c), weight) = (libm::sincos(TAU * norm * t), f64::from(*weight));
                    want[0] += weight * c;
                    want[1] += weight * t * s;
                    want[2] += weight * t * t * c;
                }
                let scale = [1.0, length as f64, (length * length) as f64];
                for ((got, want), scale) in got.into_iter().zip(want).zip(scale) {
                    // The weights are of single precision.
                    assert!(
                        (got - want).abs() < 1e-7 * scale * length as f64,
                        "{norm}: {got}, {want}"
                    );
                }
            }
        }
    }
}
