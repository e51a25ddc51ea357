//! A take: what has been recorded so far, in memory where it still is, in its files behind that.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ossicle_io::ring::Cause;

use super::gate::Desk;
use super::memory::{Held, Memory};
use super::recorded::{Gap, Mark, TakeFile, TakeReport};
use super::source::TakeSource;

/// A recording in progress or done, readable by index from any ordinary thread.
///
/// What was lost is silence of the same length, listed in [`gaps`](Self::gaps): the position of a
/// frame in the take is its position in the stream, from where the take began, less what pauses left
/// out: see [`TakeReport::gated`].
#[derive(Debug)]
pub struct Take {
    path: PathBuf,
    channels: usize,
    sample_rate_hz: u32,
    /// Frames that may wait in memory for the file.
    limit_frames: u64,
    /// Frames recorded so far; published after they can be read.
    frames: AtomicU64,
    /// The disk takes no more: frames are counted and let go.
    abandoned: AtomicBool,
    /// Where the recording gets its orders.
    desk: Arc<Desk>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    memory: Memory,
    /// Frames that are in files.
    written: u64,
    gaps: Vec<Gap>,
    marks: Vec<Mark>,
    files: Vec<TakeFile>,
    room_seconds: Option<f64>,
    failure: Option<String>,
    /// Memory was told to be over half full, and has not been well below since.
    is_told: bool,
    notes: Vec<String>,
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
            limit_frames: limit_frames.max(2 * Memory::CHUNK_FRAMES as u64),
            frames: AtomicU64::new(0),
            abandoned: AtomicBool::new(false),
            desk: Arc::default(),
            state: Mutex::new(State {
                memory: Memory::new(channels),
                ..State::default()
            }),
        }
    }

    /// The first file that the take was to be written to.
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

    /// Frames that are in files.
    pub fn written_frames(&self) -> u64 {
        self.lock().written
    }

    /// The files so far, in order.
    pub fn files(&self) -> Vec<TakeFile> {
        self.lock().files.clone()
    }

    /// The file that is written, or was last.
    pub(crate) fn last_file(&self) -> Option<PathBuf> {
        self.lock().files.last().map(|file| file.path.clone())
    }

    /// The runs of lost frames, in order.
    pub fn gaps(&self) -> Vec<Gap> {
        self.lock().gaps.clone()
    }

    /// What was marked, in order.
    pub fn marks(&self) -> Vec<Mark> {
        self.lock().marks.clone()
    }

    /// This take as a source for a [`BufferedArray`](ossicle_io::buffered_array::BufferedArray):
    /// any part so far, by index, while it grows. Each reader has a source and a window of its own.
    pub fn source(self: &Arc<Self>) -> TakeSource {
        TakeSource::new(Arc::clone(self))
    }

    /// The state now.
    pub fn report(&self) -> TakeReport {
        let frames = self.frames();
        let state = self.lock();
        TakeReport {
            path: state
                .files
                .first()
                .map_or(&self.path, |file| &file.path)
                .clone(),
            frames,
            written_frames: state.written,
            memory_seconds: state.memory.frames() as f64 / f64::from(self.sample_rate_hz),
            room_seconds: state.room_seconds,
            gaps: state.gaps.clone(),
            files: state.files.clone(),
            gated: self.desk.gated(),
            failure: state.failure.clone(),
        }
    }

    /// Orders to the recording, and what became of them.
    pub(crate) fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// Frames that fit before the limit of memory is reached.
    pub(crate) fn room_frames(&self) -> u64 {
        if self.abandoned.load(Ordering::Acquire) {
            return u64::MAX;
        }
        let held = self.lock().memory.frames();
        self.limit_frames.saturating_sub(held)
    }

    /// Frames that memory may hold.
    pub(crate) fn limit_frames(&self) -> u64 {
        self.limit_frames
    }

    /// The disk takes no more: from now on frames are counted and let go, so that nobody waits for
    /// room.
    pub(crate) fn abandon(&self) {
        // Under the lock, so that nothing comes into a memory that was cleared.
        let mut state = self.lock();
        self.abandoned.store(true, Ordering::Release);
        state.memory.clear();
    }

    /// Adds whole frames.
    pub(crate) fn append(&self, interleaved: &[f32]) {
        let frames = (interleaved.len() / self.channels) as u64;
        let mut state = self.lock();
        if !self.abandoned.load(Ordering::Acquire) {
            state.memory.append(interleaved);
            self.watch_memory(&mut state);
        }
        drop(state);
        self.frames.fetch_add(frames, Ordering::Release);
    }

    /// Adds silence for frames that were lost, and notes the gap; joins the gap before it when it
    /// goes on. Takes no memory, however long.
    pub(crate) fn append_lost(&self, frames: u64, cause: Cause) {
        if frames == 0 {
            return;
        }
        let position = self.frames();
        let mut state = self.lock();
        if !self.abandoned.load(Ordering::Acquire) {
            state.memory.append_lost(frames);
        }
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
        drop(state);
        self.frames.fetch_add(frames, Ordering::Release);
    }

    /// Marks a place.
    pub(crate) fn mark(&self, position: u64, text: String) {
        self.lock().marks.push(Mark { position, text });
    }

    /// What is behind the written frames came too late for a disk that takes no more: one gap behind
    /// the end, which it returns.
    pub(crate) fn cut(&self, cause: Cause) -> u64 {
        let end = self.frames();
        let mut state = self.lock();
        let written = state.written;
        state.gaps.retain_mut(|gap| {
            gap.frames = gap.frames.min(written.saturating_sub(gap.position));
            gap.frames > 0
        });
        let frames = end.saturating_sub(written);
        if frames > 0 {
            state.gaps.push(Gap {
                position: written,
                frames,
                cause,
            });
        }
        frames
    }

    /// Tells something in a line.
    pub(crate) fn note(&self, note: String) {
        self.lock().notes.push(note);
    }

    /// What was told since the last call.
    pub(crate) fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().notes)
    }

    /// Its files take no more, for this reason.
    pub(crate) fn set_failure(&self, failure: String) {
        let mut state = self.lock();
        (state.failure, state.room_seconds) = (Some(failure), None);
    }

    pub(crate) fn set_room_seconds(&self, seconds: Option<f64>) {
        self.lock().room_seconds = seconds;
    }

    /// Copies frames from `position` on that are still in memory, at most to where sound and lost
    /// frames meet.
    pub(crate) fn copy_from_memory(&self, position: u64, out: &mut [f32]) -> Held {
        let found = self.lock().memory.find(position, out);
        // What is long is copied without the lock.
        found.copy(out, self.channels)
    }

    /// The file that a written frame is in: its path, and its first frame and the one behind its
    /// last in the take.
    pub(crate) fn file_at(&self, position: u64) -> Option<(PathBuf, u64, u64)> {
        let state = self.lock();
        let behind = state
            .files
            .partition_point(|file| file.first_frame <= position);
        let file = state.files.get(behind.checked_sub(1)?)?;
        let end = file.first_frame + file.frames;
        (position < end).then(|| (file.path.clone(), file.first_frame, end))
    }

    /// Goes on in a file.
    pub(crate) fn begin_file(&self, path: &Path, first_frame: u64) {
        self.lock().files.push(TakeFile {
            path: path.to_owned(),
            first_frame,
            frames: 0,
        });
    }

    /// A file of it is found elsewhere from now on.
    pub(crate) fn file_is_at(&self, name: &Path, now: PathBuf) {
        let mut state = self.lock();
        if let Some(file) = state.files.iter_mut().find(|file| file.path == *name) {
            file.path = now;
        }
    }

    /// Its last file ends there: more is in it than was known to last.
    pub(crate) fn end_file(&self, end: u64) {
        let mut state = self.lock();
        state.written = state.written.max(end);
        if let Some(file) = state.files.last_mut() {
            file.frames = end.saturating_sub(file.first_frame);
        }
    }

    /// Notes that the files hold `written` frames that readers find there, and lets go of the memory
    /// of those before `keep_from`.
    pub(crate) fn set_written(&self, written: u64, keep_from: u64) {
        let mut state = self.lock();
        state.written = written;
        if let Some(file) = state.files.last_mut() {
            file.frames = written.saturating_sub(file.first_frame);
        }
        state.memory.forget(keep_from.min(written));
    }

    /// Tells once for each episode that memory is filling.
    fn watch_memory(&self, state: &mut State) {
        let held = state.memory.frames();
        if !state.is_told && held > self.limit_frames / 2 {
            state.is_told = true;
            let seconds = |frames| frames as f64 / f64::from(self.sample_rate_hz);
            let name = self.path.display();
            let (held, limit) = (seconds(held), seconds(self.limit_frames));
            state.notes.push(format!(
                "{name}: the disk is slow: {held:.1} s of sound wait in memory, which holds \
                 {limit:.1} s"
            ));
        } else if state.is_told && held < self.limit_frames / 4 {
            state.is_told = false;
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
    fn gaps_that_touch_are_one() {
        let take = Take::new(Path::new("none"), 1, 48_000, 1000);
        take.append_lost(3, Cause::RingFull);
        take.append_lost(2, Cause::RingFull);
        take.append(&[1.0]);
        take.append_lost(4, Cause::Xrun);
        take.append_lost(4, Cause::DeviceGone);
        let gap = |position, frames, cause| Gap {
            position,
            frames,
            cause,
        };
        assert_eq!(
            take.gaps(),
            [
                gap(0, 5, Cause::RingFull),
                gap(6, 4, Cause::Xrun),
                gap(10, 4, Cause::DeviceGone)
            ]
        );
        assert_eq!(take.frames(), 14);
        // Eight frames are in the file, and no more will be.
        take.set_written(8, 8);
        assert_eq!(take.cut(Cause::DiskFull), 6);
        assert_eq!(
            take.gaps(),
            [
                gap(0, 5, Cause::RingFull),
                gap(6, 2, Cause::Xrun),
                gap(8, 6, Cause::DiskFull)
            ]
        );
    }

    #[test]
    fn that_memory_fills_is_told_once_for_each_episode() {
        let take = Take::new(Path::new("none"), 1, 48_000, 96_000);
        let second = vec![0.0; 48_000];
        let mut told = Vec::new();
        for _ in 0..2 {
            for _ in 0..2 {
                take.append(&second);
                told.extend(take.take_notes());
            }
            take.set_written(take.frames(), u64::MAX);
            take.append(&second[..10]);
        }
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].contains("wait in memory"), "{told:?}");
    }
}
