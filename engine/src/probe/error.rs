//! What could not be measured.

use ossicle_io::device::DeviceError;

use crate::error::EngineError;

/// Why there is no measurement.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProbeError {
    /// The devices cannot be had as asked, or were lost.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A device cannot be opened.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A setting is out of range.
    #[error("{name} {value} {unit} is out of range (allowed: {min} to {max} {unit})")]
    OutOfRange {
        /// What it is.
        name: &'static str,
        /// What was asked for.
        value: f64,
        /// Least allowed.
        min: f64,
        /// Most allowed.
        max: f64,
        /// Its unit.
        unit: &'static str,
    },
    /// Nothing of the signal came back: connect the output to the input, or raise their levels.
    #[error(
        "nothing of the signal came back from \"{output}\" to \"{input}\" (attempts: {attempts}): is one \
         connected to the other, and is neither silent?"
    )]
    NothingCameBack {
        /// The output device.
        output: String,
        /// The input device.
        input: String,
        /// How often it was tried.
        attempts: u32,
    },
    /// Frames were lost in every attempt: try a longer buffer.
    #[error("sound was lost each time (attempts: {attempts}): {last}")]
    Disturbed {
        /// How often it was tried.
        attempts: u32,
        /// What happened in the last one.
        last: String,
    },
    /// A device called too seldom for its clock to be known; measure for longer.
    #[error("\"{device}\" called {calls} times, too seldom to know its clock")]
    TooFewCalls {
        /// The device.
        device: String,
        /// How often it called.
        calls: u64,
    },
    /// The caller asked for the end.
    #[error("ended before anything was measured")]
    Stopped,
}
