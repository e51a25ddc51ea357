//! The largest of the last so many values, at every frame.
//!
//! Values are cut into segments as long as the window. The largest of a window is that of the part
//! of it in this segment, which grows, and of its rest in the last one, which is known beforehand:
//! three comparisons a value, however long the window. Source: Marcel van Herk, "A fast algorithm
//! for local minimum and maximum filters on rectangular and octagonal kernels", Pattern Recognition
//! Letters 13, 1992. A maximum has no rounding, so it does not matter where segments begin.

use alloc::vec::Vec;

use super::silence::silence;

/// The largest value within a window that ends now.
#[derive(Clone, Debug)]
pub struct MovingMax {
    /// The last values; its length is a power of two.
    ring: Vec<f32>,
    next: usize,
    /// What is left in the window of the last segment, for each place in this one.
    rest: Vec<f32>,
    window: usize,
    /// Place in this segment.
    at: usize,
    largest: f32,
    floor: f32,
}

impl MovingMax {
    /// Ready for windows of 1 to `max_window` frames, with a window of 1 frame, in which nothing
    /// larger than `floor` came yet.
    ///
    /// # Real-time
    /// Not safe: allocates.
    #[must_use]
    pub fn new(max_window: usize, floor: f32) -> Self {
        let mut made = Self {
            ring: silence(max_window.next_power_of_two()),
            next: 0,
            rest: silence(max_window),
            window: 1,
            at: 0,
            largest: floor,
            floor,
        };
        made.clear();
        made
    }

    /// Forgets all values.
    ///
    /// # Real-time
    /// Safe.
    pub fn clear(&mut self) {
        self.ring.fill(self.floor);
        self.next = 0;
        self.begin_segment();
    }

    /// Changes the window, from the next value on. Values as far back as the longest window count.
    ///
    /// # Real-time
    /// Safe.
    ///
    /// # Panics
    /// When `window` is 0 or above the longest.
    pub fn set_window(&mut self, window: usize) {
        assert!(0 < window && window <= self.rest.len());
        if window != self.window {
            self.window = window;
            self.begin_segment();
        }
    }

    /// Replaces each value by the largest of the window that ends with it.
    ///
    /// # Real-time
    /// Safe.
    #[inline(always)]
    pub fn process(&mut self, values: &mut [f32]) {
        let mut done = 0;
        while done < values.len() {
            let count = (self.window - self.at).min(values.len() - done);
            let part = &mut values[done..done + count];
            self.keep(part);
            let mut largest = self.largest;
            for (value, &rest) in part.iter_mut().zip(&self.rest[self.at..]) {
                largest = if *value > largest { *value } else { largest };
                *value = if rest > largest { rest } else { largest };
            }
            self.largest = largest;
            self.at += count;
            done += count;
            if self.at == self.window {
                self.begin_segment();
            }
        }
    }

    fn keep(&mut self, mut values: &[f32]) {
        while !values.is_empty() {
            let room = &mut self.ring[self.next..];
            let count = room.len().min(values.len());
            room[..count].copy_from_slice(&values[..count]);
            values = &values[count..];
            self.next = (self.next + count) & (self.ring.len() - 1);
        }
    }

    /// From here on the last values, as many as the window has, are the segment before.
    fn begin_segment(&mut self) {
        self.at = 0;
        self.largest = self.floor;
        let mask = self.ring.len() - 1;
        let first = self.next.wrapping_sub(self.window);
        let mut largest = self.floor;
        for (place, rest) in self.rest[..self.window].iter_mut().enumerate().rev() {
            *rest = largest;
            let value = self.ring[first.wrapping_add(place) & mask];
            largest = if value > largest { value } else { largest };
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn noise(count: u32) -> Vec<f32> {
        let value = |n: u32| (n.wrapping_mul(2_654_435_761) >> 8) as f32;
        (0..count).map(value).collect()
    }

    fn plain(values: &[f32], end: usize, window: usize) -> f32 {
        let begin = (end + 1).saturating_sub(window);
        values[begin..=end].iter().copied().fold(0.0, f32::max)
    }

    #[test]
    fn it_is_the_largest_of_the_window_for_any_cut() {
        let values = noise(500);
        for window in [1, 2, 3, 7, 64, 100] {
            for cut in [1, 5, 64, 500] {
                let mut moving = MovingMax::new(100, 0.0);
                moving.set_window(window);
                let mut got = values.clone();
                got.chunks_mut(cut).for_each(|part| moving.process(part));
                for (end, &got) in got.iter().enumerate() {
                    assert_eq!(got, plain(&values, end, window), "{window}, {cut}, {end}");
                }
            }
        }
    }

    #[test]
    fn a_window_that_changes_counts_what_came_before() {
        let values = noise(400);
        let mut moving = MovingMax::new(90, 0.0);
        let mut got = values.clone();
        for (part, window) in got.chunks_mut(50).zip([20, 90, 3, 3, 60, 1, 89, 90]) {
            moving.set_window(window);
            moving.process(part);
        }
        for (end, &got) in got.iter().enumerate() {
            let window = [20, 90, 3, 3, 60, 1, 89, 90][end / 50];
            assert_eq!(got, plain(&values, end, window), "{end}");
        }
    }
}
