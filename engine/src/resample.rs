//! Fixed-ratio resampling of a stream, by rubato, aligned with its input.

use audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Indexing, Resampler as _, WindowFunction};

use crate::error::EngineError;

/// Frames taken from the input at once, as near as whole transforms come to it.
const CHUNK_FRAMES: usize = 1024;
/// Frames of the input in a transform, at the least: the more, the longer the filter.
const TRANSFORM_FRAMES: usize = 256;
/// Rates outside this range are not resampled.
const RATES_HZ: std::ops::RangeInclusive<u32> = 1000..=3_072_000;

/// Resamples a stream from one rate to another.
///
/// The filter's delay is taken out, so that frame `n` of the output is the input at the same time;
/// `frames` of input give `frames * to / from` of output, rounded.
pub(crate) struct Resampler {
    inner: Fft<f32>,
    channels: usize,
    ratio: (u64, u64),
    pending: Vec<f32>,
    produced: Vec<f32>,
    /// Output frames of the filter's delay still to be dropped.
    skip_frames: usize,
    in_frames: u64,
    out_frames: u64,
}

impl Resampler {
    pub(crate) fn new(from_hz: u32, to_hz: u32, channels: usize) -> Result<Self, EngineError> {
        let unfit = EngineError::RateRatio { from_hz, to_hz };
        if !RATES_HZ.contains(&from_hz) || !RATES_HZ.contains(&to_hz) {
            return Err(unfit);
        }
        let transform_frames = transform_frames(from_hz, to_hz);
        let transforms = (CHUNK_FRAMES / transform_frames).max(1);
        let inner = Fft::new_custom(
            from_hz as usize,
            to_hz as usize,
            transforms * transform_frames,
            transforms,
            channels,
            WindowFunction::BlackmanHarris2,
            FixedSync::Input,
        )
        .map_err(|_| unfit)?;
        let skip_frames = inner.output_delay();
        let produced = vec![0.0; inner.output_frames_max() * channels];
        Ok(Self {
            inner,
            channels,
            ratio: (u64::from(to_hz), u64::from(from_hz)),
            pending: Vec::new(),
            produced,
            skip_frames,
            in_frames: 0,
            out_frames: 0,
        })
    }

    /// Output frames that `frames` of input give.
    pub(crate) fn frames_out(&self, frames: u64) -> u64 {
        let (to, from) = (u128::from(self.ratio.0), u128::from(self.ratio.1));
        ((u128::from(frames) * to + from / 2) / from) as u64
    }

    /// Takes whole frames and appends to `out` what is ready.
    pub(crate) fn push(&mut self, interleaved: &[f32], out: &mut Vec<f32>) {
        self.in_frames += (interleaved.len() / self.channels) as u64;
        self.pending.extend_from_slice(interleaved);
        self.run(out, u64::MAX);
    }

    /// Ends the stream and appends the rest to `out`.
    pub(crate) fn finish(&mut self, out: &mut Vec<f32>) {
        let total = self.frames_out(self.in_frames);
        while self.out_frames < total {
            let need = self.inner.input_frames_next() * self.channels;
            self.pending.resize(need.max(self.pending.len()), 0.0);
            let before = self.pending.len();
            self.run(out, total);
            if self.pending.len() == before {
                return;
            }
        }
    }

    /// Runs whole chunks; appends no more than brings the output to `total` frames.
    fn run(&mut self, out: &mut Vec<f32>, total: u64) {
        let mut used = 0;
        loop {
            let need = self.inner.input_frames_next();
            let Some(chunk) = self.pending.get(used..used + need * self.channels) else {
                break;
            };
            let made = self.produced.len() / self.channels;
            let (Ok(input), Ok(mut output)) = (
                InterleavedSlice::new(chunk, self.channels, need),
                InterleavedSlice::new_mut(&mut self.produced, self.channels, made),
            ) else {
                break;
            };
            let Ok((_, frames)) =
                self.inner
                    .process_into_buffer(&input, &mut output, None::<&Indexing>)
            else {
                break;
            };
            used += need * self.channels;
            let skipped = self.skip_frames.min(frames);
            self.skip_frames -= skipped;
            let wanted = ((frames - skipped) as u64).min(total - self.out_frames) as usize;
            let samples = skipped * self.channels..(skipped + wanted) * self.channels;
            out.extend_from_slice(&self.produced[samples]);
            self.out_frames += wanted as u64;
        }
        self.pending.drain(..used);
    }
}

/// Frames of the input in a transform: as few as are whole frames of the output too, and an even
/// number. The filter is as long and lies about the middle, which is a frame only then: else all
/// would come half a frame early.
fn transform_frames(from_hz: u32, to_hz: u32) -> usize {
    let (mut divisor, mut rest) = (from_hz, to_hz);
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    let step = (from_hz / divisor) as usize;
    let frames = TRANSFORM_FRAMES.div_ceil(step) * step;
    frames + (frames % 2) * step
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A 997 Hz sine resampled equals the same sine made at the other rate, at the same time, within
    /// -90 dB away from the ends; also where the rates have an odd share of their common divisor.
    #[test]
    fn a_resampled_sine_is_where_it_was() {
        let sine = |rate: u32| -> Vec<f32> {
            let step = std::f64::consts::TAU * 997.0 / f64::from(rate);
            (0..rate)
                .map(|n| (step * f64::from(n)).sin() as f32)
                .collect()
        };
        for (from, to) in [
            (44_100, 48_000),
            (48_000, 44_100),
            (44_100, 16_000),
            (7999, 48_000),
            (200_000, 48_000),
        ] {
            let mut resampler = Resampler::new(from, to, 1).unwrap();
            let mut out = Vec::new();
            for piece in sine(from).chunks(777) {
                resampler.push(piece, &mut out);
            }
            resampler.finish(&mut out);
            let expected = sine(to);
            assert_eq!(out.len(), expected.len());
            let inner = expected.len() / 5..expected.len() * 4 / 5;
            let error = out[inner.clone()]
                .iter()
                .zip(&expected[inner])
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f32::max);
            assert!(error < 3.2e-5, "{from} to {to} Hz: largest error {error}");
        }
    }

    #[test]
    fn absurd_rates_are_refused() {
        assert!(Resampler::new(1, 48_000, 1).is_err());
        assert!(Resampler::new(48_000, u32::MAX, 1).is_err());
    }
}
