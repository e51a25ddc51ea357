//! Where a bridge reads: by the drift loop, or in fixed steps where both sides have one clock.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use ossicle_dsp::clock::{DriftLoop, LoopSpec, Read};

use super::Mark;

/// Periods by which a reader of the same clock may be behind before it moves up.
const BEHIND_PERIODS: u64 = 3;

pub(super) enum Law {
    Drift(Box<Drift>),
    OneClock(OneClock),
}

impl Law {
    pub(super) fn mark(&mut self, mark: &Mark) {
        match self {
            Self::Drift(drift) => drift.mark(mark),
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
            drift.to_end = None;
            drift.steady.reader_is_back(error);
        }
    }
}

/// The drift loop, and what it need not find out: the reader's lost frames, and that two blocks in a
/// row are how long they are now.
pub(super) struct Drift {
    pub(super) steady: DriftLoop,
    spec: LoopSpec,
    /// End of the last read in the reader's frames.
    to_end: Option<u64>,
    /// Frames of the writer's last call, and those that its last two had at least.
    block: f64,
    blocks: f64,
    /// The least delay that others ask for, in nanoseconds.
    least_ns: f64,
}

impl Drift {
    pub(super) fn new(steady: DriftLoop, spec: LoopSpec) -> Self {
        Self {
            steady,
            spec,
            to_end: None,
            block: 0.0,
            blocks: 0.0,
            least_ns: 0.0,
        }
    }

    /// Reads no earlier than so long behind the writer.
    pub(super) fn wait_for_ns(&mut self, nanoseconds: f64) {
        self.least_ns = nanoseconds;
    }

    /// The least delay that is enough, in nanoseconds.
    pub(super) fn needed_ns(&self) -> f64 {
        self.steady.needed_ns().max(self.longer_ns().unwrap_or(0.0))
    }

    /// How long a frame of the reader's is, in nanoseconds.
    pub(super) fn to_frame_ns(&self) -> f64 {
        1e9 / self.spec.to_hz / (1.0 + self.steady.errors().1)
    }

    /// What blocks need that are longer than the loop knows, once it reads.
    fn longer_ns(&self) -> Option<f64> {
        if !self.steady.is_reading() {
            return None;
        }
        let frames = self.blocks + self.spec.ahead_frames + self.steady.margin_frames();
        let frame_ns = 1e9 / self.spec.from_hz / (1.0 + self.steady.errors().0);
        Some(frames * frame_ns).filter(|&longer_ns| longer_ns > self.steady.needed_ns() + frame_ns)
    }

    fn mark(&mut self, mark: &Mark) {
        if let Some(error) = mark.back {
            self.steady.writer_is_back(error);
            (self.block, self.blocks) = (0.0, 0.0);
        }
        let frames = mark.frames as usize;
        self.steady
            .came(mark.end, frames, mark.time_ns, mark.spent_ns);
        let block = core::mem::replace(&mut self.block, frames as f64);
        self.blocks = block.min(self.block);
    }

    fn read(&mut self, end: u64, time_ns: u64, frames: usize) -> Option<Read> {
        let longer_ns = self.longer_ns().unwrap_or(0.0);
        self.steady.set_least_delay_ns(self.least_ns.max(longer_ns));
        let begin = end.wrapping_sub(frames as u64);
        let lost = self
            .to_end
            .map_or(0, |to_end| begin.wrapping_sub(to_end).cast_signed().max(0));
        self.to_end = Some(end);
        if lost > 0 {
            // What was lost is read as well, as late as what comes now, and not heard.
            let before_ns = (frames as f64 * self.to_frame_ns()) as u64;
            let time_ns = time_ns.wrapping_sub(before_ns);
            self.steady.read(begin, time_ns, lost as usize);
        }
        let mut read = self.steady.read(end, time_ns, frames)?;
        read.jump |= lost > 0;
        Some(read)
    }
}

/// Two streams that one clock calls, one behind the other in each cycle: the frames of the one are
/// those of the other, a period later.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct OneClock {
    pub(super) period: u64,
    /// The delay with what others wait for.
    pub(super) told: u64,
    written: u64,
    /// Where the next read begins.
    next: Option<u64>,
}

impl OneClock {
    pub(super) fn new(period: usize) -> Self {
        Self {
            period: period as u64,
            told: period as u64,
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
