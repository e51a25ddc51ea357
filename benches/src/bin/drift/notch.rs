//! A tone is taken away and the rest is told.
//!
//! As in AES17 a notch takes the tone and what is left is compared with all. That of the standard is
//! hundreds of hertz wide and would hide how a loop trembles; this one is 20 Hz wide: slower than
//! 10 Hz a delay that moves is a listener who moves.

use std::f64::consts::TAU;

use super::trial::RATE_HZ;

/// Half the notch's width in hertz, and the window's shape: its sidelobes lie 230 dB down, its main
/// lobe within 6 Hz for a second and more.
const NOTCH_HZ: f64 = 10.0;
const KAISER: f64 = 25.0;

/// Mean powers.
pub struct Left {
    pub tone: f64,
    pub rest: f64,
}

/// Powers of a band around `cycles` per frame and of all else.
///
/// The signal is taken under a Kaiser window; the band is the sum of its components at whole steps of
/// 1 / frames from the band's middle, which are orthogonal; and to what a real signal has at the
/// negative frequencies too, since the middle is a whole number of 1 / (2 frames).
pub fn take_away(signal: &[f32], cycles: f64) -> Left {
    let length = signal.len() as f64;
    let window: Vec<f64> = (0..signal.len())
        .map(|frame| {
            let place = (2.0 * frame as f64 + 1.0) / length - 1.0;
            bessel(KAISER * (1.0 - place * place).sqrt()) / bessel(KAISER)
        })
        .collect();
    let power: f64 = window.iter().map(|weight| weight * weight).sum();
    let mut rest: Vec<f64> = signal
        .iter()
        .zip(&window)
        .map(|(&sample, weight)| f64::from(sample) * weight)
        .collect();
    let all: f64 = rest.iter().map(|y| y * y).sum();
    let steps = (NOTCH_HZ / RATE_HZ * length).round() as i64;
    let middle = (2.0 * length * cycles).round() / (2.0 * length);
    for step in -steps..=steps {
        let cycles = middle + step as f64 / length;
        let wave = |frame: usize| (TAU * (cycles * frame as f64).fract()).sin_cos();
        let (mut real, mut imaginary) = (0.0, 0.0);
        for (frame, y) in rest.iter().enumerate() {
            let (s, c) = wave(frame);
            real += y * c;
            imaginary += y * s;
        }
        // Twice: half of it stands at the negative frequency.
        let (real, imaginary) = (2.0 * real / length, 2.0 * imaginary / length);
        for (frame, y) in rest.iter_mut().enumerate() {
            let (s, c) = wave(frame);
            *y -= real * c + imaginary * s;
        }
    }
    let left: f64 = rest.iter().map(|y| y * y).sum();
    Left {
        tone: (all - left) / power,
        rest: left / power,
    }
}

/// The modified Bessel function of order 0, by its series.
fn bessel(x: f64) -> f64 {
    let (mut sum, mut term, mut order) = (1.0, 1.0, 1.0);
    while term > 1e-18 * sum {
        term *= (0.5 * x / order).powi(2);
        sum += term;
        order += 1.0;
    }
    sum
}
