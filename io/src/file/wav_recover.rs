//! WAV files that were never closed: what is in them, and how they are closed.

use std::fs::File;
use std::io;

use super::error::FileError;
use super::positioned::read_at;
use super::storage::Storage;
use super::wav_checkpoint::{Behind, close, make_true};
use super::wav_header::{MAX_HEADER_BYTES, State, WavHeader};
use super::wav_labels::{Label, label_chunks};

/// What a file system writes at once: behind a power cut each such part of a file is what was
/// written, or zeros.
const BLOCK_BYTES: usize = 4096;

/// A WAV file with the mark of an open take.
#[derive(Debug)]
pub(super) struct OpenWav {
    header: WavHeader,
    file_bytes: u64,
    /// Bytes of sound chunks behind the samples.
    behind_bytes: u64,
}

impl OpenWav {
    /// Whether a file has the mark.
    pub(super) fn is_marked(file: &File) -> io::Result<bool> {
        Ok(header_of(file)?.is_some())
    }

    /// Looks at a marked file; nothing for any other.
    pub(super) fn look(file: &File) -> io::Result<Option<Self>> {
        let Some(header) = header_of(file)? else {
            return Ok(None);
        };
        let mut wav = Self {
            header,
            file_bytes: file.metadata()?.len(),
            behind_bytes: 0,
        };
        match wav.header.state() {
            State::Closing => wav.behind_bytes = wav.chunks_behind(file),
            State::Open => wav.file_bytes = wav.sure_bytes(file),
            State::Closed => {}
        }
        Ok(Some(wav))
    }

    /// Sample rate in hertz, as the header says.
    pub(super) fn sample_rate_hz(&self) -> u32 {
        self.header.sample_rate_hz()
    }

    /// Frames that the header tells of, and that are there.
    pub(super) fn frames_said(&self) -> u64 {
        let said = self.header.data_bytes() / self.header.frame_bytes();
        said.min(self.frames_held())
    }

    /// Whole frames that can be won.
    pub(super) fn frames_there(&self) -> u64 {
        match self.header.state() {
            State::Open => self.frames_held(),
            State::Closing | State::Closed => self.frames_said(),
        }
    }

    fn frames_held(&self) -> u64 {
        let held = self.file_bytes.saturating_sub(self.header.data_offset());
        held / self.header.frame_bytes()
    }

    /// Closes the file with all frames that are there.
    pub(super) fn finish(
        mut self,
        storage: &mut dyn Storage,
        labels: &[Label],
    ) -> Result<(), FileError> {
        let frames = self.frames_there();
        let bytes = frames * self.header.frame_bytes();
        let behind = match label_chunks(labels) {
            chunks if chunks.is_empty() => Behind::Kept(self.behind_bytes),
            chunks => Behind::Chunks(chunks),
        };
        make_true(storage, &mut self.header, bytes, false)
            .and_then(|pad| close(storage, &mut self.header, bytes, pad, &behind))
            .map_err(|error| FileError::writing(error, frames))
    }

    /// The length without blocks of zeros at the end that no header told of: in a power cut a file may
    /// have got its length before its sound. Silence that was recorded there goes with them.
    fn sure_bytes(&self, file: &File) -> u64 {
        let told = self.header.data_offset() + self.frames_said() * self.header.frame_bytes();
        let mut end = self.file_bytes;
        let mut block = [0; BLOCK_BYTES];
        while end > told {
            let begin = ((end - 1) / BLOCK_BYTES as u64 * BLOCK_BYTES as u64).max(told);
            let part = &mut block[..(end - begin) as usize];
            if !matches!(read_at(file, part, begin), Ok(read) if read == part.len())
                || part.iter().any(|byte| *byte != 0)
            {
                break;
            }
            end = begin;
        }
        end
    }

    /// Bytes of the chunks behind the samples, when they are whole up to the end of the file.
    fn chunks_behind(&self, file: &File) -> u64 {
        let bytes = self.header.data_bytes();
        let start = self.header.data_offset() + bytes + bytes % 2;
        let mut at = start;
        while at < self.file_bytes {
            let mut chunk = [0; 8];
            if !matches!(read_at(file, &mut chunk, at), Ok(8)) {
                return 0;
            }
            let [a, b, c, d, size @ ..] = chunk;
            let size = u64::from(u32::from_le_bytes(size));
            if !matches!(&[a, b, c, d], b"cue " | b"LIST") {
                return 0;
            }
            at += 8 + size + size % 2;
        }
        if at == self.file_bytes { at - start } else { 0 }
    }
}

/// The header of a file with the mark.
fn header_of(file: &File) -> io::Result<Option<WavHeader>> {
    let mut start = vec![0; 512];
    let mut length = read_at(file, &mut start, 0)?;
    let mut header = WavHeader::parse(&start[..length]);
    if header.is_none() && WavHeader::is_marked(&start[..length]) {
        start = vec![0; MAX_HEADER_BYTES];
        length = read_at(file, &mut start, 0)?;
        header = WavHeader::parse(&start[..length]);
    }
    Ok(header.filter(|header| header.state() != State::Closed))
}
