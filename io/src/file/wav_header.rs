//! The header of the WAV files that are written here: one block of bytes, always of the same
//! length, as RIFF or, past 4 GiB, as RF64.
//!
//! What changes while a take grows stands in the first sector of 512 bytes, and is written at once,
//! so that it is never torn; but for the size in front of the samples where tags come before it,
//! which has a sector of its own.
//!
//! RF64: EBU Tech 3306 (2009), section 3: a `JUNK` chunk of 28 bytes right after the form's name
//! holds the place of the `ds64` chunk with the 64-bit sizes.

use super::wav_tags::{Tags, push_chunk};
use super::wav_writer::WavSpec;
use crate::sample::SampleFormat;

/// What a disk writes whole or not at all.
const SECTOR_BYTES: usize = 512;
/// The size that says "see ds64" in RF64.
const SEE_DS64: u32 = u32::MAX;
/// Place of the `ds64` chunk's sizes.
const LONG_SIZES: usize = 20;
/// What the mark of a take that is not closed says, in a `JUNK` chunk of its own.
const MARK_OPEN: &[u8; 16] = b"ossicle take: 1\n";
/// What it says while the end is written: nothing behind the samples is sound.
const MARK_CLOSING: &[u8; 16] = b"ossicle take: 2\n";
/// What is left of it in a closed file.
const MARK_CLOSED: &[u8; 16] = &[0; 16];
/// More header than any tag makes is a sign of garbage.
pub(super) const MAX_HEADER_BYTES: usize = 1 << 20;

/// Whether the file is being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It grows: whole frames may stand behind those that the sizes tell of.
    Open,
    /// All its frames are told of; what follows them is not sound.
    Closing,
    /// It is done.
    Closed,
}

/// A header, ready to be written.
#[derive(Clone, Debug)]
pub(super) struct WavHeader {
    bytes: Vec<u8>,
    frame_bytes: u64,
    sample_rate_hz: u32,
    /// Place of the number of frames, where there is one.
    fact: Option<usize>,
    /// Place of the mark.
    mark: usize,
}

impl WavHeader {
    /// A header for an open file without a frame.
    pub(super) fn new(spec: &WavSpec, tags: &Tags) -> Self {
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(b"RIFF\0\0\0\0WAVE");
        push_chunk(b"JUNK", &[0; 28], &mut bytes);
        push_chunk(b"fmt ", &format_body(spec, tags.channel_mask), &mut bytes);
        let mut fact = None;
        if spec.format == SampleFormat::F32 {
            push_chunk(b"fact", &[0; 4], &mut bytes);
            fact = Some(bytes.len() - 4);
        }
        push_chunk(b"JUNK", MARK_OPEN, &mut bytes);
        let mark = bytes.len() - MARK_OPEN.len();
        let chunks = tags.chunks(spec);
        if !chunks.is_empty() {
            bytes.extend_from_slice(&chunks);
            // The size before the samples ends a sector, and the samples begin one.
            let filler = SECTOR_BYTES - (bytes.len() + 16) % SECTOR_BYTES;
            push_chunk(b"JUNK", &vec![0; filler], &mut bytes);
        }
        bytes.extend_from_slice(b"data\0\0\0\0");
        let mut header = Self {
            bytes,
            frame_bytes: spec.frame_bytes(),
            sample_rate_hz: spec.sample_rate_hz,
            fact,
            mark,
        };
        header.set(0, 0, State::Open);
        header
    }

    /// Finds its own kind at the start of a file: a header with one mark, up to the samples.
    pub(super) fn parse(start: &[u8]) -> Option<Self> {
        let word = |at: usize| Some(u32::from_le_bytes(start.get(at..at + 4)?.try_into().ok()?));
        let form = start.get(0..4)?;
        if !matches!(form, b"RIFF" | b"RF64") || start.get(8..12)? != b"WAVE" {
            return None;
        }
        let (mut format, mut fact, mut mark) = (None, None, None);
        let mut at = 12;
        loop {
            let (name, size, body) = (start.get(at..at + 4)?, word(at + 4)? as usize, at + 8);
            match name {
                b"fmt " if size >= 16 => format = Some(body),
                b"fact" if size == 4 && body + 4 <= SECTOR_BYTES => fact = Some(body),
                b"JUNK"
                    if body + size <= SECTOR_BYTES && is_mark(start.get(body..body + size)?) =>
                {
                    // Two marks are not ours: only one of them would be closed.
                    mark = match mark {
                        None => Some(body),
                        Some(_) => return None,
                    };
                }
                b"data" => {
                    let (format, mark) = (format?, mark?);
                    let long = start.get(12..20)?;
                    let sound = long == b"JUNK\x1c\0\0\0" || long == b"ds64\x1c\0\0\0";
                    let frame_bytes = u64::from(word(format + 12)? & 0xffff);
                    return (sound && frame_bytes > 0).then_some(Self {
                        bytes: start[..body].to_vec(),
                        frame_bytes,
                        sample_rate_hz: word(format + 4)?,
                        fact,
                        mark,
                    });
                }
                _ => {}
            }
            at = body.checked_add(size + size % 2)?;
        }
    }

    /// Whether a first sector has a mark.
    pub(super) fn is_marked(sector: &[u8]) -> bool {
        sector.windows(MARK_OPEN.len()).any(is_mark)
    }

    /// Sample rate in hertz.
    pub(super) fn sample_rate_hz(&self) -> u32 {
        self.sample_rate_hz
    }

    /// Bytes of samples that it tells of.
    pub(super) fn data_bytes(&self) -> u64 {
        let eight = self.bytes[LONG_SIZES + 8..LONG_SIZES + 16].try_into();
        let four = self.bytes[self.bytes.len() - 4..].try_into();
        let (long, short) = (
            eight.map_or(0, u64::from_le_bytes),
            four.map_or(0, u32::from_le_bytes),
        );
        // In RF64 the long one is the newer.
        match &self.bytes[0..4] {
            b"RF64" => long,
            _ => u64::from(short),
        }
    }

    /// How the file stands.
    pub(super) fn state(&self) -> State {
        let mark = &self.bytes[self.mark..self.mark + MARK_OPEN.len()];
        match mark {
            _ if mark == MARK_OPEN => State::Open,
            _ if mark == MARK_CLOSING => State::Closing,
            _ => State::Closed,
        }
    }

    /// Bytes before the first sample.
    pub(super) fn data_offset(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Bytes of a frame.
    pub(super) fn frame_bytes(&self) -> u64 {
        self.frame_bytes
    }

    /// The whole header.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The part that changes most, to be written first and at once.
    pub(super) fn front(&self) -> &[u8] {
        &self.bytes[..self.bytes.len().min(SECTOR_BYTES)]
    }

    /// The size in front of the samples and its place, where it is in another sector. To be written
    /// when the rest is on the disk: readers refuse a chunk that is longer than the whole.
    pub(super) fn back(&self) -> Option<(&[u8], u64)> {
        let at = self.bytes.len() - 4;
        (at >= SECTOR_BYTES).then(|| (&self.bytes[at..], at as u64))
    }

    /// Says how many bytes of samples there are, how many bytes follow them, and how the file
    /// stands.
    pub(super) fn set(&mut self, data_bytes: u64, behind_bytes: u64, state: State) {
        let end = self.bytes.len();
        let frames = data_bytes / self.frame_bytes;
        let riff_bytes = end as u64 - 8 + data_bytes + behind_bytes;
        let small = u32::try_from(riff_bytes).ok();
        let long = &mut self.bytes[..LONG_SIZES + 28];
        let (riff_size, data_size, fact) = match small.filter(|&size| size < SEE_DS64) {
            Some(size) => {
                long[0..4].copy_from_slice(b"RIFF");
                long[12..16].copy_from_slice(b"JUNK");
                long[LONG_SIZES..].fill(0);
                (size, data_bytes as u32, frames as u32)
            }
            None => {
                long[0..4].copy_from_slice(b"RF64");
                long[12..16].copy_from_slice(b"ds64");
                for (place, value) in [riff_bytes, data_bytes, frames].into_iter().enumerate() {
                    let at = LONG_SIZES + 8 * place;
                    long[at..at + 8].copy_from_slice(&value.to_le_bytes());
                }
                (SEE_DS64, SEE_DS64, SEE_DS64)
            }
        };
        self.put(4, &riff_size.to_le_bytes());
        self.put(end - 4, &data_size.to_le_bytes());
        if let Some(at) = self.fact {
            self.put(at, &fact.to_le_bytes());
        }
        let mark = match state {
            State::Open => MARK_OPEN,
            State::Closing => MARK_CLOSING,
            State::Closed => MARK_CLOSED,
        };
        self.put(self.mark, mark);
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }
}

fn is_mark(body: &[u8]) -> bool {
    body == MARK_OPEN || body == MARK_CLOSING
}

/// Microsoft, "Multiple channel audio data and WAVE files": the extensible form is for more than
/// two channels, more than 16 bits of integers, or channels that go to other loudspeakers than
/// usual.
fn format_body(spec: &WavSpec, mask: Option<u32>) -> Vec<u8> {
    let float = spec.format == SampleFormat::F32;
    let tag: u16 = if float { 3 } else { 1 };
    let usual = usual_mask(spec.channels);
    let mask = mask.unwrap_or(usual);
    let extensible = spec.channels > 2 || (!float && spec.format.bits() > 16) || mask != usual;
    let frame_bytes = spec.frame_bytes();
    let bytes_per_second = u64::from(spec.sample_rate_hz) * frame_bytes;
    let bytes_per_second = u32::try_from(bytes_per_second).unwrap_or(u32::MAX);
    let mut body = Vec::with_capacity(40);
    body.extend_from_slice(&if extensible { 0xfffe } else { tag }.to_le_bytes());
    body.extend_from_slice(&(spec.channels as u16).to_le_bytes());
    body.extend_from_slice(&spec.sample_rate_hz.to_le_bytes());
    body.extend_from_slice(&bytes_per_second.to_le_bytes());
    body.extend_from_slice(&(frame_bytes as u16).to_le_bytes());
    body.extend_from_slice(&spec.format.bits().to_le_bytes());
    if extensible {
        body.extend_from_slice(&22u16.to_le_bytes());
        body.extend_from_slice(&spec.format.bits().to_le_bytes());
        body.extend_from_slice(&mask.to_le_bytes());
        body.extend_from_slice(&tag.to_le_bytes());
        body.extend_from_slice(b"\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71");
    } else if float {
        // What is not PCM says that it says no more.
        body.extend_from_slice(&[0, 0]);
    }
    body
}

/// Speaker mask: centre for one channel, left and right for two, none (plain channels) for more.
fn usual_mask(channels: usize) -> u32 {
    match channels {
        1 => 0x4,
        2 => 0x3,
        _ => 0,
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

    fn header(spec: &WavSpec, data_bytes: u64) -> Vec<u8> {
        let mut header = WavHeader::new(spec, &Tags::default());
        header.set(data_bytes, data_bytes % 2, State::Open);
        header.bytes
    }

    /// A sparse file of the given number of bytes of samples, the last two of them known.
    fn sparse(bytes: u64) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let header = header(&SPEC, bytes);
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
        let header = WavHeader::new(&SPEC, &Tags::default()).data_offset();
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
                let empty = WavHeader::new(&spec, &Tags::default());
                for bytes in [0, 1 << 20, 1 << 33] {
                    assert_eq!(header(&spec, bytes).len() as u64, empty.data_offset());
                }
            }
        }
    }

    #[test]
    fn a_header_of_before_4_gib_was_passed_is_seen_through() {
        let file = sparse((1 << 32) + 4000);
        let wrapped = header(&SPEC, 4000);
        File::write_all_at(file.as_file(), &wrapped, 0).expect("room");
        let reader = WavReader::open(file.path()).expect("a sound header");
        assert_eq!(reader.frames(), (1 << 31) + 2000);
        assert_eq!(reader.info().warnings.len(), 1);
    }
}
