//! `ossicle live`: a device through a chain to a device, now.

use clap::{Args, ValueEnum};
use ossicle::chain::Chain;
use ossicle::dsp::resample::Taps;
use ossicle::io::device::Port;
use ossicle::record::Tap;
use ossicle::session::{BridgeTaps, Routes, SessionConfig, Source};

use crate::args::{DeviceOptions, RecordOptions};
use crate::exit::Failure;
use crate::output::Output;
use crate::run::{Length, run};
use crate::times::{Time, length};

/// Play a live input through a chain
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    ossicle live --fx envelope_limiter --buffer 64 --record wet.wav --dry dry.wav\n\n\
    Ctrl-C and SIGTERM end the run. With --record or --dry, keys and signals are those of rec.")]
pub struct Live {
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
    /// Device to listen to: an id of `ossicle devices`, or a part of a name; may be given again: the
    /// channels of all go into the chain, in this order
    #[arg(long = "in", value_name = "D")]
    inputs: Vec<String>,
    /// Device to play on; may be given again: all play the same
    #[arg(long = "out", value_name = "D")]
    outputs: Vec<String>,
    /// Device that plays while the first --out, which has to be named, is not there: its whole id, as
    /// `ossicle devices` lists it
    #[arg(long, value_name = "D", requires = "outputs")]
    fallback: Option<String>,
    /// The same for the first --in
    #[arg(long, value_name = "D", requires = "inputs")]
    in_fallback: Option<String>,
    /// Sample rate of the run: the first output has to have it, other devices are resampled
    #[arg(long, value_name = "HZ", value_parser = clap::value_parser!(u32).range(1..))]
    rate: Option<u32>,
    /// Channels of each input
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    channels: Option<u16>,
    /// Length of the kernel between devices of two clocks, half of which is latency: 32, 48, 64, 96 or
    /// 128
    #[arg(long, value_name = "N", default_value = "64", value_parser = taps)]
    taps: BridgeTaps,
    #[command(flatten)]
    record: RecordOptions,
    /// Where the recording of --record is taken
    #[arg(long, value_enum, default_value_t = TapArgument::Post)]
    tap: TapArgument,
    /// End after this time
    #[arg(long = "for", value_name = "T", value_parser = length, allow_hyphen_values = true)]
    length: Option<Time>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TapArgument {
    /// As the device delivered it; of several, the first
    Input,
    /// At the chain's input
    Pre,
    /// After the chain
    Post,
}

impl Live {
    pub fn run(&self, output: Output) -> Result<(), Failure> {
        let channels = self.channels.map(usize::from);
        let tap = match self.tap {
            TapArgument::Input => Tap::Input,
            TapArgument::Pre => Tap::Pre,
            TapArgument::Post => Tap::Post,
        };
        let mut inputs = ports(&self.inputs, channels).into_iter();
        let mut outputs = ports(&self.outputs, None).into_iter();
        let (record, gate) = self.record.configs(tap)?;
        let config = SessionConfig {
            host: self.device_options.host.map(Into::into),
            input: inputs.next(),
            more_inputs: inputs.collect(),
            output: outputs.next(),
            more_outputs: outputs.collect(),
            input_fallback: self.in_fallback.clone(),
            output_fallback: self.fallback.clone(),
            routes: routes(&self.fx)?,
            sample_rate_hz: self.rate,
            bridge_taps: self.taps,
            buffer_frames: self.device_options.buffer,
            period_file: self.device_options.period_file(),
            clock_file: DeviceOptions::clock_file(),
            realtime: self.device_options.realtime(),
            flight: self.device_options.flight(),
            chain: Chain::parse(&self.fx)?,
            source: Source::Input,
            record,
            gate,
            ..SessionConfig::default()
        };
        run(
            config,
            Length {
                limit: self.length,
                source_seconds: None,
            },
            "ran",
            output,
        )
    }
}

fn taps(text: &str) -> Result<BridgeTaps, String> {
    let found = Taps::ALL
        .into_iter()
        .find(|taps| text.parse() == Ok(taps.frames()));
    found.map(BridgeTaps).ok_or_else(|| {
        let allowed = Taps::ALL.map(|taps| taps.frames().to_string());
        format!(
            "{text} is no length of a kernel (allowed: {})",
            allowed.join(", ")
        )
    })
}

/// The devices named, or the default one.
fn ports(names: &[String], channels: Option<usize>) -> Vec<Port> {
    if names.is_empty() {
        return vec![Port {
            device: None,
            channels,
        }];
    }
    let port = |name: &String| Port {
        device: Some(name.clone()),
        channels,
    };
    names.iter().map(port).collect()
}

/// The routes of the chain's file, if it is one that has any.
fn routes(fx: &str) -> Result<Routes, Failure> {
    match fx.trim().strip_prefix('@') {
        Some(path) => Ok(Routes::load(path.trim().as_ref())?),
        None => Ok(Routes::default()),
    }
}

/// Where nothing is routed, a chain's file has no routes.
pub fn without_routes(fx: &str) -> Result<(), Failure> {
    if routes(fx)? == Routes::default() {
        return Ok(());
    }
    let path = fx.trim().trim_start_matches('@').trim();
    Err(Failure::usage(format!(
        "{path}: has [routes], which only live takes"
    )))
}
