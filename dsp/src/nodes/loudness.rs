//! Loudness: a slow hand on the fader that brings the sound to a loudness.
//!
//! The loudness of the input is taken as BS.1770-5 has it, over the last 3 s of what is above the
//! gate; what is below is passed over, so that a pause changes nothing. Each 10 ms the gain, in
//! decibels, goes by the share 1 - exp(-10 ms/time) of the way to
//! target - loudness, kept within what may be raised and lowered; in between it glides. So a step of
//! the input's loudness is followed with the time constant `time`, besides the 3 s of the window.
//! Source: ITU-R BS.1770-5, annex 1, for the loudness; the steering is a first-order recursion.

use alloc::boxed::Box;

use crate::block::Block;
use crate::meter::View;
use crate::meter::error::MAX_RATE_HZ;
use crate::meter::layout;
use crate::meter::loudness::{Hop, HopEnergy, MIN_RATE_HZ, MOMENTARY_HOPS, SHORT_TERM_HOPS, lufs};
use crate::meter::window::Window;
use crate::node::{Node, PrepareError, Shape, Spec, Tail};
use crate::parameter::{Kind, Parameter, Scale, Unit};
use crate::parts::decibel::amplitude;
use crate::parts::finite::saturated;
use crate::parts::smoothed::Smoothed;
use crate::preset::Preset;
use crate::settings::{Effect, Settings};

/// Length of a hop of the measurement.
const HOP_MS: f32 = 10.0;

const TARGET: usize = 0;
const RAISE: usize = 1;
const LOWER: usize = 2;
const TIME: usize = 3;
const GATE: usize = 4;

static PARAMETERS: [Parameter; 5] = [
    Parameter {
        id: "target",
        name: "Target",
        summary: "Loudness that the sound is brought to",
        unit: Unit::LoudnessFullScale,
        min: -60.0,
        max: 0.0,
        default: -23.0,
        scale: Scale::Linear,
        kind: Kind::Step,
    },
    Parameter {
        id: "raise",
        name: "Raise",
        summary: "The most by which it is made louder",
        unit: Unit::Decibel,
        min: 0.0,
        max: 36.0,
        default: 12.0,
        scale: Scale::Linear,
        kind: Kind::Step,
    },
    Parameter {
        id: "lower",
        name: "Lower",
        summary: "The most by which it is made softer",
        unit: Unit::Decibel,
        min: 0.0,
        max: 60.0,
        default: 24.0,
        scale: Scale::Linear,
        kind: Kind::Step,
    },
    Parameter {
        id: "time",
        name: "Time",
        summary: "Time in which the gain goes 63 % of its way",
        unit: Unit::Millisecond,
        min: 100.0,
        max: 60_000.0,
        default: 5000.0,
        scale: Scale::Logarithmic,
        kind: Kind::Step,
    },
    Parameter {
        id: "gate",
        name: "Gate",
        summary: "Momentary loudness below which the gain stays where it is",
        unit: Unit::LoudnessFullScale,
        min: -70.0,
        max: -10.0,
        default: -50.0,
        scale: Scale::Linear,
        kind: Kind::Step,
    },
];

/// What people often want of it.
static PRESETS: [Preset; 4] = [
    Preset {
        id: "broadcast",
        name: "Broadcast",
        summary: "-23 LUFS, slowly: EBU R 128",
        values: &[("target", "-23LUFS"), ("time", "8s")],
    },
    Preset {
        id: "stream",
        name: "Stream",
        summary: "-16 LUFS for streaming",
        values: &[("target", "-16LUFS"), ("time", "5s")],
    },
    Preset {
        id: "voices",
        name: "Voices",
        summary: "Brings soft and loud speakers together; pauses are not raised",
        values: &[
            ("target", "-18LUFS"),
            ("raise", "20dB"),
            ("time", "1.5s"),
            ("gate", "-40LUFS"),
        ],
    },
    Preset {
        id: "night",
        name: "Night",
        summary: "Soft, and what is loud comes down fast",
        values: &[("target", "-30LUFS"), ("raise", "6dB"), ("time", "1s")],
    },
];

/// The registry's entry.
pub static EFFECT: Effect = Effect {
    id: "loudness",
    name: "Loudness",
    summary: "Brings the sound to a loudness, slowly",
    about: "Measures the loudness of what comes in as broadcasters do and moves one gain for all channels slowly, so that what goes out has the loudness of the target. Pauses below the gate leave the gain where it is. It does not hold peaks: put a limiter behind it. To bring a file to a loudness exactly, use `ossicle render --loudness`.",
    source: "ITU-R BS.1770-5, annex 1: K-weighted loudness of the last 3 s above the gate; the gain follows it by a first-order recursion in decibels.",
    presets: &PRESETS,
    parameters: &PARAMETERS,
    create: |settings| Box::new(LoudnessNode::new(settings)),
    check: |_| Ok(()),
};

/// Steers the gain of all channels alike. Latency 0, no tail, any number of channels, which are taken
/// in their usual [`layout`].
#[derive(Debug)]
pub struct LoudnessNode {
    values: [f64; 5],
    measured: Option<Measured>,
    gain_db: f64,
    gain: Smoothed,
}

/// The loudness of the input.
#[derive(Debug)]
struct Measured {
    energy: HopEnergy,
    /// All hops, for the gate, and those that were above it.
    all: Window,
    gated: Window,
}

impl LoudnessNode {
    fn new(settings: &Settings) -> Self {
        Self {
            values: core::array::from_fn(|number| settings.value(number)),
            measured: None,
            gain_db: 0.0,
            gain: Smoothed::new(1.0),
        }
    }

    /// Moves the gain after a hop.
    fn steer(&mut self, hop: Hop) {
        let Some(measured) = &mut self.measured else {
            return;
        };
        measured.all.push(hop.sum, hop.frames);
        let momentary = measured.all.mean(MOMENTARY_HOPS).and_then(lufs);
        if momentary.is_none_or(|momentary| momentary < self.values[GATE]) {
            return;
        }
        measured.gated.push(hop.sum, hop.frames);
        let heard = measured.gated.mean(measured.gated.seen());
        let Some(loudness) = heard.and_then(lufs) else {
            return;
        };
        let wanted = self.values[TARGET] - loudness;
        // Not `clamp`: it panics where the bounds are no range, which the compiler cannot exclude.
        let wanted = wanted.max(-self.values[LOWER]).min(self.values[RAISE]);
        let share = -libm::expm1(-f64::from(HOP_MS) / self.values[TIME]);
        self.gain_db += share * (wanted - self.gain_db);
        self.gain.set(amplitude(self.gain_db));
    }
}

impl Node for LoudnessNode {
    fn parameters(&self) -> &'static [Parameter] {
        &PARAMETERS
    }

    fn prepare(&mut self, spec: &Spec) -> Result<Shape, PrepareError> {
        let rate = spec.sample_rate_hz;
        if !(MIN_RATE_HZ..=MAX_RATE_HZ).contains(&rate) {
            return Err(PrepareError::SampleRateUnsupported {
                node: EFFECT.id,
                asked_hz: rate,
                min_hz: MIN_RATE_HZ,
                max_hz: MAX_RATE_HZ,
            });
        }
        self.measured = Some(Measured {
            energy: HopEnergy::new(rate, layout(spec.channels)),
            all: Window::new(MOMENTARY_HOPS),
            gated: Window::new(SHORT_TERM_HOPS),
        });
        self.gain.prepare(HOP_MS, rate);
        self.reset();
        Ok(Shape {
            channels: spec.channels,
            latency_frames: 0,
        })
    }

    fn reset(&mut self) {
        if let Some(measured) = &mut self.measured {
            measured.energy.reset();
            measured.all.reset();
            measured.gated.reset();
        }
        self.gain_db = 0.0;
        self.gain.set(1.0);
        self.gain.finish();
    }

    fn process(&mut self, block: &mut Block<'_>) {
        let frames = block.frames();
        let mut done = 0;
        while done < frames {
            let Some(measured) = &mut self.measured else {
                return;
            };
            let view = View::from(&block.planes);
            let (now, hop) = measured.energy.take(&view.part(done, frames - done));
            let start = self.gain;
            for plane in block.planes.iter_mut() {
                let mut gain = start;
                for sample in &mut plane[done..done + now] {
                    *sample = saturated(*sample * gain.next_value() as f32);
                }
                self.gain = gain;
            }
            if let Some(hop) = hop {
                self.steer(hop);
            }
            done += now;
        }
    }

    fn set(&mut self, number: usize, value: f64) {
        if let Some(held) = self.values.get_mut(number) {
            *held = value;
        }
    }

    fn latency_frames(&self) -> u64 {
        0
    }

    fn tail(&self) -> Tail {
        Tail::Frames(0)
    }
}
