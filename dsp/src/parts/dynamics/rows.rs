//! Rows of the parameter tables that compressors and gates have in common.

use super::key_filter::LARGEST_FREQUENCY_NORM;
use crate::node::PrepareError;
use crate::parameter::{Kind, Parameter, Scale, Unit};
use crate::parts::glide::GLIDE_MS;

/// Corner of a key's high pass that stands for none, in hertz.
const NO_HIGH_PASS_HZ: f64 = 10.0;
/// Corner of a key's low pass that stands for none, in hertz.
const NO_LOW_PASS_HZ: f64 = 20_000.0;

/// Decibels from 0 on that glide: to be filled in.
pub const LEVEL: Parameter = Parameter {
    id: "",
    name: "",
    summary: "",
    unit: Unit::Decibel,
    min: 0.0,
    max: 24.0,
    default: 0.0,
    scale: Scale::Linear,
    kind: Kind::Ramp {
        smoothing_ms: GLIDE_MS,
    },
};

/// A threshold in dBFS.
pub const THRESHOLD: Parameter = Parameter {
    id: "threshold",
    name: "Threshold",
    unit: Unit::DecibelFullScale,
    min: -80.0,
    max: 0.0,
    ..LEVEL
};

/// A ratio.
pub const RATIO: Parameter = Parameter {
    id: "ratio",
    name: "Ratio",
    unit: Unit::None,
    min: 1.0,
    max: 1000.0,
    scale: Scale::Logarithmic,
    ..LEVEL
};

/// A time up to 5 s that counts at once: to be filled in.
pub const TIME: Parameter = Parameter {
    unit: Unit::Millisecond,
    max: 5000.0,
    scale: Scale::Logarithmic,
    kind: Kind::Step,
    ..LEVEL
};

/// Attack.
pub const ATTACK: Parameter = Parameter {
    id: "attack",
    name: "Attack",
    summary: "Time in which the gain makes 1 - 1/e (63 %) of a way down, in decibels",
    min: 0.02,
    ..TIME
};

/// Release.
pub const RELEASE: Parameter = Parameter {
    id: "release",
    name: "Release",
    summary: "Time in which the gain makes 1 - 1/e (63 %) of a way up, in decibels",
    min: 0.1,
    ..TIME
};

/// Time by which the sound is held back.
pub const LOOK_AHEAD: Parameter = Parameter {
    id: "look_ahead",
    name: "Look-ahead",
    summary: "Time by which the sound is held back so that the gain is there before it",
    max: 20.0,
    scale: Scale::Linear,
    kind: Kind::Structural,
    ..TIME
};

/// How far channels are linked, in per cent.
pub const LINK: Parameter = Parameter {
    id: "link",
    name: "Link",
    summary: "How much of the loudest channel's level each channel takes; at 100 all have one gain",
    unit: Unit::Percent,
    max: 100.0,
    default: 100.0,
    kind: Kind::Structural,
    ..LEVEL
};

/// The high pass before a detector.
pub const KEY_HIGH_PASS: Parameter = Parameter {
    id: "key_high_pass",
    name: "Key high pass",
    summary: "Corner of a high pass before the detector; the smallest value is none",
    unit: Unit::Hertz,
    min: NO_HIGH_PASS_HZ,
    max: 10_000.0,
    default: NO_HIGH_PASS_HZ,
    scale: Scale::Logarithmic,
    ..LEVEL
};

/// The low pass before a detector.
pub const KEY_LOW_PASS: Parameter = Parameter {
    id: "key_low_pass",
    name: "Key low pass",
    summary: "Corner of a low pass before the detector; the largest value is none",
    unit: Unit::Hertz,
    min: 100.0,
    max: NO_LOW_PASS_HZ,
    default: NO_LOW_PASS_HZ,
    scale: Scale::Logarithmic,
    ..LEVEL
};

/// The corner that a value of [`KEY_HIGH_PASS`] stands for, in hertz.
#[must_use]
pub fn high_pass_hz(value: f64) -> Option<f64> {
    (value > NO_HIGH_PASS_HZ).then_some(value)
}

/// The corner that a value of [`KEY_LOW_PASS`] stands for, in hertz.
#[must_use]
pub fn low_pass_hz(value: f64) -> Option<f64> {
    (value < NO_LOW_PASS_HZ).then_some(value)
}

/// Whether corners of filters, in hertz where they are on, are below half the rate.
///
/// # Errors
/// [`PrepareError::ParameterOutOfRange`].
pub fn check_corners<const N: usize>(
    node: &'static str,
    sample_rate_hz: u32,
    corners: [(&'static Parameter, Option<f64>); N],
) -> Result<(), PrepareError> {
    let max = LARGEST_FREQUENCY_NORM * f64::from(sample_rate_hz);
    for (row, asked) in corners {
        if let Some(asked) = asked.filter(|&asked| asked > max) {
            let (parameter, min) = (row.id, row.min);
            return Err(PrepareError::ParameterOutOfRange {
                node,
                parameter,
                asked,
                min,
                max,
                sample_rate_hz,
            });
        }
    }
    Ok(())
}
