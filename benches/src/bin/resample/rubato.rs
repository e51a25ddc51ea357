//! rubato's sinc of the same length.

use anyhow::{Context, Result, ensure};
use audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Async, FixedAsync, Indexing, Resampler as _, SincInterpolationParameters,
    SincInterpolationType, WindowFunction,
};

use crate::{BLOCK, Resample, STEP};

/// Rows for a way of one input frame, as many as ours.
const ROWS: usize = 2048;

/// rubato, fed as it asks.
pub struct Rubato {
    inner: Async<f32>,
    channels: usize,
    piece: Vec<f32>,
}

impl Rubato {
    /// A resampler of so many taps.
    pub fn new(taps: usize, channels: usize) -> Result<Self> {
        let parameters = SincInterpolationParameters::new(taps, WindowFunction::BlackmanHarris2)
            .oversampling_factor(ROWS)
            .interpolation(SincInterpolationType::Linear);
        let fixed = FixedAsync::Output;
        let inner = Async::new_sinc(1.0 / STEP, 1.01, &parameters, BLOCK, channels, fixed)?;
        let piece = vec![0.0; inner.input_frames_max() * channels];
        Ok(Self {
            inner,
            channels,
            piece,
        })
    }
}

impl Resample for Rubato {
    fn block(&mut self, input: &mut dyn FnMut(&mut [f32]), out: &mut [f32]) -> Result<()> {
        let frames = self.inner.input_frames_next();
        let piece = &mut self.piece[..frames * self.channels];
        input(piece);
        let source = InterleavedSlice::new(piece, self.channels, frames)?;
        let mut target = InterleavedSlice::new_mut(out, self.channels, BLOCK)?;
        let (_, made) = self
            .inner
            .process_into_buffer(&source, &mut target, None::<&Indexing>)
            .context("rubato")?;
        ensure!(made == BLOCK, "rubato made {made} frames");
        Ok(())
    }
}
