//! A writer of takes in any of the formats that are written.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;

use super::comments::check_comments;
use super::encoded_writer::EncodedWriter;
use super::encoder::Encoder;
use super::error::FileError;
use super::file_storage::{FileStorage, Overwrite};
use super::flac_encoder::FlacEncoder;
use super::ogg_encoder::OggEncoder;
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
    /// FLAC: what was put in, smaller; `i16` and `i24`, 8 channels at most.
    Flac,
    /// Ogg Vorbis at about 192 kbit/s for two channels: small, and not what was put in. It has no
    /// sample format, the one of the [`WavSpec`] is not looked at.
    Ogg,
}

/// The extensions that name a format.
const EXTENSIONS: &str = "wav, flac, ogg";

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
        } else if is("flac") {
            Ok(Self::Flac)
        } else if is("ogg") || is("oga") {
            Ok(Self::Ogg)
        } else {
            Err(FileError::ExtensionUnknown {
                asked: asked.to_string_lossy().into_owned(),
                allowed: EXTENSIONS,
            })
        }
    }
}

/// Writes a take in the format that its name asks for; what is said of [`WavWriter`] holds for all.
///
/// FLAC and Ogg come in blocks: up to a tenth of a second of sound (FLAC) or a quarter (Ogg) waits
/// in memory until its block is full, is not in the file by a [`checkpoint`](Self::checkpoint), and
/// is lost by a cut. FLAC's header says how many frames there are, from each checkpoint on.
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
    Encoded(EncodedWriter),
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
        let encoder = Self::check(kind, &spec, tags)?;
        let storage = Box::new(FileStorage::create(path, overwrite)?);
        Self::with(storage, encoder, spec, tags)
    }

    /// Begins a file on an empty storage.
    ///
    /// # Errors
    /// [`SampleRateUnsupported`](FileError::SampleRateUnsupported),
    /// [`ChannelsUnsupported`](FileError::ChannelsUnsupported),
    /// [`FormatUnsupported`](FileError::FormatUnsupported) and
    /// [`Unsupported`](FileError::Unsupported) for what the format cannot hold; else as
    /// [`WavWriter::on`].
    pub fn on(
        storage: Box<dyn Storage>,
        kind: FileKind,
        spec: WavSpec,
        tags: &Tags,
    ) -> Result<Self, FileError> {
        let encoder = Self::check(kind, &spec, tags)?;
        Self::with(storage, encoder, spec, tags)
    }

    /// That the file can be made; and its encoder if it has one.
    fn check(
        kind: FileKind,
        spec: &WavSpec,
        tags: &Tags,
    ) -> Result<Option<Box<dyn Encoder>>, FileError> {
        spec.check()?;
        match kind {
            FileKind::Wav => tags.check(spec)?,
            FileKind::Flac | FileKind::Ogg => {
                tags.check_mask(spec)?;
                check_comments(tags)?;
            }
        }
        Ok(match kind {
            FileKind::Wav => None,
            FileKind::Flac => Some(Box::new(FlacEncoder::new(spec, tags)?)),
            FileKind::Ogg => Some(Box::new(OggEncoder::new(spec, tags)?)),
        })
    }

    fn with(
        storage: Box<dyn Storage>,
        encoder: Option<Box<dyn Encoder>>,
        spec: WavSpec,
        tags: &Tags,
    ) -> Result<Self, FileError> {
        let writer = match encoder {
            None => Writer::Wav(WavWriter::on(storage, spec, tags)?),
            Some(encoder) => Writer::Encoded(EncodedWriter::on(storage, encoder, spec)?),
        };
        Ok(Self { writer })
    }

    /// What the file holds.
    pub fn spec(&self) -> WavSpec {
        match &self.writer {
            Writer::Wav(wav) => wav.spec(),
            Writer::Encoded(encoded) => encoded.spec(),
        }
    }

    /// Frames taken; after an error of [`write`](Self::write) or
    /// [`checkpoint`](Self::checkpoint) those that are in the file, which may be fewer than before
    /// it: what follows them must be given again, here or to another file.
    pub fn frames(&self) -> u64 {
        match &self.writer {
            Writer::Wav(wav) => wav.frames(),
            Writer::Encoded(encoded) => encoded.frames(),
        }
    }

    /// Frames that outlast a power cut: those of the last good [`checkpoint`](Self::checkpoint).
    pub fn lasting_frames(&self) -> u64 {
        match &self.writer {
            Writer::Wav(wav) => wav.lasting_frames(),
            Writer::Encoded(encoded) => encoded.lasting_frames(),
        }
    }

    /// Bytes of the file so far.
    pub fn bytes(&self) -> u64 {
        match &self.writer {
            Writer::Wav(wav) => wav.data_offset() + wav.frames() * wav.spec().frame_bytes(),
            Writer::Encoded(encoded) => encoded.bytes(),
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
            Writer::Encoded(encoded) => encoded.write(interleaved),
        }
    }

    /// Keeps a label for the end of the file: WAV has them behind the samples (`cue ` and `adtl`),
    /// FLAC as chapters in its comments (to a millisecond, as many as 8 KiB hold). Ogg has none:
    /// its comments stand before the sound, where there is no room for them.
    pub fn label(&mut self, label: Label) {
        match &mut self.writer {
            Writer::Wav(wav) => wav.label(label),
            Writer::Encoded(encoded) => encoded.label(label),
        }
    }

    /// How many of the labels so far the file will not hold: in WAV those beyond frame
    /// 4 294 967 295, in FLAC those behind the first that finds no room, in Ogg all.
    pub fn labels_left_out(&self) -> usize {
        match &self.writer {
            Writer::Wav(wav) => wav.labels_left_out(),
            Writer::Encoded(encoded) => encoded.labels_left_out(),
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
            Writer::Encoded(encoded) => encoded.checkpoint(),
        }
    }

    /// A [`checkpoint`](Self::checkpoint) for all frames, as no more will come: what waits for its block
    /// to be full is in the file then, so that [`finish`](Self::finish) finds room.
    ///
    /// # Errors
    /// As [`WavWriter::checkpoint`]; then go on from [`frames`](Self::frames), here with the same frames
    /// or elsewhere.
    pub fn conclude(&mut self) -> Result<(), FileError> {
        match &mut self.writer {
            Writer::Wav(wav) => wav.checkpoint(),
            Writer::Encoded(encoded) => encoded.conclude(),
        }
    }

    /// The file is to have another name in the same folder, as it has none yet: after
    /// [`AlreadyExists`](FileError::AlreadyExists) of [`checkpoint`](Self::checkpoint) it goes on
    /// under that.
    ///
    /// # Errors
    /// As [`WavWriter::rename`].
    pub fn rename(&mut self, path: impl AsRef<Path>) -> Result<(), FileError> {
        match &mut self.writer {
            Writer::Wav(wav) => wav.rename(path),
            Writer::Encoded(encoded) => encoded.rename(path.as_ref()),
        }
    }

    /// The file itself, for whoever is to hold on to it whatever becomes of its name; see
    /// [`Storage::handle`].
    pub fn handle(&self) -> Option<File> {
        match &self.writer {
            Writer::Wav(wav) => wav.handle(),
            Writer::Encoded(encoded) => encoded.handle(),
        }
    }

    /// Ends the file. Returns the frames in it.
    ///
    /// # Errors
    /// As [`WavWriter::finish`].
    pub fn finish(self) -> Result<u64, FileError> {
        match self.writer {
            Writer::Wav(wav) => wav.finish(),
            Writer::Encoded(encoded) => encoded.finish(),
        }
    }
}
