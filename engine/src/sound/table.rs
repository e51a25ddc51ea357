//! The parameters of a sound player.

use ossicle_dsp::parameter::{Kind, Parameter, Scale, Unit};

/// Number of the parameter `play`: stop, play, loop; see [`Play`].
pub const PLAY: usize = 0;
/// Number of the parameter `gain`, in decibels.
pub const GAIN: usize = 1;
/// Number of the parameter `pan`, in per cent.
pub const PAN: usize = 2;
/// Number of the parameter `fade`, in milliseconds.
pub const FADE: usize = 3;
/// Number of the parameter `from`, in milliseconds.
pub const FROM: usize = 4;

/// Length of the glides of gain and pan, in milliseconds.
pub(super) const GLIDE_MS: f32 = 10.0;
/// The lowest gain in decibels; it means silence.
pub(super) const SILENCE_DB: f64 = -120.0;
/// Longest fade in milliseconds.
const MAX_FADE_MS: f64 = 60_000.0;
/// Latest start in milliseconds: a day.
const MAX_FROM_MS: f64 = 86_400_000.0;

/// What a player does, as values of its parameter [`PLAY`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Play {
    /// Fades out and is silent.
    Stop,
    /// Plays the sound once; what plays already is faded out meanwhile.
    Once,
    /// Plays the sound, and again from its first frame whenever its end is reached.
    Loop,
}

impl Play {
    /// The value of the parameter.
    #[must_use]
    pub const fn value(self) -> f64 {
        match self {
            Self::Stop => 0.0,
            Self::Once => 1.0,
            Self::Loop => 2.0,
        }
    }

    pub(super) const fn from_value(value: f64) -> Self {
        match value as u8 {
            0 => Self::Stop,
            1 => Self::Once,
            _ => Self::Loop,
        }
    }
}

pub(super) static PARAMETERS: [Parameter; 5] = [
    Parameter {
        id: "play",
        name: "Play",
        summary: "Plays the sound from its start once or again and again, or fades it out",
        unit: Unit::None,
        min: 0.0,
        max: 2.0,
        default: 0.0,
        scale: Scale::Choices(&["stop", "play", "loop"]),
        kind: Kind::Step,
    },
    Parameter {
        id: "gain",
        name: "Gain",
        summary: "How loud the sound is; -120 is silence",
        unit: Unit::Decibel,
        min: SILENCE_DB,
        max: 24.0,
        default: 0.0,
        scale: Scale::Linear,
        kind: Kind::Ramp {
            smoothing_ms: GLIDE_MS,
        },
    },
    Parameter {
        id: "pan",
        name: "Pan",
        summary: "Balance between the first two channels, left (-100) and right (100)",
        unit: Unit::Percent,
        min: -100.0,
        max: 100.0,
        default: 0.0,
        scale: Scale::Linear,
        kind: Kind::Ramp {
            smoothing_ms: GLIDE_MS,
        },
    },
    Parameter {
        id: "fade",
        name: "Fade",
        summary: "Length of the fade at the next start and stop; 0 for none",
        unit: Unit::Millisecond,
        min: 0.0,
        max: MAX_FADE_MS,
        default: 5.0,
        scale: Scale::Linear,
        kind: Kind::Step,
    },
    Parameter {
        id: "from",
        name: "From",
        summary: "Place in the sound where the next start begins, rounded to a frame",
        unit: Unit::Millisecond,
        min: 0.0,
        max: MAX_FROM_MS,
        default: 0.0,
        scale: Scale::Linear,
        kind: Kind::Step,
    },
];
