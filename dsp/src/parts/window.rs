//! The last values of a stream, side by side in memory.

use alloc::vec;
use alloc::vec::Vec;

/// Values that come between two moves to the front, at least.
const ROOM: usize = 1024;

/// The last `kept` values, oldest first, any run of them contiguous.
///
/// Values are appended in memory one after another; when the memory is full, those still wanted are
/// moved to its front, which happens rarely enough not to count.
#[derive(Clone, Debug)]
pub struct Window<T> {
    values: Vec<T>,
    kept: usize,
    end: usize,
}

impl<T: Copy + Default> Window<T> {
    /// A window of zeros that keeps `kept` values.
    ///
    /// # Real-time
    /// Not safe: allocates.
    #[must_use]
    pub fn new(kept: usize) -> Self {
        // Written through, so that no page of it is fetched while sound runs.
        let mut values = vec![T::default(); 2 * kept + ROOM];
        for value in &mut values {
            *value = core::hint::black_box(T::default());
        }
        Self {
            values,
            kept,
            end: kept,
        }
    }

    /// Makes all values zero.
    ///
    /// # Real-time
    /// Safe.
    pub fn clear(&mut self) {
        self.values.fill(T::default());
        self.end = self.kept;
    }

    /// Appends `count` values, which are to be written into the slice that is returned.
    ///
    /// # Panics
    /// When `count` is greater than 1024.
    ///
    /// # Real-time
    /// Safe.
    #[inline(always)]
    pub fn append(&mut self, count: usize) -> &mut [T] {
        if self.end + count > self.values.len() {
            self.values.copy_within(self.end - self.kept..self.end, 0);
            self.end = self.kept;
        }
        self.end += count;
        &mut self.values[self.end - count..self.end]
    }

    /// `count` values, of which the first was appended `age` values ago; the last one has age 1.
    ///
    /// # Panics
    /// When `age` is greater than what is kept, or smaller than `count`.
    ///
    /// # Real-time
    /// Safe.
    #[inline(always)]
    #[must_use]
    pub fn since(&self, age: usize, count: usize) -> &[T] {
        &self.values[self.end - age..][..count]
    }
}

/// Copies whole groups of eight: a loop in place of a call, which is dear for a few values.
///
/// What is behind the last whole group of the shorter of both is left.
#[inline(always)]
pub fn copy<T: Copy>(to: &mut [T], from: &[T]) {
    for (to, from) in to.as_chunks_mut::<8>().0.iter_mut().zip(from.as_chunks().0) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_stays_readable_over_many_moves() {
        let mut window = Window::<f32>::new(5);
        for turn in 0..1000 {
            let count = 1 + turn % 7;
            let first = window.since(1, 1)[0] + 1.0;
            for (place, value) in window.append(count).iter_mut().enumerate() {
                *value = first + place as f32;
            }
            let last = first + count as f32 - 1.0;
            let kept = window.since(5, 5);
            for (place, &value) in kept.iter().enumerate() {
                let expected = (last - 4.0 + place as f32).max(0.0);
                assert_eq!(value, expected, "turn {turn}");
            }
        }
    }
}
