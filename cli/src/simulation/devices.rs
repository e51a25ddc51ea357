//! The simulated devices: clocks that wander, calls that come late, and a tone.

use std::f64::consts::TAU;
use std::sync::{Arc, Mutex};

use ossicle::io::device::sim::{Blocks, Drift, Lateness, Sim, SimDevice};

use super::ear::{AMPLITUDE, Ear, TONE_HZ, lock};

/// Rate of all devices as the run begins, in hertz.
pub const RATE_HZ: u32 = 48_000;
/// Name of the device that plays.
pub const SPEAKER: &str = "speaker";

/// Largest constant error of a clock, in millionths: two of them may be 2000 apart.
const MOST_PPM: f64 = 1_000.0;
const BLOCKS: [usize; 5] = [64, 128, 256, 480, 512];
const LATE_NS: [u64; 4] = [20_000, 50_000, 200_000, 500_000];

/// Name of a device that captures, by its number from 0.
pub fn name(number: usize) -> String {
    format!("mic{}", number + 1)
}

/// Random numbers (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// From 0 to 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[(self.next() % all.len() as u64) as usize]
    }
}

/// So many devices that capture, and one that plays.
pub fn draw(seed: u64, captures: usize) -> Vec<SimDevice> {
    let mut random = Random(seed);
    let names = (0..captures).map(|number| (name(number), 1, 0));
    let all = names.chain([(SPEAKER.to_owned(), 0, captures)]);
    all.map(|(name, inputs, outputs)| SimDevice {
        rate_error_ppm: MOST_PPM * (2.0 * random.unit() - 1.0),
        drifts: vec![
            // Warming up and cooling down, and what crystals do of themselves.
            Drift::Sine {
                ppm: 3.0 * random.unit(),
                hz: 1.0 / (600.0 + 3_000.0 * random.unit()),
            },
            Drift::Walk {
                ppm_per_sqrt_s: 0.003 * random.unit(),
                seed: random.next(),
            },
        ],
        blocks: Blocks::Fixed(random.one_of(&BLOCKS)),
        lateness: vec![Lateness::Uniform {
            max_ns: random.one_of(&LATE_NS),
        }],
        forgets: true,
        ..SimDevice::new(&name, inputs, outputs)
    })
    .collect()
}

/// Gives a device its tone, or its ear.
pub fn with_sound(device: SimDevice, sim: &Sim, ear: &Arc<Mutex<Ear>>) -> SimDevice {
    if device.name == SPEAKER {
        let ear = ear.clone();
        return device.with_sink(move |first, channels, block| {
            lock(&ear).hear(first, channels, block);
        });
    }
    let (sim, name) = (sim.clone(), device.name.clone());
    device.with_block_source(move |first, channels, block| {
        let frames = block.len() / channels.max(1);
        let time_ns = |frame: u64| sim.device_time_ns(&name, frame as f64).unwrap_or(0.0);
        let begin_ns = time_ns(first);
        let step_ns = (time_ns(first + frames as u64) - begin_ns) / frames as f64;
        let phase = |ns: f64| TAU * (ns * 1e-9 * TONE_HZ).fract();
        let (mut sin, mut cos) = phase(begin_ns).sin_cos();
        let (step_sin, step_cos) = (TAU * TONE_HZ * step_ns * 1e-9).sin_cos();
        for frame in block.chunks_exact_mut(channels) {
            frame.fill((AMPLITUDE * sin) as f32);
            (sin, cos) = (
                sin * step_cos + cos * step_sin,
                cos * step_cos - sin * step_sin,
            );
        }
    })
}
