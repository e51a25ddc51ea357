//! Chains for measuring what the engine adds to its nodes.

use ossicle::chain::{Chain, LinkNode};
use ossicle::controller::{Controller, EditError};
use ossicle::dsp::block::Block;
use ossicle::dsp::node::{Node, PrepareError, Shape, Spec, Tail};
use ossicle::dsp::parameter::Parameter;
use ossicle::processor::{Processor, ProcessorSpec};

/// Channels of every chain here.
pub const CHANNELS: usize = 2;
/// Sample rate of every chain here, in hertz.
pub const SAMPLE_RATE_HZ: u32 = 48_000;
/// Quality of the low-passes.
pub const QUALITY: f64 = 0.707;

/// A second-order low-pass in single precision, transposed direct form 2, stereo.
#[derive(Clone, Debug)]
pub struct LowPass {
    b: [f32; 3],
    a: [f32; 2],
    state: [[f32; 2]; CHANNELS],
}

impl LowPass {
    /// With its corner at `frequency_norm` cycles per sample.
    #[must_use]
    pub fn new(frequency_norm: f64) -> Self {
        let omega = core::f64::consts::TAU * frequency_norm;
        let alpha = omega.sin() / (2.0 * QUALITY);
        let (cos, a0) = (omega.cos(), 1.0 + alpha);
        let b = (1.0 - cos) / 2.0 / a0;
        Self {
            b: [b as f32, 2.0 * b as f32, b as f32],
            a: [(-2.0 * cos / a0) as f32, ((1.0 - alpha) / a0) as f32],
            state: [[0.0; 2]; CHANNELS],
        }
    }

    /// Filters planes in place.
    #[inline]
    pub fn run<'a>(&mut self, planes: impl Iterator<Item = &'a mut [f32]>) {
        let ([b0, b1, b2], [a1, a2]) = (self.b, self.a);
        for (plane, state) in planes.zip(&mut self.state) {
            let [mut s1, mut s2] = *state;
            for sample in plane {
                let x = *sample;
                let y = b0 * x + s1;
                s1 = b1 * x - a1 * y + s2;
                s2 = b2 * x - a2 * y;
                *sample = y;
            }
            *state = [s1, s2];
        }
    }
}

impl Node for LowPass {
    fn parameters(&self) -> &'static [Parameter] {
        &[]
    }

    fn prepare(&mut self, spec: &Spec) -> Result<Shape, PrepareError> {
        Ok(Shape {
            channels: spec.channels,
            latency_frames: 0,
        })
    }

    fn reset(&mut self) {
        self.state = [[0.0; 2]; CHANNELS];
    }

    fn process(&mut self, block: &mut Block<'_>) {
        self.run(block.planes.iter_mut());
    }

    fn set(&mut self, _number: usize, _value: f64) {}

    fn latency_frames(&self) -> u64 {
        0
    }

    fn tail(&self) -> Tail {
        Tail::Endless
    }
}

/// What a chain written by hand would be: boxes in a row, over planes.
pub trait Boxed {
    /// Filters two planes in place.
    fn run(&mut self, planes: [&mut [f32]; CHANNELS]);
}

impl Boxed for LowPass {
    fn run(&mut self, planes: [&mut [f32]; CHANNELS]) {
        LowPass::run(self, planes.into_iter());
    }
}

/// A stereo processor for a chain.
///
/// # Errors
/// When the chain does not fit.
pub fn processor(
    chain: Chain,
    max_block_frames: usize,
) -> Result<(Controller, Processor), EditError> {
    let spec = ProcessorSpec {
        sample_rate_hz: SAMPLE_RATE_HZ,
        max_block_frames,
        channels_in: CHANNELS,
        channels_out: Some(CHANNELS),
        latency_budget_frames: 0,
    };
    Controller::new(chain, spec)
}

/// So many gain nodes.
///
/// # Errors
/// When the chain is not taken.
pub fn gains(count: usize) -> anyhow::Result<Chain> {
    let mut chain = Chain::new();
    for _ in 0..count {
        for link in Chain::parse("gain:gain=-0.1dB")?.into_links() {
            chain.push(link)?;
        }
    }
    Ok(chain)
}

/// The only node of a chain's text.
///
/// # Errors
/// When the text is no chain of one node.
pub fn node(text: &str) -> anyhow::Result<LinkNode> {
    match Chain::parse(text)?.into_links().pop() {
        Some(ossicle::chain::Link::Node(link)) => Ok(link.node),
        _ => anyhow::bail!("{text} is no node"),
    }
}
