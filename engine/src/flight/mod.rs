//! The flight recorder: what the callbacks of the last minute did and got, and running it again.
//!
//! A session always keeps it: for every callback a [`CallbackRecord`], the frames that went into the
//! chain, and the edits and changes of parameters with the positions at which they were taken. A
//! dump of it ([`Session::dump_flight`](crate::session::Session::dump_flight), or by itself when a
//! callback was late, see [`FlightConfig`]) is a folder:
//!
//! - `flight.json`: version, device, formats, the chain as the window begins, and the commands.
//!   Written last: where it is, the dump is whole.
//! - `callbacks.jsonl`: a [`CallbackRecord`] on each line.
//! - `input.wav`: what went into the chain, 32-bit float, from the first callback on.
//! - `chain.toml`: the chain as the window begins, for people and for `--fx @chain.toml`.
//!
//! [`Flight::load`] reads such a folder, and [`Flight::replay`] runs it again through the same
//! processor and compares what every callback gave. The chain's state as the window begins is known
//! only where the session began within it; otherwise the first callbacks may differ until the chain
//! has forgotten. Not replayed: what a node of the caller's own did, and the reset of a node that
//! gave what is not finite.

mod dump;
mod error;
mod form;
mod hash;
mod history;
mod keeper;
mod load;
pub(crate) mod log;
mod record;
mod replay;
mod steps;
mod tape;
mod verdict;

use std::path::PathBuf;

pub use dump::{Cause, Lateness};
pub use error::FlightError;
pub use load::{Command, Flight};
pub use record::CallbackRecord;
pub use replay::{Replayed, Stopped};

pub(crate) use hash::OutputHash;
pub(crate) use keeper::{Keeper, Scene};
// What it costs is measured from outside.
#[doc(hidden)]
pub use tape::{FlightReader, FlightWriter, tape};

/// Where the flight recorder writes by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlightConfig {
    /// A dump is made in a new folder below this one when a callback takes longer than its sound
    /// lasts, frames are lost, or the device tells of an xrun: one in five seconds and ten in a
    /// session at most. `None` for never.
    pub folder: Option<PathBuf>,
}
