//! The bridge's own loop as a law of the plant.

use ossicle::dsp::clock::{DriftLoop, Learned, LoopSpec};

use super::trial::{Law, RATE_HZ, Step};

/// Half of 64 taps.
const AHEAD_FRAMES: f64 = 32.0;

pub struct Ours(DriftLoop);

impl Ours {
    pub fn new(learned: Option<Learned>) -> Self {
        Self(DriftLoop::new(LoopSpec {
            from_hz: RATE_HZ,
            to_hz: RATE_HZ,
            ahead_frames: AHEAD_FRAMES,
            late_frames: 0.0,
            learned,
        }))
    }
}

impl Law for Ours {
    fn written(&mut self, end: u64, time_ns: u64) {
        self.0.written(end, time_ns);
    }

    fn read(&mut self, end: u64, time_ns: u64, frames: u64) -> Option<Step> {
        let read = self.0.read(end, time_ns, frames as usize)?;
        let frames = frames as f64;
        // The step ramps from frame to frame, from the first on.
        let way = frames * read.step_from + 0.5 * (frames - 1.0) * (read.step_to - read.step_from);
        Some(Step {
            position: read.frame as f64 + read.fraction + way,
            step: way / frames,
        })
    }

    fn target(&self) -> f64 {
        self.0.delay_frames()
    }
}
