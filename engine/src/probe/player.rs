//! Plays the signal and keeps what comes in, on the real-time thread.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::mls::Sequence;
use crate::session::{BlockInfo, Flow};

/// Channels of the input that are listened to.
pub(super) const CHANNELS: usize = 8;

/// What the real-time thread tells of the frames it puts into the ring.
#[derive(Default)]
pub(super) struct Said {
    /// Channels of each frame there.
    pub(super) channels: AtomicUsize,
    /// Stream position of a frame less its number in the ring.
    pub(super) offset: AtomicU64,
}

/// Plays the signal and tells what comes in, on the real-time thread.
pub(super) struct Player {
    sequence: Arc<Sequence>,
    amplitude: f32,
    told: rtrb::Producer<f32>,
    /// Frames told.
    frames: u64,
    said: Arc<Said>,
}

impl Player {
    /// A player of this amplitude that tells by the ring what comes in.
    pub(super) fn new(
        sequence: Arc<Sequence>,
        amplitude: f32,
        told: rtrb::Producer<f32>,
        said: Arc<Said>,
    ) -> Self {
        Self {
            sequence,
            amplitude,
            told,
            frames: 0,
            said,
        }
    }

    /// # Real-time
    /// Safe.
    pub(super) fn play(&mut self, block: &mut [f32], info: &BlockInfo) -> Flow {
        let channels = info.channels.min(CHANNELS);
        self.said.channels.store(channels, Ordering::Release);
        let offset = info.position.saturating_sub(self.frames);
        self.said.offset.store(offset, Ordering::Release);
        let position = info.position as usize;
        for (at, frame) in block.chunks_exact_mut(info.channels).enumerate() {
            // A frame that finds no room moves the offset, and so is seen.
            if self.told.slots() >= channels {
                self.frames += 1;
                for &sample in &frame[..channels] {
                    let _ = self.told.push(sample);
                }
            }
            frame.fill(self.amplitude * self.sequence.sample(position + at));
        }
        Flow::Continue
    }
}
