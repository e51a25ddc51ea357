//! Gain: every sample times one factor.
//!
//! y = s 10^(gain/20) x, with s = 1, or -1 where the polarity is inverted, or 0 where it is muted. The
//! bottom of the range is silence. At 0 dB the signal passes bit for bit.

use alloc::boxed::Box;

use crate::block::Block;
use crate::node::{Node, PrepareError, Shape, Spec, Tail};
use crate::parameter::{Kind, Parameter, Scale, Unit};
use crate::parts::decibel::amplitude;
use crate::parts::finite::saturated;
use crate::parts::glide::{Glide, TIME_CONSTANTS};
use crate::preset::Preset;
use crate::settings::{Effect, Settings};

/// The level that stands for silence, in decibels.
const SILENCE_DB: f64 = -120.0;
/// Length of a glide: short enough to follow a hand, long enough not to click.
const GLIDE_MS: f32 = 20.0;
const GLIDE: Kind = Kind::Ramp {
    smoothing_ms: GLIDE_MS,
};

/// Places in the table.
const GAIN: usize = 0;
const POLARITY: usize = 1;
const MUTE: usize = 2;

static PARAMETERS: [Parameter; 3] = [
    Parameter {
        id: "gain",
        name: "Gain",
        summary: "Change of level; the smallest value is silence",
        unit: Unit::Decibel,
        min: SILENCE_DB,
        max: 36.0,
        default: 0.0,
        scale: Scale::Linear,
        kind: GLIDE,
    },
    Parameter {
        id: "polarity",
        name: "Polarity",
        summary: "Inverted: what pushed now pulls; a change glides through silence",
        unit: Unit::None,
        min: 0.0,
        max: 1.0,
        default: 0.0,
        scale: Scale::Choices(&["normal", "inverted"]),
        kind: GLIDE,
    },
    Parameter {
        id: "mute",
        name: "Mute",
        summary: "Silence, with the gain kept",
        unit: Unit::None,
        min: 0.0,
        max: 1.0,
        default: 0.0,
        scale: Scale::Choices(&["off", "on"]),
        kind: GLIDE,
    },
];

/// What people often want of it.
static PRESETS: [Preset; 4] = [
    Preset {
        id: "half",
        name: "Half",
        summary: "Half the amplitude",
        values: &[("gain", "-6.0206dB")],
    },
    Preset {
        id: "double",
        name: "Double",
        summary: "Twice the amplitude",
        values: &[("gain", "6.0206dB")],
    },
    Preset {
        id: "silence",
        name: "Silence",
        summary: "Nothing is heard",
        values: &[("gain", "-120dB")],
    },
    Preset {
        id: "inverted",
        name: "Inverted",
        summary: "The other polarity at the same level, against a microphone on the other side",
        values: &[("polarity", "inverted")],
    },
];

/// The registry's entry.
pub static EFFECT: Effect = Effect {
    id: "gain",
    name: "Gain",
    summary: "Makes the signal louder or softer",
    about: "Multiplies every sample by one factor. At 0 dB the signal passes bit for bit; the bottom of the range is silence. It can invert the polarity and mute without losing its gain. Changes glide within 20 ms, without a corner, so that nothing clicks.",
    source: "y = s 10^(gain/20) x, s = 1, -1 inverted, 0 muted",
    presets: &PRESETS,
    parameters: &PARAMETERS,
    create: |settings| Box::new(Gain::new(settings)),
    check: |_| Ok(()),
};

/// Multiplies all channels by one factor. Latency 0, no tail, any number of channels.
#[derive(Debug)]
pub struct Gain {
    values: [f64; 3],
    gain: Glide,
}

impl Gain {
    fn new(settings: &Settings) -> Self {
        let values = [GAIN, POLARITY, MUTE].map(|number| settings.value(number));
        Self {
            values,
            gain: Glide::new(factor(values)),
        }
    }
}

impl Node for Gain {
    fn parameters(&self) -> &'static [Parameter] {
        &PARAMETERS
    }

    fn prepare(&mut self, spec: &Spec) -> Result<Shape, PrepareError> {
        self.gain
            .prepare_as(GLIDE_MS, TIME_CONSTANTS, spec.sample_rate_hz);
        Ok(Shape {
            channels: spec.channels,
            latency_frames: 0,
        })
    }

    fn reset(&mut self) {
        self.gain.finish();
    }

    fn process(&mut self, block: &mut Block<'_>) {
        let start = self.gain;
        let moving = start.frames_left().min(block.frames());
        for plane in block.planes.iter_mut() {
            let mut gain = start;
            let (glide, rest) = plane.split_at_mut(moving);
            for sample in glide {
                *sample = saturated(*sample * gain.next_value() as f32);
            }
            let factor = gain.value() as f32;
            for sample in rest {
                *sample = saturated(*sample * factor);
            }
            self.gain = gain;
        }
    }

    fn set(&mut self, number: usize, value: f64) {
        if let Some(own) = self.values.get_mut(number) {
            *own = value;
            self.gain.set(factor(self.values));
        }
    }

    fn latency_frames(&self) -> u64 {
        0
    }

    fn tail(&self) -> Tail {
        Tail::Frames(0)
    }
}

/// The factor for the values of the table.
fn factor([gain_db, polarity, mute]: [f64; 3]) -> f64 {
    if gain_db <= SILENCE_DB || mute > 0.0 {
        return 0.0;
    }
    let sign = if polarity > 0.0 { -1.0 } else { 1.0 };
    sign * amplitude(gain_db)
}
