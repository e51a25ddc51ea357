//! FLAC takes that were never closed: how many whole frames are there, and closing them.
//!
//! RFC 9639, section 9.1 (a frame's header), 9.3 (its sum).

use std::fs::File;
use std::io::{self, BufRead, Read};

use flac_codec::decode::FlacStreamReader;

use super::comments::chapters;
use super::error::FileError;
use super::flac_front::Front;
use super::positioned::read_at;
use super::quiet::caught;
use super::storage::{Storage, write_all_at};
use super::wav_labels::Label;

/// Bytes that are read of the front; tags have no more.
const START_BYTES: usize = 256 * 1024;
/// Bytes read at once; a frame has less.
const PIECE_BYTES: usize = 1 << 20;
/// Most bytes of a frame's header.
const MAX_HEADER_BYTES: usize = 16;

/// A FLAC file with the mark of an open take.
#[derive(Debug)]
pub(super) struct OpenFlac {
    front: Front,
    /// Whole frames of sound, and where they end in the file.
    frames: u64,
    end: u64,
}

impl OpenFlac {
    /// Whether a file has the mark.
    pub(super) fn is_marked(file: &File) -> bool {
        let mut start = [0; 128];
        read_at(file, &mut start, 0).is_ok_and(|length| Front::is_open(&start[..length]))
    }

    /// Goes through a marked file; nothing for any other, or one that cannot be read.
    pub(super) fn look(file: &File) -> Option<Self> {
        if !Self::is_marked(file) {
            return None;
        }
        let mut start = vec![0; START_BYTES];
        let length = read_at(file, &mut start, 0).ok()?;
        let front = Front::parse(&start[..length])?;
        let (frames, end) = whole_frames(file, &front).ok()?;
        Some(Self { front, frames, end })
    }

    /// Sample rate in hertz.
    pub(super) fn sample_rate_hz(&self) -> u32 {
        self.front.info.sample_rate_hz
    }

    /// Frames that the header tells of, and that are there.
    pub(super) fn frames_said(&self) -> u64 {
        self.front.info.frames.min(self.frames)
    }

    /// Whole frames that are there.
    pub(super) fn frames_there(&self) -> u64 {
        self.frames
    }

    /// Closes the file with all frames that are there.
    pub(super) fn finish(
        mut self,
        storage: &mut dyn Storage,
        labels: &[Label],
    ) -> Result<(), FileError> {
        self.front.info.frames = self.frames;
        let chapters = chapters(labels, self.sample_rate_hz());
        let closed = self.front.closed(&chapters);
        storage
            .set_len(self.end)
            .and_then(|()| storage.sync())
            .and_then(|()| write_all_at(storage, &closed, 0).1)
            .and_then(|()| storage.sync())
            .map_err(|error| FileError::writing(error, self.frames))
    }
}

/// Counts the whole frames behind the front, and says where they end. A frame is whole when the
/// next one begins where its sum is right; the last one is decoded.
fn whole_frames(file: &File, front: &Front) -> io::Result<(u64, u64)> {
    let mut bytes = Vec::new();
    let mut read = front.len() as u64;
    let (mut at, mut frames, mut number) = (read, 0, 0);
    loop {
        let base = read - bytes.len() as u64;
        bytes.drain(..(at - base) as usize);
        let held = bytes.len();
        bytes.resize(held + PIECE_BYTES, 0);
        let more = read_at(file, &mut bytes[held..], read)?;
        bytes.truncate(held + more);
        read += more as u64;
        let mut piece = &bytes[..];
        while let Some((length, header)) = frame(piece, number) {
            at += length as u64;
            frames += header.block_frames as u64;
            number += 1;
            piece = &piece[length..];
        }
        let found = piece.len() < bytes.len();
        if more == 0 || !found && bytes.len() > 4 * PIECE_BYTES {
            let rest = piece.to_vec();
            if let (Some(header), Some(length)) = (header(&rest, number), decoded_bytes(&rest)) {
                at += length as u64;
                frames += header.block_frames as u64;
            }
            return Ok((frames, at));
        }
    }
}

/// The frame of this number at the start, if the next one follows it.
fn frame(bytes: &[u8], number: u64) -> Option<(usize, Header)> {
    let header = header(bytes, number)?;
    let mut sum = 0u16;
    for (place, &byte) in bytes.iter().enumerate() {
        if sum == 0
            && place > header.bytes
            && byte == 0xff
            && bytes.len() - place >= MAX_HEADER_BYTES
            && self::header(&bytes[place..], number + 1).is_some()
        {
            return Some((place, header));
        }
        sum = sum << 8 ^ SUM_16[usize::from((sum >> 8) as u8 ^ byte)];
    }
    None
}

/// Bytes of the frame at the start, if it can be decoded.
fn decoded_bytes(bytes: &[u8]) -> Option<usize> {
    let mut counted = Counted { bytes, read: 0 };
    caught(|| FlacStreamReader::new(&mut counted).read().is_ok())
        .unwrap_or(false)
        .then_some(counted.read)
}

/// Bytes, and how many of them were read.
struct Counted<'a> {
    bytes: &'a [u8],
    read: usize,
}

impl Read for Counted<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(out)?;
        self.read += count;
        Ok(count)
    }
}

impl BufRead for Counted<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        Ok(self.bytes)
    }

    fn consume(&mut self, count: usize) {
        self.bytes.consume(count);
        self.read += count;
    }
}

/// What is needed of a frame's header.
#[derive(Clone, Copy, Debug)]
struct Header {
    bytes: usize,
    block_frames: usize,
}

/// The header of the frame of this number; nothing if it is another or its sum is wrong.
fn header(bytes: &[u8], number: u64) -> Option<Header> {
    let &[0xff, 0xf8, sizes, _] = bytes.first_chunk()? else {
        return None;
    };
    let (found, number_bytes) = coded_number(bytes.get(4..)?)?;
    let mut end = 4 + number_bytes;
    let block_frames = match sizes >> 4 {
        1 => 192,
        code @ 2..=5 => 576 << (code - 2),
        6 => {
            end += 1;
            usize::from(*bytes.get(end - 1)?) + 1
        }
        7 => {
            end += 2;
            usize::from(u16::from_be_bytes(*bytes.get(end - 2..)?.first_chunk()?)) + 1
        }
        code @ 8.. => 256 << (code - 8),
        0 => return None,
    };
    end += match sizes & 15 {
        12 => 1,
        13 | 14 => 2,
        _ => 0,
    };
    let sum = bytes.get(..end)?.iter().fold(0, |sum: u8, &byte| {
        (0..8).fold(sum ^ byte, |sum, _| {
            sum << 1 ^ if sum & 0x80 == 0 { 0 } else { 0x07 }
        })
    });
    (found == number && sum == *bytes.get(end)?).then_some(Header {
        bytes: end + 1,
        block_frames,
    })
}

/// A number coded as UTF-8 codes characters, up to 36 bits; and its bytes.
fn coded_number(bytes: &[u8]) -> Option<(u64, usize)> {
    let &first = bytes.first()?;
    let length = match first.leading_ones() as usize {
        0 => return Some((u64::from(first), 1)),
        length @ 2..=7 => length,
        _ => return None,
    };
    let high = u64::from(first) & ((1 << (7 - length)) - 1);
    let rest = bytes.get(1..length)?;
    let number = rest.iter().try_fold(high, |number, &byte| {
        (byte & 0xc0 == 0x80).then_some(number << 6 | u64::from(byte & 0x3f))
    })?;
    Some((number, length))
}

/// The sums of one byte: CRC-16 with the polynomial 0x8005, from the highest bit on.
const SUM_16: [u16; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut value = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            value = value << 1 ^ if value >> 15 == 1 { 0x8005 } else { 0 };
            bit += 1;
        }
        table[byte] = value;
        byte += 1;
    }
    table
};
