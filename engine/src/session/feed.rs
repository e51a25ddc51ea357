//! What the core's input comes from.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::lanes::Lanes;
use super::shared::{Shared, count};

/// The source of the core's input.
pub(super) enum Feed {
    /// The capture devices.
    Lanes,
    /// A file, read ahead by the player.
    Player(PlayerFeed),
    /// Nothing: silence.
    Silence,
}

/// What a feed gave for one piece of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Given {
    /// Frames that came from the source; the rest is silence.
    pub(super) frames: usize,
    /// The source ended for good behind them.
    pub(super) ended: bool,
    /// Every frame of it was captured; else the lanes know which were not.
    pub(super) is_whole: bool,
}

/// Frames that the player has read ahead.
pub(super) struct PlayerFeed {
    pub(super) ring: rtrb::Consumer<f32>,
    pub(super) channels: usize,
    /// Frames the player will have given in all; `u64::MAX` until it knows.
    pub(super) total_frames: Arc<AtomicU64>,
    pub(super) given_frames: u64,
}

impl PlayerFeed {
    fn read(&mut self, out: &mut [f32], shared: &Shared) -> Given {
        // Read before the ring: what the ring holds then is the last there will be.
        let total = self.total_frames.load(Ordering::Acquire);
        let wanted = out.len();
        let there = self.ring.slots().min(wanted);
        let there = there - there % self.channels;
        let mut filled = 0;
        if let Ok(chunk) = self.ring.read_chunk(there) {
            let (first, second) = chunk.as_slices();
            out[..first.len()].copy_from_slice(first);
            out[first.len()..there].copy_from_slice(second);
            chunk.commit_all();
            filled = there;
        }
        out[filled..].fill(0.0);
        let frames = filled / self.channels;
        self.given_frames += frames as u64;
        let ended = self.given_frames >= total;
        if !ended {
            count(
                &shared.underrun_frames,
                ((wanted - filled) / self.channels) as u64,
            );
        }
        Given {
            frames,
            ended,
            is_whole: true,
        }
    }
}

impl Feed {
    /// Frames that wait to be read, where there is a ring.
    pub(super) fn waiting_frames(&self, lanes: &Lanes) -> Option<u32> {
        match self {
            Self::Lanes => lanes.waiting_frames(),
            Self::Player(player) => Some((player.ring.slots() / player.channels) as u32),
            Self::Silence => None,
        }
    }

    /// Fills `out`, `frames` frames of it, with what comes next; `device` is the caller's own input
    /// for them.
    pub(super) fn fill(
        &mut self,
        out: &mut [f32],
        frames: usize,
        device: &[f32],
        lanes: &mut Lanes,
        shared: &Shared,
    ) -> Given {
        let mut is_whole = true;
        match self {
            Self::Lanes => is_whole = lanes.fill(out, frames, device, shared),
            Self::Player(player) => return player.read(out, shared),
            Self::Silence => out.fill(0.0),
        }
        Given {
            frames,
            ended: false,
            is_whole,
        }
    }
}
