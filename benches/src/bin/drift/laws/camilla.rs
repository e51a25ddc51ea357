//! The rate controller of CamillaDSP.
//!
//! The fill is averaged over 10 s and then told to a PI (0.2, 0.004 times the interval) of errors
//! relative to the frames of an interval, held to +-5000 ppm; the set point goes from where the
//! fill is to its target in 20 steps along a fourth power, again when the fill is over 33 % off.
//! Chosen here: the fill is seen at each block of the reader.
//!
//! At 50 us and +100 ppm our survey has it within +-5 ppm after 310 s where the writer counts in
//! steps of 48, and never in steps of 256: so does this one (310 s, never). At 500 ppm: 460 s both.
//! Near 2000 ppm its ring runs empty on the way, where the program would begin anew.

use super::super::trial::{Law, RATE_HZ, Step};
use super::Ring;

const INTERVAL_S: f64 = 10.0;
const PROPORTIONAL: f64 = 0.2;
const INTEGRAL: f64 = 0.004 * INTERVAL_S;
const MOST: f64 = 5000e-6;
const RAMP_STEPS: u32 = 20;
/// Part of the target the fill may be off before the ramp begins anew.
const OFF: f64 = 0.33;
/// Its default: a chunk.
const TARGET_FRAMES: f64 = 1024.0;

pub struct Camilla {
    ring: Ring,
    /// Of the interval: the sum of the fills seen, how many, and frames read.
    sum: f64,
    seen: f64,
    frames: f64,
    /// Where the ramp began, and its steps that are left.
    ramp: Option<(f64, u32)>,
    integral: f64,
    step: f64,
}

impl Camilla {
    pub fn new() -> Self {
        Self {
            ring: Ring::default(),
            sum: 0.0,
            seen: 0.0,
            frames: 0.0,
            ramp: None,
            integral: 0.0,
            step: 1.0,
        }
    }

    fn adjust(&mut self, fill: f64) {
        let far = (fill - TARGET_FRAMES).abs() > OFF * TARGET_FRAMES;
        let (began, left) = match self.ramp {
            Some((_, 0)) if far => (fill, RAMP_STEPS),
            Some(ramp) => ramp,
            None => (fill, RAMP_STEPS),
        };
        let part = f64::from(left) / f64::from(RAMP_STEPS);
        let point = TARGET_FRAMES + (began - TARGET_FRAMES) * part.powi(4);
        self.ramp = Some((began, left.saturating_sub(1)));
        let error = (fill - point) / (INTERVAL_S * RATE_HZ);
        self.integral += INTEGRAL * error;
        self.step = 1.0 + (PROPORTIONAL * error + self.integral).clamp(-MOST, MOST);
    }
}

impl Law for Camilla {
    fn written(&mut self, end: u64, _time_ns: u64) {
        self.ring.written = end;
    }

    fn read(&mut self, _end: u64, _time_ns: u64, frames: u64) -> Option<Step> {
        if !self.ring.begun(TARGET_FRAMES + frames as f64) {
            return None;
        }
        let step = self.ring.take(self.step, frames);
        self.sum += self.ring.fill();
        self.seen += 1.0;
        self.frames += frames as f64;
        if self.frames >= INTERVAL_S * RATE_HZ {
            self.adjust(self.sum / self.seen);
            (self.sum, self.seen, self.frames) = (0.0, 0.0, 0.0);
        }
        Some(step)
    }

    fn target(&self) -> f64 {
        TARGET_FRAMES
    }
}
