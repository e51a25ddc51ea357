//! What the flight recorder adds to a callback: its record, the input, and the hash of the output.

use std::hint::black_box;

use ossicle::flight::{CallbackRecord, tape};
use ossicle_benches::engine::CHANNELS;
use ossicle_benches::stopwatch::cpu_seconds;

const RUNS: usize = 25;
/// Callbacks of one measurement; the rings hold them.
const CALLS: usize = 300;

/// Prints nanoseconds a callback.
pub fn run() {
    println!("the flight recorder in a stereo callback, ns, least of {RUNS} runs");
    println!("{:>6}{:>10}{:>12}", "block", "callback", "a frame");
    for block in [16u32, 32, 64, 128, 256, 512] {
        let (mut writer, mut reader) = tape(CHANNELS, 48_000, block);
        let samples: Vec<f32> = (0..block as usize * CHANNELS)
            .map(|at| (at as f32 * 0.37).sin())
            .collect();
        let mut record = CallbackRecord::default();
        record.asked = block;
        let mut least = f64::INFINITY;
        for _ in 0..RUNS {
            let seconds = cpu_seconds(|| {
                for _ in 0..CALLS {
                    writer.begin(black_box(record), CHANNELS);
                    writer.input(black_box(&samples));
                    writer.output(black_box(&samples), block as usize);
                    writer.end(black_box(1));
                }
            });
            reader.forget();
            least = least.min(seconds * 1e9 / CALLS as f64);
        }
        println!("{block:>6}{least:>10.1}{:>12.3}", least / f64::from(block));
    }
}
