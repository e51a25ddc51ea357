//! What the engine could not do.

use std::path::{Path, PathBuf};

use ossicle_dsp::meter::MeterError;
use ossicle_dsp::resample::KernelError;
use ossicle_io::device::DeviceError;
use ossicle_io::file::FileError;

use crate::chain::ChainError;
use crate::controller::EditError;
use crate::flight::FlightError;

/// Why a session or a render could not begin, go on or end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The chain is wrong; correct it.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The chain does not fit this rate or these channels, or an edit is wrong.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was wrong with it.
        source: FileError,
    },
    /// Two recordings go to the same file; choose another name for one.
    #[error("{}: two recordings go to this file", path.display())]
    SameTake {
        /// The file.
        path: PathBuf,
    },
    /// A recording had to end before its time, because its disk takes no more. What its files hold
    /// is whole; the session's other takes go on. Make room, or name a folder to go on in.
    #[error("{}: {source}; {unwritten_frames} frames behind them are lost", path.display())]
    TakeCut {
        /// The file.
        path: PathBuf,
        /// What was wrong with it.
        source: FileError,
        /// Frames that were recorded and are in no file.
        unwritten_frames: u64,
    },
    /// The name of a file was taken from it while it was written, and it could not get it again.
    #[error("{}: its name was taken from it while it was written; {what}", path.display())]
    TakeUnnamed {
        /// The name.
        path: PathBuf,
        /// What became of the file.
        what: String,
    },
    /// Input and output are the same file; choose another name.
    #[error("{}: input and output are the same file", path.display())]
    SameFile {
        /// The file.
        path: PathBuf,
    },
    /// A device cannot be opened, or has gone.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The device stopped calling and did not come back; what was recorded is whole.
    #[error("\"{device}\" stopped: {cause}")]
    DeviceLost {
        /// Name of the device.
        device: String,
        /// What is known of the cause.
        cause: String,
    },
    /// Two devices run at rates that cannot be bridged; name other rates or devices.
    #[error(transparent)]
    Bridge(#[from] KernelError),
    /// A route names a device or a channel that is not there.
    #[error("route to {what} {number}: there are {there}")]
    RouteMissing {
        /// What it names.
        what: &'static str,
        /// Its number, from 1.
        number: usize,
        /// How many there are.
        there: usize,
    },
    /// Two routes lead to one channel of a playback device; leave one out, or add the two in the chain.
    #[error("two routes lead to channel {channel} of output device {device} (allowed: one)")]
    RouteTwice {
        /// The device, from 1.
        device: usize,
        /// Its channel, from 1.
        channel: usize,
    },
    /// The rates are too far apart to resample.
    #[error("cannot resample from {from_hz} Hz to {to_hz} Hz (each must be 1000 to 3072000 Hz)")]
    RateRatio {
        /// Rate of the file.
        from_hz: u32,
        /// Rate of the device.
        to_hz: u32,
    },
    /// A sound needs more memory than it may have; play the file from disk, or allow more.
    #[error(
        "{}: needs {bytes} bytes of memory or more (allowed: {allowed_bytes})",
        path.display()
    )]
    SoundTooLong {
        /// The file.
        path: PathBuf,
        /// Bytes needed, as far as it was read.
        bytes: u64,
        /// Most bytes it may have.
        allowed_bytes: u64,
    },
    /// What is to be recorded from before the begin needs more memory than it may have, or than there
    /// is; ask for less.
    #[error(
        "a pre-roll of {asked_seconds} s needs {bytes} bytes of memory (allowed: {allowed_bytes}, as \
         far as there are)"
    )]
    PrerollTooLong {
        /// The pre-roll asked for, in seconds.
        asked_seconds: f64,
        /// Bytes needed.
        bytes: u64,
        /// Most bytes it may have.
        allowed_bytes: u64,
    },
    /// A sound was given without a plane; give one for each channel.
    #[error("a sound needs one channel at least")]
    SoundWithoutChannels,
    /// A sound was given as planes of different lengths; give planes of one length.
    #[error("a sound's channels have {first} and {other} frames (allowed: as many in each)")]
    SoundTorn {
        /// Frames of the first channel.
        first: usize,
        /// Frames of the first channel that differs.
        other: usize,
    },
    /// No host was named and none answers; `null` runs without a sound card.
    #[error("no sound server and no sound card answers (host \"null\" runs without one)")]
    NoHost,
    /// The configuration names neither an input nor an output.
    #[error("neither an input nor an output device is asked for")]
    NoDevice,
    /// A fallback cannot stand in for its device; name both, on one host where one stream has input
    /// and output.
    #[error("fallback \"{fallback}\": {why}")]
    Fallback {
        /// The fallback.
        fallback: String,
        /// Why not.
        why: &'static str,
    },
    /// A recording wants the device's input, and there is none.
    #[error("there is no input to record")]
    NoInput,
    /// The sound cannot be measured, at its rate or of so many channels.
    #[error(transparent)]
    Meter(#[from] MeterError),
    /// A file cannot be made so loud; name a value that is allowed.
    #[error("{what} {asked} {unit} is out of range ({min} to 0 {unit})")]
    LoudnessTarget {
        /// What was asked for: loudness or ceiling.
        what: &'static str,
        /// Its unit.
        unit: &'static str,
        /// Value asked for.
        asked: f64,
        /// Smallest value allowed.
        min: f64,
    },
    /// The flight recorder cannot write.
    #[error(transparent)]
    Flight(#[from] FlightError),
    /// The system gave no thread.
    #[error("cannot start the {thread} thread: {source}")]
    Thread {
        /// What the thread is for.
        thread: &'static str,
        /// The system's answer.
        source: std::io::Error,
    },
    /// A thread of the engine ended before its time.
    #[error("the {thread} thread was lost")]
    ThreadLost {
        /// What the thread was for.
        thread: &'static str,
    },
}

impl EngineError {
    pub(crate) fn file(path: &Path, source: FileError) -> Self {
        Self::File {
            path: path.to_owned(),
            source,
        }
    }
}
