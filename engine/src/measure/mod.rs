//! What a chain does to sound and what it costs, measured from outside on the processor that runs
//! live.
//!
//! Each part answers one question with numbers, so that a test, a bench and the program say the
//! same: [`cost`] asks for time. A [`Subject`] names what is measured; every measurement makes
//! processors of its own and so begins from silence.
//!
//! Nothing here is for a real-time thread.

mod clock;
pub mod cost;
pub mod noise;
mod subject;

pub use subject::{Bench, Subject};
