//! Means over the last hops.

use alloc::vec;
use alloc::vec::Vec;

/// Sums over the last hops, oldest out first.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    /// A sum and the frames that it is of.
    hops: Vec<(f64, usize)>,
    next: usize,
    /// Hops seen, no more than there is room for.
    seen: usize,
}

impl Window {
    /// Room for `hops` hops.
    pub(crate) fn new(hops: usize) -> Self {
        Self {
            hops: vec![(0.0, 0); hops],
            next: 0,
            seen: 0,
        }
    }

    pub(crate) fn reset(&mut self) {
        (self.next, self.seen) = (0, 0);
    }

    pub(crate) fn push(&mut self, sum: f64, frames: usize) {
        self.hops[self.next] = (sum, frames);
        self.next = (self.next + 1) % self.hops.len();
        self.seen = (self.seen + 1).min(self.hops.len());
    }

    /// Hops that are there.
    pub(crate) fn seen(&self) -> usize {
        self.seen
    }

    /// The mean over the last `hops` hops, `None` before there were so many.
    ///
    /// Added up anew each time: a running sum would keep the rounding of what has long left.
    pub(crate) fn mean(&self, hops: usize) -> Option<f64> {
        if hops == 0 || hops > self.seen {
            return None;
        }
        let room = self.hops.len();
        let first = (self.next + room - hops) % room;
        let (begin, end) = self.hops.split_at(first);
        let from_first = end.iter().chain(begin).take(hops);
        let (sum, frames) =
            from_first.fold((0.0, 0), |(sum, frames), hop| (sum + hop.0, frames + hop.1));
        Some(sum / frames as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_is_that_of_the_last_hops_by_their_lengths() {
        let mut window = Window::new(3);
        assert_eq!(window.mean(1), None);
        for (sum, frames) in [(100.0, 1), (2.0, 1), (6.0, 3), (8.0, 4)] {
            window.push(sum, frames);
        }
        assert_eq!(window.mean(1), Some(2.0));
        assert_eq!(window.mean(2), Some(2.0));
        assert_eq!(window.mean(3), Some(16.0 / 8.0));
        assert_eq!(window.mean(4), None);
        window.reset();
        assert_eq!(window.mean(1), None);
    }
}
