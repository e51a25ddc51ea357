//! What the laws of the dynamics are measured with: nodes from text, signals, gains, clicks.

#![allow(dead_code)] // Each test file uses a part of it.

use std::f64::consts::TAU;

use ossicle_dsp::block::{Block, Planes, SidePlanes};
use ossicle_dsp::node::{Node, Spec};
use ossicle_dsp::registry::effect;
use ossicle_dsp::settings::Settings;

/// How often random trials are made: `short`, or as `OSSICLE_TRIALS` says, but at most `long`.
pub fn trials(short: u64, long: u64) -> u64 {
    match std::env::var("OSSICLE_TRIALS") {
        Ok(text) => long.min(text.parse().expect("OSSICLE_TRIALS is a whole number")),
        Err(_) => short,
    }
}

/// Numbers from a seed (SplitMix64: Steele, Lea, Flood, OOPSLA 2014).
pub struct Random(pub u64);

impl Random {
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Even ratios from `low` to `high`.
    pub fn ratio(&mut self, low: f64, high: f64) -> f64 {
        low * (high / low).powf(self.between(0.0, 1.0))
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[(self.bits() % of.len() as u64) as usize]
    }
}

/// `effect:parameter=value,...` or `effect:preset=id`, prepared.
pub fn node(text: &str, sample_rate_hz: u32, channels: usize) -> Box<dyn Node> {
    let mut node = settings(text).create().unwrap();
    node.prepare(&Spec {
        sample_rate_hz,
        max_block_frames: 4096,
        channels,
    })
    .unwrap();
    node
}

/// The settings of such a text.
pub fn settings(text: &str) -> Settings {
    let (id, values) = text.split_once(':').unwrap_or((text, ""));
    let mut settings = Settings::new(effect(id).unwrap());
    for value in values.split(',').filter(|value| !value.is_empty()) {
        let (parameter, value) = value.split_once('=').unwrap();
        match parameter.trim() {
            "preset" => settings.set_preset(value).unwrap(),
            parameter => settings.set_text(parameter, value).unwrap(),
        }
    }
    settings
}

/// A node with the frames it has processed.
pub struct Running {
    pub node: Box<dyn Node>,
    pub block: usize,
    since_reset: u64,
}

impl Running {
    pub fn new(text: &str, sample_rate_hz: u32, channels: usize, block: usize) -> Self {
        Self {
            node: node(text, sample_rate_hz, channels),
            block,
            since_reset: 0,
        }
    }

    /// Sets a parameter by its id.
    pub fn set(&mut self, parameter: &str, value: f64) {
        let rows = self.node.parameters();
        let number = rows.iter().position(|row| row.id == parameter).unwrap();
        self.node.set(number, value);
    }

    /// Runs planes through the node, in place.
    pub fn run(&mut self, planes: &mut [Vec<f32>]) {
        self.run_keyed(planes, None);
    }

    /// The same with a side-chain.
    pub fn run_keyed(&mut self, planes: &mut [Vec<f32>], key: Option<&[Vec<f32>]>) {
        let frames = planes[0].len();
        let mut begin = 0;
        while begin < frames {
            let end = frames.min(begin + self.block);
            let part = |planes: &[Vec<f32>]| -> Vec<f32> {
                planes
                    .iter()
                    .flat_map(|plane| plane[begin..end].to_vec())
                    .collect()
            };
            let (mut samples, side) = (part(planes), key.map(part));
            let length = end - begin;
            self.node.process(&mut Block {
                planes: Planes::new(&mut samples, length, length),
                side_chain: side
                    .as_deref()
                    .map(|side| SidePlanes::new(side, length, length)),
                since_reset: self.since_reset,
            });
            for (plane, samples) in planes.iter_mut().zip(samples.chunks(length)) {
                plane[begin..end].copy_from_slice(samples);
            }
            self.since_reset += length as u64;
            begin = end;
        }
    }

    /// The same for one channel.
    pub fn mono(&mut self, samples: &[f32]) -> Vec<f32> {
        let mut planes = [samples.to_vec()];
        self.run(&mut planes);
        let [plane] = planes;
        plane
    }
}

pub fn amplitude(level_db: f64) -> f64 {
    10.0_f64.powf(level_db / 20.0)
}

pub fn decibels(factor: f64) -> f64 {
    20.0 * factor.log10()
}

/// `frames` samples of one value.
pub fn constant(level_db: f64, frames: usize) -> Vec<f32> {
    vec![amplitude(level_db) as f32; frames]
}

/// A sine whose peak has this level, from frame `begin` of its life on.
pub fn sine(level_db: f64, frequency_norm: f64, begin: usize, frames: usize) -> Vec<f32> {
    let peak = amplitude(level_db);
    (begin..begin + frames)
        .map(|n| (peak * (TAU * frequency_norm * n as f64).sin()) as f32)
        .collect()
}

/// The amplitude of the sine of this frequency within samples of whole periods, by projection.
pub fn sine_amplitude(samples: &[f32], frequency_norm: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, &sample) in samples.iter().enumerate() {
        let (sin, cos) = (TAU * frequency_norm * n as f64).sin_cos();
        re += f64::from(sample) * cos;
        im += f64::from(sample) * sin;
    }
    2.0 * re.hypot(im) / samples.len() as f64
}

/// Gains of the frames in decibels, output over input.
pub fn gains_db(output: &[f32], input: &[f32]) -> Vec<f64> {
    let gain = |(y, x): (&f32, &f32)| decibels(f64::from(*y) / f64::from(*x));
    output.iter().zip(input).map(gain).collect()
}

/// Where `gains` have made 1 - 1/e of the way `from` -> `to`: frames from the middle between the
/// last frame before the first and the first, in a straight line between frames; and the number of
/// the frame on which it is made, counted from the first.
pub fn times(gains: &[f64], from: f64, to: f64) -> (f64, usize) {
    let made = |gain: f64| (gain - from) / (to - from) - (1.0 - (-1.0_f64).exp());
    let at = gains
        .iter()
        .position(|&gain| made(gain) >= -1e-9)
        .expect("the way is never made");
    let before = if at == 0 { from } else { gains[at - 1] };
    let (low, high) = (made(before), made(gains[at]));
    let (begin, length) = if at == 0 {
        (-0.5, 0.5)
    } else {
        (at as f64 - 1.0, 1.0)
    };
    (begin + length * low / (low - high) + 0.5, at)
}

/// The largest sample of what lies above 4 kHz at 48 kHz, in dBFS: a 1 kHz tone is 110 dB down.
pub fn click_dbfs(samples: &[f32]) -> f64 {
    const TAPS: usize = 401;
    const CORNER_NORM: f64 = 3250.0 / 48_000.0;
    // A low pass with Blackman's window of four terms (-92 dB side lobes; its main lobe is 4/401
    // wide on each side: stop from 3.7 kHz, pass to 2.8 kHz), taken from a plain delay.
    let taps: Vec<f64> = (0..TAPS)
        .map(|n| {
            let t = n as f64 - (TAPS / 2) as f64;
            let sinc = if t == 0.0 {
                2.0 * CORNER_NORM
            } else {
                (TAU * CORNER_NORM * t).sin() / (TAU / 2.0 * t)
            };
            let u = TAU * (n as f64 + 0.5) / TAPS as f64;
            let window = 0.358_75 - 0.488_29 * u.cos() + 0.141_28 * (2.0 * u).cos()
                - 0.011_68 * (3.0 * u).cos();
            sinc * window
        })
        .collect();
    let sum: f64 = taps.iter().sum();
    // Every other frame: what lies above 4 kHz does not last for one frame behind 401 taps.
    let loudest = samples.windows(TAPS).step_by(2).map(|part| {
        let low: f64 = taps
            .iter()
            .zip(part)
            .map(|(tap, x)| tap * f64::from(*x))
            .sum();
        (f64::from(part[TAPS / 2]) - low / sum).abs()
    });
    decibels(loudest.fold(1e-9, f64::max))
}
