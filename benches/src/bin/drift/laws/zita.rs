//! The loop of zita-a2j and zita-j2a.
//!
//! A delay-locked loop over the calls' times on each side, 0.1 Hz (1.6, 1) on the writer and 0.5 Hz
//! on the reader, tells how many frames the writer has come to when the reader calls. Their
//! distance from the target drives two poles and a PI of damping 0.8, of 1.0 Hz for 4 s and then of
//! 0.05 Hz, held to +-5 %. The first error is taken away by a move of whole frames; at 50 frames of
//! error it is silent for 15 s and begins anew.
//! Chosen here: the writer's loop lives through that; the ratio is not smoothed further.
//!
//! At 50 us and +100 ppm our survey has it within +-5 ppm after 8.5 s and at 0.90 ppm rms; this
//! one: 8.3 s and 0.91 ppm. At +-500 ppm: 19 to 20 s both.

use std::f64::consts::TAU;

use super::super::trial::{Law, RATE_HZ, Step};
use super::{PoledPi, Ring};

const WRITER_HZ: f64 = 0.1;
const READER_HZ: f64 = 0.5;
const FAST_HZ: f64 = 1.0;
const FAST_S: f64 = 4.0;
const SLOW_HZ: f64 = 0.05;
const MOST: f64 = 0.05;
const FAR_FRAMES: f64 = 50.0;
const WAIT_NS: u64 = 15_000_000_000;
/// One and a half of the writer's blocks, one of the reader's, and half of its filter.
const TARGET_FRAMES: f64 = 1.5 * 256.0 + 256.0 + 48.0;

/// Smooths when calls come.
struct Times {
    bandwidth_hz: f64,
    /// Frames of a block, and where the last one ended.
    frames: f64,
    end: u64,
    /// When the last call came, when the next will, and what lies between, in seconds.
    last: f64,
    next: f64,
    period: f64,
}

impl Times {
    fn new(bandwidth_hz: f64) -> Self {
        Self {
            bandwidth_hz,
            frames: 0.0,
            end: 0,
            last: 0.0,
            next: 0.0,
            period: 0.0,
        }
    }

    fn called(&mut self, end: u64, time_ns: u64) {
        let time = time_ns as f64 * 1e-9;
        if self.end == 0 {
            self.frames = end as f64;
            self.period = self.frames / RATE_HZ;
            self.last = time;
            self.next = time + self.period;
        } else {
            let turn = TAU * self.bandwidth_hz * self.frames / RATE_HZ;
            let error = time - self.next;
            self.last = self.next;
            self.next += self.period + 1.6 * turn * error;
            self.period += turn * turn * error;
        }
        self.end = end;
    }

    /// The frame, and its fraction, at a time.
    fn frame(&self, time: f64) -> f64 {
        self.end as f64 + self.frames * (time - self.last) / (self.next - self.last)
    }
}

pub struct Zita {
    ring: Ring,
    writer: Times,
    reader: Times,
    pi: PoledPi,
    /// Frames until it goes slow.
    fast: f64,
    silent_ns: u64,
}

impl Zita {
    pub fn new() -> Self {
        Self {
            ring: Ring::default(),
            writer: Times::new(WRITER_HZ),
            reader: Times::new(READER_HZ),
            pi: PoledPi::default(),
            fast: 0.0,
            silent_ns: 0,
        }
    }

    fn begin(&mut self) {
        self.pi = PoledPi::default();
        self.pi.tune(FAST_HZ);
        self.fast = FAST_S * RATE_HZ;
    }
}

impl Law for Zita {
    fn written(&mut self, end: u64, time_ns: u64) {
        self.ring.written = end;
        self.writer.called(end, time_ns);
    }

    fn read(&mut self, end: u64, time_ns: u64, frames: u64) -> Option<Step> {
        self.reader.called(end, time_ns);
        let begun = self.ring.begun;
        if time_ns < self.silent_ns || !self.ring.begun(TARGET_FRAMES) {
            return None;
        }
        let mut error = self.writer.frame(self.reader.last) - self.ring.position - TARGET_FRAMES;
        if !begun {
            self.begin();
            self.ring.position += error.round();
            error -= error.round();
        } else if error.abs() >= FAR_FRAMES {
            self.ring.begun = false;
            self.silent_ns = time_ns + WAIT_NS;
            return None;
        }
        self.fast -= frames as f64;
        if self.fast < 0.0 {
            self.pi.tune(SLOW_HZ);
        }
        let step = 1.0 + self.pi.next(error, frames).clamp(-MOST, MOST);
        Some(self.ring.take(step, frames))
    }

    /// Behind a block.
    fn target(&self) -> f64 {
        TARGET_FRAMES - 256.0
    }
}
