//! What a chain does to sound and what it costs, measured from outside on the processor that runs
//! live.
//!
//! Each part answers one question with numbers, so that a test, a bench and the program say the
//! same. A [`Subject`] names what is measured; every measurement makes processors of its own and so
//! begins from silence.
//!
//! - [`response`]: level and phase over frequency.
//! - [`distortion`]: what a tone gets beside itself.
//! - [`dynamics`]: the static curve, attack and release.
//! - [`ceiling`]: how far nasty signals get, by a true-peak meter that no limiter uses.
//! - [`latency`]: what is told beside what is heard, and the tail likewise.
//! - [`noise`]: what comes out beside silence and beside a soft tone.
//! - [`cost`]: the time it computes.
//!
//! Nothing here is for a real-time thread.

pub mod ceiling;
mod clock;
pub mod cost;
pub mod distortion;
pub mod dynamics;
pub mod latency;
pub mod noise;
pub mod response;
pub mod signal;
pub mod spectrum;
mod subject;
pub mod true_peak;

pub use subject::{Bench, Subject};

/// A power as a level in decibels: 10 log10. Minus infinity for none.
#[must_use]
pub fn power_db(power: f64) -> f64 {
    10.0 * power.log10()
}

/// An amplitude as a level in decibels: 20 log10 of its magnitude. Minus infinity for none.
#[must_use]
pub fn amplitude_db(amplitude: f64) -> f64 {
    20.0 * amplitude.abs().log10()
}

/// The amplitude that a level in decibels stands for.
#[must_use]
pub fn amplitude(level_db: f64) -> f64 {
    10f64.powf(level_db / 20.0)
}
