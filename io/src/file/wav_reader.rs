//! A WAV reader: any range of frames at once, by positioned reads.

use std::fs::File;
use std::path::Path;

use super::audio_file::{FileInfo, open_regular};
use super::error::FileError;
use super::positioned::read_at;
use super::wav_layout::{Layout, read_layout};
use crate::sample::Sample;

/// Bytes read at once: enough to make a system call cheap, small enough to stay in the cache until
/// they are decoded.
const PIECE_BYTES: usize = 64 * 1024;

/// Reads WAV files: RIFF, RIFX, RF64 and BW64; integers of 1 to 64 bits, floats of 32 and 64 bits,
/// mu-law and A-law.
///
/// Tolerant: a length of 0, of all ones, or of more than the file holds means "to the end of the
/// file", with a warning in [`info`](Self::info). A file that still grows can be read as well
/// ([`extend_to_end`](Self::extend_to_end)).
#[derive(Debug)]
pub struct WavReader {
    file: File,
    layout: Layout,
    info: FileInfo,
    frames: u64,
    position: u64,
    scratch: Vec<u8>,
}

impl WavReader {
    /// Opens a WAV file.
    ///
    /// # Errors
    /// [`NotFound`](FileError::NotFound), [`PermissionDenied`](FileError::PermissionDenied),
    /// [`NotAFile`](FileError::NotAFile), [`Empty`](FileError::Empty),
    /// [`NotAudio`](FileError::NotAudio) for anything but WAV,
    /// [`Unsupported`](FileError::Unsupported), [`Damaged`](FileError::Damaged),
    /// [`Io`](FileError::Io).
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FileError> {
        Self::new(open_regular(path.as_ref())?)
    }

    pub(super) fn new(file: File) -> Result<Self, FileError> {
        let layout = read_layout(&file)?;
        Ok(Self::with_layout(file, layout))
    }

    /// Reads plain samples, in whatever container they are.
    pub(super) fn with_layout(file: File, layout: Layout) -> Self {
        let frame_bytes = layout.frame_bytes();
        let frames = layout.data_bytes / frame_bytes as u64;
        let info = FileInfo {
            container: layout.container.to_owned(),
            codec: layout.coding.name().to_owned(),
            sample_rate_hz: layout.sample_rate_hz,
            channels: layout.channels,
            frames: Some(frames),
            bits: Some(layout.bits),
            warnings: layout.warnings.clone(),
        };
        let piece_bytes = PIECE_BYTES.max(frame_bytes);
        let scratch = vec![0; piece_bytes - piece_bytes % frame_bytes];
        Self {
            file,
            layout,
            info,
            frames,
            position: 0,
            scratch,
        }
    }

    /// What the file holds.
    pub fn info(&self) -> &FileInfo {
        &self.info
    }

    /// Frames of the file.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Frame that is read next.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Place in the file of the first sample's first byte.
    pub fn data_offset(&self) -> u64 {
        self.layout.data_offset
    }

    /// Takes all whole frames that the file now holds, whatever its header says: for a file that is
    /// being written, where nothing follows the samples. Returns the frames.
    ///
    /// # Errors
    /// [`Io`](FileError::Io).
    pub fn extend_to_end(&mut self) -> Result<u64, FileError> {
        let bytes = self
            .file
            .metadata()?
            .len()
            .saturating_sub(self.layout.data_offset);
        self.frames = bytes / self.layout.frame_bytes() as u64;
        self.info.frames = Some(self.frames);
        Ok(self.frames)
    }

    /// Moves to a frame; the end itself is allowed.
    ///
    /// # Errors
    /// [`BeyondEnd`](FileError::BeyondEnd); the position then stays.
    pub fn seek(&mut self, frame: u64) -> Result<(), FileError> {
        if frame > self.frames {
            return Err(FileError::BeyondEnd {
                asked: frame,
                frames: self.frames,
            });
        }
        self.position = frame;
        Ok(())
    }

    /// Reads from the position on, interleaved, and moves it. Returns the frames read: as many as
    /// `out` holds, less at the end of the file, 0 behind it.
    ///
    /// # Errors
    /// As [`read_at`](Self::read_at).
    pub fn read<S: Sample>(&mut self, out: &mut [S]) -> Result<usize, FileError> {
        let frames = self.read_at(self.position, out)?;
        self.position += frames as u64;
        Ok(frames)
    }

    /// Reads from any frame on, interleaved, without moving the position. Returns the frames read:
    /// as many as `out` holds, less at the end of the file, 0 behind it.
    ///
    /// # Errors
    /// [`TornFrame`](FileError::TornFrame) if `out` does not hold whole frames,
    /// [`Io`](FileError::Io).
    ///
    /// # Real-time
    /// Not safe: system calls, may wait for the disk.
    pub fn read_at<S: Sample>(&mut self, frame: u64, out: &mut [S]) -> Result<usize, FileError> {
        let channels = self.layout.channels;
        if !out.len().is_multiple_of(channels) {
            return Err(FileError::TornFrame {
                samples: out.len(),
                channels,
            });
        }
        let left = self.frames.saturating_sub(frame);
        let frames = ((out.len() / channels) as u64).min(left) as usize;
        if frames == 0 {
            return Ok(0); // The place itself may be beyond all numbers.
        }
        let frame_bytes = self.layout.frame_bytes();
        let piece_frames = self.scratch.len() / frame_bytes;
        let mut offset = self.layout.data_offset + frame * frame_bytes as u64;
        let mut done = 0;
        while done < frames {
            let now = piece_frames.min(frames - done);
            let bytes = &mut self.scratch[..now * frame_bytes];
            let got = read_at(&self.file, bytes, offset)? / frame_bytes;
            let samples = &mut out[done * channels..(done + got) * channels];
            self.layout
                .coding
                .decode(self.layout.big_endian, bytes, samples);
            done += got;
            offset += (got * frame_bytes) as u64;
            if got < now {
                break; // The file shrank since it was opened.
            }
        }
        Ok(done)
    }
}
