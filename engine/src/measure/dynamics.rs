//! What a chain does to levels: its static curve, and how fast its gain follows.
//!
//! The sound is a square wave, whose magnitude never changes: a detector of peaks and one of powers
//! see the same level, and the gain is output over input at every frame.

use core::f64::consts::E;

use super::signal::square;
use super::{Bench, Subject, amplitude, amplitude_db};
use crate::error::EngineError;

/// A gain that changes by less does not count as following, in decibels.
const LEAST_CHANGE_DB: f64 = 0.1;

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Levels of the static curve in dBFS, in the order in which they are heard.
    pub levels_dbfs: Vec<f64>,
    /// Time each of them is heard, in seconds; its last quarter counts.
    pub settle_s: f64,
    /// Level before and after the step, in dBFS; then it goes back.
    pub step_dbfs: (f64, f64),
    /// Time each level of the step is held, in seconds: several times attack and release.
    pub hold_s: f64,
    /// Frequency of the square wave in hertz; what is used has whole frames in half a period.
    pub frequency_hz: f64,
}

impl Default for Question {
    /// From -80 to 0 dBFS in steps of 2 dB of a second each; a step from -40 to -6 dBFS, held for
    /// ten seconds; 1 kHz.
    fn default() -> Self {
        Self {
            levels_dbfs: (0..=40).map(|step| f64::from(step) * 2.0 - 80.0).collect(),
            settle_s: 1.0,
            step_dbfs: (-40.0, -6.0),
            hold_s: 10.0,
            frequency_hz: 1000.0,
        }
    }
}

/// What a chain does to levels.
#[derive(Clone, Debug, PartialEq)]
pub struct Dynamics {
    /// Levels in and out, in dBFS of the magnitude.
    pub curve_dbfs: Vec<(f64, f64)>,
    /// Gain before the step and at the end of it, in decibels.
    pub gains_db: (f64, f64),
    /// Time after the step at which all but 1/e of the gain's change in decibels is done, without
    /// the latency, in milliseconds, from the middle between the last frame before it and its first;
    /// negative when a look-ahead is faster. `None` when the gain stays as it is.
    pub attack_ms: Option<f64>,
    /// The same for the step back.
    pub release_ms: Option<f64>,
    /// How far the output is over its level at the end of the step, at most, in decibels.
    pub overshoot_db: f64,
    /// Gain over time around the step, in seconds from it and decibels: at most 2000 points.
    pub gain_db: Vec<(f64, f64)>,
}

/// Measures the first channel out, with the same sound in all channels.
///
/// # Errors
/// A chain that is wrong, or does not fit the rate or the channels.
pub fn dynamics(subject: &Subject<'_>, question: &Question) -> Result<Dynamics, EngineError> {
    let rate = f64::from(subject.sample_rate_hz);
    let half_frames = (rate / question.frequency_hz / 2.0).round().max(1.0) as usize;
    let curve_dbfs = curve(&mut subject.bench()?, question, half_frames, rate);
    let mut bench = subject.bench()?;
    let latency = bench.processor().latency_frames() as usize;
    let hold = whole(question.hold_s * rate, half_frames);
    let (low, high) = question.step_dbfs;
    let mut input = Vec::new();
    for level in [low, high, low] {
        input.extend(square(half_frames, amplitude(level), hold));
    }
    // What comes out late belongs to the same sound.
    input.extend(square(half_frames, amplitude(low), latency + half_frames));
    let heard = &bench.run_alike(&input)[0][latency..][..3 * hold];
    let gain = |frame: usize| amplitude_db(f64::from(heard[frame]) / f64::from(input[frame]));
    // A look-ahead knows the next level so much before it comes.
    let margin = (1 + half_frames + latency).min(hold / 2);
    let before_db = gain(hold - margin);
    let during_db = gain(2 * hold - margin);
    let after_db = gain(3 * hold - margin);
    let cross = |step: usize, from_db: f64, to_db: f64| {
        reached(&gain, hold, step, from_db, to_db).map(|frames| frames / rate * 1000.0)
    };
    let peak = heard[hold..2 * hold]
        .iter()
        .fold(0.0f32, |peak, x| peak.max(x.abs()));
    let every = (2 * hold / 2000).max(1);
    let shown = (hold / 20..3 * hold).step_by(every);
    Ok(Dynamics {
        curve_dbfs,
        gains_db: (before_db, during_db),
        attack_ms: cross(hold, before_db, during_db),
        release_ms: cross(2 * hold, during_db, after_db),
        overshoot_db: amplitude_db(f64::from(peak)) - (high + during_db),
        gain_db: shown
            .map(|frame| ((frame as f64 - hold as f64) / rate, gain(frame)))
            .collect(),
    })
}

/// Whole periods of at least one.
fn whole(frames: f64, half_frames: usize) -> usize {
    let period = 2 * half_frames;
    (frames / period as f64).round().max(1.0) as usize * period
}

fn curve(bench: &mut Bench, question: &Question, half_frames: usize, rate: f64) -> Vec<(f64, f64)> {
    // Four equal parts, of which the last counts.
    let part = whole(question.settle_s * rate / 4.0, half_frames);
    let mut points = Vec::new();
    for &level in &question.levels_dbfs {
        let input = square(half_frames, amplitude(level), 4 * part);
        let heard = bench.run_alike(&input);
        let power = |samples: &[f32]| samples.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
        // The mean of the squares of a square wave is the square of its magnitude.
        let mean = power(&heard[0][3 * part..]) / part as f64;
        points.push((level, amplitude_db(mean.sqrt())));
    }
    points
}

/// Frames after `step` at which all but 1/e of the way from one gain to the other is done: between
/// frames, in a straight line.
fn reached(
    gain: &impl Fn(usize) -> f64,
    hold: usize,
    step: usize,
    from_db: f64,
    to_db: f64,
) -> Option<f64> {
    let change = to_db - from_db;
    // Silence has no gain, and does not move.
    if !change.is_finite() || change.abs() < LEAST_CHANGE_DB {
        return None;
    }
    let done = |frame: usize| (gain(frame) - from_db) / change;
    let wanted = 1.0 - 1.0 / E;
    // A look-ahead may begin before the step.
    let first = (step - hold / 2..step + hold).find(|&frame| done(frame) >= wanted)?;
    let (before, after) = (done(first - 1), done(first));
    let share = ((wanted - before) / (after - before)).clamp(0.0, 1.0);
    // The step lies in the middle between the last frame before it and its first.
    Some(first as f64 - 1.0 + share - (step as f64 - 0.5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gain_is_a_straight_line_that_does_not_follow() {
        let question = Question {
            levels_dbfs: vec![-60.0, -20.0, 0.0],
            settle_s: 0.02,
            hold_s: 0.02,
            ..Question::default()
        };
        let got = dynamics(&Subject::text("gain:gain=-6dB"), &question).unwrap();
        for (level, out) in got.curve_dbfs {
            assert!((out - (level - 6.0)).abs() < 1e-5, "{level}: {out}");
        }
        assert_eq!((got.attack_ms, got.release_ms), (None, None));
        assert!(got.overshoot_db.abs() < 1e-5, "{}", got.overshoot_db);
    }

    /// The envelope limiter's envelope takes b at once; its gain goes g <- c g + (1 - c)(1 + T - b),
    /// so that g(n) = w + (1 - w) c^n with w = 1 + T - b. All but 1/e of the change in decibels is
    /// done where g = w^(1 - 1/e): n = ln((w^(1 - 1/e) - w) / (1 - w)) / ln c. Its first frame of the
    /// new level has n = 1, half a frame after the step.
    #[test]
    fn attack_is_the_time_of_the_recursion() {
        let c: f64 = 0.999;
        let text =
            "envelope_limiter:attack_coeff=0.999,release_coeff=0.999,delay_samples=1,threshold=0.1";
        let question = Question {
            levels_dbfs: vec![-40.0],
            settle_s: 0.02,
            step_dbfs: (-40.0, 20.0 * 0.5f64.log10()),
            hold_s: 0.5,
            ..Question::default()
        };
        let got = dynamics(&Subject::text(text), &question).unwrap();
        let end: f64 = 1.0 + 0.1 - 0.5;
        let frames = ((end.powf(1.0 - 1.0 / E) - end) / (1.0 - end)).ln() / c.ln();
        let want_ms = (frames - 0.5) / 48.0;
        let attack_ms = got.attack_ms.unwrap();
        // In single precision the gain stands still where a step would be less than half of 2^-24: up to
        // 2^-25 / (1 - c) = 3e-5 before its end, 1e-4 of the way, of which a frame is 3.7e-4. So the
        // time is off by 0.27 frame at most, about half of the half frame that is looked at.
        assert!(
            (attack_ms - want_ms).abs() < 0.0057,
            "{attack_ms}, not {want_ms}"
        );
    }
}
