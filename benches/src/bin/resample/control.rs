//! What the loop that steers the kernel costs: both devices' calls of two minutes, late by up to
//! 50 us, in processor time of this thread.

use std::time::Instant;

use ossicle::dsp::clock::{DriftLoop, LoopSpec};
use ossicle_benches::stopwatch::{cpu_seconds, median};

use crate::{BLOCK, RATE_HZ, RUNS};

/// Calls of each device.
const CALLS: u64 = 120 * RATE_HZ as u64 / BLOCK as u64;
/// Most that a call may take in the mean, in nanoseconds.
const MOST_NS: f64 = 1000.0;

/// Prints the mean of a call, the median of some runs, and how long calls take; whether the mean is
/// under a microsecond.
pub fn tell() -> bool {
    let mean_ns = median((0..RUNS).map(|_| run(&mut |work| work()).0).collect());
    let mut taken_ns: Vec<f64> = Vec::with_capacity(2 * CALLS as usize);
    run(&mut |work| {
        let began = Instant::now();
        work();
        taken_ns.push(began.elapsed().as_secs_f64() * 1e9);
    });
    taken_ns.sort_by(f64::total_cmp);
    let told = |part: f64| taken_ns[(part * (taken_ns.len() - 1) as f64) as usize];
    let holds = mean_ns < MOST_NS;
    let verdict = if holds { "" } else { "  MISSED" };
    println!(
        "\ncontrol loop: {mean_ns:.0} ns a call in the mean (under {MOST_NS}){verdict}; by the \
         wall clock half take {:.0} ns, 99 of 100 {:.0}, 999 of 1000 {:.0}",
        told(0.5),
        told(0.99),
        told(0.999)
    );
    holds
}

/// Goes through all calls, each inside of `around`; nanoseconds of a call in the mean, and the last
/// step, so that nothing is left out.
fn run(around: &mut dyn FnMut(&mut dyn FnMut())) -> (f64, f64) {
    let rate_hz = f64::from(RATE_HZ);
    let mut drift = DriftLoop::new(LoopSpec {
        from_hz: rate_hz,
        to_hz: rate_hz,
        ahead_frames: 32.0,
        late_frames: 0.0,
        learned: None,
    });
    let mut random = 1_u64;
    let mut late_ns = || {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) * 50_000 / (1 << 31)
    };
    let period_ns = BLOCK as f64 / rate_hz * 1e9;
    let seconds = cpu_seconds(|| {
        for call in 1..=CALLS {
            let end = call * BLOCK as u64;
            // The writer's clock is fast by 100 millionths.
            let from_ns = (call as f64 * period_ns / 1.000_1) as u64 + late_ns();
            let to_ns = (call as f64 * period_ns) as u64 + 2_000_000 + late_ns();
            around(&mut || drift.written(end, from_ns));
            around(&mut || {
                std::hint::black_box(drift.read(end, to_ns, BLOCK));
            });
        }
    });
    (seconds * 1e9 / (2 * CALLS) as f64, drift.step())
}
