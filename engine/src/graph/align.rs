//! The delay that aligns a path with others.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use ossicle_dsp::block::Block;
use ossicle_dsp::node::{Node, PrepareError, Shape, Spec, Subnormals, Tail};
use ossicle_dsp::parameter::Parameter;
use ossicle_dsp::parts::silence::silence;

/// Delays all channels by a fixed number of whole frames, bit for bit.
pub(crate) struct Align {
    frames: usize,
    /// The line of each channel, one behind the other.
    lines: Vec<f32>,
    place: usize,
}

impl Align {
    pub(crate) fn new(frames: u64) -> Self {
        Self {
            frames: usize::try_from(frames).unwrap_or(usize::MAX),
            lines: Vec::new(),
            place: 0,
        }
    }
}

impl Node for Align {
    fn parameters(&self) -> &'static [Parameter] {
        &[]
    }

    fn prepare(&mut self, spec: &Spec) -> Result<Shape, PrepareError> {
        self.lines = silence(self.frames * spec.channels);
        self.place = 0;
        Ok(Shape {
            channels: spec.channels,
            latency_frames: self.frames as u64,
        })
    }

    fn reset(&mut self) {
        self.lines.fill(0.0);
    }

    fn process(&mut self, block: &mut Block<'_>) {
        if self.frames == 0 {
            return;
        }
        let frames = block.frames();
        let mut place = self.place;
        for (plane, line) in block
            .planes
            .iter_mut()
            .zip(self.lines.chunks_exact_mut(self.frames))
        {
            place = self.place;
            let mut done = 0;
            while done < frames {
                let run = (line.len() - place).min(frames - done);
                plane[done..done + run].swap_with_slice(&mut line[place..place + run]);
                done += run;
                place += run;
                if place == line.len() {
                    place = 0;
                }
            }
        }
        self.place = place;
    }

    fn set(&mut self, _number: usize, _value: f64) {}

    fn latency_frames(&self) -> u64 {
        self.frames as u64
    }

    fn tail(&self) -> Tail {
        Tail::Frames(self.frames as u64)
    }

    fn subnormals(&self) -> Subnormals {
        Subnormals::Flushed
    }
}
