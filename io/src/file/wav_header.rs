//! The header of the WAV files that are written here: one block of bytes, always of the same
//! length, as RIFF or, past 4 GiB, as RF64.
//!
//! RF64: EBU Tech 3306 (2009), section 3: a `JUNK` chunk of 28 bytes right after the form's name
//! holds the place of the `ds64` chunk with the 64-bit sizes.

use super::wav_writer::WavSpec;
use crate::sample::SampleFormat;

/// The size that says "not known", in RIFF before the first checkpoint, and "see ds64" in RF64.
const UNKNOWN: u32 = u32::MAX;

/// What the sizes in a header shall say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    /// Not known yet: a reader goes to the end of the file.
    Open,
    /// This many bytes of samples.
    Bytes(u64),
}

/// Bytes before the first sample.
pub(super) fn header_bytes(spec: &WavSpec) -> u64 {
    build(spec, Length::Open).len() as u64
}

/// The whole header.
pub(super) fn build(spec: &WavSpec, length: Length) -> Vec<u8> {
    let mut header = Vec::with_capacity(128);
    header.extend_from_slice(b"RIFF\0\0\0\0WAVEJUNK");
    header.extend_from_slice(&28u32.to_le_bytes());
    header.extend_from_slice(&[0; 28]);
    format_chunk(spec, &mut header);
    let fact = spec.format == SampleFormat::F32;
    if fact {
        header.extend_from_slice(b"fact\x04\0\0\0\0\0\0\0");
    }
    header.extend_from_slice(b"data\0\0\0\0");
    fill_in_sizes(spec, length, fact, &mut header);
    header
}

/// Microsoft, "Multiple channel audio data and WAVE files": the extensible form is for more than
/// two channels or more than 16 bits of integers.
fn format_chunk(spec: &WavSpec, header: &mut Vec<u8>) {
    let float = spec.format == SampleFormat::F32;
    let tag: u16 = if float { 3 } else { 1 };
    let extensible = spec.channels > 2 || (!float && spec.format.bits() > 16);
    let frame_bytes = spec.frame_bytes();
    header.extend_from_slice(b"fmt ");
    header.extend_from_slice(&if extensible { 40u32 } else { 16 }.to_le_bytes());
    header.extend_from_slice(&if extensible { 0xfffe } else { tag }.to_le_bytes());
    header.extend_from_slice(&(spec.channels as u16).to_le_bytes());
    header.extend_from_slice(&spec.sample_rate_hz.to_le_bytes());
    let bytes_per_second = u64::from(spec.sample_rate_hz) * frame_bytes;
    header.extend_from_slice(
        &u32::try_from(bytes_per_second)
            .unwrap_or(UNKNOWN)
            .to_le_bytes(),
    );
    header.extend_from_slice(&(frame_bytes as u16).to_le_bytes());
    header.extend_from_slice(&spec.format.bits().to_le_bytes());
    if extensible {
        header.extend_from_slice(&22u16.to_le_bytes());
        header.extend_from_slice(&spec.format.bits().to_le_bytes());
        header.extend_from_slice(&speakers(spec.channels).to_le_bytes());
        header.extend_from_slice(&tag.to_le_bytes());
        header.extend_from_slice(b"\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71");
    }
}

/// Speaker mask: centre for one channel, left and right for two, none (plain channels) for more.
fn speakers(channels: usize) -> u32 {
    match channels {
        1 => 0x4,
        2 => 0x3,
        _ => 0,
    }
}

fn fill_in_sizes(spec: &WavSpec, length: Length, fact: bool, header: &mut [u8]) {
    let end = header.len();
    let (riff_size, data_size, frames) = match length {
        Length::Open => (UNKNOWN, UNKNOWN, UNKNOWN),
        Length::Bytes(bytes) => {
            let frames = bytes / spec.frame_bytes();
            let riff_bytes = end as u64 - 8 + bytes + bytes % 2;
            match u32::try_from(riff_bytes) {
                // All ones is kept for "not known".
                Ok(riff_size) if riff_size < UNKNOWN => (riff_size, bytes as u32, frames as u32),
                _ => {
                    header[0..4].copy_from_slice(b"RF64");
                    header[12..16].copy_from_slice(b"ds64");
                    header[20..28].copy_from_slice(&riff_bytes.to_le_bytes());
                    header[28..36].copy_from_slice(&bytes.to_le_bytes());
                    header[36..44].copy_from_slice(&frames.to_le_bytes());
                    (UNKNOWN, UNKNOWN, UNKNOWN)
                }
            }
        }
    };
    header[4..8].copy_from_slice(&riff_size.to_le_bytes());
    header[end - 4..].copy_from_slice(&data_size.to_le_bytes());
    if fact {
        header[end - 12..end - 8].copy_from_slice(&frames.to_le_bytes());
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::FileExt;

    use super::*;
    use crate::file::WavReader;

    const SPEC: WavSpec = WavSpec {
        sample_rate_hz: 48_000,
        channels: 1,
        format: SampleFormat::I16,
    };

    /// A sparse file of the given number of bytes of samples, the last two of them known.
    fn sparse(bytes: u64) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let header = build(&SPEC, Length::Bytes(bytes));
        file.as_file().write_all_at(&header, 0).expect("room");
        let end = header.len() as u64 + bytes;
        file.as_file()
            .write_all_at(&[0, 0x40], end - 2)
            .expect("room");
        file
    }

    // RIFF counts what follows its size; the header's last size but all ones is still RIFF.
    #[test]
    fn a_file_becomes_rf64_where_32_bits_end_and_stays_true() {
        let header = header_bytes(&SPEC);
        let last_riff = u64::from(u32::MAX) - 1 - (header - 8);
        assert_eq!(last_riff % 2, 0);
        for (bytes, container) in [
            (last_riff, "WAV"),
            (last_riff + 2, "RF64 WAV"),
            (9_000_000_002, "RF64 WAV"),
        ] {
            let file = sparse(bytes);
            let mut reader = WavReader::open(file.path()).expect("a sound header");
            assert_eq!(reader.info().container, container, "{bytes} bytes");
            assert_eq!(reader.info().warnings, [""; 0], "{bytes} bytes");
            assert_eq!(reader.frames(), bytes / 2);
            let mut last = [0.0f32; 2];
            assert_eq!(
                reader.read_at(bytes / 2 - 1, &mut last).expect("readable"),
                1
            );
            assert_eq!(last[0], 0.5);
        }
    }

    #[test]
    fn every_header_of_a_format_has_one_length() {
        for channels in [1, 2, 8] {
            for format in SampleFormat::ALL {
                let spec = WavSpec {
                    channels,
                    format,
                    ..SPEC
                };
                let lengths = [0, 1 << 20, 1 << 33].map(Length::Bytes);
                for length in lengths.into_iter().chain([Length::Open]) {
                    assert_eq!(build(&spec, length).len() as u64, header_bytes(&spec));
                }
            }
        }
    }

    #[test]
    fn a_header_of_before_4_gib_was_passed_is_seen_through() {
        let file = sparse((1 << 32) + 4000);
        let wrapped = build(&SPEC, Length::Bytes(4000));
        File::write_all_at(file.as_file(), &wrapped, 0).expect("room");
        let reader = WavReader::open(file.path()).expect("a sound header");
        assert_eq!(reader.frames(), (1 << 31) + 2000);
        assert_eq!(reader.info().warnings.len(), 1);
    }
}
