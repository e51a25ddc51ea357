//! The two recursions of the fast form along time: of the envelope, and of how far the gain is down.

use crate::parts::fading::{Fade, Fading, GROUPS, LANES, Lanes, Larger, Sum};
use crate::parts::vectors::Eight;

use super::core::Coefficients;

/// Samples that are worked on in one go.
pub(super) const PIECE: usize = GROUPS * LANES;
/// An envelope further above the threshold than this counts as this, so that no sum overflows.
const LARGEST: f32 = 1e30;

/// What the fast form needs of the coefficients.
#[derive(Clone, Copy, Debug)]
pub(super) struct FastCoefficients {
    pub(super) release: Fade,
    pub(super) attack: Fade,
    /// 1 - attack.
    share: f32,
    pub(super) threshold: f32,
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

/// By how much an envelope is above a threshold, as it counts.
#[derive(Clone, Copy)]
pub(super) struct Over<E> {
    share: E,
    none: E,
    largest: E,
}

impl<E: Eight> Over<E> {
    #[inline(always)]
    pub(super) fn new(fast: &FastCoefficients) -> Self {
        Self {
            share: E::splat(fast.share),
            none: E::splat(0.0),
            largest: E::splat(LARGEST),
        }
    }

    #[inline(always)]
    pub(super) fn of(&self, envelope: E, threshold: E) -> E {
        let over = envelope.minus(threshold);
        let over = over.or_smaller(self.largest).or_larger(self.none);
        over.times(self.share)
    }
}

/// Envelope and reduction.
#[derive(Clone, Copy, Debug)]
pub(super) struct FastFollower {
    pub(super) envelope: Fading<Larger>,
    pub(super) reduction: Fading<Sum>,
    /// The magnitudes that came after the last whole group, their thresholds, and how many.
    waiting: Lanes,
    thresholds: Lanes,
    held: usize,
}

impl FastFollower {
    pub(super) const REST: Self = Self {
        envelope: Fading::REST,
        reduction: Fading::REST,
        waiting: [0.0; LANES],
        thresholds: [0.0; LANES],
        held: 0,
    };

    /// To be called with the coefficients so far before there are others.
    pub(super) fn settle(&mut self, fast: &FastCoefficients) {
        self.envelope.settle(&fast.release);
        self.reduction.settle(&fast.attack);
    }

    /// Whether a whole piece may begin here.
    #[inline(always)]
    pub(super) fn begins_run(&self) -> bool {
        self.held == 0 && self.envelope.begins_run()
    }

    /// Replaces magnitudes by the gains, whole groups of them and at most [`GROUPS`].
    #[inline(always)]
    fn groups<E: Eight>(
        &mut self,
        fast: &FastCoefficients,
        thresholds: &[Lanes],
        groups: &mut [Lanes],
    ) {
        let mut above = [[0.0; LANES]; GROUPS];
        let above = &mut above[..groups.len().min(GROUPS)];
        let (over, one) = (Over::<E>::new(fast), E::splat(1.0));
        let mut places = above.iter_mut().zip(thresholds);
        let magnitudes = groups.iter().map(E::load);
        self.envelope.run(&fast.release, magnitudes, |envelope| {
            if let Some((above, threshold)) = places.next() {
                over.of(envelope, E::load(threshold)).store(above);
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

    /// Replaces at most [`PIECE`] magnitudes by the gains, with a threshold for each.
    #[inline(always)]
    pub(super) fn gains<E: Eight>(
        &mut self,
        fast: &FastCoefficients,
        thresholds: &[f32],
        magnitudes: &mut [f32],
    ) {
        let thresholds = thresholds.get(..magnitudes.len()).unwrap_or(thresholds);
        let wanting = (LANES - self.held) % LANES;
        let (first, rest) = magnitudes.split_at_mut(wanting.min(magnitudes.len()));
        let (at_first, thresholds) = thresholds.split_at(wanting.min(thresholds.len()));
        self.part::<E>(fast, at_first, first);
        let (groups, last) = rest.as_chunks_mut();
        let (thresholds, at_last) = thresholds.as_chunks();
        self.groups::<E>(fast, thresholds, groups);
        self.part::<E>(fast, at_last, last);
    }

    /// The same for part of a group, which is worked on again when more of it is there.
    #[inline(always)]
    fn part<E: Eight>(
        &mut self,
        fast: &FastCoefficients,
        thresholds: &[f32],
        magnitudes: &mut [f32],
    ) {
        if magnitudes.is_empty() {
            return;
        }
        for (places, values) in [
            (&mut self.waiting, &*magnitudes),
            (&mut self.thresholds, thresholds),
        ] {
            for (place, value) in places.iter_mut().skip(self.held).zip(values) {
                *place = *value;
            }
        }
        let (mut group, mut follower) = ([self.waiting], *self);
        follower.groups::<E>(fast, &[self.thresholds], &mut group);
        let [gains] = group;
        for (to, gain) in magnitudes.iter_mut().zip(gains.iter().skip(self.held)) {
            *to = *gain;
        }
        self.held += magnitudes.len();
        if self.held == LANES {
            *self = Self {
                waiting: [0.0; LANES],
                thresholds: [0.0; LANES],
                held: 0,
                ..follower
            };
        }
    }
}
