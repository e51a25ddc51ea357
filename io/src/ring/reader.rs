//! The end of a ring that gives frames.

use core::mem::ManuallyDrop;
use core::sync::atomic::Ordering;
use std::sync::Arc;

use super::{Cause, Note, Piece, Shared, drop_end};

/// The reading end of a [`frame_ring`](super::frame_ring).
///
/// # Real-time
/// Every method is safe. Dropped inside a [`callback`](crate::realtime::callback) it leaks its part
/// of the buffer rather than freeing it: drop it on an ordinary thread.
#[derive(Debug)]
pub struct FrameReader {
    ends: ManuallyDrop<Ends>,
    channels: usize,
    position: u64,
}

#[derive(Debug)]
struct Ends {
    audio: rtrb::Consumer<f32>,
    notes: rtrb::Consumer<Note>,
    shared: Arc<Shared>,
}

/// What stands next in the stream.
enum Next {
    Audio { frames: usize },
    Lost { frames: u64, cause: u8 },
    Nothing,
}

impl FrameReader {
    pub(super) fn new(
        audio: rtrb::Consumer<f32>,
        notes: rtrb::Consumer<Note>,
        shared: Arc<Shared>,
        channels: usize,
    ) -> Self {
        Self {
            ends: ManuallyDrop::new(Ends {
                audio,
                notes,
                shared,
            }),
            channels,
            position: 0,
        }
    }

    /// Channels of a frame.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Frames of the stream that were read, skipped or told as lost.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Frames of the stream that were written or lost so far, read or not.
    pub fn writer_position(&self) -> u64 {
        self.ends.shared.position.load(Ordering::Acquire)
    }

    /// Frames lost on the writer's side so far, told or not.
    pub fn lost_frames(&self) -> u64 {
        self.ends.shared.lost_frames.load(Ordering::Relaxed)
    }

    /// Whole frames that can be read now.
    pub fn available(&self) -> usize {
        self.ends.audio.slots() / self.channels
    }

    /// Whether the writer was dropped. What is in the ring can still be read: look here first, then
    /// read until nothing comes.
    pub fn is_abandoned(&self) -> bool {
        self.ends.shared.writer_gone.load(Ordering::Acquire)
    }

    /// The next piece of the stream: frames, copied to the start of `interleaved`, or a loss; `None`
    /// when there is nothing, or no room for a frame.
    pub fn next_piece(&mut self, interleaved: &mut [f32]) -> Option<Piece> {
        match self.next(interleaved.len() / self.channels) {
            Next::Audio { frames } => {
                self.pop(&mut interleaved[..frames * self.channels]);
                Some(Piece::Audio { frames })
            }
            Next::Lost { frames, cause } => {
                let position = self.position;
                self.position += frames;
                Some(Piece::Lost {
                    position,
                    frames,
                    cause: Cause::from_code(cause),
                })
            }
            Next::Nothing => None,
        }
    }

    /// Fills `interleaved` as far as there are whole frames, passing over losses; returns the
    /// frames.
    pub fn read(&mut self, interleaved: &mut [f32]) -> usize {
        let mut done = 0;
        while let Some(piece) = self.next_piece(&mut interleaved[done * self.channels..]) {
            if let Piece::Audio { frames } = piece {
                done += frames;
            }
        }
        done
    }

    /// Drops up to `frames` frames without reading them, passing over losses; returns how many there
    /// were.
    pub fn skip(&mut self, frames: usize) -> usize {
        let mut done = 0;
        loop {
            match self.next(frames - done) {
                Next::Audio { frames } => {
                    if let Ok(chunk) = self.ends.audio.read_chunk(frames * self.channels) {
                        chunk.commit_all();
                    }
                    self.position += frames as u64;
                    done += frames;
                }
                Next::Lost { frames, .. } => self.position += frames,
                Next::Nothing => return done,
            }
        }
    }

    fn pop(&mut self, samples: &mut [f32]) {
        // As many as were seen are there: nobody else takes any.
        let popped = self.ends.audio.pop_entire_slice(samples);
        debug_assert!(popped.is_ok());
        self.position += (samples.len() / self.channels) as u64;
    }

    /// Looks at what is next, at most `room` frames of it, and takes it if it is a loss.
    fn next(&mut self, room: usize) -> Next {
        loop {
            // In this order: frames seen were written after the notes before them, and everything
            // before the writer's position is in the rings or lost.
            let end = self.ends.shared.position.load(Ordering::Acquire);
            let cause = self.ends.shared.cause.load(Ordering::Relaxed);
            let available = self.ends.audio.slots() / self.channels;
            let (before_note, noted) = match self.ends.notes.peek() {
                Ok(note) if note.position <= self.position => {
                    // Told in part already, where the ring was empty before the note came.
                    let told = self.position - note.position;
                    let (frames, cause) = (note.frames.saturating_sub(told), note.cause);
                    let _ = self.ends.notes.pop();
                    if frames > 0 {
                        return Next::Lost { frames, cause };
                    }
                    continue;
                }
                Ok(note) => (note.position - self.position, true),
                Err(_) => (u64::MAX, false),
            };
            let frames = before_note.min(available.min(room) as u64) as usize;
            return if frames > 0 {
                Next::Audio { frames }
            } else if available == 0 && !noted && end > self.position {
                Next::Lost {
                    frames: end - self.position,
                    cause,
                }
            } else {
                Next::Nothing
            };
        }
    }
}

impl Drop for FrameReader {
    fn drop(&mut self) {
        let shared = self.ends.shared.clone();
        // SAFETY: `ends` is dropped at most once, here, and never used afterwards.
        drop_end(&shared.reader_gone, || unsafe {
            ManuallyDrop::drop(&mut self.ends)
        });
        // Never the last reference inside a callback: there `ends` keeps its own.
    }
}
