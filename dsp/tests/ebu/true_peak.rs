//! Tech 3341, table 1: true peak; and tones of any frequency and phase.
//!
//! Frequencies are fractions of the rate, so that the signals are the same at every rate; the
//! meter's grid is not.

use std::f64::consts::PI;

use ossicle_dsp::meter::{TruePeak, View};

use crate::signal::Random;
use crate::{RATES_HZ, near, trials};

/// How far from the true value a reading may be, in decibels.
const WITHIN_DB: f64 = 0.05;

fn reading_db(signal: &[f64], rate: u32) -> Option<f64> {
    let samples: Vec<f32> = signal.iter().map(|&sample| sample as f32).collect();
    let mut meter = TruePeak::new(rate, 1).unwrap();
    meter.push(&View::interleaved(&samples, 1));
    meter.drain();
    Some(20.0 * f64::from(meter.largest(0)).log10())
}

/// A tone of `amplitude` with tapers of 10 ms at both ends.
fn tapered(amplitude: f64, frequency_norm: f64, phase_degrees: f64, rate: u32) -> Vec<f64> {
    let (frames, taper) = (rate as usize / 5, rate as usize / 100);
    let gain = |frame: usize| {
        let inside = frame.min(frames - 1 - frame).min(taper) as f64 / taper as f64;
        0.5 - 0.5 * (PI * inside).cos()
    };
    let angle =
        |frame: usize| 2.0 * PI * frequency_norm * frame as f64 + phase_degrees.to_radians();
    (0..frames)
        .map(|frame| amplitude * gain(frame) * angle(frame).sin())
        .collect()
}

/// The peak of a steady tone is its amplitude.
fn steady(amplitude: f64, parts: f64, phase_degrees: f64, nominal_db: f64) {
    let want = 20.0 * amplitude.log10();
    assert!((-0.4..=0.2).contains(&(want - nominal_db)));
    for rate in RATES_HZ {
        let signal = tapered(amplitude, 1.0 / parts, phase_degrees, rate);
        near(
            reading_db(&signal, rate),
            want,
            WITHIN_DB,
            &format!("{rate} Hz"),
        );
    }
}

#[test]
fn ebu3341_case_15() {
    steady(0.5, 4.0, 0.0, -6.0);
}

#[test]
fn ebu3341_case_16() {
    steady(0.5, 4.0, 45.0, -6.0);
}

#[test]
fn ebu3341_case_17() {
    steady(0.5, 6.0, 60.0, -6.0);
}

#[test]
fn ebu3341_case_18() {
    steady(0.5, 8.0, 67.5, -6.0);
}

#[test]
fn ebu3341_case_19() {
    steady(1.41, 4.0, 45.0, 3.0);
}

#[test]
fn ebu3341_case_20() {
    one_loud_period(0);
}

#[test]
fn ebu3341_case_21() {
    one_loud_period(1);
}

#[test]
fn ebu3341_case_22() {
    one_loud_period(2);
}

#[test]
fn ebu3341_case_23() {
    one_loud_period(3);
}

/// A tone at a sixth of the rate with one period at a quarter of it, twice as large, the phase going
/// on: made at four times the rate, low-passed, every fourth sample kept from `offset` on.
fn one_loud_period(offset: usize) {
    // The phase turns by 60 degrees a frame, and by 90 within the period, which begins at a zero.
    let (before, period, after) = (2400, 16, 2400);
    let mut fine = Vec::new();
    let mut turns = 0.0f64;
    for step in 0..before + period + after {
        let is_loud = (before..before + period).contains(&step);
        let (amplitude, frequency) = if is_loud {
            (1.0, 0.25)
        } else {
            (0.5, 1.0 / 6.0)
        };
        let edge = step.min(before + period + after - 1 - step).min(480) as f64 / 480.0;
        fine.push(amplitude * edge * (2.0 * PI * turns).sin());
        turns += frequency / 4.0;
    }
    // A quarter of the band at four times the rate, 1024 taps.
    let low_passed = |at: usize| -> f64 {
        let reach = 512;
        (at.saturating_sub(reach)..(at + reach).min(fine.len()))
            .map(|place| fine[place] * kernel((at as f64 - place as f64) / 4.0, 128.0) / 4.0)
            .sum()
    };
    let signal: Vec<f64> = (offset..fine.len()).step_by(4).map(low_passed).collect();
    let want = 20.0 * between(&signal, 64).log10();
    assert!((-0.4..=0.2).contains(&want), "{want}");
    for rate in RATES_HZ {
        near(
            reading_db(&signal, rate),
            want,
            WITHIN_DB,
            &format!("{rate} Hz"),
        );
    }
}

/// A sinc under a Blackman window that ends `reach` away from its middle.
fn kernel(at: f64, reach: f64) -> f64 {
    if at.abs() >= reach {
        return 0.0;
    }
    let turn = PI * at / reach;
    let window = 0.42 + 0.5 * turn.cos() + 0.08 * (2.0 * turn).cos();
    let sinc = if at == 0.0 {
        1.0
    } else {
        (PI * at).sin() / (PI * at)
    };
    sinc * window
}

/// The largest magnitude on a grid `fineness` times as fine, by 256 taps. The meter has 48 and a
/// window of another kind.
fn between(signal: &[f64], fineness: usize) -> f64 {
    let reach = 128i64;
    let rows: Vec<Vec<f64>> = (0..fineness)
        .map(|phase| {
            let fraction = phase as f64 / fineness as f64;
            (-reach..=reach)
                .map(|tap| kernel(fraction - tap as f64, 128.0))
                .collect()
        })
        .collect();
    let at = |place: i64| {
        usize::try_from(place)
            .ok()
            .and_then(|place| signal.get(place))
    };
    let mut largest = 0.0f64;
    for frame in 0..signal.len() as i64 {
        // What is far below the largest sample is far below the largest value.
        let is_small = |place: i64| at(place).is_none_or(|sample| sample.abs() < 0.3);
        if is_small(frame) && is_small(frame + 1) {
            continue;
        }
        for row in &rows {
            let taps = (-reach..=reach).zip(row);
            let value: f64 = taps
                .filter_map(|(tap, weight)| Some(at(frame + tap)? * weight))
                .sum();
            largest = largest.max(value.abs());
        }
    }
    largest
}

#[test]
fn tones_of_any_phase_up_to_20_khz_are_read_within_0_05_db() {
    let mut random = Random::new(1);
    for trial in 0..trials(200) {
        let rate = RATES_HZ[trial as usize % RATES_HZ.len()];
        let frequency = random.within(20.0, 20_000.0);
        let norm = frequency / f64::from(rate);
        let amplitude = random.within(0.01, 4.0);
        // Ends a quarter of a second later, and starts where it may.
        let phase = random.within(0.0, 360.0);
        let signal = tapered(amplitude, norm, phase, rate);
        let want = 20.0 * amplitude.log10();
        let what = format!("{frequency} Hz, {phase} degrees, at {rate} Hz");
        near(reading_db(&signal, rate), want, WITHIN_DB, &what);
    }
}

#[test]
fn tones_whose_peaks_keep_between_the_points_of_the_grid_are_read_within_0_05_db() {
    // Their periods are a few frames, so that the peaks lie at a few places between the samples and
    // never come nearer to a point of the meter's grid.
    let mut random = Random::new(4);
    for rate in [48_000, 96_000] {
        for (periods, frames) in [(5.0, 12.0), (3.0, 8.0), (1.0, 4.0), (2.0, 5.0)] {
            let norm = periods / frames * 48_000.0 / f64::from(rate);
            for _ in 0..trials(40) {
                let phase = random.within(0.0, 360.0);
                let signal = tapered(1.0, norm, phase, rate);
                let what = format!("{norm} of {rate} Hz, {phase} degrees");
                near(reading_db(&signal, rate), 0.0, WITHIN_DB, &what);
            }
        }
    }
}

#[test]
fn noise_to_20_khz_is_read_as_256_taps_and_64_points_read_it() {
    let mut random = Random::new(2);
    for trial in 0..trials(4) {
        // White noise through a low-pass at 0.41 of the rate, 20 kHz at 48 kHz.
        let white: Vec<f64> = (0..400).map(|_| random.number()).collect();
        let edge = 0.82;
        let filtered = |at: usize| -> f64 {
            let taps = white.iter().enumerate();
            taps.map(|(place, sample)| {
                sample * edge * kernel((at as f64 - place as f64) * edge, 100.0)
            })
            .sum()
        };
        let signal: Vec<f64> = (0..white.len()).map(filtered).collect();
        let want = 20.0 * between(&signal, 64).log10();
        let what = format!("trial {trial}");
        near(reading_db(&signal, 48_000), want, WITHIN_DB, &what);
    }
}
