//! A take as a source for a buffered array: any part so far, by index, while it grows.

use std::ops::Range;
use std::sync::Arc;

use ossicle_io::buffered_array::Source;
use ossicle_io::file::{FileError, WavReader};

use super::take::Take;

/// Reads a take by index: from memory where it still is, from its file where it no longer is.
///
/// Never slows the recording. Where the file holds integers, what is read from it is rounded to
/// them; what is still in memory is not yet.
#[derive(Debug)]
pub struct TakeSource {
    take: Arc<Take>,
    file: Option<WavReader>,
}

impl TakeSource {
    pub(crate) fn new(take: Arc<Take>) -> Self {
        Self { take, file: None }
    }

    /// Fills `out` from the file; the frames are there.
    fn load_from_file(&mut self, position: u64, out: &mut [f32]) -> Result<usize, FileError> {
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(WavReader::open(self.take.path())?),
        };
        if position + (out.len() / self.take.channels()) as u64 > file.frames() {
            file.extend_to_end()?;
        }
        file.read_at(position, out)
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
            let mut frames = self.take.copy_from_memory(position, rest);
            if frames == 0 {
                // Only as far as the file goes: behind that it is in memory.
                let there = self.take.written_frames().saturating_sub(position);
                let wanted = (rest.len() / channels).min(usize::try_from(there).unwrap_or(0));
                frames = self.load_from_file(position, &mut rest[..wanted * channels])?;
            }
            if frames == 0 {
                let found = self.file.as_ref().map_or(0, WavReader::frames);
                return Err(FileError::Io(std::io::Error::new(
                    std::io::ErrorKind::UnexpectedEof,
                    format!("the file ends at frame {found}, before frame {position}"),
                )));
            }
            position += frames as u64;
            rest = &mut rest[frames * channels..];
        }
        Ok(())
    }
}
