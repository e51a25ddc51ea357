//! How true the resampled sound is: limits on what is left when the sine is taken out.
//!
//! As in AES17 the sine is removed, here by a least-squares fit at the frequency it must have, and
//! what is left is compared with it. The output is single precision, the analysis double.

use std::f64::consts::TAU;

use ossicle_dsp::resample::{Head, History, Kernel, Taps};

/// -1 dBFS.
const AMPLITUDE: f64 = 0.891_250_938;
const FRAMES: usize = 6_000;

/// Resamples the sum of these sines, each of [`AMPLITUDE`] over their number; returns the output.
fn resampled(kernel: &Kernel, input_hz: u32, step: f64, tones_hz: &[f64]) -> Vec<f32> {
    let frames = (FRAMES as f64 * step) as usize + kernel.taps() + 2;
    let amplitude = AMPLITUDE / tones_hz.len() as f64;
    let input: Vec<f32> = (0..frames)
        .map(|frame| {
            let turns = |hz: &f64| hz * frame as f64 / f64::from(input_hz);
            let sum: f64 = tones_hz.iter().map(|hz| (TAU * turns(hz)).sin()).sum();
            (amplitude * sum) as f32
        })
        .collect();
    let mut history = History::new(1, frames);
    history.write(&input);
    let mut head = Head::at(kernel.frames_before() as u64);
    let mut out = vec![0.0; FRAMES];
    assert_eq!(
        kernel.read(&history, &mut head, step, step, &mut out),
        FRAMES
    );
    out
}

/// Removes the sine of `cycles` per frame; returns its amplitude.
fn remove(signal: &mut [f64], cycles: f64) -> f64 {
    let wave = |frame: usize| (TAU * cycles * frame as f64).sin_cos();
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
    for (frame, y) in signal.iter_mut().enumerate() {
        let (s, c) = wave(frame);
        *y -= a * s + b * c;
    }
    a.hypot(b)
}

fn rms(signal: &[f64]) -> f64 {
    (signal.iter().map(|y| y * y).sum::<f64>() / signal.len() as f64).sqrt()
}

/// What is left beside the tones, relative to all, in dB; and the amplitude of the first.
fn residual_db(kernel: &Kernel, input_hz: u32, step: f64, tones_hz: &[f64]) -> (f64, f64) {
    let out = resampled(kernel, input_hz, step, tones_hz);
    let mut signal: Vec<f64> = out.iter().map(|&y| f64::from(y)).collect();
    let all = rms(&signal);
    let mut first = 0.0;
    // Fits of several tones disturb each other a little: again until that is gone.
    for _ in 0..if tones_hz.len() > 1 { 8 } else { 1 } {
        for (place, hz) in tones_hz.iter().enumerate() {
            let found = remove(&mut signal, hz / f64::from(input_hz) * step);
            if place == 0 && first == 0.0 {
                first = found;
            }
        }
    }
    (20.0 * (rms(&signal) / all).log10(), first)
}

#[test]
fn distortion_and_noise_at_frozen_ratios() {
    // 64 taps, 48 kHz: what single precision leaves of a sine is about -150 dB; the table's
    // straight lines leave -156 dB at 10 kHz.
    let kernel = Kernel::new(Taps::Taps64, 48_000, 48_000).unwrap();
    for step in [
        1.0005,
        0.9995,
        1.000_123_4,
        0.999_987_65,
        1.000_001,
        1.003_7,
    ] {
        for (hz, limit_db) in [(997.0, -140.0), (10_000.0, -130.0)] {
            let (db, _) = residual_db(&kernel, 48_000, step, &[hz]);
            println!("{hz} Hz at {step}: {db:.1} dB");
            assert!(
                db <= limit_db,
                "{hz} Hz at {step}: {db:.1} dB, not {limit_db}"
            );
        }
    }
}

#[test]
fn distortion_and_noise_from_44100_to_48000() {
    for (taps, limit_db) in [(Taps::Taps64, -135.0), (Taps::Taps128, -135.0)] {
        let kernel = Kernel::new(taps, 44_100, 48_000).unwrap();
        for ppm in [0.0, 37.0, -500.0] {
            let step = kernel.nominal_step() * (1.0 + ppm * 1e-6);
            let (db, _) = residual_db(&kernel, 44_100, step, &[997.0]);
            println!("{taps:?} {ppm} ppm: {db:.1} dB");
            assert!(db <= limit_db, "{taps:?} at {ppm} ppm: {db:.1} dB");
        }
    }
}

#[test]
fn distortion_and_noise_by_length_and_ratio() {
    // What the attenuation of each length allows at 997 Hz and 10 kHz, one way and the other.
    for (taps, limit_db) in [
        (Taps::Taps32, -100.0),
        (Taps::Taps48, -120.0),
        (Taps::Taps64, -130.0),
        (Taps::Taps96, -130.0),
        (Taps::Taps128, -130.0),
    ] {
        for (from, to) in [
            (48_000, 48_000),
            (48_000, 44_100),
            (96_000, 44_100),
            (44_100, 96_000),
        ] {
            let kernel = Kernel::new(taps, from, to).unwrap();
            let step = kernel.nominal_step() * 1.000_05;
            for hz in [997.0, 10_000.0] {
                let (db, _) = residual_db(&kernel, from, step, &[hz]);
                println!("{taps:?} {from} to {to}, {hz} Hz: {db:.1} dB");
                assert!(
                    db <= limit_db,
                    "{taps:?} {from} to {to}, {hz} Hz: {db:.1} dB"
                );
            }
        }
    }
}

#[test]
fn passband_is_flat_to_within_a_hundredth_of_a_decibel() {
    for (taps, edge_hz) in [
        (Taps::Taps32, 18_000.0),
        (Taps::Taps48, 19_000.0),
        (Taps::Taps64, 20_000.0),
        (Taps::Taps96, 21_000.0),
        (Taps::Taps128, 22_000.0),
    ] {
        let kernel = Kernel::new(taps, 48_000, 48_000).unwrap();
        for part in [0.001, 0.1, 0.4, 0.7, 0.9, 0.95, 1.0] {
            let hz = edge_hz * part;
            let (_, amplitude) = residual_db(&kernel, 48_000, 1.000_3, &[hz]);
            let db = 20.0 * (amplitude / AMPLITUDE).log10();
            println!("{taps:?} {hz} Hz: {db:.5} dB");
            assert!(db.abs() <= 0.01, "{taps:?} at {hz} Hz: {db:.5} dB");
        }
    }
}

#[test]
fn twin_tones_leave_neither_images_nor_products() {
    // Images of 19 and 20 kHz are at 29 and 28 kHz, beyond the transition.
    for (taps, limit_db) in [
        (Taps::Taps64, -130.0),
        (Taps::Taps96, -130.0),
        (Taps::Taps128, -130.0),
    ] {
        let kernel = Kernel::new(taps, 48_000, 48_000).unwrap();
        for step in [1.0005, 0.9995] {
            let (db, _) = residual_db(&kernel, 48_000, step, &[19_000.0, 20_000.0]);
            println!("{taps:?} at {step}: {db:.1} dB");
            assert!(db <= limit_db, "{taps:?} at {step}: {db:.1} dB");
        }
    }
}

#[test]
fn what_the_slower_output_cannot_hold_is_gone() {
    // 40 kHz would be heard at 4100 Hz.
    for (taps, limit_db) in [(Taps::Taps32, -100.0), (Taps::Taps64, -140.0)] {
        let kernel = Kernel::new(taps, 96_000, 44_100).unwrap();
        let out = resampled(&kernel, 96_000, kernel.nominal_step(), &[40_000.0]);
        let signal: Vec<f64> = out.iter().map(|&y| f64::from(y)).collect();
        let db = 20.0 * (rms(&signal) / (AMPLITUDE / 2f64.sqrt())).log10();
        println!("{taps:?}: {db:.1} dB");
        assert!(db <= limit_db, "{taps:?}: {db:.1} dB");
    }
}

#[test]
fn rates_as_far_apart_as_there_are_lose_nothing_but_what_is_beyond_the_lower() {
    // In parts of the lower rate: the passband of 64 taps ends at 20 / 48, the transition at 28 / 48.
    for (from, to) in [
        (192_000, 16_000),
        (96_000, 8_000),
        (384_000, 44_100),
        (768_000, 8_000),
        (8_000, 768_000),
    ] {
        let kernel = Kernel::new(Taps::Taps64, from, to).unwrap();
        let step = kernel.nominal_step() * 1.000_123_4;
        let lower_hz = f64::from(from.min(to));
        for (part, limit_db) in [(0.02, -135.0), (0.2, -130.0), (20.0 / 48.0, -130.0)] {
            let hz = part * lower_hz;
            let (db, amplitude) = residual_db(&kernel, from, step, &[hz]);
            let gain_db = 20.0 * (amplitude / AMPLITUDE).log10();
            println!("{from} to {to}, {hz:.0} Hz: {db:.1} dB, gain {gain_db:.5} dB");
            assert!(db <= limit_db, "{from} to {to}, {hz} Hz: {db:.1} dB");
            assert!(
                gain_db.abs() <= 0.01,
                "{from} to {to}, {hz} Hz: {gain_db} dB"
            );
        }
        if from > to {
            let out = resampled(&kernel, from, step, &[28.0 / 48.0 * lower_hz]);
            let signal: Vec<f64> = out.iter().map(|&y| f64::from(y)).collect();
            let db = 20.0 * (rms(&signal) / (AMPLITUDE / 2f64.sqrt())).log10();
            println!("{from} to {to}, beyond: {db:.1} dB");
            assert!(db <= -140.0, "{from} to {to}, beyond: {db:.1} dB");
        }
    }
}
