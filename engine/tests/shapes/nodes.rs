//! Nodes whose sound can be foretold.

use ossicle::chain::LinkNode;
use ossicle::dsp::block::Block;
use ossicle::dsp::node::{Node, PrepareError, Shape, Spec, Tail};
use ossicle::dsp::parameter::Parameter;

/// Delays by whole frames and says so: it passes through, later. With `side`, it also takes a
/// side-chain, and adds it.
pub struct Late {
    frames: usize,
    side: usize,
    lines: Vec<Vec<f32>>,
    place: usize,
}

impl Late {
    pub fn link(frames: usize) -> LinkNode {
        Self::with_side(frames, 0)
    }

    pub fn with_side(frames: usize, side: usize) -> LinkNode {
        LinkNode::Own(Box::new(Self {
            frames,
            side,
            lines: Vec::new(),
            place: 0,
        }))
    }
}

impl Node for Late {
    fn parameters(&self) -> &'static [Parameter] {
        &[]
    }
    fn prepare(&mut self, spec: &Spec) -> Result<Shape, PrepareError> {
        self.lines = vec![vec![0.0; self.frames + 1]; spec.channels];
        self.place = 0;
        Ok(Shape {
            channels: spec.channels,
            latency_frames: self.frames as u64,
        })
    }
    fn reset(&mut self) {
        self.lines.iter_mut().for_each(|line| line.fill(0.0));
    }
    fn process(&mut self, block: &mut Block<'_>) {
        let side = block.side_chain;
        let length = self.frames + 1;
        for frame in 0..block.frames() {
            let place = (self.place + frame) % length;
            for (channel, line) in self.lines.iter_mut().enumerate() {
                let sample = &mut block.planes.plane_mut(channel)[frame];
                line[place] = *sample;
                if let Some(side) = side {
                    line[place] += side.plane(channel.min(side.channels() - 1))[frame];
                }
                *sample = line[(place + 1) % length];
            }
        }
        self.place = (self.place + block.frames()) % length;
    }
    fn set(&mut self, _number: usize, _value: f64) {}
    fn latency_frames(&self) -> u64 {
        self.frames as u64
    }
    fn tail(&self) -> Tail {
        Tail::Frames(self.frames as u64)
    }
    fn side_chain_channels(&self) -> usize {
        self.side
    }
}
