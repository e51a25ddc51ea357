//! Which period a device gets where nobody names one: begun safely, tried beside a running stream,
//! remembered.
//!
//! - A device that nothing is known of runs with [`SAFE_FRAMES`]. So do playing alone and recording
//!   alone, where latency does not matter; a device on which that was too short gets what works.
//! - While a session with input and output runs, half of what works is tried on a silent stream of
//!   its own beside it, two seconds each, until one fails. What was found is remembered at once and
//!   used by the next such session: nothing ever waits for a trial, and nothing that is heard changes
//!   under way.
//! - A device that only one stream may open cannot be tried so. There the next session with input and
//!   output, and without a recording, runs with half of what works, and tells by its own xruns.
//! - A period with more than one xrun a minute in a session is given up for its double. What goes wrong
//!   while a device is away, or the program stands still, does not count.
//! - On JACK the server sets the period, and nothing is tried.

mod choice;
mod entry;
mod memory;
mod tally;
mod trial;

pub(crate) use choice::{Choice, Trials};
pub use entry::{Direction, SAFE_FRAMES};
pub use memory::PeriodMemory;
pub(crate) use tally::Standing;
