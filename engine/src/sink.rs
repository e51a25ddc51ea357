//! Where a render goes: another sample rate if asked for, then dither, then a WAV file.

use std::path::Path;

use ossicle_dsp::dither::{Dither, Ditherer};
use ossicle_io::file::{FileError, Overwrite, WavSpec, WavWriter};
use ossicle_io::sample::SampleFormat;

use crate::error::EngineError;
use crate::resample::Resampler;

/// A WAV file that takes frames at the rate of the render.
pub(crate) struct Sink {
    writer: WavWriter,
    resampler: Option<Resampler>,
    ditherer: Option<Ditherer>,
    channels: usize,
    /// Frames taken, at the rate of the render.
    taken_frames: u64,
    ready: Vec<f32>,
}

impl Sink {
    /// Creates the file, or replaces it.
    pub(crate) fn create(
        path: &Path,
        spec: WavSpec,
        from_hz: u32,
        dither: Dither,
    ) -> Result<Self, EngineError> {
        let resampler = (spec.sample_rate_hz != from_hz)
            .then(|| Resampler::new(from_hz, spec.sample_rate_hz, spec.channels))
            .transpose()?;
        // An f32 has 24 bits, and a 32-bit code carries no more of it.
        let bits = match spec.format {
            SampleFormat::I16 => Some(16),
            SampleFormat::I24 | SampleFormat::I32 => Some(24),
            SampleFormat::F32 => None,
        };
        let rate = spec.sample_rate_hz;
        let ditherer = bits
            .filter(|_| dither != Dither::None)
            .map(|bits| Ditherer::new(dither, bits, spec.channels, rate));
        let writer = WavWriter::create(path, spec, Overwrite::Replace)
            .map_err(|error| EngineError::file(path, error))?;
        Ok(Self {
            writer,
            resampler,
            ditherer,
            channels: spec.channels,
            taken_frames: 0,
            ready: Vec::new(),
        })
    }

    /// Frames taken so far, at the rate of the render.
    pub(crate) fn taken_frames(&self) -> u64 {
        self.taken_frames
    }

    /// Takes interleaved frames.
    pub(crate) fn write(&mut self, interleaved: &[f32]) -> Result<(), FileError> {
        self.taken_frames += (interleaved.len() / self.channels) as u64;
        self.ready.clear();
        match &mut self.resampler {
            Some(resampler) => resampler.push(interleaved, &mut self.ready),
            None if self.ditherer.is_none() => return self.writer.write(interleaved),
            None => self.ready.extend_from_slice(interleaved),
        }
        self.pass_on()
    }

    fn pass_on(&mut self) -> Result<(), FileError> {
        if let Some(ditherer) = &mut self.ditherer {
            ditherer.process(&mut self.ready);
        }
        self.writer.write(&self.ready)
    }

    /// Writes what is held back and closes the file; returns the frames in it.
    pub(crate) fn finish(mut self) -> Result<u64, FileError> {
        self.ready.clear();
        if let Some(resampler) = &mut self.resampler {
            resampler.finish(&mut self.ready);
            self.pass_on()?;
        }
        let frames = self.writer.frames();
        self.writer.finish()?;
        Ok(frames)
    }
}
