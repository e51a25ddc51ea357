//! Numbers only: the nodes of the Ossicle audio engine and the parts they are made of.
#![no_std]
#![deny(unsafe_code)]
// A loop over lanes counts them: iterators over several arrays do not become wide registers.
#![allow(clippy::needless_range_loop)]
#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

extern crate alloc;

pub mod block;
pub mod clock;
pub mod dither;
pub mod meter;
pub mod node;
pub mod nodes;
pub mod parameter;
pub mod parts;
pub mod preset;
pub mod registry;
pub mod resample;
pub mod settings;
pub mod tuner;
