//! What a callback of a simulated device costs beside what it does.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use ossicle::io::device::sim::{Blocks, Drift, Lateness, Sim, SimDevice};
use ossicle::io::device::{Port, StreamRequest, now_ns};

const CALLS: u32 = 5_000_000;

/// Nanoseconds a call, of three devices at once, with a callback that does nothing.
fn cost_ns(device: &dyn Fn(&str) -> SimDevice) -> Result<f64> {
    let sim = Sim::new(1);
    let mut streams = Vec::new();
    for name in ["a", "b", "c"] {
        sim.plug(SimDevice {
            blocks: Blocks::Fixed(48),
            ..device(name)
        })?;
        let port = Port {
            device: Some(name.to_owned()),
            channels: None,
        };
        let request = StreamRequest {
            input: Some(port),
            ..Default::default()
        };
        streams.push(sim.open(&request)?.start(Box::new(|_| {}))?);
    }
    let began = Instant::now();
    sim.run_for(Duration::from_millis(u64::from(CALLS / 3)));
    let calls: u64 = streams
        .iter()
        .map(|stream| stream.status().callbacks())
        .sum();
    ensure!(calls.abs_diff(u64::from(CALLS)) < 1_000, "{calls} calls");
    Ok(began.elapsed().as_nanos() as f64 / calls as f64)
}

fn main() -> Result<()> {
    let plain = |name: &str| SimDevice::new(name, 1, 0);
    let jitter = |name: &str| SimDevice {
        lateness: vec![Lateness::Uniform { max_ns: 400_000 }],
        ..plain(name)
    };
    let full = |name: &str| SimDevice {
        lateness: vec![
            Lateness::Exponential { mean_ns: 100_000 },
            Lateness::Grid { step_ns: 125_000 },
        ],
        drifts: vec![
            Drift::Sine { ppm: 30.0, hz: 0.1 },
            Drift::Walk {
                ppm_per_sqrt_s: 0.1,
                seed: 1,
            },
        ],
        ..plain(name)
    };
    let mut two_clocks_ns = f64::INFINITY;
    for _ in 0..5 {
        let began = Instant::now();
        for _ in 0..1_000_000 {
            std::hint::black_box(now_ns());
            std::hint::black_box(now_ns());
        }
        two_clocks_ns = two_clocks_ns.min(began.elapsed().as_nanos() as f64 / 1e6);
    }
    println!(
        "plain {:.0} ns, jitter {:.0} ns, jitter, grid and drifts {:.0} ns a call; two readings of \
         the system's clock in each are {two_clocks_ns:.0} ns of it",
        cost_ns(&plain)?,
        cost_ns(&jitter)?,
        cost_ns(&full)?
    );
    Ok(())
}
