//! A writer of takes in any of the formats that are written.

use std::ffi::OsStr;
use std::path::Path;

use super::error::FileError;
use super::file_storage::{FileStorage, Overwrite};
use super::storage::Storage;
use super::wav_labels::Label;
use super::wav_tags::Tags;
use super::wav_writer::{WavSpec, WavWriter};

/// A format that takes are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// WAV: RIFF, from 4 GiB on RF64; every sample format.
    Wav,
}

impl FileKind {
    /// The format that a path's extension names, in large or small letters.
    ///
    /// # Errors
    /// [`ExtensionUnknown`](FileError::ExtensionUnknown).
    pub fn of_path(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let asked = path.as_ref().extension().unwrap_or_default();
        let is = |name: &str| asked.eq_ignore_ascii_case(OsStr::new(name));
        if is("wav") || is("wave") {
            Ok(Self::Wav)
        } else {
            Err(FileError::ExtensionUnknown {
                asked: asked.to_string_lossy().into_owned(),
                allowed: "wav",
            })
        }
    }
}

/// Writes a take in the format that its name asks for; what is said of [`WavWriter`] holds for all.
///
/// Dropping it finishes the file as well as it goes and drops the errors; [`finish`](Self::finish)
/// tells them.
///
/// # Examples
/// ```
/// use ossicle_io::file::{AudioFile, AudioWriter, Overwrite, Tags, WavSpec};
/// use ossicle_io::sample::SampleFormat;
///
/// let path = std::env::temp_dir().join(format!("ossicle-take-{}.wav", std::process::id()));
/// let spec = WavSpec { sample_rate_hz: 48_000, channels: 2, format: SampleFormat::I24 };
/// let mut take = AudioWriter::create(&path, spec, &Tags::default(), Overwrite::Replace)?;
/// take.write(&[0.5, -0.5, 0.25, -0.25])?;
/// take.checkpoint()?;
/// assert_eq!(take.finish()?, 2);
/// assert_eq!(AudioFile::open(&path)?.info().frames, Some(2));
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct AudioWriter {
    writer: Writer,
}

#[derive(Debug)]
enum Writer {
    Wav(WavWriter),
}

impl AudioWriter {
    /// Creates a file, yet without a name, in the format that the path's extension names.
    ///
    /// # Errors
    /// As [`FileKind::of_path`], [`FileStorage::create`] and [`on`](Self::on).
    pub fn create(
        path: impl AsRef<Path>,
        spec: WavSpec,
        tags: &Tags,
        overwrite: Overwrite,
    ) -> Result<Self, FileError> {
        let kind = FileKind::of_path(path.as_ref())?;
        // A file is made when all else is found good.
        spec.check()?;
        tags.check(&spec)?;
        let storage = FileStorage::create(path, overwrite)?;
        Self::on(Box::new(storage), kind, spec, tags)
    }

    /// Begins a file on an empty storage.
    ///
    /// # Errors
    /// As [`WavWriter::on`].
    pub fn on(
        storage: Box<dyn Storage>,
        kind: FileKind,
        spec: WavSpec,
        tags: &Tags,
    ) -> Result<Self, FileError> {
        let writer = match kind {
            FileKind::Wav => Writer::Wav(WavWriter::on(storage, spec, tags)?),
        };
        Ok(Self { writer })
    }

    /// What the file holds.
    pub fn spec(&self) -> WavSpec {
        match &self.writer {
            Writer::Wav(wav) => wav.spec(),
        }
    }

    /// Frames taken; after an error of [`write`](Self::write) or
    /// [`checkpoint`](Self::checkpoint) those that are in the file, which may be fewer than before
    /// it: what follows them must be given again, here or to another file.
    pub fn frames(&self) -> u64 {
        match &self.writer {
            Writer::Wav(wav) => wav.frames(),
        }
    }

    /// Frames that outlast a power cut: those of the last good [`checkpoint`](Self::checkpoint).
    pub fn lasting_frames(&self) -> u64 {
        match &self.writer {
            Writer::Wav(wav) => wav.lasting_frames(),
        }
    }

    /// Bytes of the file so far.
    pub fn bytes(&self) -> u64 {
        match &self.writer {
            Writer::Wav(wav) => wav.data_offset() + wav.frames() * wav.spec().frame_bytes(),
        }
    }

    /// Appends whole frames, interleaved.
    ///
    /// # Errors
    /// [`TornFrame`](FileError::TornFrame), [`NoRoom`](FileError::NoRoom), [`Io`](FileError::Io).
    /// After the latter two, go on from [`frames`](Self::frames).
    ///
    /// # Real-time
    /// Not safe: system calls, may wait for the disk.
    pub fn write(&mut self, interleaved: &[f32]) -> Result<(), FileError> {
        match &mut self.writer {
            Writer::Wav(wav) => wav.write(interleaved),
        }
    }

    /// Keeps a label for the end of the file.
    pub fn label(&mut self, label: Label) {
        match &mut self.writer {
            Writer::Wav(wav) => wav.label(label),
        }
    }

    /// Makes the file on the disk true for the frames in it, and gives it its name the first time
    /// that there is one.
    ///
    /// # Errors
    /// As [`WavWriter::checkpoint`]; then go on from [`frames`](Self::frames).
    pub fn checkpoint(&mut self) -> Result<(), FileError> {
        match &mut self.writer {
            Writer::Wav(wav) => wav.checkpoint(),
        }
    }

    /// Ends the file. Returns the frames in it.
    ///
    /// # Errors
    /// As [`WavWriter::finish`].
    pub fn finish(self) -> Result<u64, FileError> {
        match self.writer {
            Writer::Wav(wav) => wav.finish(),
        }
    }
}
