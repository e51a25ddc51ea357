//! Real-time audio: play live with effects, record a microphone to a file, embed both.
//!
//! - [`session`]: devices, a source, a chain and a recording, running.
//! - [`chain`]: what the sound passes; [`controller`]: edits while it runs.
//! - [`sound`]: sounds held in memory and the node that plays them, many at once.
//! - [`render`]: the same chain offline, with the same bits.
//! - [`normalise`]: the same, to a loudness under a true-peak ceiling.
//! - [`flight`]: the last minute, kept and run again.
//! - [`listen`]: a device for an ordinary thread.
//! - [`measure`]: what a chain does and what it costs.
//! - [`meter`]: how loud a stream or a file is, and spectra.
//! - [`clocks`]: how fast the clocks of two devices run, kept for the next session.
//! - [`period`]: which period a device gets where nobody names one.
//! - [`probe`]: what real devices do: round trips and clocks.
//! - [`record`]: recordings, and reading them while they grow.
//! - [`dsp`] and [`io`]: nodes, devices, rings, files.

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

pub use ossicle_dsp as dsp;
pub use ossicle_io as io;

mod bridge;
pub mod chain;
pub mod clocks;
pub mod controller;
mod counters;
pub mod edit;
mod error;
pub mod event;
pub mod flight;
mod graph;
pub mod listen;
pub mod measure;
pub mod meter;
pub mod normalise;
mod panics;
pub mod period;
pub mod plan;
pub mod probe;
pub mod processor;
pub mod record;
pub mod render;
mod resample;
pub mod same_file;
pub mod session;
mod sink;
pub mod sound;
mod state_file;

pub use error::EngineError;
pub use state_file::StateFileError;
