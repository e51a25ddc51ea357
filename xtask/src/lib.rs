//! What surrounds the engine: sound servers that tests start for themselves, the real clients
//! at their other end, and the steps behind `cargo xtask`.
//!
//! - [`faults`]: what must not be in a callback, made on purpose; [`bar`]: what a test measured.
//! - [`servers`]: a private JACK, PulseAudio or PipeWire server or D-Bus, ended when its value is dropped.
//! - [`peers`]: real clients of such a server (`pacat`, `parec`, `jack_iodelay`, a JACK client).
//! - [`quiet`]: tells a machine that stood still from a fault.
//! - [`process`]: a program that never outlives the one that started it.

pub mod bar;
pub mod faults;
pub mod peers;
pub mod process;
pub mod quiet;
pub mod servers;
