//! What a buffered array stands on.

use std::convert::Infallible;
use std::error::Error;
use std::marker::PhantomData;
use std::ops::Range;

use crate::sample::Sample;

/// Frames by index: what a [`BufferedArray`](super::BufferedArray) loads from.
pub trait Source {
    /// The type of its samples.
    type Sample: Sample;
    /// Why loading may fail.
    type Error: Error + Send + Sync + 'static;

    /// Frames per second; may be fractional.
    fn rate(&self) -> f64;

    /// Channels of a frame.
    fn channels(&self) -> usize;

    /// Frames so far; may grow, must not shrink.
    fn frames(&self) -> u64;

    /// Sizes of further dimensions behind frames and channels: a spectrogram has one.
    fn tail(&self) -> &[usize] {
        &[]
    }

    /// Fills `out` with these frames, row-major: all channels of a frame together, for each channel
    /// its further dimensions. Never asked for frames beyond [`frames`](Self::frames), nor for
    /// none.
    ///
    /// # Errors
    /// When not all of `out` could be filled.
    fn load(&mut self, frames: Range<u64>, out: &mut [Self::Sample]) -> Result<(), Self::Error>;
}

/// Frames that are computed when they are asked for.
#[derive(Clone, Debug)]
pub struct Computed<S, F> {
    rate: f64,
    channels: usize,
    frames: u64,
    tail: Vec<usize>,
    compute: F,
    sample: PhantomData<fn() -> S>,
}

impl<S: Sample, F: FnMut(u64, &mut [S])> Computed<S, F> {
    /// `compute` is given the first frame and the samples to be filled.
    pub fn new(rate: f64, channels: usize, frames: u64, compute: F) -> Self {
        Self {
            rate,
            channels,
            frames,
            tail: Vec::new(),
            compute,
            sample: PhantomData,
        }
    }

    /// With further dimensions of these sizes.
    pub fn with_tail(mut self, tail: &[usize]) -> Self {
        self.tail = tail.to_vec();
        self
    }
}

impl<S: Sample, F: FnMut(u64, &mut [S])> Source for Computed<S, F> {
    type Sample = S;
    type Error = Infallible;

    fn rate(&self) -> f64 {
        self.rate
    }

    fn channels(&self) -> usize {
        self.channels
    }

    fn frames(&self) -> u64 {
        self.frames
    }

    fn tail(&self) -> &[usize] {
        &self.tail
    }

    fn load(&mut self, frames: Range<u64>, out: &mut [S]) -> Result<(), Infallible> {
        (self.compute)(frames.start, out);
        Ok(())
    }
}

/// Interleaved frames in memory, owned or borrowed.
#[derive(Clone, Debug)]
pub struct InMemory<S, D> {
    rate: f64,
    channels: usize,
    data: D,
    sample: PhantomData<fn() -> S>,
}

impl<S: Sample, D: AsRef<[S]>> InMemory<S, D> {
    /// `data` is interleaved; samples behind the last whole frame are left out.
    pub fn new(rate: f64, channels: usize, data: D) -> Self {
        Self {
            rate,
            channels,
            data,
            sample: PhantomData,
        }
    }
}

impl<S: Sample, D: AsRef<[S]>> Source for InMemory<S, D> {
    type Sample = S;
    type Error = Infallible;

    fn rate(&self) -> f64 {
        self.rate
    }

    fn channels(&self) -> usize {
        self.channels
    }

    fn frames(&self) -> u64 {
        self.data
            .as_ref()
            .len()
            .checked_div(self.channels)
            .unwrap_or(0) as u64
    }

    fn load(&mut self, frames: Range<u64>, out: &mut [S]) -> Result<(), Infallible> {
        let first = frames.start as usize * self.channels;
        out.copy_from_slice(&self.data.as_ref()[first..first + out.len()]);
        Ok(())
    }
}
