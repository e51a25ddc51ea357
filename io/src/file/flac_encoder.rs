//! FLAC takes: the frames are flac-codec's, the blocks before them are written here, so that they
//! can be written again while the take grows.
//!
//! RFC 9639, section 7 (the streamable subset).

use std::collections::VecDeque;
use std::fmt;

use flac_codec::encode::{FlacStreamWriter, Options};

use super::comments::{chapters, comments};
use super::encoder::{Block, Encoder, Progress, Sink};
use super::error::FileError;
use super::flac_front::{Front, StreamInfo};
use super::wav_labels::Label;
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

/// Encodes FLAC.
pub(super) struct FlacEncoder {
    encoder: FlacStreamWriter<Sink>,
    sink: Sink,
    front: Front,
    /// Codes of the block that is not full yet.
    pending: Vec<i32>,
    frames: u64,
    md5: md5::Context,
}

impl fmt::Debug for FlacEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlacEncoder")
            .field("front", &self.front)
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
        let named = rate.is_multiple_of(10) || rate < 65_535;
        if !named {
            return Err(FileError::Unsupported {
                what: format!("FLAC at {rate} Hz (from 65535 Hz on, multiples of 10 are)"),
            });
        }
        let longest = (rate as usize / BLOCKS_PER_SECOND).clamp(16, BLOCK_FRAMES);
        let info = StreamInfo {
            block_frames: 1 << longest.ilog2(),
            sample_rate_hz: rate,
            channels: spec.channels,
            bits,
            frames: 0,
            md5: [0; 16],
        };
        let sink = Sink::default();
        Ok(Self {
            encoder: FlacStreamWriter::new(sink.clone(), Options::default()),
            sink,
            front: Front::new(info, comments(tags), PADDING_BYTES),
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
        } = self.front.info;
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
}

impl Encoder for FlacEncoder {
    fn header(&self) -> Vec<u8> {
        self.front.open()
    }

    fn encode(
        &mut self,
        interleaved: &[f32],
        blocks: &mut VecDeque<Block>,
    ) -> Result<(), FileError> {
        let info = self.front.info;
        let block_samples = info.block_frames * info.channels;
        for &sample in interleaved {
            self.pending.push(match info.bits {
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

    fn header_now(&self, progress: Progress) -> Vec<(Vec<u8>, u64)> {
        let mut front = self.front.clone();
        front.info.frames = progress.frames;
        match progress.closed {
            // The numbers alone.
            None => vec![(front.info.bytes(), 0)],
            Some(labels) => {
                if progress.whole {
                    front.info.md5 = self.md5.clone().finalize().0;
                }
                let chapters = chapters(labels, front.info.sample_rate_hz);
                front.closed(&chapters).steps
            }
        }
    }

    fn labels_left_out(&self, labels: &[Label]) -> usize {
        let chapters = chapters(labels, self.front.info.sample_rate_hz);
        self.front.closed(&chapters).left_out
    }

    fn mark_last(&self, _block: &mut Vec<u8>) -> bool {
        false
    }
}
