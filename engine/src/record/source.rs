//! A take as a source for a buffered array: any part so far, by index, while it grows.

use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ossicle_io::buffered_array::Source;
use ossicle_io::file::{AudioFile, FileError, FileKind, WavReader};

use super::memory::Held;
use super::take::Take;

/// Frames of an encoded file that are passed over at once.
const SKIP_FRAMES: usize = 4096;

/// Reads a take by index: from memory where it still is, from its files where it no longer is.
///
/// Never slows the recording. Where the files hold integers, what is read from them is rounded to
/// them, and dithered where that was asked for; what is still in memory is not yet. An encoded file
/// (FLAC, Ogg) is decoded from its start to what is wanted: in order it is quick, at random it is not.
#[derive(Debug)]
pub struct TakeSource {
    take: Arc<Take>,
    /// The file that was read last.
    file: Option<(PathBuf, Reader)>,
}

/// A file of a take, which may still grow.
#[derive(Debug)]
enum Reader {
    Wav(WavReader),
    /// The frames that were whole in it when it was opened; what is behind them is torn.
    Encoded(AudioFile, u64),
}

impl Reader {
    fn open(path: &Path, frames: u64) -> Result<Self, FileError> {
        match FileKind::of_path(path) {
            Ok(FileKind::Wav) | Err(_) => WavReader::open(path).map(Self::Wav),
            Ok(_) => AudioFile::open(path).map(|file| Self::Encoded(file, frames)),
        }
    }

    /// Frames from `from` on, as many as it knows of.
    fn read(&mut self, from: u64, out: &mut [f32], channels: usize) -> Result<usize, FileError> {
        match self {
            Self::Wav(file) => {
                if from + (out.len() / channels) as u64 > file.frames() {
                    file.extend_to_end()?;
                }
                file.read_at(from, out)
            }
            Self::Encoded(file, frames)
                if from < file.position() || from + (out.len() / channels) as u64 > *frames =>
            {
                Ok(0)
            }
            Self::Encoded(file, _) => {
                // By decoding all that is before: what has no end yet cannot be searched through.
                let mut skipped = vec![0.0f32; SKIP_FRAMES * channels];
                while file.position() < from {
                    let frames = (from - file.position()).min(SKIP_FRAMES as u64) as usize;
                    if file.read(&mut skipped[..frames * channels])? == 0 {
                        return Ok(0);
                    }
                }
                file.read(out)
            }
        }
    }
}

impl TakeSource {
    pub(crate) fn new(take: Arc<Take>) -> Self {
        Self { take, file: None }
    }

    /// Fills as much of `out` as one file holds; returns the frames.
    fn load_from_file(&mut self, position: u64, out: &mut [f32]) -> Result<usize, FileError> {
        let channels = self.take.channels();
        let (path, first, end) = self.take.file_at(position).ok_or_else(|| {
            let words = format!("frame {position} is in no file");
            FileError::Io(io::Error::new(io::ErrorKind::UnexpectedEof, words))
        })?;
        let wanted = (out.len() / channels).min(usize::try_from(end - position).unwrap_or(0));
        let (from, out) = (position - first, &mut out[..wanted * channels]);
        if let Some((open, file)) = &mut self.file
            && *open == path
            && let Ok(frames @ 1..) = file.read(from, out, channels)
        {
            return Ok(frames);
        }
        // Another file, or one that has grown.
        let mut file = Reader::open(&path, end - first)?;
        let frames = file.read(from, out, channels)?;
        self.file = Some((path, file));
        if frames == 0 {
            let words = format!("frame {from} is behind its end");
            let error = io::Error::new(io::ErrorKind::UnexpectedEof, words);
            return Err(FileError::Io(error));
        }
        Ok(frames)
    }
}

impl Source for TakeSource {
    type Sample = f32;
    type Error = FileError;

    fn rate(&self) -> f64 {
        f64::from(self.take.sample_rate_hz())
    }

    fn channels(&self) -> usize {
        self.take.channels()
    }

    fn frames(&self) -> u64 {
        self.take.frames()
    }

    fn load(&mut self, frames: Range<u64>, out: &mut [f32]) -> Result<(), FileError> {
        let channels = self.take.channels();
        let (mut position, mut rest) = (frames.start, out);
        while !rest.is_empty() {
            let frames = match self.take.copy_from_memory(position, rest) {
                Held::Sound(frames) | Held::Lost(frames) => frames,
                Held::Nothing => self.load_from_file(position, rest)?,
            };
            position += frames as u64;
            rest = &mut rest[frames * channels..];
        }
        Ok(())
    }
}
