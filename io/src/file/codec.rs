//! Compressed formats, through symphonia: packets in order, decoded, and going back to an earlier
//! packet. What makes of this a stream of frames with exact seeking is in `decoded.rs`.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{ErrorKind, Seek, SeekFrom};

use symphonia::core::audio::Channels;
use symphonia::core::codecs::audio::well_known::{
    CODEC_ID_AAC, CODEC_ID_MP1, CODEC_ID_MP2, CODEC_ID_MP3, CODEC_ID_VORBIS,
};
use symphonia::core::codecs::audio::{AudioCodecParameters, AudioDecoder, AudioDecoderOptions};
use symphonia::core::common::Limit;
use symphonia::core::errors::Error;
use symphonia::core::formats::probe::Hint;
use symphonia::core::formats::{FormatOptions, FormatReader, SeekMode, SeekTo, TrackType};
use symphonia::core::io::MediaSourceStream;
use symphonia::core::meta::MetadataOptions;
use symphonia::core::packet::Packet;
use symphonia::core::units::Timestamp;

use super::error::FileError;
use super::quiet::caught;
use super::wav_format::MAX_CHANNELS;

/// What a decoder remembers of earlier packets, and so what seeking must decode before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Memory {
    /// Nothing: every packet stands alone.
    None,
    /// Packets that began less than so many frames before.
    Frames(u64),
    /// All packets: it is started anew at every multiple of so many frames, from the few packets
    /// before, so that what it remembers is the same on every way there.
    Anchored(u64),
}

/// Frames before a place from which MP3 decodes exactly: a packet borrows up to 511 bytes of
/// packets before it (ISO 11172-3, 2.4.2.7, `main_data_begin`), which at the lowest bit rates of
/// MPEG-2.5 (11 bytes of main data in 576 frames) are 47 packets; and overlaps with one more.
const MP3_MEMORY: u64 = 64 * 1152;
/// Vorbis overlaps with one packet, of at most 8192 frames (Vorbis I, 4.2.2 and 1.3.2).
const VORBIS_MEMORY: u64 = 2 * 8192;
/// AAC overlaps with one packet, but its noise substitution goes on from all before.
const AAC_ANCHOR: u64 = 64 * 1024;
/// Packets a decoder is given before the first one at an anchor.
const ANCHOR_PACKETS: usize = 3;

/// A packet, decoded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decoded {
    /// First frame, in frames of the track; what is negative is to be dropped.
    pub start: i64,
    /// It could not be decoded and stands as silence.
    pub damaged: bool,
}

/// An opened file: its packets and their decoder.
pub(super) struct Codec {
    file: File,
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    params: AudioCodecParameters,
    memory: Memory,
    /// Packets before the next one, and the anchor the decoder was started at.
    recent: VecDeque<Packet>,
    anchor: Option<i64>,
    /// The first packet after a start holds half of an overlap and nothing whole.
    fresh: bool,
    /// The file's end was reached.
    seen_end: bool,
    /// Symphonia panicked; nothing of it can be trusted.
    broken: bool,
}

/// What the file says of itself.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub container: &'static str,
    pub codec: &'static str,
    pub bits: Option<u16>,
    /// Frames as stated or estimated.
    pub frames: Option<u64>,
    /// Their number is estimated from the first packet's bit rate.
    pub estimated: bool,
    /// Rate that packets are counted in, if it is a whole number.
    pub ticks_hz: Option<u32>,
    /// Finding a place takes time in proportion to the file's length.
    pub slow_seek: bool,
    /// Places of packets are only good for going through in order.
    pub in_order_only: bool,
}

impl std::fmt::Debug for Codec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Codec")
            .field("track", &self.track)
            .finish_non_exhaustive()
    }
}

impl Codec {
    pub(super) fn open(file: File) -> Result<(Self, Facts), FileError> {
        let opened = guarded(|| open_format(&file))?;
        let (format, track) = opened?;
        let (params, facts) = read_facts(format.as_ref(), track)?;
        let decoder = guarded(|| make_decoder(&params))??;
        let memory = match params.codec {
            CODEC_ID_MP1 | CODEC_ID_MP2 | CODEC_ID_MP3 => Memory::Frames(MP3_MEMORY),
            CODEC_ID_VORBIS => Memory::Frames(VORBIS_MEMORY),
            CODEC_ID_AAC => Memory::Anchored(AAC_ANCHOR),
            _ => Memory::None,
        };
        let facts = Facts {
            codec: decoder.codec_info().short_name,
            slow_seek: memory == Memory::Frames(MP3_MEMORY),
            // Symphonia counts ADPCM in frames where it should count blocks.
            in_order_only: decoder.codec_info().short_name.starts_with("adpcm"),
            ..facts
        };
        let codec = Self {
            file,
            format,
            decoder,
            track,
            params,
            memory,
            recent: VecDeque::new(),
            anchor: None,
            fresh: true,
            seen_end: false,
            broken: false,
        };
        Ok((codec, facts))
    }

    pub(super) fn memory(&self) -> Memory {
        self.memory
    }

    /// Starts again with the first packet, as if just opened.
    pub(super) fn rewind(&mut self) -> Result<(), FileError> {
        let (codec, _) = Self::open(self.file.try_clone()?)?;
        *self = codec;
        Ok(())
    }

    /// Goes to a packet that begins at `frame` or before; says whether it could. If not, it may be
    /// anywhere.
    pub(super) fn go_to(&mut self, frame: u64) -> Result<bool, FileError> {
        let Ok(frame) = i64::try_from(frame) else {
            return Ok(false);
        };
        let is_flac = self.format.format_info().short_name == "flac";
        if self.seen_end || is_flac {
            // Some readers do not find back from behind the end. That of FLAC keeps what it read ahead
            // where the blocks are small, and takes it for what is at the new place.
            self.rewind()?;
        }
        let to = SeekTo::Timestamp {
            ts: Timestamp::new(frame),
            track_id: self.track,
        };
        let format = &mut self.format;
        let sought = guarded(|| format.seek(SeekMode::Accurate, to));
        let result = self.broken_if_panics(sought)?;
        self.recent.clear();
        self.anchor = None;
        self.fresh = true;
        guarded(|| self.decoder.reset())?;
        Ok(result.is_ok_and(|reached| reached.actual_ts.get() <= frame))
    }

    /// Decodes the next packet into `out`, interleaved; nothing at the end.
    pub(super) fn next(
        &mut self,
        channels: usize,
        out: &mut Vec<f32>,
    ) -> Result<Option<Decoded>, FileError> {
        let Some(packet) = self.next_packet()? else {
            return Ok(None);
        };
        let start = packet.pts.get();
        if let Memory::Anchored(length) = self.memory {
            let anchor = start.div_euclid(length as i64);
            if self.anchor.replace(anchor) != Some(anchor) {
                self.start_decoder()?;
            }
        }
        let decoded = self.decode(&packet, channels, out)?;
        if !decoded {
            out.clear();
            let frames = packet.dur.get().min(1 << 16) as usize;
            out.resize(frames * channels, 0.0);
        }
        if self.params.codec == CODEC_ID_VORBIS && self.fresh {
            out.clear();
        }
        self.fresh = false;
        if let Memory::Anchored(_) = self.memory {
            if self.recent.len() == ANCHOR_PACKETS {
                self.recent.pop_front();
            }
            self.recent.push_back(packet);
        }
        Ok(Some(Decoded {
            start,
            damaged: !decoded,
        }))
    }

    /// Start and length of the next packet, which is passed over; nothing at the end.
    pub(super) fn skip(&mut self) -> Result<Option<(i64, u64)>, FileError> {
        let packet = self.next_packet()?;
        Ok(packet.map(|packet| (packet.pts.get(), packet.dur.get())))
    }

    /// Sample rate and channels of the last decoded packet.
    pub(super) fn spec(&self) -> (u32, usize) {
        let buffer = self.decoder.last_decoded();
        (buffer.spec().rate(), buffer.spec().channels().count())
    }

    fn next_packet(&mut self) -> Result<Option<Packet>, FileError> {
        while !self.seen_end {
            let format = &mut self.format;
            let next = guarded(|| format.next_packet());
            match self.broken_if_panics(next)? {
                Ok(Some(packet)) if packet.track_id == self.track => return Ok(Some(packet)),
                Ok(Some(_)) => {}
                // A file that was cut short ends here; so does a chain of streams, whose next link
                // may have another rate.
                Ok(None) | Err(Error::ResetRequired) => self.seen_end = true,
                Err(Error::IoError(error)) if error.kind() == ErrorKind::UnexpectedEof => {
                    self.seen_end = true;
                }
                Err(error) => return Err(file_error(error)),
            }
        }
        Ok(None)
    }

    /// Says whether the packet could be decoded.
    fn decode(
        &mut self,
        packet: &Packet,
        channels: usize,
        out: &mut Vec<f32>,
    ) -> Result<bool, FileError> {
        let decoder = &mut self.decoder;
        let decoded = guarded(|| match decoder.decode(packet) {
            Ok(buffer) => {
                let fits = channels == 0 || buffer.spec().channels().count() == channels;
                if fits {
                    buffer.copy_to_vec_interleaved(out);
                }
                Ok(fits)
            }
            Err(Error::DecodeError(_) | Error::IoError(_)) => Ok(false),
            Err(error) => Err(file_error(error)),
        });
        self.broken_if_panics(decoded)?
    }

    /// A decoder as it is at an anchor on every way there.
    fn start_decoder(&mut self) -> Result<(), FileError> {
        self.decoder = guarded(|| make_decoder(&self.params))??;
        for packet in std::mem::take(&mut self.recent) {
            self.decode(&packet, 0, &mut Vec::new())?;
            self.recent.push_back(packet);
        }
        Ok(())
    }

    fn broken_if_panics<T>(&mut self, result: Result<T, FileError>) -> Result<T, FileError> {
        if self.broken {
            return Err(panicked());
        }
        self.broken = result.is_err();
        result
    }
}

fn open_format(file: &File) -> Result<(Box<dyn FormatReader>, u32), FileError> {
    let mut file = file.try_clone()?;
    file.seek(SeekFrom::Start(0))?;
    let stream = MediaSourceStream::new(Box::new(file), Default::default());
    let metadata = MetadataOptions::default()
        .limit_visual_bytes(Limit::Maximum(0))
        .limit_tag_bytes(Limit::Maximum(1 << 16));
    let probe = symphonia::default::get_probe();
    let format = probe
        .probe(&Hint::new(), stream, FormatOptions::default(), metadata)
        .map_err(|error| match error {
            Error::Unsupported(_) => FileError::NotAudio,
            Error::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
                FileError::NotAudio
            }
            error => file_error(error),
        })?;
    let track = format
        .default_track(TrackType::Audio)
        .or(format.first_track(TrackType::Audio));
    let track = track.map(|track| track.id);
    match track {
        Some(track) => Ok((format, track)),
        None => Err(FileError::Unsupported {
            what: format!("the sound in this {} file", format.format_info().short_name),
        }),
    }
}

fn read_facts(
    format: &dyn FormatReader,
    track: u32,
) -> Result<(AudioCodecParameters, Facts), FileError> {
    let missing = || FileError::Damaged {
        what: "it does not say how sound is coded".to_owned(),
    };
    let track = format
        .tracks()
        .iter()
        .find(|one| one.id == track)
        .ok_or_else(missing)?;
    let params = track
        .codec_params
        .as_ref()
        .and_then(|params| params.audio());
    let params = params.ok_or_else(missing)?.clone();
    // Decoders make room for a packet of all channels before they see one.
    if let Some(channels) = params.channels.as_ref().map(Channels::count)
        && channels > MAX_CHANNELS
    {
        return Err(FileError::Damaged {
            what: format!("it says that it has {channels} channels"),
        });
    }
    let container = format.format_info().short_name;
    let bits = params.bits_per_coded_sample.or(params.bits_per_sample);
    let facts = Facts {
        container,
        codec: "",
        bits: bits.and_then(|bits| u16::try_from(bits).ok()),
        frames: track.num_frames,
        estimated: container == "aac" || container == "mp3" && track.delay.is_none(),
        ticks_hz: track
            .time_base
            .filter(|base| base.numer.get() == 1)
            .map(|base| base.denom.get()),
        slow_seek: false,
        in_order_only: false,
    };
    Ok((params, facts))
}

fn make_decoder(params: &AudioCodecParameters) -> Result<Box<dyn AudioDecoder>, FileError> {
    // What belongs to the sound is cut out by position here, not by the decoder.
    let options = AudioDecoderOptions::default().gapless(false);
    let codecs = symphonia::default::get_codecs();
    codecs
        .make_audio_decoder(params, &options)
        .map_err(|error| match error {
            Error::Unsupported(what) => FileError::Unsupported {
                what: format!("this codec ({what})"),
            },
            error => file_error(error),
        })
}

fn file_error(error: Error) -> FileError {
    match error {
        Error::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => FileError::Damaged {
            what: "it ends in the middle".to_owned(),
        },
        Error::IoError(error) => error.into(),
        Error::Unsupported(what) => FileError::Unsupported {
            what: what.to_owned(),
        },
        error => FileError::Damaged {
            what: error.to_string(),
        },
    }
}

fn panicked() -> FileError {
    FileError::Damaged {
        what: "its decoder gave up on it".to_owned(),
    }
}

/// Runs a part of symphonia. On damaged files some of it panics; here that is one more way to say
/// that a file is damaged.
fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, FileError> {
    caught(run).ok_or_else(panicked)
}
