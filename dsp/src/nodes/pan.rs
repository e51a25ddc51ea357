//! Pan: places the sound between left and right.
//!
//! With p from -1 (left) to 1 (right): one channel in becomes two, left x cos(t) and right x sin(t)
//! with t = (p + 1) pi/4, so that the power is the same everywhere. Two channels keep their sides:
//! the channel that is panned away from gets x cos(|p| pi/2), the other passes. In the middle two
//! channels pass bit for bit. That is the law of -3 dB; that of -6 dB has straight lines instead of the
//! cosine, that of -4.5 dB the geometric mean of both.

use alloc::boxed::Box;

use crate::block::Block;
use crate::node::{Node, PrepareError, Shape, Spec, Tail};
use crate::parameter::{Kind, Parameter, Scale, Unit};
use crate::parts::glide::{Glide, TIME_CONSTANTS};
use crate::parts::pan_law::PanLaw;
use crate::preset::Preset;
use crate::settings::{Effect, Settings};

/// Length of a glide: short enough to follow a hand, long enough not to click.
const GLIDE_MS: f32 = 20.0;

/// Places in the table.
const PAN: usize = 0;
const LAW: usize = 1;

static PARAMETERS: [Parameter; 2] = [
    Parameter {
        id: "pan",
        name: "Pan",
        summary: "Place between left (-100) and right (100)",
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
        id: "law",
        name: "Pan law",
        summary: "Level of each side with one channel in the middle: -3dB keeps the power, -6dB the sum",
        unit: Unit::None,
        min: 0.0,
        max: 2.0,
        default: 0.0,
        scale: Scale::Choices(&["-3dB", "-4.5dB", "-6dB"]),
        kind: Kind::Ramp {
            smoothing_ms: GLIDE_MS,
        },
    },
];

/// The law by its place among the choices.
fn law(value: f64) -> PanLaw {
    match value as usize {
        0 => PanLaw::Power,
        1 => PanLaw::Between,
        _ => PanLaw::Amplitude,
    }
}

/// What people often want of it.
static PRESETS: [Preset; 3] = [
    Preset {
        id: "left",
        name: "Left",
        summary: "All the way to the left",
        values: &[("pan", "-100%")],
    },
    Preset {
        id: "centre",
        name: "Centre",
        summary: "In the middle",
        values: &[("pan", "0%")],
    },
    Preset {
        id: "right",
        name: "Right",
        summary: "All the way to the right",
        values: &[("pan", "100%")],
    },
];

/// The registry's entry.
pub static EFFECT: Effect = Effect {
    id: "pan",
    name: "Pan",
    summary: "Places the sound between left and right; makes two channels of one",
    about: "Places one channel between two loudspeakers, or balances the two channels of a stereo sound: the side that is panned away from gets softer, the other stays. The law says how loud the middle is: at -3 dB the power is the same everywhere, at -6 dB the sum. Changes glide within 20 ms, without a corner.",
    source: "Sine and cosine law at -3 dB (constant power), straight lines at -6 dB (constant sum), their geometric mean at -4.5 dB",
    presets: &PRESETS,
    parameters: &PARAMETERS,
    create: |settings| Box::new(Pan::new(settings)),
    check: |_| Ok(()),
};

/// Pans one channel into two, or balances two. Latency 0, no tail.
///
/// The two gains glide.
#[derive(Debug)]
pub struct Pan {
    pan: f64,
    law: PanLaw,
    channels_in: usize,
    gains: [Glide; 2],
}

impl Pan {
    fn new(settings: &Settings) -> Self {
        let (pan, law) = (settings.value(PAN) / 100.0, law(settings.value(LAW)));
        Self {
            pan,
            law,
            channels_in: 2,
            gains: law.balance(pan).map(Glide::new),
        }
    }

    fn targets(&self) -> [f64; 2] {
        if self.channels_in == 1 {
            self.law.place(self.pan)
        } else {
            self.law.balance(self.pan)
        }
    }
}

impl Node for Pan {
    fn parameters(&self) -> &'static [Parameter] {
        &PARAMETERS
    }

    fn prepare(&mut self, spec: &Spec) -> Result<Shape, PrepareError> {
        if !matches!(spec.channels, 1 | 2) {
            let (node, asked) = (EFFECT.id, spec.channels);
            return Err(PrepareError::ChannelsUnsupported {
                node,
                asked,
                allowed: "1 or 2",
            });
        }
        self.channels_in = spec.channels;
        self.gains = self.targets().map(Glide::new);
        for gain in &mut self.gains {
            gain.prepare_as(GLIDE_MS, TIME_CONSTANTS, spec.sample_rate_hz);
        }
        Ok(Shape {
            channels: 2,
            latency_frames: 0,
        })
    }

    fn reset(&mut self) {
        self.gains.iter_mut().for_each(Glide::finish);
    }

    fn process(&mut self, block: &mut Block<'_>) {
        let (left, right) = block.planes.pair_mut(0, 1);
        if self.channels_in == 1 {
            right.copy_from_slice(left);
        }
        for (gain, plane) in self.gains.iter_mut().zip([left, right]) {
            let (glide, rest) = plane.split_at_mut(gain.frames_left().min(plane.len()));
            for sample in glide {
                *sample *= gain.next_value() as f32;
            }
            let factor = gain.value() as f32;
            for sample in rest {
                *sample *= factor;
            }
        }
    }

    fn set(&mut self, number: usize, value: f64) {
        match number {
            PAN => self.pan = value / 100.0,
            LAW => self.law = law(value),
            _ => return,
        }
        let targets = self.targets();
        for (gain, target) in self.gains.iter_mut().zip(targets) {
            gain.set(target);
        }
    }

    fn latency_frames(&self) -> u64 {
        0
    }

    fn tail(&self) -> Tail {
        Tail::Frames(0)
    }
}
