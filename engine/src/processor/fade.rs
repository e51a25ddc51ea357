//! The fade of an edit: a raised cosine from what was to what will be.

/// Length of a fade in milliseconds.
pub const FADE_MS: u32 = 10;

/// How much of the new is heard, frame by frame of a fade.
pub(super) struct Ramp {
    gains: Vec<f32>,
}

impl Ramp {
    pub(super) fn new(sample_rate_hz: u32) -> Self {
        let frames = fade_frames(sample_rate_hz) as usize;
        let gain = |frame: usize| {
            let phase = core::f64::consts::PI * (frame + 1) as f64 / (frames + 1) as f64;
            (0.5 - 0.5 * libm::cos(phase)) as f32
        };
        Self {
            gains: (0..frames).map(gain).collect(),
        }
    }

    pub(super) fn frames(&self) -> u64 {
        self.gains.len() as u64
    }

    /// The gains of `frames` frames from the one at `at`; none while `at` is not reached.
    pub(super) fn gains(&self, at: u64, frames: usize) -> &[f32] {
        let at = at as usize;
        &self.gains[at..at + frames]
    }
}

/// Frames of a fade at this rate.
#[must_use]
pub fn fade_frames(sample_rate_hz: u32) -> u64 {
    (u64::from(sample_rate_hz) * u64::from(FADE_MS) / 1000).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ramp_is_a_raised_cosine_and_mirrors_itself() {
        let ramp = Ramp::new(48_000);
        assert_eq!(ramp.frames(), 480);
        // One step of a raised cosine of 481 steps: sin^2(pi / 962).
        let step = libm::pow(libm::sin(core::f64::consts::PI / 962.0), 2.0) as f32;
        let gains = ramp.gains(0, 480);
        assert!((gains[0] - step).abs() < 1e-7 && (1.0 - gains[479] - step).abs() < 1e-7);
        let mirrored = gains.iter().zip(gains.iter().rev());
        assert!(
            mirrored
                .into_iter()
                .all(|(a, b)| (a + b - 1.0).abs() < 1e-6)
        );
    }
}
