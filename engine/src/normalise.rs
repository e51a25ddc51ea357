//! Normalising: a file through a chain into a file of a given loudness, in passes.
//!
//! The first pass runs the chain into a file beside the output and measures that. From it, gain makes
//! the output. Where the gain would bring the true peak over the ceiling, a true-peak limiter stands
//! behind it, and since a limiter takes loudness away, gain and limiter are set again by what was
//! measured of the output, a few times at most.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use ossicle_dsp::dither::Dither;
use ossicle_dsp::nodes::{gain, true_peak_limiter};
use ossicle_dsp::settings::{Effect, Settings};
use ossicle_io::sample::SampleFormat;

use crate::chain::{Chain, ChainError};
use crate::error::EngineError;
use crate::meter::{ProgramLoudness, scan};
use crate::render::{RenderOptions, RenderProgress, RenderReport, render};
use crate::same_file;

/// Most that one gain node raises, in decibels.
const MAX_GAIN_DB: f64 = 36.0;
/// How near to the target is near enough, in LU, and how often it is tried.
const NEAR_LU: f64 = 0.02;
const TRIES: usize = 6;
/// How much more gain than without a limiter is tried, in decibels: beyond it there is no loudness
/// left to be had.
const MAX_MORE_DB: f64 = 12.0;
/// What is left below the ceiling for the rounding of single precision, in decibels.
const ROUNDING_DB: f64 = 1e-5;
/// By how much the limiter is set lower than what it was over, in decibels.
const MARGIN_DB: f64 = 0.005;

/// How loud a file is to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoudnessTarget {
    /// Integrated loudness in LUFS, -60 to 0.
    pub integrated_lufs: f64,
    /// Largest true peak in dBTP, -30 to 0. 0 dBTP is 1.0.
    pub ceiling_dbtp: f64,
}

/// What is being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// The chain runs.
    Chain,
    /// A file is measured.
    Measure,
    /// The output is written.
    Write,
}

/// What normalising came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalised {
    /// What the chain's render came to. When it was interrupted, there is no output.
    pub report: RenderReport,
    /// How loud the chain made it.
    pub before: ProgramLoudness,
    /// How loud the output is.
    pub after: ProgramLoudness,
    /// Gain behind the chain, in decibels.
    pub gain_db: f64,
    /// A true-peak limiter stood behind the gain.
    pub limited: bool,
}

/// Renders `input` through `chain` into a WAV file `output` with the loudness of `target`.
///
/// Silence has no loudness and stays silent. Where the limiter cannot reach the target, the output is
/// softer: see [`Normalised::after`]. The true peak is held in any case. `progress` is told now and then how far a pass is, and may
/// break it off; then there is no new output.
///
/// # Errors
/// As [`render`], and [`EngineError::LoudnessTarget`] for a target out of its range,
/// [`EngineError::Meter`] for a rate at which loudness is not defined.
///
/// # Real-time
/// Not safe: this is the offline face.
pub fn normalise(
    input: &Path,
    output: &Path,
    chain: Chain,
    options: &RenderOptions,
    target: LoudnessTarget,
    progress: &mut dyn FnMut(Pass, RenderProgress) -> ControlFlow<()>,
) -> Result<Normalised, EngineError> {
    target.check()?;
    same_file::refuse(input, output)?;
    let between = Between(beside(output));
    let first = RenderOptions {
        format: SampleFormat::F32,
        dither: Dither::None,
        ..options.clone()
    };
    let report = render(input, &between.0, chain, &first, &mut |state| {
        progress(Pass::Chain, state)
    })?;
    let mut job = Job {
        between,
        output,
        options: RenderOptions {
            block_frames: options.block_frames,
            format: options.format,
            dither: options.dither,
            ..RenderOptions::default()
        },
        frames: report.frames,
        interrupted: report.interrupted,
        progress,
    };
    let before = job.measure(true)?;
    let mut normalised = Normalised {
        report,
        before,
        after: before,
        gain_db: 0.0,
        limited: false,
    };
    job.run(&mut normalised, target)?;
    normalised.report.interrupted = job.interrupted;
    normalised.report.peak = normalised.after.sample_peak;
    Ok(normalised)
}

impl LoudnessTarget {
    fn check(&self) -> Result<(), EngineError> {
        for (what, unit, asked, min) in [
            ("loudness", "LUFS", self.integrated_lufs, -60.0),
            ("ceiling", "dBTP", self.ceiling_dbtp, -30.0),
        ] {
            if !(min..=0.0).contains(&asked) {
                return Err(EngineError::LoudnessTarget {
                    what,
                    unit,
                    asked,
                    min,
                });
            }
        }
        Ok(())
    }
}

struct Job<'a> {
    between: Between,
    output: &'a Path,
    options: RenderOptions,
    frames: u64,
    interrupted: bool,
    progress: &'a mut dyn FnMut(Pass, RenderProgress) -> ControlFlow<()>,
}

impl Job<'_> {
    fn run(&mut self, to: &mut Normalised, target: LoudnessTarget) -> Result<(), EngineError> {
        let room_db = target.ceiling_dbtp - dbtp(to.before.true_peak) - ROUNDING_DB;
        let wanted_db = to
            .before
            .integrated_lufs
            .map_or(0.0, |loudness| target.integrated_lufs - loudness);
        to.limited = wanted_db > room_db;
        let mut fader = Fader {
            gain_db: wanted_db,
            limit_db: to.limited.then_some(target.ceiling_dbtp),
            trim_db: 0.0,
        };
        let over_db = |after: &ProgramLoudness| dbtp(after.true_peak) - target.ceiling_dbtp;
        for _ in 0..TRIES {
            to.gain_db = fader.gain_db;
            to.after = self.make(fader)?;
            let Some(limit_db) = &mut fader.limit_db else {
                return Ok(());
            };
            let over_db = over_db(&to.after);
            let missing_lu = to
                .after
                .integrated_lufs
                .map_or(0.0, |loudness| target.integrated_lufs - loudness);
            if self.interrupted || (over_db <= 0.0 && missing_lu.abs() <= NEAR_LU) {
                return Ok(());
            }
            *limit_db -= (over_db + MARGIN_DB).max(0.0);
            fader.gain_db = (fader.gain_db + missing_lu).min(wanted_db + MAX_MORE_DB);
        }
        // The ceiling before the loudness: what is over after all goes down as a whole.
        while over_db(&to.after) > 0.0 && !self.interrupted {
            fader.gain_db = to.gain_db;
            fader.trim_db -= over_db(&to.after) + MARGIN_DB;
            to.after = self.make(fader)?;
        }
        Ok(())
    }

    /// Writes the output and measures it.
    fn make(&mut self, fader: Fader) -> Result<ProgramLoudness, EngineError> {
        self.write(fader)?;
        self.measure(false)
    }

    fn write(&mut self, fader: Fader) -> Result<(), EngineError> {
        if self.interrupted {
            return Ok(());
        }
        let chain = fader.chain()?;
        let progress = &mut *self.progress;
        let written = render(
            &self.between.0,
            self.output,
            chain,
            &self.options,
            &mut |state| progress(Pass::Write, state),
        )?;
        self.interrupted |= written.interrupted;
        Ok(())
    }

    /// Measures what the chain gave, or the output.
    fn measure(&mut self, between: bool) -> Result<ProgramLoudness, EngineError> {
        let path = if between {
            &self.between.0
        } else {
            self.output
        };
        let (progress, total) = (&mut *self.progress, self.frames);
        if self.interrupted {
            return Ok(ProgramLoudness::SILENCE);
        }
        let scan = scan(path, &mut |frames| {
            let total_frames = Some(total);
            progress(
                Pass::Measure,
                RenderProgress {
                    frames,
                    total_frames,
                },
            )
        })?;
        self.interrupted |= scan.interrupted;
        Ok(scan.loudness)
    }
}

/// What stands behind the chain.
#[derive(Clone, Copy)]
struct Fader {
    gain_db: f64,
    limit_db: Option<f64>,
    /// Gain behind the limiter.
    trim_db: f64,
}

impl Fader {
    fn chain(self) -> Result<Chain, EngineError> {
        let mut chain = Chain::new();
        push_gain(&mut chain, self.gain_db)?;
        if let Some(limit_db) = self.limit_db {
            push(&mut chain, &true_peak_limiter::EFFECT, "ceiling", limit_db)?;
        }
        push_gain(&mut chain, self.trim_db)?;
        Ok(chain)
    }
}

/// What is very soft needs more than one node can raise.
fn push_gain(chain: &mut Chain, gain_db: f64) -> Result<(), EngineError> {
    let mut left_db = gain_db;
    while left_db != 0.0 {
        let now_db = left_db.clamp(-MAX_GAIN_DB, MAX_GAIN_DB);
        push(chain, &gain::EFFECT, "gain", now_db)?;
        left_db -= now_db;
    }
    Ok(())
}

fn push(
    chain: &mut Chain,
    effect: &'static Effect,
    parameter: &str,
    value: f64,
) -> Result<(), EngineError> {
    let node = chain.links().len() + 1;
    let mut settings = Settings::new(effect);
    effect
        .number(parameter)
        .and_then(|number| settings.set(number, value))
        .map_err(|source| ChainError::Settings { node, source })?;
    chain.push_effect(settings)?;
    Ok(())
}

/// Level of a magnitude; silence is far below all.
fn dbtp(peak: f32) -> f64 {
    20.0 * f64::from(peak).max(1e-30).log10()
}

/// The file between chain and gain; it goes when the work is done or given up.
struct Between(PathBuf);

impl Drop for Between {
    fn drop(&mut self) {
        // What cannot be removed is left: the output is none the worse.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A name beside the output that nothing else has.
fn beside(output: &Path) -> PathBuf {
    let mut name = output.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    output.with_file_name(name)
}
