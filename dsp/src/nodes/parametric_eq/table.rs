//! The parameters of the 32 bands.

use crate::parameter::{Kind, Parameter, Scale, Unit};
use crate::parts::svf::Response;

pub(super) const BANDS: usize = 32;
/// Parameters of one band.
pub(super) const ROWS: usize = 4;
pub(super) const TYPE: usize = 0;
pub(super) const FREQUENCY: usize = 1;
pub(super) const GAIN: usize = 2;
pub(super) const Q: usize = 3;

/// Length of a glide: short enough to follow a hand, long enough not to click.
pub(super) const GLIDE_MS: f32 = 20.0;

/// The choices of a band's type, in the order of their indices.
const TYPES: &[&str] = &[
    "off",
    "peak",
    "low_shelf",
    "high_shelf",
    "low_pass",
    "high_pass",
];

/// The response behind an index of [`TYPES`].
pub(super) fn response(index: f64) -> Response {
    match index as usize {
        1 => Response::Peak,
        2 => Response::LowShelf,
        3 => Response::HighShelf,
        4 => Response::LowPass,
        5 => Response::HighPass,
        _ => Response::Flat,
    }
}

const RAMP: Kind = Kind::Ramp {
    smoothing_ms: GLIDE_MS,
};

const TYPE_ROW: Parameter = Parameter {
    id: "",
    name: "",
    summary: "What the band does",
    unit: Unit::None,
    min: 0.0,
    max: (TYPES.len() - 1) as f64,
    default: 0.0,
    scale: Scale::Choices(TYPES),
    kind: RAMP,
};

const FREQUENCY_ROW: Parameter = Parameter {
    summary: "Centre of a peak, corner of a shelf or pass; at most 0.49 of the sample rate",
    unit: Unit::Hertz,
    min: 10.0,
    max: 20_000.0,
    default: 1000.0,
    scale: Scale::Logarithmic,
    ..TYPE_ROW
};

const GAIN_ROW: Parameter = Parameter {
    summary: "Gain of a peak or shelf",
    unit: Unit::Decibel,
    min: -30.0,
    max: 30.0,
    default: 0.0,
    scale: Scale::Linear,
    ..TYPE_ROW
};

const Q_ROW: Parameter = Parameter {
    summary: "Quality: the larger, the narrower a peak and the steeper a corner",
    min: 0.1,
    max: 40.0,
    default: core::f64::consts::FRAC_1_SQRT_2,
    scale: Scale::Logarithmic,
    ..TYPE_ROW
};

macro_rules! bands {
    ($($band:literal)*) => {
        pub(super) static PARAMETERS: [Parameter; BANDS * ROWS] = [$(
            Parameter {
                id: concat!("b", $band, "_type"),
                name: concat!("Band ", $band, " type"),
                ..TYPE_ROW
            },
            Parameter {
                id: concat!("b", $band, "_freq"),
                name: concat!("Band ", $band, " frequency"),
                ..FREQUENCY_ROW
            },
            Parameter {
                id: concat!("b", $band, "_gain"),
                name: concat!("Band ", $band, " gain"),
                ..GAIN_ROW
            },
            Parameter {
                id: concat!("b", $band, "_q"),
                name: concat!("Band ", $band, " Q"),
                ..Q_ROW
            },
        )*];
    };
}

bands! { 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 }
