//! Recording: record ring -> collector -> take -> writer -> file.

mod collector;
mod gate;
mod source;
mod take;
mod writer;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use ossicle_io::file::{FileError, Overwrite, WavSpec, WavWriter};
use ossicle_io::ring::{FrameWriter, frame_ring};
use ossicle_io::sample::SampleFormat;

use crate::error::EngineError;

pub use gate::{Begin, GateConfig, GateState, Gated, Pause, Silence};
pub use source::TakeSource;
pub use take::{Gap, Take};

/// Length of a record ring in seconds: how long the collector may sleep.
const RING_SECONDS: usize = 2;

/// What is recorded, and where to.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordConfig {
    /// The file; WAV.
    pub path: PathBuf,
    /// Sample format in the file.
    pub format: SampleFormat,
    /// Where the sound is taken.
    pub tap: Tap,
    /// Whether a file that is there may be replaced.
    pub overwrite: Overwrite,
    /// How much sound may wait in memory for a slow disk, in seconds.
    pub memory_seconds: f64,
}

impl RecordConfig {
    /// Records what is played, after the chain, as 32-bit float, never over another file, with up
    /// to 60 s waiting in memory.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            format: SampleFormat::F32,
            tap: Tap::Post,
            overwrite: Overwrite::Never,
            memory_seconds: 60.0,
        }
    }
}

/// Where the sound of a recording is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tap {
    /// In the capture callback, as the device delivered it.
    Input,
    /// At the chain's input.
    Pre,
    /// After the chain: what is played.
    Post,
}

/// A recording that runs.
pub(crate) struct Recording {
    take: Arc<Take>,
    path: PathBuf,
    ended: Arc<AtomicBool>,
    failed: Arc<AtomicBool>,
    collector: JoinHandle<()>,
    writer: JoinHandle<Result<u64, FileError>>,
}

/// What a recording came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// The file.
    pub path: PathBuf,
    /// Frames in the file.
    pub frames: u64,
    /// Frames that were lost and stand as silence.
    pub lost_frames: u64,
    /// The runs of lost frames.
    pub gaps: Vec<Gap>,
}

impl Recording {
    /// Creates the file and starts the threads; the frames go into the returned ring.
    pub(crate) fn start(
        config: &RecordConfig,
        channels: usize,
        sample_rate_hz: u32,
    ) -> Result<(Self, FrameWriter), EngineError> {
        let spec = WavSpec {
            sample_rate_hz,
            channels,
            format: config.format,
        };
        let file = WavWriter::create(&config.path, spec, config.overwrite)
            .map_err(|error| EngineError::file(&config.path, error))?;
        let limit_frames = (config.memory_seconds * f64::from(sample_rate_hz)) as u64;
        let take = Arc::new(Take::new(
            &config.path,
            channels,
            sample_rate_hz,
            limit_frames,
        ));
        let (ring_writer, ring_reader) =
            frame_ring(channels, RING_SECONDS * sample_rate_hz as usize);
        let ended = Arc::new(AtomicBool::new(false));
        let failed = Arc::new(AtomicBool::new(false));
        let collected = Arc::new(AtomicBool::new(false));
        let collector = {
            let (take, ended, collected) = (take.clone(), ended.clone(), collected.clone());
            spawn("ossicle-collector", move || {
                collector::collect(ring_reader, &take, &ended);
                collected.store(true, Ordering::Release);
            })?
        };
        let writer = {
            let (take, failed) = (take.clone(), failed.clone());
            spawn("ossicle-writer", move || {
                writer::write(file, &take, &collected, &failed)
            })?
        };
        let path = config.path.clone();
        Ok((
            Self {
                take,
                path,
                ended,
                failed,
                collector,
                writer,
            },
            ring_writer,
        ))
    }

    pub(crate) fn take(&self) -> &Arc<Take> {
        &self.take
    }

    /// The file takes no more.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// Ends the recording once all that is in the ring is in the file. The ring's writer must be at
    /// rest.
    pub(crate) fn finish(self) -> Result<Recorded, EngineError> {
        self.ended.store(true, Ordering::Release);
        let collected = self.collector.join().is_ok();
        let written = match self.writer.join() {
            Ok(result) => result.map_err(|error| EngineError::file(&self.path, error))?,
            Err(_) => return Err(EngineError::ThreadLost { thread: "writer" }),
        };
        if !collected {
            return Err(EngineError::ThreadLost {
                thread: "collector",
            });
        }
        let gaps = self.take.gaps();
        let lost_frames = gaps.iter().map(|gap| gap.frames).sum();
        Ok(Recorded {
            path: self.path,
            frames: written,
            lost_frames,
            gaps,
        })
    }
}

pub(crate) fn spawn<T: Send + 'static>(
    name: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, EngineError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|source| EngineError::Thread {
            thread: name,
            source,
        })
}
