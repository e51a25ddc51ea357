//! The frames that a reader keeps for calls that come late.

/// Frames kept beyond the lateness.
const SPARE_FRAMES: f64 = 4.0;
/// A first margin is so much more than what is needed, since little was seen.
const FIRST: f64 = 1.25;
/// A margin that was too small becomes so much more than the lateness.
const MORE: f64 = 0.1;
/// A margin is made smaller once so much of it is not needed, at this speed in parts.
const UNUSED: f64 = 0.3;
const UNUSED_FRAMES: f64 = 12.0;
const SPEED: f64 = 8e-6;
/// The same of one that another session found out: 20 ms in 50 s. Nobody hears a pitch that is off by
/// less than a cent, which is 578e-6, and no sound is skipped.
const OLD_SPEED: f64 = 400e-6;

/// A margin: up at once, down slowly.
#[derive(Clone, Copy, Debug)]
pub(super) struct Margin {
    frames: f64,
    /// What was needed last.
    needed: f64,
    /// It is of another session, and nothing since has confirmed it.
    is_old: bool,
}

impl Margin {
    /// Nothing is known, or what another session found out.
    pub(super) fn new(learned_frames: Option<f64>) -> Self {
        Self {
            frames: learned_frames.map_or(0.0, |frames| frames.max(0.0)),
            needed: 0.0,
            is_old: learned_frames.is_some(),
        }
    }

    /// What was learned is of a moment ago.
    pub(super) fn confirm(&mut self) {
        self.is_old = false;
    }

    pub(super) fn frames(&self) -> f64 {
        self.frames
    }

    /// What it would be had it been found out just now.
    pub(super) fn present(&self) -> f64 {
        self.frames.min(raised(self.needed))
    }

    /// What something else needs no longer, or more, by so many frames.
    pub(super) fn take(&mut self, frames: f64) {
        self.frames = (self.frames + frames).max(0.0);
    }

    /// Before the first read: as much as the little needs that was seen.
    pub(super) fn begin(&mut self, late_frames: f64) {
        self.needed = late_frames + SPARE_FRAMES;
        self.frames = FIRST * self.needed;
    }

    /// Calls are so late, in frames, and `passed` frames have passed. One of another session is
    /// believed until what is usual `is_settled`.
    pub(super) fn follow(&mut self, late_frames: f64, passed: f64, is_settled: bool) {
        self.needed = late_frames + SPARE_FRAMES;
        let is_unused = self.needed < self.frames * (1.0 - UNUSED) - UNUSED_FRAMES;
        if self.needed > self.frames {
            self.frames = raised(self.needed);
        } else if is_unused {
            self.frames -= passed
                * match self.is_old {
                    true if is_settled => OLD_SPEED,
                    true => 0.0,
                    false => SPEED,
                };
        }
        self.is_old &= is_unused || !is_settled;
    }
}

/// What a margin becomes that was too small.
fn raised(needed: f64) -> f64 {
    needed + MORE * (needed - SPARE_FRAMES)
}
