//! Which frames of a history never came.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

/// Holes that are told apart; more become one.
const MOST: usize = 16;

/// Ranges of lost frames, oldest first.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Holes {
    ranges: [(u64, u64); MOST],
    len: usize,
}

impl Holes {
    /// The frames from `begin` to `end` were lost; they are behind all others.
    pub(super) fn add(&mut self, begin: u64, end: u64) {
        let is_full = self.len == MOST;
        if let Some(last) = self.ranges[..self.len].last_mut()
            && (last.1 == begin || is_full)
        {
            last.1 = end;
            return;
        }
        self.ranges[self.len] = (begin, end);
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_found_until_they_are_forgotten_and_too_many_become_one() {
        let mut holes = Holes::default();
        for hole in 0..20 {
            holes.add(100 * hole, 100 * hole + 10);
        }
        assert!(holes.spare(10, 100) && !holes.spare(10, 101) && !holes.spare(105, 106));
        // The sixteenth took in all behind it.
        assert!(!holes.spare(1_650, 1_660) && holes.spare(1_910, 2_000));
        holes.forget(110);
        assert!(holes.spare(0, 200) && !holes.spare(0, 201));
        holes.add(1_910, 1_950);
        holes.forget(1_949);
        assert!(!holes.spare(1_949, 1_951));
        holes.forget(1_950);
        assert!(holes.spare(0, u64::MAX));
    }
}
