//! A limiter whose ceiling holds between the samples too.
//!
//! p(n) is the largest magnitude from frame n to the next, at twelve times the rate. The gain is 1
//! less the reduction that `reduction.rs` makes of w(n) = 1 - c/p(n); it multiplies the signal held
//! back until the reduction is there. Where bass makes most of a peak, what it requires is held over
//! the swings of the lowest notes, so that the gain does not follow them.
//!
//! Source: Geraint Luff, "Designing a straightforward limiter" (signalsmith-audio.co.uk, 2022), for
//! the moving maximum smoothed by boxes. Ours are the counting in whole steps, which makes the
//! ceiling exact in single precision too, the detector and the hold of bass.
//!
//! Frames are worked on in groups of eight, counted since the reset; a group waits until it is full,
//! which is seven frames of the latency.

mod bass;
mod reduction;
mod table;

use alloc::vec;
use alloc::vec::Vec;

use crate::block::Block;
use crate::node::{Node, PrepareError, Shape, Spec, Tail};
use crate::parameter::Parameter;
use crate::parts::decibel::amplitude;
use crate::parts::fading::Fade;
use crate::parts::finite::or_zero;
use crate::parts::glide::{Glide, TIME_CONSTANTS};
use crate::parts::true_peak::{GROUP, LAG_FRAMES, MAX_FRAMES, TruePeakDetector};
use crate::parts::vectors::{Eight, Vectors, Work};
use crate::parts::window::Window;
use crate::settings::Settings;

use bass::{Bass, Hold};
use reduction::{Reduction, required};
pub use table::EFFECT;
use table::{CEILING, GLIDE_MS, INPUT_GAIN, LINK, LOOK_AHEAD, PARAMETERS, RELEASE};

/// Rates for which memory is set aside and the detector has a meaning, in hertz.
const RATES_HZ: (u32, u32) = (8000, 768_000);
/// Frames that are worked on in one go.
const PIECE: usize = MAX_FRAMES;
/// Samples beyond this are taken as this, so that no sum of them overflows: 360 dB over full scale.
const LARGEST: f32 = 1e18;

/// Holds the true peak of any number of channels under a ceiling.
///
/// Latency: look-ahead + 40 frames, 34 of them the detector's. Tail: as long. Channels: linked as
/// asked, each with the same delay.
#[derive(Debug)]
pub struct TruePeakLimiter {
    look_ahead_ms: f64,
    release_ms: f64,
    /// 0 to 1.
    link: f32,
    sample_rate_hz: u32,
    latency_frames: usize,
    ceiling: Glide,
    input_gain: Glide,
    release: Fade,
    vectors: Vectors,
    /// Frames that came after the last whole group.
    waiting: usize,
    channels: Vec<Channel>,
    /// One for all channels when they are wholly linked, else one for each.
    reductions: Vec<Reduction>,
}

/// What each channel has of its own.
#[derive(Clone, Debug)]
struct Channel {
    signal: Window<f32>,
    detector: TruePeakDetector,
    bass: Bass,
    hold: Hold,
    required: [f32; MAX_FRAMES],
    held: [f32; MAX_FRAMES / GROUP],
}

impl TruePeakLimiter {
    fn new(settings: &Settings) -> Self {
        Self {
            look_ahead_ms: settings.value(LOOK_AHEAD),
            release_ms: settings.value(RELEASE),
            link: (settings.value(LINK) / 100.0) as f32,
            sample_rate_hz: 1,
            latency_frames: 0,
            ceiling: Glide::new(amplitude(settings.value(CEILING))),
            input_gain: Glide::new(amplitude(settings.value(INPUT_GAIN))),
            release: Fade::new(0.0),
            vectors: Vectors::PLAIN,
            waiting: 0,
            channels: Vec::new(),
            reductions: Vec::new(),
        }
    }

    fn update_release(&mut self) {
        let frames = self.release_ms * 1e-3 * f64::from(self.sample_rate_hz);
        for reduction in &mut self.reductions {
            reduction.settle(&self.release);
        }
        self.release = Fade::new(libm::exp(-1.0 / frames));
    }

    /// Takes the frames `begin..begin + count` of the block and puts the output in their place.
    #[inline(always)]
    fn piece<E: Eight>(&mut self, block: &mut Block<'_>, begin: usize, count: usize) {
        self.take(block, begin, count);
        let ready = (self.waiting + count) / GROUP * GROUP;
        self.waiting = self.waiting + count - ready;
        if ready > 0 {
            self.find_required(ready);
            self.reduce::<E>(ready);
        }
        let age = count + self.latency_frames;
        let gain_age = GROUP - 1 + count - self.waiting;
        for (number, channel) in self.channels.iter().enumerate() {
            let signal = channel.signal.since(age, count);
            let shared = number.min(self.reductions.len() - 1);
            let gains = self.reductions[shared].gains(gain_age, count);
            let out = &mut block.planes.plane_mut(number)[begin..begin + count];
            for ((out, &sample), &gain) in out.iter_mut().zip(signal).zip(gains) {
                *out = sample * gain;
            }
        }
    }

    /// Appends the input, times the input gain, to the channels' signals.
    #[inline(always)]
    fn take(&mut self, block: &Block<'_>, begin: usize, count: usize) {
        let mut gains = [self.input_gain.value() as f32; PIECE];
        if self.input_gain.frames_left() > 0 {
            for gain in &mut gains[..count] {
                *gain = self.input_gain.next_value() as f32;
            }
        }
        for (number, channel) in self.channels.iter_mut().enumerate() {
            let input = &block.planes.plane(number)[begin..begin + count];
            let signal = channel.signal.append(count);
            for ((kept, &sample), &gain) in signal.iter_mut().zip(input).zip(&gains) {
                let louder = or_zero(sample) * gain;
                let louder = if louder < LARGEST { louder } else { LARGEST };
                *kept = if louder > -LARGEST { louder } else { -LARGEST };
            }
        }
    }

    /// What the peaks of the groups that are whole require, for each channel by itself.
    #[inline(always)]
    fn find_required(&mut self, ready: usize) {
        let mut ceilings = [0.0; MAX_FRAMES];
        let ceilings = &mut ceilings[..ready];
        ceilings.fill(under(self.ceiling.value()));
        if self.ceiling.frames_left() > 0 {
            for ceiling in ceilings.iter_mut() {
                *ceiling = under(self.ceiling.next_value());
            }
        }
        for channel in &mut self.channels {
            let signal = channel.signal.since(self.waiting + ready, ready);
            let peaks = &mut channel.required[..ready];
            channel.detector.run(signal, peaks);
            let mut loudest = [0.0; MAX_FRAMES / GROUP];
            let groups = peaks.as_chunks_mut::<GROUP>().0.iter_mut();
            let groups = groups.zip(ceilings.as_chunks::<GROUP>().0);
            for ((peaks, ceilings), (loudest, held)) in
                groups.zip(loudest.iter_mut().zip(&mut channel.held))
            {
                *loudest = largest(peaks);
                for (peak, &ceiling) in peaks.iter_mut().zip(ceilings) {
                    *peak = required(*peak, ceiling);
                }
                *held = largest(peaks);
            }
            let held = &mut channel.held[..ready / GROUP];
            channel.bass.run(signal, &loudest, held);
            channel.hold.run(held);
        }
    }

    /// Links the channels and hands what is required to the gains.
    #[inline(always)]
    fn reduce<E: Eight>(&mut self, ready: usize) {
        let groups = ready / GROUP;
        let mut all = [0.0; MAX_FRAMES];
        let mut all_held = [0.0; MAX_FRAMES / GROUP];
        let (all, all_held) = (&mut all[..ready], &mut all_held[..groups]);
        for channel in &self.channels {
            raise(all, &channel.required);
            raise(all_held, &channel.held);
        }
        if let [shared] = &mut self.reductions[..] {
            shared.run::<E>(all, all_held, &self.release);
            return;
        }
        for (channel, own) in self.channels.iter_mut().zip(&mut self.reductions) {
            let (required, held) = (&mut channel.required[..ready], &mut channel.held[..groups]);
            link(required, all, self.link);
            link(held, all_held, self.link);
            own.run::<E>(required, held, &self.release);
        }
    }
}

/// The next single number not above a ceiling.
#[inline(always)]
fn under(ceiling: f64) -> f32 {
    let nearest = ceiling as f32;
    if f64::from(nearest) > ceiling {
        nearest.next_down()
    } else {
        nearest
    }
}

#[inline(always)]
fn largest(group: &[f32; GROUP]) -> f32 {
    let larger = |a: f32, b: f32| if a > b { a } else { b };
    let [a, b, c, d, e, f, g, h] = *group;
    let [a, b, c, d] = [larger(a, e), larger(b, f), larger(c, g), larger(d, h)];
    larger(larger(a, c), larger(b, d))
}

/// Each of `values` at least as large as the other.
#[inline(always)]
fn raise(values: &mut [f32], others: &[f32]) {
    for (value, &other) in values.iter_mut().zip(others) {
        *value = if other > *value { other } else { *value };
    }
}

/// Moves `values` up to `all`, by a share of the way.
#[inline(always)]
fn link(values: &mut [f32], all: &[f32], share: f32) {
    for (value, &all) in values.iter_mut().zip(all) {
        let linked = *value + share * (all - *value);
        *value = if linked > *value { linked } else { *value };
    }
}

/// A block to be limited, as work for wide registers.
struct Limiting<'a, 'b> {
    limiter: &'a mut TruePeakLimiter,
    block: &'a mut Block<'b>,
}

impl Work for Limiting<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<E: Eight>(self) {
        let frames = self.block.frames();
        let mut done = 0;
        while done < frames {
            let count = (frames - done).min(PIECE);
            self.limiter.piece::<E>(self.block, done, count);
            done += count;
        }
    }
}

impl Node for TruePeakLimiter {
    fn parameters(&self) -> &'static [Parameter] {
        &PARAMETERS
    }

    fn prepare(&mut self, spec: &Spec) -> Result<Shape, PrepareError> {
        let (min_hz, max_hz) = RATES_HZ;
        if !(min_hz..=max_hz).contains(&spec.sample_rate_hz) {
            return Err(PrepareError::SampleRateUnsupported {
                node: EFFECT.id,
                asked_hz: spec.sample_rate_hz,
                min_hz,
                max_hz,
            });
        }
        let rate = f64::from(spec.sample_rate_hz);
        self.sample_rate_hz = spec.sample_rate_hz;
        self.reductions.clear();
        self.update_release();
        for glide in [&mut self.ceiling, &mut self.input_gain] {
            glide.prepare_as(GLIDE_MS, TIME_CONSTANTS, spec.sample_rate_hz);
        }
        self.vectors = Vectors::detect();
        let look_ahead = libm::round(self.look_ahead_ms * 1e-3 * rate) as usize;
        self.latency_frames = LAG_FRAMES + Reduction::latency_frames(look_ahead) + GROUP - 1;
        let channel = Channel {
            signal: Window::new(self.latency_frames + 2 * MAX_FRAMES),
            detector: TruePeakDetector::new(),
            bass: Bass::new(spec.sample_rate_hz),
            hold: Hold::new(spec.sample_rate_hz),
            required: [0.0; MAX_FRAMES],
            held: [0.0; MAX_FRAMES / GROUP],
        };
        let paths = if self.link == 1.0 { 1 } else { spec.channels };
        self.channels = vec![channel; spec.channels];
        self.reductions = vec![Reduction::new(look_ahead); paths];
        self.waiting = 0;
        Ok(Shape {
            channels: spec.channels,
            latency_frames: self.latency_frames as u64,
        })
    }

    fn reset(&mut self) {
        for channel in &mut self.channels {
            channel.signal.clear();
            channel.detector.clear();
            channel.bass.clear();
            channel.hold.clear();
        }
        self.reductions.iter_mut().for_each(Reduction::clear);
        self.waiting = 0;
        self.ceiling.finish();
        self.input_gain.finish();
    }

    fn process(&mut self, block: &mut Block<'_>) {
        self.vectors.run(Limiting {
            limiter: self,
            block,
        });
    }

    fn set(&mut self, number: usize, value: f64) {
        match number {
            CEILING => self.ceiling.set(amplitude(value)),
            INPUT_GAIN => self.input_gain.set(amplitude(value)),
            RELEASE => {
                self.release_ms = value;
                self.update_release();
            }
            _ => {}
        }
    }

    fn latency_frames(&self) -> u64 {
        self.latency_frames as u64
    }

    fn tail(&self) -> Tail {
        Tail::Frames(self.latency_frames as u64)
    }
}
