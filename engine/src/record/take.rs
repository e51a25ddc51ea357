//! A take: what has been recorded so far, in memory where it still is, in the file behind that.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ossicle_io::ring::Cause;

use super::source::TakeSource;

/// Frames of one piece of memory.
const CHUNK_FRAMES: usize = 8192;

/// A run of frames that were lost and stand as silence in the take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Position of the first lost frame, in frames from the take's start.
    pub position: u64,
    /// Number of lost frames.
    pub frames: u64,
    /// What lost them.
    pub cause: Cause,
}

/// A recording in progress or done, readable by index from any ordinary thread.
///
/// The position of a frame in the take is its position in the stream: what was lost is silence of
/// the same length, listed in [`gaps`](Self::gaps).
#[derive(Debug)]
pub struct Take {
    path: PathBuf,
    channels: usize,
    sample_rate_hz: u32,
    /// Frames that may wait in memory for the file.
    limit_frames: u64,
    /// Frames recorded so far; published after they can be read.
    frames: AtomicU64,
    /// The file takes no more: frames are counted and let go.
    abandoned: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    chunks: VecDeque<Vec<f32>>,
    /// Position of the first frame in `chunks`.
    first: u64,
    /// Frames that are in the file.
    written: u64,
    gaps: Vec<Gap>,
}

impl Take {
    pub(crate) fn new(
        path: &Path,
        channels: usize,
        sample_rate_hz: u32,
        limit_frames: u64,
    ) -> Self {
        Self {
            path: path.to_owned(),
            channels,
            sample_rate_hz,
            limit_frames: limit_frames.max(CHUNK_FRAMES as u64),
            frames: AtomicU64::new(0),
            abandoned: AtomicBool::new(false),
            state: Mutex::new(State {
                chunks: VecDeque::new(),
                first: 0,
                written: 0,
                gaps: Vec::new(),
            }),
        }
    }

    /// The file the take is written to.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Channels of the take.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// Sample rate in hertz.
    pub fn sample_rate_hz(&self) -> u32 {
        self.sample_rate_hz
    }

    /// Frames recorded so far; grows while the recording runs.
    pub fn frames(&self) -> u64 {
        self.frames.load(Ordering::Acquire)
    }

    /// Frames that are in the file.
    pub fn written_frames(&self) -> u64 {
        self.lock().written
    }

    /// The runs of lost frames, in order.
    pub fn gaps(&self) -> Vec<Gap> {
        self.lock().gaps.clone()
    }

    /// This take as a source for a [`BufferedArray`](ossicle_io::buffered_array::BufferedArray):
    /// any part so far, by index, while it grows. Each reader has a source and a window of its own.
    pub fn source(self: &Arc<Self>) -> TakeSource {
        TakeSource::new(Arc::clone(self))
    }

    /// Frames that fit before the limit of memory is reached.
    pub(crate) fn room_frames(&self) -> u64 {
        if self.abandoned.load(Ordering::Acquire) {
            return u64::MAX;
        }
        let waiting = self.frames() - self.lock().written;
        self.limit_frames.saturating_sub(waiting)
    }

    /// The file takes no more: from now on frames are counted and let go, so that nobody waits for
    /// room.
    pub(crate) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Release);
        self.lock().chunks.clear();
    }

    /// Adds whole frames.
    pub(crate) fn append(&self, interleaved: &[f32]) {
        if self.abandoned.load(Ordering::Acquire) {
            let frames = (interleaved.len() / self.channels) as u64;
            self.frames.fetch_add(frames, Ordering::Release);
            return;
        }
        let mut state = self.lock();
        let mut rest = interleaved;
        let capacity = CHUNK_FRAMES * self.channels;
        while !rest.is_empty() {
            if state
                .chunks
                .back()
                .is_none_or(|chunk| chunk.len() == capacity)
            {
                state.chunks.push_back(Vec::with_capacity(capacity));
            }
            let Some(chunk) = state.chunks.back_mut() else {
                return;
            };
            let (now, later) = rest.split_at(rest.len().min(capacity - chunk.len()));
            chunk.extend_from_slice(now);
            rest = later;
        }
        self.frames.fetch_add(
            (interleaved.len() / self.channels) as u64,
            Ordering::Release,
        );
    }

    /// Notes lost frames at the present end; joins the note before it when it goes on.
    pub(crate) fn note_gap(&self, frames: u64, cause: Cause) {
        let position = self.frames();
        let mut state = self.lock();
        match state.gaps.last_mut() {
            Some(last) if last.position + last.frames == position && last.cause == cause => {
                last.frames += frames;
            }
            _ => state.gaps.push(Gap {
                position,
                frames,
                cause,
            }),
        }
    }

    /// Copies frames from `position` on that are still in memory; returns how many, 0 when the
    /// frame at `position` is not there (any more).
    pub(crate) fn copy_from_memory(&self, position: u64, out: &mut [f32]) -> usize {
        let state = self.lock();
        if position < state.first {
            return 0;
        }
        let mut skip = (position - state.first) as usize * self.channels;
        let mut filled = 0;
        for chunk in &state.chunks {
            if filled == out.len() {
                break;
            }
            if skip >= chunk.len() {
                skip -= chunk.len();
                continue;
            }
            let count = (chunk.len() - skip).min(out.len() - filled);
            out[filled..filled + count].copy_from_slice(&chunk[skip..skip + count]);
            filled += count;
            skip = 0;
        }
        filled / self.channels
    }

    /// Notes that the file holds `written` frames, and lets go of the memory of those.
    pub(crate) fn set_written(&self, written: u64) {
        let mut state = self.lock();
        state.written = written;
        let full = CHUNK_FRAMES * self.channels;
        while state.chunks.front().is_some_and(|chunk| {
            chunk.len() == full && state.first + CHUNK_FRAMES as u64 <= written
        }) {
            state.chunks.pop_front();
            state.first += CHUNK_FRAMES as u64;
        }
    }

    /// A thread that panicked leaves the frames as they were: they are still good.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_let_go_once_written_and_the_rest_stays_readable() {
        let take = Take::new(Path::new("none"), 2, 48_000, 1 << 20);
        let signal: Vec<f32> = (0..40_000).map(|sample| sample as f32).collect();
        take.append(&signal[..10]);
        take.append(&signal[10..]);
        assert_eq!(take.frames(), 20_000);
        take.set_written(17_000);
        let mut out = vec![0.0; 6];
        assert_eq!(take.copy_from_memory(16_383, &mut out), 0);
        assert_eq!(take.copy_from_memory(16_384, &mut out), 3);
        assert_eq!(out, signal[32_768..32_774]);
        assert_eq!(take.copy_from_memory(19_998, &mut out), 2);
        assert_eq!(take.room_frames(), (1 << 20) - 3_000);
    }

    #[test]
    fn gaps_that_touch_are_one() {
        let take = Take::new(Path::new("none"), 1, 48_000, 1000);
        take.note_gap(3, Cause::RingFull);
        take.append(&[0.0; 3]);
        take.note_gap(2, Cause::RingFull);
        take.append(&[0.0; 2]);
        take.append(&[1.0]);
        take.note_gap(4, Cause::Xrun);
        assert_eq!(
            take.gaps(),
            [
                Gap {
                    position: 0,
                    frames: 5,
                    cause: Cause::RingFull
                },
                Gap {
                    position: 6,
                    frames: 4,
                    cause: Cause::Xrun
                },
            ]
        );
    }
}
