//! The compressor's parameters, presets and entry in the registry.

use alloc::boxed::Box;

use super::Compressor;
use crate::parameter::{Kind, Parameter, Scale, Unit};
use crate::parts::dynamics::rows;
use crate::preset::Preset;
use crate::settings::Effect;

pub(super) const THRESHOLD: usize = 0;
pub(super) const RATIO: usize = 1;
pub(super) const KNEE: usize = 2;
pub(super) const ATTACK: usize = 3;
pub(super) const RELEASE: usize = 4;
pub(super) const AUTO_RELEASE: usize = 5;
pub(super) const MAKEUP: usize = 6;
pub(super) const AUTO_MAKEUP: usize = 7;
pub(super) const MIX: usize = 8;
pub(super) const KEY_HIGH_PASS: usize = 9;
pub(super) const KEY_LOW_PASS: usize = 10;
pub(super) const RMS_WINDOW: usize = 11;
pub(super) const DETECTOR: usize = 12;
pub(super) const LOOK_AHEAD: usize = 13;
pub(super) const LINK: usize = 14;

/// The index of `rms` in [`DETECTORS`].
pub(super) const RMS: f64 = 1.0;

const DETECTORS: &[&str] = &["peak", "rms"];
const SWITCH: &[&str] = &["off", "on"];

pub(super) static PARAMETERS: [Parameter; 15] = [
    Parameter {
        summary: "Level above which the sound is turned down",
        default: -18.0,
        ..rows::THRESHOLD
    },
    Parameter {
        summary: "So many decibels above the threshold come out as one",
        default: 4.0,
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
        default: 10.0,
        ..rows::ATTACK
    },
    Parameter {
        default: 100.0,
        ..rows::RELEASE
    },
    Parameter {
        id: "auto_release",
        name: "Automatic release",
        summary: "Lets the gain recover up to ten times as slowly from what was loud for long",
        unit: Unit::None,
        max: 1.0,
        scale: Scale::Choices(SWITCH),
        kind: Kind::Step,
        ..rows::LEVEL
    },
    Parameter {
        id: "makeup",
        name: "Make-up",
        summary: "Gain behind the compression",
        min: -36.0,
        max: 36.0,
        ..rows::LEVEL
    },
    Parameter {
        id: "auto_makeup",
        name: "Automatic make-up",
        summary: "Gives back half of what the curve takes from a level of 0 dBFS",
        unit: Unit::None,
        max: 1.0,
        scale: Scale::Choices(SWITCH),
        ..rows::LEVEL
    },
    Parameter {
        id: "mix",
        name: "Mix",
        summary: "From the sound as it came (0) to the compressed sound alone (100)",
        unit: Unit::Percent,
        max: 100.0,
        default: 100.0,
        ..rows::LEVEL
    },
    rows::KEY_HIGH_PASS,
    rows::KEY_LOW_PASS,
    Parameter {
        id: "rms_window",
        name: "RMS window",
        summary: "Time over which an rms detector averages power; it comes before attack and release",
        min: 1.0,
        max: 250.0,
        default: 10.0,
        ..rows::TIME
    },
    Parameter {
        id: "detector",
        name: "Detector",
        summary: "Whether peaks count, or the root of the mean power (a sine reads the same)",
        unit: Unit::None,
        max: RMS,
        scale: Scale::Choices(DETECTORS),
        kind: Kind::Structural,
        ..rows::LEVEL
    },
    rows::LOOK_AHEAD,
    rows::LINK,
];

static PRESETS: [Preset; 5] = [
    Preset {
        id: "vocal",
        name: "Vocal",
        summary: "Keeps a voice in front without being heard at work",
        values: &[
            ("threshold", "-24dBFS"),
            ("ratio", "3"),
            ("knee", "8dB"),
            ("attack", "5ms"),
            ("release", "120ms"),
            ("auto_release", "on"),
            ("makeup", "6dB"),
            ("key_high_pass", "90Hz"),
        ],
    },
    Preset {
        id: "drums",
        name: "Drums",
        summary: "Lets the stroke through and brings up what follows it",
        values: &[
            ("threshold", "-20dBFS"),
            ("ratio", "4"),
            ("knee", "3dB"),
            ("attack", "25ms"),
            ("release", "80ms"),
            ("makeup", "4dB"),
        ],
    },
    Preset {
        id: "bus",
        name: "Bus",
        summary: "Holds a mix together: rms, slow, little",
        values: &[
            ("threshold", "-16dBFS"),
            ("ratio", "2"),
            ("knee", "6dB"),
            ("attack", "30ms"),
            ("release", "150ms"),
            ("auto_release", "on"),
            ("makeup", "2dB"),
            ("key_high_pass", "60Hz"),
            ("detector", "rms"),
        ],
    },
    Preset {
        id: "parallel",
        name: "Parallel",
        summary: "Strongly compressed under the sound as it came: soft parts rise, loud ones stay",
        values: &[
            ("threshold", "-40dBFS"),
            ("ratio", "10"),
            ("attack", "1ms"),
            ("release", "150ms"),
            ("makeup", "12dB"),
            ("mix", "40%"),
        ],
    },
    Preset {
        id: "leveller",
        name: "Leveller",
        summary: "Evens out speech over seconds",
        values: &[
            ("threshold", "-30dBFS"),
            ("ratio", "6"),
            ("knee", "12dB"),
            ("attack", "50ms"),
            ("release", "800ms"),
            ("makeup", "10dB"),
            ("detector", "rms"),
            ("rms_window", "100ms"),
        ],
    },
];

/// The registry's entry.
pub static EFFECT: Effect = Effect {
    id: "compressor",
    name: "Compressor",
    summary: "Turns down what is louder than a threshold, by a ratio",
    about: "Makes loud and soft more alike. What is above the threshold comes out lower by the ratio; the knee \
            bends the one into the other. Attack and release are the times in which the gain makes 63 % of any \
            way, in decibels. A peak counts for a quarter of the release, 10 ms at most, so that the gain does \
            not follow the wave itself; that time is a part of the release. With look-ahead the gain moves before \
            the sound comes: after a look-ahead of n attacks the share exp(-n) of the way is left. It listens to \
            itself, or to a side-chain where the chain connects one (compressor < key), behind the key's filters.",
    source: "D. Giannoulis, M. Massberg, J. D. Reiss, \"Digital Dynamic Range Compressor Design\", Journal of the \
             AES 60(6), 2012: feed-forward, in decibels, smooth branching; the hold, the automatic release and \
             the half-frame are our own",
    presets: &PRESETS,
    parameters: &PARAMETERS,
    create: |settings| Box::new(Compressor::new(settings)),
    check: |_| Ok(()),
};
