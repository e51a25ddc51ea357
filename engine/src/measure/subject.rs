//! What is measured, and how sound is put through it.

use core::fmt;

use crate::chain::{Chain, ChainError};
use crate::controller::Controller;
use crate::error::EngineError;
use crate::processor::{Processor, ProcessorSpec};

/// A chain to be measured, at a sample rate and with so many channels in.
pub struct Subject<'a> {
    make: Box<dyn Fn() -> Result<Chain, ChainError> + 'a>,
    /// Sample rate in hertz.
    pub sample_rate_hz: u32,
    /// Channels that go in, at least 1.
    pub channels: usize,
    /// Frames of a block, at least 1. What a chain does must not depend on it; its cost does.
    pub block_frames: usize,
}

impl<'a> Subject<'a> {
    /// The chain that `make` gives, each time anew, at 48 kHz in stereo and in blocks of 64 frames.
    pub fn new(make: impl Fn() -> Result<Chain, ChainError> + 'a) -> Self {
        Self {
            make: Box::new(make),
            sample_rate_hz: 48_000,
            channels: 2,
            block_frames: 64,
        }
    }

    /// The chain of a text, as [`Chain::parse`] reads it.
    ///
    /// # Examples
    /// ```
    /// use ossicle::measure::Subject;
    /// let mut bench = Subject::text("gain:gain=-6dB").bench()?;
    /// let out = bench.run(&[1.0; 8]);
    /// assert_eq!(out.len(), 8);
    /// # Ok::<(), ossicle::EngineError>(())
    /// ```
    #[must_use]
    pub fn text(text: &'a str) -> Self {
        Self::new(move || Chain::parse(text))
    }

    /// A fresh processor for the chain.
    ///
    /// # Errors
    /// A chain that is wrong, or does not fit the rate or the channels.
    pub fn bench(&self) -> Result<Bench, EngineError> {
        let spec = ProcessorSpec {
            sample_rate_hz: self.sample_rate_hz,
            max_block_frames: self.block_frames,
            channels_in: self.channels,
            channels_out: None,
            latency_budget_frames: 0,
        };
        let (controller, processor) = Controller::new((self.make)()?, spec)?;
        Ok(Bench {
            processor,
            _controller: controller,
            block_frames: self.block_frames,
        })
    }
}

impl fmt::Debug for Subject<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Subject")
            .field("sample_rate_hz", &self.sample_rate_hz)
            .field("channels", &self.channels)
            .field("block_frames", &self.block_frames)
            .finish_non_exhaustive()
    }
}

/// A processor on the bench: sound in, sound out.
#[derive(Debug)]
pub struct Bench {
    processor: Processor,
    /// Frees what the processor gives back; there is nothing to be said to it.
    _controller: Controller,
    block_frames: usize,
}

impl Bench {
    /// Channels that come out.
    #[must_use]
    pub fn channels_out(&self) -> usize {
        self.processor.channels_out()
    }

    /// The processor.
    pub fn processor(&mut self) -> &mut Processor {
        &mut self.processor
    }

    /// Puts interleaved frames through, in the subject's blocks, and returns as many.
    ///
    /// # Panics
    /// When `input` is not a whole number of frames.
    pub fn run(&mut self, input: &[f32]) -> Vec<f32> {
        let (channels_in, channels_out) =
            (self.processor.channels_in(), self.processor.channels_out());
        let mut output = vec![0.0; input.len() / channels_in * channels_out];
        for (input, output) in input
            .chunks(self.block_frames * channels_in)
            .zip(output.chunks_mut(self.block_frames * channels_out))
        {
            self.processor.process(input, output);
        }
        output
    }

    /// Puts the same sound into every channel; returns a plane for each channel out.
    pub fn run_alike(&mut self, plane: &[f32]) -> Vec<Vec<f32>> {
        let channels_in = self.processor.channels_in();
        let alike = |&sample| core::iter::repeat_n(sample, channels_in);
        let input: Vec<f32> = plane.iter().flat_map(alike).collect();
        let channels_out = self.processor.channels_out();
        let output = self.run(&input);
        (0..channels_out)
            .map(|channel| {
                output
                    .iter()
                    .copied()
                    .skip(channel)
                    .step_by(channels_out)
                    .collect()
            })
            .collect()
    }
}
