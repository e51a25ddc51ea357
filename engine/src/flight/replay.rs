//! Runs a flight again.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::time::Instant;

use ossicle_io::file::{AudioFile, Overwrite, WavSpec, WavWriter};
use ossicle_io::sample::SampleFormat;

use super::dump::{HEAD, INPUT};
use super::steps::{Step, Todo, nodes, steps};
use super::verdict::{Segment, verdict};
use super::{Flight, FlightError, OutputHash, form};
use crate::controller::{Controller, EditError};
use crate::processor::{Processor, ProcessorSpec};
use crate::session::CHUNK_FRAMES;

/// What running a flight again came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Replayed {
    /// Callbacks of the flight that could be compared; they are the first ones.
    pub compared: usize,
    /// Callbacks among them that gave the same bits.
    pub matched: usize,
    /// The first of them that did not.
    pub first_difference: Option<usize>,
    /// The callback from which on all of them gave the same bits, if the last one did.
    pub agrees_from: Option<usize>,
    /// Whether all agrees that can be: every callback where the chain's state is known, and the last
    /// ones of each part before which it is not.
    pub agrees: bool,
    /// Why the callbacks behind were not compared.
    pub stopped: Option<Stopped>,
    /// Of each callback that was compared, whether it gave the same bits.
    pub matches: Vec<bool>,
    /// What each of them took this time, in nanoseconds.
    pub costs_ns: Vec<u64>,
}

/// Why a replay goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stopped {
    /// A node of the program's own came into the chain: it cannot be made again.
    OwnNode {
        /// Number of the node.
        node: u64,
    },
    /// The answer to a command was not read before the dump: where it took effect is not known.
    Unanswered,
}

impl core::fmt::Display for Stopped {
    fn fmt(&self, to: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::OwnNode { node } => {
                write!(
                    to,
                    "node {node} is the program's own and cannot be made again"
                )
            }
            Self::Unanswered => {
                to.write_str("a command was on its way whose answer had not been read")
            }
        }
    }
}

impl Flight {
    /// Runs the flight again: the same frames through the same chain, with the same commands on the
    /// same frames. What leaves the chain is written to `output`, a WAV file of 32-bit float that is
    /// replaced if it exists.
    ///
    /// # Errors
    /// The sound of the flight cannot be read or does not fit it, the chain cannot be made, or
    /// `output` cannot be written.
    pub fn replay(&self, output: Option<&Path>) -> Result<Replayed, FlightError> {
        let (steps, end) = steps(self)?;
        let input = self.open_input()?;
        let origin = self.callbacks()[0].position;
        let begin = &self.head.begin;
        let nodes = nodes(&begin.nodes, &self.folder.join(HEAD))?;
        if let Some((id, _)) = nodes.iter().find(|(_, node)| node.settings.is_none()) {
            return Err(FlightError::OwnNode { node: id.0 });
        }
        let nodes: BTreeMap<_, _> = nodes.into_iter().collect();
        let items = form::items(begin.items.clone());
        let head = &self.head;
        let spec = ProcessorSpec {
            sample_rate_hz: head.sample_rate_hz,
            max_block_frames: head.max_block_frames,
            channels_in: head.channels_in,
            channels_out: Some(head.channels_out),
            latency_budget_frames: head.latency_budget_frames,
        };
        let (controller, mut processor) = Controller::resumed(items, nodes, origin, spec)?;
        // Positions are those of the flight.
        processor.skip(origin);
        let writer = output.map(|path| {
            let spec = WavSpec {
                sample_rate_hz: head.sample_rate_hz,
                channels: head.channels_out,
                format: SampleFormat::F32,
            };
            WavWriter::create(path, spec, Overwrite::Replace).map_err(FlightError::sound(path))
        });
        let mut run = Run {
            flight: self,
            controller,
            processor,
            processed: self.callbacks()[0].processed,
            steps,
            input,
            writer: writer.transpose()?.zip(output),
            scratch_in: Vec::new(),
            scratch_out: Vec::new(),
            matches: Vec::new(),
            segments: Vec::new(),
            costs_ns: Vec::new(),
        };
        run.all(end.callbacks)?;
        let Run {
            matches,
            segments,
            costs_ns,
            writer,
            ..
        } = run;
        if let Some((writer, path)) = writer {
            writer.finish().map_err(FlightError::sound(path))?;
        }
        let (agrees_from, agrees) = verdict(&matches, &segments);
        Ok(Replayed {
            compared: matches.len(),
            matched: matches.iter().filter(|matched| **matched).count(),
            first_difference: matches.iter().position(|matched| !matched),
            agrees_from,
            agrees,
            stopped: end.stopped,
            matches,
            costs_ns,
        })
    }

    /// Opens the sound and checks that it is as long as the callbacks.
    fn open_input(&self) -> Result<AudioFile, FlightError> {
        let path = self.folder.join(INPUT);
        let file = AudioFile::open(&path).map_err(FlightError::sound(&path))?;
        let (first, last) = (
            self.callbacks()[0],
            self.callbacks()[self.callbacks().len() - 1],
        );
        let (info, head) = (file.info(), &self.head);
        let told = last.processed_end() - first.processed;
        let checks = [
            (
                "sample rate",
                u64::from(info.sample_rate_hz),
                u64::from(head.sample_rate_hz),
            ),
            (
                "number of channels",
                info.channels as u64,
                head.channels_in as u64,
            ),
            ("number of frames", info.frames.unwrap_or(0).min(told), told),
        ];
        match checks.into_iter().find(|(_, there, said)| there != said) {
            Some((what, there, said)) => Err(FlightError::SoundUnfit {
                path,
                what,
                there,
                said,
            }),
            None => Ok(file),
        }
    }
}

/// A flight that is being run again.
struct Run<'a> {
    flight: &'a Flight,
    controller: Controller,
    processor: Processor,
    /// Frames that have gone into the chain, as the flight counts them.
    processed: u64,
    steps: VecDeque<Step>,
    input: AudioFile,
    writer: Option<(WavWriter, &'a Path)>,
    scratch_in: Vec<f32>,
    scratch_out: Vec<f32>,
    /// Of each callback, whether it gave the same bits.
    matches: Vec<bool>,
    segments: Vec<Segment>,
    /// Of each callback, what it took.
    costs_ns: Vec<u64>,
}

impl Run<'_> {
    /// Runs the first callbacks.
    fn all(&mut self, callbacks: usize) -> Result<(), FlightError> {
        let is_known = self.flight.is_whole();
        self.segments.push(Segment { first: 0, is_known });
        for (number, record) in self.flight.callbacks()[..callbacks].iter().enumerate() {
            let gap = record.processed - self.processed;
            if gap > 0 {
                self.run(gap, &mut OutputHash::new())?;
                let (first, is_known) = (number, false);
                self.segments.push(Segment { first, is_known });
            }
            let lost = record.position.saturating_sub(self.processor.position());
            self.processor.skip(lost);
            let mut hash = OutputHash::new();
            let cost_ns = self.run(u64::from(record.frames), &mut hash)?;
            self.matches.push(hash.value() == record.hash);
            self.costs_ns.push(cost_ns);
        }
        Ok(())
    }

    /// Runs the next frames, in pieces as a session does; returns what it took in nanoseconds.
    fn run(&mut self, frames: u64, hash: &mut OutputHash) -> Result<u64, FlightError> {
        let (mut left, mut cost_ns) = (frames, 0);
        while left > 0 {
            let piece = left.min(CHUNK_FRAMES as u64) as usize;
            cost_ns += self.run_piece(piece)?;
            hash.add(&self.scratch_out);
            if let Some((writer, path)) = &mut self.writer {
                let written = writer.write(&self.scratch_out);
                written.map_err(FlightError::sound(path))?;
            }
            left -= piece as u64;
            self.processed += piece as u64;
        }
        Ok(cost_ns)
    }

    fn run_piece(&mut self, frames: usize) -> Result<u64, FlightError> {
        let (channels_in, channels_out) =
            (self.processor.channels_in(), self.processor.channels_out());
        self.scratch_in.resize(frames * channels_in, 0.0);
        self.scratch_out.resize(frames * channels_out, 0.0);
        self.read()?;
        let (mut done, mut cost_ns) = (0, 0);
        while done < frames {
            let until = self.send_what_is_due()?;
            let now = until.saturating_sub(self.processor.position());
            let end = done + now.min((frames - done) as u64) as usize;
            let input = &self.scratch_in[done * channels_in..end * channels_in];
            let output = &mut self.scratch_out[done * channels_out..end * channels_out];
            let began = Instant::now();
            self.processor.process(input, output);
            cost_ns += began.elapsed().as_nanos() as u64;
            while self.controller.answer().is_some() {}
            done = end;
        }
        Ok(cost_ns)
    }

    fn read(&mut self) -> Result<(), FlightError> {
        let channels = self.processor.channels_in();
        let (mut done, wanted) = (0, self.scratch_in.len());
        while done < wanted {
            let path = || self.flight.folder.join(INPUT);
            let read = self.input.read(&mut self.scratch_in[done..]);
            let frames = read.map_err(|error| FlightError::sound(&path())(error))?;
            if frames == 0 {
                return Err(FlightError::SoundUnfit {
                    path: path(),
                    what: "number of frames",
                    there: self.input.position(),
                    said: self.input.position() + 1,
                });
            }
            done += frames * channels;
        }
        Ok(())
    }

    /// Sends the commands up to here; returns the position of the next.
    fn send_what_is_due(&mut self) -> Result<u64, FlightError> {
        let position = self.processor.position();
        while let Some(step) = self.steps.front() {
            if step.at > position {
                return Ok(step.at);
            }
            match &step.todo {
                Todo::Edit { items, arrived } => {
                    self.controller.edit_again(items.clone(), arrived.clone())?;
                }
                Todo::Set {
                    node,
                    parameter,
                    value,
                    at,
                } => {
                    let mut set = || self.controller.set_again(*node, *parameter, *value, *at);
                    if let Err(EditError::Busy { .. }) = set() {
                        // Takes what is in the ring.
                        self.processor.process(&[], &mut []);
                        set()?;
                    }
                }
            }
            self.steps.pop_front();
        }
        Ok(u64::MAX)
    }
}
