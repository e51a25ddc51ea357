//! `ossicle play`: a file through a chain to a device.

use std::path::PathBuf;

use clap::Args;
use ossicle::chain::Chain;
use ossicle::io::device::Port;
use ossicle::io::file::AudioFile;
use ossicle::record::Tap;
use ossicle::session::{FilePlay, SessionConfig, Source};

use crate::args::{DeviceOptions, RecordOptions};
use crate::commands::live::without_routes;
use crate::exit::Failure;
use crate::output::Output;
use crate::run::{Length, run};
use crate::times::{Time, length};

/// Play a file through a chain
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    ossicle play song.flac --fx \"gain:gain=3dB | envelope_limiter:threshold=-1dBFS\" --seek 1:02.5")]
pub struct Play {
    /// Sound file; its content decides what it is, not its name
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
    /// Device to play on: an id of `ossicle devices`, or a part of a name
    #[arg(long, value_name = "D")]
    device: Option<String>,
    /// Device that plays while --device is not there: its whole id, as `ossicle devices` lists it
    #[arg(long, value_name = "D", requires = "device")]
    fallback: Option<String>,
    /// Begin at this time of the file
    #[arg(long, value_name = "T", allow_hyphen_values = true)]
    seek: Option<Time>,
    /// Begin again whenever the end is reached
    #[arg(long = "loop")]
    looped: bool,
    /// End after this time
    #[arg(long = "for", value_name = "T", value_parser = length, allow_hyphen_values = true)]
    length: Option<Time>,
    /// What is heard, after the chain
    #[command(flatten)]
    record: RecordOptions,
}

impl Play {
    pub fn run(&self, output: Output) -> Result<(), Failure> {
        without_routes(&self.fx)?;
        let chain = Chain::parse(&self.fx)?;
        let file =
            AudioFile::open(&self.file).map_err(|error| Failure::file(&self.file, &error))?;
        let (sample_rate_hz, frames) = (file.info().sample_rate_hz, file.info().frames);
        drop(file);
        let seek = self.seek.unwrap_or(Time::Frames(0));
        let left = frames.map(|frames| frames.saturating_sub(seek.frames(sample_rate_hz)));
        let of_file = left
            .filter(|_| !self.looped)
            .map(|left| left as f64 / f64::from(sample_rate_hz));
        let (record, gate) = self.record.configs(Tap::Post)?;
        let config = SessionConfig {
            host: self.device_options.host.map(Into::into),
            output: Some(Port {
                device: self.device.clone(),
                channels: None,
            }),
            output_fallback: self.fallback.clone(),
            buffer_frames: self.device_options.buffer,
            period_file: self.device_options.period_file(),
            clock_file: DeviceOptions::clock_file(),
            realtime: self.device_options.realtime(),
            flight: self.device_options.flight(),
            chain,
            source: Source::File(FilePlay {
                path: self.file.clone(),
                seek: seek.into(),
                looped: self.looped,
            }),
            record,
            gate,
            ..SessionConfig::default()
        };
        let length = Length {
            limit: self.length,
            source_seconds: of_file,
        };
        run(config, length, "played", output)
    }
}
