//! The limiter's parameters and its entry in the registry.

use alloc::boxed::Box;

use super::EnvelopeLimiter;
use crate::parameter::{Kind, Parameter, Scale, Unit};
use crate::parts::glide::GLIDE_MS;
use crate::preset::Preset;
use crate::settings::{Effect, Settings, SettingsError};

pub(super) const ATTACK_COEFF: usize = 0;
pub(super) const RELEASE_COEFF: usize = 1;
pub(super) const DELAY_SAMPLES: usize = 2;
pub(super) const THRESHOLD: usize = 3;
pub(super) const ATTACK: usize = 4;
pub(super) const RELEASE: usize = 5;
pub(super) const DELAY: usize = 6;
pub(super) const LINK: usize = 7;
pub(super) const MODE: usize = 8;

/// Longest delay line: a second at 192 kHz.
const MAX_SAMPLES: f64 = 192_000.0;

/// What all rows have in common: a bare number from 0 to 1 that takes effect at once. The attack
/// recursion smooths what the numbers do to the gain.
const ROW: Parameter = Parameter {
    id: "",
    name: "",
    summary: "",
    unit: Unit::None,
    min: 0.0,
    max: 1.0,
    default: 0.0,
    scale: Scale::Linear,
    kind: Kind::Step,
};

pub(super) static PARAMETERS: [Parameter; 9] = [
    Parameter {
        id: "attack_coeff",
        name: "Attack factor",
        summary: "Raw form of attack: how much of the gain stays from one sample to the next",
        default: 0.9,
        ..ROW
    },
    Parameter {
        id: "release_coeff",
        name: "Release factor",
        summary: "Raw form of release: how much of the envelope stays from one sample to the next",
        default: 0.9999,
        ..ROW
    },
    Parameter {
        id: "delay_samples",
        name: "Delay line",
        summary: "Raw form of delay: places of the delay line, which delays by one sample less",
        min: 1.0,
        max: MAX_SAMPLES,
        default: 40.0,
        kind: Kind::Structural,
        ..ROW
    },
    Parameter {
        id: "threshold",
        name: "Threshold",
        summary: "Level above which the gain goes down, as an amplitude or in dBFS; in the raw form a new one counts at once",
        unit: Unit::Amplitude,
        default: 0.8,
        kind: Kind::Ramp {
            smoothing_ms: GLIDE_MS,
        },
        ..ROW
    },
    Parameter {
        id: "attack",
        name: "Attack",
        summary: "Time constant of the gain",
        unit: Unit::Millisecond,
        max: 1000.0,
        default: 0.2,
        ..ROW
    },
    Parameter {
        id: "release",
        name: "Release",
        summary: "Time constant of the envelope's fall",
        unit: Unit::Millisecond,
        max: 10_000.0,
        default: 200.0,
        ..ROW
    },
    Parameter {
        id: "delay",
        name: "Look-ahead",
        summary: "Time by which the sound is held back so that the gain is there before it",
        unit: Unit::Millisecond,
        max: 1000.0,
        default: 1.3,
        kind: Kind::Structural,
        ..ROW
    },
    Parameter {
        id: "link",
        name: "Link",
        summary: "Whether the channels have a gain each or one in common",
        scale: Scale::Choices(&["independent", "linked"]),
        kind: Kind::Structural,
        ..ROW
    },
    Parameter {
        id: "mode",
        name: "Mode",
        summary: "The documented bits, or the same curve within 0.000001 in a fifth of the time",
        scale: Scale::Choices(&["exact", "fast"]),
        kind: Kind::Structural,
        ..ROW
    },
];

/// What people often want of it.
static PRESETS: [Preset; 3] = [
    Preset {
        id: "voice",
        name: "Voice",
        summary: "Keeps a close voice in bounds",
        values: &[
            ("threshold", "-6dBFS"),
            ("attack", "0.5ms"),
            ("release", "150ms"),
            ("delay", "2ms"),
        ],
    },
    Preset {
        id: "guard",
        name: "Guard",
        summary: "Touches only what would be too loud",
        values: &[
            ("threshold", "-1dBFS"),
            ("attack", "0.2ms"),
            ("release", "200ms"),
            ("delay", "1.3ms"),
        ],
    },
    Preset {
        id: "slow",
        name: "Slow",
        summary: "Rides the level, hardly heard",
        values: &[
            ("threshold", "-12dBFS"),
            ("attack", "10ms"),
            ("release", "1000ms"),
            ("delay", "10ms"),
        ],
    },
];

/// The registry's entry.
pub static EFFECT: Effect = Effect {
    id: "envelope_limiter",
    name: "Envelope limiter",
    summary: "Turns the gain down while the envelope is above a threshold",
    about: "Follows the envelope of the sound, falling slowly, and lets the gain approach what the threshold asks. The sound is held back by the delay, so that the gain is down before a peak comes. What comes out may lie above the threshold: it is a soft limiter, not a ceiling.",
    source: "Real time signal processing in Python (bastibe.de, 2012), in the public domain: e = max(|x|, r e); target = 1 unless e > t, then (1 + t) - e; g = a g + (1 - a) target",
    presets: &PRESETS,
    parameters: &PARAMETERS,
    create: |settings| Box::new(EnvelopeLimiter::new(settings)),
    check,
};

/// One value has one form, and places of a delay line are counted whole.
fn check(settings: &Settings) -> Result<(), SettingsError> {
    let effect = EFFECT.id;
    for (raw, timed) in [
        (ATTACK_COEFF, ATTACK),
        (RELEASE_COEFF, RELEASE),
        (DELAY_SAMPLES, DELAY),
    ] {
        if settings.is_given(raw) && settings.is_given(timed) {
            let (first, second) = (PARAMETERS[raw].id, PARAMETERS[timed].id);
            return Err(SettingsError::Conflict {
                effect,
                first,
                second,
            });
        }
    }
    let asked = settings.value(DELAY_SAMPLES);
    if libm::trunc(asked) != asked {
        let parameter = PARAMETERS[DELAY_SAMPLES].id;
        return Err(SettingsError::NotWhole {
            effect,
            parameter,
            asked,
        });
    }
    Ok(())
}
