//! From the sound that is listened to, to levels: filters, measure, window, link.

use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

use super::key_filter::KeyFilter;
use super::level::{self, MeanPower, Measure, SOFTEST};
use super::{PIECE, Piece};
use crate::block::Block;
use crate::parts::analogue::Response;
use crate::parts::moving_max::MovingMax;

/// The longest time for which a peak counts, in milliseconds: half a period of 50 Hz.
const LONGEST_HOLD_MS: f64 = 10.0;
/// The share of a release for which a peak counts.
const HOLD_SHARE: f64 = 0.25;

/// Frames for which a peak counts after it, of a release of so many frames.
///
/// Between two peaks of a wave its level is not lower. A peak that counts for half a period keeps
/// the gain from following the wave itself; that time is taken out of the release.
#[must_use]
pub fn hold_frames(release_frames: f64, sample_rate_hz: u32) -> usize {
    let longest = LONGEST_HOLD_MS * 1e-3 * f64::from(sample_rate_hz);
    (HOLD_SHARE * release_frames).min(longest) as usize
}

/// The most that [`hold_frames`] gives.
#[must_use]
pub fn longest_hold_frames(sample_rate_hz: u32) -> usize {
    hold_frames(f64::INFINITY, sample_rate_hz)
}

/// What a detector is prepared for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DetectorSpec {
    /// Sample rate in hertz.
    pub sample_rate_hz: u32,
    /// Channels that are listened to.
    pub channels: usize,
    /// What is measured.
    pub measure: Measure,
    /// How much of the largest level of all channels goes into each, 0 to 1. At 1 there is one
    /// level for all.
    pub link: f64,
    /// The longest window in frames.
    pub max_window: usize,
    /// Corner of the high pass before it in hertz, if there is one.
    pub high_pass_hz: Option<f64>,
    /// Corner of the low pass before it in hertz, if there is one.
    pub low_pass_hz: Option<f64>,
}

/// Levels of several channels, or one for all.
#[derive(Clone, Debug)]
pub struct Detector {
    high_pass: KeyFilter,
    low_pass: KeyFilter,
    /// Share of a frame in the mean power; of no use for amplitudes.
    power_rate: f64,
    measure: Measure,
    link: f32,
    powers: Vec<MeanPower>,
    windows: Vec<MovingMax>,
    window: usize,
    /// What is listened to, behind the filters.
    keys: Vec<Piece>,
}

impl Detector {
    /// A detector for no channels, until it is prepared.
    #[must_use]
    pub fn new() -> Self {
        Self {
            high_pass: KeyFilter::new(Response::HighPass),
            low_pass: KeyFilter::new(Response::LowPass),
            power_rate: 1.0,
            measure: Measure::Amplitude,
            link: 1.0,
            powers: Vec::new(),
            windows: Vec::new(),
            window: 1,
            keys: Vec::new(),
        }
    }

    /// Makes it ready, with a window of one frame.
    ///
    /// # Real-time
    /// Not safe: allocates.
    pub fn prepare(&mut self, spec: &DetectorSpec) {
        let (rate, channels) = (spec.sample_rate_hz, spec.channels);
        self.high_pass.prepare(rate, channels, spec.high_pass_hz);
        self.low_pass.prepare(rate, channels, spec.low_pass_hz);
        self.measure = spec.measure;
        self.link = spec.link as f32;
        self.powers = vec![MeanPower::SILENCE; channels];
        self.keys = vec![[0.0; PIECE]; channels];
        let paths = if self.link >= 1.0 { 1 } else { channels };
        let floor = match spec.measure {
            Measure::Amplitude => SOFTEST,
            Measure::Power => SOFTEST * SOFTEST,
        };
        self.windows = vec![MovingMax::new(spec.max_window, floor); paths];
        self.window = 1;
    }

    /// How many levels it gives: one, or one for each channel.
    #[must_use]
    pub fn paths(&self) -> usize {
        self.windows.len()
    }

    /// Forgets all sound and ends what glides.
    ///
    /// # Real-time
    /// Safe.
    pub fn reset(&mut self) {
        self.high_pass.reset();
        self.low_pass.reset();
        self.powers.fill(MeanPower::SILENCE);
        self.windows.iter_mut().for_each(MovingMax::clear);
    }

    /// Frames, this one among them, of which the largest level counts; at most the longest.
    ///
    /// # Real-time
    /// Safe.
    pub fn set_window(&mut self, frames: usize) {
        self.window = frames;
        self.windows
            .iter_mut()
            .for_each(|window| window.set_window(frames));
    }

    /// The time over which power is averaged, in frames: the mean age of what counts.
    ///
    /// # Real-time
    /// Safe.
    pub fn set_power_window(&mut self, frames: f64) {
        self.power_rate = MeanPower::rate(frames);
    }

    /// Moves the corner of the high pass before it, or turns it off.
    ///
    /// # Real-time
    /// Safe.
    pub fn set_high_pass(&mut self, frequency_hz: Option<f64>) {
        self.high_pass.set(frequency_hz);
    }

    /// Moves the corner of the low pass before it, or turns it off.
    ///
    /// # Real-time
    /// Safe.
    pub fn set_low_pass(&mut self, frequency_hz: Option<f64>) {
        self.low_pass.set(frequency_hz);
    }

    /// Writes the levels of the frames `piece` of a block in octaves, one for each path: those of
    /// the side-chain where there is one, else of the block itself.
    ///
    /// # Real-time
    /// Safe.
    #[inline(always)]
    pub fn listen(&mut self, block: &Block<'_>, piece: Range<usize>, levels: &mut [Piece]) {
        let since_reset = block.since_reset + piece.start as u64;
        if let Some(side) = block.side_chain {
            let last = side.channels() - 1;
            let key = |channel: usize| &side.plane(channel.min(last))[piece.clone()];
            self.detect(key, since_reset, levels);
        } else {
            let key = |channel| &block.planes.plane(channel)[piece.clone()];
            self.detect(key, since_reset, levels);
        }
    }

    /// Writes the levels of a piece in octaves, one for each path. `key`: the samples of a
    /// channel, all of them equally many; `since_reset`: frames before the piece.
    ///
    /// # Real-time
    /// Safe.
    #[inline(always)]
    pub fn detect<'k>(
        &mut self,
        key: impl Fn(usize) -> &'k [f32],
        since_reset: u64,
        levels: &mut [Piece],
    ) {
        let frames = key(0).len();
        let channels = self.keys.len();
        if self.hears_as_it_is() {
            combine(key, channels, levels, level::peak, level::raise_to_peak);
        } else {
            self.hear(key, frames, since_reset);
            let key = |channel: usize| &self.keys[channel][..frames];
            match self.measure {
                Measure::Amplitude => {
                    combine(key, channels, levels, level::peak, level::raise_to_peak);
                }
                Measure::Power => combine(key, channels, levels, level::copy, level::raise_to),
            }
        }
        for (window, levels) in self.windows.iter_mut().zip(levels.iter_mut()) {
            if self.window > 1 {
                window.process(&mut levels[..frames]);
            }
            level::to_octaves(&mut levels[..frames], self.measure);
        }
        if self.link < 1.0 && self.link > 0.0 {
            level::link(levels, frames, self.link);
        }
    }

    #[inline(always)]
    fn hears_as_it_is(&self) -> bool {
        self.measure == Measure::Amplitude && self.high_pass.is_off() && self.low_pass.is_off()
    }

    /// Fills the keys: what is listened to, behind the filters, as its power where that counts.
    #[inline(always)]
    fn hear<'k>(&mut self, key: impl Fn(usize) -> &'k [f32], frames: usize, since_reset: u64) {
        for (channel, to) in self.keys.iter_mut().enumerate() {
            to[..frames].copy_from_slice(key(channel));
        }
        self.high_pass.process(&mut self.keys, frames, since_reset);
        self.low_pass.process(&mut self.keys, frames, since_reset);
        if self.measure == Measure::Power {
            for (key, power) in self.keys.iter_mut().zip(&mut self.powers) {
                power.process(&mut key[..frames], self.power_rate);
            }
        }
    }
}

impl Default for Detector {
    fn default() -> Self {
        Self::new()
    }
}

/// The levels of the channels, each by itself or the largest of all, as there are paths.
#[inline(always)]
fn combine<'k>(
    key: impl Fn(usize) -> &'k [f32],
    channels: usize,
    levels: &mut [Piece],
    write: impl Fn(&[f32], &mut [f32]),
    raise: impl Fn(&[f32], &mut [f32]),
) {
    for (path, levels) in levels.iter_mut().enumerate() {
        write(key(path), levels);
    }
    if let [levels] = levels {
        for channel in 1..channels {
            raise(key(channel), levels);
        }
    }
}
