//! The level of a sound, frame by frame.
//!
//! Peak: |x|. Mean power: 2 x^2 behind two equal low passes in a row; twice, so that a sine's level
//! is that of its peak (as AES17 has it). With w the sine's angular frequency and t the time of one
//! low pass, two leave 1/(1 + (2 w t)^2) of the power's own ripple, where one would leave the square
//! root of that.

use super::Piece;
use crate::parts::octaves::log2;

/// Amplitudes below this are taken as this: -300 dBFS, far from the subnormal numbers.
pub const SOFTEST: f32 = 1e-15;
/// Amplitudes above this are taken as this: 300 dBFS.
pub const LOUDEST: f32 = 1e15;

/// What numbers that stand for a level are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Amplitudes.
    Amplitude,
    /// Their squares.
    Power,
}

/// The amplitude of a sample within what levels are counted for; what is not finite is silence.
#[inline(always)]
fn magnitude(sample: f32) -> f32 {
    let magnitude = sample.abs();
    let magnitude = if magnitude <= f32::MAX {
        magnitude
    } else {
        0.0
    };
    let magnitude = if magnitude > SOFTEST {
        magnitude
    } else {
        SOFTEST
    };
    if magnitude < LOUDEST {
        magnitude
    } else {
        LOUDEST
    }
}

/// Writes the magnitudes of `samples` to `levels`.
///
/// # Real-time
/// Safe.
#[inline(always)]
pub fn peak(samples: &[f32], levels: &mut [f32]) {
    for (level, &sample) in levels.iter_mut().zip(samples) {
        *level = magnitude(sample);
    }
}

/// Raises `levels` to the magnitudes of `samples` where those are larger.
///
/// # Real-time
/// Safe.
#[inline(always)]
pub fn raise_to_peak(samples: &[f32], levels: &mut [f32]) {
    for (level, &sample) in levels.iter_mut().zip(samples) {
        let magnitude = magnitude(sample);
        *level = if magnitude > *level {
            magnitude
        } else {
            *level
        };
    }
}

/// Copies `others` to `levels`.
///
/// # Real-time
/// Safe.
#[inline(always)]
pub fn copy(others: &[f32], levels: &mut [f32]) {
    levels[..others.len()].copy_from_slice(others);
}

/// Raises `levels` to `others` where those are larger.
///
/// # Real-time
/// Safe.
#[inline(always)]
pub fn raise_to(others: &[f32], levels: &mut [f32]) {
    for (level, &other) in levels.iter_mut().zip(others) {
        *level = if other > *level { other } else { *level };
    }
}

/// Replaces amplitudes, or powers, by their levels in octaves of amplitude.
///
/// # Real-time
/// Safe.
#[inline(always)]
pub fn to_octaves(levels: &mut [f32], of: Measure) {
    match of {
        Measure::Amplitude => levels.iter_mut().for_each(|level| *level = log2(*level)),
        Measure::Power => levels
            .iter_mut()
            .for_each(|level| *level = 0.5 * log2(*level)),
    }
}

/// Moves each path's level in octaves towards the largest of all, by the share `link` of the way.
///
/// # Real-time
/// Safe.
#[inline(always)]
pub fn link(paths: &mut [Piece], frames: usize, link: f32) {
    let Some((first, others)) = paths.split_first() else {
        return;
    };
    let mut largest = *first;
    for other in others {
        raise_to(&other[..frames], &mut largest[..frames]);
    }
    for path in paths {
        for (level, &largest) in path[..frames].iter_mut().zip(&largest) {
            *level += link * (largest - *level);
        }
    }
}

/// The mean power of one channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MeanPower {
    stages: [f64; 2],
}

impl MeanPower {
    /// That of silence.
    pub const SILENCE: Self = Self {
        stages: [SOFTEST as f64 * SOFTEST as f64; 2],
    };

    /// Replaces samples by mean powers; `rate` is [`MeanPower::rate`]'s.
    ///
    /// # Real-time
    /// Safe.
    #[inline(always)]
    pub fn process(&mut self, samples: &mut [f32], rate: f64) {
        let [mut first, mut second] = self.stages;
        for sample in samples {
            let magnitude = f64::from(magnitude(*sample));
            // Twice the power: that of a sine is the square of its peak.
            first += rate * (2.0 * magnitude * magnitude - first);
            second += rate * (first - second);
            *sample = second as f32;
        }
        self.stages = [first, second];
    }

    /// The share of the way that each low pass makes in a frame, for a window in frames: the mean
    /// age of what is heard.
    #[must_use]
    pub fn rate(window_frames: f64) -> f64 {
        -libm::expm1(-2.0 / window_frames)
    }
}
