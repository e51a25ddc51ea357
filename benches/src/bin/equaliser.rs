//! Prints what the equalisers take beside filters written by hand, stereo, in the same run.
//!
//! By hand: second-order filters in single precision, transposed direct form 2, both channels in one
//! loop so that neither waits for the other. They have none of the equaliser's precision: for a low
//! pass at 20 Hz they are 90 dB noisier. Processor time of alternating runs; the least of each is
//! shown, since whatever else the machine does only adds to it.

use std::hint::black_box;

use anyhow::{Context, Result};
use ossicle::dsp::block::{Block, Planes};
use ossicle::dsp::node::{Node, Spec};
use ossicle::dsp::registry::effect;
use ossicle::dsp::settings::Settings;
use ossicle_benches::engine::{CHANNELS, SAMPLE_RATE_HZ};
use ossicle_benches::signal::swelling_noise;
use ossicle_benches::stopwatch::cpu_seconds;

const RUNS: usize = 41;
const FRAMES: usize = 1 << 15;
const BANDS: usize = 8;

/// A filter by hand: five coefficients, two numbers of state for each channel.
#[derive(Clone)]
struct Hand {
    b: [f32; 3],
    a: [f32; 2],
    state: [[f32; 2]; CHANNELS],
}

impl Hand {
    /// The peak of the Audio EQ Cookbook.
    fn peak(frequency_hz: f64, gain_db: f64) -> Self {
        let omega = core::f64::consts::TAU * frequency_hz / f64::from(SAMPLE_RATE_HZ);
        let (gain, alpha) = (10f64.powf(gain_db / 40.0), omega.sin() / 2.0);
        let a0 = 1.0 + alpha / gain;
        let middle = (-2.0 * omega.cos() / a0) as f32;
        let b = [(1.0 + alpha * gain) / a0, (1.0 - alpha * gain) / a0];
        Self {
            b: [b[0] as f32, middle, b[1] as f32],
            a: [middle, ((1.0 - alpha / gain) / a0) as f32],
            state: [[0.0; 2]; CHANNELS],
        }
    }

    fn run(&mut self, samples: &mut [f32]) {
        let ([b0, b1, b2], [a1, a2], mut state) = (self.b, self.a, self.state);
        let (left, right) = samples.split_at_mut(samples.len() / 2);
        for (left, right) in left.iter_mut().zip(right) {
            for (sample, [s1, s2]) in [left, right].into_iter().zip(&mut state) {
                let x = *sample;
                let y = b0 * x + *s1;
                *s1 = b1 * x - a1 * y + *s2;
                *s2 = b2 * x - a2 * y;
                *sample = y;
            }
        }
        self.state = state;
    }
}

/// The bands' frequencies and gains.
fn peaks(count: usize) -> impl Iterator<Item = (f64, f64)> {
    (0..count).map(|band| (100.0 * 2f64.powi(band as i32), [3.0, -3.0][band % 2]))
}

/// A node of `effect_id` with values as in a chain.
fn node(effect_id: &str, values: &[(String, String)]) -> Result<Box<dyn Node>> {
    let mut settings = Settings::new(effect(effect_id).context("no such effect")?);
    for (parameter, text) in values {
        settings.set_text(parameter, text)?;
    }
    let mut node = settings.create()?;
    node.prepare(&Spec {
        sample_rate_hz: SAMPLE_RATE_HZ,
        max_block_frames: FRAMES,
        channels: CHANNELS,
    })?;
    Ok(node)
}

fn bands(count: usize) -> Result<Box<dyn Node>> {
    let values = peaks(count)
        .zip(1..)
        .flat_map(|((frequency_hz, gain_db), band)| {
            [
                (format!("b{band}_type"), "peak".to_owned()),
                (format!("b{band}_freq"), frequency_hz.to_string()),
                (format!("b{band}_gain"), gain_db.to_string()),
                (format!("b{band}_q"), "1".to_owned()),
            ]
        });
    node("parametric_eq", &values.collect::<Vec<_>>())
}

/// Runs `work` over all blocks of the input, planes side by side; gives nanoseconds a frame.
fn time(input: &[f32], block: usize, mut work: impl FnMut(&mut [f32], u64)) -> f64 {
    let mut samples = input.to_vec();
    let seconds = cpu_seconds(|| {
        for (turn, part) in samples.chunks_exact_mut(block * CHANNELS).enumerate() {
            work(black_box(part), (turn * block) as u64);
        }
    });
    seconds * 1e9 / FRAMES as f64
}

fn run(node: &mut dyn Node, samples: &mut [f32], since_reset: u64) {
    let frames = samples.len() / CHANNELS;
    node.process(&mut Block {
        planes: Planes::with_channels(samples, CHANNELS, frames, frames),
        side_chain: None,
        since_reset,
    });
}

fn main() -> Result<()> {
    println!("ns a frame, stereo, least of {RUNS} alternating runs, processor time");
    println!(
        "{:>6}{:>11}{:>9}{:>8}{:>11}{:>8}{:>8}{:>13}{:>12}",
        "block",
        "8 by hand",
        "8 bands",
        "ratio",
        "1 by hand",
        "1 peak",
        "ratio",
        "1 peak moves",
        "31 sliders"
    );
    let input = swelling_noise(FRAMES * CHANNELS, 4800);
    let mut hands: Vec<Hand> = peaks(BANDS).map(|(hz, db)| Hand::peak(hz, db)).collect();
    let mut hand = hands[..1].to_vec();
    let (mut eight, mut one, mut moved) = (bands(BANDS)?, bands(1)?, bands(1)?);
    let sliders = effect("graphic_eq").context("no such effect")?.parameters;
    let sliders: Vec<_> = sliders
        .iter()
        .filter(|row| row.choices().is_none())
        .map(|row| (row.id.to_owned(), "3dB".to_owned()))
        .collect();
    let mut sliders = node("graphic_eq", &sliders)?;
    for block in [16, 64, 512] {
        let mut least = [f64::INFINITY; 6];
        for _ in 0..RUNS {
            let times = [
                time(&input, block, |samples, _| {
                    black_box(&mut hands)
                        .iter_mut()
                        .for_each(|hand| hand.run(samples));
                }),
                time(&input, block, |samples, at| run(&mut *eight, samples, at)),
                time(&input, block, |samples, _| {
                    black_box(&mut hand)
                        .iter_mut()
                        .for_each(|hand| hand.run(samples));
                }),
                time(&input, block, |samples, at| run(&mut *one, samples, at)),
                time(&input, block, |samples, at| {
                    // Another frequency before every block: it never rests.
                    moved.set(1, 1000.0 + (at % 1000) as f64);
                    run(&mut *moved, samples, at);
                }),
                time(&input, block, |samples, at| run(&mut *sliders, samples, at)),
            ];
            for (least, time) in least.iter_mut().zip(times) {
                *least = least.min(time);
            }
        }
        let [hands, eight, hand, one, moved, sliders] = least;
        println!(
            "{block:>6}{hands:>11.2}{eight:>9.2}{:>7.2}x{hand:>11.2}{one:>8.2}{:>7.2}x{moved:>13.2}{sliders:>12.2}",
            hands / eight,
            hand / one
        );
    }
    Ok(())
}
