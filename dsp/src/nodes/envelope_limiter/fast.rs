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
use crate::parts::fading::{Fade, Fading, GROUPS, LANES, Lanes, Larger, Sum};
use crate::parts::finite::{or_zero, saturated};
use crate::parts::vectors::{Eight, Vectors, Work};
use crate::parts::window::Window;

use super::core::Coefficients;
use super::octet::{Octet, OctetCore};

/// Channels that go through the definition together.
pub(super) const OCTET: usize = LANES;

/// Samples that are worked on in one go.
const PIECE: usize = GROUPS * LANES;
/// An envelope further above the threshold than this counts as this, so that no sum overflows.
const LARGEST: f32 = 1e30;

/// What the fast form needs of the coefficients.
#[derive(Clone, Copy, Debug)]
struct FastCoefficients {
    release: Fade,
    attack: Fade,
    /// 1 - attack.
    share: f32,
    threshold: f32,
}

impl From<&Coefficients> for FastCoefficients {
    fn from(coefficients: &Coefficients) -> Self {
        let attack = f64::from(coefficients.attack);
        Self {
            release: Fade::new(f64::from(coefficients.release)),
            attack: Fade::new(attack),
            share: (1.0 - attack) as f32,
            threshold: coefficients.threshold,
        }
    }
}

/// By how much an envelope is above the threshold, as it counts.
#[derive(Clone, Copy)]
struct Over<E> {
    threshold: E,
    share: E,
    none: E,
    largest: E,
}

impl<E: Eight> Over<E> {
    #[inline(always)]
    fn new(fast: &FastCoefficients) -> Self {
        Self {
            threshold: E::splat(fast.threshold),
            share: E::splat(fast.share),
            none: E::splat(0.0),
            largest: E::splat(LARGEST),
        }
    }

    #[inline(always)]
    fn of(&self, envelope: E) -> E {
        let over = envelope.minus(self.threshold);
        let over = over.or_smaller(self.largest).or_larger(self.none);
        over.times(self.share)
    }
}

/// Envelope and reduction.
#[derive(Clone, Copy, Debug)]
struct FastFollower {
    envelope: Fading<Larger>,
    reduction: Fading<Sum>,
    /// The magnitudes that came after the last whole group, and how many.
    waiting: Lanes,
    held: usize,
}

impl FastFollower {
    const REST: Self = Self {
        envelope: Fading::REST,
        reduction: Fading::REST,
        waiting: [0.0; LANES],
        held: 0,
    };

    /// To be called with the coefficients so far before there are others.
    fn settle(&mut self, fast: &FastCoefficients) {
        self.envelope.settle(&fast.release);
        self.reduction.settle(&fast.attack);
    }

    /// Whether a whole piece may begin here.
    #[inline(always)]
    fn begins_run(&self) -> bool {
        self.held == 0 && self.envelope.begins_run()
    }

    /// Replaces magnitudes by the gains, whole groups of them and at most [`GROUPS`].
    #[inline(always)]
    fn groups<E: Eight>(&mut self, fast: &FastCoefficients, groups: &mut [Lanes]) {
        let mut above = [[0.0; LANES]; GROUPS];
        let above = &mut above[..groups.len().min(GROUPS)];
        let (over, one) = (Over::<E>::new(fast), E::splat(1.0));
        let mut places = above.iter_mut();
        let magnitudes = groups.iter().map(E::load);
        self.envelope.run(&fast.release, magnitudes, |envelope| {
            if let Some(above) = places.next() {
                over.of(envelope).store(above);
            }
        });
        let mut places = groups.iter_mut();
        let above = above.iter().map(E::load);
        self.reduction.run(&fast.attack, above, |reduction| {
            if let Some(gains) = places.next() {
                one.minus(reduction).store(gains);
            }
        });
    }

    /// Replaces at most [`PIECE`] magnitudes by the gains.
    #[inline(always)]
    fn gains<E: Eight>(&mut self, fast: &FastCoefficients, magnitudes: &mut [f32]) {
        let wanting = (LANES - self.held) % LANES;
        let (first, rest) = magnitudes.split_at_mut(wanting.min(magnitudes.len()));
        self.part::<E>(fast, first);
        let (groups, last) = rest.as_chunks_mut();
        self.groups::<E>(fast, groups);
        self.part::<E>(fast, last);
    }

    /// The same for part of a group, which is worked on again when more of it is there.
    #[inline(always)]
    fn part<E: Eight>(&mut self, fast: &FastCoefficients, magnitudes: &mut [f32]) {
        if magnitudes.is_empty() {
            return;
        }
        let places = self.waiting.iter_mut().skip(self.held);
        for (place, magnitude) in places.zip(&*magnitudes) {
            *place = *magnitude;
        }
        let (mut group, mut follower) = ([self.waiting], *self);
        follower.groups::<E>(fast, &mut group);
        let [gains] = group;
        for (to, gain) in magnitudes.iter_mut().zip(gains.iter().skip(self.held)) {
            *to = *gain;
        }
        self.held += magnitudes.len();
        if self.held == LANES {
            *self = Self {
                waiting: [0.0; LANES],
                held: 0,
                ..follower
            };
        }
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
        let over = Over::<E>::new(fast);
        let line = self.line.append(PIECE).as_chunks_mut().0;
        let mut running = envelope.begin::<E>(release);
        let groups = above.iter_mut().zip(release.left());
        for (((above, since), samples), kept) in groups.zip(piece.as_chunks().0).zip(line) {
            let samples = E::load(samples).or_zero();
            samples.store(kept);
            let envelope = running.step(*since, samples.magnitude());
            over.of(envelope).store(above);
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
    plane: &'a mut [f32],
}

impl Work for Single<'_> {
    type Output = ();

    #[inline(always)]
    fn run<E: Eight>(self) {
        let Self { core, fast, plane } = self;
        for piece in plane.chunks_mut(PIECE) {
            match piece.first_chunk_mut() {
                Some(piece) if core.follower.begins_run() => core.piece::<E>(fast, piece),
                _ => {
                    core.take(piece);
                    // The gains stand where the samples were until all are known.
                    piece
                        .iter_mut()
                        .for_each(|sample| *sample = magnitude(*sample));
                    core.follower.gains::<E>(fast, piece);
                    core.give(piece);
                }
            }
        }
    }
}

/// Planes that have one gain in common.
struct Linked<'a, 'b> {
    form: &'a mut FastForm,
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
            common.gains::<E>(coefficients, gains);
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

    pub(super) fn process(&mut self, coefficients: &Coefficients, block: &mut Block<'_>) {
        let vectors = self.vectors;
        if self.linked {
            return vectors.run(Linked { form: self, block });
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
                plane,
            });
        }
    }
}
