//! The recursion of the limiter and the delay behind it, for one channel.

use alloc::boxed::Box;

use crate::parts::finite::{or_zero, saturated};
use crate::parts::silence::silence;

/// The coefficients of the recursion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Coefficients {
    /// Attack factor, 0 to 1: how much of the gain stays from one sample to the next.
    pub attack: f32,
    /// Release factor, 0 to 1: how much of the envelope stays from one sample to the next.
    pub release: f32,
    /// Threshold as an amplitude, 0 to 1.
    pub threshold: f32,
    /// An envelope below this becomes 0; 0 leaves it as it falls.
    pub floor: f32,
}

/// Envelope and gain: the state of the recursion.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Follower {
    pub(super) envelope: f32,
    pub(super) gain: f32,
}

impl Follower {
    pub(super) const REST: Self = Self {
        envelope: 0.0,
        gain: 1.0,
    };

    /// Takes the magnitude of the next sample; returns the gain for the sample that leaves. The
    /// floor costs a step of the recursion, so it is there only `WITH_FLOOR`.
    #[inline(always)]
    pub(super) fn next<const WITH_FLOOR: bool>(&mut self, magnitude: f32, step: &Step) -> f32 {
        let fallen = self.envelope * step.release;
        let envelope = if magnitude > fallen {
            magnitude
        } else {
            fallen
        };
        let envelope = if WITH_FLOOR && envelope < step.floor {
            0.0
        } else {
            envelope
        };
        let target = if envelope > step.threshold {
            step.one_and_threshold - envelope
        } else {
            1.0
        };
        // Two roundings: a fused multiply-add would change the documented bits.
        self.gain = self.gain * step.attack + target * step.one_less_attack;
        self.envelope = envelope;
        self.gain
    }
}

/// What the recursion needs of the coefficients, worked out once a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    attack: f32,
    one_less_attack: f32,
    release: f32,
    threshold: f32,
    one_and_threshold: f32,
    floor: f32,
}

impl Step {
    /// The same with another threshold.
    #[inline(always)]
    pub(super) fn at(self, threshold: f32) -> Self {
        Self {
            threshold,
            one_and_threshold: 1.0 + threshold,
            ..self
        }
    }
}

impl From<&Coefficients> for Step {
    #[inline(always)]
    fn from(coefficients: &Coefficients) -> Self {
        let &Coefficients {
            attack,
            release,
            threshold,
            floor,
        } = coefficients;
        Self {
            attack,
            one_less_attack: 1.0 - attack,
            release,
            threshold,
            one_and_threshold: 1.0 + threshold,
            floor,
        }
    }
}

/// One channel of the documented limiter: recursion and delay line.
///
/// The delay line of the definition has `line_samples` places and is read one place behind where it
/// is written, so it delays by `line_samples - 1`. Here only those samples are kept.
#[derive(Clone, Debug)]
pub struct LimiterCore {
    line: Box<[f32]>,
    place: usize,
    written: usize,
    pub(super) follower: Follower,
}

impl LimiterCore {
    /// A core at rest with a delay line of `line_samples` places, at least 1.
    ///
    /// # Real-time
    /// Not safe: allocates.
    #[must_use]
    pub fn new(line_samples: usize) -> Self {
        let line = silence(line_samples.max(1) - 1).into_boxed_slice();
        Self {
            line,
            place: 0,
            written: 0,
            follower: Follower::REST,
        }
    }

    /// Forgets all sound.
    ///
    /// # Real-time
    /// Safe.
    pub fn reset(&mut self) {
        self.line.fill(0.0);
        (self.place, self.written) = (0, 0);
        self.follower = Follower::REST;
    }

    /// The envelope after the last sample.
    #[must_use]
    pub fn envelope(&self) -> f32 {
        self.follower.envelope
    }

    /// The gain after the last sample.
    #[must_use]
    pub fn gain(&self) -> f32 {
        self.follower.gain
    }

    /// The place in the delay line of the definition that is written next.
    #[must_use]
    pub fn position(&self) -> usize {
        self.written
    }

    /// Limits a plane in place. Samples that are not finite are taken as 0.
    ///
    /// # Real-time
    /// Safe.
    #[inline]
    pub fn process(&mut self, coefficients: &Coefficients, plane: &mut [f32]) {
        let step = Step::from(coefficients);
        let mut follower = self.follower;
        if step.floor > 0.0 {
            self.advance(plane, |input, _, delayed| {
                saturated(delayed * follower.next::<true>(input.abs(), &step))
            });
        } else {
            self.advance(plane, |input, _, delayed| {
                saturated(delayed * follower.next::<false>(input.abs(), &step))
            });
        }
        self.follower = follower;
    }

    /// The same with a threshold for each sample.
    pub(super) fn process_gliding(
        &mut self,
        coefficients: &Coefficients,
        thresholds: &[f32],
        plane: &mut [f32],
    ) {
        let step = Step::from(coefficients);
        let (mut follower, mut thresholds) = (self.follower, thresholds.iter());
        self.advance(plane, |input, _, delayed| {
            let threshold = thresholds.next().copied().unwrap_or(step.threshold);
            saturated(delayed * follower.next::<true>(input.abs(), &step.at(threshold)))
        });
        self.follower = follower;
    }

    /// Delays a plane and multiplies it by `gains`, one for each sample.
    pub(super) fn apply(&mut self, gains: &[f32], plane: &mut [f32]) {
        self.advance(plane, |_, frame, delayed| saturated(delayed * gains[frame]));
    }

    /// Passes `plane` through the delay line; `output` gets the sample that came, its frame, and
    /// the sample that leaves.
    #[inline(always)]
    fn advance(&mut self, plane: &mut [f32], mut output: impl FnMut(f32, usize, f32) -> f32) {
        let frames = plane.len();
        self.written += frames;
        if self.written > self.line.len() {
            self.written %= self.line.len() + 1;
        }
        if self.line.is_empty() {
            for (frame, sample) in plane.iter_mut().enumerate() {
                let input = or_zero(*sample);
                *sample = output(input, frame, input);
            }
            return;
        }
        let mut done = 0;
        while done < frames {
            let run = (self.line.len() - self.place).min(frames - done);
            let line = &mut self.line[self.place..self.place + run];
            for (frame, (sample, kept)) in plane[done..done + run].iter_mut().zip(line).enumerate()
            {
                let input = or_zero(*sample);
                let delayed = core::mem::replace(kept, input);
                *sample = output(input, done + frame, delayed);
            }
            done += run;
            self.place += run;
            if self.place == self.line.len() {
                self.place = 0;
            }
        }
    }
}
