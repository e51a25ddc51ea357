//! What a session is to do.

use std::path::PathBuf;

use ossicle_dsp::resample::Taps;
use ossicle_io::device::{HostKind, Port};

use super::own::BlockCallback;
use super::realtime::RealtimeRights;
use crate::chain::Chain;
use crate::flight::FlightConfig;
use crate::record::{GateConfig, RecordConfig, Tap};

/// What a session is to do: devices, source, chain, recording.
///
/// With an output, the output's callback runs the chain; without one, the input's does.
#[derive(Debug, Default)]
pub struct SessionConfig {
    /// How devices are reached; `None` for the first host that answers.
    pub host: Option<HostKind>,
    /// The device that sound comes from, if any.
    pub input: Option<Port>,
    /// The device that sound goes to, if any.
    pub output: Option<Port>,
    /// Whole id of a device that stands in for `input`, which has to be named, while that is not there:
    /// also as the session starts. Once the named one has stayed for a second, sound returns to it.
    pub input_fallback: Option<String>,
    /// The same for `output`.
    pub output_fallback: Option<String>,
    /// Further devices that sound comes from. Each runs by its own clock and at its own rate; their
    /// channels come behind those of `input`, in this order, unless routed.
    pub more_inputs: Vec<Port>,
    /// Further devices that sound goes to: each plays what `output` plays, unless routed.
    pub more_outputs: Vec<Port>,
    /// Which channels go where, if not as said.
    pub routes: Routes,
    /// Sample rate of the session in hertz; `None` for what the output prefers. Devices that run at
    /// another are resampled.
    pub sample_rate_hz: Option<u32>,
    /// Length of the kernel that resamples between two devices: quality against latency.
    pub bridge_taps: BridgeTaps,
    /// Frames per callback asked for; `None` for a default.
    pub buffer_frames: Option<u32>,
    /// Where it is remembered which periods work, so that they can be chosen where no
    /// `buffer_frames` are given; `None` for the default period. See [`period`](crate::period);
    /// [`PeriodMemory::default_path`](crate::period::PeriodMemory::default_path) is the user's own.
    pub period_file: Option<PathBuf>,
    /// Where it is remembered how fast the devices' clocks run, so that they are in step at once the
    /// next time; `None` to find out anew each time. See [`clocks`](crate::clocks);
    /// [`ClockMemory::default_path`](crate::clocks::ClockMemory::default_path) is the user's own.
    pub clock_file: Option<PathBuf>,
    /// JACK only: leave the ports unconnected.
    pub leave_unconnected: bool,
    /// Which rights of real-time work are asked of the system.
    pub realtime: RealtimeRights,
    /// The chain.
    pub chain: Chain,
    /// Latency that the chain always has at least, in frames: edits that stay within it move no path
    /// that they do not touch.
    pub latency_budget_frames: u64,
    /// What goes into the chain.
    pub source: Source,
    /// Where the sound is measured, if at all: see [`Report::readings`](super::Report::readings).
    pub meter: Option<Tap>,
    /// What is recorded: a take for each.
    pub record: Vec<RecordConfig>,
    /// When the recordings begin and end, if not with the session.
    pub gate: GateConfig,
    /// Where the stream ends, if not before.
    pub limit: Option<Moment>,
    /// Where the flight recorder writes when something was late.
    pub flight: FlightConfig,
}

impl SessionConfig {
    /// From the default input through `chain` to the default output.
    #[must_use]
    pub fn live(chain: Chain) -> Self {
        Self {
            input: Some(Port::default()),
            output: Some(Port::default()),
            chain,
            ..Self::default()
        }
    }

    /// A file through `chain` to the default output, from its start.
    #[must_use]
    pub fn play(path: impl Into<PathBuf>, chain: Chain) -> Self {
        let seek = Moment::Frames(0);
        Self {
            output: Some(Port::default()),
            chain,
            source: Source::File(FilePlay {
                path: path.into(),
                seek,
                looped: false,
            }),
            ..Self::default()
        }
    }

    /// From the default input to a file, as [`RecordConfig::new`] says.
    #[must_use]
    pub fn record(path: impl Into<PathBuf>) -> Self {
        Self {
            input: Some(Port::default()),
            record: vec![RecordConfig::new(path)],
            ..Self::default()
        }
    }
}

/// Which channels of the devices go where. Empty lists leave everything as it is without them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routes {
    /// What goes into the chain, channel by channel; what is named twice is in both.
    pub inputs: Vec<DeviceChannel>,
    /// What plays it: for each of them the channel of the chain's output, from 0.
    pub outputs: Vec<(DeviceChannel, usize)>,
}

/// A channel of one of several devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeviceChannel {
    /// The device, from 0, in the order in which they were named.
    pub device: usize,
    /// Its channel, from 0.
    pub channel: usize,
}

/// Length of the kernel between two devices; see [`Taps`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BridgeTaps(pub Taps);

impl Default for BridgeTaps {
    /// 64.
    fn default() -> Self {
        Self(Taps::Taps64)
    }
}

/// What goes into the chain.
#[derive(Default)]
pub enum Source {
    /// The input device.
    #[default]
    Input,
    /// A file.
    File(FilePlay),
    /// A function of the caller's, which sees the input device's sound if there is one.
    Own {
        /// Called for every block on the real-time thread.
        callback: BlockCallback,
        /// Channels into the chain when there is no input device.
        channels: usize,
    },
}

/// A file to be played.
#[derive(Clone, Debug, PartialEq)]
pub struct FilePlay {
    /// The file.
    pub path: PathBuf,
    /// Where to begin, at the file's own rate.
    pub seek: Moment,
    /// Begin again at the start whenever the end is reached.
    pub looped: bool,
}

/// A moment, counted from a start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Moment {
    /// In frames.
    Frames(u64),
    /// In seconds.
    Seconds(f64),
}

impl Moment {
    /// The moment in frames at a sample rate, rounded.
    #[must_use]
    pub fn frames(self, sample_rate_hz: u32) -> u64 {
        match self {
            Self::Frames(frames) => frames,
            Self::Seconds(seconds) => (seconds * f64::from(sample_rate_hz)).round() as u64,
        }
    }
}

impl core::fmt::Debug for Source {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Input => formatter.write_str("Input"),
            Self::File(file) => formatter.debug_tuple("File").field(file).finish(),
            Self::Own { channels, .. } => formatter
                .debug_struct("Own")
                .field("channels", channels)
                .finish_non_exhaustive(),
        }
    }
}
