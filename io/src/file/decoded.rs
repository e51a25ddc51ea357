//! A compressed file as a stream of frames with exact seeking.
//!
//! A packet's place in time is what its container says; frames before 0 (an encoder's delay) and
//! behind the stated end (its padding) are cut off, holes and packets that cannot be decoded are
//! silence of their length. Seeking goes to a packet so far before the place that the decoder
//! remembers what it would have remembered on the way from the start.

use std::fs::File;

use super::audio_file::FileInfo;
use super::codec::{Codec, Facts, Memory};
use super::error::FileError;
use super::wav_format::MAX_CHANNELS;
use super::wav_writer::MAX_RATE_HZ;
use crate::sample::Sample;

/// A file that does not say how long it is is gone through on opening if it is not longer.
const COUNT_ON_OPENING_BYTES: u64 = 64 << 20;
/// Packets that may be undecodable at the start of a file before it counts as damaged.
const MAX_BAD_PACKETS: usize = 8;
/// A place so far ahead is reached by going through, not by seeking.
const NEAR_FRAMES: u64 = 1 << 16;
/// A packet that claims to lie so much later than expected, in a file of unknown length, is
/// damaged.
const MAX_HOLE_FRAMES: u64 = 1 << 24;

/// A compressed file, read as frames.
#[derive(Debug)]
pub(super) struct DecodedReader {
    codec: Codec,
    info: FileInfo,
    /// The last decoded packet, interleaved, and where it begins.
    block: Vec<f32>,
    block_start: u64,
    /// Frame that is read next.
    position: u64,
    /// Packets are placed one behind the other because their times are of no use.
    by_count: bool,
    /// Nothing comes behind the block.
    ended: bool,
}

impl DecodedReader {
    pub(super) fn new(file: File) -> Result<Self, FileError> {
        let file_bytes = file.metadata()?.len();
        let (mut codec, facts) = Codec::open(file)?;
        let (sample_rate_hz, channels) = look_at_sound(&mut codec)?;
        codec.rewind()?;
        let info = FileInfo {
            container: container_name(facts.container),
            codec: facts.codec.to_owned(),
            sample_rate_hz,
            channels,
            frames: facts.frames,
            bits: facts.bits,
            warnings: Vec::new(),
        };
        let mut reader = Self {
            codec,
            info,
            block: Vec::new(),
            block_start: 0,
            position: 0,
            by_count: facts.in_order_only || facts.ticks_hz != Some(sample_rate_hz),
            ended: false,
        };
        reader.settle_length(&facts, file_bytes)?;
        Ok(reader)
    }

    pub(super) fn info(&self) -> &FileInfo {
        &self.info
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Counts the frames if they are not known, by going through the file.
    pub(super) fn count_frames(&mut self) -> Result<u64, FileError> {
        if let Some(frames) = self.info.frames {
            return Ok(frames);
        }
        let frames = match self.codec.memory() {
            Memory::None if !self.by_count => self.find_unknown_end()?,
            _ => self.go_through()?,
        };
        self.info.frames = Some(frames);
        self.restart(self.position)?;
        Ok(frames)
    }

    fn go_through(&mut self) -> Result<u64, FileError> {
        self.codec.rewind()?;
        let mut frames = 0u64;
        while let Some((start, length)) = self.codec.skip()? {
            let end = start.saturating_add_unsigned(length);
            frames = match self.by_count {
                true => frames + length,
                false => frames.max(end.max(0) as u64),
            };
        }
        Ok(frames)
    }

    /// Doubles a length until it is too much, then halves the doubt.
    fn find_unknown_end(&mut self) -> Result<u64, FileError> {
        let position = self.position;
        let mut length = NEAR_FRAMES;
        while self.can_read(length)? {
            length = self.block_end().max(2 * length);
        }
        let frames = self.find_end(length)?;
        self.position = position;
        Ok(frames)
    }

    pub(super) fn read<S: Sample>(&mut self, out: &mut [S]) -> Result<usize, FileError> {
        let channels = self.info.channels;
        if !out.len().is_multiple_of(channels) {
            return Err(FileError::TornFrame {
                samples: out.len(),
                channels,
            });
        }
        let wanted = out.len() / channels;
        let mut done = 0;
        while done < wanted {
            let rest = &mut out[done * channels..];
            let left = (wanted - done) as u64;
            if self.position < self.block_start {
                // A hole between two packets.
                let frames = left.min(self.block_start - self.position);
                rest[..frames as usize * channels].fill(S::default());
                self.position += frames;
                done += frames as usize;
            } else if self.position < self.block_end() {
                let frames = left.min(self.block_end() - self.position) as usize;
                let first = (self.position - self.block_start) as usize * channels;
                let block = &self.block[first..first + frames * channels];
                for (sample, &value) in rest.iter_mut().zip(block) {
                    *sample = S::from_f32(value);
                }
                self.position += frames as u64;
                done += frames;
            } else if !self.next_block()? {
                break;
            }
        }
        Ok(done)
    }

    pub(super) fn seek(&mut self, frame: u64) -> Result<(), FileError> {
        if let Some(frames) = self.info.frames
            && frame > frames
        {
            return Err(FileError::BeyondEnd {
                asked: frame,
                frames,
            });
        }
        let here = self.block_start.min(self.position);
        if frame < here || frame > self.block_end() + NEAR_FRAMES {
            self.restart(frame)?;
        }
        self.position = frame;
        if self.info.frames.is_none() {
            // Whether there is such a frame shows on the way.
            while self.position > self.block_end() {
                if !self.next_block()? {
                    let frames = self.block_end();
                    return Err(FileError::BeyondEnd {
                        asked: frame,
                        frames,
                    });
                }
            }
        }
        Ok(())
    }

    fn block_end(&self) -> u64 {
        self.block_start + (self.block.len() / self.info.channels) as u64
    }

    fn restart_empty(&mut self, start: u64, position: u64) {
        self.block.clear();
        self.block_start = start;
        self.position = position;
        self.ended = false;
    }

    /// Goes to a packet from which decoding gives the right frames from `frame` on.
    fn restart(&mut self, frame: u64) -> Result<(), FileError> {
        self.restart_empty(0, frame);
        if self.by_count {
            return self.codec.rewind();
        }
        let mut target = match self.codec.memory() {
            Memory::None => frame,
            Memory::Frames(frames) => frame.saturating_sub(frames),
            Memory::Anchored(length) => (frame - frame % length).saturating_sub(length / 4),
        };
        let mut step = NEAR_FRAMES;
        while target > 0 {
            if self.codec.go_to(target)? {
                // Decoding begins somewhere before the frame; what lies there is passed over.
                self.block_start = target;
                return Ok(());
            }
            target = target.saturating_sub(step);
            step *= 4;
        }
        self.codec.rewind()
    }

    /// Decodes on to the next block that is not behind what is wanted; says whether there is one.
    fn next_block(&mut self) -> Result<bool, FileError> {
        let channels = self.info.channels;
        while !self.ended {
            let expected = self.block_end();
            let Some(decoded) = self.codec.next(channels, &mut self.block)? else {
                self.block.clear();
                self.block_start = expected;
                break;
            };
            let mut start = if self.by_count {
                expected as i64
            } else {
                decoded.start
            };
            if start < 0 {
                let early = usize::try_from(start.unsigned_abs()).unwrap_or(usize::MAX);
                let samples = early.saturating_mul(channels).min(self.block.len());
                self.block.drain(..samples);
                start = 0;
            }
            self.block_start = start as u64;
            let latest = self
                .info
                .frames
                .unwrap_or(expected.saturating_add(MAX_HOLE_FRAMES));
            if self.block_start > latest {
                self.block.clear();
                self.block_start = expected;
                continue;
            }
            if let Some(frames) = self.info.frames {
                let left = usize::try_from(frames - self.block_start).unwrap_or(usize::MAX);
                self.block.truncate(left.saturating_mul(channels));
            }
            if self.block_end() > self.position {
                return Ok(true);
            }
        }
        self.ended = true;
        Ok(false)
    }

    /// Makes sure that the stated length is the true one, as far as that is cheap.
    fn settle_length(&mut self, facts: &Facts, file_bytes: u64) -> Result<(), FileError> {
        if self.by_count || facts.estimated {
            self.info.frames = None;
        }
        let small = file_bytes <= COUNT_ON_OPENING_BYTES;
        match self.info.frames {
            None if small => {
                self.count_frames()?;
            }
            Some(stated) if stated > 0 && (small || !facts.slow_seek) => {
                if !self.can_read(stated - 1)? {
                    let frames = self.find_end(stated)?;
                    let missing = stated - frames;
                    self.info.warnings.push(format!(
                        "it was cut short: {missing} frames of {stated} are missing"
                    ));
                    self.info.frames = Some(frames);
                }
                self.restart(0)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn can_read(&mut self, frame: u64) -> Result<bool, FileError> {
        let memory = match self.codec.memory() {
            Memory::None => 0,
            Memory::Frames(frames) | Memory::Anchored(frames) => 2 * frames,
        };
        for back in [memory, memory + NEAR_FRAMES] {
            let start = frame.saturating_sub(back);
            self.restart_empty(start, frame);
            if start == 0 {
                self.codec.rewind()?;
            } else if !self.codec.go_to(start)? {
                continue;
            }
            return match self.next_block() {
                Ok(found) => Ok(found && self.block_start <= frame),
                Err(FileError::Damaged { .. }) => Ok(false),
                Err(error) => Err(error),
            };
        }
        Ok(false)
    }

    /// The number of frames that can be read, less than `stated`.
    fn find_end(&mut self, stated: u64) -> Result<u64, FileError> {
        let (mut readable, mut missing) = (0, stated);
        while readable + 1 < missing {
            let middle = readable + (missing - readable) / 2;
            if self.can_read(middle)? {
                readable = self.block_end().clamp(middle + 1, missing);
            } else {
                missing = middle;
            }
        }
        Ok(readable)
    }
}

/// Rate and channels of the sound itself, whatever the container says.
fn look_at_sound(codec: &mut Codec) -> Result<(u32, usize), FileError> {
    let damaged = |what: String| FileError::Damaged { what };
    let mut block = Vec::new();
    let mut bad = 0;
    loop {
        match codec.next(0, &mut block)? {
            Some(decoded) if decoded.damaged && bad < MAX_BAD_PACKETS => bad += 1,
            Some(decoded) if !decoded.damaged => break,
            _ => return Err(damaged("none of its sound can be decoded".to_owned())),
        }
    }
    match codec.spec() {
        (rate, _) if !(1..=MAX_RATE_HZ).contains(&rate) => {
            Err(damaged(format!("its sample rate is {rate} Hz")))
        }
        (_, 0) => Err(damaged("it has no channels".to_owned())),
        (_, channels) if channels > MAX_CHANNELS => Err(FileError::Unsupported {
            what: format!("sound of {channels} channels"),
        }),
        spec => Ok(spec),
    }
}

fn container_name(short_name: &str) -> String {
    match short_name {
        "isomp4" => "MP4".to_owned(),
        "ogg" => "Ogg".to_owned(),
        "wave" => "WAV".to_owned(),
        name => name.to_uppercase(),
    }
}
