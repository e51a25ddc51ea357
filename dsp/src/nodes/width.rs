//! Width: how far the sides of a stereo sound are from its middle.
//!
//! With M = (L + R) / 2 and S = (L - R) / 2: L' = M + w S, R' = M - w S, so that L' = (1 + w) / 2 L +
//! (1 - w) / 2 R. At 100 % all passes bit for bit, at 0 % both sides are the middle.

use alloc::boxed::Box;

use crate::block::Block;
use crate::node::{Node, PrepareError, Shape, Spec, Tail};
use crate::parameter::{Kind, Parameter, Scale, Unit};
use crate::parts::stereo_matrix::StereoMatrix;
use crate::preset::Preset;
use crate::settings::{Effect, Settings};

/// Length of a glide: short enough to follow a hand, long enough not to click.
const GLIDE_MS: f32 = 20.0;

static PARAMETERS: [Parameter; 1] = [Parameter {
    id: "width",
    name: "Width",
    summary: "0 is mono, 100 as it came, 200 twice the difference of the sides",
    unit: Unit::Percent,
    min: 0.0,
    max: 200.0,
    default: 100.0,
    scale: Scale::Linear,
    kind: Kind::Ramp {
        smoothing_ms: GLIDE_MS,
    },
}];

/// What people often want of it.
static PRESETS: [Preset; 3] = [
    Preset {
        id: "mono",
        name: "Mono",
        summary: "Both sides are the middle: to hear what one loudspeaker plays",
        values: &[("width", "0%")],
    },
    Preset {
        id: "narrow",
        name: "Narrow",
        summary: "Half the difference of the sides, as for the low end or for headphones",
        values: &[("width", "50%")],
    },
    Preset {
        id: "wide",
        name: "Wide",
        summary: "Half as much difference again",
        values: &[("width", "150%")],
    },
];

/// The registry's entry.
pub static EFFECT: Effect = Effect {
    id: "width",
    name: "Width",
    summary: "Brings the sides of a stereo sound together or further apart",
    about: "Scales the difference of left and right and leaves their sum as it is, so that a mono sum never changes. 0 % is mono, 100 % passes bit for bit, 200 % doubles the difference. One channel passes as it is.",
    source: "L' = M + w S, R' = M - w S with M = (L + R) / 2, S = (L - R) / 2 (Blumlein, patent GB 394325, 1931)",
    presets: &PRESETS,
    parameters: &PARAMETERS,
    create: |settings| Box::new(Width::new(settings)),
    check: |_| Ok(()),
};

/// Scales the difference of two channels. Latency 0, no tail; one channel passes.
#[derive(Debug)]
pub struct Width {
    matrix: StereoMatrix,
}

impl Width {
    fn new(settings: &Settings) -> Self {
        Self {
            matrix: StereoMatrix::new(factors(settings.value(0))),
        }
    }
}

impl Node for Width {
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

/// The matrix for a width in per cent.
fn factors(width: f64) -> [f64; 4] {
    let (near, far) = ((1.0 + width / 100.0) / 2.0, (1.0 - width / 100.0) / 2.0);
    [near, far, far, near]
}

/// More than two channels have no two sides.
pub(super) fn one_or_two(node: &'static str, spec: &Spec) -> Result<(), PrepareError> {
    if matches!(spec.channels, 1 | 2) {
        return Ok(());
    }
    Err(PrepareError::ChannelsUnsupported {
        node,
        asked: spec.channels,
        allowed: "1 or 2",
    })
}
