//! A WAV writer for takes of any length.
//!
//! Samples are appended by positioned writes, so that a frame that was taken is in the file when
//! the call returns. The header stands apart in one block that is written again at each checkpoint,
//! when what it tells of is on the disk: it is true at every moment. The file gets its name with
//! its first true header. Past 4 GiB the same block becomes RF64 in place.

use std::fs::File;
use std::io;
use std::path::Path;

use super::error::FileError;
use super::file_storage::{FileStorage, Overwrite};
use super::storage::{Storage, write_all_at};
use super::wav_checkpoint::{Behind, close, make_true};
use super::wav_format::MAX_CHANNELS;
use super::wav_header::WavHeader;
use super::wav_labels::{Label, label_chunks, labels_left_out};
use super::wav_tags::Tags;
use crate::sample::{SampleFormat, encode};

/// Bytes encoded and written at once.
const PIECE_BYTES: usize = 64 * 1024;
/// Room that is reserved ahead of the samples.
const RESERVE_BYTES: u64 = 8 << 20;
/// Files up to this length reserve nothing.
const SMALL_FILE_BYTES: u64 = 1 << 20;
/// Highest sample rate that is written: beyond it readers take a header for garbage.
pub(super) const MAX_RATE_HZ: u32 = 16_000_000;

/// What a WAV file shall hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WavSpec {
    /// Sample rate in hertz, 1 to 16 000 000.
    pub sample_rate_hz: u32,
    /// Channels, 1 to 1024: what is written here is read here.
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
        if !(1..=MAX_CHANNELS).contains(&self.channels) {
            return Err(FileError::ChannelsUnsupported {
                asked: self.channels,
                max: MAX_CHANNELS,
            });
        }
        Ok(())
    }
}

/// Writes a WAV file that is true at every moment and knows no limit of size.
///
/// The path holds what it held before until the first [`checkpoint`](Self::checkpoint) with a frame
/// gives it to this file. Dropping the writer finishes the file as well as it goes and drops the
/// errors, and leaves none without a frame; [`finish`](Self::finish) tells them.
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
    storage: Box<dyn Storage>,
    spec: WavSpec,
    header: WavHeader,
    /// Bytes of samples in the file; a torn frame after a failed write included.
    data_bytes: u64,
    /// Frames that the header on the disk tells of.
    lasting_frames: u64,
    reserved_bytes: u64,
    labels: Vec<Label>,
    scratch: Vec<u8>,
    published: bool,
    /// A write or a sync failed: a file without a frame is then nobody's wish.
    refused: bool,
    finished: bool,
}

impl WavWriter {
    /// Creates a file without tags; see [`create_tagged`](Self::create_tagged).
    ///
    /// # Errors
    /// As there.
    pub fn create(
        path: impl AsRef<Path>,
        spec: WavSpec,
        overwrite: Overwrite,
    ) -> Result<Self, FileError> {
        Self::create_tagged(path, spec, overwrite, &Tags::default())
    }

    /// Creates a file, yet without a name.
    ///
    /// # Errors
    /// As [`FileStorage::create`] and [`on`](Self::on).
    pub fn create_tagged(
        path: impl AsRef<Path>,
        spec: WavSpec,
        overwrite: Overwrite,
        tags: &Tags,
    ) -> Result<Self, FileError> {
        spec.check()?;
        tags.check(&spec)?;
        Self::on(Box::new(FileStorage::create(path, overwrite)?), spec, tags)
    }

    /// Begins a file on an empty storage, and writes its header there.
    ///
    /// # Errors
    /// [`SampleRateUnsupported`](FileError::SampleRateUnsupported) and
    /// [`ChannelsUnsupported`](FileError::ChannelsUnsupported) for what no WAV can hold,
    /// [`MaskUnfit`](FileError::MaskUnfit), [`TagUnfit`](FileError::TagUnfit),
    /// [`NoRoom`](FileError::NoRoom), [`Io`](FileError::Io).
    pub fn on(storage: Box<dyn Storage>, spec: WavSpec, tags: &Tags) -> Result<Self, FileError> {
        spec.check()?;
        tags.check(&spec)?;
        let frame_bytes = spec.frame_bytes() as usize;
        let piece_bytes = PIECE_BYTES.max(frame_bytes);
        let mut writer = Self {
            storage,
            spec,
            header: WavHeader::new(&spec, tags),
            data_bytes: 0,
            lasting_frames: 0,
            reserved_bytes: SMALL_FILE_BYTES,
            labels: Vec::new(),
            scratch: vec![0; piece_bytes - piece_bytes % frame_bytes],
            published: false,
            refused: false,
            finished: false,
        };
        // The whole of it, tags too: later only what changes is written.
        let (_, result) = write_all_at(&mut *writer.storage, writer.header.bytes(), 0);
        result.map_err(|error| writer.failed(error))?;
        Ok(writer)
    }

    /// What the file holds.
    pub fn spec(&self) -> WavSpec {
        self.spec
    }

    /// Place in the file of the first sample's first byte.
    pub fn data_offset(&self) -> u64 {
        self.header.data_offset()
    }

    /// Whole frames in the file so far. After a failed [`checkpoint`](Self::checkpoint) they are
    /// fewer: see there.
    pub fn frames(&self) -> u64 {
        self.data_bytes / self.spec.frame_bytes()
    }

    /// Frames that outlast a power cut: those of the last good [`checkpoint`](Self::checkpoint).
    pub fn lasting_frames(&self) -> u64 {
        self.lasting_frames
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
            let offset = self.header.data_offset() + self.data_bytes;
            let end = offset + bytes.len() as u64;
            if end > self.reserved_bytes {
                self.reserved_bytes = end + RESERVE_BYTES;
                // A hint: where nothing can be reserved, writing tells whether there is room.
                let _ = self.storage.reserve(self.reserved_bytes);
            }
            let (written, result) = write_all_at(&mut *self.storage, bytes, offset);
            self.data_bytes += written as u64;
            result.map_err(|error| self.failed(error))?;
        }
        Ok(())
    }

    /// Keeps a label for the end of the file: labels stand behind the samples, in order of their
    /// positions, from [`finish`](Self::finish) on.
    pub fn label(&mut self, label: Label) {
        self.labels.push(label);
    }

    /// How many of the labels so far the file will not hold: those beyond frame 4 294 967 295.
    pub fn labels_left_out(&self) -> usize {
        labels_left_out(&self.labels)
    }

    /// Makes the file on the disk true for all frames so far: samples, sync, header, sync; and
    /// gives it its name, the first time that there is a frame. Whatever happens later, those
    /// frames can be read. Without a frame it does nothing.
    ///
    /// # Errors
    /// [`NoRoom`](FileError::NoRoom), [`Io`](FileError::Io). The header then stays true for what it
    /// told of before, and the system may have let go of anything since:
    /// [`frames`](Self::frames) goes back to [`lasting_frames`](Self::lasting_frames), and the rest
    /// must be given again. [`AlreadyExists`](FileError::AlreadyExists) when the name was taken
    /// meanwhile: without a name nothing lasts, but the frames stay, and the next checkpoint tries
    /// again.
    pub fn checkpoint(&mut self) -> Result<(), FileError> {
        if self.frames() > 0 {
            self.make_true()?;
        }
        Ok(())
    }

    /// Ends the file: checkpoint, labels, and nothing behind them. Returns the frames.
    ///
    /// A file without a frame is a true empty one, unless that is so because it could not be
    /// written to: then there is none.
    ///
    /// # Errors
    /// As [`checkpoint`](Self::checkpoint). The frames are safe even when the labels find no room.
    pub fn finish(mut self) -> Result<u64, FileError> {
        self.end()?;
        Ok(self.frames())
    }

    fn end(&mut self) -> Result<(), FileError> {
        self.finished = true;
        if self.frames() == 0 && self.refused {
            return Err(FileError::NoRoom { frames: 0 });
        }
        let pad = self.make_true()?;
        let bytes = self.frames() * self.spec.frame_bytes();
        let labels = Behind::Chunks(label_chunks(&self.labels));
        close(&mut *self.storage, &mut self.header, bytes, pad, &labels)
            .map_err(|error| self.failed(error))
    }

    /// The file is to have another name, as it has none yet; see [`Storage::rename`].
    ///
    /// # Errors
    /// [`Io`](FileError::Io).
    pub fn rename(&mut self, path: impl AsRef<Path>) -> Result<(), FileError> {
        Ok(self.storage.rename(path.as_ref())?)
    }

    /// See [`Storage::handle`].
    pub(super) fn handle(&self) -> Option<File> {
        self.storage.handle()
    }

    fn make_true(&mut self) -> Result<u64, FileError> {
        let frames = self.frames();
        let bytes = frames * self.spec.frame_bytes();
        let first = !self.published;
        let made = make_true(&mut *self.storage, &mut self.header, bytes, first);
        let pad = made.map_err(|error| {
            self.data_bytes = self.lasting_frames * self.spec.frame_bytes();
            self.failed(error)
        })?;
        if first {
            // What cannot be found does not last.
            let named = self.storage.publish();
            named.map_err(|error| self.failed(error))?;
            self.published = true;
        }
        self.lasting_frames = frames;
        Ok(pad)
    }

    fn failed(&mut self, error: io::Error) -> FileError {
        self.refused = true;
        FileError::writing(error, self.frames())
    }
}

impl Drop for WavWriter {
    fn drop(&mut self) {
        if !self.finished && self.frames() > 0 {
            let _ = self.end();
        }
    }
}
