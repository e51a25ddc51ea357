//! The envelope limiter, as it was documented in 2012.
//!
//! For each sample x: e = max(|x|, e r); target = 1 unless e > t, then (1 + t) - e;
//! g = g a + target (1 - a); y = g times the sample that came D - 1 samples ago. All in single
//! precision, with two roundings where a multiplication meets an addition.
//!
//! Raw form: a, r, D and t are given as numbers and the output has the documented bits. Timed form,
//! as its author wished: a = exp(-1/(attack x rate)), r likewise, D = round(delay x rate) + 1,
//! t = 10^(dBFS/20), the same recursion. Changed here: samples that are not finite are taken as 0,
//! an overflow becomes the largest number, and in the timed form an envelope below 1e-20 becomes 0 and
//! t glides to a new value.
//!
//! Source: "Real time signal processing in Python" (bastibe.de, 2012), in the public domain.

mod core;
mod fast;
mod fast_follower;
mod octet;
mod table;

use alloc::vec;
use alloc::vec::Vec;

use crate::block::Block;
use crate::node::{Node, PrepareError, Shape, Spec, Subnormals, Tail};
use crate::parameter::Parameter;
use crate::parts::glide::Glide;
use crate::settings::Settings;

pub use self::core::{Coefficients, LimiterCore};
use self::core::{Follower, Step};
use fast::FastForm;
pub use table::EFFECT;
use table::{
    ATTACK, ATTACK_COEFF, DELAY, DELAY_SAMPLES, LINK, MODE, PARAMETERS, RELEASE, RELEASE_COEFF,
    THRESHOLD,
};

/// An envelope below this is silence in the timed form: 400 dB under full scale.
const FLOOR: f32 = 1e-20;

/// A factor of the recursion, in either form.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Factor {
    Raw(f32),
    /// Time constant in milliseconds.
    TimedMs(f64),
}

impl Factor {
    fn of(settings: &Settings, raw: usize, timed: usize) -> Self {
        if settings.is_given(raw) {
            Self::Raw(settings.value(raw) as f32)
        } else {
            Self::TimedMs(settings.value(timed))
        }
    }

    fn at(self, sample_rate_hz: u32) -> f32 {
        match self {
            Self::Raw(factor) => factor,
            // A time of 0 gives exp(-infinity) = 0.
            Self::TimedMs(ms) => libm::exp(-1.0 / (ms * 1e-3 * f64::from(sample_rate_hz))) as f32,
        }
    }
}

/// Delay, in either form.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Delay {
    /// Places of the delay line.
    Samples(usize),
    TimedMs(f64),
}

/// Limits by an envelope follower behind a short delay.
///
/// Latency: D - 1 frames. Tail: as long. Channels: any number, each with its own gain, or all with
/// one.
#[derive(Debug)]
pub struct EnvelopeLimiter {
    attack: Factor,
    release: Factor,
    delay: Delay,
    linked: bool,
    is_fast: bool,
    sample_rate_hz: u32,
    latency_frames: u64,
    /// With the threshold as it is once it has glided.
    coefficients: Coefficients,
    threshold: Glide,
    /// The thresholds of a block in which it glides.
    thresholds: Vec<f32>,
    channels: Vec<LimiterCore>,
    /// The common gain of a block, when the channels are linked.
    gains: Vec<f32>,
    common: Follower,
    /// In place of all that in the fast mode.
    fast: Option<FastForm>,
}

impl EnvelopeLimiter {
    fn new(settings: &Settings) -> Self {
        let delay = if settings.is_given(DELAY_SAMPLES) {
            Delay::Samples(settings.value(DELAY_SAMPLES) as usize)
        } else {
            Delay::TimedMs(settings.value(DELAY))
        };
        Self {
            attack: Factor::of(settings, ATTACK_COEFF, ATTACK),
            release: Factor::of(settings, RELEASE_COEFF, RELEASE),
            delay,
            linked: settings.value(LINK) != 0.0,
            is_fast: settings.value(MODE) != 0.0,
            sample_rate_hz: 1,
            latency_frames: 0,
            coefficients: Coefficients {
                attack: 0.0,
                release: 0.0,
                threshold: settings.value(THRESHOLD) as f32,
                floor: FLOOR,
            },
            threshold: Glide::new(settings.value(THRESHOLD)),
            thresholds: Vec::new(),
            channels: Vec::new(),
            gains: Vec::new(),
            common: Follower::REST,
            fast: None,
        }
    }

    /// The channels' cores, in order; none in the fast mode.
    #[must_use]
    pub fn cores(&self) -> &[LimiterCore] {
        &self.channels
    }

    fn is_raw(&self) -> bool {
        matches!(self.attack, Factor::Raw(_)) || matches!(self.release, Factor::Raw(_))
    }

    fn update_factors(&mut self) {
        self.coefficients.attack = self.attack.at(self.sample_rate_hz);
        self.coefficients.release = self.release.at(self.sample_rate_hz);
        self.coefficients.floor = if self.is_raw() { 0.0 } else { FLOOR };
        if let Some(fast) = &mut self.fast {
            fast.set(&self.coefficients);
        }
    }

    fn process_linked(&mut self, gliding: bool, block: &mut Block<'_>) {
        let gains = &mut self.gains[..block.frames()];
        gains.fill(0.0);
        for plane in block.planes.iter() {
            for (largest, &sample) in gains.iter_mut().zip(plane) {
                let magnitude = crate::parts::finite::or_zero(sample).abs();
                *largest = if magnitude > *largest {
                    magnitude
                } else {
                    *largest
                };
            }
        }
        let step = Step::from(&self.coefficients);
        let mut common = self.common;
        if gliding {
            for (gain, &threshold) in gains.iter_mut().zip(&self.thresholds) {
                *gain = common.next::<true>(*gain, &step.at(threshold));
            }
        } else {
            for gain in gains.iter_mut() {
                *gain = common.next::<true>(*gain, &step);
            }
        }
        self.common = common;
        for (core, plane) in self.channels.iter_mut().zip(block.planes.iter_mut()) {
            core.apply(gains, plane);
        }
    }
}

impl Node for EnvelopeLimiter {
    fn parameters(&self) -> &'static [Parameter] {
        &PARAMETERS
    }

    fn prepare(&mut self, spec: &Spec) -> Result<Shape, PrepareError> {
        self.sample_rate_hz = spec.sample_rate_hz;
        let line_samples = match self.delay {
            Delay::Samples(samples) => samples,
            Delay::TimedMs(ms) => {
                libm::round(ms * 1e-3 * f64::from(spec.sample_rate_hz)) as usize + 1
            }
        };
        self.latency_frames = line_samples as u64 - 1;
        self.update_factors();
        self.threshold.prepare(spec.sample_rate_hz);
        self.thresholds = vec![0.0; spec.max_block_frames];
        self.common = Follower::REST;
        if self.is_fast {
            let (latency, linked) = (line_samples - 1, self.linked);
            let form = FastForm::new(&self.coefficients, spec.channels, latency, linked);
            self.fast = Some(form);
            return Ok(Shape {
                channels: spec.channels,
                latency_frames: self.latency_frames,
            });
        }
        self.channels = vec![LimiterCore::new(line_samples); spec.channels];
        self.gains = vec![
            0.0;
            if self.linked {
                spec.max_block_frames
            } else {
                0
            }
        ];
        Ok(Shape {
            channels: spec.channels,
            latency_frames: self.latency_frames,
        })
    }

    fn reset(&mut self) {
        self.threshold.finish();
        if let Some(fast) = &mut self.fast {
            fast.reset();
        }
        self.channels.iter_mut().for_each(LimiterCore::reset);
        self.common = Follower::REST;
    }

    fn process(&mut self, block: &mut Block<'_>) {
        let gliding = self.threshold.frames_left() > 0;
        if gliding {
            for threshold in self.thresholds.iter_mut().take(block.frames()) {
                *threshold = self.threshold.next_value() as f32;
            }
        }
        let coefficients = &self.coefficients;
        if let Some(fast) = &mut self.fast {
            let gliding = gliding.then_some(&*self.thresholds);
            return fast.process(coefficients, gliding, block);
        }
        if self.linked {
            return self.process_linked(gliding, block);
        }
        for (core, plane) in self.channels.iter_mut().zip(block.planes.iter_mut()) {
            if gliding {
                core.process_gliding(coefficients, &self.thresholds, plane);
            } else {
                core.process(coefficients, plane);
            }
        }
    }

    fn set(&mut self, number: usize, value: f64) {
        match number {
            ATTACK_COEFF => self.attack = Factor::Raw(value as f32),
            RELEASE_COEFF => self.release = Factor::Raw(value as f32),
            ATTACK => self.attack = Factor::TimedMs(value),
            RELEASE => self.release = Factor::TimedMs(value),
            THRESHOLD => {
                self.coefficients.threshold = value as f32;
                self.threshold.set(value);
                if self.is_raw() {
                    self.threshold.finish();
                }
            }
            _ => return,
        }
        self.update_factors();
    }

    fn latency_frames(&self) -> u64 {
        self.latency_frames
    }

    fn tail(&self) -> Tail {
        Tail::Frames(self.latency_frames)
    }

    fn subnormals(&self) -> Subnormals {
        if self.is_raw() && !self.is_fast {
            Subnormals::Kept
        } else {
            Subnormals::Flushed
        }
    }
}

#[cfg(test)]
mod tests;
