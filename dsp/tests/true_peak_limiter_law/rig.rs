//! Runs a limiter over a whole signal.

use ossicle_dsp::block::{Block, Planes};
use ossicle_dsp::node::{Node, Spec};
use ossicle_dsp::registry;
use ossicle_dsp::settings::Settings;

const BLOCK: usize = 64;

/// A limiter with the given values, and its latency.
pub fn limiter(values: &[(&str, String)], rate_hz: u32, channels: usize) -> (Box<dyn Node>, usize) {
    let effect = registry::effect("true_peak_limiter").expect("it is in the registry");
    let mut settings = Settings::new(effect);
    for (parameter, text) in values {
        settings
            .set_text(parameter, text)
            .expect("the value is allowed");
    }
    let mut node = settings.create().expect("the values go together");
    let spec = Spec {
        sample_rate_hz: rate_hz,
        max_block_frames: BLOCK,
        channels,
    };
    let shape = node.prepare(&spec).expect("the rate is allowed");
    (node, shape.latency_frames as usize)
}

/// The output for `input` and as much silence as the latency is long; `change` may set parameters
/// before the block that begins at a frame.
pub fn run(
    node: &mut dyn Node,
    input: &[Vec<f32>],
    mut change: impl FnMut(&mut dyn Node, usize),
) -> Vec<Vec<f32>> {
    let frames = input[0].len() + node.latency_frames() as usize;
    let mut output = vec![Vec::with_capacity(frames); input.len()];
    let mut samples = vec![0.0; input.len() * BLOCK];
    for at in (0..frames).step_by(BLOCK) {
        let length = BLOCK.min(frames - at);
        for (plane, input) in samples.chunks_mut(BLOCK).zip(input) {
            for (place, sample) in plane[..length].iter_mut().enumerate() {
                *sample = input.get(at + place).copied().unwrap_or(0.0);
            }
        }
        change(node, at);
        node.process(&mut Block {
            planes: Planes::with_channels(&mut samples, input.len(), BLOCK, length),
            side_chain: None,
            since_reset: at as u64,
        });
        for (plane, output) in samples.chunks(BLOCK).zip(&mut output) {
            output.extend_from_slice(&plane[..length]);
        }
    }
    output
}
