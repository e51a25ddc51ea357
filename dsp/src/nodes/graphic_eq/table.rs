//! The parameters: a gain for each third of an octave, and how many of them there are.

use crate::parameter::{Kind, Parameter, Scale, Unit};

/// Thirds of an octave from 20 Hz to 20 kHz.
pub(super) const THIRDS: usize = 31;
/// The number of the row that says how many bands there are.
pub(super) const BANDS: usize = THIRDS;

/// Length of a glide: short enough to follow a hand, long enough not to click.
pub(super) const GLIDE_MS: f32 = 60.0;

/// The choices of the number of bands.
pub(super) const LAYOUTS: &[&str] = &["10", "15", "31"];

/// The first third of an octave that is a band, and the thirds from one band to the next.
pub(super) fn layout(index: f64) -> (usize, usize) {
    match index as usize {
        0 => (2, 3),
        1 => (1, 2),
        _ => (0, 1),
    }
}

/// Centre of a third of an octave in hertz: the exact ones of IEC 61260, powers of 10^(1/10).
pub(super) fn centre_hz(third: usize) -> f64 {
    libm::pow(10.0, (third as f64 + 13.0) / 10.0)
}

const GAIN_ROW: Parameter = Parameter {
    id: "",
    name: "",
    summary: "Gain at this frequency",
    unit: Unit::Decibel,
    min: -15.0,
    max: 15.0,
    default: 0.0,
    scale: Scale::Linear,
    kind: Kind::Ramp {
        smoothing_ms: GLIDE_MS,
    },
};

const BANDS_ROW: Parameter = Parameter {
    id: "bands",
    name: "Bands",
    summary: "10 (31.5 Hz to 16 kHz), 15 (25 Hz to 16 kHz) or 31 (20 Hz to 20 kHz)",
    unit: Unit::None,
    min: 0.0,
    max: (LAYOUTS.len() - 1) as f64,
    default: 2.0,
    scale: Scale::Choices(LAYOUTS),
    kind: Kind::Structural,
};

macro_rules! gains {
    ($($id:literal $name:literal,)*) => {
        pub(super) static PARAMETERS: [Parameter; THIRDS + 1] = [
            $(Parameter { id: $id, name: $name, ..GAIN_ROW },)*
            BANDS_ROW,
        ];
    };
}

gains! {
    "g20" "20 Hz",
    "g25" "25 Hz",
    "g31" "31.5 Hz",
    "g40" "40 Hz",
    "g50" "50 Hz",
    "g63" "63 Hz",
    "g80" "80 Hz",
    "g100" "100 Hz",
    "g125" "125 Hz",
    "g160" "160 Hz",
    "g200" "200 Hz",
    "g250" "250 Hz",
    "g315" "315 Hz",
    "g400" "400 Hz",
    "g500" "500 Hz",
    "g630" "630 Hz",
    "g800" "800 Hz",
    "g1000" "1 kHz",
    "g1250" "1.25 kHz",
    "g1600" "1.6 kHz",
    "g2000" "2 kHz",
    "g2500" "2.5 kHz",
    "g3150" "3.15 kHz",
    "g4000" "4 kHz",
    "g5000" "5 kHz",
    "g6300" "6.3 kHz",
    "g8000" "8 kHz",
    "g10000" "10 kHz",
    "g12500" "12.5 kHz",
    "g16000" "16 kHz",
    "g20000" "20 kHz",
}
