//! Offline: a file through a chain into a file, by the same processor that runs live.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use ossicle_dsp::dither::Dither;
use ossicle_dsp::node::Tail;
use ossicle_dsp::settings::Settings;
use ossicle_io::file::{AudioFile, WavSpec};
use ossicle_io::sample::SampleFormat;

use crate::chain::Chain;
use crate::controller::{Controller, EditError};
use crate::error::EngineError;
use crate::event::ParameterEvent;
use crate::processor::{Processor, ProcessorSpec};
use crate::same_file;
use crate::sink::Sink;

/// Longest ring-out when the chain itself never ends, in seconds.
const ENDLESS_TAIL_S: u64 = 60;
/// Frames between two questions whether to go on, at the least.
const PIECE_FRAMES: usize = 8192;

/// What becomes of the chain's latency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Latency {
    /// The output is aligned with the input.
    Remove,
    /// The output begins with the chain's delay, as it does live.
    Keep,
}

/// How long the chain may ring out behind the end of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenderTail {
    /// Not at all: as many frames out as in.
    None,
    /// So many frames.
    Frames(u64),
    /// As long as the chain says; a chain that never ends rings for a minute.
    Auto,
}

/// How to render.
#[derive(Clone, Debug, PartialEq)]
pub struct RenderOptions {
    /// Frames per block, at least 1. The result does not depend on it.
    pub block_frames: usize,
    /// Sample format of the output.
    pub format: SampleFormat,
    /// Noise added where floating point becomes integers.
    pub dither: Dither,
    /// Sample rate of the output in hertz, 1000 to 3 072 000; `None` for that of the input, at which
    /// the chain runs in any case.
    pub sample_rate_hz: Option<u32>,
    /// What becomes of the chain's latency.
    pub latency: Latency,
    /// How long the chain may ring out.
    pub tail: RenderTail,
    /// Changes of parameters, in any order; positions count the input's frames.
    pub events: Vec<ParameterEvent>,
}

impl Default for RenderOptions {
    fn default() -> Self {
        Self {
            block_frames: 1024,
            format: SampleFormat::F32,
            dither: Dither::None,
            sample_rate_hz: None,
            latency: Latency::Remove,
            tail: RenderTail::None,
            events: Vec::new(),
        }
    }
}

/// How far a render is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RenderProgress {
    /// Frames of the input that are done.
    pub frames: u64,
    /// Frames of the input in all, as far as its header says.
    pub total_frames: Option<u64>,
}

/// What a render came to.
#[derive(Clone, Debug, PartialEq)]
pub struct RenderReport {
    /// Frames written.
    pub frames: u64,
    /// Sample rate in hertz.
    pub sample_rate_hz: u32,
    /// Channels written.
    pub channels: usize,
    /// The chain's latency in frames.
    pub latency_frames: u64,
    /// Largest magnitude behind the chain; 1.0 is 0 dBFS.
    pub peak: f32,
    /// Time the chain took, in per cent of the sound's length.
    pub load_percent: f64,
    /// Samples that were not finite and became silence.
    pub not_finite_samples: u64,
    /// What was odd about the input, in a line each.
    pub warnings: Vec<String>,
    /// The render was broken off; what is there is whole up to `frames`.
    pub interrupted: bool,
}

/// Renders `input` through `chain` into a WAV file `output`, which is replaced if it exists.
///
/// Writes exactly as many frames as it reads, plus the tail that `options` asks for; at another rate
/// as many as last as long, rounded. `progress` is
/// told now and then how far it is, and may break it off.
///
/// # Errors
/// A file that cannot be read or written, or a chain that does not fit it.
///
/// # Real-time
/// Not safe: this is the offline face.
pub fn render(
    input: &Path,
    output: &Path,
    chain: Chain,
    options: &RenderOptions,
    progress: &mut dyn FnMut(RenderProgress) -> ControlFlow<()>,
) -> Result<RenderReport, EngineError> {
    let source = AudioFile::open(input).map_err(|error| EngineError::file(input, error))?;
    same_file::refuse(input, output)?;
    let info = source.info();
    let (sample_rate_hz, channels_in) = (info.sample_rate_hz, info.channels);
    let spec = ProcessorSpec {
        sample_rate_hz,
        max_block_frames: options.block_frames.max(1),
        channels_in,
        channels_out: None,
        latency_budget_frames: 0,
    };
    let (controller, processor) = Controller::new(chain, spec)?;
    let mut events = options.events.clone();
    events.sort_by_key(|event| event.at);
    check(&controller, &events)?;
    let latency_frames = processor.latency_frames();
    let channels = processor.channels_out();
    let wav = WavSpec {
        sample_rate_hz: options.sample_rate_hz.unwrap_or(sample_rate_hz),
        channels,
        format: options.format,
    };
    let writer = Sink::create(output, wav, sample_rate_hz, options.dither)?;
    let skip_frames = match options.latency {
        Latency::Remove => latency_frames,
        Latency::Keep => 0,
    };
    let mut job = Job {
        source,
        controller,
        processor,
        writer,
        events: events.into(),
        out: Vec::new(),
        skip_frames,
        left_frames: u64::MAX,
        busy_ns: 0,
    };
    let fail = |error| EngineError::file(output, error);
    let (frames_in, mut interrupted) = job.run_input(
        input,
        output,
        channels_in,
        options.block_frames.max(1),
        progress,
    )?;
    if !interrupted {
        let tail = ring_out_frames(&mut job.processor, options, skip_frames);
        job.left_frames = frames_in
            .saturating_add(tail)
            .saturating_sub(job.writer.taken_frames());
        let mut go_on = || {
            progress(RenderProgress {
                frames: frames_in,
                total_frames: Some(frames_in),
            })
        };
        interrupted = job
            .run_silence(channels_in, options.block_frames.max(1), &mut go_on)
            .map_err(fail)?;
    }
    let frames = job.writer.finish().map_err(fail)?;
    let counters = job.processor.counters();
    let sound_ns = frames_in.max(1) as f64 * 1e9 / f64::from(sample_rate_hz);
    Ok(RenderReport {
        frames,
        sample_rate_hz: wav.sample_rate_hz,
        channels,
        latency_frames,
        peak: counters.peak(),
        load_percent: 100.0 * job.busy_ns as f64 / sound_ns,
        not_finite_samples: counters
            .not_finite_samples
            .load(std::sync::atomic::Ordering::Relaxed),
        warnings: job.source.info().warnings.clone(),
        interrupted,
    })
}

/// Frames written behind the end of the input.
fn ring_out_frames(processor: &mut Processor, options: &RenderOptions, skip_frames: u64) -> u64 {
    match options.tail {
        RenderTail::None => 0,
        RenderTail::Frames(frames) => frames,
        RenderTail::Auto => match processor.tail() {
            Tail::Frames(frames) => frames.saturating_sub(skip_frames),
            Tail::Endless => ENDLESS_TAIL_S * u64::from(processor.sample_rate_hz()),
        },
    }
}

/// Finds wrong events before anything is written: each by itself, and behind those before it.
fn check(controller: &Controller, events: &[ParameterEvent]) -> Result<(), EditError> {
    let values = controller.nodes().map(|(_, settings)| settings.cloned());
    let mut values: Vec<Option<Settings>> = values.collect();
    for event in events {
        controller.check_event(event)?;
        if let Some(Some(settings)) = values.get_mut(event.node) {
            settings.set(event.parameter, event.value)?;
            settings.check()?;
        }
    }
    Ok(())
}

/// A render in progress.
struct Job {
    source: AudioFile,
    controller: Controller,
    processor: Processor,
    writer: Sink,
    events: std::collections::VecDeque<ParameterEvent>,
    out: Vec<f32>,
    /// Frames of latency still to be dropped.
    skip_frames: u64,
    /// Frames that may still be written.
    left_frames: u64,
    busy_ns: u64,
}

impl Job {
    /// Runs the whole input; returns its frames and whether it was broken off.
    fn run_input(
        &mut self,
        input: &Path,
        output: &Path,
        channels_in: usize,
        block_frames: usize,
        progress: &mut dyn FnMut(RenderProgress) -> ControlFlow<()>,
    ) -> Result<(u64, bool), EngineError> {
        // Read in pieces that the file likes, run in blocks that the caller likes.
        let piece_frames = block_frames.max(PIECE_FRAMES);
        let mut piece = vec![0.0f32; piece_frames * channels_in];
        let total_frames = self.source.info().frames;
        let mut frames_in = 0u64;
        loop {
            let frames = self
                .source
                .read(&mut piece)
                .map_err(|error| EngineError::file(input, error))?;
            if frames == 0 {
                return Ok((frames_in, false));
            }
            for block in piece[..frames * channels_in].chunks(block_frames * channels_in) {
                self.run_block(block, channels_in)
                    .map_err(|error| EngineError::file(output, error))?;
            }
            frames_in += frames as u64;
            if progress(RenderProgress {
                frames: frames_in,
                total_frames,
            })
            .is_break()
            {
                return Ok((frames_in, true));
            }
        }
    }

    /// Runs silence until all is written; returns whether it was broken off.
    fn run_silence(
        &mut self,
        channels_in: usize,
        block_frames: usize,
        go_on: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<bool, ossicle_io::file::FileError> {
        let silence = vec![0.0f32; block_frames * channels_in];
        let mut unasked_frames = 0;
        while self.left_frames > 0 {
            let wanted = self.left_frames.saturating_add(self.skip_frames);
            let frames = wanted.min(block_frames as u64) as usize;
            self.run_block(&silence[..frames * channels_in], channels_in)?;
            unasked_frames += frames;
            if unasked_frames >= PIECE_FRAMES {
                unasked_frames = 0;
                if go_on().is_break() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn run_block(
        &mut self,
        input: &[f32],
        channels_in: usize,
    ) -> Result<(), ossicle_io::file::FileError> {
        let channels_out = self.processor.channels_out();
        let frames = input.len() / channels_in;
        self.out.resize(frames * channels_out, 0.0);
        let mut done = 0;
        while done < frames {
            let now = self.send_events(frames - done);
            let began = Instant::now();
            self.processor.process(
                &input[done * channels_in..(done + now) * channels_in],
                &mut self.out[done * channels_out..(done + now) * channels_out],
            );
            self.busy_ns += began.elapsed().as_nanos() as u64;
            while self.controller.answer().is_some() {}
            done += now;
        }
        let skip = self.skip_frames.min(frames as u64);
        self.skip_frames -= skip;
        let keep = (frames as u64 - skip).min(self.left_frames) as usize;
        self.left_frames -= keep as u64;
        let first = skip as usize;
        self.writer
            .write(&self.out[first * channels_out..(first + keep) * channels_out])
    }

    /// Sends the events of the next `frames` frames; returns how many frames may run before more
    /// must be sent.
    fn send_events(&mut self, frames: usize) -> usize {
        let position = self.processor.position();
        let end = position + frames as u64;
        while let Some(event) = self.events.front().filter(|event| event.at < end) {
            // Every other fault was found before the start.
            if let Err(EditError::Busy { .. }) = self.controller.send_event(event) {
                if event.at > position {
                    return (event.at - position).min(frames as u64) as usize;
                }
                // More for this frame than the ring holds: what was sent is taken first.
                self.processor.take_due();
                while self.controller.answer().is_some() {}
                continue;
            }
            self.events.pop_front();
        }
        frames
    }
}
