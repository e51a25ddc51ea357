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
use crate::parts::falling_peak::{Fall, FallingPeak, LANES, Lanes};
use crate::parts::finite::{or_zero, saturated};
use crate::parts::vectors::{Vectors, Work};
use crate::parts::window::Window;

use super::core::Coefficients;
use super::octet::{Octet, OctetCore};

/// Channels that go through the definition together.
pub(super) const OCTET: usize = LANES;

/// Samples that are worked on in one go.
const PIECE: usize = GROUPS * LANES;
const GROUPS: usize = 8;

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

/// An envelope further above the threshold than this counts as this, so that no sum overflows.
const LARGEST: f32 = 1e30;

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

    /// Replaces samples by their gains.
    ///
    /// In four rounds over all of them, each with little that waits for what is before it.
    #[inline(always)]
    fn gains(&mut self, fast: &FastCoefficients, threshold: f32, groups: &mut [Lanes]) {
        let Self {
            mut envelope,
            mut reduction,
        } = *self;
        for group in groups.iter_mut() {
            *group = envelope.gather(&fast.fall, magnitudes(group));
        }
        for group in groups.iter_mut() {
            *group = above(threshold, &envelope.carry(&fast.fall, *group));
        }
        for group in groups.iter_mut() {
            *group = reduction.gather(&fast.forgetting, *group);
        }
        for group in groups.iter_mut() {
            *group = gains(&reduction.carry(&fast.forgetting, *group));
        }
        *self = Self {
            envelope,
            reduction,
        };
    }

    /// The gains of fewer than eight samples; what is behind them is not used.
    #[inline(always)]
    fn few(
        &mut self,
        fast: &FastCoefficients,
        threshold: f32,
        samples: Lanes,
        count: usize,
    ) -> Lanes {
        let (before, mut after, mut groups) = (*self, *self, [samples]);
        after.gains(fast, threshold, &mut groups);
        *self = Self {
            envelope: after.envelope.after(&before.envelope, count),
            reduction: after.reduction.after(&before.reduction, count),
        };
        groups[0]
    }
}

/// By how much an envelope is above the threshold.
#[inline(always)]
fn above(threshold: f32, envelope: &Lanes) -> Lanes {
    let mut out = [0.0; LANES];
    for lane in 0..LANES {
        let over = envelope[lane] - threshold;
        let over = if over < LARGEST { over } else { LARGEST };
        out[lane] = if over > 0.0 { over } else { 0.0 };
    }
    out
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
            line: Window::new(latency + PIECE),
            latency,
        }
    }

    fn reset(&mut self) {
        self.follower = FastFollower::REST;
        self.line.clear();
    }

    /// Takes what is finite of the samples into the line.
    #[inline(always)]
    fn take(&mut self, samples: &[f32]) {
        let line = self.line.append(samples.len());
        for (kept, &sample) in line.iter_mut().zip(samples) {
            *kept = or_zero(sample);
        }
    }

    /// Puts the delayed samples, times their gain, in place of the gains.
    #[inline(always)]
    fn give(&self, gains: &mut [f32]) {
        let count = gains.len();
        let delayed = self.line.since(self.latency + count, count);
        for (gain, &delayed) in gains.iter_mut().zip(delayed) {
            *gain = saturated(delayed * *gain);
        }
    }
}

#[inline(always)]
fn magnitudes(samples: &Lanes) -> Lanes {
    let mut out = [0.0; LANES];
    for lane in 0..LANES {
        out[lane] = or_zero(samples[lane]).abs();
    }
    out
}

#[inline(always)]
fn gains(reductions: &Lanes) -> Lanes {
    let mut out = [0.0; LANES];
    for lane in 0..LANES {
        out[lane] = 1.0 - reductions[lane];
    }
    out
}

/// Eight values of which the first are given.
#[inline(always)]
fn padded(values: &[f32]) -> Lanes {
    let mut out = [0.0; LANES];
    out[..values.len()].copy_from_slice(values);
    out
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
        let Self {
            core,
            fast,
            threshold,
            plane,
        } = self;
        for piece in plane.chunks_mut(PIECE) {
            core.take(piece);
            // The gains stand where the samples were until all are known.
            if let Some(whole) = piece.as_chunks_mut().0.first_chunk_mut::<GROUPS>() {
                core.follower.gains(fast, threshold, whole);
            } else {
                let (groups, rest) = piece.as_chunks_mut();
                core.follower.gains(fast, threshold, groups);
                if !rest.is_empty() {
                    let few = padded(rest);
                    let gains = core.follower.few(fast, threshold, few, rest.len());
                    rest.copy_from_slice(&gains[..rest.len()]);
                }
            }
            core.give(piece);
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
        let FastForm {
            coefficients,
            singles,
            common,
            ..
        } = self.form;
        let frames = self.block.frames();
        for begin in (0..frames).step_by(LANES) {
            let count = LANES.min(frames - begin);
            let mut largest = [0.0; LANES];
            for (number, core) in singles.iter_mut().enumerate() {
                let plane = &self.block.planes.plane(number)[begin..begin + count];
                core.take(plane);
                let own = magnitudes(&padded(plane));
                for lane in 0..LANES {
                    largest[lane] = if own[lane] > largest[lane] {
                        own[lane]
                    } else {
                        largest[lane]
                    };
                }
            }
            let gains = common.few(coefficients, self.threshold, largest, count);
            for (number, core) in singles.iter().enumerate() {
                let plane = &mut self.block.planes.plane_mut(number)[begin..begin + count];
                plane.copy_from_slice(&gains[..count]);
                core.give(plane);
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
                vectors,
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
