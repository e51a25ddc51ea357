//! What went wrong in a session, with what it came to all the same.

use core::fmt;
use std::error::Error;

use super::report::Ended;
use crate::error::EngineError;

/// What ended a session before its time, or went wrong while it was closed. All recordings are closed
/// all the same, and what the session came to is here too.
#[derive(Debug)]
pub struct StopError {
    /// What went wrong first: of the recordings, in their order, before anything else.
    pub error: EngineError,
    /// What else went wrong.
    pub further: Vec<EngineError>,
    /// What the session came to. Of a recording whose disk took no more it has what is in files, and
    /// the frames behind them as a gap.
    pub ended: Ended,
}

impl StopError {
    /// All that went wrong.
    pub fn errors(&self) -> impl Iterator<Item = &EngineError> {
        std::iter::once(&self.error).chain(&self.further)
    }
}

impl fmt::Display for StopError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(formatter)?;
        self.further
            .iter()
            .try_for_each(|error| write!(formatter, "; {error}"))
    }
}

impl Error for StopError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

impl From<Box<StopError>> for EngineError {
    /// What went wrong first.
    fn from(stop: Box<StopError>) -> Self {
        stop.error
    }
}
