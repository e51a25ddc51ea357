//! Hears what the simulated speaker plays: steps, silences, and how late each channel is.

use std::f64::consts::TAU;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ossicle::io::device::sim::Sim;

use super::devices::{RATE_HZ, SPEAKER};
use super::fades::Fades;

/// The tone of all devices: its period is longer than the delays that are told apart by it.
pub const TONE_HZ: f64 = 50.0;
pub const AMPLITUDE: f64 = 0.5;

/// Length of a fade in frames, at the least: 4 ms.
const FADE_FRAMES: f64 = 190.0;
/// Steps are told one by one up to so many.
const STEPS: usize = 5;
/// Silence is so many samples in a row that are smaller than this.
const SILENT: f32 = 1e-4;
const SILENT_FRAMES: u64 = 64;

/// What is heard.
pub struct Ear {
    sim: Sim,
    channels: Vec<Channel>,
    /// Frame of the speaker that is expected next.
    next: Option<u64>,
    /// Largest step of the tone and fades together, at the nominal rate.
    most_step: f32,
    steps: Vec<(usize, f64, f32)>,
    step_count: u64,
    silences: Vec<(usize, f64, f64)>,
}

#[derive(Clone, Default)]
struct Channel {
    last: Option<f32>,
    /// Frame at which silence began.
    silent_since: Option<u64>,
    /// The last frames of one whole period, and the frame behind them.
    window: Vec<f32>,
    end: u64,
    fades: Fades,
}

impl Ear {
    pub fn new(sim: Sim, channels: usize) -> Self {
        let tone = AMPLITUDE * TAU * TONE_HZ / f64::from(RATE_HZ);
        let fade = AMPLITUDE * TAU / 4.0 / FADE_FRAMES;
        // Clocks may be off by a hundredth, and three fades may meet: out, in, and of the device.
        let most_step = 1.05 * (tone + 3.0 * fade);
        Self {
            sim,
            channels: vec![Channel::default(); channels],
            next: None,
            most_step: most_step as f32,
            steps: Vec::new(),
            step_count: 0,
            silences: Vec::new(),
        }
    }

    /// A block of the speaker that begins at its frame `first`.
    pub fn hear(&mut self, first: u64, channels: usize, block: &[f32]) {
        let frames = block.len() as u64 / channels.max(1) as u64;
        let was_away = self.next.is_none_or(|next| next != first);
        // What it claims need not be its rate.
        let block_ns = time_ns(&self.sim, first + frames) - time_ns(&self.sim, first);
        let rate_hz = frames as f64 * 1e9 / block_ns;
        // Of fewer frames each is longer.
        let most_step = self.most_step * (f64::from(RATE_HZ) / rate_hz).max(1.0) as f32;
        for channel in 0..self.channels.len() {
            if was_away {
                self.channels[channel]
                    .silent_since
                    .get_or_insert(self.next.unwrap_or(0));
                // What a device plays that lost frames, or was away, has nothing to go on from.
                self.channels[channel].last = None;
            }
            if channel < channels {
                let block = &block[channel..];
                let fades = &mut self.channels[channel].fades;
                fades.hear(
                    first,
                    rate_hz,
                    block.iter().copied().step_by(channels),
                    was_away,
                );
                self.hear_channel(channel, (first, most_step), block, channels);
            }
        }
        self.next = Some(first + frames);
    }

    fn hear_channel(
        &mut self,
        number: usize,
        (first, most_step): (u64, f32),
        block: &[f32],
        channels: usize,
    ) {
        let channel = &mut self.channels[number];
        let mut steps = Vec::new();
        let mut last = channel.last;
        for (frame, &sample) in (first..).zip(block.iter().step_by(channels)) {
            let step = last.map_or(0.0, |last| (sample - last).abs());
            if step > most_step {
                steps.push((frame, step));
            }
            last = Some(sample);
            if sample.abs() >= SILENT {
                if let Some(since) = channel.silent_since.take()
                    && frame - since >= SILENT_FRAMES
                {
                    let time = |frame: u64| time_ns(&self.sim, frame);
                    self.silences.push((number, time(since), time(frame)));
                }
            } else if channel.silent_since.is_none() {
                channel.silent_since = Some(frame);
            }
        }
        channel.last = last;
        let period = (f64::from(RATE_HZ) / TONE_HZ) as usize;
        channel.window.extend(block.iter().step_by(channels));
        let surplus = channel.window.len().saturating_sub(period);
        channel.window.drain(..surplus);
        channel.end = first + block.len().div_ceil(channels) as u64;
        for (frame, step) in steps {
            self.step_count += 1;
            if self.steps.len() < STEPS {
                self.steps.push((number, time_ns(&self.sim, frame), step));
            }
        }
    }

    /// The longest fade of any channel, in milliseconds.
    pub fn longest_fade_ms(&self) -> f64 {
        let each = self
            .channels
            .iter()
            .map(|channel| channel.fades.longest_ms());
        each.fold(0.0, f64::max)
    }

    /// Frames by which each channel is behind the tone, up to a whole period; `None` for silence.
    pub fn delays(&self) -> Vec<Option<f64>> {
        self.channels
            .iter()
            .map(|channel| self.delay(channel))
            .collect()
    }

    fn delay(&self, channel: &Channel) -> Option<f64> {
        let frames = channel.window.len();
        let begin_ns = time_ns(&self.sim, channel.end.checked_sub(frames as u64)?);
        let step_ns = (time_ns(&self.sim, channel.end) - begin_ns) / frames.max(1) as f64;
        let mut sums = [0.0; 5];
        for (frame, &sample) in channel.window.iter().enumerate() {
            let periods = (begin_ns + frame as f64 * step_ns) * 1e-9 * TONE_HZ;
            let (sin, cos) = (TAU * periods.fract()).sin_cos();
            let x = f64::from(sample);
            let products = [sin * sin, sin * cos, cos * cos, sin * x, cos * x];
            sums.iter_mut()
                .zip(products)
                .for_each(|(sum, product)| *sum += product);
        }
        let [ss, sc, cc, sx, cx] = sums;
        let whole = ss * cc - sc * sc;
        let (a, b) = ((sx * cc - cx * sc) / whole, (cx * ss - sx * sc) / whole);
        // The tone, late by an angle d, is sin(x - d) = cos d sin x - sin d cos x.
        let is_tone = (a.hypot(b) - AMPLITUDE).abs() < 0.1 * AMPLITUDE;
        is_tone.then(|| (-b).atan2(a) / TAU * f64::from(RATE_HZ) / TONE_HZ)
    }

    /// Ends what goes on.
    pub fn finish(&mut self) {
        let Some(end) = self.next else { return };
        let now = self.sim.now_ns() as f64;
        for (number, channel) in self.channels.iter_mut().enumerate() {
            if let Some(since) = channel.silent_since.take()
                && end.saturating_sub(since) >= SILENT_FRAMES
            {
                self.silences.push((number, time_ns(&self.sim, since), now));
            }
        }
    }

    /// The first steps that were too large: channel, time in nanoseconds, size.
    pub fn steps(&self) -> &[(usize, f64, f32)] {
        &self.steps
    }

    pub fn step_count(&self) -> u64 {
        self.step_count
    }

    /// Silences that ended since the last call: channel, begin and end in nanoseconds.
    pub fn take_silences(&mut self) -> Vec<(usize, f64, f64)> {
        std::mem::take(&mut self.silences)
    }
}

fn time_ns(sim: &Sim, frame: u64) -> f64 {
    sim.device_time_ns(SPEAKER, frame as f64).unwrap_or(0.0)
}

/// `a - b` of two delays that are known but for whole periods.
pub fn apart(a: f64, b: f64) -> f64 {
    let period = f64::from(RATE_HZ) / TONE_HZ;
    let turns = (a - b) / period;
    (turns - turns.round()) * period
}

/// How far the two of some delays are apart that are furthest from one another.
pub fn widest(delays: &[f64]) -> f64 {
    let pairs = delays
        .iter()
        .enumerate()
        .flat_map(|(at, &a)| delays[..at].iter().map(move |&b| apart(a, b).abs()));
    pairs.fold(0.0, f64::max)
}

pub fn lock(ear: &Mutex<Ear>) -> MutexGuard<'_, Ear> {
    ear.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_as_far_apart_as_the_first_and_the_last_of_them() {
        // Each within a frame of the next, across the end of the period of 960 frames too.
        assert!((widest(&[958.8, 959.6, 0.4, 1.2]) - 2.4).abs() < 1e-9);
        assert!((widest(&[10.0, 10.9, 10.1]) - 0.9).abs() < 1e-9);
        assert_eq!(widest(&[7.0]), 0.0);
    }
}
