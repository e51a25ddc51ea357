//! Rings of whole frames between two threads, with every lost frame accounted for.
//!
//! One writer, one reader, neither ever waits. What does not fit is lost, and the reader is told
//! where in the stream and how much:
//!
//! ```
//! use ossicle_io::ring::{Cause, Piece, frame_ring};
//!
//! let (mut writer, mut reader) = frame_ring(2, 3);
//! assert_eq!(writer.write(&[0.1; 8]), 1); // four frames, three fit
//! let mut frames = [0.0; 8];
//! assert_eq!(reader.next_piece(&mut frames), Some(Piece::Audio { frames: 3 }));
//! let lost = Piece::Lost { position: 3, frames: 1, cause: Cause::RingFull };
//! assert_eq!(reader.next_piece(&mut frames), Some(lost));
//! assert_eq!(reader.next_piece(&mut frames), None);
//! ```

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

mod reader;
mod writer;

use core::fmt;
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::Arc;

pub use reader::FrameReader;
pub use writer::FrameWriter;

/// Losses that may wait to be read. When they are as many, frames go on being lost until the reader
/// has come, so that the account stays exact.
const NOTES: usize = 1024;

/// Why frames were lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// The reader was late and the ring was full.
    RingFull,
    /// The device lost them.
    Xrun,
    /// The device was away.
    DeviceGone,
    /// The device stopped calling for a while.
    Stalled,
    /// The disk was slower than the sound for longer than memory lasts.
    DiskSlow,
    /// The storage was full.
    DiskFull,
    /// The storage failed.
    DiskFailed,
}

impl Cause {
    fn from_code(code: u8) -> Self {
        match code {
            0 => Self::RingFull,
            1 => Self::Xrun,
            2 => Self::DeviceGone,
            3 => Self::Stalled,
            4 => Self::DiskSlow,
            5 => Self::DiskFull,
            _ => Self::DiskFailed,
        }
    }

    fn code(self) -> u8 {
        match self {
            Self::RingFull => 0,
            Self::Xrun => 1,
            Self::DeviceGone => 2,
            Self::Stalled => 3,
            Self::DiskSlow => 4,
            Self::DiskFull => 5,
            Self::DiskFailed => 6,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RingFull => "ring full",
            Self::Xrun => "xrun",
            Self::DeviceGone => "device gone",
            Self::Stalled => "device stalled",
            Self::DiskSlow => "disk too slow",
            Self::DiskFull => "disk full",
            Self::DiskFailed => "disk failed",
        })
    }
}

/// What comes next in a stream of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Frames, copied to the start of the caller's slice.
    Audio {
        /// How many.
        frames: usize,
    },
    /// Frames that were lost.
    Lost {
        /// Position of the first of them in the stream.
        position: u64,
        /// How many.
        frames: u64,
        /// Why. Neighbouring losses told together carry the first one's.
        cause: Cause,
    },
}

/// A loss on its way to the reader.
#[derive(Clone, Copy, Debug, Default)]
struct Note {
    position: u64,
    frames: u64,
    cause: u8,
}

/// What the two ends share beside the rings.
#[derive(Debug, Default)]
struct Shared {
    /// The writer's position; everything before it is in the rings or lost.
    position: AtomicU64,
    /// Frames lost so far.
    lost_frames: AtomicU64,
    /// Cause of the loss that is in no note yet.
    cause: AtomicU8,
    writer_gone: AtomicBool,
    reader_gone: AtomicBool,
}

/// A ring for `capacity_frames` frames of `channels` interleaved samples.
///
/// # Panics
/// If `channels` or `capacity_frames` is 0.
pub fn frame_ring(channels: usize, capacity_frames: usize) -> (FrameWriter, FrameReader) {
    assert!(
        channels > 0 && capacity_frames > 0,
        "a ring needs channels and capacity"
    );
    let (audio_in, audio_out) = touched(channels * capacity_frames, || 0.0);
    let (notes_in, notes_out) = touched(NOTES, Note::default);
    let shared = Arc::new(Shared::default());
    let writer = FrameWriter::new(audio_in, notes_in, shared.clone(), channels);
    (
        writer,
        FrameReader::new(audio_out, notes_out, shared, channels),
    )
}

/// A ring whose every place was written once: the memory is there, and no page of it is fetched when
/// a real-time thread first writes to it.
///
/// # Real-time
/// Not safe: allocates.
pub fn touched<T>(
    capacity: usize,
    mut empty: impl FnMut() -> T,
) -> (rtrb::Producer<T>, rtrb::Consumer<T>) {
    let (mut producer, mut consumer) = rtrb::RingBuffer::new(capacity);
    while producer.push(empty()).is_ok() {}
    while consumer.pop().is_ok() {}
    (producer, consumer)
}

/// Drops one end of a ring. Inside a real-time callback the end is given up without being freed:
/// who drops last would free the buffer there.
fn drop_end(gone: &AtomicBool, free: impl FnOnce()) {
    gone.store(true, Ordering::Release);
    if !crate::realtime::inside() {
        free();
    }
}
