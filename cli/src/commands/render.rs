//! `ossicle render`: a file through a chain into a file, as fast as it goes.

use core::ops::ControlFlow;
use core::str::FromStr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use ossicle::chain::Chain;
use ossicle::io::file::AudioFile;
use ossicle::normalise::{LoudnessTarget, Normalised, Pass, normalise};
use ossicle::render::{Latency, RenderOptions, RenderReport, RenderTail, render};

use crate::args::{DitherArgument, Format};
use crate::commands::live::without_routes;
use crate::events;
use crate::exit::{Exit, Failure};
use crate::loudness::{Dbtp, Level, Lufs};
use crate::output::Output;
use crate::progress::Progress;
use crate::signals::Interrupt;
use crate::summary::Summary;
use crate::times::{NotATime, Time};

/// How far from the loudness asked for OUT may be without a word.
const TOLERANCE_LU: f64 = 0.1;

/// Render a file through a chain into a WAV file
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    ossicle render in.flac out.wav --fx \"delay:time=250ms,feedback=40%,mix=30%\" --tail auto\n  \
    ossicle render in.flac out.wav --loudness -16LUFS --ceiling -1dBTP\n\n\
    OUT is replaced if it is there. It has as many frames as IN, and --tail more.")]
pub struct Render {
    /// Sound file to read
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// WAV file to write
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// Chain of effects
    #[arg(
        long,
        value_name = "CHAIN",
        default_value = "",
        hide_default_value = true
    )]
    fx: String,
    /// Frames per block; the result does not depend on it
    #[arg(long, value_name = "N", default_value_t = 1024)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    block: u32,
    /// Sample format of OUT
    #[arg(long, value_enum, default_value_t = Format::F32)]
    format: Format,
    /// Noise added where OUT has integers
    #[arg(long, value_enum, default_value_t = DitherArgument::None)]
    dither: DitherArgument,
    /// Sample rate of OUT; the chain runs at that of IN
    #[arg(long, value_name = "HZ", value_parser = clap::value_parser!(u32).range(1000..=3_072_000))]
    rate: Option<u32>,
    /// Align OUT with IN, or keep the chain's delay in it
    #[arg(long, value_enum, default_value_t = LatencyArgument::Remove)]
    latency: LatencyArgument,
    /// Let the chain ring out for so long, or as long as it sounds
    #[arg(long, value_name = "T|auto")]
    tail: Option<TailArgument>,
    /// Make OUT this loud: a gain behind the chain, and a true-peak limiter where it is needed
    #[arg(long, value_name = "LUFS", allow_hyphen_values = true)]
    loudness: Option<Level<Lufs>>,
    /// With --loudness: the largest true peak of OUT
    #[arg(
        long,
        value_name = "DBTP",
        allow_hyphen_values = true,
        requires = "loudness"
    )]
    #[arg(default_value = "-1dBTP")]
    ceiling: Level<Dbtp>,
    /// Parameter changes: lines of {"at":12345,"node":1,"set":{"gain":"-6dB"}}
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum LatencyArgument {
    /// OUT is aligned with IN
    Remove,
    /// OUT begins with the chain's delay
    Keep,
}

#[derive(Clone, Copy, Debug)]
enum TailArgument {
    Auto,
    Length(Time),
}

impl FromStr for TailArgument {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, NotATime> {
        if text == "auto" {
            Ok(Self::Auto)
        } else {
            text.parse().map(Self::Length)
        }
    }
}

impl Render {
    pub fn run(&self, output: Output) -> Result<(), Failure> {
        without_routes(&self.fx)?;
        let chain = Chain::parse(&self.fx)?;
        let events = match &self.events {
            Some(path) => events::load(path, &chain)?,
            None => Vec::new(),
        };
        let interrupt = Interrupt::listen(output)?;
        let input =
            AudioFile::open(&self.input).map_err(|error| Failure::file(&self.input, &error))?;
        let (sample_rate_hz, total) = (input.info().sample_rate_hz, input.info().frames);
        drop(input);
        let options = RenderOptions {
            block_frames: self.block as usize,
            format: self.format.into(),
            dither: self.dither.into(),
            sample_rate_hz: self.rate,
            latency: match self.latency {
                LatencyArgument::Remove => Latency::Remove,
                LatencyArgument::Keep => Latency::Keep,
            },
            tail: match self.tail {
                None => RenderTail::None,
                Some(TailArgument::Auto) => RenderTail::Auto,
                Some(TailArgument::Length(time)) => RenderTail::Frames(time.frames(sample_rate_hz)),
            },
            events,
        };
        let progress = Progress::new(output, sample_rate_hz, total);
        let go_on = || {
            if interrupt.is_asked() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        };
        let Some(integrated_lufs) = self.loudness.map(|level| level.0) else {
            let report = render(&self.input, &self.output, chain, &options, &mut |state| {
                progress.show(state.frames, &[], "");
                go_on()
            });
            progress.finish();
            return self.finish(report?, None, output);
        };
        let target = LoudnessTarget {
            integrated_lufs,
            ceiling_dbtp: self.ceiling.0,
        };
        let (input, file) = (&self.input, &self.output);
        let normalised = normalise(input, file, chain, &options, target, &mut |pass, state| {
            let pass = match pass {
                Pass::Chain => "chain",
                Pass::Measure => "measuring",
                Pass::Write => "writing",
            };
            progress.show(state.frames, &[], pass);
            go_on()
        });
        progress.finish();
        let normalised = normalised?;
        self.finish(
            normalised.report.clone(),
            Some((normalised, target)),
            output,
        )
    }

    fn finish(
        &self,
        report: RenderReport,
        loudness: Option<(Normalised, LoudnessTarget)>,
        output: Output,
    ) -> Result<(), Failure> {
        let mut warnings = report.warnings.clone();
        warnings.extend(
            loudness
                .as_ref()
                .and_then(|(done, target)| missed(done, target)),
        );
        if report.not_finite_samples > 0 {
            let samples = report.not_finite_samples;
            warnings.push(format!(
                "{samples} samples were not finite and became silence"
            ));
        }
        for warning in &warnings {
            output.warning(&format!("{}: {warning}", self.input.display()));
        }
        if report.interrupted {
            let (file, frames) = (self.output.display(), report.frames);
            let message = match loudness {
                None => format!("interrupted: {file} holds the first {frames} frames"),
                Some(_) => format!("interrupted: {file} is not finished"),
            };
            return Err(Failure {
                exit: Exit::Interrupted,
                message,
            });
        }
        let mut summary = Summary {
            frames: report.frames,
            sample_rate_hz: report.sample_rate_hz,
            channels: report.channels,
            latency_frames: report.latency_frames,
            dsp_load_percent: Some(report.load_percent),
            file: Some(self.output.display().to_string()),
            file_frames: Some(report.frames),
            warnings,
            ..Summary::default()
        };
        summary.set_peak(report.peak);
        if let Some((normalised, _)) = &loudness {
            summary.loudness = (&normalised.after).into();
            summary.gain_db = Some(normalised.gain_db);
        }
        output.summary(&summary, &summary.text("rendered", summary.frames));
        Ok(())
    }
}

/// Why the output is not as loud as it was to be, if it is not.
fn missed(done: &Normalised, target: &LoudnessTarget) -> Option<String> {
    let (asked, ceiling) = (target.integrated_lufs, target.ceiling_dbtp);
    match done.after.integrated_lufs {
        _ if done.report.interrupted => None,
        None if done.before.true_peak == 0.0 => {
            Some("silence has no loudness: OUT is silent too".to_string())
        }
        None => Some("too short or too soft to have a loudness: its level is left".to_string()),
        Some(got) if (got - asked).abs() > TOLERANCE_LU => Some(format!(
            "OUT has {got:.1} LUFS: the ceiling of {ceiling} dBTP leaves no room for {asked} LUFS"
        )),
        Some(_) => None,
    }
}
