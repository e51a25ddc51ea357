//! What the chunks of a WAV file say: where the samples are and how they are coded. Trusts nothing
//! that the file's true length does not bear out.
//!
//! RIFF and RIFX: Microsoft and IBM, "Multimedia programming interface and data specifications
//! 1.0" (1991), chapter 3. RF64: EBU Tech 3306. BW64: ITU-R BS.2088.

use std::fs::File;

use super::error::FileError;
use super::pcm::Coding;
use super::positioned::read_at;
use super::wav_writer::MAX_RATE_HZ;

/// More channels than any instrument has are a sign of garbage.
pub(super) const MAX_CHANNELS: usize = 1024;
/// Chunks looked at before the samples; more are a sign of garbage.
pub(super) const MAX_CHUNKS: usize = 4096;

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
        offset = body + u64::from(size) + u64::from(size % 2);
    }
    let format = format.ok_or_else(|| damaged("it does not say how samples are coded"))?;
    let (data_offset, size) = data.ok_or_else(|| damaged("it holds no samples"))?;
    let mut warnings = Vec::new();
    let data_bytes = chunks.data_bytes(data_offset, size, long_sizes, &mut warnings)?;
    let frame_bytes = (format.channels * format.coding.bytes()) as u64;
    Ok(Layout {
        container: chunks.container,
        big_endian: chunks.big_endian,
        coding: format.coding,
        bits: format.bits,
        channels: format.channels,
        sample_rate_hz: format.sample_rate_hz,
        data_offset,
        data_bytes: data_bytes - data_bytes % frame_bytes,
        warnings,
    })
}

pub(super) fn damaged(what: &str) -> FileError {
    FileError::Damaged {
        what: what.to_owned(),
    }
}

fn eight(bytes: &[u8], at: usize) -> [u8; 8] {
    let mut out = [0; 8];
    out.copy_from_slice(&bytes[at..at + 8]);
    out
}

struct Chunks<'a> {
    file: &'a File,
    file_bytes: u64,
    container: &'static str,
    big_endian: bool,
    /// The sizes are in a `ds64` chunk.
    long: bool,
}

struct Format {
    coding: Coding,
    bits: u16,
    channels: usize,
    sample_rate_hz: u32,
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
            big_endian,
            long,
        })
    }

    fn read(&self, bytes: &mut [u8], offset: u64) -> Result<usize, FileError> {
        Ok(read_at(self.file, bytes, offset)?)
    }

    fn u16(&self, bytes: &[u8], at: usize) -> u16 {
        let pair = [bytes[at], bytes[at + 1]];
        if self.big_endian {
            u16::from_be_bytes(pair)
        } else {
            u16::from_le_bytes(pair)
        }
    }

    fn u32(&self, bytes: &[u8], at: usize) -> u32 {
        let four = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        if self.big_endian {
            u32::from_be_bytes(four)
        } else {
            u32::from_le_bytes(four)
        }
    }

    /// Name and size of the chunk at a place; nothing at the end of the file.
    fn header(&self, offset: u64) -> Result<Option<([u8; 4], u32)>, FileError> {
        let mut header = [0; 8];
        if offset >= self.file_bytes || self.read(&mut header, offset)? < 8 {
            return Ok(None);
        }
        let name = [header[0], header[1], header[2], header[3]];
        Ok(Some((name, self.u32(&header, 4))))
    }

    fn format(&self, body: u64, size: u32) -> Result<Format, FileError> {
        let mut bytes = [0; 40];
        let wanted = bytes.len().min(size as usize);
        let length = self.read(&mut bytes[..wanted], body)?;
        if length < 16 {
            return Err(damaged("its format chunk is cut short"));
        }
        let extensible = self.u16(&bytes, 0) == 0xfffe && length >= 28;
        let tag = match extensible {
            true => self.u32(&bytes, 24),
            false => u32::from(self.u16(&bytes, 0)),
        };
        let channels = usize::from(self.u16(&bytes, 2));
        let sample_rate_hz = self.u32(&bytes, 4);
        let frame_bytes = usize::from(self.u16(&bytes, 12));
        let bits = self.u16(&bytes, 14);
        if channels == 0 {
            return Err(damaged("it has no channels"));
        }
        if channels > MAX_CHANNELS {
            return Err(FileError::Unsupported {
                what: format!("sound of {channels} channels"),
            });
        }
        if !(1..=MAX_RATE_HZ).contains(&sample_rate_hz) {
            return Err(damaged(&format!("its sample rate is {sample_rate_hz} Hz")));
        }
        let sample_bytes = if frame_bytes > 0 && frame_bytes.is_multiple_of(channels) {
            frame_bytes / channels
        } else {
            usize::from(bits).div_ceil(8)
        };
        let coding = match (tag, sample_bytes) {
            (1, 1) => Coding::U8,
            (1, 2) => Coding::I16,
            (1, 3) => Coding::I24,
            (1, 4) => Coding::I32,
            (3, 4) => Coding::F32,
            (3, 8) => Coding::F64,
            (6, 1) => Coding::ALaw,
            (7, 1) => Coding::MuLaw,
            (1 | 3 | 6 | 7, _) => {
                return Err(FileError::Unsupported {
                    what: format!("WAV with samples of {sample_bytes} bytes"),
                });
            }
            _ => {
                return Err(FileError::Unsupported {
                    what: format!("WAV with codec {tag:#06x}"),
                });
            }
        };
        let valid = if extensible {
            self.u16(&bytes, 18)
        } else {
            bits
        };
        let stored = 8 * sample_bytes as u16;
        let bits = if (1..=stored).contains(&valid) {
            valid
        } else {
            stored
        };
        Ok(Format {
            coding,
            bits,
            channels,
            sample_rate_hz,
        })
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
            let missing = said - held;
            warnings.push(format!(
                "it was cut short: {missing} bytes of {said} are missing"
            ));
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
            if !name
                .iter()
                .all(|byte| byte.is_ascii_graphic() || *byte == b' ')
            {
                return Ok(false);
            }
            offset += 8 + u64::from(size);
            if offset > self.file_bytes {
                return Ok(false);
            }
            offset += u64::from(size % 2);
        }
        Ok(false)
    }
}
