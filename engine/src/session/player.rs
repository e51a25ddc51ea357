//! The player: reads a file ahead of the core.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ossicle_io::file::{AudioFile, FileError};
use rtrb::Producer;

use super::feed::PlayerFeed;
use crate::error::EngineError;
use crate::record::spawn;
use crate::resample::Resampler;

/// How far the player reads ahead, in milliseconds.
const AHEAD_MS: usize = 500;
/// Time between two looks at the ring.
const POLL: Duration = Duration::from_millis(5);
/// Frames read at once.
const PIECE_FRAMES: usize = 4096;

/// A file being read ahead.
pub(super) struct Player {
    stop: Arc<AtomicBool>,
    error: Arc<Mutex<Option<FileError>>>,
    path: PathBuf,
    thread: JoinHandle<()>,
}

/// What the player's thread has.
struct Reader {
    file: AudioFile,
    ring: Producer<f32>,
    resampler: Option<Resampler>,
    channels: usize,
    looped: bool,
    total_frames: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    pushed_frames: u64,
}

impl Player {
    /// Starts to read `file`, which has been moved to where it is to begin, at `sample_rate_hz`.
    pub(super) fn start(
        file: AudioFile,
        path: &Path,
        looped: bool,
        sample_rate_hz: u32,
    ) -> Result<(Self, PlayerFeed), EngineError> {
        let (channels, file_rate_hz) = (file.info().channels, file.info().sample_rate_hz);
        let resampler = if file_rate_hz == sample_rate_hz {
            None
        } else {
            Some(Resampler::new(file_rate_hz, sample_rate_hz, channels)?)
        };
        let ahead_frames = (sample_rate_hz as usize * AHEAD_MS / 1000).max(2 * PIECE_FRAMES);
        let (producer, consumer) = ossicle_io::ring::touched(ahead_frames * channels, || 0.0);
        let total_frames = Arc::new(AtomicU64::new(u64::MAX));
        let stop = Arc::new(AtomicBool::new(false));
        let error = Arc::new(Mutex::new(None));
        let reader = Reader {
            file,
            ring: producer,
            resampler,
            channels,
            looped,
            total_frames: total_frames.clone(),
            stop: stop.clone(),
            pushed_frames: 0,
        };
        let thread = {
            let error = error.clone();
            spawn("ossicle-player", move || {
                if let Err(found) = reader.run() {
                    *error.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
                }
            })?
        };
        let feed = PlayerFeed {
            ring: consumer,
            channels,
            total_frames,
            given_frames: 0,
        };
        let player = Self {
            stop,
            error,
            path: path.to_owned(),
            thread,
        };
        player.wait_until_ahead(&feed, ahead_frames / 2);
        Ok((player, feed))
    }

    /// Waits until enough is read for a start without an underrun, or all there is, or 2 s.
    fn wait_until_ahead(&self, feed: &PlayerFeed, frames: usize) {
        for _ in 0..400 {
            let ended = feed.total_frames.load(Ordering::Acquire) != u64::MAX;
            if ended || feed.ring.slots() >= frames * feed.channels || self.thread.is_finished() {
                return;
            }
            thread::sleep(POLL);
        }
    }

    /// Ends the thread; returns what went wrong in it.
    pub(super) fn finish(self) -> Option<EngineError> {
        self.stop.store(true, Ordering::Release);
        if self.thread.join().is_err() {
            return Some(EngineError::ThreadLost { thread: "player" });
        }
        let error = self
            .error
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        error.map(|error| EngineError::file(&self.path, error))
    }
}

impl Reader {
    fn run(mut self) -> Result<(), FileError> {
        let result = self.read_all();
        // What was read is played, also when the file turns out to be damaged behind it.
        self.total_frames
            .store(self.pushed_frames, Ordering::Release);
        result
    }

    fn read_all(&mut self) -> Result<(), FileError> {
        let mut piece = vec![0.0f32; PIECE_FRAMES * self.channels];
        let mut resampled = Vec::new();
        loop {
            let began_at = self.file.position();
            let frames = self.file.read(&mut piece)?;
            let samples = &piece[..frames * self.channels];
            resampled.clear();
            match (&mut self.resampler, frames) {
                (Some(resampler), 0) if !self.looped => resampler.finish(&mut resampled),
                (Some(resampler), _) => resampler.push(samples, &mut resampled),
                (None, _) => resampled.extend_from_slice(samples),
            }
            if !self.push(&resampled) {
                return Ok(());
            }
            if frames == 0 {
                if !self.looped || began_at == 0 {
                    return Ok(());
                }
                self.file.seek(0)?;
            }
        }
    }

    /// Puts frames into the ring as room comes; false when the player is to stop.
    fn push(&mut self, mut samples: &[f32]) -> bool {
        while !samples.is_empty() {
            if self.stop.load(Ordering::Acquire) || self.ring.is_abandoned() {
                return false;
            }
            let room = self.ring.slots();
            let now = samples.len().min(room - room % self.channels);
            let (first, rest) = samples.split_at(now);
            if now == 0 || self.ring.push_entire_slice(first).is_err() {
                thread::sleep(POLL);
                continue;
            }
            self.pushed_frames += (now / self.channels) as u64;
            samples = rest;
        }
        !self.stop.load(Ordering::Acquire)
    }
}
