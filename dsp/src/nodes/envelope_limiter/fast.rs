//! The fast form of the recursion: eight samples at a time, along time or across channels.
//!
//! Along time, what the definition keeps as a gain is kept as the reduction d = 1 - g:
//! d = a d + (1 - a) w, where w = e - t above the threshold and 0 below. Then both recursions are
//! something that fades ([`crate::parts::fading`]), and d is exact where g loses its last digits near 1.
//! It stays within 1e-6 of the recursion in double precision.
//!
//! Across channels, eight of them go through the definition as it is, one lane each, to the same
//! bits as one by one but for an envelope below the floor.

use alloc::vec;
use alloc::vec::Vec;

use crate::block::Block;
use crate::parts::fading::{GROUPS, LANES};
use crate::parts::finite::{or_zero, saturated};
use crate::parts::vectors::{Eight, Vectors, Work};
use crate::parts::window::Window;

use super::core::Coefficients;
use super::fast_follower::{FastCoefficients, FastFollower, Over, PIECE};
use super::octet::{Octet, OctetCore};

/// Channels that go through the definition together.
pub(super) const OCTET: usize = LANES;

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

    /// Limits a whole piece that begins with a run.
    #[inline(always)]
    fn piece<E: Eight>(&mut self, fast: &FastCoefficients, piece: &mut [f32; PIECE]) {
        let mut above = [[0.0; LANES]; GROUPS];
        let FastFollower {
            envelope,
            reduction,
            ..
        } = &mut self.follower;
        let (release, attack) = (&fast.release, &fast.attack);
        let (over, threshold) = (Over::<E>::new(fast), E::splat(fast.threshold));
        let line = self.line.append(PIECE).as_chunks_mut().0;
        let mut running = envelope.begin::<E>(release);
        let groups = above.iter_mut().zip(release.left());
        for (((above, since), samples), kept) in groups.zip(piece.as_chunks().0).zip(line) {
            let samples = E::load(samples).or_zero();
            samples.store(kept);
            let envelope = running.step(*since, samples.magnitude());
            over.of(envelope, threshold).store(above);
        }
        envelope.end_run(&running, release);
        let delayed = self.line.since(self.latency + PIECE, PIECE).as_chunks().0;
        let [one, lowest, highest] = [1.0, -f32::MAX, f32::MAX].map(E::splat);
        let mut running = reduction.begin::<E>(attack);
        let groups = above.iter().zip(attack.left());
        for (((above, since), out), delayed) in groups.zip(piece.as_chunks_mut().0).zip(delayed) {
            let gain = one.minus(running.step(*since, E::load(above)));
            let limited = E::load(delayed).times(gain);
            limited.or_larger(lowest).or_smaller(highest).store(out);
        }
        reduction.end_run(&running, attack);
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

/// A plane to be limited by itself.
struct Single<'a> {
    core: &'a mut FastCore,
    fast: &'a FastCoefficients,
    /// A threshold for each sample, while it glides.
    gliding: Option<&'a [f32]>,
    plane: &'a mut [f32],
}

impl Work for Single<'_> {
    type Output = ();

    #[inline(always)]
    fn run<E: Eight>(self) {
        let Self {
            core,
            fast,
            gliding,
            plane,
        } = self;
        let resting = [fast.threshold; PIECE];
        let mut gliding = gliding.map(|thresholds| thresholds.chunks(PIECE));
        for piece in plane.chunks_mut(PIECE) {
            let thresholds = gliding.as_mut().and_then(Iterator::next);
            match (piece.first_chunk_mut(), thresholds) {
                (Some(piece), None) if core.follower.begins_run() => core.piece::<E>(fast, piece),
                (_, thresholds) => {
                    core.take(piece);
                    // The gains stand where the samples were until all are known.
                    piece
                        .iter_mut()
                        .for_each(|sample| *sample = magnitude(*sample));
                    let thresholds = thresholds.unwrap_or(&resting);
                    core.follower.gains::<E>(fast, thresholds, piece);
                    core.give(piece);
                }
            }
        }
    }
}

/// Planes that have one gain in common.
struct Linked<'a, 'b> {
    form: &'a mut FastForm,
    /// A threshold for each frame, while it glides.
    gliding: Option<&'a [f32]>,
    block: &'a mut Block<'b>,
}

impl Work for Linked<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<E: Eight>(self) {
        let FastForm {
            coefficients,
            singles,
            common,
            ..
        } = self.form;
        let frames = self.block.frames();
        let resting = [coefficients.threshold; PIECE];
        for begin in (0..frames).step_by(PIECE) {
            let count = PIECE.min(frames - begin);
            let mut gains = [0.0; PIECE];
            let gains = &mut gains[..count];
            for (number, core) in singles.iter_mut().enumerate() {
                let plane = &self.block.planes.plane(number)[begin..begin + count];
                core.take(plane);
                for (largest, &sample) in gains.iter_mut().zip(plane) {
                    let own = magnitude(sample);
                    *largest = if own > *largest { own } else { *largest };
                }
            }
            let thresholds = self.gliding.and_then(|thresholds| thresholds.get(begin..));
            common.gains::<E>(coefficients, thresholds.unwrap_or(&resting), gains);
            for (number, core) in singles.iter().enumerate() {
                let plane = &mut self.block.planes.plane_mut(number)[begin..begin + count];
                plane.copy_from_slice(gains);
                core.give(plane);
            }
        }
    }
}

#[inline(always)]
fn magnitude(sample: f32) -> f32 {
    or_zero(sample).abs()
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
        let fast = &self.coefficients;
        self.common.settle(fast);
        for core in &mut self.singles {
            core.follower.settle(fast);
        }
        self.coefficients = coefficients.into();
    }

    pub(super) fn reset(&mut self) {
        self.octets.iter_mut().for_each(OctetCore::reset);
        self.singles.iter_mut().for_each(FastCore::reset);
        self.common = FastFollower::REST;
    }

    /// `gliding` are the thresholds of the frames, where they are not that of the coefficients.
    pub(super) fn process(
        &mut self,
        coefficients: &Coefficients,
        gliding: Option<&[f32]>,
        block: &mut Block<'_>,
    ) {
        let vectors = self.vectors;
        if self.linked {
            return vectors.run(Linked {
                form: self,
                gliding,
                block,
            });
        }
        let mut planes = block.planes.iter_mut();
        for core in &mut self.octets {
            let mut planes = core::array::from_fn(|_| planes.next().unwrap_or_default());
            vectors.run(Octet {
                core,
                coefficients,
                gliding,
                planes: &mut planes,
                vectors,
            });
        }
        for (core, plane) in self.singles.iter_mut().zip(planes) {
            vectors.run(Single {
                core,
                fast: &self.coefficients,
                gliding,
                plane,
            });
        }
    }
}
