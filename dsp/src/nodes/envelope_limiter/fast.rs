//! The fast form of the recursion: eight samples at a time, along time or across channels.
//!
//! Along time, what the definition keeps as a gain is kept as the reduction d = 1 - g:
//! d = a d + (1 - a) w, where w = e - t above the threshold and 0 below. Then both recursions have a
//! look-ahead form ([`falling_peak`], [`exponential_mean`]), and d is exact where g loses its last
//! digits near 1. It stays within 1e-6 of the recursion in double precision.
//!
//! Across channels, eight of them go through the definition as it is, one lane each, to the same
//! bits as one by one but for an envelope below the floor.

use alloc::vec;
use alloc::vec::Vec;

use crate::block::Block;
use crate::parts::exponential_mean::{ExponentialMean, Forgetting};
use crate::parts::falling_peak::{Fall, FallingPeak, LANES, MAX_VALUES, NO_VALUES, Values};
use crate::parts::finite::{or_zero, saturated};
use crate::parts::vectors::{Vectors, Work};
use crate::parts::window::Window;

use super::core::Coefficients;
use super::octet::{Octet, OctetCore};

/// Channels that go through the definition together.
pub(super) const OCTET: usize = LANES;

/// What the fast form needs of the coefficients.
#[derive(Clone, Copy, Debug)]
struct FastCoefficients {
    fall: Fall,
    forgetting: Forgetting,
}

impl From<&Coefficients> for FastCoefficients {
    fn from(coefficients: &Coefficients) -> Self {
        Self {
            fall: Fall::new(f64::from(coefficients.release)),
            forgetting: Forgetting::new(f64::from(coefficients.attack)),
        }
    }
}

/// Envelope and reduction.
#[derive(Clone, Copy, Debug)]
struct FastFollower {
    envelope: FallingPeak,
    reduction: ExponentialMean,
}

impl FastFollower {
    const REST: Self = Self {
        envelope: FallingPeak::REST,
        reduction: ExponentialMean::REST,
    };

    /// Replaces magnitudes by the reduction of the gain.
    #[inline(always)]
    fn run(&mut self, fast: &FastCoefficients, threshold: f32, values: &mut Values, count: usize) {
        self.envelope.run(&fast.fall, values, count);
        for value in &mut values[LANES..][..count.next_multiple_of(LANES)] {
            let above = *value - threshold;
            *value = if above > 0.0 { above } else { 0.0 };
        }
        self.reduction.run(&fast.forgetting, values, count);
    }
}

/// One channel: recursion and delay.
#[derive(Clone, Debug)]
struct FastCore {
    follower: FastFollower,
    line: Window<f32>,
    latency: usize,
}

impl FastCore {
    /// A core at rest that delays by `latency` samples.
    ///
    /// # Real-time
    /// Not safe: allocates.
    fn new(latency: usize) -> Self {
        Self {
            follower: FastFollower::REST,
            line: Window::new(latency + MAX_VALUES),
            latency,
        }
    }

    fn reset(&mut self) {
        self.follower = FastFollower::REST;
        self.line.clear();
    }

    /// Takes what is finite of at most [`MAX_VALUES`] samples into the line.
    #[inline(always)]
    fn take(&mut self, samples: &[f32]) {
        let line = self.line.append(samples.len());
        for (kept, &sample) in line.iter_mut().zip(samples) {
            *kept = or_zero(sample);
        }
    }

    /// Puts the delayed samples, less the reduction of their gain, in place of `samples`.
    #[inline(always)]
    fn give(&self, samples: &mut [f32], reduction: &Values) {
        let count = samples.len();
        let delayed = self.line.since(self.latency + count, count);
        let reduction = &reduction[LANES..][..count];
        for n in 0..count {
            samples[n] = saturated(delayed[n] * (1.0 - reduction[n]));
        }
    }
}

/// A plane to be limited by itself.
struct Single<'a> {
    core: &'a mut FastCore,
    fast: &'a FastCoefficients,
    threshold: f32,
    plane: &'a mut [f32],
}

impl Work for Single<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for samples in self.plane.chunks_mut(MAX_VALUES) {
            let count = samples.len();
            self.core.take(samples);
            let mut values = NO_VALUES;
            let kept = self.core.line.since(count, count);
            for (value, &sample) in values[LANES..].iter_mut().zip(kept) {
                *value = sample.abs();
            }
            let follower = &mut self.core.follower;
            follower.run(self.fast, self.threshold, &mut values, count);
            self.core.give(samples, &values);
        }
    }
}

/// Planes that have one gain in common.
struct Linked<'a, 'b> {
    form: &'a mut FastForm,
    threshold: f32,
    block: &'a mut Block<'b>,
}

impl Work for Linked<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let form = self.form;
        let frames = self.block.frames();
        for begin in (0..frames).step_by(MAX_VALUES) {
            let count = MAX_VALUES.min(frames - begin);
            let mut values = NO_VALUES;
            for (number, core) in form.singles.iter_mut().enumerate() {
                core.take(&self.block.planes.plane(number)[begin..begin + count]);
                let kept = core.line.since(count, count);
                for (value, &sample) in values[LANES..].iter_mut().zip(kept) {
                    let magnitude = sample.abs();
                    *value = if magnitude > *value {
                        magnitude
                    } else {
                        *value
                    };
                }
            }
            let common = &mut form.common;
            common.run(&form.coefficients, self.threshold, &mut values, count);
            for (number, core) in form.singles.iter().enumerate() {
                let plane = self.block.planes.plane_mut(number);
                core.give(&mut plane[begin..begin + count], &values);
            }
        }
    }
}

/// The fast form of the whole limiter.
#[derive(Clone, Debug)]
pub(super) struct FastForm {
    coefficients: FastCoefficients,
    /// The first channels, by eights.
    octets: Vec<OctetCore>,
    /// The channels behind them; all when they are linked.
    singles: Vec<FastCore>,
    /// The gain of linked channels.
    common: FastFollower,
    linked: bool,
    vectors: Vectors,
}

impl FastForm {
    /// At rest.
    ///
    /// # Real-time
    /// Not safe: allocates.
    pub(super) fn new(
        coefficients: &Coefficients,
        channels: usize,
        latency: usize,
        linked: bool,
    ) -> Self {
        let octets = if linked { 0 } else { channels / OCTET };
        Self {
            coefficients: coefficients.into(),
            octets: vec![OctetCore::new(latency); octets],
            singles: vec![FastCore::new(latency); channels - octets * OCTET],
            common: FastFollower::REST,
            linked,
            vectors: Vectors::detect(),
        }
    }

    pub(super) fn set(&mut self, coefficients: &Coefficients) {
        self.coefficients = coefficients.into();
    }

    pub(super) fn reset(&mut self) {
        self.octets.iter_mut().for_each(OctetCore::reset);
        self.singles.iter_mut().for_each(FastCore::reset);
        self.common = FastFollower::REST;
    }

    pub(super) fn process(&mut self, coefficients: &Coefficients, block: &mut Block<'_>) {
        let (vectors, threshold) = (self.vectors, coefficients.threshold);
        if self.linked {
            return vectors.run(Linked {
                form: self,
                threshold,
                block,
            });
        }
        let mut planes = block.planes.iter_mut();
        for core in &mut self.octets {
            let mut planes = core::array::from_fn(|_| planes.next().unwrap_or_default());
            vectors.run(Octet {
                core,
                coefficients,
                planes: &mut planes,
            });
        }
        for (core, plane) in self.singles.iter_mut().zip(planes) {
            vectors.run(Single {
                core,
                fast: &self.coefficients,
                threshold,
                plane,
            });
        }
    }
}
