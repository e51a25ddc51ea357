//! The parameters of the 32 bands.

use crate::parameter::{Kind, Parameter, Scale, Unit};

pub(super) const BANDS: usize = 32;
/// Parameters of one band that stand side by side.
pub(super) const ROWS: usize = 4;
pub(super) const TYPE: usize = 0;
pub(super) const FREQUENCY: usize = 1;
pub(super) const GAIN: usize = 2;
pub(super) const Q: usize = 3;
/// The number of the first band's slope: the slopes came later and stand behind the other rows.
pub(super) const SLOPES: usize = BANDS * ROWS;
/// The number of the design.
pub(super) const DESIGN: usize = SLOPES + BANDS;
pub(super) const COUNT: usize = DESIGN + 1;

/// Length of a glide: short enough to follow a hand, long enough not to click.
pub(super) const GLIDE_MS: f32 = 30.0;

/// The choices of a band's type; their order is [`super::design::Type`]'s.
const TYPES: &[&str] = &[
    "off",
    "peak",
    "low_shelf",
    "high_shelf",
    "low_pass",
    "high_pass",
    "notch",
    "band_pass",
    "all_pass",
];

/// The choices of a slope: the order of the filter is one more than the index.
const STEPS: &[&str] = &["6", "12", "18", "24", "30", "36", "42", "48"];

/// The choices of the design.
const DESIGNS: &[&str] = &["matched", "rbj"];
/// The index of the bilinear transform.
pub(super) const RBJ: f64 = 1.0;

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
    summary: "Centre of a peak, notch, band pass or all-pass, corner of a shelf or pass; at most 0.49 of the sample rate",
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
    summary: "Quality: the larger, the narrower a peak and the sharper a corner; 0.7071 is a Butterworth pass of any slope",
    min: 0.1,
    max: 40.0,
    default: core::f64::consts::FRAC_1_SQRT_2,
    scale: Scale::Logarithmic,
    ..TYPE_ROW
};

const SLOPE_ROW: Parameter = Parameter {
    summary: "Slope of a low pass or high pass, in dB per octave",
    max: (STEPS.len() - 1) as f64,
    default: 1.0,
    scale: Scale::Choices(STEPS),
    ..TYPE_ROW
};

const DESIGN_ROW: Parameter = Parameter {
    id: "design",
    name: "Design",
    summary: "matched: the curves of analogue filters up to the top of the spectrum; rbj: the bilinear \
              transform of the Audio EQ Cookbook, which squeezes them there",
    max: (DESIGNS.len() - 1) as f64,
    default: 0.0,
    scale: Scale::Choices(DESIGNS),
    ..TYPE_ROW
};

macro_rules! bands {
    ($($band:literal)*) => {
        const BAND_ROWS: [[Parameter; ROWS]; BANDS] = [$([
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
        ]),*];
        const SLOPE_ROWS: [Parameter; BANDS] = [$(
            Parameter {
                id: concat!("b", $band, "_slope"),
                name: concat!("Band ", $band, " slope"),
                ..SLOPE_ROW
            }
        ),*];
    };
}

bands! { 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 }

pub(super) static PARAMETERS: [Parameter; COUNT] = rows();

const fn rows() -> [Parameter; COUNT] {
    let mut rows = [DESIGN_ROW; COUNT];
    let mut band = 0;
    while band < BANDS {
        let mut row = 0;
        while row < ROWS {
            rows[band * ROWS + row] = BAND_ROWS[band][row];
            row += 1;
        }
        rows[SLOPES + band] = SLOPE_ROWS[band];
        band += 1;
    }
    rows
}
