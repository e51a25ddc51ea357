//! What a recording came to.

use std::path::PathBuf;

use ossicle_io::ring::Cause;

use super::gate::Gated;

/// A run of frames that were lost and stand as silence in the take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Position of the first lost frame, in frames from the take's start.
    pub position: u64,
    /// Number of lost frames.
    pub frames: u64,
    /// What lost them.
    pub cause: Cause,
}

/// One of the files of a take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakeFile {
    /// The file.
    pub path: PathBuf,
    /// Position in the take of its first frame.
    pub first_frame: u64,
    /// Frames in it so far.
    pub frames: u64,
}

/// A place in a take that somebody marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Position in the take, in frames.
    pub position: u64,
    /// What was said of it.
    pub text: String,
}

/// What a recording came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// The first file.
    pub path: PathBuf,
    /// Frames in all files.
    pub frames: u64,
    /// Sample rate in hertz.
    pub sample_rate_hz: u32,
    /// Which part of the stream it holds. A recording that never began has no file.
    pub gated: Gated,
    /// Frames that were lost: those that stand as silence, and those behind the end of a take that
    /// its disk cut short.
    pub lost_frames: u64,
    /// The runs of lost frames, in order. One behind the last frame of the take is what was still in
    /// memory when the disk took no more.
    pub gaps: Vec<Gap>,
    /// What was marked, in order.
    pub marks: Vec<Mark>,
    /// The files, in order: one, unless the take was split or spilled.
    pub files: Vec<TakeFile>,
    /// The list of gaps beside the first file, where there are any: see [`record`](crate::record).
    pub gaps_file: Option<PathBuf>,
    /// How the device's clock went, beside the first file, for a device's own sound by a clock that
    /// is not the session's: see [`ClockLog`](super::ClockLog).
    pub clock_file: Option<PathBuf>,
}

/// The state of a recording that runs.
#[derive(Clone, Debug, PartialEq)]
pub struct TakeReport {
    /// The first file.
    pub path: PathBuf,
    /// Frames recorded so far.
    pub frames: u64,
    /// Frames that are in files.
    pub written_frames: u64,
    /// Sound that waits in memory for the disk, in seconds.
    pub memory_seconds: f64,
    /// Sound for which there is room on the disk, in seconds, at the rate of all takes on it; `None`
    /// where that is not known.
    pub room_seconds: Option<f64>,
    /// The runs of lost frames so far.
    pub gaps: Vec<Gap>,
    /// The files so far.
    pub files: Vec<TakeFile>,
    /// What it does, and which part of the stream it holds.
    pub gated: Gated,
    /// Why its files take no more, in words: it has ended with what they hold, and what still comes is
    /// lost. `None` as long as they do.
    pub failure: Option<String>,
}
