//! Which frames of a history never came, and why.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use ossicle_io::ring::Cause;

/// Holes that are told apart; more become one.
const MOST: usize = 16;

/// Ranges of lost frames, oldest first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holes {
    ranges: [(u64, u64, Cause); MOST],
    len: usize,
}

impl Default for Holes {
    fn default() -> Self {
        Self {
            ranges: [(0, 0, Cause::Xrun); MOST],
            len: 0,
        }
    }
}

impl Holes {
    /// The frames from `begin` to `end` were lost; they are behind all others.
    pub(super) fn add(&mut self, begin: u64, end: u64, cause: Cause) {
        let is_full = self.len == MOST;
        if let Some(last) = self.ranges[..self.len].last_mut()
            && (is_full || last.1 == begin && last.2 == cause)
        {
            last.1 = end;
            return;
        }
        self.ranges[self.len] = (begin, end, cause);
        self.len += 1;
    }

    /// Forgets what ends before `begin`.
    pub(super) fn forget(&mut self, begin: u64) {
        let old = self.ranges[..self.len]
            .iter()
            .take_while(|range| range.1 <= begin)
            .count();
        if old > 0 {
            self.ranges.copy_within(old..self.len, 0);
            self.len -= old;
        }
    }

    /// Whether none of the frames from `begin` to `end` was lost.
    pub(super) fn spare(&self, begin: u64, end: u64) -> bool {
        self.ranges[..self.len]
            .iter()
            .all(|range| range.1 <= begin || end <= range.0)
    }

    /// Why this frame was lost, if it was.
    pub(super) fn cause_at(&self, frame: u64) -> Option<Cause> {
        let mut ranges = self.ranges.iter().take(self.len);
        let range = ranges.find(|range| (range.0..range.1).contains(&frame))?;
        Some(range.2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_found_until_they_are_forgotten_and_too_many_become_one() {
        let mut holes = Holes::default();
        for hole in 0..20 {
            holes.add(100 * hole, 100 * hole + 10, Cause::Xrun);
        }
        assert!(holes.spare(10, 100) && !holes.spare(10, 101) && !holes.spare(105, 106));
        // The sixteenth took in all behind it.
        assert!(!holes.spare(1_650, 1_660) && holes.spare(1_910, 2_000));
        holes.forget(110);
        assert!(holes.spare(0, 200) && !holes.spare(0, 201));
        assert_eq!(holes.cause_at(109), None);
        holes.add(1_910, 1_950, Cause::Stalled);
        assert_eq!(holes.cause_at(1_909), Some(Cause::Xrun));
        assert_eq!(holes.cause_at(1_910), Some(Cause::Stalled));
        holes.forget(1_949);
        assert!(!holes.spare(1_949, 1_951));
        holes.forget(1_950);
        assert!(holes.spare(0, u64::MAX));
    }
}
