//! The end of a bridge that takes frames.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use ossicle_io::ring::{Cause, FrameWriter};

use super::Mark;

/// Writes what the reader reads at its own rate.
///
/// # Real-time
/// Every method is safe.
pub(crate) struct BridgeWriter {
    ring: FrameWriter,
    marks: rtrb::Producer<Mark>,
    /// The next mark is the first of another clock.
    back: Option<Option<f64>>,
}

impl BridgeWriter {
    pub(super) fn new(ring: FrameWriter, marks: rtrb::Producer<Mark>) -> Self {
        Self {
            ring,
            marks,
            back: None,
        }
    }

    /// Frames of the stream that never came.
    pub(crate) fn lose(&mut self, frames: u64, cause: Cause) {
        self.ring.lose(frames, cause);
    }

    /// Frames of this call, interleaved; returns how many found no room.
    pub(crate) fn write(&mut self, interleaved: &[f32]) -> u64 {
        self.ring.write(interleaved)
    }

    /// The call that came at `time_ns` with `frames` frames is written, `spent_ns` later.
    pub(crate) fn mark(&mut self, frames: usize, time_ns: u64, spent_ns: u64) {
        let mark = Mark {
            end: self.ring.position(),
            frames: frames as u32,
            time_ns,
            spent_ns,
            back: self.back,
        };
        // Without room the reader was away for long: a mark more or less tells it nothing.
        if self.marks.push(mark).is_ok() {
            self.back = None;
        }
    }

    /// From the next call on another clock calls, whose error in parts is this where it is known.
    pub(crate) fn is_back(&mut self, error: Option<f64>) {
        self.back = Some(error);
    }

    /// Channels of a frame.
    pub(crate) fn channels(&self) -> usize {
        self.ring.channels()
    }
}
