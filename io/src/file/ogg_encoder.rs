//! Ogg Vorbis takes, through the C libraries that vorbis_rs compiles along.
//!
//! Pages: RFC 3533, section 6. Their positions are numbers of frames: Xiph.org, "Vorbis I
//! specification", appendix A.2.

use std::collections::VecDeque;
use std::fmt;
use std::num::{NonZeroU8, NonZeroU32};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use vorbis_rs::{
    VorbisBitrateManagementStrategy, VorbisEncoder, VorbisEncoderBuilder, VorbisError,
};

use super::comments::comments;
use super::encoder::{Block, Encoder, Progress, Sink};
use super::error::FileError;
use super::ogg_page::{mark_last, split_pages};
use super::wav_labels::Label;
use super::wav_tags::Tags;
use super::wav_writer::WavSpec;

/// Quality from -0.2 to 1: about 192 kbit/s for two channels at 44.1 kHz.
const QUALITY: f32 = 0.6;
/// A page ends as soon as it has its four packets, so that little is lost by a cut.
const PAGE_BYTES: u16 = 1;
/// Frames encoded at once, always as many: how libvorbis cuts blocks depends on it.
const PIECE_FRAMES: usize = 256;
/// Most channels of a Vorbis stream.
const MAX_CHANNELS: usize = 255;
/// Highest rate that libvorbis has a model of hearing for.
const MAX_RATE_HZ: u32 = 200_000;

/// Encodes Ogg Vorbis.
pub(super) struct OggEncoder {
    encoder: Option<Owned>,
    sink: Sink,
    header: Vec<u8>,
    /// Frames that are no whole piece yet, each channel apart.
    planes: Vec<Vec<f32>>,
}

/// The encoder's C structures.
struct Owned(VorbisEncoder<Sink>);

// SAFETY: the structures are owned by this value alone, libogg and libvorbis keep no state outside
// of them, and none of it is bound to a thread.
unsafe impl Send for Owned {}

impl fmt::Debug for OggEncoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OggEncoder")
            .field("channels", &self.planes.len())
            .finish_non_exhaustive()
    }
}

impl OggEncoder {
    /// # Errors
    /// What Vorbis cannot hold.
    pub(super) fn new(spec: &WavSpec, tags: &Tags) -> Result<Self, FileError> {
        let channels = u8::try_from(spec.channels).ok().and_then(NonZeroU8::new);
        let channels = channels.ok_or(FileError::ChannelsUnsupported {
            asked: spec.channels,
            max: MAX_CHANNELS,
        })?;
        let rate = NonZeroU32::new(spec.sample_rate_hz).filter(|rate| rate.get() <= MAX_RATE_HZ);
        let rate = rate.ok_or(FileError::SampleRateUnsupported {
            asked: spec.sample_rate_hz,
            max: MAX_RATE_HZ,
        })?;
        let sink = Sink::default();
        let unsupported = |error| FileError::Unsupported {
            what: format!(
                "Ogg Vorbis of {} channels at {} Hz ({error})",
                spec.channels, spec.sample_rate_hz
            ),
        };
        let mut builder =
            VorbisEncoderBuilder::new_with_serial(rate, channels, sink.clone(), serial());
        let encoder = builder
            .bitrate_management_strategy(VorbisBitrateManagementStrategy::QualityVbr {
                target_quality: QUALITY,
            })
            .minimum_page_data_size(Some(PAGE_BYTES))
            .comment_tags(comments(tags))
            .and_then(VorbisEncoderBuilder::build)
            .map_err(unsupported)?;
        let header = sink.take();
        Ok(Self {
            encoder: Some(Owned(encoder)),
            sink,
            header,
            planes: vec![Vec::with_capacity(PIECE_FRAMES); spec.channels],
        })
    }

    fn encode_piece(&mut self) -> Result<(), FileError> {
        if let Some(Owned(encoder)) = &mut self.encoder {
            let encoded = encoder.encode_audio_block(&self.planes);
            encoded.map_err(unsupported_sound)?;
        }
        self.planes.iter_mut().for_each(Vec::clear);
        Ok(())
    }

    fn take_pages(&self, blocks: &mut VecDeque<Block>) {
        blocks.extend(split_pages(&self.sink.take()));
    }
}

fn unsupported_sound(error: VorbisError) -> FileError {
    FileError::Unsupported {
        what: format!("this sound as Ogg Vorbis ({error})"),
    }
}

/// A number that no other stream has that this file may one day be joined with.
fn serial() -> i32 {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanoseconds = since.map_or(0, |since| since.as_nanos() as u64);
    let mixed = nanoseconds.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    (mixed as u32).wrapping_add(COUNT.fetch_add(1, Ordering::Relaxed)) as i32
}

impl Encoder for OggEncoder {
    fn header(&self) -> Vec<u8> {
        self.header.clone()
    }

    fn encode(
        &mut self,
        interleaved: &[f32],
        blocks: &mut VecDeque<Block>,
    ) -> Result<(), FileError> {
        for frame in interleaved.chunks(self.planes.len()) {
            for (plane, &sample) in self.planes.iter_mut().zip(frame) {
                // What is no number would stay in the encoder for ever.
                plane.push(if sample.is_finite() { sample } else { 0.0 });
            }
            if self.planes[0].len() == PIECE_FRAMES {
                self.encode_piece()?;
            }
        }
        self.take_pages(blocks);
        Ok(())
    }

    fn end(&mut self, blocks: &mut VecDeque<Block>) -> Result<(), FileError> {
        if !self.planes[0].is_empty() {
            self.encode_piece()?;
        }
        if let Some(Owned(encoder)) = self.encoder.take() {
            encoder.finish().map_err(unsupported_sound)?;
        }
        self.take_pages(blocks);
        Ok(())
    }

    fn header_now(&self, _progress: Progress) -> Vec<(Vec<u8>, u64)> {
        Vec::new()
    }

    fn labels_left_out(&self, labels: &[Label]) -> usize {
        labels.len()
    }

    fn mark_last(&self, block: &mut Vec<u8>) -> bool {
        mark_last(block)
    }
}
