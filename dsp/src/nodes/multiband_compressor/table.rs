//! The multiband compressor's parameters, presets and entry in the registry.

use alloc::boxed::Box;

use super::MultibandCompressor;
use crate::parameter::{Kind, Parameter, Scale, Unit};
use crate::parts::crossover::MAX_CORNERS;
use crate::parts::dynamics::rows;
use crate::preset::Preset;
use crate::settings::{Effect, Settings, SettingsError};

pub(super) const BANDS: usize = 0;
pub(super) const KNEE: usize = 1;
pub(super) const MIX: usize = 2;
pub(super) const AUTO_RELEASE: usize = 3;
pub(super) const LOOK_AHEAD: usize = 4;
pub(super) const LINK: usize = 5;
/// The first of the corners.
pub(super) const FREQUENCIES: usize = 6;
/// The first row of the first band.
pub(super) const FIRST_BAND: usize = FREQUENCIES + MAX_CORNERS;

/// The most bands there may be.
pub(super) const MAX_BANDS: usize = MAX_CORNERS + 1;
/// Rows of one band.
pub(super) const ROWS: usize = 5;
pub(super) const THRESHOLD: usize = 0;
pub(super) const RATIO: usize = 1;
pub(super) const ATTACK: usize = 2;
pub(super) const RELEASE: usize = 3;
pub(super) const MAKEUP: usize = 4;

/// Length of the glide of a corner: a tone that goes from band to band has no click in it.
pub(super) const CORNER_GLIDE_MS: f32 = 100.0;

const FREQUENCY_ROW: Parameter = Parameter {
    summary: "Corner between a band and the next; each above the one before",
    unit: Unit::Hertz,
    min: 20.0,
    max: 20_000.0,
    scale: Scale::Logarithmic,
    kind: Kind::Ramp {
        smoothing_ms: CORNER_GLIDE_MS,
    },
    ..rows::LEVEL
};

const THRESHOLD_ROW: Parameter = Parameter {
    summary: "Level of the band above which it is turned down",
    default: -24.0,
    ..rows::THRESHOLD
};

const RATIO_ROW: Parameter = Parameter {
    summary: "So many decibels above the threshold come out as one",
    default: 2.0,
    ..rows::RATIO
};

const ATTACK_ROW: Parameter = Parameter {
    default: 10.0,
    ..rows::ATTACK
};

const RELEASE_ROW: Parameter = Parameter {
    default: 120.0,
    ..rows::RELEASE
};

const MAKEUP_ROW: Parameter = Parameter {
    summary: "Gain of the band behind its compression",
    min: -36.0,
    max: 36.0,
    ..rows::LEVEL
};

macro_rules! parameters {
    ($($corner:literal at $hz:literal),*; $($band:literal)*) => {
        pub(super) static PARAMETERS: [Parameter; FIRST_BAND + MAX_BANDS * ROWS] = [
            Parameter {
                id: "bands",
                name: "Bands",
                summary: "Number of bands, 2 to 6; parameters of further ones do nothing",
                unit: Unit::None,
                min: 2.0,
                max: MAX_BANDS as f64,
                default: 3.0,
                kind: Kind::Structural,
                ..rows::LEVEL
            },
            Parameter {
                id: "knee",
                name: "Knee",
                summary: "Width of the bend around every threshold",
                default: 6.0,
                ..rows::LEVEL
            },
            Parameter {
                id: "mix",
                name: "Mix",
                summary: "From the bands as they came (0) to the compressed bands alone (100)",
                unit: Unit::Percent,
                max: 100.0,
                default: 100.0,
                ..rows::LEVEL
            },
            Parameter {
                id: "auto_release",
                name: "Automatic release",
                summary: "Lets the gains recover up to ten times as slowly from what was loud for long",
                unit: Unit::None,
                max: 1.0,
                scale: Scale::Choices(&["off", "on"]),
                kind: Kind::Step,
                ..rows::LEVEL
            },
            rows::LOOK_AHEAD,
            rows::LINK,
            $(Parameter {
                id: concat!("x", $corner, "_freq"),
                name: concat!("Corner ", $corner),
                default: $hz,
                ..FREQUENCY_ROW
            },)*
            $(Parameter {
                id: concat!("b", $band, "_threshold"),
                name: concat!("Band ", $band, " threshold"),
                ..THRESHOLD_ROW
            },
            Parameter {
                id: concat!("b", $band, "_ratio"),
                name: concat!("Band ", $band, " ratio"),
                ..RATIO_ROW
            },
            Parameter {
                id: concat!("b", $band, "_attack"),
                name: concat!("Band ", $band, " attack"),
                ..ATTACK_ROW
            },
            Parameter {
                id: concat!("b", $band, "_release"),
                name: concat!("Band ", $band, " release"),
                ..RELEASE_ROW
            },
            Parameter {
                id: concat!("b", $band, "_makeup"),
                name: concat!("Band ", $band, " make-up"),
                ..MAKEUP_ROW
            },)*
        ];
    };
}

parameters! { 1 at 200.0, 2 at 2000.0, 3 at 5000.0, 4 at 9000.0, 5 at 14_000.0; 1 2 3 4 5 6 }

static PRESETS: [Preset; 3] = [
    Preset {
        id: "master",
        name: "Master",
        summary: "Four bands, slow and little, for a mix that is done",
        values: &[
            ("bands", "4"),
            ("knee", "12dB"),
            ("auto_release", "on"),
            ("x1_freq", "120Hz"),
            ("x2_freq", "1kHz"),
            ("x3_freq", "6kHz"),
            ("b1_threshold", "-22dBFS"),
            ("b1_attack", "40ms"),
            ("b1_release", "200ms"),
            ("b2_threshold", "-24dBFS"),
            ("b2_ratio", "1.5"),
            ("b2_attack", "30ms"),
            ("b3_threshold", "-28dBFS"),
            ("b3_ratio", "1.5"),
            ("b3_attack", "20ms"),
            ("b4_threshold", "-34dBFS"),
            ("b4_attack", "10ms"),
        ],
    },
    Preset {
        id: "bass",
        name: "Steady bass",
        summary: "Two bands: holds what lies below 150 Hz at one level and leaves the rest",
        values: &[
            ("bands", "2"),
            ("x1_freq", "150Hz"),
            ("b1_threshold", "-28dBFS"),
            ("b1_ratio", "6"),
            ("b1_attack", "20ms"),
            ("b1_release", "150ms"),
            ("b1_makeup", "5dB"),
            ("b2_ratio", "1"),
        ],
    },
    Preset {
        id: "broadcast",
        name: "Broadcast",
        summary: "Five bands, dense and even",
        values: &[
            ("bands", "5"),
            ("auto_release", "on"),
            ("x1_freq", "100Hz"),
            ("x2_freq", "400Hz"),
            ("x3_freq", "2kHz"),
            ("x4_freq", "7kHz"),
            ("b1_threshold", "-32dBFS"),
            ("b1_ratio", "4"),
            ("b1_makeup", "8dB"),
            ("b2_threshold", "-32dBFS"),
            ("b2_ratio", "3"),
            ("b2_makeup", "7dB"),
            ("b3_threshold", "-34dBFS"),
            ("b3_ratio", "3"),
            ("b3_attack", "5ms"),
            ("b3_makeup", "7dB"),
            ("b4_threshold", "-38dBFS"),
            ("b4_ratio", "3"),
            ("b4_attack", "3ms"),
            ("b4_makeup", "8dB"),
            ("b5_threshold", "-42dBFS"),
            ("b5_ratio", "4"),
            ("b5_attack", "1ms"),
            ("b5_makeup", "8dB"),
        ],
    },
];

/// The registry's entry.
pub static EFFECT: Effect = Effect {
    id: "multiband_compressor",
    name: "Multiband compressor",
    summary: "A compressor for each of 2 to 6 bands of the spectrum",
    about: "Splits the sound into bands, compresses each by itself and adds them again. While nothing is turned \
            down, the sum has the level of the sound at every frequency; its phase turns at the corners. Attack \
            and release are the times in which a band's gain makes 63 % of any way, in decibels. The dry share of \
            the mix is the sum of the bands as they came, so that dry and wet stay in phase.",
    source: "S. H. Linkwitz, \"Active Crossover Networks for Noncoincident Drivers\", Journal of the AES 24, 1976, \
             with all-passes for more than two bands; the compressor of D. Giannoulis, M. Massberg, J. D. Reiss, \
             \"Digital Dynamic Range Compressor Design\", Journal of the AES 60(6), 2012",
    presets: &PRESETS,
    parameters: &PARAMETERS,
    create: |settings| Box::new(MultibandCompressor::new(settings)),
    check,
};

/// Bands are counted whole.
fn check(settings: &Settings) -> Result<(), SettingsError> {
    let asked = settings.value(BANDS);
    if libm::trunc(asked) == asked {
        return Ok(());
    }
    Err(SettingsError::NotWhole {
        effect: EFFECT.id,
        parameter: PARAMETERS[BANDS].id,
        asked,
    })
}
