//! The static curve: by how much a level is reduced.
//!
//! With x octaves above the threshold, slope s = 1 - 1/ratio and a knee w octaves wide, the reduction
//! is 0 up to x = -w/2, s (x + w/2)^2 / (2 w) in the knee, and s x from x = w/2 on, but at most the
//! range. Source: D. Giannoulis, M. Massberg, J. D. Reiss, "Digital Dynamic Range Compressor Design",
//! Journal of the AES 60(6), 2012, equation 4. The two pieces are added here instead of chosen.

use crate::parts::glide::Glide;
use crate::parts::octaves::from_decibels;

/// A curve at one instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curve {
    knee_begin: f32,
    knee: f32,
    /// 1/(2 w), or 0 without a knee.
    knee_share: f32,
    slope: f32,
    range: f32,
}

impl Curve {
    /// `threshold`, `knee` and `range` in octaves, the last two at least 0.
    #[inline(always)]
    #[must_use]
    pub fn new(threshold: f64, slope: f64, knee: f64, range: f64) -> Self {
        let knee = knee as f32;
        Self {
            knee_begin: threshold as f32 - 0.5 * knee,
            knee,
            knee_share: if knee > 0.0 { 0.5 / knee } else { 0.0 },
            slope: slope as f32,
            range: range as f32,
        }
    }

    /// The reduction of `level`, both in octaves.
    #[inline(always)]
    #[must_use]
    pub fn reduction(&self, level: f32) -> f32 {
        let above = level - self.knee_begin;
        let above = if above > 0.0 { above } else { 0.0 };
        let beyond = above - self.knee;
        let beyond = if beyond > 0.0 { beyond } else { 0.0 };
        let within = above - beyond;
        let reduction = self.slope * (within * within * self.knee_share + beyond);
        if self.range < reduction {
            self.range
        } else {
            reduction
        }
    }
}

/// A curve whose numbers glide when they change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MovingCurve {
    threshold: Glide,
    slope: Glide,
    knee: Glide,
    range: Glide,
}

impl MovingCurve {
    /// A curve that reduces nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            threshold: Glide::new(0.0),
            slope: Glide::new(0.0),
            knee: Glide::new(0.0),
            // More than any level can ask for.
            range: Glide::new(1e3),
        }
    }

    fn all(&mut self) -> [&mut Glide; 4] {
        [
            &mut self.threshold,
            &mut self.slope,
            &mut self.knee,
            &mut self.range,
        ]
    }

    /// Sets the rate at which frames go by, and finishes what glides.
    pub fn prepare(&mut self, sample_rate_hz: u32) {
        self.all()
            .into_iter()
            .for_each(|glide| glide.prepare(sample_rate_hz));
    }

    /// Finishes what glides.
    ///
    /// # Real-time
    /// Safe.
    pub fn finish(&mut self) {
        self.all().into_iter().for_each(Glide::finish);
    }

    /// The level in decibels from which on it reduces.
    ///
    /// # Real-time
    /// Safe.
    pub fn set_threshold(&mut self, level_db: f64) {
        self.threshold.set(from_decibels(level_db));
    }

    /// So many decibels in for one out; at least 1.
    ///
    /// # Real-time
    /// Safe.
    pub fn set_ratio(&mut self, ratio: f64) {
        self.slope.set(1.0 - 1.0 / ratio);
    }

    /// The width of the knee in decibels, half of it on each side of the threshold.
    ///
    /// # Real-time
    /// Safe.
    pub fn set_knee(&mut self, width_db: f64) {
        self.knee.set(from_decibels(width_db));
    }

    /// The largest reduction in decibels.
    ///
    /// # Real-time
    /// Safe.
    pub fn set_range(&mut self, range_db: f64) {
        self.range.set(from_decibels(range_db));
    }

    /// The curve where everything is going.
    #[must_use]
    pub fn target(&self) -> Curve {
        Curve::new(
            self.threshold.target(),
            self.slope.target(),
            self.knee.target(),
            self.range.target(),
        )
    }

    /// Replaces levels by their reductions, frame by frame, in octaves.
    ///
    /// # Real-time
    /// Safe.
    #[inline(always)]
    pub fn reduce<'a>(&mut self, paths: impl Iterator<Item = &'a mut [f32]>) {
        let begin = *self;
        for levels in paths {
            *self = begin;
            let moving = self.all().map(|glide| glide.frames_left());
            let moving = moving.into_iter().fold(0, usize::max).min(levels.len());
            let (moving, rest) = levels.split_at_mut(moving);
            for level in moving {
                let curve = Curve::new(
                    self.threshold.next_value(),
                    self.slope.next_value(),
                    self.knee.next_value(),
                    self.range.next_value(),
                );
                *level = curve.reduction(*level);
            }
            let curve = self.target();
            for level in rest {
                *level = curve.reduction(*level);
            }
        }
    }
}

impl Default for MovingCurve {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_formula_of_the_paper() {
        for (threshold, ratio, knee) in [(-3.0, 4.0, 1.0), (-8.0, 1.5, 4.0), (0.0, 1000.0, 0.0)] {
            let slope = 1.0 - 1.0 / ratio;
            let curve = Curve::new(threshold, slope, knee, 100.0);
            for step in -200..=200 {
                let level = f64::from(step) / 10.0;
                let x = level - threshold;
                let want = if 2.0 * x < -knee {
                    0.0
                } else if 2.0 * x.abs() <= knee && knee > 0.0 {
                    slope * (x + knee / 2.0) * (x + knee / 2.0) / (2.0 * knee)
                } else {
                    slope * x.max(0.0)
                };
                let got = f64::from(curve.reduction(level as f32));
                // Six digits of a number up to 20: 1e-4 dB.
                assert!((got - want).abs() < 2e-5, "{level}: {got}, not {want}");
            }
        }
    }

    #[test]
    fn it_reduces_by_its_range_at_most() {
        assert_eq!(Curve::new(-3.0, 0.75, 1.0, 2.0).reduction(10.0), 2.0);
    }
}
