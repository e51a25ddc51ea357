//! The last frames of a stream, lost ones included, before it is known whether they are recorded.

use std::collections::VecDeque;

use ossicle_io::ring::Cause;
use ringbuf::HeapRb;
use ringbuf::traits::Observer;

use super::Passed;

/// Frames handed out at once.
const PIECE_FRAMES: usize = 4096;

/// The last frames of a stream, up to a fixed number: new ones take the place of the oldest.
pub(super) struct History {
    /// Lost frames stand in it as silence.
    samples: HeapRb<f32>,
    channels: usize,
    /// Stream position of the oldest frame, and of the frame behind the newest.
    first: u64,
    end: u64,
    losses: VecDeque<Loss>,
    scratch: Vec<f32>,
}

struct Loss {
    position: u64,
    frames: u64,
    cause: Cause,
}

impl History {
    /// Keeps so many frames; nothing where there is no memory for them.
    pub(super) fn new(channels: usize, frames: u64) -> Option<Self> {
        let frames = usize::try_from(frames.max(1)).ok()?;
        Some(Self {
            samples: HeapRb::try_new(frames.checked_mul(channels)?).ok()?,
            channels,
            first: 0,
            end: 0,
            losses: VecDeque::new(),
            scratch: vec![0.0; PIECE_FRAMES * channels],
        })
    }

    /// Stream position of the oldest frame.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// Forgets all; the next frame is at `position` of the stream.
    pub(super) fn restart(&mut self, position: u64) {
        self.samples.clear();
        self.losses.clear();
        (self.first, self.end) = (position, position);
    }

    /// Keeps frames.
    pub(super) fn audio(&mut self, interleaved: &[f32]) {
        self.samples.push_slice_overwrite(interleaved);
        self.move_on((interleaved.len() / self.channels) as u64);
    }

    /// Keeps that frames were lost.
    pub(super) fn lost(&mut self, frames: u64, cause: Cause) {
        let position = self.end;
        self.losses.push_back(Loss {
            position,
            frames,
            cause,
        });
        let capacity = (self.samples.capacity().get() / self.channels) as u64;
        let mut left = frames.min(capacity) as usize;
        self.scratch.fill(0.0);
        while left > 0 {
            let now = left.min(PIECE_FRAMES);
            self.samples
                .push_slice_overwrite(&self.scratch[..now * self.channels]);
            left -= now;
        }
        self.move_on(frames);
    }

    fn move_on(&mut self, frames: u64) {
        self.end += frames;
        self.first = self.end - (self.samples.occupied_len() / self.channels) as u64;
        while let Some(oldest) = self.losses.front()
            && oldest.position + oldest.frames <= self.first
        {
            self.losses.pop_front();
        }
    }

    /// Gives out all from `from` on, in order, with its position in the stream, and is empty then.
    pub(super) fn drain(&mut self, from: u64, mut out: impl FnMut(u64, Passed<'_>)) {
        self.skip(from.saturating_sub(self.first));
        while self.first < self.end {
            let loss = self.losses.front();
            if let Some(loss) = loss.filter(|loss| loss.position <= self.first) {
                let (first, cause) = (self.first, loss.cause);
                let frames = loss.position + loss.frames - first;
                self.losses.pop_front();
                if frames > 0 {
                    self.skip(frames);
                    out(first, Passed::Lost { frames, cause });
                }
                continue;
            }
            let until = loss.map_or(self.end, |loss| loss.position);
            let frames = (until - self.first).min(PIECE_FRAMES as u64);
            let piece = &mut self.scratch[..frames as usize * self.channels];
            self.samples.pop_slice(piece);
            out(self.first, Passed::Audio(piece));
            self.first += frames;
        }
        self.losses.clear();
    }

    fn skip(&mut self, frames: u64) {
        let frames = frames.min(self.end - self.first);
        self.samples.skip(frames as usize * self.channels);
        self.first += frames;
        while let Some(oldest) = self.losses.front()
            && oldest.position + oldest.frames <= self.first
        {
            self.losses.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::record::gate::{Gate, GateConfig, Lead, Place};

    #[test]
    fn a_preroll_that_no_memory_holds_is_refused_with_what_is_allowed() {
        for (seconds, channels, fits) in [(10.0, 2, true), (3600.0, 128, false), (1e18, 1, false)] {
            let config = GateConfig {
                preroll_seconds: seconds,
                ..GateConfig::default()
            };
            let place = Place::First(Arc::new(Lead::new(48_000)));
            let gate = Gate::new(&config, place, channels, 48_000, Arc::default());
            let error = gate.err().map(|error| error.to_string());
            assert_eq!(error.is_none(), fits, "{error:?}");
            let says = |words: &str| error.iter().all(|error| error.contains(words));
            assert!(
                says(&format!("{seconds} s")) && says("allowed: 8589934592"),
                "{error:?}"
            );
        }
    }
}
