//! Keeps the reader of one clock in step with the writer of another.

use super::estimator::ClockEstimator;
use super::gate::{Gate, Tells};
use super::margin::Margin;
use super::steer::{Reading, pace};
use super::usual::Usual;

/// What a loop is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoopSpec {
    /// Nominal rate of the writer, in hertz.
    pub from_hz: f64,
    /// Nominal rate of the reader, in hertz.
    pub to_hz: f64,
    /// The writer's frames that are needed behind a position to read there: half the taps.
    pub ahead_frames: f64,
    /// How late the writer's calls are known to be from time to time, in its frames: waited for from the
    /// beginning, since each time that lateness grows the sound jumps.
    pub late_frames: f64,
    /// What is known from before.
    pub learned: Option<Learned>,
}

/// What a loop has found out, worth keeping for the same two devices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Learned {
    /// Error of the writer's clock, in parts of its rate.
    pub from_error: f64,
    /// Error of the reader's clock, in parts of its rate.
    pub to_error: f64,
    /// Frames that are needed for lateness.
    pub margin_frames: f64,
}

/// What is to be read for a block.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Read {
    /// Where it begins: a frame of the writer's, and a part of one.
    pub frame: u64,
    /// Part of a frame, 0 to 1.
    pub fraction: f64,
    /// This is not where the block before ended: fade from there to here.
    pub jump: bool,
    /// Frames of the writer's per frame of the reader's, at the beginning of the block.
    pub step_from: f64,
    /// ... and at its end; in between it ramps.
    pub step_to: f64,
}

/// Seconds of listening before the first read, where nothing is known from before.
const FIRST_S: f64 = 0.12;
/// Calls of both sides before the first read, cold and with something learned.
const FIRST_CALLS: u32 = 20;
const FIRST_CALLS_LEARNED: u32 = 14;
/// A call that came later than so many times the next latest, and by so much, in nanoseconds, is a
/// fault; and a block that is so many times as long as the next longest, and by so much, in frames.
const FAULT_LATE: (f64, f64) = (3.0, 500_000.0);
const FAULT_BLOCK: (f64, f64) = (1.4, 8.0);
/// What is later than this is not waited for, however often it comes.
const MOST_LATE_NS: f64 = 70e6;
/// Calls of both sides before the first read where a device came back.
const FIRST_CALLS_BACK: u32 = 2;
/// A change of the delay that is followed at once, in parts: no more than the trim does.
const MOST_CLOSING: f64 = 1e-3;
/// A larger error of the position than this, in milliseconds, is jumped over.
const JUMP_MS: f64 = 1.0;

/// A loop that reads what another clock's device wrote, always the same time behind it.
///
/// Both clocks are estimated from their own calls; their quotient is the step, and the distance from
/// where the position should be is trimmed away slowly. Nothing depends on how full a ring is.
#[derive(Clone, Debug)]
pub struct DriftLoop {
    spec: LoopSpec,
    from: ClockEstimator,
    to: ClockEstimator,
    /// The writer's blocks, the longest that is no fault, and the end of its last.
    blocks: Usual,
    block: f64,
    from_end: u64,
    from_gate: Gate,
    to_gate: Gate,
    lateness: Usual,
    to_lateness: Usual,
    to_early: Usual,
    margin: Margin,
    /// The delay is at least this, in nanoseconds, and at most that, in frames.
    least_ns: f64,
    most_frames: f64,
    /// One of the devices came back, or another took its place.
    is_back: bool,
    /// The delay that was aimed at last.
    aimed: f64,
    /// Seconds without reading.
    waited_s: f64,
    reading: Option<Reading>,
}

impl DriftLoop {
    /// A loop that has seen nothing.
    pub fn new(spec: LoopSpec) -> Self {
        let learned = spec.learned;
        Self {
            spec,
            from: ClockEstimator::new(spec.from_hz, learned.map(|known| known.from_error)),
            to: ClockEstimator::new(spec.to_hz, learned.map(|known| known.to_error)),
            blocks: Usual::new(FAULT_BLOCK.0, FAULT_BLOCK.1),
            block: 0.0,
            from_end: 0,
            from_gate: Gate::default(),
            to_gate: Gate::default(),
            lateness: Usual::new(FAULT_LATE.0, FAULT_LATE.1),
            to_lateness: Usual::new(FAULT_LATE.0, FAULT_LATE.1),
            to_early: Usual::new(FAULT_LATE.0, FAULT_LATE.1),
            margin: Margin::new(learned.map(|known| known.margin_frames)),
            least_ns: 0.0,
            most_frames: f64::INFINITY,
            is_back: false,
            aimed: 0.0,
            waited_s: 0.0,
            reading: None,
        }
    }

    /// The writer called at `time_ns`, with all frames before `end` written; none of them lost.
    ///
    /// # Real-time
    /// Safe.
    pub fn written(&mut self, end: u64, time_ns: u64) {
        let frames = match self.from.seen() {
            0 => 0.0,
            _ => end.wrapping_sub(self.from_end).cast_signed().max(0) as f64,
        };
        self.came(end, frames as usize, time_ns, 0);
    }

    /// The writer called at `time_ns` with `frames` frames; all before `end` are written or lost.
    /// They were there `spent_ns` later, once the writer was done with them.
    ///
    /// # Real-time
    /// Safe.
    pub fn came(&mut self, end: u64, frames: usize, time_ns: u64, spent_ns: u64) {
        let block = frames as f64;
        self.from_end = end;
        let late_ns = -self.from.time_after(time_ns, end);
        let usual_ns = self.lateness.most();
        let gate = &mut self.from_gate;
        let (tells, is_behind) = gate.look(&self.from, end, time_ns, block, usual_ns);
        if tells == Tells::Break {
            self.writer_is_back(self.from.known_error());
        }
        let late_ns = if tells == Tells::Nothing {
            late_ns.max(0.0)
        } else {
            self.from.observe(end, time_ns);
            self.from.late_ns()
        };
        self.blocks.add(block);
        // Calls that come right behind a late one are late for its reason.
        if !is_behind {
            let late_ns = late_ns + spent_ns as f64;
            self.lateness
                .add(if late_ns > MOST_LATE_NS { 0.0 } else { late_ns });
        }
    }

    /// The writer's device came back, or another took its place: its frames go on, its times do not.
    /// `error` is that of its clock where it is known.
    ///
    /// # Real-time
    /// Safe.
    pub fn writer_is_back(&mut self, error: Option<f64>) {
        self.from = ClockEstimator::new(self.spec.from_hz, error);
        self.from_gate = Gate::default();
        (self.reading, self.is_back) = (None, true);
    }

    /// The same of the reader's device.
    ///
    /// # Real-time
    /// Safe.
    pub fn reader_is_back(&mut self, error: Option<f64>) {
        self.to = ClockEstimator::new(self.spec.to_hz, error);
        self.to_early = Usual::new(FAULT_LATE.0, FAULT_LATE.1);
        self.to_gate = Gate::default();
        (self.reading, self.is_back) = (None, true);
    }

    /// What was learned comes from these devices a moment ago: reading begins at once.
    pub fn hurry(&mut self) {
        self.is_back = true;
        self.margin.confirm();
    }

    /// Whoever reads waits at least so long for what was written: 0 to begin with.
    ///
    /// # Real-time
    /// Safe.
    pub fn set_least_delay_ns(&mut self, nanoseconds: f64) {
        self.least_ns = nanoseconds;
    }

    /// What is kept of the writer's frames: the delay never goes beyond. Endless to begin with.
    pub fn set_most_delay_frames(&mut self, frames: f64) {
        self.most_frames = frames;
    }

    /// The reader called at `time_ns` for `frames` frames that end before its frame `end`; `None`
    /// for silence while too little is known.
    ///
    /// # Real-time
    /// Safe.
    pub fn read(&mut self, end: u64, time_ns: u64, frames: usize) -> Option<Read> {
        let (usual_ns, gate) = (self.to_lateness.most(), &mut self.to_gate);
        let (tells, is_behind) = gate.look(&self.to, end, time_ns, frames as f64, usual_ns);
        if tells == Tells::Break {
            self.reader_is_back(self.to.known_error());
        }
        if tells != Tells::Nothing {
            self.to.observe(end, time_ns);
        }
        if !is_behind {
            let late_ns = -self.to.time_after(time_ns, end);
            self.to_lateness.add(late_ns.max(0.0));
            // Where the floor of the reader's lateness has sunk, all is wanted so much earlier; before
            // anything is read the line follows, and nothing is to be made up for.
            if self.reading.is_some() {
                self.to_early.add((-late_ns).max(0.0));
            }
        }
        let first = match self.spec.learned {
            _ if self.is_back => FIRST_CALLS_BACK,
            Some(_) => FIRST_CALLS_LEARNED,
            None => FIRST_CALLS,
        };
        let waits = self.spec.learned.is_none() && !self.is_back;
        let frames = frames as f64;
        let seconds = frames / self.spec.to_hz;
        if self.reading.is_none() {
            self.waited_s += seconds;
            if self.from.seen().min(self.to.seen()) < first
                || waits && self.waited_s < FIRST_S * pace(self.spread_ns())
            {
                return None;
            }
        }
        let ratio = self.to.frame_ns() / self.from.frame_ns();
        let raised = self.set_margin(seconds);
        // A delay that grows shorter little by little is followed by reading so much faster.
        let aims = self.delay_frames();
        let closing = core::mem::replace(&mut self.aimed, aims) - aims;
        let closing = if !raised && closing.abs() < MOST_CLOSING * frames * ratio {
            closing / frames
        } else {
            0.0
        };
        let after_ns = self.to.time_after(time_ns, end);
        let goal = |from: u64| self.from.frame_after(from, time_ns, after_ns) - self.delay_frames();
        let begin =
            |reading: &Reading| goal(reading.frame) - reading.fraction - frames * reading.way();
        let fresh = || {
            let (frame, fraction) = place(self.from_end, goal(self.from_end) - frames * ratio);
            Reading {
                frame,
                fraction,
                step: ratio,
                half: ratio,
                closing: 0.0,
                age_s: 0.0,
                error: 0.0,
            }
        };
        let (mut reading, mut jump) = match self.reading {
            Some(reading) => (reading, false),
            None => (fresh(), true),
        };
        reading.error = begin(&reading);
        if raised || reading.error.abs() > JUMP_MS * 1e-3 * self.spec.from_hz {
            let there = fresh();
            (reading.frame, reading.fraction) = (there.frame, there.fraction);
            reading.error = 0.0;
            jump = true;
        }
        let (frame, fraction, step_from) = (reading.frame, reading.fraction, reading.way());
        reading.steer(ratio, seconds, pace(self.spread_ns()), &self.spec);
        reading.closing = closing;
        let read = Read {
            frame,
            fraction,
            jump,
            step_from,
            step_to: reading.way(),
        };
        let advance = frames * step_from + 0.5 * (frames - 1.0) * (read.step_to - step_from);
        (reading.frame, reading.fraction) = place(frame, fraction + advance);
        self.reading = Some(reading);
        Some(read)
    }

    /// The margin goes up at once and down slowly; whether the delay went up.
    fn set_margin(&mut self, seconds: f64) -> bool {
        let before = self.block + self.margin.frames();
        let block = self.blocks.most();
        // What a shorter block no longer needs goes the way of the margin, slowly; and a longer one
        // takes it from there first.
        if self.reading.is_some() {
            self.margin.take(self.block - block);
        }
        self.block = block;
        let late_ns = self.lateness.most() + self.to_early.most();
        let late_frames = (late_ns / self.from.frame_ns()).max(self.spec.late_frames);
        if self.reading.is_none() && self.spec.learned.is_none() && !self.is_back {
            self.margin.begin(late_frames);
        } else {
            let passed = seconds * self.spec.from_hz;
            let is_settled = self.lateness.is_settled();
            self.margin.follow(late_frames, passed, is_settled);
        }
        self.block + self.margin.frames() > before
    }

    /// Frames that are behind what the writer is just about to have written, at a read that is not
    /// late: one block, half the taps and the margin, or more where more was asked for.
    pub fn delay_frames(&self) -> f64 {
        let needed = self.needed_frames();
        needed
            .max(self.least_ns / self.from.frame_ns())
            .min(self.most_frames.max(self.block + self.spec.ahead_frames))
    }

    /// The least delay that is enough, in nanoseconds.
    pub fn needed_ns(&self) -> f64 {
        self.needed_frames() * self.from.frame_ns()
    }

    fn needed_frames(&self) -> f64 {
        self.block + self.spec.ahead_frames + self.margin.frames()
    }

    /// Frames kept for lateness.
    pub fn margin_frames(&self) -> f64 {
        self.margin.frames()
    }

    /// Frames by which the position is behind where it should be.
    pub fn error_frames(&self) -> f64 {
        self.reading.map_or(0.0, |reading| reading.error)
    }

    /// Frames of the writer's per frame of the reader's, in the last block.
    pub fn step(&self) -> f64 {
        let nominal = self.spec.from_hz / self.spec.to_hz;
        self.reading.map_or(nominal, |reading| reading.way())
    }

    /// Whether anything is read.
    pub fn is_reading(&self) -> bool {
        self.reading.is_some()
    }

    /// How late calls come in the mean, in nanoseconds: of the side where they come later.
    pub fn spread_ns(&self) -> f64 {
        self.from.spread_ns().max(self.to.spread_ns())
    }

    /// Errors of both clocks in parts of their rates, positive for a fast one: the writer's and the
    /// reader's.
    pub fn errors(&self) -> (f64, f64) {
        (self.from.error(), self.to.error())
    }

    /// By how much each of [`errors`](Self::errors) may be wrong, in parts: what was learned is worth
    /// keeping where this is small.
    pub fn unsure(&self) -> (f64, f64) {
        (self.from.unsure(), self.to.unsure())
    }

    /// What is worth keeping; `None` while nothing is read. The margin is what is needed now: one that
    /// was needed once, and goes down, is not.
    pub fn learned(&self) -> Option<Learned> {
        self.reading.map(|_| Learned {
            from_error: self.from.error(),
            to_error: self.to.error(),
            margin_frames: self.margin.present(),
        })
    }
}

/// A position as a frame and a part of one.
fn place(from: u64, frames: f64) -> (u64, f64) {
    let whole = libm::floor(frames);
    (from.wrapping_add_signed(whole as i64), frames - whole)
}
