//! What the format chunk of a WAV or W64 file says: how the samples are coded.
//!
//! Microsoft and IBM, "Multimedia programming interface and data specifications 1.0" (1991),
//! chapter 3; Microsoft, "Multiple channel audio data and WAVE files" (2001). Where the fields
//! contradict each other the number of bits decides: that is what libsndfile reads by, and so what
//! such files were tried with.

use super::error::FileError;
use super::pcm::Coding;
use super::wav_writer::MAX_RATE_HZ;

/// More channels than any instrument has are a sign of garbage.
pub(super) const MAX_CHANNELS: usize = 1024;

/// How the samples are coded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    pub coding: Coding,
    /// Bits that carry sound, as the file says.
    pub bits: u16,
    pub channels: usize,
    pub sample_rate_hz: u32,
    pub frame: Frame,
}

/// How the bytes of a frame and the bits of a sample go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// As they should.
    Plain,
    /// The file counts so many bytes to a frame, which its samples do not have.
    Stated(usize),
    /// 24 bits in samples of 4 bytes: what is in the bytes must tell where the bits are.
    Ambiguous,
}

/// Numbers of a file in its byte order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub big_endian: bool,
}

impl Order {
    fn u16(self, bytes: &[u8], at: usize) -> u16 {
        match (bytes.get(at..).and_then(<[u8]>::first_chunk), self) {
            (Some(&pair), Self { big_endian: true }) => u16::from_be_bytes(pair),
            (Some(&pair), _) => u16::from_le_bytes(pair),
            (None, _) => 0,
        }
    }

    pub(super) fn u32(self, bytes: &[u8], at: usize) -> u32 {
        match (bytes.get(at..).and_then(<[u8]>::first_chunk), self) {
            (Some(&four), Self { big_endian: true }) => u32::from_be_bytes(four),
            (Some(&four), _) => u32::from_le_bytes(four),
            (None, _) => 0,
        }
    }
}

/// Reads the body of a format chunk; what is behind the 40th byte is of no use.
pub(super) fn read_format(bytes: &[u8], order: Order) -> Result<Format, FileError> {
    if bytes.len() < 16 {
        return Err(damaged("its format chunk is cut short"));
    }
    let extensible = order.u16(bytes, 0) == 0xfffe && bytes.len() >= 28;
    let tag = match extensible {
        true => order.u32(bytes, 24),
        false => u32::from(order.u16(bytes, 0)),
    };
    let channels = usize::from(order.u16(bytes, 2));
    let sample_rate_hz = order.u32(bytes, 4);
    let frame_bytes = usize::from(order.u16(bytes, 12));
    let bits = order.u16(bytes, 14);
    if channels == 0 {
        return Err(damaged("it has no channels"));
    }
    if channels > MAX_CHANNELS {
        return Err(damaged(&format!("it says that it has {channels} channels")));
    }
    if !(1..=MAX_RATE_HZ).contains(&sample_rate_hz) {
        return Err(damaged(&format!("its sample rate is {sample_rate_hz} Hz")));
    }
    let sample_bytes = match usize::from(bits).div_ceil(8) {
        0 => frame_bytes / channels,
        bytes => bytes,
    };
    let coding = coding(tag, sample_bytes)?;
    let stored = 8 * coding.bytes() as u16;
    let valid = if extensible && order.u16(bytes, 18) != 0 {
        order.u16(bytes, 18)
    } else {
        bits
    };
    let frame = match frame_bytes {
        0 => Frame::Plain,
        stated if stated == channels * coding.bytes() => Frame::Plain,
        stated if tag == 1 && bits == 24 && stated == 4 * channels => Frame::Ambiguous,
        stated => Frame::Stated(stated),
    };
    Ok(Format {
        coding,
        bits: if (1..=stored).contains(&valid) {
            valid
        } else {
            stored
        },
        channels,
        sample_rate_hz,
        frame,
    })
}

/// The coding of a format tag (RFC 2361; 0x101 and 0x102 are IBM's of the two laws).
fn coding(tag: u32, sample_bytes: usize) -> Result<Coding, FileError> {
    match (tag, sample_bytes) {
        (1, 1) => Ok(Coding::U8),
        (1, 2) => Ok(Coding::I16),
        (1, 3) => Ok(Coding::I24),
        (1, 4) => Ok(Coding::I32),
        (1, 5) => Ok(Coding::I40),
        (1, 6) => Ok(Coding::I48),
        (1, 7) => Ok(Coding::I56),
        (1, 8) => Ok(Coding::I64),
        (3, 4) => Ok(Coding::F32),
        (3, 8) => Ok(Coding::F64),
        (6 | 0x102, _) => Ok(Coding::ALaw),
        (7 | 0x101, _) => Ok(Coding::MuLaw),
        (1 | 3, _) => Err(FileError::Unsupported {
            what: format!("WAV with samples of {sample_bytes} bytes"),
        }),
        _ => Err(FileError::Unsupported {
            what: format!("WAV with codec {tag:#06x}"),
        }),
    }
}

pub(super) fn damaged(what: &str) -> FileError {
    FileError::Damaged {
        what: what.to_owned(),
    }
}

/// Bytes that are looked at to tell where the 24 bits of a 4-byte sample are; in less it cannot be
/// told.
pub(super) const TELLING_BYTES: usize = 256;

/// Decides about [`Frame::Ambiguous`] by the first samples. Up to three kinds of program wrote such
/// files: with the bits in the low bytes (ALSA's S24_LE), in the high bytes, or with samples of
/// three bytes and a wrong size of a frame.
pub(super) fn tell_apart(sound: &[u8], order: Order) -> Coding {
    let (samples, _) = sound.as_chunks::<4>();
    if sound.len() < TELLING_BYTES {
        return Coding::I24;
    }
    let ends = |&[a, b, c, d]: &[u8; 4]| match order.big_endian {
        true => (d, b, a),
        false => (a, c, d),
    };
    let low = samples.iter().map(ends).all(|(_, third, top)| {
        let sign = if third & 0x80 == 0 { 0 } else { 0xff };
        top == 0 || top == sign
    });
    if low {
        Coding::I24In32
    } else if samples.iter().map(ends).all(|(lowest, _, _)| lowest == 0) {
        Coding::I32
    } else {
        Coding::I24
    }
}
