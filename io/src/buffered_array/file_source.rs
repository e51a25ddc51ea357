//! A sound file under a buffered array.

use std::marker::PhantomData;
use std::ops::Range;
use std::path::Path;

use super::array::BufferedArray;
use super::source::Source;
use crate::file::{AudioFile, FileError};
use crate::sample::Sample;

/// The frames of a sound file, as `f32` or `f64`.
#[derive(Debug)]
pub struct FileSource<S = f32> {
    file: AudioFile,
    frames: u64,
    sample: PhantomData<fn() -> S>,
}

impl<S: Sample> FileSource<S> {
    /// Takes a file. One that does not say how long it is is read through once.
    ///
    /// # Errors
    /// As [`AudioFile::count_frames`].
    pub fn new(mut file: AudioFile) -> Result<Self, FileError> {
        let frames = file.count_frames()?;
        Ok(Self {
            file,
            frames,
            sample: PhantomData,
        })
    }

    /// The file.
    pub fn file(&self) -> &AudioFile {
        &self.file
    }
}

impl<S: Sample> BufferedArray<FileSource<S>> {
    /// Opens a sound file of any format as a buffered array whose buffer holds `bufferframes`
    /// frames, `backframes` of them before what is asked for.
    ///
    /// # Errors
    /// As [`AudioFile::open`].
    pub fn open(
        path: impl AsRef<Path>,
        bufferframes: usize,
        backframes: usize,
    ) -> Result<Self, FileError> {
        let source = FileSource::new(AudioFile::open(path)?)?;
        Ok(Self::new(source, bufferframes, backframes))
    }
}

impl<S: Sample> Source for FileSource<S> {
    type Sample = S;
    type Error = FileError;

    fn rate(&self) -> f64 {
        f64::from(self.file.info().sample_rate_hz)
    }

    fn channels(&self) -> usize {
        self.file.info().channels
    }

    fn frames(&self) -> u64 {
        self.frames
    }

    fn load(&mut self, frames: Range<u64>, out: &mut [S]) -> Result<(), FileError> {
        if self.file.position() != frames.start {
            self.file.seek(frames.start)?;
        }
        let end = frames.start + self.file.read(out)? as u64;
        if end < frames.end {
            return Err(FileError::Damaged {
                what: format!("it ends at frame {end}"),
            });
        }
        Ok(())
    }
}
