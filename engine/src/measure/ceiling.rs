//! How far nasty signals get: sample peaks and true peaks behind a chain, and what a limiter adds to
//! a tone while a bass drives it.

use core::f64::consts::{FRAC_PI_4, TAU};

use super::signal::{Random, odd_bin, sine, square};
use super::spectrum::powers;
use super::true_peak::TruePeak;
use super::{Subject, amplitude, amplitude_db, power_db};
use crate::error::EngineError;

/// How far the signals are over the ceiling, in decibels.
const DRIVE_DB: f64 = 6.0;
/// Taps of the low-pass that takes what is above 20 kHz out of noise.
const BAND_TAPS: usize = 511;
/// Frames of the intermodulation that are looked at.
const FRAMES: usize = 1 << 16;

/// How far one signal got.
#[derive(Clone, Debug, PartialEq)]
pub struct Reached {
    /// What the signal is.
    pub signal: &'static str,
    /// Largest sample behind the chain, in dBFS.
    pub sample_peak_dbfs: f64,
    /// Largest true peak behind the chain, in dBTP.
    pub true_peak_dbtp: f64,
    /// Samples over the ceiling.
    pub samples_over: usize,
}

/// How far all signals got.
#[derive(Clone, Debug, PartialEq)]
pub struct Ceiling {
    /// The ceiling that was asked about, in dBFS.
    pub ceiling_dbfs: f64,
    /// Each signal.
    pub signals: Vec<Reached>,
    /// The strongest of what a tone of 1 kHz gets between 700 and 1300 Hz while a tone of 60 Hz is
    /// 4 dB over the ceiling, in decibels of the tone.
    pub intermodulation_db: f64,
}

/// Puts signals of `seconds` each through, which are 6 dB over `ceiling_dbfs` and more.
///
/// # Errors
/// A chain that is wrong, or does not fit the rate or the channels.
pub fn ceiling(
    subject: &Subject<'_>,
    ceiling_dbfs: f64,
    seconds: f64,
) -> Result<Ceiling, EngineError> {
    let meter = TruePeak::new();
    let rate = f64::from(subject.sample_rate_hz);
    let frames = (seconds * rate).max(1.0) as usize;
    let most = amplitude(ceiling_dbfs) as f32;
    let mut reached = Vec::new();
    for (signal, mut input) in signals(ceiling_dbfs + DRIVE_DB, rate, frames) {
        let mut bench = subject.bench()?;
        // What the chain still holds is to come out.
        let latency = bench.processor().latency_frames() as usize;
        input.resize(input.len() + latency + 256, 0.0);
        let heard = bench.run_alike(&input);
        let largest = heard
            .iter()
            .flatten()
            .fold(0.0f32, |most, x| most.max(x.abs()));
        let true_peak = heard
            .iter()
            .map(|plane| meter.peak(plane))
            .fold(0.0, f64::max);
        reached.push(Reached {
            signal,
            sample_peak_dbfs: amplitude_db(largest.into()),
            true_peak_dbtp: amplitude_db(true_peak),
            samples_over: heard.iter().flatten().filter(|x| x.abs() > most).count(),
        });
    }
    Ok(Ceiling {
        ceiling_dbfs,
        signals: reached,
        intermodulation_db: intermodulation(subject, ceiling_dbfs)?,
    })
}

/// The signals, at a peak of `level_dbfs`.
fn signals(level_dbfs: f64, rate: f64, frames: usize) -> Vec<(&'static str, Vec<f32>)> {
    let peak = amplitude(level_dbfs);
    let mut random = Random::new(1770);
    let mut noise = |frames: usize| -> Vec<f32> {
        (0..frames)
            .map(|_| (peak * random.bipolar()) as f32)
            .collect()
    };
    let half = (rate / 55.0 / 2.0).round() as usize;
    let mut impulses = vec![0.0; frames];
    // To 40 dB over, alone and close together.
    for (at, sample) in impulses.iter_mut().enumerate() {
        if at % 997 == 0 || at % 1009 == 3 {
            let over = 40.0 * (at % 7) as f64 / 6.0;
            *sample = (amplitude(over) * peak) as f32 * if at % 2 == 0 { 1.0 } else { -1.0 };
        }
    }
    let chirp = (0..frames).map(|frame| {
        // From 20 Hz to 20 kHz in even ratios: the phase is the integral of the frequency.
        let (ratio, share) = (1000f64.ln(), frame as f64 / frames as f64);
        let turns = 20.0 / rate * frames as f64 / ratio * ((ratio * share).exp() - 1.0);
        (peak * (TAU * turns.fract()).sin()) as f32
    });
    vec![
        ("noise to 20 kHz", in_band(&noise(frames + BAND_TAPS), rate)),
        ("noise", noise(frames)),
        ("square, 55 Hz", square(half, peak, frames)),
        (
            "tone, fs/4 at 45 degrees",
            sine(0.25, peak, FRAC_PI_4, frames),
        ),
        ("tone, 997 Hz", sine(997.0 / rate, peak, 0.0, frames)),
        ("impulses", impulses),
        ("chirp, 20 Hz to 20 kHz", chirp.collect()),
    ]
}

/// Takes out what is above 20 kHz: a sinc in a Blackman window, half way down at 19 kHz.
fn in_band(samples: &[f32], rate: f64) -> Vec<f32> {
    let norm = (19_000.0 / rate).min(0.45);
    let middle = (BAND_TAPS / 2) as f64;
    let taps: Vec<f64> = (0..BAND_TAPS)
        .map(|tap| {
            let (at, turn) = (
                tap as f64 - middle,
                TAU * tap as f64 / (BAND_TAPS - 1) as f64,
            );
            let window = 0.42 - 0.5 * turn.cos() + 0.08 * (2.0 * turn).cos();
            let sinc = if at == 0.0 {
                2.0 * norm
            } else {
                (TAU * norm * at).sin() / (TAU / 2.0 * at)
            };
            sinc * window
        })
        .collect();
    let dot = |window: &[f32]| -> f64 {
        let terms = window.iter().zip(&taps);
        terms.map(|(x, tap)| f64::from(*x) * tap).sum()
    };
    let filtered = samples.windows(BAND_TAPS).map(|window| dot(window) as f32);
    filtered.collect()
}

/// The strongest bin between 700 and 1300 Hz beside that of the tone.
fn intermodulation(subject: &Subject<'_>, ceiling_dbfs: f64) -> Result<f64, EngineError> {
    let rate = subject.sample_rate_hz;
    let [bass, tone] = [60.0, 1000.0].map(|hz| odd_bin(hz, rate, FRAMES));
    let mut bench = subject.bench()?;
    let frames = rate as usize + FRAMES + bench.processor().latency_frames() as usize;
    let at = |bin: usize, level_dbfs: f64| {
        sine(
            bin as f64 / FRAMES as f64,
            amplitude(level_dbfs),
            0.0,
            frames,
        )
    };
    let input: Vec<f32> = at(bass, ceiling_dbfs + 4.0)
        .into_iter()
        .zip(at(tone, ceiling_dbfs - 20.0))
        .map(|(bass, tone)| bass + tone)
        .collect();
    let heard = &bench.run_alike(&input)[0];
    let powers = powers(&heard[frames - FRAMES..]);
    let bin = |hz: f64| (hz / f64::from(rate) * FRAMES as f64) as usize;
    let beside = (bin(700.0)..=bin(1300.0)).filter(|&at| at != tone);
    let strongest = beside.map(|at| powers[at]).fold(0.0, f64::max);
    Ok(power_db(strongest / powers[tone]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A gain of 0 dB lets all through: each signal has the peak it was made with, and a tone gets
    /// nothing but rounding beside it.
    #[test]
    fn signals_have_the_level_they_are_made_with() {
        let got = ceiling(&Subject::text(""), -1.0, 0.05).unwrap();
        let of = |name: &str| got.signals.iter().find(|reached| reached.signal == name);
        let tone = of("tone, fs/4 at 45 degrees").unwrap();
        // Every sample is 3.01 dB below the peak of 5 dB; where the tone begins and ends at once,
        // the wave overshoots.
        assert!((tone.sample_peak_dbfs - 1.99).abs() < 0.01, "{tone:?}");
        assert!((4.99..7.0).contains(&tone.true_peak_dbtp), "{tone:?}");
        let impulses = of("impulses").unwrap();
        assert!(
            (impulses.sample_peak_dbfs - 45.0).abs() < 0.01,
            "{impulses:?}"
        );
        let square = of("square, 55 Hz").unwrap();
        assert_eq!(square.samples_over, 2 * 2400);
        assert!(square.true_peak_dbtp > 5.5, "{square:?}");
        assert!(
            got.intermodulation_db < -120.0,
            "{}",
            got.intermodulation_db
        );
    }
}
