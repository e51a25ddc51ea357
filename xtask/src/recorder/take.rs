//! A take as the bytes that are there, and the account of the counter signal in it.

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use xtask::peers::jack::{COUNTER_PERIOD, COUNTER_STEP};

/// Bytes of a sample of 32-bit float.
const SAMPLE: usize = 4;

/// A WAV file of 32-bit float, whatever its header claims.
#[derive(Debug)]
pub struct Take {
    bytes: Vec<u8>,
    channels: usize,
    /// Where the samples begin.
    begin: usize,
    /// Frames that the header claims.
    pub claimed: u64,
}

impl Take {
    /// Reads the header as far as it is needed, and all that follows.
    ///
    /// # Errors
    /// When the file cannot be read, or is no WAV of 32-bit float up to its samples.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
        Self::parse(bytes).with_context(|| path.display().to_string())
    }

    /// The same of bytes.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(bytes: Vec<u8>) -> Result<Self> {
        let word = |at: usize| -> Option<u32> {
            let word = bytes.get(at..at + 4)?;
            Some(u32::from_le_bytes(word.try_into().ok()?))
        };
        ensure!(bytes.get(8..12) == Some(b"WAVE"), "no WAVE header");
        let (mut at, mut channels, mut long) = (12, None, None);
        loop {
            let (Some(name), Some(size)) = (bytes.get(at..at + 4), word(at + 4)) else {
                bail!("no samples");
            };
            let begin = at + 8;
            match name {
                b"ds64" => {
                    let [low, high] = [begin + 8, begin + 12].map(|at| word(at).unwrap_or(0));
                    long = Some(u64::from(high) << 32 | u64::from(low));
                }
                b"fmt " => {
                    let shape = word(begin).context("no format")?;
                    let width = word(begin + 12).context("no format")? >> 16;
                    ensure!(width == 32, "{width} bits a sample");
                    channels = Some((shape >> 16) as usize);
                }
                b"data" => {
                    let channels = channels.context("samples without a format")?;
                    ensure!(channels > 0, "no channels");
                    let claimed = match (size, long) {
                        (u32::MAX, Some(long)) => long,
                        _ => u64::from(size),
                    };
                    return Ok(Self {
                        claimed: claimed / (channels * SAMPLE) as u64,
                        bytes,
                        channels,
                        begin,
                    });
                }
                _ => {}
            }
            at = begin + size as usize + (size as usize & 1);
        }
    }

    /// Frames that are in the file, claimed or not.
    pub fn present(&self) -> u64 {
        ((self.bytes.len() - self.begin) / (self.channels * SAMPLE)) as u64
    }

    /// What the header claims is there.
    pub fn is_true(&self) -> bool {
        self.claimed <= self.present()
    }

    /// The account of the first `frames` frames.
    pub fn account(&self, frames: u64) -> Account {
        let mut account = Account::default();
        let size = self.channels * SAMPLE;
        let frames = usize::try_from(frames).unwrap_or(usize::MAX);
        for frame in self.bytes[self.begin..].chunks_exact(size).take(frames) {
            account.hear(heard(frame.as_chunks::<SAMPLE>().0));
        }
        account
    }

    /// Whether so many frames from `position` on are there and silent.
    pub fn is_silent(&self, position: u64, frames: u64) -> bool {
        let size = (self.channels * SAMPLE) as u64;
        let begin = self.begin as u64 + position * size;
        let range = usize::try_from(begin)
            .ok()
            .zip(usize::try_from(begin + frames * size).ok());
        let bytes = range.and_then(|(begin, end)| self.bytes.get(begin..end));
        bytes.is_some_and(|bytes| bytes.iter().all(|byte| *byte == 0))
    }
}

/// What one frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frame {
    Silence,
    /// Of the counter: its number.
    Number(u32),
    /// Of the counter or silence on every channel, but not of one number.
    Torn,
    /// Silence on some channels, the counter on others.
    Half,
    Strange,
}

/// A frame of the counter is whole steps on channel 0, and plus or minus that on the others.
fn heard(samples: &[[u8; SAMPLE]]) -> Frame {
    let (mut first, mut is_torn, mut is_half) = (None, false, false);
    for (channel, bytes) in samples.iter().enumerate() {
        let value = f32::from_le_bytes(*bytes);
        let value = if channel % 2 == 0 { value } else { -value };
        let Some(number) = number(value) else {
            return Frame::Strange;
        };
        let first = *first.get_or_insert(number);
        is_torn |= first != number;
        is_half |= (first == 0) != (number == 0);
    }
    match first.unwrap_or(0).checked_sub(1) {
        _ if is_half => Frame::Half,
        _ if is_torn => Frame::Torn,
        Some(number) => Frame::Number(number),
        None => Frame::Silence,
    }
}

/// Steps of a sample of channel 0: 0 of silence, 1 and more of the counter, `None` of anything else.
fn number(sample: f32) -> Option<u32> {
    let steps = sample / COUNTER_STEP;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "checked to be a whole number from 0 to 2^23"
    )]
    (steps.fract() == 0.0 && (0.0..=COUNTER_PERIOD as f32).contains(&steps)).then_some(steps as u32)
}

/// A place where the counter does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Frame of the file.
    pub position: u64,
    /// Frames of silence there.
    pub silence: u64,
    /// Numbers of the counter that passed meanwhile.
    pub passed: u64,
}

impl Gap {
    /// Numbers that passed, negative where more than half of the counter's period did: it went back
    /// then, or began anew.
    fn forward(self) -> i64 {
        let period = i64::from(COUNTER_PERIOD);
        let passed = self.passed.cast_signed();
        if passed < period / 2 {
            passed
        } else {
            passed - period
        }
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            position,
            silence,
            passed,
        } = self;
        write!(f, "at {position} {silence} for {passed}")
    }
}

/// The counter followed through a take.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Frames in all.
    pub frames: u64,
    /// Frames of the counter.
    pub heard: u64,
    /// Frames that are neither the counter nor silence.
    pub strange: u64,
    /// Frames of which one channel is later than another: the source was late and the server tells
    /// of an xrun.
    pub torn: u64,
    /// Those of them of which a channel is silent.
    pub half: u64,
    /// Places where the counter does not go on, between its first and last frame.
    pub gaps: Vec<Gap>,
    /// First and last number, the last with its frame.
    pub first: Option<u32>,
    last: Option<(u32, u64)>,
}

impl Account {
    fn hear(&mut self, frame: Frame) {
        match frame {
            Frame::Silence => {}
            Frame::Strange => self.strange += 1,
            Frame::Torn => self.torn += 1,
            Frame::Half => {
                self.torn += 1;
                self.half += 1;
            }
            Frame::Number(number) => {
                self.heard += 1;
                self.first.get_or_insert(number);
                if let Some((last, position)) = self.last {
                    let gap = Gap {
                        position: position + 1,
                        silence: self.frames - position - 1,
                        passed: u64::from(between(last, number)),
                    };
                    if (gap.silence, gap.passed) != (0, 0) {
                        self.gaps.push(gap);
                    }
                }
                self.last = Some((number, self.frames));
            }
        }
        self.frames += 1;
    }

    /// The last number of the counter.
    pub fn last(&self) -> Option<u32> {
        self.last.map(|(number, _)| number)
    }

    /// Frames of silence in all gaps, and numbers that passed in them.
    pub fn silence_and_passed(&self) -> (u64, u64) {
        let add = |sum: (u64, u64), gap: &Gap| (sum.0 + gap.silence, sum.1 + gap.passed);
        self.gaps.iter().fold((0, 0), add)
    }

    /// Frames of the source for which there is nothing in the file. Source and recorder may be apart by
    /// up to `slack` frames, now this way and now that.
    pub fn lost(&self, slack: u64) -> u64 {
        let slack = slack.cast_signed();
        let (mut apart, mut lost) = (0_i64, 0);
        for gap in &self.gaps {
            apart += gap.silence.cast_signed() - gap.forward();
            lost += (-slack - apart).max(0).unsigned_abs();
            apart = apart.clamp(-slack, slack);
        }
        lost
    }
}

/// Numbers of the counter between two that are not neighbours.
pub fn between(last: u32, next: u32) -> u32 {
    (next + COUNTER_PERIOD - last + COUNTER_PERIOD - 1) % COUNTER_PERIOD
}

/// A stereo WAV of numbers of the counter and of silence.
#[cfg(test)]
pub fn wav(numbers: &[Option<u32>]) -> Vec<u8> {
    use xtask::peers::jack::counter;

    let mut bytes = b"RIFF\0\0\0\0WAVEJUNK\x03\0\0\0abc\0fmt \x10\0\0\0\x03\0\x02\0".to_vec();
    let size = u32::try_from(numbers.len() * 8).unwrap();
    for word in [
        48_000,
        384_000,
        32 << 16 | 8,
        u32::from_le_bytes(*b"data"),
        size,
    ] {
        bytes.extend(u32::to_le_bytes(word));
    }
    for number in numbers {
        let sample = |port| number.map_or(0.0, |number| counter(number, port));
        bytes.extend([sample(0), sample(1)].map(f32::to_le_bytes).concat());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use xtask::peers::jack::counter;

    use super::{Account, COUNTER_PERIOD, Frame, Gap, Take, between, heard, wav};

    #[test]
    fn silence_that_replaces_frames_and_frames_that_are_gone_are_told_apart() {
        let mut account = Account::default();
        let numbers = [5, 6, 9, 10].map(Frame::Number);
        let filled = [Frame::Silence; 2];
        let rest = [Frame::Number(13), Frame::Number(20), Frame::Strange];
        let all = [&numbers[..], &filled, &rest].concat();
        all.into_iter().for_each(|frame| account.hear(frame));
        let gap = |position, silence, passed| Gap {
            position,
            silence,
            passed,
        };
        assert_eq!(account.gaps, [gap(2, 0, 2), gap(4, 2, 2), gap(7, 0, 6)]);
        assert_eq!(
            (
                account.lost(0),
                account.lost(4),
                account.strange,
                account.heard
            ),
            (8, 4, 1, 6)
        );
        assert_eq!(between(COUNTER_PERIOD - 1, 0), 0);
    }

    #[test]
    fn what_is_not_the_counter_is_strange_and_what_is_half_of_it_is_torn() {
        let frame = |samples: [f32; 2]| heard(&samples.map(f32::to_le_bytes));
        let [left, right] = [0, 1].map(|port| counter(41, port));
        assert_eq!(frame([left, right]), Frame::Number(41));
        assert_eq!(frame([0.0, 0.0]), Frame::Silence);
        assert_eq!(frame([left, counter(40, 1)]), Frame::Torn);
        assert_eq!(frame([left, 0.0]), Frame::Half);
        assert_eq!(frame([0.0, right]), Frame::Half);
        assert_eq!(frame([left, left]), Frame::Strange);
        assert_eq!(frame([left * 0.7, right * 0.7]), Frame::Strange);
        assert_eq!(frame([1.0, -1.0]), Frame::Strange);
    }

    #[test]
    fn a_take_is_read_past_what_its_header_claims() {
        let numbers: Vec<Option<u32>> = (7..10).map(Some).collect();
        let mut bytes = wav(&numbers);
        let at = bytes.windows(4).position(|word| word == b"data").unwrap();
        bytes[at + 4] = 8;
        let take = Take::parse(bytes).unwrap();
        assert_eq!((take.claimed, take.present()), (1, 3));
        let account = take.account(u64::MAX);
        assert_eq!(
            (account.first, account.last(), account.heard),
            (Some(7), Some(9), 3)
        );
        assert!(account.gaps.is_empty());
    }
}
