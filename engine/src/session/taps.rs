//! The recordings that the core fills.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use ossicle_io::ring::Cause;

use super::shared::{Shared, count};
use super::tap_ring::TapRing;
use crate::bridge::Lack;
use crate::record::Tap;

/// Runs of lost input on their way through the chain that are told apart; more are joined.
const MOST_RUNS: usize = 32;

/// All recordings of the core.
///
/// Frames that no device captured are lost in all of them: at the chain's output as much later as
/// the chain's latency.
pub(super) struct Taps {
    taps: Box<[TapRing]>,
    /// Frames of the chain's output so far, and the runs among those to come that are of lost input.
    passed: u64,
    runs: Runs,
    /// Why a device is away that captures, where that is known.
    away: Option<Cause>,
}

/// A run of frames that lack for one reason: its first and the one behind its last.
#[derive(Clone, Copy)]
struct Run {
    from: u64,
    until: u64,
    lack: Lack,
}

/// Runs of frames; never more than fit.
struct Runs {
    runs: [Run; MOST_RUNS],
    first: usize,
    count: usize,
}

impl Runs {
    fn new() -> Self {
        let empty = Run {
            from: 0,
            until: 0,
            lack: Lack::Missing,
        };
        Self {
            runs: [empty; MOST_RUNS],
            first: 0,
            count: 0,
        }
    }

    fn first(&self) -> Option<Run> {
        let run = self.runs.get(self.first).copied();
        run.filter(|_| self.count > 0)
    }

    fn pass(&mut self) {
        self.first = (self.first + 1) % MOST_RUNS;
        self.count = self.count.saturating_sub(1);
    }

    /// Adds a run behind the others; joins it with the last where they touch and lack for the same
    /// reason, or no more fit.
    fn add(&mut self, run: Run) {
        let last = (self.first + self.count + MOST_RUNS - 1) % MOST_RUNS;
        let is_full = self.count == MOST_RUNS;
        match self.runs.get_mut(last) {
            Some(last)
                if self.count > 0
                    && (is_full || last.until >= run.from && last.lack == run.lack) =>
            {
                last.until = last.until.max(run.until);
            }
            _ => {
                if let Some(place) = self.runs.get_mut((self.first + self.count) % MOST_RUNS) {
                    *place = run;
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
            runs: Runs::new(),
            away: None,
        }
    }

    /// Frames that wait in the first ring.
    pub(super) fn waiting_frames(&self) -> Option<u32> {
        let tap = self.taps.first()?;
        Some((tap.capacity_frames - tap.room_frames()) as u32)
    }

    /// Frames of the stream that nobody was called for.
    pub(super) fn lose(&mut self, frames: u64, cause: Cause) {
        for tap in &mut self.taps {
            tap.lose(frames, cause);
        }
    }

    /// Nothing comes any more: what was missing last is lost.
    pub(super) fn settle(&mut self) {
        self.taps.iter_mut().for_each(TapRing::settle);
    }

    /// What the first device captured, or that it is away.
    pub(super) fn input(&mut self, captured: Option<&[f32]>, frames: usize, shared: &Shared) {
        match captured {
            Some(captured) => self.write(Tap::Input, captured, shared),
            None => {
                let lack = Lack::Away(shared.away_cause());
                self.lack_at(Tap::Input, frames as u64, lack, shared);
            }
        }
    }

    /// What goes into the chain, and which of its frames nobody captured, where there are any;
    /// `away` is why a device is away, where that is known, `latency_frames` the chain's.
    pub(super) fn pre(
        &mut self,
        input: &[f32],
        lacks: Option<(&[Option<Lack>], Option<Cause>)>,
        latency_frames: u64,
        shared: &Shared,
    ) {
        let Some((lacks, away)) = lacks else {
            return self.write(Tap::Pre, input, shared);
        };
        self.away = away;
        let channels = input.len() / lacks.len().max(1);
        let (mut rest, mut from) = (input, self.passed + latency_frames);
        for same in lacks.chunk_by(|one, other| one == other) {
            let (now, later) = rest.split_at((same.len() * channels).min(rest.len()));
            let until = from + same.len() as u64;
            match same.first().copied().flatten() {
                None => self.write(Tap::Pre, now, shared),
                Some(lack) => {
                    self.lack_at(Tap::Pre, until - from, lack, shared);
                    self.runs.add(Run { from, until, lack });
                }
            }
            (rest, from) = (later, until);
        }
    }

    /// What comes out of the chain.
    pub(super) fn post(&mut self, output: &[f32], frames: usize, shared: &Shared) {
        let channels = output.len() / frames.max(1);
        let end = self.passed + frames as u64;
        let mut rest = output;
        while self.passed < end {
            while self
                .runs
                .first()
                .is_some_and(|run| run.until <= self.passed)
            {
                self.runs.pass();
            }
            let run = self.runs.first();
            let lack = run
                .filter(|run| run.from <= self.passed)
                .map(|run| run.lack);
            let stop = match run {
                Some(run) if lack.is_some() => run.until.min(end),
                Some(run) => run.from.min(end),
                None => end,
            };
            let now = (stop - self.passed) as usize;
            let (sound, later) = rest.split_at((now * channels).min(rest.len()));
            match lack {
                Some(lack) => self.lack_at(Tap::Post, now as u64, lack, shared),
                None => self.write(Tap::Post, sound, shared),
            }
            rest = later;
            self.passed = stop;
        }
    }

    fn write(&mut self, point: Tap, frames: &[f32], shared: &Shared) {
        let taps = self.taps.iter_mut().filter(|tap| tap.tap == point);
        // A frame that several recordings lost is lost once.
        let lost = taps.map(|tap| tap.write(frames)).max();
        count(&shared.overrun_frames, lost.unwrap_or(0));
    }

    fn lack_at(&mut self, point: Tap, frames: u64, lack: Lack, shared: &Shared) {
        let mut taps = self
            .taps
            .iter_mut()
            .filter(|tap| tap.tap == point)
            .peekable();
        if taps.peek().is_none() {
            return;
        }
        // What a device lost, and what was missing, is counted where it was.
        if let Lack::Away(_) = lack {
            count(&shared.overrun_frames, frames);
        }
        taps.for_each(|tap| tap.lack(frames, lack, self.away));
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
        let mut taps = Taps::new(vec![TapRing::new(Tap::Post, ring, 48_000)]);
        let shared = Shared::new(None);
        for block in 0..6u16 {
            // The last two frames of the first block that lacks are there.
            let lack = |frame| {
                let is_away = block == 1 && frame < 3 || block == 2;
                is_away.then(|| Lack::Away(shared.away_cause()))
            };
            let lacks: [_; 5] = std::array::from_fn(lack);
            let sound: Vec<f32> = (0..5).map(|n| f32::from(5 * block + n)).collect();
            taps.pre(&sound, Some((&lacks, None)), 3, &shared);
            taps.post(&sound, 5, &shared);
        }
        let mut got = Vec::new();
        let mut sound = [0.0; 100];
        while let Some(piece) = reader.next_piece(&mut sound) {
            got.push(piece);
        }
        let lost = |position, frames| Piece::Lost {
            position,
            frames,
            cause: Cause::DeviceGone,
        };
        let sounds = |frames| Piece::Audio { frames };
        let wanted = [sounds(8), lost(8, 3), sounds(2), lost(13, 5), sounds(12)];
        assert_eq!(got, wanted);
        assert_eq!(sound[0], 18.0);
    }
}
