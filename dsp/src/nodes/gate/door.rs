//! When a gate is open, and by how much it reduces while it is not.

use crate::parts::dynamics::Piece;
use crate::parts::glide::Glide;
use crate::parts::octaves::from_decibels;

/// What opens and closes the doors of all paths; what glides, glides for all alike.
#[derive(Clone, Copy, Debug)]
pub(super) struct Law {
    threshold: Glide,
    hysteresis: Glide,
    /// The ratio less one.
    slope: Glide,
    range: Glide,
    /// Frames for which it stays open after the level has fallen.
    pub(super) hold_frames: usize,
}

/// One law at one instant, in octaves.
#[derive(Clone, Copy)]
struct Now {
    opens: f32,
    closes: f32,
    slope: f32,
    range: f32,
}

impl Now {
    /// By how much it reduces what is shut out.
    #[inline(always)]
    fn reduction(&self, level: f32) -> f32 {
        let reduction = self.slope * (self.opens - level);
        if reduction < self.range {
            reduction
        } else {
            self.range
        }
    }
}

impl Law {
    pub(super) const fn new() -> Self {
        Self {
            threshold: Glide::new(0.0),
            hysteresis: Glide::new(0.0),
            slope: Glide::new(0.0),
            range: Glide::new(0.0),
            hold_frames: 0,
        }
    }

    fn all(&mut self) -> [&mut Glide; 4] {
        [
            &mut self.threshold,
            &mut self.hysteresis,
            &mut self.slope,
            &mut self.range,
        ]
    }

    pub(super) fn prepare(&mut self, sample_rate_hz: u32) {
        self.all()
            .into_iter()
            .for_each(|glide| glide.prepare(sample_rate_hz));
    }

    pub(super) fn finish(&mut self) {
        self.all().into_iter().for_each(Glide::finish);
    }

    pub(super) fn set_threshold(&mut self, level_db: f64) {
        self.threshold.set(from_decibels(level_db));
    }

    pub(super) fn set_hysteresis(&mut self, width_db: f64) {
        self.hysteresis.set(from_decibels(width_db));
    }

    pub(super) fn set_ratio(&mut self, ratio: f64) {
        self.slope.set(ratio - 1.0);
    }

    /// The gain of what is shut out at most, in decibels.
    pub(super) fn set_range(&mut self, gain_db: f64) {
        self.range.set(-from_decibels(gain_db));
    }

    /// The largest reduction, in octaves.
    pub(super) const fn range(&self) -> f64 {
        self.range.target()
    }

    /// Replaces levels by the reductions that are asked for, in octaves.
    #[inline(always)]
    pub(super) fn reduce(&mut self, doors: &mut [Door], paths: &mut [Piece], frames: usize) {
        let begin = *self;
        for (door, levels) in doors.iter_mut().zip(paths) {
            *self = begin;
            let moving = self.all().map(|glide| glide.frames_left());
            let moving = moving.into_iter().fold(0, usize::max).min(frames);
            let (moving, rest) = levels[..frames].split_at_mut(moving);
            for level in moving {
                let now = self.next();
                *level = door.reduction(*level, &now, self.hold_frames);
            }
            if rest.is_empty() {
                continue;
            }
            let now = self.next();
            if door.rests(rest, &now, begin.hold_frames) {
                continue;
            }
            for level in rest {
                *level = door.reduction(*level, &now, begin.hold_frames);
            }
        }
    }

    /// The law of the next frame; for all further ones too where nothing moves.
    #[inline(always)]
    fn next(&mut self) -> Now {
        let opens = self.threshold.next_value();
        Now {
            opens: opens as f32,
            closes: (opens - self.hysteresis.next_value()) as f32,
            slope: self.slope.next_value() as f32,
            range: self.range.next_value() as f32,
        }
    }
}

/// Open or not: the state of one path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Door {
    is_open: bool,
    /// Frames until it closes.
    left: usize,
}

impl Door {
    pub(super) const SHUT: Self = Self {
        is_open: false,
        left: 0,
    };

    /// Replaces levels by the reductions where it stays open or shut over all of them, else does
    /// nothing: without a choice between frames, and as quick shut as open.
    #[inline(always)]
    fn rests(&mut self, levels: &mut [f32], now: &Now, hold_frames: usize) -> bool {
        let bound = if self.is_open { now.closes } else { now.opens };
        let reach = |level: &f32| u32::from(*level >= bound);
        let reaching = levels.iter().map(reach).sum::<u32>() as usize;
        if self.is_open && reaching == levels.len() {
            self.left = hold_frames;
            levels.fill(0.0);
            return true;
        }
        if self.is_open || reaching > 0 {
            return false;
        }
        for level in levels {
            *level = now.reduction(*level);
        }
        true
    }

    #[inline(always)]
    fn reduction(&mut self, level: f32, now: &Now, hold_frames: usize) -> f32 {
        if level >= now.opens || (self.is_open && level >= now.closes) {
            *self = Self {
                is_open: true,
                left: hold_frames,
            };
        } else if self.left > 0 {
            self.left = (self.left - 1).min(hold_frames);
        } else {
            self.is_open = false;
        }
        if self.is_open {
            return 0.0;
        }
        now.reduction(level)
    }
}
