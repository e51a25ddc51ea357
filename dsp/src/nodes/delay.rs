//! Delay: echoes, with feedback.
//!
//! wet(n) = line(n - d), line(n) = x(n) + f wet(n), y(n) = x(n) + m (wet(n) - x(n)), with the delay d
//! in frames, also fractional, the feedback f and the mix m. A whole d is an exact copy; in between
//! the line is read by third-order interpolation. The delay glides when it changes, as a tape does.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use crate::block::Block;
use crate::node::{Node, PrepareError, Shape, Spec, Tail};
use crate::parameter::{Kind, Parameter, Scale, Unit};
use crate::parts::delay_line::{DelayLine, Tap};
use crate::parts::finite::{or_zero, saturated};
use crate::parts::glide::{Glide, TIME_CONSTANTS};
use crate::preset::Preset;
use crate::settings::{Effect, Settings};

/// Longest time, in milliseconds; the memory for it is always there.
const MAX_MS: f64 = 10_000.0;
/// The lowest rate at which the shortest time is two frames, as interpolation in a loop needs.
const MIN_RATE_HZ: u32 = 2000;
/// The highest rate for which memory is set aside.
const MAX_RATE_HZ: u32 = 768_000;
/// A delay this close to a whole number of frames is meant to be whole.
const WHOLE_FRAMES: f64 = 1e-4;
/// Length of the glide of the delay, in milliseconds.
const TIME_GLIDE_MS: f32 = 600.0;
/// Its low passes have 20 ms: at its end a tenth of a thousandth of a frame is left of the longest way.
const TIME_TIME_CONSTANTS: f64 = 30.0;
/// Length of the glides of feedback and mix, in milliseconds.
const GLIDE_MS: f32 = 20.0;
/// Feedback below this is silence: far from what can be heard and from subnormal numbers.
const SILENCE: f32 = 1e-20;

const TIME: usize = 0;
const FEEDBACK: usize = 1;
const MIX: usize = 2;

static PARAMETERS: [Parameter; 3] = [
    Parameter {
        id: "time",
        name: "Time",
        summary: "Time from the sound to its first echo",
        unit: Unit::Millisecond,
        min: 1.0,
        max: MAX_MS,
        default: 250.0,
        scale: Scale::Logarithmic,
        kind: Kind::Ramp {
            smoothing_ms: TIME_GLIDE_MS,
        },
    },
    Parameter {
        id: "feedback",
        name: "Feedback",
        summary: "Size of each further echo against the one before; negative inverts it",
        unit: Unit::Percent,
        min: -100.0,
        max: 100.0,
        default: 30.0,
        scale: Scale::Linear,
        kind: Kind::Ramp {
            smoothing_ms: GLIDE_MS,
        },
    },
    Parameter {
        id: "mix",
        name: "Mix",
        summary: "From the sound alone (0) to the echoes alone (100)",
        unit: Unit::Percent,
        min: 0.0,
        max: 100.0,
        default: 30.0,
        scale: Scale::Linear,
        kind: Kind::Ramp {
            smoothing_ms: GLIDE_MS,
        },
    },
];

/// What people often want of it.
static PRESETS: [Preset; 3] = [
    Preset {
        id: "slapback",
        name: "Slapback",
        summary: "One short echo",
        values: &[("time", "110ms"), ("feedback", "0%"), ("mix", "30%")],
    },
    Preset {
        id: "echo",
        name: "Echo",
        summary: "Echoes that die away within seconds",
        values: &[("time", "375ms"), ("feedback", "45%"), ("mix", "30%")],
    },
    Preset {
        id: "doubling",
        name: "Doubling",
        summary: "So short that it thickens the sound",
        values: &[("time", "25ms"), ("feedback", "0%"), ("mix", "50%")],
    },
];

/// The registry's entry.
pub static EFFECT: Effect = Effect {
    id: "delay",
    name: "Delay",
    summary: "Repeats the sound after a time, again and again with feedback",
    about: "A delay line with feedback around it. Times between whole frames are interpolated; a time that is changed glides, as a tape would, and does not click.",
    source: "wet(n) = line(n - d), line(n) = x(n) + f wet(n), y(n) = x(n) + m (wet(n) - x(n)); third-order interpolation between frames",
    presets: &PRESETS,
    parameters: &PARAMETERS,
    create: |settings| Box::new(Delay::new(settings)),
    check: |_| Ok(()),
};

/// Echoes for any number of channels, each by itself.
///
/// Latency 0. The tail lasts until the echoes have fallen by 120 dB, for ever at full feedback.
#[derive(Debug)]
pub struct Delay {
    time_ms: f64,
    sample_rate_hz: u32,
    moving: Moving,
    lines: Vec<DelayLine>,
}

/// What glides: the same for all channels.
#[derive(Clone, Copy, Debug)]
struct Moving {
    delay_frames: Glide,
    feedback: Glide,
    mix: Glide,
}

impl Moving {
    fn frames_left(&self) -> usize {
        let both = self.feedback.frames_left().max(self.mix.frames_left());
        self.delay_frames.frames_left().max(both)
    }
}

impl Delay {
    fn new(settings: &Settings) -> Self {
        let moving = Moving {
            delay_frames: Glide::new(0.0),
            feedback: Glide::new(settings.value(FEEDBACK) / 100.0),
            mix: Glide::new(settings.value(MIX) / 100.0),
        };
        Self {
            time_ms: settings.value(TIME),
            sample_rate_hz: 1,
            moving,
            lines: Vec::new(),
        }
    }

    /// The delay in frames; times that are a whole number of frames but for their last digits
    /// count as whole.
    fn delay_frames(&self) -> f64 {
        let frames = self.time_ms * f64::from(self.sample_rate_hz) / 1000.0;
        let whole = libm::round(frames);
        if (frames - whole).abs() < WHOLE_FRAMES {
            whole
        } else {
            frames
        }
    }
}

impl Node for Delay {
    fn parameters(&self) -> &'static [Parameter] {
        &PARAMETERS
    }

    fn prepare(&mut self, spec: &Spec) -> Result<Shape, PrepareError> {
        if !(MIN_RATE_HZ..=MAX_RATE_HZ).contains(&spec.sample_rate_hz) {
            return Err(PrepareError::SampleRateUnsupported {
                node: EFFECT.id,
                asked_hz: spec.sample_rate_hz,
                min_hz: MIN_RATE_HZ,
                max_hz: MAX_RATE_HZ,
            });
        }
        self.sample_rate_hz = spec.sample_rate_hz;
        self.moving.delay_frames = Glide::new(self.delay_frames());
        self.moving.delay_frames.prepare_as(
            TIME_GLIDE_MS,
            TIME_TIME_CONSTANTS,
            spec.sample_rate_hz,
        );
        for glide in [&mut self.moving.feedback, &mut self.moving.mix] {
            glide.prepare_as(GLIDE_MS, TIME_CONSTANTS, spec.sample_rate_hz);
        }
        let longest = libm::ceil(MAX_MS * f64::from(spec.sample_rate_hz) / 1000.0) as usize;
        self.lines = vec![DelayLine::new(longest); spec.channels];
        Ok(Shape {
            channels: spec.channels,
            latency_frames: 0,
        })
    }

    fn reset(&mut self) {
        self.lines.iter_mut().for_each(DelayLine::clear);
        self.moving.delay_frames.finish();
        self.moving.feedback.finish();
        self.moving.mix.finish();
    }

    fn process(&mut self, block: &mut Block<'_>) {
        let start = self.moving;
        let gliding = start.frames_left().min(block.frames());
        for (line, plane) in self.lines.iter_mut().zip(block.planes.iter_mut()) {
            let mut moving = start;
            let (glide, rest) = plane.split_at_mut(gliding);
            for sample in glide {
                let tap = Tap::new(moving.delay_frames.next_value());
                let feedback = moving.feedback.next_value() as f32;
                *sample = echo(
                    line,
                    *sample,
                    &tap,
                    feedback,
                    moving.mix.next_value() as f32,
                );
            }
            let tap = Tap::new(moving.delay_frames.value());
            let (feedback, mix) = (moving.feedback.value() as f32, moving.mix.value() as f32);
            for sample in rest {
                *sample = echo(line, *sample, &tap, feedback, mix);
            }
            self.moving = moving;
        }
    }

    fn set(&mut self, number: usize, value: f64) {
        match number {
            TIME => {
                self.time_ms = value;
                self.moving.delay_frames.set(self.delay_frames());
            }
            FEEDBACK => self.moving.feedback.set(value / 100.0),
            MIX => self.moving.mix.set(value / 100.0),
            _ => {}
        }
    }

    fn latency_frames(&self) -> u64 {
        0
    }

    fn tail(&self) -> Tail {
        let pass = libm::ceil(self.moving.delay_frames.largest()) + 2.0;
        let feedback = self.moving.feedback.largest();
        if self.moving.mix.largest() == 0.0 {
            Tail::Frames(0)
        } else if feedback >= 1.0 {
            Tail::Endless
        } else if feedback == 0.0 {
            Tail::Frames(pass as u64)
        } else {
            // The line holds at most 1/(1 - f) of the largest sample; interpolation between
            // samples may add a little, hence the 2.
            let passes = libm::log(0.5e-6 * (1.0 - feedback)) / libm::log(feedback);
            Tail::Frames(((libm::ceil(passes) + 1.0) * pass) as u64)
        }
    }
}

/// One frame of one channel.
#[inline(always)]
fn echo(line: &mut DelayLine, sample: f32, tap: &Tap, feedback: f32, mix: f32) -> f32 {
    let dry = or_zero(sample);
    let wet = saturated(line.read(tap));
    let back = feedback * wet;
    let back = if back.abs() < SILENCE { 0.0 } else { back };
    line.push(saturated(dry + back));
    // At the ends the formula would lose the last bit of what is to pass untouched.
    if mix == 1.0 {
        wet
    } else if mix == 0.0 {
        dry
    } else {
        saturated(dry + mix * (wet - dry))
    }
}
