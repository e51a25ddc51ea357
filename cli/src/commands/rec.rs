//! `ossicle rec`: a device to a file.

use std::path::PathBuf;

use clap::Args;
use ossicle::chain::Chain;
use ossicle::io::device::Port;
use ossicle::record::{RecordConfig, Tap};
use ossicle::session::{SessionConfig, Source};

use crate::args::{DeviceOptions, Format, overwrite};
use crate::exit::Failure;
use crate::output::Output;
use crate::run::{Length, run};
use crate::times::Time;

/// Record a device to a WAV file
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    ossicle rec voice.wav --channels 1 --format i24 --for 10s\n\n\
    Ctrl-C ends the recording. With a chain, its output is recorded.")]
pub struct Rec {
    /// WAV file to write
    #[arg(value_name = "OUT")]
    file: PathBuf,
    /// Chain of effects
    #[arg(
        long,
        value_name = "CHAIN",
        default_value = "",
        hide_default_value = true
    )]
    fx: String,
    #[command(flatten)]
    device_options: DeviceOptions,
    /// Device to record: an id of `ossicle devices`, or a part of a name
    #[arg(long, value_name = "D")]
    device: Option<String>,
    /// Channels to record
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    channels: Option<u16>,
    /// Sample rate
    #[arg(long, value_name = "HZ", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// Sample format of OUT
    #[arg(long, value_enum, default_value_t = Format::F32)]
    format: Format,
    /// End after this time
    #[arg(long = "for", value_name = "T")]
    length: Option<Time>,
    /// Replace OUT if it is there
    #[arg(long)]
    force: bool,
}

impl Rec {
    pub fn run(&self, output: Output) -> Result<(), Failure> {
        let config = SessionConfig {
            host: self.device_options.host.map(Into::into),
            input: Some(Port {
                device: self.device.clone(),
                channels: self.channels.map(usize::from),
            }),
            sample_rate_hz: self.rate,
            buffer_frames: self.device_options.buffer,
            period_file: self.device_options.period_file(),
            clock_file: DeviceOptions::clock_file(),
            realtime: self.device_options.realtime(),
            flight: self.device_options.flight(),
            chain: Chain::parse(&self.fx)?,
            source: Source::Input,
            record: vec![RecordConfig {
                format: self.format.into(),
                tap: Tap::Post,
                overwrite: overwrite(self.force),
                ..RecordConfig::new(&self.file)
            }],
            ..SessionConfig::default()
        };
        run(
            config,
            Length {
                limit: self.length,
                source_seconds: None,
            },
            "recorded",
            output,
        )
    }
}
