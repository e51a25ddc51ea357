//! How a read follows the quotient of two clocks.

use super::drift_loop::LoopSpec;

/// Mean lateness at which everything takes the time that is given below, in nanoseconds, and how
/// much faster and slower it may be.
const PACE_NS: f64 = 25_000.0;
const PACES: (f64, f64) = (0.3, 8.0);
/// The error of the position is trimmed away by so much of it in a second: less the longer it goes
/// well, to the power of 2, and more where calls are later.
const GAIN: f64 = 0.7;
const GAIN_GROWS: f64 = 1.5;
const GAIN_MOST: f64 = 16.0;
const GAIN_LEAST: f64 = 0.2;
/// Corner of the two poles that smooth the step, in radians per second; it falls with age.
const CORNER: f64 = 30.0;
const CORNER_GROWS: f64 = 0.4;
const CORNER_LEAST: f64 = 1.9;
/// Seconds of age to begin with.
const AGE_S: f64 = 0.05;
/// An error of the position below so many frames is trimmed by no more than the first, in parts of
/// the rate, in the first seconds, and by no more than the second later; each frame beyond adds.
const CALM_FRAMES: f64 = 0.6;
const CALM_FRAMES_LEARNED: f64 = 0.85;
const CALM_TRIM: f64 = 0.5e-6;
const CALM_S: f64 = 8.0;
const LATE_TRIM: f64 = 10e-6;
const FAR_TRIM: f64 = 400e-6;
const MOST_TRIM: f64 = 1e-3;

/// A read that goes on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    /// Where the next read begins.
    pub(super) frame: u64,
    pub(super) fraction: f64,
    /// The last step, and what it is smoothed from.
    pub(super) step: f64,
    pub(super) half: f64,
    /// What is added to the step, since the delay shrinks.
    pub(super) closing: f64,
    /// Seconds of reading.
    pub(super) age_s: f64,
    /// Frames from where the position should be.
    pub(super) error: f64,
}

impl Reading {
    /// The writer's frames per frame of the reader's.
    pub(super) fn way(&self) -> f64 {
        self.step + self.closing
    }

    /// The next step: the quotient of the clocks and the trim, smoothed.
    pub(super) fn steer(&mut self, ratio: f64, seconds: f64, pace: f64, spec: &LoopSpec) {
        self.age_s += seconds;
        let age_s = self.age_s + AGE_S;
        let gain = (GAIN * libm::pow(pace, GAIN_GROWS) / (age_s * age_s))
            .min(GAIN_MOST / age_s)
            .max(GAIN_LEAST);
        let corner = (CORNER * libm::pow(pace, CORNER_GROWS) / age_s).max(CORNER_LEAST);
        let calm = if age_s < CALM_S * pace {
            CALM_TRIM
        } else {
            LATE_TRIM
        };
        let near = match spec.learned {
            Some(_) => CALM_FRAMES_LEARNED,
            None => CALM_FRAMES,
        };
        let far = (self.error.abs() - near).max(0.0);
        let most = (calm + FAR_TRIM * far).min(MOST_TRIM);
        let trim = (gain * self.error / spec.from_hz).max(-most).min(most);
        let weight = 1.0 - libm::exp(-corner * seconds);
        self.half += weight * (ratio * (1.0 + trim) - self.half);
        self.step += weight * (self.half - self.step);
    }
}

/// How slowly things can be known where calls are late by so much in the mean: 1 at 25 us.
pub(super) fn pace(spread_ns: f64) -> f64 {
    libm::sqrt(spread_ns / PACE_NS).clamp(PACES.0, PACES.1)
}
