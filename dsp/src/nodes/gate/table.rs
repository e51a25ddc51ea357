//! The gate's parameters, presets and entry in the registry.

use alloc::boxed::Box;

use super::Gate;
use crate::parameter::{Kind, Parameter, Scale, Unit};
use crate::parts::dynamics::rows;
use crate::preset::Preset;
use crate::settings::Effect;

pub(super) const THRESHOLD: usize = 0;
pub(super) const HYSTERESIS: usize = 1;
pub(super) const RATIO: usize = 2;
pub(super) const RANGE: usize = 3;
pub(super) const ATTACK: usize = 4;
pub(super) const HOLD: usize = 5;
pub(super) const RELEASE: usize = 6;
pub(super) const KEY_HIGH_PASS: usize = 7;
pub(super) const KEY_LOW_PASS: usize = 8;
pub(super) const LOOK_AHEAD: usize = 9;
pub(super) const LINK: usize = 10;

pub(super) static PARAMETERS: [Parameter; 11] = [
    Parameter {
        summary: "Level at which it opens",
        default: -50.0,
        ..rows::THRESHOLD
    },
    Parameter {
        id: "hysteresis",
        name: "Hysteresis",
        summary: "So far below the threshold the level has to fall before it closes",
        default: 6.0,
        ..rows::LEVEL
    },
    Parameter {
        summary: "While it is closed, a decibel below the threshold comes out as so many; the largest is a gate",
        default: 1000.0,
        ..rows::RATIO
    },
    Parameter {
        id: "range",
        name: "Range",
        summary: "Gain of what is shut out, at the most",
        min: -120.0,
        max: 0.0,
        default: -60.0,
        ..rows::LEVEL
    },
    Parameter {
        summary: "Time in which the gain makes 1 - 1/e (63 %) of the way to open, in decibels",
        default: 1.0,
        ..rows::ATTACK
    },
    Parameter {
        id: "hold",
        name: "Hold",
        summary: "Time for which it stays open after the level has fallen",
        max: 2000.0,
        default: 50.0,
        scale: Scale::Linear,
        ..rows::TIME
    },
    Parameter {
        summary: "Time in which the gain makes 1 - 1/e (63 %) of the way to closed, in decibels",
        default: 100.0,
        ..rows::RELEASE
    },
    rows::KEY_HIGH_PASS,
    rows::KEY_LOW_PASS,
    Parameter {
        summary: "Time by which the sound is held back, so that it is open before the sound comes",
        ..rows::LOOK_AHEAD
    },
    Parameter {
        id: "link",
        name: "Link",
        summary: "Whether the channels open each by itself or all together",
        unit: Unit::None,
        min: 0.0,
        max: 1.0,
        default: 1.0,
        scale: Scale::Choices(&["independent", "linked"]),
        kind: Kind::Structural,
    },
];

static PRESETS: [Preset; 4] = [
    Preset {
        id: "noise",
        name: "Noise between words",
        summary: "Lowers what is left of a room while nobody speaks, without shutting it out",
        values: &[
            ("threshold", "-45dBFS"),
            ("range", "-20dB"),
            ("attack", "2ms"),
            ("hold", "150ms"),
            ("release", "200ms"),
            ("key_high_pass", "120Hz"),
        ],
    },
    Preset {
        id: "drum",
        name: "Drum",
        summary: "Lets the strokes of one drum through and nothing of the others",
        values: &[
            ("threshold", "-28dBFS"),
            ("hysteresis", "4dB"),
            ("attack", "0.1ms"),
            ("hold", "60ms"),
            ("release", "80ms"),
            ("look_ahead", "1.5ms"),
        ],
    },
    Preset {
        id: "expander",
        name: "Expander",
        summary: "Makes what is soft softer, two decibels for one",
        values: &[
            ("threshold", "-35dBFS"),
            ("hysteresis", "0dB"),
            ("ratio", "2"),
            ("range", "-30dB"),
            ("attack", "5ms"),
            ("hold", "0ms"),
            ("release", "150ms"),
        ],
    },
    Preset {
        id: "guitar",
        name: "Guitar",
        summary: "Silences hum and hiss in the pauses and lets notes ring out",
        values: &[
            ("threshold", "-55dBFS"),
            ("hysteresis", "8dB"),
            ("range", "-80dB"),
            ("attack", "0.5ms"),
            ("hold", "100ms"),
            ("release", "300ms"),
        ],
    },
];

/// The registry's entry.
pub static EFFECT: Effect = Effect {
    id: "gate",
    name: "Gate and expander",
    summary: "Turns down what is softer than a threshold",
    about: "Opens on the frame on which the level reaches the threshold. Closes when the level has been below \
            the threshold less the hysteresis for the time of the hold. While it is closed, what lies below the \
            threshold comes out lower by the ratio, down to the range: a large ratio is a gate, a small one an \
            expander. Where the hold is shorter than 10 ms, a peak counts for up to a quarter of the release more, \
            which is a part of the release, so that it does not close between two peaks of a wave. It listens to itself, or to a side-chain \
            where the chain connects one (gate < key), behind the key's filters.",
    source: "The static curve is that of an expander in D. Giannoulis, M. Massberg, J. D. Reiss, \"Digital Dynamic \
             Range Compressor Design\", Journal of the AES 60(6), 2012, turned upside down; hysteresis, hold and \
             range as analogue gates have them",
    presets: &PRESETS,
    parameters: &PARAMETERS,
    create: |settings| Box::new(Gate::new(settings)),
    check: |_| Ok(()),
};
