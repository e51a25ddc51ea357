//! The collector: takes frames from the record ring into the take, and puts silence of the true
//! length where frames were lost.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use ossicle_io::ring::{Cause, FrameReader, Piece};

use super::gate::{Gate, Passed};
use super::take::Take;

/// Time between two looks at the ring. Nothing wakes the collector: a callback may not.
const POLL: Duration = Duration::from_millis(20);
/// Frames taken at once.
const PIECE_FRAMES: usize = 4096;

/// The end of a record ring that fills a take.
pub(super) struct Collector {
    ring: FrameReader,
    gate: Gate,
    take: Arc<Take>,
    scratch: Vec<f32>,
    /// Frames of the ring beyond which it is emptied even where memory is full.
    most_waiting: usize,
    /// Memory was full: what comes is lost until there is room again, in one gap instead of
    /// splinters.
    is_full: bool,
    /// Room from which on frames are taken again.
    enough_frames: u64,
    /// Marks that the take has not come to, with their positions in the stream.
    marks: VecDeque<(u64, String)>,
}

impl Collector {
    /// For a ring of so many frames.
    pub(super) fn new(ring: FrameReader, ring_frames: usize, gate: Gate, take: Arc<Take>) -> Self {
        let a_second = u64::from(take.sample_rate_hz());
        Self {
            scratch: vec![0.0; PIECE_FRAMES * take.channels()],
            most_waiting: ring_frames - ring_frames / 4,
            is_full: false,
            enough_frames: (take.limit_frames() / 4).min(a_second),
            marks: VecDeque::new(),
            ring,
            gate,
            take,
        }
    }

    /// Where the stream is.
    pub(super) fn position(&self) -> u64 {
        self.ring.writer_position()
    }

    /// Marks the place that the stream has come to.
    pub(super) fn mark(&mut self, text: String) {
        self.marks.push_back((self.position(), text));
    }

    /// Takes what is in the ring; returns whether it is empty. After the last frame was written it
    /// waits for room, and loses nothing any more.
    pub(super) fn turn(&mut self, is_last: bool) -> bool {
        loop {
            let room = self.take.room_frames();
            self.is_full = room == 0 || self.is_full && room < self.enough_frames;
            // Without room the frames stay in the ring; those that find none there any more give way.
            let surplus = self.ring.available().saturating_sub(self.most_waiting);
            let wanted = match self.is_full {
                true if is_last => usize::try_from(room).unwrap_or(PIECE_FRAMES),
                true => surplus,
                false => usize::try_from(room).unwrap_or(PIECE_FRAMES),
            };
            let wanted = wanted.min(PIECE_FRAMES);
            let is_full = self.is_full && !is_last;
            let position = self.ring.position();
            let samples = wanted * self.take.channels();
            let Some(piece) = self.ring.next_piece(&mut self.scratch[..samples]) else {
                let is_empty = self.ring.available() == 0;
                if is_empty && is_last {
                    self.gate.finish();
                    // What was marked where nothing is recorded any more stands at the end.
                    pass_marks(&mut self.marks, &self.take, u64::MAX, u64::MAX);
                }
                return is_empty;
            };
            let piece = match piece {
                Piece::Audio { frames } if is_full => Piece::Lost {
                    position,
                    frames: frames as u64,
                    cause: Cause::DiskSlow,
                },
                piece => piece,
            };
            self.deliver(piece);
        }
    }

    /// A piece of the stream, in order, from a position of the stream on; sound is in `scratch`.
    fn deliver(&mut self, piece: Piece) {
        let newest = self.position();
        let (take, marks) = (&self.take, &mut self.marks);
        let piece = match piece {
            Piece::Audio { frames } => Passed::Audio(&self.scratch[..frames * take.channels()]),
            Piece::Lost { frames, cause, .. } => Passed::Lost { frames, cause },
        };
        self.gate.take(piece, newest, &mut |position, passed| {
            let frames = match passed {
                Passed::Audio(samples) => (samples.len() / take.channels()) as u64,
                Passed::Lost { frames, .. } => frames,
            };
            pass_marks(marks, take, position + frames, position);
            match passed {
                Passed::Audio(samples) => take.append(samples),
                Passed::Lost { frames, cause } => take.append_lost(frames, cause),
            }
        });
    }
}

/// Puts the marks before `end` of the stream into the take, whose end is at `position` of the
/// stream.
fn pass_marks(marks: &mut VecDeque<(u64, String)>, take: &Take, end: u64, position: u64) {
    while marks.front().is_some_and(|(at, _)| *at < end)
        && let Some((at, text)) = marks.pop_front()
    {
        let from_here = at.saturating_sub(position);
        take.mark(take.frames() + from_here, text);
    }
}

/// Runs until `ended` is set and the ring is empty.
pub(super) fn collect(collector: &Mutex<Collector>, ended: &AtomicBool) {
    loop {
        // Read before the ring is emptied: what is in it then is the last there will be.
        let is_last = ended.load(Ordering::Acquire);
        let is_empty = {
            let mut collector = collector.lock().unwrap_or_else(PoisonError::into_inner);
            collector.turn(is_last)
        };
        if is_last && is_empty {
            return;
        }
        thread::sleep(POLL);
    }
}
