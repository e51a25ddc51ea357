//! A node of your own in a chain: you hear the input with a slow tremolo.

use std::f64::consts::TAU;

use ossicle::chain::Chain;
use ossicle::dsp::block::Block;
use ossicle::dsp::node::{Node, PrepareError, Shape, Spec, Tail};
use ossicle::dsp::parameter::Parameter;
use ossicle::session::{Session, SessionConfig};

/// Turns the sound down and up, `rate_hz` times a second.
struct Tremolo {
    rate_hz: f64,
    /// Turns per frame.
    step: f64,
}

impl Node for Tremolo {
    fn parameters(&self) -> &'static [Parameter] {
        &[]
    }

    fn prepare(&mut self, spec: &Spec) -> Result<Shape, PrepareError> {
        self.step = self.rate_hz / f64::from(spec.sample_rate_hz);
        Ok(Shape {
            channels: spec.channels,
            latency_frames: 0,
        })
    }

    fn reset(&mut self) {}

    fn process(&mut self, block: &mut Block<'_>) {
        // Counted from the reset, so that it does not matter how the stream is cut into blocks.
        let first = block.since_reset;
        for plane in block.planes.iter_mut() {
            for (frame, sample) in plane.iter_mut().enumerate() {
                let turns = (first + frame as u64) as f64 * self.step;
                *sample *= (0.6 + 0.4 * (TAU * turns.fract()).cos()) as f32;
            }
        }
    }

    fn set(&mut self, _number: usize, _value: f64) {}

    fn latency_frames(&self) -> u64 {
        0
    }

    fn tail(&self) -> Tail {
        Tail::Frames(0)
    }
}

fn main() -> anyhow::Result<()> {
    let mut chain = Chain::new();
    chain.push_node(Box::new(Tremolo {
        rate_hz: 4.0,
        step: 0.0,
    }));
    let mut config = SessionConfig::live(chain);
    config.host = ossicle_examples::host()?;
    let session = Session::start(config)?;
    std::thread::sleep(ossicle_examples::length());
    println!("{} frames", session.stop()?.frames);
    Ok(())
}
