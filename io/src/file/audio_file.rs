//! Any sound file as a stream of frames.

use std::fs::File;
use std::io;
use std::path::Path;

use super::aiff_layout;
use super::decoded::DecodedReader;
use super::error::FileError;
use super::positioned::read_at;
use super::w64_layout;
use super::wav_layout::{self, is_wav};
use super::wav_reader::WavReader;
use crate::sample::Sample;

/// What a sound file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileInfo {
    /// The kind of file, for people.
    pub container: String,
    /// How the sound is coded, for people.
    pub codec: String,
    /// Sample rate in hertz.
    pub sample_rate_hz: u32,
    /// Channels, at least 1.
    pub channels: usize,
    /// Frames; `None` when only reading to the end would tell.
    pub frames: Option<u64>,
    /// Bits of a sample as stored; `None` for codecs that have no such thing.
    pub bits: Option<u16>,
    /// What is wrong with the file and was got over, a line each.
    pub warnings: Vec<String>,
}

/// A sound file of any known format, read as a stream of frames with exact seeking: what is read
/// after [`seek`](Self::seek) is, sample for sample, what is read there from the start.
///
/// The content decides what the file is, never its name.
///
/// # Examples
/// ```
/// use ossicle_io::file::{AudioFile, FileError};
///
/// let missing = AudioFile::open("no such file.wav");
/// assert!(matches!(missing, Err(FileError::NotFound)));
/// ```
#[derive(Debug)]
pub struct AudioFile {
    reader: Reader,
}

#[derive(Debug)]
enum Reader {
    /// Plain samples, in WAV, W64 or AIFF.
    Plain(WavReader),
    Decoded(DecodedReader),
}

impl AudioFile {
    /// Opens a sound file.
    ///
    /// # Errors
    /// [`NotFound`](FileError::NotFound), [`PermissionDenied`](FileError::PermissionDenied),
    /// [`NotAFile`](FileError::NotAFile), [`Empty`](FileError::Empty),
    /// [`NotAudio`](FileError::NotAudio), [`Unsupported`](FileError::Unsupported) for audio of a
    /// kind that is not read, [`Damaged`](FileError::Damaged), [`Io`](FileError::Io).
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let file = open_regular(path.as_ref())?;
        let mut start = [0; 12];
        let length = read_at(&file, &mut start, 0)?;
        let start = &start[..length];
        let plain = if is_wav(start) {
            wav_layout::read_layout(&file)
        } else if w64_layout::is_w64(start) {
            w64_layout::read_layout(&file)
        } else if aiff_layout::is_aiff(start) {
            aiff_layout::read_layout(&file)
        } else {
            let reader = Reader::Decoded(DecodedReader::new(file)?);
            return Ok(Self { reader });
        };
        let reader = match plain {
            Ok(layout) => Reader::Plain(WavReader::with_layout(file, layout)),
            // There are more codecs than those of plain samples.
            Err(unsupported @ FileError::Unsupported { .. }) => match DecodedReader::new(file) {
                Ok(reader) => Reader::Decoded(reader),
                Err(_) => return Err(unsupported),
            },
            Err(error) => return Err(error),
        };
        Ok(Self { reader })
    }

    /// What the file holds.
    pub fn info(&self) -> &FileInfo {
        match &self.reader {
            Reader::Plain(reader) => reader.info(),
            Reader::Decoded(reader) => reader.info(),
        }
    }

    /// Frame that is read next.
    pub fn position(&self) -> u64 {
        match &self.reader {
            Reader::Plain(reader) => reader.position(),
            Reader::Decoded(reader) => reader.position(),
        }
    }

    /// The frames of the file. One that does not say is read through once, and then
    /// [`info`](Self::info) says it; the position stays.
    ///
    /// # Errors
    /// [`Io`](FileError::Io).
    pub fn count_frames(&mut self) -> Result<u64, FileError> {
        match &mut self.reader {
            Reader::Plain(reader) => Ok(reader.frames()),
            Reader::Decoded(reader) => reader.count_frames(),
        }
    }

    /// Reads from the position on, interleaved, and moves it. Returns the frames read: as many as
    /// `out` holds, less at the end of the file, 0 behind it.
    ///
    /// # Errors
    /// [`TornFrame`](FileError::TornFrame) if `out` does not hold whole frames,
    /// [`Damaged`](FileError::Damaged), [`Io`](FileError::Io).
    ///
    /// # Real-time
    /// Not safe: system calls, may wait for the disk.
    pub fn read<S: Sample>(&mut self, out: &mut [S]) -> Result<usize, FileError> {
        match &mut self.reader {
            Reader::Plain(reader) => reader.read(out),
            Reader::Decoded(reader) => reader.read(out),
        }
    }

    /// Moves to a frame; the end itself is allowed.
    ///
    /// # Errors
    /// [`BeyondEnd`](FileError::BeyondEnd), [`Damaged`](FileError::Damaged),
    /// [`Io`](FileError::Io).
    pub fn seek(&mut self, frame: u64) -> Result<(), FileError> {
        match &mut self.reader {
            Reader::Plain(reader) => reader.seek(frame),
            Reader::Decoded(reader) => reader.seek(frame),
        }
    }
}

/// Opens a file that can be read at places.
pub(super) fn open_regular(path: &Path) -> Result<File, FileError> {
    // Looked at first: opening a named pipe would wait for a writer.
    let metadata = std::fs::metadata(path).map_err(named)?;
    if !metadata.is_file() {
        return Err(FileError::NotAFile);
    }
    if metadata.len() == 0 {
        return Err(FileError::Empty);
    }
    File::open(path).map_err(named)
}

/// A path through something that is no directory leads to nothing.
fn named(error: io::Error) -> FileError {
    match error.kind() {
        io::ErrorKind::NotADirectory => FileError::NotFound,
        _ => error.into(),
    }
}
