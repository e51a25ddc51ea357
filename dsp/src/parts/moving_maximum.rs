//! The largest of the last values, for each value.
//!
//! By doubling: the largest of eight neighbours, then of sixteen, thirty-two ..., each from two of
//! the step before; the last step overlaps. Each step is one loop over the block, in wide registers,
//! and what comes out for a value does not depend on how the stream is cut.

use alloc::vec::Vec;

use super::window::{Window, copy};

/// Values that are worked on together; calls bring a multiple of them.
pub const LANES: usize = 8;
/// Values that may come in one call.
pub const MAX_VALUES: usize = 64;

/// The largest of the last `span` values.
#[derive(Clone, Debug)]
pub struct MovingMaximum {
    values: Window<f32>,
    /// For each step the distance between the two values it compares, and the values.
    steps: Vec<(usize, Window<f32>)>,
}

impl MovingMaximum {
    /// Over `span` values; before the first value there are zeros.
    ///
    /// # Panics
    /// When `span` is less than 8.
    ///
    /// # Real-time
    /// Not safe: allocates.
    #[must_use]
    pub fn new(span: usize) -> Self {
        assert!(span >= LANES, "the first step takes eight values");
        let mut steps = Vec::new();
        let mut reached = LANES;
        while reached < span {
            let distance = reached.min(span - reached);
            steps.push((distance, Window::new(distance + MAX_VALUES)));
            reached += distance;
        }
        Self {
            values: Window::new(LANES),
            steps,
        }
    }

    /// Forgets all values.
    ///
    /// # Real-time
    /// Safe.
    pub fn clear(&mut self) {
        self.values.clear();
        self.steps.iter_mut().for_each(|(_, window)| window.clear());
    }

    /// Replaces each value, at least 0, by the largest of itself and those before it.
    ///
    /// # Panics
    /// When there are more than [`MAX_VALUES`], or not a multiple of [`LANES`].
    ///
    /// # Real-time
    /// Safe.
    #[inline(always)]
    pub fn run(&mut self, values: &mut [f32]) {
        let count = values.len();
        assert!(count <= MAX_VALUES && count.is_multiple_of(LANES));
        let window = self.values.append_behind(LANES, count);
        copy(&mut window[LANES..], values);
        let mut largest = [0.0; MAX_VALUES];
        let largest = &mut largest[..count];
        let (a, b) = (&window[1..][..count], &window[2..][..count]);
        let (c, d) = (&window[3..][..count], &window[4..][..count]);
        let (e, f) = (&window[5..][..count], &window[6..][..count]);
        let (g, h) = (&window[7..][..count], &window[8..][..count]);
        for n in 0..count {
            let (ab, cd) = (larger(a[n], b[n]), larger(c[n], d[n]));
            let (ef, gh) = (larger(e[n], f[n]), larger(g[n], h[n]));
            largest[n] = larger(larger(ab, cd), larger(ef, gh));
        }
        for (distance, window) in &mut self.steps {
            let window = window.append_behind(*distance, count);
            for (group, largest) in largest.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
                let window = &mut window[group * LANES..][..*distance + LANES];
                if let Some(now) = window.last_chunk_mut() {
                    *now = *largest;
                }
                if let Some(before) = window.first_chunk::<LANES>() {
                    for lane in 0..LANES {
                        largest[lane] = larger(largest[lane], before[lane]);
                    }
                }
            }
        }
        copy(values, largest);
    }
}

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_becomes_the_largest_of_the_span() {
        let values: Vec<f32> = (0..640_u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 16) as f32)
            .collect();
        for span in [8, 9, 15, 16, 17, 68, 73, 100, 481] {
            let mut moving = MovingMaximum::new(span);
            let mut got = values.clone();
            let mut rest = &mut got[..];
            for turn in 1.. {
                let (now, later) = rest.split_at_mut(rest.len().min(turn % 8 * LANES + LANES));
                moving.run(now);
                rest = later;
                if rest.is_empty() {
                    break;
                }
            }
            for (n, &got) in got.iter().enumerate() {
                let from = (n + 1).saturating_sub(span);
                let largest = values[from..=n].iter().copied().fold(0.0, f32::max);
                assert_eq!(got, largest, "span {span}, value {n}");
            }
        }
    }
}
