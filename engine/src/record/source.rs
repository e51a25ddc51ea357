//! A take as a source for a buffered array: any part so far, by index, while it grows.

use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use ossicle_io::buffered_array::Source;
use ossicle_io::file::{FileError, WavReader};

use super::memory::Held;
use super::take::Take;

/// Reads a take by index: from memory where it still is, from its files where it no longer is.
///
/// Never slows the recording. Where the files hold integers, what is read from them is rounded to
/// them, and dithered where that was asked for; what is still in memory is not yet.
#[derive(Debug)]
pub struct TakeSource {
    take: Arc<Take>,
    /// The file that was read last.
    file: Option<(PathBuf, WavReader)>,
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
        let file = match &mut self.file {
            Some((open, file)) if *open == path => file,
            other => {
                let file = WavReader::open(&path)?;
                &mut other.insert((path, file)).1
            }
        };
        let from = position - first;
        if from + wanted as u64 > file.frames() {
            file.extend_to_end()?;
        }
        let frames = file.read_at(from, &mut out[..wanted * channels])?;
        if frames == 0 {
            let words = format!("it ends at frame {}, before frame {from}", file.frames());
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
