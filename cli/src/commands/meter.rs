//! `ossicle meter`: how loud a device's sound is. Nothing is played, and no file is written.

use clap::Args;
use ossicle::io::device::Port;
use ossicle::record::Tap;
use ossicle::session::{SessionConfig, Source};

use crate::args::DeviceOptions;
use crate::exit::Failure;
use crate::output::Output;
use crate::run::{Face, Length, Run};
use crate::times::{Time, length};

/// Show how loud an input is
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    ossicle meter --in hw:1 --for 30s --json\n\n\
    On a terminal: RMS (#) and held peak (|) of each channel, thirds of an octave, loudness.\n\
    Key q or Ctrl-C ends the run; then a summary says what it came to.")]
pub struct Meter {
    #[command(flatten)]
    device_options: DeviceOptions,
    /// Device to listen to: an id of `ossicle devices`, or a part of a name
    #[arg(long = "in", value_name = "D")]
    input: Option<String>,
    /// Channels of the input
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    channels: Option<u16>,
    /// End after this time
    #[arg(long = "for", value_name = "T", value_parser = length, allow_hyphen_values = true)]
    length: Option<Time>,
}

impl Meter {
    pub fn run(&self, output: Output) -> Result<(), Failure> {
        let config = SessionConfig {
            host: self.device_options.host.map(Into::into),
            input: Some(Port {
                device: self.input.clone(),
                channels: self.channels.map(usize::from),
            }),
            buffer_frames: self.device_options.buffer,
            realtime: self.device_options.realtime(),
            flight: self.device_options.flight(),
            source: Source::Input,
            meter: Some(Tap::Pre),
            ..SessionConfig::default()
        };
        let run = Run {
            length: Length {
                limit: self.length,
                source_seconds: None,
            },
            done: "measured",
            face: Face::Meters,
            ends_with_takes: false,
        };
        run.run(config, output)
    }
}
