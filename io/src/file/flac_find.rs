//! Finds the frames of a FLAC file among its bytes.
//!
//! RFC 9639, section 9.1 (a frame's header), 9.3 (its sum).

use std::io::{self, BufRead, Read};

use flac_codec::decode::FlacStreamReader;

use super::flac_front::StreamInfo;
use super::quiet::caught;

/// Most bytes of a frame's header.
const MAX_HEADER_BYTES: usize = 16;

/// Most bytes of a frame: its samples as they are, and more than what stands around them.
pub(super) fn most_frame_bytes(info: &StreamInfo) -> usize {
    let sample_bits = info.bits as usize + 1;
    let channel = (info.block_frames * sample_bits).div_ceil(8) + 16;
    info.channels * channel + MAX_HEADER_BYTES + 2
}

/// What is needed of a frame's header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    /// Which frame it is, from 0.
    pub number: u64,
    /// Frames of sound in it.
    pub block_frames: usize,
    bytes: usize,
}

impl Header {
    /// The header that these bytes begin with; nothing if its sum is wrong.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let &[0xff, 0xf8, sizes, _] = bytes.first_chunk()? else {
            return None;
        };
        let (number, number_bytes) = coded_number(bytes.get(4..)?)?;
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
        (sum == *bytes.get(end)?).then_some(Self {
            number,
            block_frames,
            bytes: end + 1,
        })
    }

    /// Bytes of the frame that has this header at its start, if it is whole: the next one begins
    /// where its sum is right, or it can be decoded. It has `most` at most.
    pub(super) fn whole(&self, bytes: &[u8], most: usize) -> Option<usize> {
        let mut sum = 0u16;
        for (place, &byte) in bytes.iter().enumerate().take(most + 1) {
            if sum == 0
                && place > self.bytes
                && byte == 0xff
                && Self::parse(&bytes[place..]).is_some_and(|next| next.number == self.number + 1)
            {
                return Some(place);
            }
            sum = sum << 8 ^ SUM_16[usize::from((sum >> 8) as u8 ^ byte)];
        }
        decoded_bytes(bytes)
    }
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
