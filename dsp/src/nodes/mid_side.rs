//! Mid-side: left and right made into middle and side, and back.
//!
//! Encode: M = (L + R) / 2 in the first channel, S = (L - R) / 2 in the second. Decode: L = M + S, R = M
//! - S. What stands between the two, on one channel or both, works on middle and side.

use alloc::boxed::Box;

use super::width::one_or_two;
use crate::block::Block;
use crate::node::{Node, PrepareError, Shape, Spec, Tail};
use crate::parameter::{Kind, Parameter, Scale, Unit};
use crate::parts::stereo_matrix::StereoMatrix;
use crate::preset::Preset;
use crate::settings::{Effect, Settings};

/// Length of a glide from one to the other.
const GLIDE_MS: f32 = 20.0;

static PARAMETERS: [Parameter; 1] = [Parameter {
    id: "mode",
    name: "Mode",
    summary: "Encode: middle and side of left and right; decode: the way back",
    unit: Unit::None,
    min: 0.0,
    max: 1.0,
    default: 0.0,
    scale: Scale::Choices(&["encode", "decode"]),
    kind: Kind::Ramp {
        smoothing_ms: GLIDE_MS,
    },
}];

/// What people often want of it.
static PRESETS: [Preset; 3] = [
    Preset {
        id: "encode",
        name: "Encode",
        summary: "Before what is to work on middle and side",
        values: &[("mode", "encode")],
    },
    Preset {
        id: "decode",
        name: "Decode",
        summary: "Behind it",
        values: &[("mode", "decode")],
    },
    Preset {
        id: "microphones",
        name: "Microphones",
        summary: "Left and right of a middle and a side microphone",
        values: &[("mode", "decode")],
    },
];

/// The registry's entry.
pub static EFFECT: Effect = Effect {
    id: "mid_side",
    name: "Mid-side",
    summary: "Makes left and right into middle and side, or back",
    about: "Encode puts half the sum of left and right into the first channel and half their difference into the second; decode is the way back. Between the two, an effect works on middle and side. One channel passes as it is.",
    source: "M = (L + R) / 2, S = (L - R) / 2; L = M + S, R = M - S (Blumlein, patent GB 394325, 1931)",
    presets: &PRESETS,
    parameters: &PARAMETERS,
    create: |settings| Box::new(MidSide::new(settings)),
    check: |_| Ok(()),
};

/// Sum and difference of two channels. Latency 0, no tail; one channel passes.
#[derive(Debug)]
pub struct MidSide {
    matrix: StereoMatrix,
}

impl MidSide {
    fn new(settings: &Settings) -> Self {
        Self {
            matrix: StereoMatrix::new(factors(settings.value(0))),
        }
    }
}

impl Node for MidSide {
    fn parameters(&self) -> &'static [Parameter] {
        &PARAMETERS
    }

    fn prepare(&mut self, spec: &Spec) -> Result<Shape, PrepareError> {
        one_or_two(EFFECT.id, spec)?;
        self.matrix.prepare(GLIDE_MS, spec.sample_rate_hz);
        Ok(Shape {
            channels: spec.channels,
            latency_frames: 0,
        })
    }

    fn reset(&mut self) {
        self.matrix.finish();
    }

    fn process(&mut self, block: &mut Block<'_>) {
        self.matrix.process(&mut block.planes);
    }

    fn set(&mut self, number: usize, value: f64) {
        if number == 0 {
            self.matrix.set(factors(value));
        }
    }

    fn latency_frames(&self) -> u64 {
        0
    }

    fn tail(&self) -> Tail {
        Tail::Frames(0)
    }
}

/// The matrix of a mode.
fn factors(mode: f64) -> [f64; 4] {
    let factor = if mode > 0.0 { 1.0 } else { 0.5 };
    [factor, factor, factor, -factor]
}
