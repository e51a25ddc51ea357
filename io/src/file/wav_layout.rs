//! Where the samples of a WAV file are, by its chunks. Trusts nothing that the file's true length
//! does not bear out.
//!
//! RIFF and RIFX: Microsoft and IBM, "Multimedia programming interface and data specifications
//! 1.0" (1991), chapter 3. RF64: EBU Tech 3306. BW64: ITU-R BS.2088.

use std::fs::File;

use super::error::FileError;
use super::pcm::Coding;
use super::positioned::read_at;
use super::wav_format::{Format, Frame, Order, TELLING_BYTES, damaged, read_format, tell_apart};

/// Chunks looked at before the samples; more are a sign of garbage.
pub(super) const MAX_CHUNKS: usize = 4096;
/// Bytes looked at of a format chunk.
pub(super) const FORMAT_BYTES: usize = 40;

/// Where the samples are and how they are coded.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Layout {
    pub container: &'static str,
    pub big_endian: bool,
    pub coding: Coding,
    /// Bits that carry sound, as the file says.
    pub bits: u16,
    pub channels: usize,
    pub sample_rate_hz: u32,
    pub data_offset: u64,
    pub data_bytes: u64,
    pub warnings: Vec<String>,
}

impl Layout {
    pub(super) fn frame_bytes(&self) -> usize {
        self.channels * self.coding.bytes()
    }
}

/// Whether this is how a WAV file begins.
pub(super) fn is_wav(start: &[u8]) -> bool {
    matches!(start.get(0..4), Some(b"RIFF" | b"RIFX" | b"RF64" | b"BW64"))
        && start.get(8..12) == Some(b"WAVE")
}

/// Reads the chunks up to the samples.
pub(super) fn read_layout(file: &File) -> Result<Layout, FileError> {
    let chunks = Chunks::open(file)?;
    let mut format = None;
    let mut data = None;
    let mut long_sizes = None;
    let mut offset = 12;
    for _ in 0..MAX_CHUNKS {
        let Some((name, size)) = chunks.header(offset)? else {
            break;
        };
        let body = offset + 8;
        match &name {
            b"fmt " if format.is_none() => format = Some(chunks.format(body, size)?),
            b"ds64" if chunks.long => {
                let mut sizes = [0; 16];
                if chunks.read(&mut sizes, body)? == 16 {
                    long_sizes = Some(u64::from_le_bytes(eight(&sizes, 8)));
                }
            }
            b"data" if data.is_none() => data = Some((body, size)),
            _ => {}
        }
        if format.is_some() && data.is_some() {
            break;
        }
        offset = chunks.next(body + u64::from(size))?;
    }
    let format = format.ok_or_else(|| damaged("it does not say how samples are coded"))?;
    let (data_offset, size) = data.ok_or_else(|| damaged("it holds no samples"))?;
    let mut warnings = Vec::new();
    let data_bytes = chunks.data_bytes(data_offset, size, long_sizes, &mut warnings)?;
    settle(
        file,
        format,
        Found {
            container: chunks.container,
            order: chunks.order,
            data_offset,
            data_bytes,
            warnings,
        },
    )
}

/// What was found out about a file beside its format.
pub(super) struct Found {
    pub container: &'static str,
    pub order: Order,
    pub data_offset: u64,
    pub data_bytes: u64,
    pub warnings: Vec<String>,
}

/// Puts together what format and chunks say.
pub(super) fn settle(file: &File, format: Format, found: Found) -> Result<Layout, FileError> {
    let mut coding = format.coding;
    let mut warnings = found.warnings;
    match format.frame {
        Frame::Plain => {}
        Frame::Stated(stated) => {
            let true_bytes = format.channels * coding.bytes();
            warnings.push(format!(
                "its header counts {stated} bytes to a frame, its samples are read as {true_bytes}"
            ));
        }
        Frame::Ambiguous => {
            let mut sound = vec![0; found.data_bytes.min(1 << 14) as usize];
            let length = read_at(file, &mut sound, found.data_offset)?;
            coding = tell_apart(&sound[..length], found.order);
            let why = if length < TELLING_BYTES {
                "; it is too short to tell"
            } else {
                ""
            };
            warnings.push(format!(
                "its header says 24 bits in 4 bytes, its samples are read as {}{why}",
                coding.name()
            ));
        }
    }
    let frame_bytes = (format.channels * coding.bytes()) as u64;
    Ok(Layout {
        container: found.container,
        big_endian: found.order.big_endian,
        coding,
        bits: format.bits,
        channels: format.channels,
        sample_rate_hz: format.sample_rate_hz,
        data_offset: found.data_offset,
        data_bytes: found.data_bytes - found.data_bytes % frame_bytes,
        warnings,
    })
}

fn eight(bytes: &[u8], at: usize) -> [u8; 8] {
    let mut out = [0; 8];
    out.copy_from_slice(&bytes[at..at + 8]);
    out
}

/// Whether this can be the name of a chunk.
fn is_name(name: &[u8; 4]) -> bool {
    name.iter()
        .all(|byte| byte.is_ascii_graphic() || *byte == b' ')
}

struct Chunks<'a> {
    file: &'a File,
    file_bytes: u64,
    container: &'static str,
    order: Order,
    /// The sizes are in a `ds64` chunk.
    long: bool,
}

impl<'a> Chunks<'a> {
    fn open(file: &'a File) -> Result<Self, FileError> {
        let mut start = [0; 12];
        if read_at(file, &mut start, 0)? < 12 || !is_wav(&start) {
            return Err(FileError::NotAudio);
        }
        let (container, big_endian, long) = match &start[0..4] {
            b"RIFX" => ("RIFX WAV", true, false),
            b"RF64" => ("RF64 WAV", false, true),
            b"BW64" => ("BW64 WAV", false, true),
            _ => ("WAV", false, false),
        };
        Ok(Self {
            file,
            file_bytes: file.metadata()?.len(),
            container,
            order: Order { big_endian },
            long,
        })
    }

    fn read(&self, bytes: &mut [u8], offset: u64) -> Result<usize, FileError> {
        Ok(read_at(self.file, bytes, offset)?)
    }

    /// Name and size of the chunk at a place; nothing at the end of the file.
    fn header(&self, offset: u64) -> Result<Option<([u8; 4], u32)>, FileError> {
        let mut header = [0; 8];
        if offset >= self.file_bytes || self.read(&mut header, offset)? < 8 {
            return Ok(None);
        }
        let name = [header[0], header[1], header[2], header[3]];
        Ok(Some((name, self.order.u32(&header, 4))))
    }

    /// Place of the chunk behind one that ends at `end`: there is a byte between them if that makes
    /// the place even, which some programs forget.
    fn next(&self, end: u64) -> Result<u64, FileError> {
        if end.is_multiple_of(2) {
            return Ok(end);
        }
        let is_chunk = |place| -> Result<bool, FileError> {
            Ok(self.header(place)?.is_some_and(|(name, _)| is_name(&name)))
        };
        let forgotten = !is_chunk(end + 1)? && is_chunk(end)?;
        Ok(if forgotten { end } else { end + 1 })
    }

    fn format(&self, body: u64, size: u32) -> Result<Format, FileError> {
        let mut bytes = [0; FORMAT_BYTES];
        let wanted = bytes.len().min(size as usize);
        let length = self.read(&mut bytes[..wanted], body)?;
        read_format(&bytes[..length], self.order)
    }

    /// How many bytes of samples there are, whatever the header says.
    fn data_bytes(
        &self,
        offset: u64,
        size: u32,
        long_sizes: Option<u64>,
        warnings: &mut Vec<String>,
    ) -> Result<u64, FileError> {
        let held = self.file_bytes.saturating_sub(offset);
        let said = match long_sizes {
            Some(long) if size == u32::MAX || long > u64::from(u32::MAX) => long,
            _ => u64::from(size),
        };
        if said == u64::from(u32::MAX) && held != said || said == u64::MAX {
            warnings.push("its header gives no length: read to the end of the file".to_owned());
            return Ok(held);
        }
        if said == 0 && held > 0 && !self.chunks_follow(offset)? {
            warnings.push("its header gives length 0: read to the end of the file".to_owned());
            return Ok(held);
        }
        if said > held {
            warnings.push(cut_short(said, held));
            return Ok(held);
        }
        let beyond = held - said;
        if !self.long && beyond > 0 && beyond.is_multiple_of(1 << 32) {
            warnings.push("its header is of before it grew past 4 GiB: read to the end".to_owned());
            return Ok(held);
        }
        Ok(said)
    }

    /// Whether what is at a place looks like chunks up to the end of the file.
    fn chunks_follow(&self, mut offset: u64) -> Result<bool, FileError> {
        for _ in 0..MAX_CHUNKS {
            if offset >= self.file_bytes {
                return Ok(true);
            }
            let Some((name, size)) = self.header(offset)? else {
                return Ok(false);
            };
            offset += 8 + u64::from(size);
            if !is_name(&name) || offset > self.file_bytes {
                return Ok(false);
            }
            offset = self.next(offset)?;
        }
        Ok(false)
    }
}

/// Warning about a file that holds less than it says.
pub(super) fn cut_short(said: u64, held: u64) -> String {
    let missing = said - held;
    format!("it was cut short: {missing} bytes of {said} are missing")
}
