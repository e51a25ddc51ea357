//! Recording: record ring -> collector -> take -> writer -> files.
//!
//! The position of a frame in a take is its position in the stream, always: frames that are lost
//! anywhere stand as silence of the same length, and are listed once with their cause, in
//! [`Recorded::gaps`], as labels in the WAV file, and in a [`GapList`] beside it, which is there from
//! the first gap on. What was marked ([`Session::mark`](crate::session::Session::mark)) is in
//! [`Recorded::marks`] and labelled in the WAV file; it was not lost, so no list beside the file has
//! it.
//!
//! While the disk is slow the sound waits in memory, up to [`RecordConfig::memory_seconds`]. What
//! comes when memory is full is lost in one gap until there is room again. A take goes on in another
//! file where [`RecordConfig::split`] says so, and in another folder, where
//! [`RecordConfig::spill`] names one, when its disk is full or fails; joined, its files are what one
//! would have been. Without such a folder the take ends there, whole: see
//! [`EngineError::TakeCut`](crate::EngineError::TakeCut).
//!
//! A take of a device's own sound ([`Tap::Input`]) is by the clock of that device. Where that is not
//! the one that calls the session, a [`ClockLog`] beside the file says where its frames belong.

mod anchor;
mod clock_log;
mod collector;
mod company;
mod config;
mod disk;
mod draw;
mod flags;
mod gap_list;
mod gate;
mod length_watch;
mod memory;
mod name_watch;
mod names;
mod open_file;
mod outlet;
mod recorded;
mod recording;
pub mod recover;
mod room;
mod series;
mod sidecar;
mod source;
mod splitter;
mod take;
mod take_list;
mod writer;

pub use clock_log::{ClockEntry, ClockLog};
pub use config::{RecordConfig, Split, Tap};
pub use disk::{Disk, Files};
pub use gap_list::{GapList, ListedFile, ListedGap};
pub use gate::{Begin, GateConfig, GateState, Gated, Pause, Silence};
pub use recorded::{Gap, Mark, Recorded, TakeFile, TakeReport};
pub use source::TakeSource;
pub use take::Take;

pub(crate) use company::Company;
pub(crate) use gate::{Lead, Place};
pub(crate) use recording::{Recording, Rings, Shape, spawn};
