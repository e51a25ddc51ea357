//! The processor: runs the plan, block by block, and takes edits between blocks.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

mod edge;
mod fade;
mod float_mode;
mod queue;
mod steps;
mod taking;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use ossicle_dsp::node::Tail;
use ossicle_dsp::parts::silence::silence;
use rtrb::{Consumer, Producer};

use crate::counters::Counters;
use crate::edit::{Command, Edit, FaultReport, Return};
use crate::plan::{Plan, SEATS, Seat};
use edge::Splice;
use fade::Ramp;
pub use fade::{FADE_MS, fade_frames};
use float_mode::FlushToZero;
use queue::Queue;
use steps::{FadeAt, Pool, Watch};

/// Calls of which one is watched closely: what each node takes, and whether it stays finite.
const CAREFUL_EVERY: u32 = 64;
/// Calls that are watched closely once something was not finite or a call took too long.
const CAREFUL_CALLS: u32 = 256;

/// What a processor is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessorSpec {
    /// Sample rate in hertz; fixed for the processor's life.
    pub sample_rate_hz: u32,
    /// Longest block a node sees, in frames, at least 1.
    pub max_block_frames: usize,
    /// Channels that come in, at least 1.
    pub channels_in: usize,
    /// Channels that go out; `None` for what the chain gives. One channel goes to all, more go one
    /// to one: what is missing is silent, what is too much is dropped.
    pub channels_out: Option<usize>,
    /// Latency that the chain always has at least, in frames: edits that stay within it move no
    /// path that they do not touch. 0 for no more than needed.
    pub latency_budget_frames: u64,
}

/// Runs a chain on blocks of sound, live and offline alike.
///
/// Made, together with its [`Controller`](crate::controller::Controller), by
/// [`Controller::new`](crate::controller::Controller::new).
pub struct Processor {
    sample_rate_hz: u32,
    max_block_frames: usize,
    channels_out: usize,
    plan: Plan,
    seats: Box<[Option<Seat>]>,
    pool: Vec<f32>,
    position: u64,
    ramp: Ramp,
    under_way: Option<UnderWay>,
    queue: Queue,
    faults: Producer<FaultReport>,
    splice: Splice,
    /// A node panicked in the last block.
    is_broken: bool,
    /// Calls until the next that is watched closely, and how many of those are left in a row.
    careful_in: u32,
    careful_calls: u32,
    counters: Arc<Counters>,
}

/// An edit that is being faded in.
struct UnderWay {
    edit: Box<Edit>,
    stage: usize,
    /// Frames of the stage that are done.
    done: u64,
    /// Where the first fade began.
    position: Option<u64>,
}

/// The rings between a processor and its controller, at the processor's end.
pub(crate) struct Rings {
    pub(crate) commands: Consumer<Command>,
    pub(crate) returns: Producer<Return>,
    pub(crate) faults: Producer<FaultReport>,
}

impl Processor {
    pub(crate) fn new(
        spec: &ProcessorSpec,
        plan: Plan,
        occupied: Vec<(usize, Option<Seat>)>,
        rings: Rings,
    ) -> Self {
        let channels_out = spec.channels_out.unwrap_or(plan.output.planes);
        let mut seats: Vec<Option<Seat>> = Vec::new();
        seats.resize_with(SEATS, || None);
        for (seat, content) in occupied {
            seats[seat] = content;
        }
        let counters = Arc::new(Counters::new(channels_out));
        counters
            .plan_latency_frames
            .store(plan.latency_frames, Relaxed);
        Self {
            sample_rate_hz: spec.sample_rate_hz,
            max_block_frames: spec.max_block_frames,
            channels_out,
            pool: silence(plan.planes * spec.max_block_frames),
            plan,
            seats: seats.into_boxed_slice(),
            position: 0,
            ramp: Ramp::new(spec.sample_rate_hz),
            under_way: None,
            queue: Queue::new(rings.commands, rings.returns),
            faults: rings.faults,
            splice: Splice::new(channels_out, fade_frames(spec.sample_rate_hz) as usize),
            is_broken: false,
            careful_in: CAREFUL_EVERY,
            careful_calls: 0,
            counters,
        }
    }

    /// Sample rate in hertz.
    pub fn sample_rate_hz(&self) -> u32 {
        self.sample_rate_hz
    }

    /// Channels in.
    pub fn channels_in(&self) -> usize {
        self.plan.channels_in
    }

    /// Channels out.
    pub fn channels_out(&self) -> usize {
        self.channels_out
    }

    /// Frames processed or skipped so far.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Frames that were lost before they came here: positions go on as if they had, and changes whose
    /// position was among them take effect with the next frame.
    ///
    /// # Real-time
    /// Safe.
    pub fn skip(&mut self, frames: u64) {
        self.position += frames;
    }

    /// Latency of the chain in frames.
    pub fn latency_frames(&self) -> u64 {
        self.plan.latency_frames
    }

    /// How long the chain sounds after its input ends, with the parameters it has now.
    ///
    /// # Real-time
    /// Safe.
    pub fn tail(&mut self) -> Tail {
        self.plan.tail(&self.seats)
    }

    pub(crate) fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// The last call took too long: the next ones are watched closely.
    ///
    /// # Real-time
    /// Safe.
    pub fn watch_closely(&mut self) {
        self.careful_calls = CAREFUL_CALLS;
    }

    /// Runs the chain: reads interleaved `input`, writes interleaved `output` of as many frames.
    ///
    /// Any number of frames; they are cut into blocks of at most `max_block_frames`, and wherever a
    /// parameter changes.
    ///
    /// # Panics
    /// When `input` and `output` are not the same whole number of frames.
    ///
    /// # Real-time
    /// Safe.
    pub fn process(&mut self, input: &[f32], output: &mut [f32]) {
        let (channels_in, channels_out) = (self.plan.channels_in, self.channels_out);
        let frames = output.len() / channels_out;
        assert!(output.len() == frames * channels_out && input.len() == frames * channels_in);
        let mode = FlushToZero::new();
        let is_careful = self.is_careful();
        self.queue.take_commands();
        let mut done = 0;
        while done < frames {
            self.apply_what_is_due();
            let block_frames = self.block_frames(frames - done);
            let end = done + block_frames;
            self.load(&input[done * channels_in..end * channels_in], block_frames);
            if is_careful {
                self.run::<true>(block_frames, &mode);
            } else {
                self.run::<false>(block_frames, &mode);
            }
            self.unload(
                &mut output[done * channels_out..end * channels_out],
                block_frames,
            );
            if let Some(under_way) = &mut self.under_way {
                under_way.done += block_frames as u64;
            }
            self.position += block_frames as u64;
            done = end;
        }
        self.counters.position.store(self.position, Relaxed);
    }

    /// Takes the changes whose position has come, before any frame is asked for: who sends more
    /// for one frame than the ring holds makes room by this.
    pub(crate) fn take_due(&mut self) {
        let _mode = FlushToZero::new();
        self.queue.take_commands();
        self.apply_what_is_due();
    }

    fn is_careful(&mut self) -> bool {
        self.careful_in -= 1;
        let is_due = self.careful_in == 0;
        if is_due {
            self.careful_in = CAREFUL_EVERY;
        }
        let is_called_for = self.careful_calls > 0;
        self.careful_calls = self.careful_calls.saturating_sub(1);
        is_due || is_called_for
    }

    /// Length of the next block: up to the next change and the next turn of an edit.
    fn block_frames(&self, frames: usize) -> usize {
        let mut block_frames = frames.min(self.max_block_frames) as u64;
        if let Some(under_way) = &self.under_way {
            let hold = under_way.edit.stages[under_way.stage].hold_frames;
            let left = if under_way.done < hold {
                hold - under_way.done
            } else {
                hold + self.ramp.frames() - under_way.done
            };
            block_frames = block_frames.min(left);
        }
        if let Some(at) = self.queue.next_due_after(self.position) {
            block_frames = block_frames.min(at - self.position);
        }
        block_frames as usize
    }

    fn run<const CAREFUL: bool>(&mut self, frames: usize, mode: &FlushToZero) {
        let fade = match &self.under_way {
            Some(under_way) => {
                let hold = under_way.edit.stages[under_way.stage].hold_frames;
                match under_way.done.checked_sub(hold) {
                    Some(at) => FadeAt::During(self.ramp.gains(at, frames)),
                    None => FadeAt::Before,
                }
            }
            None => FadeAt::Before,
        };
        let mut pool = Pool {
            samples: &mut self.pool,
            stride: self.max_block_frames,
            frames,
        };
        let mut untold = 0;
        let mut watch = Watch {
            faults: &mut self.faults,
            untold: &mut untold,
            position: self.position,
            costs: self.counters.seat_costs(),
            broke: false,
        };
        let steps = &self.plan.steps;
        steps::run::<CAREFUL>(steps, &mut self.seats, &mut pool, fade, mode, &mut watch);
        let broke = watch.broke;
        // The block of the break ends in silence, and the next one begins without the node.
        let was_broken = core::mem::replace(&mut self.is_broken, broke);
        self.note_break(broke || was_broken, untold);
    }

    fn note_break(&mut self, broke: bool, untold: u64) {
        if broke {
            self.splice.begin();
        }
        if untold > 0 {
            self.counters.untold_faults.fetch_add(untold, Relaxed);
        }
    }
}

impl core::fmt::Debug for Processor {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter
            .debug_struct("Processor")
            .field("plan", &self.plan)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}
