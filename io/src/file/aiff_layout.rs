//! What the chunks of an AIFF file say: where the samples are and how they are coded.
//!
//! Apple, "Audio interchange file format: AIFF 1.3" (1989) and "AIFF-C" draft (1991). What a codec
//! there needs beyond plain samples is left to symphonia.

use std::fs::File;

use super::error::FileError;
use super::pcm::Coding;
use super::positioned::read_at;
use super::wav_format::{MAX_CHANNELS, damaged};
use super::wav_layout::{Layout, MAX_CHUNKS, cut_short};
use super::wav_writer::MAX_RATE_HZ;

/// Whether this is how an AIFF file begins.
pub(super) fn is_aiff(start: &[u8]) -> bool {
    start.get(0..4) == Some(b"FORM") && matches!(start.get(8..12), Some(b"AIFF" | b"AIFC"))
}

/// Reads the chunks up to the samples.
pub(super) fn read_layout(file: &File) -> Result<Layout, FileError> {
    let file_bytes = file.metadata()?.len();
    let mut common = None;
    let mut sound = None;
    let mut offset = 12;
    for _ in 0..MAX_CHUNKS {
        let mut header = [0; 8];
        if offset >= file_bytes || read_at(file, &mut header, offset)? < 8 {
            break;
        }
        let body = offset + 8;
        let size = u64::from(u32_at(&header, 4));
        match &header[0..4] {
            b"COMM" if common.is_none() => common = Some(Common::read(file, body, size)?),
            b"SSND" if sound.is_none() => {
                let mut offset = [0; 4];
                read_at(file, &mut offset, body)?;
                sound = Some((body + 8 + u64::from(u32_at(&offset, 0)), body + size));
            }
            _ => {}
        }
        if common.is_some() && sound.is_some() {
            break;
        }
        offset = body + size + size % 2;
    }
    let common = common.ok_or_else(|| damaged("it does not say how samples are coded"))?;
    let (start, end) = sound.ok_or_else(|| damaged("it holds no samples"))?;
    let mut warnings = Vec::new();
    let frame_bytes = (common.channels * common.coding.bytes()) as u64;
    let said = end.saturating_sub(start).min(common.frames * frame_bytes);
    let held = file_bytes.saturating_sub(start);
    if said > held {
        warnings.push(cut_short(said, held));
    }
    let data_bytes = said.min(held);
    Ok(Layout {
        container: "AIFF",
        big_endian: common.big_endian,
        coding: common.coding,
        bits: common.bits,
        channels: common.channels,
        sample_rate_hz: common.sample_rate_hz,
        data_offset: start,
        data_bytes: data_bytes - data_bytes % frame_bytes,
        warnings,
    })
}

struct Common {
    channels: usize,
    frames: u64,
    bits: u16,
    sample_rate_hz: u32,
    coding: Coding,
    big_endian: bool,
}

impl Common {
    fn read(file: &File, body: u64, size: u64) -> Result<Self, FileError> {
        let mut bytes = [0; 22];
        let wanted = size.min(22) as usize;
        let length = read_at(file, &mut bytes[..wanted], body)?;
        if length < 18 {
            return Err(damaged("its common chunk is cut short"));
        }
        let channels = usize::from(u16_at(&bytes, 0));
        let bits = u16_at(&bytes, 6);
        if channels == 0 {
            return Err(damaged("it has no channels"));
        }
        if channels > MAX_CHANNELS {
            return Err(damaged(&format!("it says that it has {channels} channels")));
        }
        let rate_hz = extended(&bytes[8..18]).round();
        if !(1.0..=f64::from(MAX_RATE_HZ)).contains(&rate_hz) {
            return Err(damaged(&format!("its sample rate is {rate_hz} Hz")));
        }
        let codec = if length == 22 {
            &bytes[18..22]
        } else {
            b"NONE"
        };
        let (coding, big_endian) = match (codec, bits.div_ceil(8)) {
            (b"NONE" | b"twos" | b"sowt", 1) => (Coding::I8, true),
            (b"NONE" | b"twos" | b"sowt", 2) => (Coding::I16, codec != b"sowt"),
            (b"NONE" | b"twos" | b"sowt", 3) | (b"in24", _) => (Coding::I24, codec != b"sowt"),
            (b"NONE" | b"twos" | b"sowt", 4) | (b"in32", _) => (Coding::I32, codec != b"sowt"),
            (b"raw ", 1) => (Coding::U8, true),
            (b"fl32" | b"FL32", _) => (Coding::F32, true),
            (b"fl64" | b"FL64", _) => (Coding::F64, true),
            (b"ulaw" | b"ULAW", _) => (Coding::MuLaw, true),
            (b"alaw" | b"ALAW", _) => (Coding::ALaw, true),
            (codec, _) => {
                let name = codec.escape_ascii();
                return Err(FileError::Unsupported {
                    what: format!("AIFF with codec {name}"),
                });
            }
        };
        let stored = 8 * coding.bytes() as u16;
        Ok(Self {
            channels,
            frames: u64::from(u32_at(&bytes, 2)),
            bits: if (1..=stored).contains(&bits) {
                bits
            } else {
                stored
            },
            sample_rate_hz: rate_hz as u32,
            coding,
            big_endian,
        })
    }
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) << 16 | u32::from(u16_at(bytes, at + 2))
}

/// IEEE 754 extended precision: sign, 15 bits of exponent, 64 bits with the leading one written.
fn extended(bytes: &[u8]) -> f64 {
    let exponent = i32::from(u16_at(bytes, 0) & 0x7fff) - 16_383 - 63;
    let mantissa = u64::from(u32_at(bytes, 2)) << 32 | u64::from(u32_at(bytes, 6));
    let magnitude = mantissa as f64 * 2f64.powi(exponent);
    if bytes[0] & 0x80 == 0 {
        magnitude
    } else {
        -magnitude
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // 44100 = 1.01011000100010 (binary) x 2^15: exponent 16383 + 15, mantissa 44100 << 48.
    #[test]
    fn rates_are_extended_floats() {
        assert_eq!(
            extended(&[0x40, 0x0e, 0xac, 0x44, 0, 0, 0, 0, 0, 0]),
            44_100.0
        );
        assert_eq!(extended(&[0xbf, 0xff, 0xc0, 0, 0, 0, 0, 0, 0, 0]), -1.5);
    }
}
