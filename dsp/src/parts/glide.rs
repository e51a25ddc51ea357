//! A value that glides to its target without a corner.
//!
//! Three one-pole low passes in a row: what follows a step of the target is continuous, and so are
//! its slope and its curvature. A straight line has corners, which click under a steady tone. Being
//! linear, it follows a target that keeps moving as well as one that jumps.

/// From a change of the target to the landing on it, in milliseconds.
pub const GLIDE_MS: f32 = 60.0;
/// Time constants of one low pass in a glide: at its end 5e-7 of the way is left.
pub const TIME_CONSTANTS: f64 = 20.0;

/// A value that moves to each new target smoothly and lands exactly on it.
///
/// The recursion runs per frame, so it does not matter how a stream is cut into blocks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Glide {
    target: f64,
    stages: [f64; 3],
    rate: f64,
    left: u32,
    frames: u32,
}

impl Glide {
    /// Rests at `value`; changes take one frame until [`prepare`](Self::prepare) is called.
    #[must_use]
    pub const fn new(value: f64) -> Self {
        Self {
            target: value,
            stages: [value; 3],
            rate: 1.0,
            left: 0,
            frames: 1,
        }
    }

    /// Sets the rate at which frames go by, and finishes a glide under way.
    pub fn prepare(&mut self, sample_rate_hz: u32) {
        self.prepare_as(GLIDE_MS, TIME_CONSTANTS, sample_rate_hz);
    }

    /// The same for glides of another length in milliseconds, in which each low pass has so many
    /// time constants: of k, (1 + k + k^2/2) e^-k of the way is left at the end.
    pub fn prepare_as(&mut self, glide_ms: f32, time_constants: f64, sample_rate_hz: u32) {
        self.frames = super::smoothed::frames(glide_ms, sample_rate_hz);
        self.rate = -libm::expm1(-time_constants / f64::from(self.frames));
        self.finish();
    }

    /// Sends it to another target.
    ///
    /// # Real-time
    /// Safe.
    pub fn set(&mut self, target: f64) {
        self.target = target;
        self.left = self.frames;
    }

    /// Jumps to the target.
    ///
    /// # Real-time
    /// Safe.
    pub fn finish(&mut self) {
        self.stages = [self.target; 3];
        self.left = 0;
    }

    /// The value of the next frame.
    ///
    /// # Real-time
    /// Safe.
    #[inline]
    pub fn next_value(&mut self) -> f64 {
        if self.left > 0 {
            self.left -= 1;
            let mut towards = self.target;
            for stage in &mut self.stages {
                *stage += self.rate * (towards - *stage);
                towards = *stage;
            }
            if self.left == 0 {
                self.finish();
            }
        }
        self.stages[2]
    }

    /// The value now: that of the last frame.
    #[inline]
    #[must_use]
    pub const fn value(&self) -> f64 {
        self.stages[2]
    }

    /// Where the value is going.
    #[must_use]
    pub const fn target(&self) -> f64 {
        self.target
    }

    /// The largest magnitude it has now or will have on its way.
    #[must_use]
    pub fn largest(&self) -> f64 {
        let larger = |most: f64, stage: &f64| most.max(stage.abs());
        self.stages.iter().fold(self.target.abs(), larger)
    }

    /// Frames until the value is at its target.
    #[inline]
    #[must_use]
    pub const fn frames_left(&self) -> usize {
        self.left as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_lands_exactly_and_without_a_corner() {
        let mut value = Glide::new(0.0);
        value.prepare(48_000);
        value.set(1.0);
        let mut path = [0.0; 2884];
        for place in &mut path[4..] {
            *place = value.next_value();
        }
        assert_eq!(path[2883], 1.0);
        assert_eq!(value.frames_left(), 0);
        // A step of the third difference of rate^3 starts it; nothing later is larger.
        let rate = -libm::expm1(-1.0 / 144.0);
        for at in 3..path.len() - 1 {
            let third = path[at] - 3.0 * path[at - 1] + 3.0 * path[at - 2] - path[at - 3];
            let most = rate * rate * rate * 1.000_001;
            assert!(third.abs() < most, "frame {at}: {third:e}");
        }
        // Where it lands, what was left is made up for.
        let landing = path[2883] - path[2882];
        assert!(landing < 1e-6, "{landing:e}");
    }

    #[test]
    fn a_target_that_keeps_moving_is_followed() {
        let mut value = Glide::new(0.0);
        value.prepare(48_000);
        let mut target = 0.0;
        for _ in 0..100 {
            target += 0.01;
            value.set(target);
            for _ in 0..48 {
                value.next_value();
            }
        }
        // 0.01 a millisecond, three stages of 3 ms late.
        assert!(
            (value.value() - (target - 0.09)).abs() < 0.01,
            "{}",
            value.value()
        );
    }
}
