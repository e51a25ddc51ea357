//! What the flight recorder could not do.

use std::path::{Path, PathBuf};

use ossicle_io::file::FileError;

use crate::chain::ChainError;
use crate::controller::EditError;

/// Why a flight was not written, read or replayed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FlightError {
    /// The system refused to read or write; the source says why.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
    /// The sound cannot be read or written.
    #[error("{}: {source}", path.display())]
    Sound {
        /// The file.
        path: PathBuf,
        /// What was wrong with it.
        source: FileError,
    },
    /// What is written there is no flight, or a damaged one.
    #[error("{}: line {line}: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong there.
        what: String,
    },
    /// The dump was made by a later version; use that.
    #[error("{}: version {asked} is not known (allowed: {allowed})", path.display())]
    VersionUnknown {
        /// The file.
        path: PathBuf,
        /// Version it says.
        asked: u64,
        /// Newest version that is read.
        allowed: u64,
    },
    /// The sound has another rate or other channels than the flight says, or fewer frames.
    #[error("{}: {what} {there}, and the flight says {said}", path.display())]
    SoundUnfit {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        what: &'static str,
        /// What the file has.
        there: u64,
        /// What the flight says.
        said: u64,
    },
    /// Nothing was recorded yet: wait for the first callbacks.
    #[error("the flight recorder has seen no callback yet")]
    Empty,
    /// A node of the caller's own is in the chain as the window begins: it cannot be made again.
    #[error("the chain begins with a node of the program's own ({node}): it cannot be replayed")]
    OwnNode {
        /// Number of the node.
        node: u64,
    },
    /// The chain of the flight is wrong.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The chain of the flight does not fit.
    #[error(transparent)]
    Edit(#[from] EditError),
}

impl FlightError {
    pub(super) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    pub(super) fn sound(path: &Path) -> impl FnOnce(FileError) -> Self + '_ {
        |source| Self::Sound {
            path: path.to_owned(),
            source,
        }
    }
}
