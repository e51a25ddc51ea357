//! The end of a bridge that gives frames.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use std::sync::Arc;

use ossicle_dsp::clock::{DriftLoop, LoopSpec};
use ossicle_dsp::resample::{Head, History, Kernel};
use ossicle_io::ring::{FrameReader, Piece};

use super::cover::Cover;
use super::holes::Holes;
use super::lack::Lack;
use super::law::{Drift, Law, OneClock};
use super::stats::BridgeStats;
use super::{BridgeSpec, Mark};

/// Frames that are moved at once, and read at once near what is missing.
const PIECE_FRAMES: usize = 1024;
const SHORT_FRAMES: usize = 32;

/// Reads at its own rate what a [`BridgeWriter`](super::BridgeWriter) wrote at another's.
///
/// # Real-time
/// Every method is safe.
pub(crate) struct BridgeReader {
    ring: FrameReader,
    marks: rtrb::Consumer<Mark>,
    law: Law,
    kernel: Arc<Kernel>,
    history: History,
    holes: Holes,
    cover: Cover,
    channels: usize,
    /// Where the next frame is, and how far from there to the one behind it: what it is now, and
    /// what it grows by with each.
    head: Head,
    step: f64,
    slope: f64,
    is_reading: bool,
    /// The head is to jump, once no fade is near.
    is_put_off: bool,
    /// What sounds on behind a jump: a place, its step, and how many frames of the fade are done.
    old: Option<(Head, f64, usize)>,
    was_heard: bool,
    scratch: Box<[f32]>,
    stats: Arc<BridgeStats>,
}

impl BridgeReader {
    pub(super) fn new(
        spec: &BridgeSpec,
        kernel: Arc<Kernel>,
        ring: FrameReader,
        marks: rtrb::Consumer<Mark>,
        ring_frames: usize,
    ) -> Self {
        let law = if spec.one_clock {
            Law::OneClock(OneClock::new(spec.from_period.max(spec.to_period)))
        } else {
            let steady = LoopSpec {
                from_hz: f64::from(spec.from_hz),
                to_hz: f64::from(spec.to_hz),
                ahead_frames: kernel.frames_after() as f64,
                late_frames: spec.late_ns as f64 * 1e-9 * f64::from(spec.from_hz),
                learned: spec.learned,
            };
            let mut drift = DriftLoop::new(steady);
            drift.set_most_delay_frames(ring_frames as f64);
            if spec.is_back {
                drift.hurry();
            }
            Law::Drift(Box::new(Drift::new(drift, steady)))
        };
        // A reader that comes late finds what is behind it, and what was in the ring before it.
        let history = History::new(spec.channels, 2 * ring_frames + kernel.taps());
        Self {
            ring,
            marks,
            law,
            history,
            kernel,
            holes: Holes::default(),
            cover: Cover::new(spec.channels, spec.to_hz),
            channels: spec.channels,
            head: Head::default(),
            step: 1.0,
            slope: 0.0,
            is_reading: false,
            is_put_off: false,
            old: None,
            was_heard: false,
            scratch: vec![0.0; PIECE_FRAMES * spec.channels].into_boxed_slice(),
            stats: Arc::default(),
        }
    }

    /// Takes the place of another: what that one gave last fades out.
    pub(crate) fn replaces(&mut self, other: &Self) {
        self.cover.follow(&other.cover);
        self.was_heard |= other.was_heard;
    }

    /// What it tells of itself.
    pub(crate) fn stats(&self) -> &Arc<BridgeStats> {
        &self.stats
    }

    /// Channels of a frame.
    pub(crate) fn channels(&self) -> usize {
        self.channels
    }

    /// Frames that wait in the ring.
    pub(crate) fn waiting_frames(&self) -> usize {
        self.ring.available()
    }

    /// The reader's calls come from another clock, or from one that was away.
    pub(crate) fn is_back(&mut self, error: Option<f64>) {
        self.law.reader_is_back(error);
    }

    /// Both sides have one clock: the delay is what it is.
    pub(crate) fn is_in_step(&self) -> bool {
        matches!(self.law, Law::OneClock(_))
    }

    /// The least delay that is enough, in the reader's frames.
    pub(crate) fn needed_frames(&self) -> f64 {
        match &self.law {
            Law::Drift(drift) => drift.needed_ns() / drift.to_frame_ns(),
            Law::OneClock(one) => one.period as f64,
        }
    }

    /// Reads no earlier than so many of the reader's frames behind the writer; where both have one
    /// clock somebody else has them wait.
    pub(crate) fn wait_for_frames(&mut self, frames: f64) {
        match &mut self.law {
            Law::Drift(drift) => drift.wait_for_ns(frames * drift.to_frame_ns()),
            Law::OneClock(one) => one.told = one.period.max(frames as u64),
        }
    }

    /// A call of the reader begins, at `time_ns`, for `frames` frames that end before its frame
    /// `end`; [`read`](Self::read) gives them.
    pub(crate) fn begin(&mut self, end: u64, time_ns: u64, frames: usize) {
        self.drain();
        let Some(read) = self.law.read(end, time_ns, frames) else {
            (self.is_reading, self.is_put_off) = (false, false);
            self.old = None;
            return;
        };
        self.is_put_off |= read.jump;
        // One jump does for all that are near; until then it sounds on from where it is.
        let stays = self.is_put_off && self.is_reading && self.cover.is_fresh();
        if self.is_put_off && !stays {
            if self.is_reading {
                self.stats.jumped();
                self.leave();
            } else {
                self.old = None;
            }
            self.is_put_off = false;
        }
        if !stays {
            self.head = Head {
                index: read.frame,
                fraction: read.fraction,
            };
        }
        self.is_reading = true;
        self.step = read.step_from;
        self.slope = (read.step_to - read.step_from) / frames as f64;
        let before = self.kernel.frames_before() as u64;
        let reach = before + self.history.capacity_frames() as u64;
        // A place before the first frame is one near the end of all numbers.
        let old = self.head.index.saturating_sub(reach);
        self.holes.forget(old.min(self.history.begin()));
        match &self.law {
            Law::Drift(drift) => self.stats.tell(&drift.steady),
            Law::OneClock(one) => self.stats.tell_delay(one.period, one.told),
        }
    }

    /// The next frames of the call, interleaved; returns how many were missing though the stream
    /// was heard before. Which of them, and why, goes into `lacks`, as far as that is long.
    pub(crate) fn read(&mut self, out: &mut [f32], lacks: &mut [Option<Lack>]) -> usize {
        let frames = out.len() / self.channels;
        if !self.is_reading {
            self.cover.missing(out, true);
            lacks.fill(self.was_heard.then_some(Lack::Missing));
            return self.note_missing(frames);
        }
        let (mut done, mut missing) = (0, 0);
        while done < frames {
            let left = frames - done;
            let run = if self.is_there(left) {
                left
            } else {
                left.min(SHORT_FRAMES)
            };
            let piece = &mut out[done * self.channels..(done + run) * self.channels];
            let step_to = self.step + self.slope * run as f64;
            let (there, mut head) = (self.is_there(run), self.head);
            if there
                && self
                    .kernel
                    .read(&self.history, &mut head, self.step, step_to, piece)
                    == run
            {
                self.head = head;
                self.cross(piece);
                let silent = self.cover.sounding(piece);
                if let Some(lacks) = lacks.get_mut(done..done + run) {
                    let unheard = (self.was_heard && silent > 0).then_some(Lack::Missing);
                    for (number, lack) in lacks.iter_mut().enumerate() {
                        *lack = unheard.filter(|_| number < silent);
                    }
                }
                self.was_heard = true;
            } else {
                self.old = None;
                if let Some(lacks) = lacks.get_mut(done..done + run) {
                    self.tell_lacks(lacks);
                }
                let are_late = !self.has_come(&self.head, self.most_step(run), run);
                self.pass(run, step_to);
                self.cover.missing(piece, are_late);
                missing += run;
            }
            self.step = step_to;
            done += run;
        }
        self.note_missing(missing)
    }

    fn note_missing(&self, frames: usize) -> usize {
        if !self.was_heard {
            return 0;
        }
        self.stats.missed(frames);
        frames
    }

    /// Moves what has come into the history, and hears of the writer's calls.
    fn drain(&mut self) {
        while let Ok(mark) = self.marks.pop() {
            self.law.mark(&mark);
        }
        while let Some(piece) = self.ring.next_piece(&mut self.scratch) {
            match piece {
                Piece::Audio { frames } => {
                    self.history.write(&self.scratch[..frames * self.channels]);
                }
                Piece::Lost { frames, cause, .. } => {
                    let begin = self.history.end();
                    self.history.write_silence(frames);
                    self.holes.add(begin, self.history.end(), cause);
                }
            }
        }
    }

    /// Whether all is there for so many frames from the head on.
    fn is_there(&self, frames: usize) -> bool {
        self.is_there_from(&self.head, self.most_step(frames), frames)
    }

    /// The longest step in so many frames.
    fn most_step(&self, frames: usize) -> f64 {
        self.step.max(self.step + self.slope * frames as f64)
    }

    fn is_there_from(&self, head: &Head, step: f64, frames: usize) -> bool {
        let needed = self.needed(head, step, frames);
        needed.is_some_and(|(begin, end)| self.holes.spare(begin, end))
            && self.has_come(head, step, frames)
    }

    /// Whether the writer has come so far, be it with frames or with news of their loss.
    fn has_come(&self, head: &Head, step: f64, frames: usize) -> bool {
        let needed = self.needed(head, step, frames);
        needed
            .is_some_and(|(begin, end)| begin >= self.history.begin() && end <= self.history.end())
    }

    /// Where the frames begin and end from which so many are made, unless before the first.
    fn needed(&self, head: &Head, step: f64, frames: usize) -> Option<(u64, u64)> {
        let way = (head.fraction + step * frames as f64) as u64 + 1;
        let begin = head.index.checked_sub(self.kernel.frames_before() as u64)?;
        // A place before the first frame is one near the end of all numbers.
        let end = head
            .index
            .saturating_add(way + self.kernel.frames_after() as u64);
        Some((begin, end))
    }

    /// Why the next frames are not heard. What came and cannot be read, as what is beside it did not
    /// come, fades and is no loss.
    fn tell_lacks(&self, lacks: &mut [Option<Lack>]) {
        let came = self.history.begin()..self.history.end();
        for (number, lack) in lacks.iter_mut().enumerate() {
            let number = number as f64;
            let way = self.head.fraction + number * (self.step + 0.5 * self.slope * number);
            let place = self.head.index.wrapping_add(way as u64);
            *lack = match self.holes.cause_at(place) {
                _ if !self.was_heard => None,
                Some(cause) => Some(Lack::Lost(cause)),
                None => (!came.contains(&place)).then_some(Lack::Missing),
            };
        }
    }

    /// Passes over frames that are not there.
    fn pass(&mut self, frames: usize, step_to: f64) {
        let way = frames as f64 * 0.5 * (self.step + step_to) + self.head.fraction;
        let whole = way as u64;
        self.head.index = self.head.index.wrapping_add(whole);
        self.head.fraction = way - whole as f64;
    }

    /// The head is about to jump: what is there sounds on from where it was, as long as a fade.
    fn leave(&mut self) {
        self.cover.jumps();
        if self.cover.is_silent() {
            return;
        }
        let frames = self.cover.fade_frames();
        if self.old.is_none() && self.is_there_from(&self.head, self.step, frames) {
            self.old = Some((self.head, self.step, 0));
        } else {
            self.old = None;
            self.cover.break_off();
        }
    }

    /// Fades from what was before a jump into `piece`.
    fn cross(&mut self, piece: &mut [f32]) {
        let Some((mut head, step, mut done)) = self.old else {
            return;
        };
        let (channels, frames) = (self.channels, self.cover.fade_frames());
        for piece in piece.chunks_mut(PIECE_FRAMES * channels) {
            let now = (piece.len() / channels).min(frames - done);
            let old = &mut self.scratch[..now * channels];
            self.kernel.read(&self.history, &mut head, step, step, old);
            self.cover.cross(old, &mut piece[..now * channels], done);
            done += now;
            if done == frames {
                break;
            }
        }
        self.old = (done < frames).then_some((head, step, done));
    }
}

#[cfg(test)]
mod tests;
