//! `ossicle measure`: proof of what a chain does, and of what devices do, one subcommand per file.

mod ceiling;
mod distortion;
mod drift;
mod dynamics;
mod latency;
mod noise;
mod response;
mod roundtrip;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use ossicle::measure::Subject;
use serde_json::Value;

use crate::exit::Failure;
use crate::output::Output;
use crate::picture::plot::Plot;

/// Measure what a chain does, or what devices do
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    ossicle measure response --fx \"parametric_eq:b1_type=peak,b1_gain=6dB\" --png curve.png")]
pub struct Measure {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Response(response::Response),
    #[command(name = "thd")]
    Distortion(distortion::Distortion),
    Dynamics(dynamics::Dynamics),
    Ceiling(ceiling::Ceiling),
    Latency(latency::Latency),
    Noise(noise::Noise),
    Roundtrip(roundtrip::Roundtrip),
    Drift(drift::Drift),
}

impl Measure {
    pub fn run(&self, output: Output) -> Result<(), Failure> {
        match &self.what {
            What::Response(command) => command.run(output),
            What::Distortion(command) => command.run(output),
            What::Dynamics(command) => command.run(output),
            What::Ceiling(command) => command.run(output),
            What::Latency(command) => command.run(output),
            What::Noise(command) => command.run(output),
            What::Roundtrip(command) => command.run(output),
            What::Drift(command) => command.run(output),
        }
    }
}

/// The chain that is measured, and where.
#[derive(Args, Clone, Debug)]
struct ChainOptions {
    /// Chain of effects
    #[arg(long, value_name = "CHAIN")]
    fx: String,
    /// Sample rate
    #[arg(long, value_name = "HZ", default_value_t = 48_000)]
    #[arg(value_parser = clap::value_parser!(u32).range(8000..=768_000))]
    rate: u32,
    /// Channels in; all get the same sound
    #[arg(long, value_name = "N", default_value_t = 2)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=64))]
    channels: u16,
}

impl ChainOptions {
    fn subject(&self) -> Subject<'_> {
        let mut subject = Subject::text(&self.fx);
        subject.sample_rate_hz = self.rate;
        subject.channels = self.channels.into();
        subject
    }
}

/// Where the picture goes.
#[derive(Args, Clone, Debug)]
struct PictureOption {
    /// Draw it into this PNG file, which is replaced if it is there
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,
}

impl PictureOption {
    /// Draws the plot if a picture was asked for.
    fn draw(&self, plot: impl FnOnce() -> Plot) -> Result<(), Failure> {
        self.draw_or(|| Ok(plot()))
    }

    /// The same for a plot that has to be measured first.
    fn draw_or(&self, plot: impl FnOnce() -> Result<Plot, Failure>) -> Result<(), Failure> {
        let Some(path) = &self.png else {
            return Ok(());
        };
        plot()?
            .draw(path)
            .map_err(|error| Failure::unwritten(path, &error))
    }
}

/// Checks a value of the command line against a range.
fn check(option: &str, value: f64, allowed: (f64, f64), unit: &str) -> Result<(), Failure> {
    let (least, most) = allowed;
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{option} {value} is out of range ({least} to {most} {unit})"
    )))
}

/// Checks a frequency against the sample rate.
fn check_frequency(option: &str, frequency_hz: f64, rate: u32) -> Result<(), Failure> {
    let most = 0.49 * f64::from(rate);
    check(option, frequency_hz, (1.0, most), "Hz")
}

/// A level for people: what is not there at all is told as such.
fn level(level_db: f64, unit: &str) -> String {
    if level_db == f64::NEG_INFINITY {
        "none at all".to_string()
    } else {
        format!("{level_db:.2} {unit}")
    }
}

/// A level for JSON: null for what is not there at all.
fn number(value: f64) -> Value {
    serde_json::Number::from_f64(value).map_or(Value::Null, Value::Number)
}

/// Levels for JSON.
fn numbers(values: &[f64]) -> Value {
    values.iter().map(|&value| number(value)).collect()
}
