//! Nasty signals from a seed.

use std::f64::consts::{PI, TAU};

pub const RATE_HZ: f64 = 48_000.0;

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

    /// Between two numbers.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.bits() % end as u64) as usize
    }

    /// An amplitude between two levels in decibels.
    pub fn amplitude(&mut self, low_db: f64, high_db: f64) -> f64 {
        10.0_f64.powf(self.between(low_db, high_db) / 20.0)
    }

    /// Normally distributed, of variance 1 (Box and Muller, 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * self.between(1e-18, 1.0).ln()).sqrt();
        radius * self.between(0.0, TAU).cos()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Noise,
    Square,
    Tone,
    Impulses,
    Chirp,
    Bursts,
}

impl Kind {
    pub const ALL: [Self; 6] = [
        Self::Noise,
        Self::Square,
        Self::Tone,
        Self::Impulses,
        Self::Chirp,
        Self::Bursts,
    ];

    pub fn signal(self, random: &mut Random, frames: usize) -> Vec<f64> {
        let gain = random.amplitude(-3.0, 24.0);
        let begin = random.between(0.0, TAU);
        let time = 0..frames;
        match self {
            Self::Noise => time.map(|_| gain * 0.25 * random.normal()).collect(),
            Self::Square => {
                let step = random.between(20.0, 8000.0) / RATE_HZ;
                let sign = |n: usize| {
                    if (n as f64 * step + begin) % 1.0 < 0.5 {
                        1.0
                    } else {
                        -1.0
                    }
                };
                time.map(|n| gain * sign(n)).collect()
            }
            // Half of them on a fraction of the rate, where the samples miss the peaks by most.
            Self::Tone => {
                let frequency = match random.below(2) {
                    0 => RATE_HZ / [2.5, 3.0, 4.0, 6.0, 8.0][random.below(5)],
                    _ => random.between(1000.0, 19_500.0),
                };
                let step = TAU * frequency / RATE_HZ;
                time.map(|n| gain * (begin + step * n as f64).sin())
                    .collect()
            }
            Self::Impulses => {
                let mut signal = vec![0.0; frames];
                for _ in 0..1 + random.below(20) {
                    let sign = [-1.0, 1.0][random.below(2)];
                    signal[random.below(frames)] += sign * random.amplitude(-6.0, 40.0);
                }
                signal
            }
            Self::Chirp => {
                let [from, to] = [(); 2].map(|()| random.between(20.0, 24_000.0) / RATE_HZ);
                let slope = (to - from) / frames as f64;
                let turns = |n: f64| n * (from + slope * n / 2.0);
                time.map(|n| gain * (begin + TAU * turns(n as f64)).sin())
                    .collect()
            }
            // Tones and noise that begin and end at once, over a soft ground.
            Self::Bursts => {
                let mut signal: Vec<f64> = time.map(|_| 0.01 * random.normal()).collect();
                for _ in 0..1 + random.below(6) {
                    let step = TAU * random.between(30.0, 20_000.0) / RATE_HZ;
                    let (at, gain) = (random.below(frames), random.amplitude(-6.0, 30.0));
                    let length = 1 + random.below(800);
                    for (n, sample) in signal[at..].iter_mut().take(length).enumerate() {
                        *sample += gain * (begin + step * n as f64).sin();
                    }
                }
                signal
            }
        }
    }
}

/// A low-pass that leaves at most -100 dB above 20 kHz: Kaiser's window over 511 taps.
pub struct BandLimit {
    taps: Vec<f64>,
}

impl BandLimit {
    const HALF: usize = 255;

    pub fn new() -> Self {
        // 100 dB over 511 taps: a transition of (100 - 8)/(14.36 x 511) = 0.0125 of the rate; its end
        // is at 20 kHz.
        let (beta, corner) = (0.1102 * (100.0 - 8.7), 20_000.0 / RATE_HZ - 0.0125 / 2.0);
        let taps = (0..=2 * Self::HALF).map(|k| {
            let x = k as f64 - Self::HALF as f64;
            let share = x / (Self::HALF as f64 + 1.0);
            let window = bessel(beta * (1.0 - share * share).sqrt()) / bessel(beta);
            let angle = 2.0 * PI * corner * x;
            let sinc = if x == 0.0 { 1.0 } else { angle.sin() / angle };
            2.0 * corner * sinc * window
        });
        Self {
            taps: taps.collect(),
        }
    }

    /// The signal band-limited, longer by the filter on both sides.
    pub fn apply(&self, signal: &[f64]) -> Vec<f64> {
        let silence = std::iter::repeat_n(0.0, 2 * Self::HALF);
        let all = silence.clone().chain(signal.iter().copied()).chain(silence);
        let padded: Vec<f64> = all.collect();
        padded
            .windows(self.taps.len())
            .map(|window| window.iter().zip(&self.taps).map(|(x, tap)| x * tap).sum())
            .collect()
    }
}

fn bessel(x: f64) -> f64 {
    let (mut sum, mut term, mut n) = (1.0, 1.0, 1.0);
    while term > sum * 1e-17 {
        term *= x * x / 4.0 / (n * n);
        sum += term;
        n += 1.0;
    }
    sum
}
