//! The callback of people who bring their own signal.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use super::feed::Given;
use super::shared::Shared;

/// What a callback sees of the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockInfo {
    /// Channels of the block.
    pub channels: usize,
    /// Sample rate in hertz.
    pub sample_rate_hz: u32,
    /// Stream position of the block's first frame.
    pub position: u64,
    /// The device reported an xrun since the last block.
    pub xrun: bool,
}

/// What a callback wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// The next block.
    Continue,
    /// This block was the last; the chain rings out, then the session ends.
    Complete,
    /// The session ends at once; this block is not heard.
    Abort,
}

/// A function that fills or changes the chain's input, on the real-time thread.
///
/// It gets the interleaved frames that came in (silence without an input) and leaves there what is
/// to go into the chain. It must not allocate, lock, wait or print.
pub type BlockCallback = Box<dyn FnMut(&mut [f32], &BlockInfo) -> Flow + Send>;

pub(super) struct OwnCallback {
    pub(super) callback: BlockCallback,
    pub(super) channels: usize,
    pub(super) sample_rate_hz: u32,
    pub(super) completed: bool,
}

impl OwnCallback {
    /// Runs the callback on `frames` frames; returns what came of it.
    pub(super) fn run(
        &mut self,
        block: &mut [f32],
        frames: usize,
        position: u64,
        xrun: bool,
        shared: &Shared,
    ) -> Given {
        if self.completed {
            block.fill(0.0);
            return Given {
                frames: 0,
                ended: false,
                is_whole: true,
            };
        }
        let info = BlockInfo {
            channels: self.channels,
            sample_rate_hz: self.sample_rate_hz,
            position,
            xrun,
        };
        match (self.callback)(block, &info) {
            Flow::Continue => Given {
                frames,
                ended: false,
                is_whole: true,
            },
            Flow::Complete => {
                self.completed = true;
                Given {
                    frames,
                    ended: true,
                    is_whole: true,
                }
            }
            Flow::Abort => {
                self.completed = true;
                block.fill(0.0);
                shared.end_by(position);
                Given {
                    frames: 0,
                    ended: true,
                    is_whole: true,
                }
            }
        }
    }
}
