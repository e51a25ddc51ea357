//! What taking an edit costs a callback.

use std::hint::black_box;

use anyhow::{Context, Result};
use ossicle::chain::Chain;
use ossicle_benches::engine::{CHANNELS, node, processor};
use ossicle_benches::stopwatch::cpu_nanoseconds;

const BLOCK: usize = 64;
/// Times the same run is made; of each callback the least counts.
const RUNS: usize = 7;
const CALLBACKS: usize = 60_000;
/// Callbacks between two edits: a fade of 10 ms is over in 8.
const EVERY: usize = 12;

/// Prints the p99.99 of callbacks that take or end an edit, and of those that run the same chain
/// and fades without.
pub fn run() -> Result<()> {
    let mut least = vec![u64::MAX; CALLBACKS];
    for _ in 0..RUNS {
        one_run(&mut least)?;
    }
    // An edit is taken in the first callback of its turn, and given back in the ninth; it fades in
    // those between.
    let mut takes: Vec<u64> = Vec::new();
    let mut fades: Vec<u64> = Vec::new();
    let mut plain: Vec<u64> = Vec::new();
    // The first second warms up.
    for (at, &ns) in least.iter().enumerate().skip(48_000 / BLOCK) {
        match at % EVERY {
            0 => takes.push(ns),
            1..=6 => fades.push(ns),
            7 | 8 => takes.push(ns),
            _ => plain.push(ns),
        }
    }
    println!("callbacks of {BLOCK} frames, processor time, least of {RUNS} equal runs");
    let figures = |values: &mut Vec<u64>| {
        values.sort_unstable();
        let at = |share: f64| values[((values.len() - 1) as f64 * share) as usize] as f64 * 1e-3;
        (at(0.5), at(0.9999))
    };
    let named = [
        ("without an edit", figures(&mut plain)),
        ("within a fade", figures(&mut fades)),
        ("takes or ends an edit", figures(&mut takes)),
    ];
    println!("{:<24}{:>12}{:>14}", "", "median, us", "p99.99, us");
    for (name, (median, worst)) in named {
        println!("{name:<24}{median:>12.3}{worst:>14.3}");
    }
    let [(_, (_, without)), _, (_, (_, taking))] = named;
    println!(
        "taking an edit adds {:.3} us to a callback",
        taking - without
    );
    Ok(())
}

fn one_run(least: &mut [u64]) -> Result<()> {
    let text = "gain:gain=-1dB | delay:time=20ms | parametric_eq:b1_type=peak,b1_gain=3dB | pan";
    let (mut controller, mut processor) = processor(Chain::parse(text)?, BLOCK)?;
    let input = vec![0.25; BLOCK * CHANNELS];
    let mut output = vec![0.0; BLOCK * CHANNELS];
    let mut inserted = None;
    for (at, least) in least.iter_mut().enumerate() {
        if at % EVERY == 0 {
            while controller.answer().is_some() {}
            if let Some(id) = inserted.take() {
                controller.remove(id).context("taking the node out")?;
            } else {
                let (id, _) = controller.insert(2, node("gain:gain=-2dB")?)?;
                inserted = Some(id);
            }
        }
        let begin = cpu_nanoseconds();
        processor.process(black_box(&input), &mut output);
        *least = (*least).min(cpu_nanoseconds() - begin);
    }
    Ok(())
}
