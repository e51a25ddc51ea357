//! What becomes of a resampled sine, and what is left when it is taken out.

use std::f64::consts::TAU;

use anyhow::Result;

use crate::{BLOCK, RATE_HZ, Resample, STEP};

/// -1 dBFS.
const AMPLITUDE: f64 = 0.891_250_938;
/// Blocks that are heard, and those before them, in which the filter fills.
const BLOCKS: usize = 32;
const LEAD_BLOCKS: usize = 4;

/// Gain of a sine, and residual over sine, both in dB, mono: it is removed by a least-squares fit at
/// the frequency it must have.
pub fn gain_and_residual_db(resample: &mut impl Resample, tone_hz: f64) -> Result<(f64, f64)> {
    let cycles = tone_hz / f64::from(RATE_HZ);
    let mut at = 0.0;
    let mut input = |frames: &mut [f32]| {
        for sample in frames {
            *sample = (AMPLITUDE * (TAU * cycles * at).sin()) as f32;
            at += 1.0;
        }
    };
    let mut signal = Vec::new();
    for block in 0..LEAD_BLOCKS + BLOCKS {
        let mut out = [0.0; BLOCK];
        resample.block(&mut input, &mut out)?;
        if block >= LEAD_BLOCKS {
            signal.extend(out.map(f64::from));
        }
    }
    let wave = |frame: usize| (TAU * cycles * STEP * frame as f64).sin_cos();
    let (mut ss, mut cc, mut sc, mut sy, mut cy) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (frame, y) in signal.iter().enumerate() {
        let (s, c) = wave(frame);
        ss += s * s;
        cc += c * c;
        sc += s * c;
        sy += s * y;
        cy += c * y;
    }
    let det = ss * cc - sc * sc;
    let (a, b) = ((sy * cc - cy * sc) / det, (cy * ss - sy * sc) / det);
    let (mut rest, mut all) = (0.0, 0.0);
    for (frame, y) in signal.iter().enumerate() {
        let (s, c) = wave(frame);
        rest += (y - a * s - b * c).powi(2);
        all += y * y;
    }
    let gain_db = 20.0 * (a.hypot(b) / AMPLITUDE).log10();
    Ok((gain_db, 10.0 * (rest / all).log10()))
}
