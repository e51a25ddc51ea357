//! Nodes that are counted, and some that misbehave.

use std::sync::atomic::{AtomicI64, Ordering};

use ossicle::dsp::block::Block;
use ossicle::dsp::node::{Node, PrepareError, Shape, Spec, Tail};
use ossicle::dsp::parameter::Parameter;

/// Nodes that are alive.
pub static ALIVE: AtomicI64 = AtomicI64::new(0);
/// Payloads of panics that are alive, and all that there were.
pub static PAYLOADS: AtomicI64 = AtomicI64::new(0);
pub static PAYLOADS_MADE: AtomicI64 = AtomicI64::new(0);

/// What a counted node does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Passes the sound on, later by so many frames.
    Late(usize),
    /// Panics after so many calls.
    Panics(u32),
    /// Gives what is no number from one call on, until it is reset.
    NotFinite(u32),
}

/// A node that is counted while it lives.
pub struct Counted {
    manner: Manner,
    calls: u32,
    lines: Vec<f32>,
    place: usize,
}

impl Counted {
    pub fn new(manner: Manner) -> Self {
        ALIVE.fetch_add(1, Ordering::Relaxed);
        Self {
            manner,
            calls: 0,
            lines: Vec::new(),
            place: 0,
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a panic carries.
pub struct Payload(#[expect(dead_code, reason = "memory that somebody has to free")] [u8; 64]);

impl Payload {
    fn new() -> Self {
        PAYLOADS.fetch_add(1, Ordering::Relaxed);
        PAYLOADS_MADE.fetch_add(1, Ordering::Relaxed);
        Self([0; 64])
    }
}

impl Drop for Payload {
    fn drop(&mut self) {
        PAYLOADS.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Node for Counted {
    fn parameters(&self) -> &'static [Parameter] {
        &[]
    }

    fn prepare(&mut self, spec: &Spec) -> Result<Shape, PrepareError> {
        let latency = match self.manner {
            Manner::Late(frames) => frames,
            _ => 0,
        };
        self.lines = vec![1.0; latency * spec.channels];
        self.lines.fill(0.0);
        Ok(Shape {
            channels: spec.channels,
            latency_frames: latency as u64,
        })
    }

    fn reset(&mut self) {
        self.calls = 0;
        self.lines.fill(0.0);
        if let Manner::NotFinite(_) = self.manner {
            self.manner = Manner::Late(0);
        }
    }

    fn process(&mut self, block: &mut Block<'_>) {
        self.calls += 1;
        match self.manner {
            Manner::Late(0) => {}
            Manner::Late(frames) => {
                let lines = self.lines.chunks_exact_mut(frames);
                let mut place = self.place;
                for (plane, line) in block.planes.iter_mut().zip(lines) {
                    place = self.place;
                    for sample in plane {
                        core::mem::swap(sample, &mut line[place]);
                        place = (place + 1) % frames;
                    }
                }
                self.place = place;
            }
            Manner::Panics(calls) if self.calls > calls => std::panic::panic_any(Payload::new()),
            Manner::NotFinite(calls) if self.calls > calls => {
                block.planes.plane_mut(0).fill(f32::NAN);
            }
            Manner::Panics(_) | Manner::NotFinite(_) => {}
        }
    }

    fn set(&mut self, _number: usize, _value: f64) {}

    fn latency_frames(&self) -> u64 {
        match self.manner {
            Manner::Late(frames) => frames as u64,
            _ => 0,
        }
    }

    fn tail(&self) -> Tail {
        Tail::Frames(self.latency_frames())
    }
}
