//! A delay that can be read anywhere, also between samples.

use alloc::vec::Vec;

use super::silence::silence;

/// The most recent samples of a signal.
#[derive(Clone, Debug, Default)]
pub struct DelayLine {
    ring: Vec<f32>,
    next: usize,
}

/// Where between two samples to read, as weights of the four samples around.
///
/// Third-order Lagrange interpolation between the middle two of four samples; source: Laakso,
/// Valimaki, Karjalainen and Laine, "Splitting the unit delay", IEEE Signal Processing Magazine
/// 13(1), 1996. Its gain is nowhere above 1 there, so it may stand in a feedback loop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tap {
    whole: usize,
    weights: Option<[f32; 4]>,
}

impl Tap {
    /// A tap `delay_frames` ago; a whole number reads that very sample.
    #[inline]
    #[must_use]
    pub fn new(delay_frames: f64) -> Self {
        let whole = delay_frames as usize;
        let f = (delay_frames - whole as f64) as f32;
        if f == 0.0 {
            return Self {
                whole,
                weights: None,
            };
        }
        let weights = [
            -f * (f - 1.0) * (f - 2.0) / 6.0,
            (f + 1.0) * (f - 1.0) * (f - 2.0) / 2.0,
            -(f + 1.0) * f * (f - 2.0) / 2.0,
            (f + 1.0) * f * (f - 1.0) / 6.0,
        ];
        Self {
            whole,
            weights: Some(weights),
        }
    }
}

impl DelayLine {
    /// A silent line that can be read up to `max_delay_frames` ago.
    ///
    /// # Real-time
    /// Not safe: allocates.
    #[must_use]
    pub fn new(max_delay_frames: usize) -> Self {
        // The two samples behind the tap are read too.
        Self {
            ring: silence((max_delay_frames + 3).next_power_of_two()),
            next: 0,
        }
    }

    /// Forgets all sound.
    ///
    /// # Real-time
    /// Safe.
    pub fn clear(&mut self) {
        self.ring.fill(0.0);
        self.next = 0;
    }

    /// Takes the sample of this frame.
    #[inline]
    pub fn push(&mut self, sample: f32) {
        self.ring[self.next] = sample;
        self.next = (self.next + 1) & (self.ring.len() - 1);
    }

    /// The signal at `tap`, for the frame whose sample has not been pushed yet.
    ///
    /// A delay of 1 is the sample pushed last. Whole delays begin at 1, others at 2.
    #[inline]
    #[must_use]
    pub fn read(&self, tap: &Tap) -> f32 {
        let mask = self.ring.len() - 1;
        let at = |delay: usize| self.ring[self.next.wrapping_sub(delay) & mask];
        match tap.weights {
            None => at(tap.whole),
            Some([a, b, c, d]) => {
                let near = a * at(tap.whole - 1) + b * at(tap.whole);
                near + (c * at(tap.whole + 1) + d * at(tap.whole + 2))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cubic_is_read_exactly_between_its_samples() {
        // Interpolation of third order reproduces polynomials up to the third degree.
        let cubic = |t: f64| 0.5 - 0.3 * t + 0.02 * t * t - 0.001 * t * t * t;
        let mut line = DelayLine::new(20);
        for frame in 0..40 {
            line.push(cubic(f64::from(frame) - 30.0) as f32);
        }
        for delay in [1.0, 2.0, 2.25, 7.5, 19.875, 20.0] {
            let got = f64::from(line.read(&Tap::new(delay)));
            let want = cubic(10.0 - delay);
            // Four weights and samples of magnitude below 10, rounded to single precision.
            assert!(
                (got - want).abs() < 4e-6,
                "delay {delay}: {got}, not {want}"
            );
        }
    }
}
