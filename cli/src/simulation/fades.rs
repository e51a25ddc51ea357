//! How long the tone of a channel is anything but a tone: fades, and what one of them leads into.

use std::f64::consts::TAU;

use super::devices::RATE_HZ;
use super::ear::TONE_HZ;

/// Of a tone each sample follows from the two before. One that is off by more than this does not: a
/// fade of 4 ms is off by fifty times as much, rounding and a clock that is off by a thousandth by a
/// tenth.
const OFF: f64 = 1e-6;
/// In the middle of a fade the sound follows as a tone's would, for a moment: so many frames.
const BETWEEN_FRAMES: u64 = 24;

/// Listens to one channel.
#[derive(Clone, Default)]
pub struct Fades {
    /// The last samples, the newer one first.
    last: [Option<f64>; 2],
    /// The first and the last frame that did not follow from those before.
    off: Option<(u64, u64)>,
    longest_frames: u64,
}

impl Fades {
    /// The next samples, from a frame on, at a rate; `is_new` where they do not follow those before.
    pub fn hear(
        &mut self,
        first: u64,
        rate_hz: f64,
        samples: impl Iterator<Item = f32>,
        is_new: bool,
    ) {
        if is_new {
            (self.last, self.off) = ([None; 2], None);
        }
        let turn = 2.0 * (TAU * TONE_HZ / rate_hz).cos();
        for (frame, sample) in (first..).zip(samples) {
            let sample = f64::from(sample);
            let [last, before] = self.last;
            if let (Some(last), Some(before)) = (last, before)
                && (sample - turn * last + before).abs() > OFF
            {
                self.is_off(frame);
            }
            self.last = [Some(sample), last];
        }
    }

    fn is_off(&mut self, frame: u64) {
        let since = match self.off {
            Some((since, last)) if frame - last <= BETWEEN_FRAMES => since,
            _ => frame,
        };
        self.off = Some((since, frame));
        self.longest_frames = self.longest_frames.max(frame + 1 - since);
    }

    /// The longest stretch, in milliseconds.
    pub fn longest_ms(&self) -> f64 {
        self.longest_frames as f64 * 1e3 / f64::from(RATE_HZ)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::ear::AMPLITUDE;

    /// A tone that fades from one phase to another over `fade` frames.
    fn heard(fade: u64, ppm: f64) -> f64 {
        let tone = |frame: u64, phase: f64| {
            let turns = frame as f64 * TONE_HZ / f64::from(RATE_HZ) * (1.0 + ppm * 1e-6);
            AMPLITUDE * (TAU * turns + phase).sin()
        };
        let sample = |frame: u64| {
            let at = frame.saturating_sub(5_000) as f64 / fade.max(1) as f64;
            let rise = 0.5 - 0.5 * (std::f64::consts::PI * at.min(1.0)).cos();
            let (old, new) = (tone(frame, 0.0), tone(frame, 1.0));
            (old + rise * (new - old)) as f32
        };
        let mut fades = Fades::default();
        for first in (0..20_000).step_by(100) {
            let samples = (first..first + 100).map(sample);
            fades.hear(first, f64::from(RATE_HZ), samples, false);
        }
        fades.longest_ms()
    }

    #[test]
    fn a_tone_is_none_and_a_fade_is_as_long_as_it_is() {
        for ppm in [0.0, 2_000.0, -2_000.0] {
            let (short, long) = (heard(192, ppm), heard(480, ppm));
            assert!((3.9..=4.1).contains(&short), "{ppm}: {short}");
            assert!((9.8..=10.1).contains(&long), "{ppm}: {long}");
        }
        let mut fades = Fades::default();
        let tone = |frame: u64| (AMPLITUDE * (frame as f64 * 0.00656).sin()) as f32;
        fades.hear(0, f64::from(RATE_HZ), (0..50_000).map(tone), false);
        assert_eq!(fades.longest_ms(), 0.0);
    }
}
