//! The end of a ring that takes frames.

use core::mem::ManuallyDrop;
use core::sync::atomic::Ordering;
use std::sync::Arc;

use super::{Cause, Note, Shared, drop_end};

/// The writing end of a [`frame_ring`](super::frame_ring).
///
/// # Real-time
/// Every method is safe. Dropped inside a [`callback`](crate::realtime::callback) it leaks its part
/// of the buffer rather than freeing it: drop it on an ordinary thread.
#[derive(Debug)]
pub struct FrameWriter {
    ends: ManuallyDrop<Ends>,
    channels: usize,
    position: u64,
    /// The loss that is in no note yet; it ends at `position`.
    pending: Option<Note>,
}

#[derive(Debug)]
struct Ends {
    audio: rtrb::Producer<f32>,
    notes: rtrb::Producer<Note>,
    shared: Arc<Shared>,
}

impl FrameWriter {
    pub(super) fn new(
        audio: rtrb::Producer<f32>,
        notes: rtrb::Producer<Note>,
        shared: Arc<Shared>,
        channels: usize,
    ) -> Self {
        let ends = ManuallyDrop::new(Ends {
            audio,
            notes,
            shared,
        });
        Self {
            ends,
            channels,
            position: 0,
            pending: None,
        }
    }

    /// Channels of a frame.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Frames of the stream so far, lost ones included.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Frames lost so far.
    pub fn lost_frames(&self) -> u64 {
        self.ends.shared.lost_frames.load(Ordering::Relaxed)
    }

    /// Whole frames there is room for now.
    pub fn room_frames(&self) -> usize {
        self.ends.audio.slots() / self.channels
    }

    /// Whether the reader was dropped: nobody will ever read.
    pub fn is_abandoned(&self) -> bool {
        self.ends.shared.reader_gone.load(Ordering::Acquire)
    }

    /// Takes as many whole frames of `interleaved` as there is room for. The others are lost, with
    /// [`Cause::RingFull`]; returns how many. Samples of a broken frame at the end are ignored.
    pub fn write(&mut self, interleaved: &[f32]) -> u64 {
        let frames = interleaved.len() / self.channels;
        if frames == 0 {
            return 0;
        }
        // The reader has to find the loss before the frames behind it.
        let taken = if self.flush() {
            frames.min(self.room_frames())
        } else {
            0
        };
        let samples = &interleaved[..taken * self.channels];
        let taken = match self.ends.audio.push_entire_slice(samples) {
            Ok(()) => taken,
            Err(_) => 0,
        };
        self.position += taken as u64;
        let lost = (frames - taken) as u64;
        self.miss(lost, Cause::RingFull);
        self.publish();
        lost
    }

    /// Tells the reader that `frames` frames of the stream never came here.
    pub fn lose(&mut self, frames: u64, cause: Cause) {
        self.miss(frames, cause);
        self.publish();
    }

    fn miss(&mut self, frames: u64, cause: Cause) {
        if frames == 0 {
            return;
        }
        let code = cause.code();
        if self.pending.is_some_and(|pending| pending.cause != code) {
            self.flush();
        }
        let note = Note {
            position: self.position,
            frames: 0,
            cause: code,
        };
        let pending = self.pending.get_or_insert(note);
        pending.frames += frames;
        self.ends
            .shared
            .cause
            .store(pending.cause, Ordering::Relaxed);
        self.position += frames;
        self.ends
            .shared
            .lost_frames
            .fetch_add(frames, Ordering::Relaxed);
    }

    /// Sends the pending loss; false if there is no room for it.
    fn flush(&mut self) -> bool {
        let Some(note) = self.pending else {
            return true;
        };
        let sent = self.ends.notes.push(note).is_ok();
        if sent {
            self.pending = None;
        }
        sent
    }

    /// After everything else: what is before this position is in the rings or lost.
    fn publish(&self) {
        self.ends
            .shared
            .position
            .store(self.position, Ordering::Release);
    }
}

impl Drop for FrameWriter {
    fn drop(&mut self) {
        let shared = self.ends.shared.clone();
        // SAFETY: `ends` is dropped at most once, here, and never used afterwards.
        drop_end(&shared.writer_gone, || unsafe {
            ManuallyDrop::drop(&mut self.ends)
        });
        // Never the last reference inside a callback: there `ends` keeps its own.
    }
}
