//! The de-esser's parameters, presets and entry in the registry.

use alloc::boxed::Box;

use super::DeEsser;
use crate::parameter::{Kind, Parameter, Scale, Unit};
use crate::parts::dynamics::rows;
use crate::preset::Preset;
use crate::settings::Effect;

pub(super) const FREQUENCY: usize = 0;
pub(super) const THRESHOLD: usize = 1;
pub(super) const RATIO: usize = 2;
pub(super) const KNEE: usize = 3;
pub(super) const RANGE: usize = 4;
pub(super) const ATTACK: usize = 5;
pub(super) const RELEASE: usize = 6;
pub(super) const MODE: usize = 7;
pub(super) const LINK: usize = 8;

/// The index of `wide` in the modes.
pub(super) const WIDE: f64 = 1.0;

pub(super) static PARAMETERS: [Parameter; 9] = [
    Parameter {
        id: "frequency",
        name: "Frequency",
        summary: "Corner of the high pass behind which the level is taken, and of what is turned down",
        unit: Unit::Hertz,
        min: 2000.0,
        max: 12_000.0,
        default: 5500.0,
        scale: Scale::Logarithmic,
        ..rows::LEVEL
    },
    Parameter {
        summary: "Level of the sibilants above which they are turned down",
        default: -30.0,
        ..rows::THRESHOLD
    },
    Parameter {
        summary: "So many decibels above the threshold come out as one",
        default: 6.0,
        ..rows::RATIO
    },
    Parameter {
        id: "knee",
        name: "Knee",
        summary: "Width of the bend around the threshold",
        default: 6.0,
        ..rows::LEVEL
    },
    Parameter {
        id: "range",
        name: "Range",
        summary: "Gain of the sibilants at the least",
        min: -40.0,
        max: 0.0,
        default: -12.0,
        ..rows::LEVEL
    },
    Parameter {
        default: 0.5,
        ..rows::ATTACK
    },
    Parameter {
        default: 40.0,
        ..rows::RELEASE
    },
    Parameter {
        id: "mode",
        name: "Mode",
        summary: "Whether only what lies above the frequency is turned down, or everything",
        unit: Unit::None,
        max: WIDE,
        scale: Scale::Choices(&["split", "wide"]),
        kind: Kind::Structural,
        ..rows::LEVEL
    },
    rows::LINK,
];

static PRESETS: [Preset; 3] = [
    Preset {
        id: "male",
        name: "Low voice",
        summary: "The sibilants of a low voice, which lie lower",
        values: &[
            ("frequency", "4.5kHz"),
            ("threshold", "-32dBFS"),
            ("range", "-10dB"),
        ],
    },
    Preset {
        id: "female",
        name: "High voice",
        summary: "The sibilants of a high voice, which lie higher",
        values: &[
            ("frequency", "6.5kHz"),
            ("threshold", "-32dBFS"),
            ("range", "-10dB"),
        ],
    },
    Preset {
        id: "cymbals",
        name: "Cymbals",
        summary: "Takes the edge off a bright mix, slowly",
        values: &[
            ("frequency", "8kHz"),
            ("threshold", "-36dBFS"),
            ("ratio", "2"),
            ("knee", "12dB"),
            ("range", "-6dB"),
            ("attack", "5ms"),
            ("release", "120ms"),
        ],
    },
];

/// The registry's entry.
pub static EFFECT: Effect = Effect {
    id: "de_esser",
    name: "De-esser",
    summary: "Turns down sibilants: s, sh, t",
    about: "Takes the level of what lies above a frequency and turns it down where it is above the threshold, by \
            the ratio and by the range at most. Split turns down only what lies above the frequency: a high shelf \
            that moves; while nothing is turned down, the sound passes bit for bit. Wide turns down everything. \
            Attack and release are the times in which the gain makes 63 % of any way, in decibels.",
    source: "The compressor of D. Giannoulis, M. Massberg, J. D. Reiss, \"Digital Dynamic Range Compressor \
             Design\", Journal of the AES 60(6), 2012, behind a Butterworth high pass h; split gives \
             x + (g - 1) h(x)",
    presets: &PRESETS,
    parameters: &PARAMETERS,
    create: |settings| Box::new(DeEsser::new(settings)),
    check: |_| Ok(()),
};
