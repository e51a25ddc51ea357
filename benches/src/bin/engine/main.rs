//! Prints what the engine adds to its nodes, in processor time, the least of alternating runs.
//!
//! - `engine node`: a gain node in a stereo chain, by block length, and the fit of a fixed cost.
//! - `engine filters [PEERS]`: eight low-passes at 64 frames beside the same in a chain written by
//!   hand, and in the graphs of others where the program is named that runs them.
//! - `engine flight`: what the flight recorder adds to a callback.
//! - `engine edits`: callbacks of 64 frames that take an edit beside those that do not.

mod edits;
mod filters;
mod flight;
mod peers;

use std::hint::black_box;
use std::path::Path;

use anyhow::{Result, bail};
use ossicle::chain::Chain;
use ossicle::processor::Processor;
use ossicle_benches::engine::{CHANNELS, gains, processor};
use ossicle_benches::stopwatch::cpu_seconds;

const RUNS: usize = 15;
/// Frames of one measurement.
const FRAMES: usize = 1 << 17;
/// Gain nodes whose cost is shared by all.
const NODES: usize = 32;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["node"] => node(),
        ["filters"] => filters::run(None),
        ["filters", peers] => filters::run(Some(Path::new(peers))),
        ["edits"] => edits::run(),
        ["flight"] => {
            flight::run();
            Ok(())
        }
        _ => bail!("usage: engine node | engine filters [PEERS] | engine edits | engine flight"),
    }
}

fn noise() -> Vec<f32> {
    let mut state = 1u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state as f32 / 2f32.powi(32) - 0.5
    };
    std::iter::repeat_with(next)
        .take(FRAMES * CHANNELS)
        .collect()
}

/// Nanoseconds for a block.
fn time(processor: &mut Processor, input: &[f32], output: &mut [f32], block: usize) -> f64 {
    let samples = block * CHANNELS;
    let seconds = cpu_seconds(|| {
        for (input, output) in input
            .chunks_exact(samples)
            .zip(output.chunks_exact_mut(samples))
        {
            processor.process(black_box(input), output);
        }
    });
    seconds * 1e9 / (input.len() / samples) as f64
}

fn node() -> Result<()> {
    println!("a gain node in a stereo chain, ns a block, least of {RUNS} alternating runs");
    println!("{:>6}{:>10}{:>12}", "block", "node", "empty chain");
    let input = noise();
    let mut output = vec![0.0; input.len()];
    let mut points = Vec::new();
    for block in [16, 32, 64, 128, 256, 512] {
        let (_a, mut empty) = processor(Chain::new(), 512)?;
        let (_b, mut full) = processor(gains(NODES)?, 512)?;
        let (mut bare, mut with) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..RUNS {
            bare = bare.min(time(&mut empty, &input, &mut output, block));
            with = with.min(time(&mut full, &input, &mut output, block));
        }
        let each = (with - bare) / NODES as f64;
        println!("{block:>6}{each:>10.2}{bare:>12.2}");
        points.push((block as f64, each));
    }
    let (fixed, per_frame) = line(&points);
    println!("fit: {fixed:.2} ns a node and block + {per_frame:.4} ns a frame");
    Ok(())
}

/// The line of least relative squares through points: its value at 0 and its slope.
fn line(points: &[(f64, f64)]) -> (f64, f64) {
    let mut sums = [0.0; 5];
    for &(x, y) in points {
        let weight = 1.0 / (y * y);
        for (sum, term) in sums.iter_mut().zip([1.0, x, x * x, y, x * y]) {
            *sum += weight * term;
        }
    }
    let [n, x, xx, y, xy] = sums;
    let slope = (n * xy - x * y) / (n * xx - x * x);
    ((y - slope * x) / n, slope)
}
