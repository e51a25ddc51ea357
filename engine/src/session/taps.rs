//! The recordings that the core fills.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use ossicle_io::ring::{Cause, FrameWriter};

use super::shared::{Shared, count};
use crate::record::Tap;

/// Runs of lost input on their way through the chain that are told apart; more are joined.
const MOST_RUNS: usize = 32;

/// A recording's ring and where its sound is taken.
pub(super) struct TapRing {
    pub(super) tap: Tap,
    pub(super) ring: FrameWriter,
    pub(super) capacity_frames: usize,
}

/// All recordings of the core.
///
/// While no device is there to capture, the frames of that time are lost in all of them: at the
/// chain's output as much later as the chain's latency.
pub(super) struct Taps {
    taps: Box<[TapRing]>,
    /// Frames of the chain's output so far, and the runs among those to come that are of lost input.
    passed: u64,
    runs: Runs,
}

/// Runs of frames, each as its first and the one behind its last; never more than fit.
#[derive(Default)]
struct Runs {
    runs: [(u64, u64); MOST_RUNS],
    first: usize,
    count: usize,
}

impl Runs {
    fn first(&self) -> Option<(u64, u64)> {
        let run = self.runs.get(self.first).copied();
        run.filter(|_| self.count > 0)
    }

    fn pass(&mut self) {
        self.first = (self.first + 1) % MOST_RUNS;
        self.count = self.count.saturating_sub(1);
    }

    /// Adds a run behind the others; joins it with the last where they touch, or no more fit.
    fn add(&mut self, from: u64, until: u64) {
        let last = (self.first + self.count + MOST_RUNS - 1) % MOST_RUNS;
        let is_full = self.count == MOST_RUNS;
        match self.runs.get_mut(last) {
            Some(run) if self.count > 0 && (run.1 >= from || is_full) => run.1 = run.1.max(until),
            _ => {
                if let Some(run) = self.runs.get_mut((self.first + self.count) % MOST_RUNS) {
                    *run = (from, until);
                    self.count += 1;
                }
            }
        }
    }
}

impl Taps {
    pub(super) fn new(taps: Vec<TapRing>) -> Self {
        Self {
            taps: taps.into(),
            passed: 0,
            runs: Runs::default(),
        }
    }

    /// Frames that wait in the first ring.
    pub(super) fn waiting_frames(&self) -> Option<u32> {
        let tap = self.taps.first()?;
        Some((tap.capacity_frames - tap.ring.room_frames()) as u32)
    }

    /// Frames of the stream that nobody was called for.
    pub(super) fn lose(&mut self, frames: u64, cause: Cause) {
        for tap in &mut self.taps {
            tap.ring.lose(frames, cause);
        }
    }

    /// What the first device captured, or that it is away.
    pub(super) fn input(&mut self, captured: Option<&[f32]>, frames: usize, shared: &Shared) {
        match captured {
            Some(captured) => self.write(Tap::Input, captured, shared),
            None => self.lose_at(Tap::Input, frames as u64, shared),
        }
    }

    /// What goes into the chain, or that nobody captures it; `latency_frames` is the chain's.
    pub(super) fn pre(
        &mut self,
        input: &[f32],
        frames: usize,
        is_away: bool,
        latency_frames: u64,
        shared: &Shared,
    ) {
        if !is_away {
            return self.write(Tap::Pre, input, shared);
        }
        self.lose_at(Tap::Pre, frames as u64, shared);
        let from = self.passed + latency_frames;
        self.runs.add(from, from + frames as u64);
    }

    /// What comes out of the chain.
    pub(super) fn post(&mut self, output: &[f32], frames: usize, shared: &Shared) {
        let channels = output.len() / frames.max(1);
        let end = self.passed + frames as u64;
        let mut rest = output;
        while self.passed < end {
            while self.runs.first().is_some_and(|run| run.1 <= self.passed) {
                self.runs.pass();
            }
            let (from, until) = self.runs.first().unwrap_or((end, end));
            let is_lost = from <= self.passed;
            let stop = if is_lost {
                until.min(end)
            } else {
                from.min(end)
            };
            let now = (stop - self.passed) as usize;
            let (sound, later) = rest.split_at((now * channels).min(rest.len()));
            if is_lost {
                self.lose_at(Tap::Post, now as u64, shared);
            } else {
                self.write(Tap::Post, sound, shared);
            }
            rest = later;
            self.passed = stop;
        }
    }

    fn write(&mut self, point: Tap, frames: &[f32], shared: &Shared) {
        let taps = self.taps.iter_mut().filter(|tap| tap.tap == point);
        // A frame that several recordings lost is lost once.
        let lost = taps.map(|tap| tap.ring.write(frames)).max();
        count(&shared.overrun_frames, lost.unwrap_or(0));
    }

    fn lose_at(&mut self, point: Tap, frames: u64, shared: &Shared) {
        let mut taps = self
            .taps
            .iter_mut()
            .filter(|tap| tap.tap == point)
            .peekable();
        if taps.peek().is_none() {
            return;
        }
        count(&shared.overrun_frames, frames);
        taps.for_each(|tap| tap.ring.lose(frames, shared.away_cause()));
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests are ordinary threads")]
mod tests {
    use super::*;
    use ossicle_io::ring::{Piece, frame_ring};

    #[test]
    fn input_that_was_lost_is_lost_behind_the_chain_as_much_later_as_its_latency() {
        let (ring, mut reader) = frame_ring(1, 100);
        let tap = Tap::Post;
        let mut taps = Taps::new(vec![TapRing {
            tap,
            ring,
            capacity_frames: 100,
        }]);
        let shared = Shared::new(None);
        for block in 0..6u16 {
            let is_away = block == 1 || block == 2;
            let sound: Vec<f32> = (0..5).map(|n| f32::from(5 * block + n)).collect();
            taps.pre(&sound, 5, is_away, 3, &shared);
            taps.post(&sound, 5, &shared);
        }
        let mut got = Vec::new();
        let mut sound = [0.0; 100];
        while let Some(piece) = reader.next_piece(&mut sound) {
            got.push(piece);
        }
        let lost = Piece::Lost {
            position: 8,
            frames: 10,
            cause: Cause::DeviceGone,
        };
        let sounds = |frames| Piece::Audio { frames };
        assert_eq!(got, [sounds(8), lost, sounds(12)]);
        assert_eq!(sound[0], 18.0);
    }
}
