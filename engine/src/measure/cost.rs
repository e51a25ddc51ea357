//! What a chain costs: the time it computes, per sample and channel.

use core::hint::black_box;
use core::time::Duration;

use super::clock::now;
use super::signal::programme;
use super::subject::{Bench, Subject};
use crate::error::EngineError;

/// Frames of a run. A power of two: what a chain does every so many frames comes in every run at the
/// same place.
const RUN_FRAMES: usize = 1 << 15;
/// Runs whose whole time is taken, at the least.
const RUNS: usize = 15;
/// Runs in which the time of every block is taken, at the least.
const BLOCK_RUNS: usize = 5;
/// Once so much time was spent on one kind of run, no more than three of it are made.
const ENOUGH: Duration = Duration::from_secs(2);
/// Frames that go before, so that no state begins and no page is new.
const WARM_FRAMES: usize = 1 << 16;
/// Seed of the sound.
const SEED: u64 = 6;

/// What a chain costs, in nanoseconds of processor time for a sample of one channel.
///
/// The time is that of the thread, so other programs do not add to it; they do slow the machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Of the fastest run.
    pub ns_min: f64,
    /// Of the run in the middle.
    pub ns_median: f64,
    /// Of the slowest block, each block taken at its fastest run: what the chain itself does at
    /// times, not what the machine did once.
    pub ns_worst_block: f64,
    /// Share of one core that the run in the middle takes in real time, in per cent.
    pub load_percent: f64,
    /// The same for the slowest block.
    pub worst_load_percent: f64,
    /// Latency of the chain in frames.
    pub latency_frames: u64,
}

/// Measures what `subject` costs, with noise that goes on like music.
///
/// Takes from a tenth of a second to a few seconds, by what the chain costs.
///
/// # Errors
/// A chain that is wrong, or does not fit the rate or the channels.
///
/// # Examples
/// ```
/// use ossicle::measure::{Subject, cost::cost};
/// let cost = cost(&Subject::text("gain:gain=-6dB"))?;
/// assert!(0.0 < cost.ns_min && cost.ns_min <= cost.ns_median);
/// # Ok::<(), ossicle::EngineError>(())
/// ```
pub fn cost(subject: &Subject<'_>) -> Result<Cost, EngineError> {
    let mut bench = subject.bench()?;
    let channels = subject.channels;
    // Whole blocks only: a shorter one costs more for each frame.
    let blocks = (RUN_FRAMES / subject.block_frames).max(1);
    let frames = blocks * subject.block_frames;
    let input = programme(channels, frames, SEED);
    let mut output = vec![0.0; frames * bench.channels_out()];
    for _ in 0..WARM_FRAMES.div_ceil(frames) {
        run(&mut bench, subject, &input, &mut output);
    }
    let mut runs = Vec::new();
    while is_wanted(runs.len(), RUNS, runs.iter().sum()) {
        let began = now();
        run(&mut bench, subject, &input, &mut output);
        runs.push(now() - began);
    }
    runs.sort();
    let worst = worst_block(&mut bench, subject, &input, &mut output);
    let each = |time: Duration, frames: usize| time.as_nanos() as f64 / (frames * channels) as f64;
    let (ns_min, ns_median) = (each(runs[0], frames), each(runs[runs.len() / 2], frames));
    let ns_worst_block = each(worst, subject.block_frames).max(ns_median);
    // Nanoseconds a second of all channels, as a share of the second.
    let load = |ns: f64| ns * channels as f64 * f64::from(subject.sample_rate_hz) / 1e9 * 100.0;
    Ok(Cost {
        ns_min,
        ns_median,
        ns_worst_block,
        load_percent: load(ns_median),
        worst_load_percent: load(ns_worst_block),
        latency_frames: bench.processor().latency_frames(),
    })
}

fn is_wanted(done: usize, wanted: usize, spent: Duration) -> bool {
    done < 3 || (done < wanted && spent < ENOUGH)
}

fn run(bench: &mut Bench, subject: &Subject<'_>, input: &[f32], output: &mut [f32]) {
    let channels_out = bench.channels_out();
    let processor = bench.processor();
    for (input, output) in input
        .chunks_exact(subject.block_frames * subject.channels)
        .zip(output.chunks_exact_mut(subject.block_frames * channels_out))
    {
        processor.process(black_box(input), output);
    }
}

/// Time of the slowest block, each at its fastest, without what looking at the clock takes.
fn worst_block(
    bench: &mut Bench,
    subject: &Subject<'_>,
    input: &[f32],
    output: &mut [f32],
) -> Duration {
    let channels_out = bench.channels_out();
    let block_in = subject.block_frames * subject.channels;
    let block_out = subject.block_frames * channels_out;
    let mut fastest = vec![Duration::MAX; input.len() / block_in];
    let (mut runs, mut spent) = (0, Duration::ZERO);
    while is_wanted(runs, BLOCK_RUNS, spent) {
        let blocks = input
            .chunks_exact(block_in)
            .zip(output.chunks_exact_mut(block_out));
        for ((input, output), fastest) in blocks.zip(&mut fastest) {
            let began = now();
            bench.processor().process(black_box(input), output);
            let took = now() - began;
            *fastest = took.min(*fastest);
            spent += took;
        }
        runs += 1;
    }
    let clock = (0..100).map(|_| {
        let began = now();
        now() - began
    });
    let clock = clock.min().unwrap_or_default();
    fastest
        .into_iter()
        .max()
        .unwrap_or_default()
        .saturating_sub(clock)
}
