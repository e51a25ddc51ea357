//! The limiter's parameters, presets and its entry in the registry.

use alloc::boxed::Box;

use super::TruePeakLimiter;
use crate::parameter::{Kind, Parameter, Scale, Unit};
use crate::preset::Preset;
use crate::settings::Effect;

pub(super) const CEILING: usize = 0;
pub(super) const INPUT_GAIN: usize = 1;
pub(super) const RELEASE: usize = 2;
pub(super) const LOOK_AHEAD: usize = 3;
pub(super) const LINK: usize = 4;

/// Length of a glide: an input gain that rises over the whole range does not step from peak to peak.
pub(super) const GLIDE_MS: f32 = 80.0;

pub(super) static PARAMETERS: [Parameter; 5] = [
    Parameter {
        id: "ceiling",
        name: "Ceiling",
        summary: "Level that no sample and no peak between samples passes, in dB true peak",
        unit: Unit::DecibelFullScale,
        min: -40.0,
        max: 0.0,
        default: -1.0,
        scale: Scale::Linear,
        kind: Kind::Ramp {
            smoothing_ms: GLIDE_MS,
        },
    },
    Parameter {
        id: "input_gain",
        name: "Input gain",
        summary: "Gain before the limiter: how far the sound is driven into it",
        unit: Unit::Decibel,
        min: -24.0,
        max: 36.0,
        default: 0.0,
        scale: Scale::Linear,
        kind: Kind::Ramp {
            smoothing_ms: GLIDE_MS,
        },
    },
    Parameter {
        id: "release",
        name: "Release",
        summary: "Time in which the reduction of the gain falls to 1/e of it after a peak",
        unit: Unit::Millisecond,
        min: 1.0,
        max: 2000.0,
        default: 150.0,
        scale: Scale::Logarithmic,
        kind: Kind::Step,
    },
    Parameter {
        id: "look_ahead",
        name: "Look-ahead",
        summary: "Time over which the gain comes down before a peak; longer is smoother and later",
        unit: Unit::Millisecond,
        min: 0.5,
        max: 10.0,
        default: 1.5,
        scale: Scale::Logarithmic,
        kind: Kind::Structural,
    },
    Parameter {
        id: "link",
        name: "Link",
        summary: "From each channel with a gain of its own (0) to one gain for all (100)",
        unit: Unit::Percent,
        min: 0.0,
        max: 100.0,
        default: 100.0,
        scale: Scale::Linear,
        kind: Kind::Structural,
    },
];

/// What people often want of it.
static PRESETS: [Preset; 4] = [
    Preset {
        id: "streaming",
        name: "Streaming",
        summary: "The ceiling that streaming services ask for, as transparent as it gets",
        values: &[("ceiling", "-1dBFS"), ("release", "200ms")],
    },
    Preset {
        id: "broadcast",
        name: "Broadcast",
        summary: "The ceiling of EBU R 128 for programmes that are coded again",
        values: &[("ceiling", "-3dBFS"), ("release", "250ms")],
    },
    Preset {
        id: "loud",
        name: "Loud",
        summary: "Drives the sound 6 dB into a low ceiling and recovers fast",
        values: &[
            ("ceiling", "-0.3dBFS"),
            ("input_gain", "6dB"),
            ("release", "50ms"),
        ],
    },
    Preset {
        id: "guard",
        name: "Guard",
        summary: "Protects ears and speakers on a live input, with the least latency",
        values: &[
            ("ceiling", "-6dBFS"),
            ("look_ahead", "0.5ms"),
            ("release", "300ms"),
        ],
    },
];

/// The registry's entry.
pub static EFFECT: Effect = Effect {
    id: "true_peak_limiter",
    name: "True-peak limiter",
    summary: "Holds a ceiling that neither samples nor the peaks between them pass",
    about: "Measures the signal at twelve times its rate and turns the gain down just before each peak, along a smooth curve that is there in time by construction: no sample ever passes the ceiling, and what a converter or a coder makes between the samples stays within 0.1 dB of it. Bass is held over its whole swing, so that a low note does not modulate the rest. The latency is the look-ahead plus 40 frames.",
    source: "Moving maximum and cascaded boxes: Geraint Luff, \"Designing a straightforward limiter\", signalsmith-audio.co.uk, 2022. True peak: ITU-R BS.1770-5, annex 2, with an interpolator of our own.",
    presets: &PRESETS,
    parameters: &PARAMETERS,
    create: |settings| Box::new(TruePeakLimiter::new(settings)),
    check: |_| Ok(()),
};
