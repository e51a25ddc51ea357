//! Where a note begins: where the power rises over all that was heard lately.

use alloc::vec;
use alloc::vec::Vec;

use super::{SILENCE, mean_square};

/// A rise of the power by this factor is a new note; within [`RECENT_S`] of another beginning it
/// takes a larger one.
const RISE: f64 = 6.0;
const LARGE_RISE: f64 = 20.0;
/// What is compared with, in seconds: more than a period of the lowest note.
pub(super) const RECENT_S: f64 = 0.04;
/// A note begins with the first sample that comes near the largest.
const NEAR: f32 = 0.2;

/// Watches the power of short stretches, one after the other.
#[derive(Clone, Debug)]
pub(super) struct Onset {
    /// Powers of the last stretches, the latest last.
    recent: Vec<f64>,
    /// Stretches since a note began.
    since: usize,
}

impl Onset {
    /// For stretches of `hop_s` seconds.
    pub(super) fn new(hop_s: f64) -> Self {
        let count = libm::ceil(RECENT_S / hop_s).max(2.0) as usize;
        Self {
            recent: vec![0.0; count],
            since: 0,
        }
    }

    pub(super) fn reset(&mut self) {
        self.recent.fill(0.0);
        self.since = 0;
    }

    /// Takes the next stretch; tells at which of its samples a note begins, if one does.
    pub(super) fn push(&mut self, hop: &[f32]) -> Option<usize> {
        let power = mean_square(hop);
        let loudest = |powers: &[f64]| powers.iter().fold(0.0f64, |most, power| most.max(*power));
        let (last, before) = (self.recent.len() - 1, &self.recent[..self.recent.len() - 1]);
        let rise = if self.since < self.recent.len() {
            LARGE_RISE
        } else {
            RISE
        };
        // Half a beginning may have been in the last stretch; unless it was told already.
        let over = |powers: &[f64]| power > rise * loudest(powers);
        let is_new = over(&self.recent) || (self.since > 0 && over(before));
        self.recent.rotate_left(1);
        self.recent[last] = power;
        self.since += 1;
        if !is_new || power <= SILENCE * SILENCE {
            return None;
        }
        self.since = 0;
        let largest = hop.iter().fold(0.0f32, |most, x| most.max(x.abs()));
        hop.iter().position(|x| x.abs() > NEAR * largest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_told_wherever_it_lies() {
        for start in [1000, 1001, 1050, 1099] {
            let mut onset = Onset::new(0.0025);
            // Soft noise-like sound, then a loud one.
            let level = |at: usize| if at < start { 0.001 } else { 0.1 };
            let sign = |at: usize| if at * 7 % 5 < 2 { 1.0 } else { -1.0 };
            let sound: Vec<f32> = (0..5000).map(|at| level(at) * sign(at)).collect();
            let told: Vec<usize> = sound
                .chunks(100)
                .enumerate()
                .filter_map(|(hop, samples)| onset.push(samples).map(|at| hop * 100 + at))
                .collect();
            // The first sound of all, and the loud one; once more where the first hop had so little
            // of it that the next is a large rise again.
            assert!((2..=3).contains(&told.len()), "{start}: {told:?}");
            let last = told[told.len() - 1];
            assert!((start..=start + 100).contains(&last), "{start}: {told:?}");
        }
    }
}
