//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use ossicle::clocks::ClockMemory;
use ossicle::dsp::dither::Dither;
use ossicle::flight::FlightConfig;
use ossicle::io::device::HostKind;
use ossicle::io::file::Overwrite;
use ossicle::io::sample::SampleFormat;
use ossicle::period::PeriodMemory;
use ossicle::record::{GateConfig, RecordConfig, Tap};
use ossicle::session::RealtimeRights;

use crate::commands::{
    bench::Bench, devices::Devices, doctor::Doctor, fx::Fx, info::Info, live::Live,
    measure::Measure, meter::Meter, play::Play, rec::Rec, recover::Recover, render::Render,
    replay::Replay, sim::Simulate, spectrogram::Spectrogram, tune::Tune,
};
use crate::exit::Failure;
use crate::output::Output;
use crate::take_options::TakeOptions;

const GENERAL_HELP: &str = "\
CHAIN   name:parameter=value,parameter=value | name2:...   or @file.toml
        values with their unit or without: dB dBFS LUFS Hz kHz ms s % st
        ( CHAIN * -6dB ; CHAIN )   branches, added; an empty one is the dry sound
        name ~ 30%                 so much of it is heard; ~ off passes it by
        send:bus=B,level=-6dB | ... | bus:name=B ( CHAIN )
        name < B                   bus B is the side-chain
T       1.5s, 250ms, 10m, 2h, 1:02.5, 48000f (frames), or bare seconds
Exit    0 done, 1 usage, 2 input or file, 3 device (doctor: something stands in the way),
        4 no room, 5 replay: other bits than recorded; sim: something broke, 130 interrupted with incomplete output

Example:
  ossicle play song.flac --fx \"parametric_eq:b1_type=peak,b1_freq=1kHz,b1_gain=-3dB | envelope_limiter\"";

/// Plays, records and renders sound through a chain of effects, in real time.
#[derive(Debug, Parser)]
#[command(name = "ossicle", version, after_help = GENERAL_HELP)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Arguments {
    #[command(flatten)]
    form: Form,
    /// What is to be done.
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Args, Clone, Copy, Debug)]
struct Form {
    /// Print the result as JSON on stdout
    #[arg(long, global = true, display_order = 900)]
    json: bool,
    /// No progress, no warnings, no summary
    #[arg(short, long, global = true, display_order = 901)]
    quiet: bool,
}

impl Arguments {
    /// How much is to be said, and in which form.
    pub fn output(&self) -> Output {
        Output {
            quiet: self.form.quiet,
            json: self.form.json,
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    Devices(Devices),
    Play(Play),
    Rec(Rec),
    Recover(Recover),
    Live(Live),
    Render(Render),
    Info(Info),
    Fx(Fx),
    Doctor(Doctor),
    Replay(Replay),
    Bench(Bench),
    Measure(Measure),
    Meter(Meter),
    Sim(Simulate),
    Spectrogram(Spectrogram),
    Tune(Tune),
}

/// The options of every command that opens a device.
#[derive(Args, Clone, Debug)]
pub struct DeviceOptions {
    /// Way to reach the devices; the first that answers of pipewire, pulseaudio and alsa
    #[arg(long, value_enum, value_name = "H")]
    pub host: Option<Host>,
    /// Frames per device buffer; those that were found to work on the device where none are given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    pub buffer: Option<u32>,
    /// Ask for no real-time scheduling, and lock no memory
    #[arg(long)]
    pub no_realtime: bool,
    /// When a callback is late, keep the last minute in a folder below this one (see replay)
    #[arg(long, value_name = "DIR")]
    pub flight: Option<PathBuf>,
}

impl DeviceOptions {
    /// Where the flight recorder writes, if at all.
    pub fn flight(&self) -> FlightConfig {
        FlightConfig {
            folder: self.flight.clone(),
        }
    }

    /// Where the periods that work are remembered, where none is named.
    pub fn period_file(&self) -> Option<PathBuf> {
        match self.buffer {
            Some(_) => None,
            None => PeriodMemory::default_path(),
        }
    }

    /// Where it is remembered how fast the devices' clocks run.
    pub fn clock_file() -> Option<PathBuf> {
        ClockMemory::default_path()
    }

    /// What is asked of the system so that callbacks are in time.
    pub fn realtime(&self) -> RealtimeRights {
        if self.no_realtime {
            RealtimeRights::NONE
        } else {
            RealtimeRights::ALL
        }
    }
}

/// A recording beside what is heard.
#[derive(Args, Clone, Debug)]
pub struct RecordOptions {
    /// Record to this file as well: WAV, FLAC or Ogg by its ending; {date}, {time} and {number}, the next
    /// free number, may stand in its name
    #[arg(long, value_name = "OUT", help_heading = "Recording")]
    pub record: Option<PathBuf>,
    #[command(flatten)]
    pub takes: TakeOptions,
}

/// A host as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Host {
    /// ALSA
    Alsa,
    /// PulseAudio
    Pulseaudio,
    /// JACK
    Jack,
    /// PipeWire, where it was built in
    Pipewire,
    /// No sound: silence in, nothing out, paced by the clock
    Null,
}

impl From<Host> for HostKind {
    fn from(host: Host) -> Self {
        match host {
            Host::Alsa => Self::Alsa,
            Host::Pulseaudio => Self::PulseAudio,
            Host::Jack => Self::Jack,
            Host::Pipewire => Self::PipeWire,
            Host::Null => Self::Null,
        }
    }
}

/// A sample format as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// 16-bit integers
    I16,
    /// 24-bit integers
    I24,
    /// 32-bit integers
    I32,
    /// 32-bit floating point
    F32,
}

impl From<Format> for SampleFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::I16 => Self::I16,
            Format::I24 => Self::I24,
            Format::I32 => Self::I32,
            Format::F32 => Self::F32,
        }
    }
}

/// A dither as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DitherArgument {
    /// To the nearest code
    None,
    /// Triangular noise of two codes' width: no distortion
    Tpdf,
    /// The same with less of it about 3.5 kHz, where it is heard most
    Shaped,
}

impl From<DitherArgument> for Dither {
    fn from(dither: DitherArgument) -> Self {
        match dither {
            DitherArgument::None => Self::None,
            DitherArgument::Tpdf => Self::Triangular,
            DitherArgument::Shaped => Self::Shaped,
        }
    }
}

impl RecordOptions {
    /// The recordings, as far as they are asked for, and when they begin and end.
    pub fn configs(&self, tap: Tap) -> Result<(Vec<RecordConfig>, GateConfig), Failure> {
        let configs = self.takes.configs(self.record.as_deref(), tap)?;
        Ok((configs, self.takes.gate(None)))
    }
}

/// What `--force` means.
pub fn overwrite(force: bool) -> Overwrite {
    if force {
        Overwrite::Replace
    } else {
        Overwrite::Never
    }
}
