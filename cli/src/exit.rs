//! Exit codes, and the failures that lead to them.

use core::fmt;
use std::io::ErrorKind;
use std::path::Path;

use ossicle::EngineError;
use ossicle::chain::ChainError;
use ossicle::flight::FlightError;
use ossicle::io::device::DeviceError;
use ossicle::io::file::FileError;
use ossicle::probe::ProbeError;

use crate::output::one_line;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// What was asked for is done.
    Done = 0,
    /// The command line, or the chain or events it names, are wrong.
    Usage = 1,
    /// A file cannot be read or written.
    File = 2,
    /// A device cannot be opened, or has gone, or something stands in the way of low latency.
    Device = 3,
    /// The storage is full.
    NoRoom = 4,
    /// A replay gave other bits than were recorded, or something broke in a simulation.
    Differs = 5,
    /// Interrupted, with incomplete output.
    Interrupted = 130,
}

/// What went wrong, in one line, and the exit code that says so.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// The line, without a full stop.
    pub message: String,
}

impl Failure {
    /// A failure of the command line.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self {
            exit: Exit::Usage,
            message: message.to_string(),
        }
    }

    /// A failure to read or write `path`.
    pub fn file(path: &Path, error: &FileError) -> Self {
        Self {
            exit: of_file(error),
            message: format!("{}: {error}", path.display()),
        }
    }

    /// A failure to write a picture to `path`.
    pub fn unwritten(path: &Path, error: &std::io::Error) -> Self {
        let exit = match error.kind() {
            ErrorKind::StorageFull => Exit::NoRoom,
            _ => Exit::File,
        };
        Self {
            exit,
            message: format!("{}: {error}", path.display()),
        }
    }

    /// The message as a single line, whatever it was made of.
    pub fn line(&self) -> String {
        one_line(&self.message)
    }
}

impl From<ChainError> for Failure {
    fn from(error: ChainError) -> Self {
        Self {
            exit: of_chain(&error),
            message: error.to_string(),
        }
    }
}

impl From<DeviceError> for Failure {
    fn from(error: DeviceError) -> Self {
        Self {
            exit: Exit::Device,
            message: error.to_string(),
        }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let exit = match &error {
            EngineError::Chain(chain) => of_chain(chain),
            EngineError::Edit(_)
            | EngineError::NoInput
            | EngineError::Fallback { .. }
            | EngineError::LoudnessTarget { .. }
            | EngineError::PrerollTooLong { .. }
            | EngineError::RouteMissing { .. }
            | EngineError::RouteTwice { .. } => Exit::Usage,
            EngineError::File { source, .. } | EngineError::TakeCut { source, .. } => {
                of_file(source)
            }
            EngineError::Flight(flight) => of_flight(flight),
            EngineError::Device(_)
            | EngineError::DeviceLost { .. }
            | EngineError::Bridge(_)
            | EngineError::NoDevice
            | EngineError::NoHost => Exit::Device,
            _ => Exit::File,
        };
        Self {
            exit,
            message: error.to_string(),
        }
    }
}

impl From<ProbeError> for Failure {
    fn from(error: ProbeError) -> Self {
        let exit = match error {
            ProbeError::Engine(error) => return error.into(),
            ProbeError::Device(error) => return error.into(),
            ProbeError::OutOfRange { .. } => Exit::Usage,
            ProbeError::Stopped => Exit::Interrupted,
            _ => Exit::Device,
        };
        Self {
            exit,
            message: error.to_string(),
        }
    }
}

impl From<FlightError> for Failure {
    fn from(error: FlightError) -> Self {
        Self {
            exit: of_flight(&error),
            message: error.to_string(),
        }
    }
}

fn of_flight(error: &FlightError) -> Exit {
    match error {
        FlightError::Sound { source, .. } => of_file(source),
        FlightError::Io { source, .. } if source.kind() == ErrorKind::StorageFull => Exit::NoRoom,
        _ => Exit::File,
    }
}

fn of_chain(error: &ChainError) -> Exit {
    if error.is_io() {
        Exit::File
    } else {
        Exit::Usage
    }
}

fn of_file(error: &FileError) -> Exit {
    match error {
        FileError::NoRoom { .. } => Exit::NoRoom,
        _ => Exit::File,
    }
}
