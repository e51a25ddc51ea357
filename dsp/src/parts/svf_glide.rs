//! Filter coefficients on their way without a corner in their path.
//!
//! A straight line to new coefficients has a corner at both ends, which can be heard as a soft click
//! under a tone. Here each number runs through three one-pole smoothers in a row, so that value,
//! slope and curvature stay whole; a new target on the way is taken at once, from where and as fast
//! as the number moves. After a fixed number of frames it is put onto the target, which is then
//! nearer than 3e-6 of the way.

use super::svf::SvfCoefficients;

/// Time constants of a smoother in one glide: e^-18 (1 + 18 + 18^2/2) = 2.8e-6 is left of the way.
const CONSTANTS: f64 = 18.0;

/// Coefficients that glide to where they are sent.
#[derive(Clone, Copy, Debug)]
pub struct SvfGlide {
    /// The smoothers, the last one first: that is where the coefficients are.
    stages: [SvfCoefficients; 3],
    to: SvfCoefficients,
    left: u32,
    frames: u32,
    /// The share of the way that a smoother goes in a frame.
    share: f64,
}

impl SvfGlide {
    /// At rest; glides take `frames` frames, at least 1.
    #[must_use]
    pub fn new(to: SvfCoefficients, frames: u32) -> Self {
        let frames = frames.max(1);
        Self {
            stages: [to; 3],
            to,
            left: 0,
            frames,
            share: (CONSTANTS / f64::from(frames)).min(1.0),
        }
    }

    /// Starts a glide from where the coefficients are.
    ///
    /// One that comes from or goes to flat keeps the filter's frequency and quality on the way: only
    /// the mix moves.
    ///
    /// # Real-time
    /// Safe.
    pub fn set(&mut self, to: SvfCoefficients) {
        if self.rests_flat() {
            self.stages = [to.flattened(); 3];
        }
        self.to = if to.is_flat() {
            self.now().flattened()
        } else {
            to
        };
        self.left = self.frames;
    }

    /// Jumps to the target.
    ///
    /// # Real-time
    /// Safe.
    pub fn finish(&mut self) {
        self.stages = [self.to; 3];
        self.left = 0;
    }

    /// The coefficients of the next frame.
    ///
    /// # Real-time
    /// Safe.
    #[inline(always)]
    pub fn next_value(&mut self) -> SvfCoefficients {
        if self.left > 0 {
            self.left -= 1;
            if self.left == 0 {
                self.finish();
            } else {
                let [last, middle, first] = &mut self.stages;
                *first = first.towards(&self.to, self.share);
                *middle = middle.towards(first, self.share);
                *last = last.towards(middle, self.share);
            }
        }
        self.stages[0]
    }

    /// The coefficients now: those of the last frame.
    #[must_use]
    pub fn now(&self) -> SvfCoefficients {
        self.stages[0]
    }

    /// Where they are going.
    #[must_use]
    pub fn target(&self) -> SvfCoefficients {
        self.to
    }

    /// Frames until they are there.
    #[inline]
    #[must_use]
    pub fn frames_left(&self) -> usize {
        self.left as usize
    }

    /// Whether from here on the output is the input.
    #[inline]
    #[must_use]
    pub fn rests_flat(&self) -> bool {
        self.left == 0 && self.to.is_flat()
    }
}

#[cfg(test)]
mod tests {
    use super::super::analogue::Response;
    use super::*;

    fn peak(gain_db: f64) -> SvfCoefficients {
        SvfCoefficients::new(Response::Peak, 0.02, gain_db, 1.0)
    }

    #[test]
    fn a_glide_lands_on_its_frame_and_is_nearly_there_before() {
        let (from, to) = (peak(0.0), peak(12.0));
        let mut glide = SvfGlide::new(from, 960);
        glide.set(to);
        for left in (1..960).rev() {
            glide.next_value();
            assert_eq!(glide.frames_left(), left);
        }
        let away = |at: SvfCoefficients| (at.power(0.02) - to.power(0.02)).abs();
        let (near, all) = (away(glide.now()), away(from));
        assert!(near < 4e-6 * all && near > 0.0, "{near} of {all}");
        assert_eq!(glide.next_value(), to);
        assert_eq!(glide.frames_left(), 0);
    }

    #[test]
    fn a_flat_filter_keeps_the_frequency_of_where_it_goes() {
        let mut glide = SvfGlide::new(peak(0.0), 100);
        assert!(glide.rests_flat());
        let low_pass = SvfCoefficients::new(Response::LowPass, 0.1, 0.0, 0.7);
        glide.set(low_pass);
        assert!(!glide.rests_flat());
        for _ in 0..100 {
            // Only the mix moves: flat all along but for it.
            assert_eq!(glide.next_value().flattened(), low_pass.flattened());
        }
        glide.set(peak(0.0));
        assert_eq!(glide.target(), low_pass.flattened());
    }
}
