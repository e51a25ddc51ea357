//! The levels of the last moments, for a meter that holds its peaks.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use std::time::{Duration, Instant};

use ringbuf::HeapRb;

/// How long a peak is held.
const HOLD: Duration = Duration::from_secs(3);
/// Looks that are remembered: three seconds of sixty a second.
const LOOKS: usize = 180;

/// The peaks of the last looks, oldest out first. Lives on the control side.
pub(super) struct Levels {
    looks: HeapRb<(Instant, Vec<f32>)>,
}

impl Levels {
    pub(super) fn new() -> Self {
        Self {
            looks: HeapRb::new(LOOKS),
        }
    }

    /// Takes the peaks of one look; returns the largest of each channel in the last three seconds.
    pub(super) fn hold(&mut self, now: Instant, peaks: &[f32]) -> Vec<f32> {
        while self
            .looks
            .try_peek()
            .is_some_and(|(at, _)| now.duration_since(*at) > HOLD)
        {
            self.looks.skip(1);
        }
        self.looks.push_overwrite((now, peaks.to_vec()));
        let mut held = vec![0.0f32; peaks.len()];
        for (_, look) in self.looks.iter() {
            held.iter_mut()
                .zip(look)
                .for_each(|(held, &peak)| *held = held.max(peak));
        }
        held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_is_held_for_three_seconds() {
        let mut levels = Levels::new();
        let began = Instant::now();
        let at = |ms| began + Duration::from_millis(ms);
        assert_eq!(levels.hold(at(0), &[0.5, 0.1]), [0.5, 0.1]);
        assert_eq!(levels.hold(at(1500), &[0.2, 0.3]), [0.5, 0.3]);
        assert_eq!(levels.hold(at(3000), &[0.0, 0.0]), [0.5, 0.3]);
        assert_eq!(levels.hold(at(3100), &[0.0, 0.0]), [0.2, 0.3]);
        assert_eq!(levels.hold(at(9000), &[0.0, 0.0]), [0.0, 0.0]);
    }
}
