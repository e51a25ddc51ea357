//! FLAC takes: the frames are flac-codec's, the blocks before them are written here, so that they
//! can be written again while the take grows.
//!
//! RFC 9639: section 8 (metadata blocks), 7 (the streamable subset).

use std::collections::VecDeque;
use std::fmt;

use flac_codec::encode::{FlacStreamWriter, Options};

use super::comments::{Comments, chapters, comments};
use super::encoder::{Block, Encoder, Progress, Sink};
use super::error::FileError;
use super::wav_tags::Tags;
use super::wav_writer::WavSpec;
use crate::sample::{SampleFormat, f32_to_i16, f32_to_i24};

/// Most channels of a FLAC file.
const MAX_CHANNELS: usize = 8;
/// Highest rate that a frame of the streamable subset can name.
const MAX_RATE_HZ: u32 = 655_340;
/// Frames of a block, at most: what most encoders use.
const BLOCK_FRAMES: usize = 4096;
/// Blocks of a second, at least: what is in a block is lost by a cut.
const BLOCKS_PER_SECOND: usize = 10;
/// Room kept for chapters behind the comments.
const PADDING_BYTES: usize = 8192;
/// Frames that the header can count.
const MAX_COUNTED_FRAMES: u64 = (1 << 36) - 1;
/// What the maker's name says while a take is open.
pub(super) const OPEN: &str = "Ossicle, a take that is not closed";
/// And when it is closed.
pub(super) const CLOSED: &str = "Ossicle";

/// Encodes FLAC.
pub(super) struct FlacEncoder {
    encoder: FlacStreamWriter<Sink>,
    sink: Sink,
    info: StreamInfo,
    comments: Comments,
    /// Codes of the block that is not full yet.
    pending: Vec<i32>,
    frames: u64,
    md5: md5::Context,
}

impl fmt::Debug for FlacEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlacEncoder")
            .field("info", &self.info)
            .field("frames", &self.frames)
            .finish_non_exhaustive()
    }
}

impl FlacEncoder {
    /// # Errors
    /// What FLAC cannot hold.
    pub(super) fn new(spec: &WavSpec, tags: &Tags) -> Result<Self, FileError> {
        let bits = match spec.format {
            SampleFormat::I16 => 16,
            SampleFormat::I24 => 24,
            SampleFormat::I32 | SampleFormat::F32 => {
                return Err(FileError::FormatUnsupported {
                    kind: "FLAC",
                    asked: spec.format,
                    allowed: "i16, i24",
                });
            }
        };
        if !(1..=MAX_CHANNELS).contains(&spec.channels) {
            return Err(FileError::ChannelsUnsupported {
                asked: spec.channels,
                max: MAX_CHANNELS,
            });
        }
        let rate = spec.sample_rate_hz;
        if rate == 0 || rate > MAX_RATE_HZ {
            return Err(FileError::SampleRateUnsupported {
                asked: rate,
                max: MAX_RATE_HZ,
            });
        }
        let named = rate % 10 == 0 || rate < 65_535;
        if !named {
            return Err(FileError::Unsupported {
                what: format!("FLAC at {rate} Hz (from 65535 Hz on, multiples of 10 are)"),
            });
        }
        let longest = (rate as usize / BLOCKS_PER_SECOND).clamp(16, BLOCK_FRAMES);
        let sink = Sink::default();
        Ok(Self {
            encoder: FlacStreamWriter::new(sink.clone(), Options::default()),
            sink,
            info: StreamInfo {
                block_frames: 1 << longest.ilog2(),
                sample_rate_hz: rate,
                channels: spec.channels,
                bits,
                frames: 0,
                md5: [0; 16],
            },
            comments: comments(tags),
            pending: Vec::new(),
            frames: 0,
            md5: md5::Context::new(),
        })
    }

    fn encode_pending(
        &mut self,
        samples: usize,
        blocks: &mut VecDeque<Block>,
    ) -> Result<(), FileError> {
        let codes = &self.pending[..samples];
        let StreamInfo {
            sample_rate_hz,
            channels,
            bits,
            ..
        } = self.info;
        self.encoder
            .write(sample_rate_hz, channels as u8, bits, codes)
            .map_err(|error| FileError::Unsupported {
                what: format!("this sound as FLAC ({error})"),
            })?;
        let mut bytes = Vec::with_capacity(samples * 3);
        for code in codes {
            bytes.extend_from_slice(&code.to_le_bytes()[..bits as usize / 8]);
        }
        self.md5.consume(bytes);
        self.frames += (samples / channels) as u64;
        blocks.push_back(Block {
            bytes: self.sink.take(),
            end_frame: self.frames,
        });
        self.pending.drain(..samples);
        Ok(())
    }

    /// All in front of the first frame.
    fn front(&self, info: &StreamInfo, maker: &str, chapters: &Comments) -> Vec<u8> {
        let mut all = self.comments.clone();
        let whole = self.comment_bytes();
        // Chapters for which there is no room are left out, in order.
        for pair in chapters.chunks(2) {
            all.extend_from_slice(pair);
            if comment_block(maker, &all).len() > whole {
                all.truncate(all.len() - pair.len());
                break;
            }
        }
        let comments = comment_block(maker, &all);
        let mut front = info.bytes();
        push_block(4, &comments, false, &mut front);
        push_block(1, &vec![0; whole - comments.len()], true, &mut front);
        front
    }

    /// Bytes of the comments and of the room behind them.
    fn comment_bytes(&self) -> usize {
        comment_block(OPEN, &self.comments).len() + PADDING_BYTES
    }
}

impl Encoder for FlacEncoder {
    fn header(&self) -> Vec<u8> {
        self.front(&self.info, OPEN, &Vec::new())
    }

    fn encode(
        &mut self,
        interleaved: &[f32],
        blocks: &mut VecDeque<Block>,
    ) -> Result<(), FileError> {
        let block_samples = self.info.block_frames * self.info.channels;
        for &sample in interleaved {
            self.pending.push(match self.info.bits {
                16 => i32::from(f32_to_i16(sample)),
                _ => f32_to_i24(sample),
            });
            if self.pending.len() == block_samples {
                self.encode_pending(block_samples, blocks)?;
            }
        }
        Ok(())
    }

    fn end(&mut self, blocks: &mut VecDeque<Block>) -> Result<(), FileError> {
        match self.pending.len() {
            0 => Ok(()),
            samples => self.encode_pending(samples, blocks),
        }
    }

    fn header_now(&self, progress: Progress) -> Option<Vec<u8>> {
        let mut info = self.info;
        if progress.frames <= MAX_COUNTED_FRAMES {
            info.frames = progress.frames;
        }
        Some(match progress.closed {
            // The numbers alone.
            None => info.bytes(),
            Some(labels) => {
                if progress.whole {
                    info.md5 = self.md5.clone().finalize().0;
                }
                let chapters = chapters(labels, info.sample_rate_hz);
                self.front(&info, CLOSED, &chapters)
            }
        })
    }

    fn mark_last(&self, _block: &mut Vec<u8>) -> bool {
        false
    }
}

/// What the first block says.
#[derive(Clone, Copy, Debug)]
pub(super) struct StreamInfo {
    block_frames: usize,
    pub(super) sample_rate_hz: u32,
    pub(super) channels: usize,
    bits: u32,
    /// 0: not known.
    pub(super) frames: u64,
    /// All 0: not known.
    pub(super) md5: [u8; 16],
}

impl StreamInfo {
    /// Bytes of the mark and of the block.
    pub(super) const BYTES: usize = 42;

    /// The file's mark and the block; section 8.2.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(34);
        let block_frames = self.block_frames as u16;
        body.extend_from_slice(&block_frames.to_be_bytes());
        body.extend_from_slice(&block_frames.to_be_bytes());
        // The smallest and largest block in bytes: not known.
        body.extend_from_slice(&[0; 6]);
        let packed = u64::from(self.sample_rate_hz) << 44
            | (self.channels as u64 - 1) << 41
            | u64::from(self.bits - 1) << 36
            | self.frames;
        body.extend_from_slice(&packed.to_be_bytes());
        body.extend_from_slice(&self.md5);
        let mut bytes = b"fLaC".to_vec();
        push_block(0, &body, false, &mut bytes);
        bytes
    }

    /// Reads what [`bytes`](Self::bytes) wrote; nothing if it is something else.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let body = bytes.strip_prefix(b"fLaC\0\0\0\x22")?;
        let block_frames = u16::from_be_bytes(*body.first_chunk()?);
        let packed = u64::from_be_bytes(*body.get(10..)?.first_chunk()?);
        Some(Self {
            block_frames: usize::from(block_frames),
            sample_rate_hz: (packed >> 44) as u32,
            channels: (packed >> 41 & 7) as usize + 1,
            bits: (packed >> 36 & 31) as u32 + 1,
            frames: packed & MAX_COUNTED_FRAMES,
            md5: *body.get(18..)?.first_chunk()?,
        })
    }
}

/// Section 8.1: the kind, whether it is the last block, the length.
fn push_block(kind: u8, body: &[u8], last: bool, front: &mut Vec<u8>) {
    let [_, length @ ..] = (body.len() as u32).to_be_bytes();
    front.push(if last { kind | 0x80 } else { kind });
    front.extend_from_slice(&length);
    front.extend_from_slice(body);
}

/// Section 8.6; lengths are little endian.
pub(super) fn comment_block(maker: &str, comments: &Comments) -> Vec<u8> {
    let mut block = Vec::new();
    let mut push = |text: &str| {
        block.extend_from_slice(&(text.len() as u32).to_le_bytes());
        block.extend_from_slice(text.as_bytes());
    };
    push(maker);
    let mut texts = Vec::new();
    for (name, value) in comments {
        texts.push(format!("{name}={value}"));
    }
    block.extend_from_slice(&(texts.len() as u32).to_le_bytes());
    for text in texts {
        block.extend_from_slice(&(text.len() as u32).to_le_bytes());
        block.extend_from_slice(text.as_bytes());
    }
    block
}
