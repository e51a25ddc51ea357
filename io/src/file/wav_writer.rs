//! A WAV writer for takes of any length.
//!
//! Samples are appended by positioned writes, so that a frame that was taken is in the file when
//! the call returns. The header stands apart in one block: before the first checkpoint it says
//! that the length is not known (readers go to the end of the file), after one it is true for the
//! frames up to there. Past 4 GiB the same block becomes RF64 in place.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::error::FileError;
use super::positioned::write_at;
use super::wav_header::{Length, build, header_bytes};
use crate::sample::{SampleFormat, encode};

/// Bytes encoded and written at once.
const PIECE_BYTES: usize = 64 * 1024;
/// Highest sample rate that is written: beyond it readers take a header for garbage.
pub(super) const MAX_RATE_HZ: u32 = 16_000_000;

/// What a WAV file shall hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WavSpec {
    /// Sample rate in hertz, 1 to 16 000 000.
    pub sample_rate_hz: u32,
    /// Channels, at least 1; a frame may have 65 535 bytes at most.
    pub channels: usize,
    /// How samples are stored.
    pub format: SampleFormat,
}

impl WavSpec {
    /// Bytes of a frame.
    pub(super) fn frame_bytes(&self) -> u64 {
        (self.channels * self.format.bytes()) as u64
    }

    pub(super) fn check(&self) -> Result<(), FileError> {
        if !(1..=MAX_RATE_HZ).contains(&self.sample_rate_hz) {
            return Err(FileError::SampleRateUnsupported {
                asked: self.sample_rate_hz,
                max: MAX_RATE_HZ,
            });
        }
        let max = usize::from(u16::MAX) / self.format.bytes();
        if !(1..=max).contains(&self.channels) {
            return Err(FileError::ChannelsUnsupported {
                asked: self.channels,
                max,
            });
        }
        Ok(())
    }
}

/// Whether a file that is there may be replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overwrite {
    /// It stays, and creating is an error.
    #[default]
    Never,
    /// It is replaced.
    Replace,
}

/// Writes a WAV file that is true at every checkpoint and knows no limit of size.
///
/// Dropping it finishes the file as well as it goes and drops the errors; [`finish`](Self::finish)
/// tells them.
///
/// # Examples
/// ```
/// use ossicle_io::file::{AudioFile, Overwrite, WavSpec, WavWriter};
/// use ossicle_io::sample::SampleFormat;
///
/// let path = std::env::temp_dir().join(format!("ossicle-doc-{}.wav", std::process::id()));
/// let spec = WavSpec { sample_rate_hz: 48_000, channels: 2, format: SampleFormat::I16 };
/// let mut file = WavWriter::create(&path, spec, Overwrite::Replace)?;
/// file.write(&[0.5, -0.5, 0.25, -0.25])?;
/// file.checkpoint()?;
/// assert_eq!(file.finish()?, 2);
///
/// let mut frames = [0.0f32; 4];
/// assert_eq!(AudioFile::open(&path)?.read(&mut frames)?, 2);
/// assert_eq!(frames, [0.5, -0.5, 0.25, -0.25]);
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct WavWriter {
    file: File,
    directory: Option<PathBuf>,
    spec: WavSpec,
    data_offset: u64,
    /// Bytes of samples in the file; a torn frame after a failed write included.
    data_bytes: u64,
    scratch: Vec<u8>,
    finished: bool,
}

impl WavWriter {
    /// Creates the file and writes a header that says "length not known".
    ///
    /// # Errors
    /// [`SampleRateUnsupported`](FileError::SampleRateUnsupported) and
    /// [`ChannelsUnsupported`](FileError::ChannelsUnsupported) for what no WAV can hold,
    /// [`NotAFile`](FileError::NotAFile) for a pipe, a device or a directory,
    /// [`AlreadyExists`](FileError::AlreadyExists), [`NotFound`](FileError::NotFound) (of the
    /// directory), [`PermissionDenied`](FileError::PermissionDenied),
    /// [`NoRoom`](FileError::NoRoom), [`Io`](FileError::Io).
    pub fn create(
        path: impl AsRef<Path>,
        spec: WavSpec,
        overwrite: Overwrite,
    ) -> Result<Self, FileError> {
        spec.check()?;
        let path = path.as_ref();
        // Looked at first: opening a named pipe would wait for a reader.
        if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(FileError::NotAFile);
        }
        let mut options = OpenOptions::new();
        options.write(true);
        match overwrite {
            Overwrite::Never => options.create_new(true),
            Overwrite::Replace => options.create(true).truncate(true),
        };
        let file = options.open(path)?;
        let piece_bytes = PIECE_BYTES.max(spec.frame_bytes() as usize);
        let writer = Self {
            file,
            directory: Some(match path.parent() {
                Some(parent) if parent != Path::new("") => parent.to_owned(),
                _ => PathBuf::from("."),
            }),
            spec,
            data_offset: header_bytes(&spec),
            data_bytes: 0,
            scratch: vec![0; piece_bytes - piece_bytes % spec.frame_bytes() as usize],
            finished: false,
        };
        writer.write_header(Length::Open)?;
        Ok(writer)
    }

    /// What the file holds.
    pub fn spec(&self) -> WavSpec {
        self.spec
    }

    /// Place in the file of the first sample's first byte.
    pub fn data_offset(&self) -> u64 {
        self.data_offset
    }

    /// Whole frames in the file so far.
    pub fn frames(&self) -> u64 {
        self.data_bytes / self.spec.frame_bytes()
    }

    /// Appends whole frames, interleaved. They are in the file when this returns, for every other
    /// reader to see; they outlast a power cut from the next [`checkpoint`](Self::checkpoint) on.
    ///
    /// # Errors
    /// [`TornFrame`](FileError::TornFrame), [`NoRoom`](FileError::NoRoom), [`Io`](FileError::Io).
    /// After the latter two, [`frames`](Self::frames) tells how many frames were taken; the rest
    /// may be given again.
    ///
    /// # Real-time
    /// Not safe: system calls, may wait for the disk.
    pub fn write(&mut self, interleaved: &[f32]) -> Result<(), FileError> {
        if !interleaved.len().is_multiple_of(self.spec.channels) {
            return Err(FileError::TornFrame {
                samples: interleaved.len(),
                channels: self.spec.channels,
            });
        }
        // What a failed write left of a frame is written again.
        self.data_bytes = self.frames() * self.spec.frame_bytes();
        let sample_bytes = self.spec.format.bytes();
        for piece in interleaved.chunks(self.scratch.len() / sample_bytes) {
            let bytes = &mut self.scratch[..piece.len() * sample_bytes];
            encode(self.spec.format, piece, bytes);
            let (written, result) = write_at(&self.file, bytes, self.data_offset + self.data_bytes);
            self.data_bytes += written as u64;
            result.map_err(|error| FileError::writing(error, self.frames()))?;
        }
        Ok(())
    }

    /// Makes the file on the disk true for all frames so far: samples, sync, header, sync. Whatever
    /// happens later, those frames can be read.
    ///
    /// # Errors
    /// [`NoRoom`](FileError::NoRoom), [`Io`](FileError::Io); the header then stays as it was.
    pub fn checkpoint(&mut self) -> Result<(), FileError> {
        let bytes = self.frames() * self.spec.frame_bytes();
        if bytes % 2 == 1 {
            let (_, result) = write_at(&self.file, &[0], self.data_offset + bytes);
            result.map_err(|error| FileError::writing(error, self.frames()))?;
        }
        self.sync()?;
        self.write_header(Length::Bytes(bytes))?;
        self.sync()?;
        if let Some(directory) = self.directory.take() {
            sync_directory(&directory);
        }
        Ok(())
    }

    /// Ends the file: checkpoint, and nothing behind the last whole frame. Returns the frames.
    ///
    /// # Errors
    /// As [`checkpoint`](Self::checkpoint).
    pub fn finish(mut self) -> Result<u64, FileError> {
        self.end()?;
        Ok(self.frames())
    }

    fn end(&mut self) -> Result<(), FileError> {
        self.finished = true;
        let bytes = self.frames() * self.spec.frame_bytes();
        if self.data_bytes > bytes {
            self.file.set_len(self.data_offset + bytes)?;
            self.data_bytes = bytes;
        }
        self.checkpoint()
    }

    fn write_header(&self, length: Length) -> Result<(), FileError> {
        let (_, result) = write_at(&self.file, &build(&self.spec, length), 0);
        result.map_err(|error| FileError::writing(error, self.frames()))
    }

    /// What cannot be synced (a pipe, a device file) is as true as it can be.
    fn sync(&self) -> Result<(), FileError> {
        match self.file.sync_data() {
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            result => result.map_err(|error| FileError::writing(error, self.frames())),
        }
    }
}

impl Drop for WavWriter {
    fn drop(&mut self) {
        if !self.finished {
            let _ = self.end();
        }
    }
}

/// Makes the file's name outlast a power cut. Where a directory cannot be opened or synced, the
/// system does that itself or not at all.
fn sync_directory(directory: &Path) {
    if let Ok(directory) = File::open(directory) {
        let _ = directory.sync_all();
    }
}
