//! A value that glides to its target in a straight line.

/// A value that moves to each new target within a fixed number of frames and lands exactly on it.
///
/// The recursion runs per frame, so it does not matter how a stream is cut into blocks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Smoothed {
    value: f64,
    target: f64,
    step: f64,
    left: u32,
    frames: u32,
}

impl Smoothed {
    /// Rests at `value`; changes take one frame until [`prepare`](Self::prepare) is called.
    #[must_use]
    pub fn new(value: f64) -> Self {
        Self {
            value,
            target: value,
            step: 0.0,
            left: 0,
            frames: 1,
        }
    }

    /// Sets the length of a glide, `glide_ms` milliseconds rounded to frames and at least one
    /// frame, and finishes a glide under way.
    pub fn prepare(&mut self, glide_ms: f32, sample_rate_hz: u32) {
        self.frames = frames(glide_ms, sample_rate_hz);
        self.finish();
    }

    /// Starts a glide from where the value is now.
    ///
    /// # Real-time
    /// Safe.
    pub fn set(&mut self, target: f64) {
        self.target = target;
        self.left = self.frames;
        self.step = (target - self.value) / f64::from(self.frames);
    }

    /// Jumps to the target.
    ///
    /// # Real-time
    /// Safe.
    pub fn finish(&mut self) {
        self.value = self.target;
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
            self.value = if self.left == 0 {
                self.target
            } else {
                self.value + self.step
            };
        }
        self.value
    }

    /// The value now: that of the last frame.
    #[inline]
    #[must_use]
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Where the value is going.
    #[must_use]
    pub fn target(&self) -> f64 {
        self.target
    }

    /// Whether a glide is under way.
    #[inline]
    #[must_use]
    pub fn is_moving(&self) -> bool {
        self.left > 0
    }

    /// Frames until the value is at its target.
    #[inline]
    #[must_use]
    pub fn frames_left(&self) -> usize {
        self.left as usize
    }
}

/// A glide's length in frames, at least 1.
#[must_use]
pub fn frames(glide_ms: f32, sample_rate_hz: u32) -> u32 {
    libm::round(f64::from(glide_ms) * f64::from(sample_rate_hz) / 1000.0).max(1.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glide_is_straight_and_lands_exactly() {
        let mut value = Smoothed::new(1.0);
        value.prepare(10.0, 1000);
        value.set(0.1);
        for frame in 1..=9 {
            let straight = 1.0 - 0.09 * f64::from(frame);
            let got = value.next_value();
            assert!((got - straight).abs() < 1e-15, "frame {frame}: {got}");
            assert!(value.is_moving());
        }
        assert_eq!(value.next_value(), 0.1);
        assert!(!value.is_moving());
        assert_eq!(value.next_value(), 0.1);
    }

    #[test]
    fn a_new_target_is_approached_from_where_the_value_is() {
        let mut value = Smoothed::new(0.0);
        value.prepare(4.0, 1000);
        value.set(4.0);
        value.next_value();
        value.next_value();
        value.set(0.0);
        let path: [f64; 4] = core::array::from_fn(|_| value.next_value());
        assert_eq!(path, [1.5, 1.0, 0.5, 0.0]);
    }
}
