//! What others keep a reader in step by, as laws of the plant.
//!
//! Clean-room emulations: each is written from the published facts of its control law alone, as our
//! survey of drift correction tells them (sections 2.1 and 2.2: structure, constants, and what a
//! simulation of its own measured); no code of theirs was copied. Where those facts leave something
//! open, the law's file says what was chosen. The resamplers are ideal, and a ring that runs over
//! or empty goes on: both favour them.

mod alsa_in;
mod camilla;
mod pipewire;
mod zita;

use std::f64::consts::TAU;

pub use alsa_in::AlsaIn;
pub use camilla::Camilla;
pub use pipewire::PipeWire;
pub use zita::Zita;

use super::trial::{RATE_HZ, Step};

/// The reader's end of a ring.
#[derive(Default)]
struct Ring {
    written: u64,
    position: f64,
    begun: bool,
}

impl Ring {
    /// Whether it reads: from when `frames` have been there, which it then has before it.
    fn begun(&mut self, frames: f64) -> bool {
        if !self.begun && self.written as f64 >= frames {
            self.begun = true;
            self.position = self.written as f64 - frames;
        }
        self.begun
    }

    /// Frames written and not read.
    fn fill(&self) -> f64 {
        self.written as f64 - self.position
    }

    /// Reads a block.
    fn take(&mut self, step: f64, frames: u64) -> Step {
        self.position += step * frames as f64;
        Step {
            position: self.position,
            step,
        }
    }
}

/// A loop in zita's form: two poles at twenty times the bandwidth, then a PI of damping 0.8.
#[derive(Default)]
struct PoledPi {
    /// Radians per frame.
    bandwidth: f64,
    poles: [f64; 2],
    integral: f64,
}

impl PoledPi {
    const DAMPING: f64 = 0.8;

    fn tune(&mut self, bandwidth_hz: f64) {
        self.bandwidth = TAU * bandwidth_hz / RATE_HZ;
    }

    /// The step's distance from 1 for an error in frames, one such per `frames`.
    fn next(&mut self, error: f64, frames: u64) -> f64 {
        let turn = self.bandwidth * frames as f64;
        let weight = 1.0 - (-20.0 * turn).exp();
        self.poles[0] += weight * (error - self.poles[0]);
        self.poles[1] += weight * (self.poles[0] - self.poles[1]);
        self.integral += self.bandwidth * turn * self.poles[1];
        2.0 * Self::DAMPING * self.bandwidth * self.poles[1] + self.integral
    }
}
