//! The gains of left and right for a place between them.

use core::f64::consts::{FRAC_PI_2, FRAC_PI_4};

/// The gains of left and right for one channel that becomes two: cos(t) and sin(t) with
/// t = (pan + 1) pi/4, so that the power is the same everywhere. `pan` is -1 (left) to 1 (right).
///
/// # Real-time
/// Safe.
#[must_use]
pub fn constant_power(pan: f64) -> [f64; 2] {
    [
        quarter_cosine((pan + 1.0) / 2.0),
        quarter_cosine((1.0 - pan) / 2.0),
    ]
}

/// The gains of left and right for two channels that keep their sides: cos(|pan| pi/2) for the one
/// that is panned away from, 1 for the other. `pan` is -1 (left) to 1 (right).
///
/// # Real-time
/// Safe.
#[must_use]
pub fn balance(pan: f64) -> [f64; 2] {
    [
        quarter_cosine(pan.max(0.0)),
        quarter_cosine((-pan).max(0.0)),
    ]
}

/// The cosine over a quarter of its period, from exactly 1 at 0 to exactly 0 at 1.
fn quarter_cosine(at: f64) -> f64 {
    if at >= 1.0 {
        0.0
    } else if at == 0.5 {
        libm::cos(FRAC_PI_4)
    } else {
        libm::cos(at * FRAC_PI_2)
    }
}
