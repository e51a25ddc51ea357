//! Prints how fast the limiter is beside the plain C form, mono, by block length; then its fast mode,
//! for one channel and for eight, beside the C form built for this very processor.
//!
//! Alternating runs of one second of sound each; the middle of nine is shown, in processor time.
//! Ends with an error when the exact mode gives other bits than the C form.

use anyhow::{Result, ensure};
use ossicle_benches::limiter::{SAMPLES, core, naive, native, node, node_of, signal};
use ossicle_benches::stopwatch::{cpu_seconds, median};

const RUNS: usize = 9;
/// Runs of one measurement, so that the clock's steps do not show.
const REPEATS: usize = 10;

fn main() -> Result<()> {
    println!("ns per sample, mono, median of {RUNS} alternating runs, processor time");
    println!(
        "{:>6}{:>10}{:>10}{:>9}{:>10}{:>9}",
        "block", "C -O3", "core", "ratio", "node", "ratio"
    );
    for block in [2, 4, 16, 64, 256, 1024] {
        let (mut plain, mut alone, mut in_chain) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..RUNS {
            let mut c = naive();
            let (time, expected) = run(&mut c, block);
            plain.push(time);
            let mut bare = core();
            let (time, output) = run(&mut bare, block);
            alone.push(time);
            ensure!(
                output == expected,
                "the core's bits differ from C at blocks of {block}"
            );
            let mut whole = node(block)?;
            let (time, output) = run(&mut whole, block);
            in_chain.push(time);
            ensure!(
                output == expected,
                "the node's bits differ from C at blocks of {block}"
            );
        }
        let (plain, alone, in_chain) = (median(plain), median(alone), median(in_chain));
        let (core_ratio, node_ratio) = (plain / alone, plain / in_chain);
        println!(
            "{block:>6}{plain:>10.3}{alone:>10.3}{core_ratio:>8.2}x{in_chain:>10.3}{node_ratio:>8.2}x"
        );
    }
    fast()
}

/// The fast mode's table.
fn fast() -> Result<()> {
    println!("\nthe fast mode, ns per sample and channel");
    println!(
        "{:>6}{:>14}{:>10}{:>9}{:>12}{:>9}",
        "block", "C, native", "mono", "ratio", "8 channels", "ratio"
    );
    for block in [16, 64, 512] {
        let mut times = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..RUNS {
            times[0].push(run(&mut native(), block).0);
            times[1].push(run(&mut node_of(1, "fast", block)?, block).0);
            times[2].push(run(&mut node_of(8, "fast", block)?, 8 * block).0);
        }
        let [c, mono, eight] = times.map(median);
        println!(
            "{block:>6}{c:>14.3}{mono:>10.3}{:>8.2}x{eight:>12.3}{:>8.2}x",
            c / mono,
            c / eight
        );
    }
    Ok(())
}

/// Time for a sample in ns, and the bits of the last second.
fn run(limiter: &mut impl FnMut(&mut [f32]), block: usize) -> (f64, Vec<u32>) {
    let input = signal();
    let mut samples = input.clone();
    let mut seconds = 0.0;
    for _ in 0..REPEATS {
        samples.copy_from_slice(&input);
        seconds += cpu_seconds(|| samples.chunks_mut(block).for_each(&mut *limiter));
    }
    let bits = samples.iter().map(|sample| sample.to_bits()).collect();
    (seconds * 1e9 / (SAMPLES * REPEATS) as f64, bits)
}
