//! The weighted energy of each hop: what all loudness is made of.

use alloc::vec::Vec;

use super::k_weighting::{KWeighting, KWeightingState};
use super::layout::ChannelKind;
use crate::meter::hops::Hops;
use crate::meter::view::View;

/// Weighs the channels and adds up their squares, hop by hop.
#[derive(Clone, Debug)]
pub(crate) struct HopEnergy {
    weighting: KWeighting,
    channels: Vec<Channel>,
    hops: Hops,
}

#[derive(Clone, Debug)]
struct Channel {
    weight: f64,
    state: KWeightingState,
    sum: f64,
}

/// A hop that is over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hop {
    /// The weighted squares of all channels, added up.
    pub(crate) sum: f64,
    pub(crate) frames: usize,
}

impl HopEnergy {
    pub(crate) fn new(sample_rate_hz: u32, channels: Vec<ChannelKind>) -> Self {
        let channel = |kind: ChannelKind| Channel {
            weight: kind.weight(),
            state: KWeightingState::default(),
            sum: 0.0,
        };
        Self {
            weighting: KWeighting::new(sample_rate_hz),
            channels: channels.into_iter().map(channel).collect(),
            hops: Hops::new(sample_rate_hz),
        }
    }

    pub(crate) fn reset(&mut self) {
        for channel in &mut self.channels {
            channel.state = KWeightingState::default();
            channel.sum = 0.0;
        }
        self.hops.reset();
    }

    /// Takes frames from the view's beginning, to the end of the hop at most: how many, and the hop
    /// if it is over. A channel that the view has not is silent.
    pub(crate) fn take(&mut self, view: &View<'_>) -> (usize, Option<Hop>) {
        let (frames, ends) = self.hops.take(view.frames());
        let part = view.part(0, frames);
        let given = 0..view.channels();
        for (number, channel) in given.zip(&mut self.channels) {
            if channel.weight > 0.0 {
                let (samples, state) = (part.channel(number), &mut channel.state);
                channel.sum = self.weighting.squares(samples, state, channel.sum);
            }
        }
        (frames, ends.then(|| self.end()))
    }

    fn end(&mut self) -> Hop {
        let mut sum = 0.0;
        for channel in &mut self.channels {
            sum += channel.weight * core::mem::take(&mut channel.sum);
            channel.state.flush();
        }
        let frames = self.hops.end();
        Hop { sum, frames }
    }
}
