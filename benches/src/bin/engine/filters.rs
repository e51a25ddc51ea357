//! Eight stereo low-passes: in a chain, in a row by hand, and in the graphs of others.

use std::hint::black_box;
use std::path::Path;

use anyhow::{Result, ensure};
use ossicle::chain::Chain;
use ossicle_benches::engine::{Boxed, CHANNELS, LowPass, processor};
use ossicle_benches::stopwatch::cpu_seconds;

use crate::peers::Peers;
use crate::{FRAMES, RUNS, noise, time};

const BLOCK: usize = 64;
/// What eight filters in single precision may differ by, of the loudest sample. Each rounds to
/// 2^-24 and passes on the rounding of those before it; corners off by a thousandth make 4e-3.
const ROUNDING: f32 = 1e-4;

/// Prints what each side takes for a frame.
pub fn run(peers: Option<&Path>) -> Result<()> {
    let corners_norm: Vec<f64> = (0..8).map(|n| 0.05 + 0.02 * f64::from(n)).collect();
    let mut chain = Chain::new();
    let mut boxes: Vec<Box<dyn Boxed>> = Vec::new();
    for &corner_norm in &corners_norm {
        chain.push_node(Box::new(LowPass::new(corner_norm)));
        boxes.push(Box::new(LowPass::new(corner_norm)));
    }
    let (_controller, mut ours) = processor(chain, BLOCK)?;
    let input = noise();
    let mut output = vec![0.0; input.len()];
    let mut pool = vec![0.0; CHANNELS * BLOCK];
    let mut peers = match peers {
        Some(program) => Some(Peers::start(program, &input, BLOCK, &corners_norm)?),
        None => None,
    };
    time(&mut ours, &input, &mut output, BLOCK);
    let mut rounding = [0.0; Peers::NAMES.len()];
    if let Some(peers) = &mut peers {
        for (rounding, name) in rounding.iter_mut().zip(Peers::NAMES) {
            let apart = apart(&output, &peers.sound(name)?);
            *rounding = 20.0 * apart.log10();
            ensure!(apart <= ROUNDING, "{name} filters otherwise: {apart} apart");
        }
    }

    let (mut mine, mut plain) = (f64::INFINITY, f64::INFINITY);
    let mut theirs = [f64::INFINITY; Peers::NAMES.len()];
    for _ in 0..RUNS {
        mine = mine.min(time(&mut ours, &input, &mut output, BLOCK) / BLOCK as f64);
        let seconds = cpu_seconds(|| {
            let samples = BLOCK * CHANNELS;
            let blocks = input
                .chunks_exact(samples)
                .zip(output.chunks_exact_mut(samples));
            for (input, output) in blocks {
                by_hand(&mut boxes, black_box(input), output, &mut pool);
            }
        });
        plain = plain.min(seconds * 1e9 / FRAMES as f64);
        if let Some(peers) = &mut peers {
            for (least, name) in theirs.iter_mut().zip(Peers::NAMES) {
                *least = least.min(peers.time(name)?);
            }
        }
    }
    println!(
        "eight stereo low-passes at {BLOCK} frames, ns a frame, least of {RUNS} alternating runs"
    );
    println!(
        "engine {mine:.2}, boxes in a row {plain:.2}: {:.3} times",
        mine / plain
    );
    if peers.is_some() {
        println!("beside (state-variable filters, same response, more arithmetic than ours):");
        for ((theirs, name), rounding) in theirs.iter().zip(Peers::NAMES).zip(rounding) {
            println!(
                "{name} {theirs:.2}: {:.2} times the engine, the same sound to {rounding:.0} dB",
                theirs / mine
            );
        }
    }
    Ok(())
}

/// The largest difference, as a share of the loudest sample; not a number where one is none.
fn apart(ours: &[f32], theirs: &[f32]) -> f32 {
    let differences = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs());
    // In this order what is no number is the largest.
    let difference = differences.max_by(f32::total_cmp);
    let loudest = ours
        .iter()
        .map(|sample| sample.abs())
        .max_by(f32::total_cmp);
    difference.unwrap_or(f32::NAN) / loudest.unwrap_or(0.0)
}

/// Interleaved frames to planes, through the boxes, and back.
fn by_hand(boxes: &mut [Box<dyn Boxed>], input: &[f32], output: &mut [f32], pool: &mut [f32]) {
    let (left, right) = pool.split_at_mut(input.len() / CHANNELS);
    for ((frame, left), right) in input.chunks_exact(2).zip(&mut *left).zip(&mut *right) {
        (*left, *right) = (frame[0], frame[1]);
    }
    for filter in boxes {
        filter.run([left, right]);
    }
    for ((frame, left), right) in output.chunks_exact_mut(2).zip(left).zip(right) {
        (frame[0], frame[1]) = (*left, *right);
    }
}
