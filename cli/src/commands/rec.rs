//! `ossicle rec`: a device to a file; without a file, a check of its level.

use std::path::PathBuf;

use clap::Args;
use ossicle::chain::Chain;
use ossicle::io::device::Port;
use ossicle::record::{Begin, GateConfig, Tap};
use ossicle::session::{SessionConfig, Source};

use crate::args::DeviceOptions;
use crate::commands::live::without_routes;
use crate::exit::Failure;
use crate::output::Output;
use crate::run::{Face, Length, Run};
use crate::take_options::TakeOptions;
use crate::times::{Time, length};

/// Record a device, or without OUT check its level
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    ossicle rec\n  \
    ossicle rec voice.wav --channels 1 --format i24 --for 10s\n  \
    ossicle rec \"{date} take {number}.flac\" --on-sound -40dBFS --until-silence 3s@-50dBFS\n\n\
    Keys: m marks the place, p begins, pauses and goes on, q ends. Signals: SIGUSR1 marks, SIGUSR2\n\
    begins, pauses and goes on, Ctrl-C and SIGTERM end. With a chain, its output is recorded. What\n\
    was lost is silence of its length, told in the end and in OUT.gaps.json. With --preroll or\n\
    --on-sound, --for is the length of the recording. See docs/recorder.md.")]
pub struct Rec {
    /// File to write: WAV, FLAC or Ogg by its ending; {date}, {time} and {number}, the next free number,
    /// may stand in its name
    #[arg(value_name = "OUT")]
    file: Option<PathBuf>,
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
    /// Device that is recorded while --device is not there: its whole id, as `ossicle devices` lists it
    #[arg(long, value_name = "D", requires = "device")]
    fallback: Option<String>,
    /// Channels to record
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    channels: Option<u16>,
    /// Sample rate
    #[arg(long, value_name = "HZ", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// End after this time
    #[arg(long = "for", value_name = "T", value_parser = length, allow_hyphen_values = true)]
    length: Option<Time>,
    #[command(flatten)]
    takes: TakeOptions,
}

impl Rec {
    pub fn run(&self, output: Output) -> Result<(), Failure> {
        without_routes(&self.fx)?;
        let record = self.takes.configs(self.file.as_deref(), Tap::Post)?;
        let is_check = record.is_empty();
        let gate = if is_check {
            GateConfig::default()
        } else {
            self.takes.gate(self.length)
        };
        let run = Run {
            length: Length {
                // Where a recording waits, its length is the gate's to count.
                limit: self.length.filter(|_| gate.begin == Begin::AtOnce),
                source_seconds: None,
            },
            done: if is_check { "listened" } else { "recorded" },
            face: if is_check { Face::Meters } else { Face::Line },
            ends_with_takes: !is_check,
        };
        let config = SessionConfig {
            host: self.device_options.host.map(Into::into),
            input: Some(Port {
                device: self.device.clone(),
                channels: self.channels.map(usize::from),
            }),
            input_fallback: self.fallback.clone(),
            sample_rate_hz: self.rate,
            buffer_frames: self.device_options.buffer,
            period_file: self.device_options.period_file(),
            clock_file: DeviceOptions::clock_file(),
            realtime: self.device_options.realtime(),
            flight: self.device_options.flight(),
            chain: Chain::parse(&self.fx)?,
            source: Source::Input,
            meter: Some(Tap::Post).filter(|_| is_check),
            record,
            gate,
            ..SessionConfig::default()
        };
        run.run(config, output)
    }
}
