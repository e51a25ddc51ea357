//! What a tail costs that decays to nothing, beside the same effect at work.
//!
//! Every effect of the registry, with its defaults and each of its presets, in a chain: noise that goes
//! on, and noise that falls by 900 dB within half the time, through all subnormal numbers, and is
//! silence then. Prints nanoseconds for a sample of one channel, and fails where the tail takes more
//! than 1.1 times as long.

use anyhow::{Result, ensure};
use ossicle::chain::Chain;
use ossicle::dsp::registry::EFFECTS;
use ossicle_benches::engine::{CHANNELS, processor};
use ossicle_benches::stopwatch::cpu_seconds;

const BLOCK: usize = 64;
/// Frames that are timed: a second.
const FRAMES: usize = 48_000;
/// Frames of noise before a tail.
const BEFORE: usize = 9600;
const RUNS: usize = 9;
/// What a tail may take of what noise takes.
const ALLOWED: f64 = 1.1;

/// Noise at full scale, the same in every run.
fn noise(frames: usize) -> Vec<f32> {
    let mut state = 1_u32;
    (0..frames * CHANNELS)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

/// Falls by 900 dB in the first half.
fn decaying() -> Vec<f32> {
    let mut sound = noise(FRAMES);
    for (place, sample) in sound.iter_mut().enumerate() {
        let half = 2.0 * (place / CHANNELS) as f64 / FRAMES as f64;
        let level = if half < 1.0 {
            10_f64.powf(-45.0 * half)
        } else {
            0.0
        };
        *sample = (f64::from(*sample) * level) as f32;
    }
    sound
}

/// Nanoseconds for a sample of one channel of `sound`, after noise.
fn time(text: &str, before: &[f32], sound: &[f32]) -> Result<f64> {
    let (_controller, mut processor) = processor(Chain::parse(text)?, BLOCK)?;
    let channels_out = processor.channels_out();
    let mut output = vec![0.0; BLOCK * channels_out];
    let mut run = |sound: &[f32]| {
        for input in sound.chunks_exact(BLOCK * CHANNELS) {
            processor.process(input, &mut output);
        }
    };
    run(before);
    let seconds = cpu_seconds(|| run(sound));
    Ok(seconds * 1e9 / sound.len() as f64)
}

fn main() -> Result<()> {
    let (before, steady, tail) = (noise(BEFORE), noise(FRAMES), decaying());
    println!(
        "{:<40}{:>10}{:>10}{:>8}",
        "ns a sample and channel, least of 9", "noise", "tail", "times"
    );
    let mut over = Vec::new();
    for effect in EFFECTS {
        let presets = effect.presets.iter().map(|preset| preset.id);
        let named = presets.map(|preset| format!("{}:preset={preset}", effect.id));
        for text in core::iter::once(effect.id.to_owned()).chain(named) {
            let (mut at_work, mut decays) = (f64::INFINITY, f64::INFINITY);
            for _ in 0..RUNS {
                at_work = at_work.min(time(&text, &before, &steady)?);
                decays = decays.min(time(&text, &before, &tail)?);
            }
            let times = decays / at_work;
            println!("{text:<40}{at_work:>10.2}{decays:>10.2}{times:>8.3}");
            if times > ALLOWED {
                over.push(text);
            }
        }
    }
    ensure!(over.is_empty(), "over {ALLOWED} times: {}", over.join(", "));
    Ok(())
}
