//! What the writer has drawn from the take's memory: dithered, and looked through for pauses.

use std::collections::VecDeque;

use ossicle_dsp::dither::Ditherer;

use super::config::Split;
use super::memory::Held;
use super::splitter::Splitter;
use super::take::Take;

/// Frames drawn at once.
const PIECE_FRAMES: usize = 16_384;

/// The frames drawn last.
///
/// A file may fall back to what it last made sure of; then they are drawn again, and are the same:
/// of the dither it is remembered how it stood.
pub(super) struct Drawn {
    channels: usize,
    samples: Vec<f32>,
    /// Position in the take of the first frame, and how many there are.
    first: u64,
    frames: usize,
    ditherer: Option<Ditherer>,
    /// How the dither stood at the starts of draws, in order.
    before: VecDeque<(u64, Ditherer)>,
    splitter: Splitter,
    /// Frames that were looked through.
    looked: u64,
}

impl Drawn {
    pub(super) fn new(
        channels: usize,
        ditherer: Option<Ditherer>,
        split: Option<Split>,
        sample_rate_hz: u32,
    ) -> Self {
        Self {
            channels,
            samples: vec![0.0; PIECE_FRAMES * channels],
            first: 0,
            frames: 0,
            ditherer,
            before: VecDeque::new(),
            splitter: Splitter::new(split, sample_rate_hz),
            looked: 0,
        }
    }

    /// Makes sure that frames from `position` on are drawn, if there are any; returns how many are.
    pub(super) fn draw(&mut self, take: &Take, position: u64) -> usize {
        let mut end = self.first + self.frames as u64;
        if position < self.first {
            end = self.go_back(position);
        }
        // What lies before what is wanted is drawn for the dither's sake.
        while end <= position && end < take.frames() {
            let frames = self.draw_at(take, end);
            if frames == 0 {
                return 0;
            }
            end += frames as u64;
        }
        end.saturating_sub(position) as usize
    }

    /// Frames that were drawn.
    pub(super) fn frames(&self, position: u64, frames: usize) -> &[f32] {
        let from = (position - self.first) as usize * self.channels;
        &self.samples[from..from + frames * self.channels]
    }

    /// Where the file that begins at `first` is to end, as far as is known.
    pub(super) fn split_after(&mut self, first: u64) -> u64 {
        self.splitter.end_of(first)
    }

    /// The first frame that may have to be drawn again when the files hold `written` for sure.
    pub(super) fn keep_from(&mut self, written: u64) -> u64 {
        while self.before.get(1).is_some_and(|(at, _)| *at <= written) {
            self.before.pop_front();
        }
        let first = self.before.front().map_or(written, |(at, _)| *at);
        first.min(written)
    }

    /// Goes back to a draw that began by `position`; returns where.
    fn go_back(&mut self, position: u64) -> u64 {
        while self.before.len() > 1 && self.before.back().is_some_and(|(at, _)| *at > position) {
            self.before.pop_back();
        }
        let start = match self.before.pop_back() {
            Some((at, ditherer)) => {
                self.ditherer = Some(ditherer);
                at
            }
            None => position,
        };
        (self.first, self.frames) = (start, 0);
        start
    }

    fn draw_at(&mut self, take: &Take, position: u64) -> usize {
        let (frames, is_sound) = match take.copy_from_memory(position, &mut self.samples) {
            Held::Sound(frames) => (frames, true),
            Held::Lost(frames) => (frames, false),
            Held::Nothing => return 0,
        };
        let samples = &mut self.samples[..frames * self.channels];
        let end = position + frames as u64;
        if end > self.looked {
            let fresh = (end - self.looked).min(frames as u64) as usize;
            if is_sound {
                let from = (frames - fresh) * self.channels;
                self.splitter.look(&samples[from..], self.channels);
            } else {
                self.splitter.pass(fresh as u64);
            }
            self.looked = end;
        }
        if let Some(ditherer) = &mut self.ditherer {
            self.before.push_back((position, ditherer.clone()));
            if is_sound {
                ditherer.process(samples);
            }
        }
        (self.first, self.frames) = (position, frames);
        frames
    }
}
