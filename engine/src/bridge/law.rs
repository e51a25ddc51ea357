//! Where a bridge reads: by the drift loop, or in fixed steps where both sides have one clock.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use ossicle_dsp::clock::{DriftLoop, Read};

use super::Mark;

/// Periods by which a reader of the same clock may be behind before it moves up.
const BEHIND_PERIODS: u64 = 3;

pub(super) enum Law {
    Drift(Box<DriftLoop>),
    OneClock(OneClock),
}

impl Law {
    pub(super) fn mark(&mut self, mark: &Mark) {
        match self {
            Self::Drift(drift) => {
                if let Some(error) = mark.back {
                    drift.writer_is_back(error);
                }
                drift.came(mark.end, mark.frames as usize, mark.time_ns, mark.spent_ns);
            }
            Self::OneClock(one) => one.written = mark.end,
        }
    }

    pub(super) fn read(&mut self, end: u64, time_ns: u64, frames: usize) -> Option<Read> {
        match self {
            Self::Drift(drift) => drift.read(end, time_ns, frames),
            Self::OneClock(one) => one.read(frames as u64),
        }
    }

    pub(super) fn reader_is_back(&mut self, error: Option<f64>) {
        if let Self::Drift(drift) = self {
            drift.reader_is_back(error);
        }
    }
}

/// Two streams that one clock calls, one behind the other in each cycle: the frames of the one are
/// those of the other, a period later.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OneClock {
    pub(super) period: u64,
    written: u64,
    /// Where the next read begins.
    next: Option<u64>,
}

impl OneClock {
    pub(super) fn new(period: usize) -> Self {
        Self {
            period: period as u64,
            ..Self::default()
        }
    }

    fn read(&mut self, frames: u64) -> Option<Read> {
        let there = self.written;
        let fits = |next: &u64| {
            let end = next + frames;
            end <= there && there - end <= BEHIND_PERIODS * self.period
        };
        let kept = self.next.filter(fits);
        let frame = match kept {
            Some(next) => next,
            None => there.checked_sub(self.period + frames)?,
        };
        self.next = Some(frame + frames);
        Some(Read {
            frame,
            fraction: 0.0,
            jump: kept.is_none(),
            step_from: 1.0,
            step_to: 1.0,
        })
    }
}
