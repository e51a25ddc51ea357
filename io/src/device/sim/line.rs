//! A running stream of a simulation.

use std::sync::Arc;

use super::clock::Clock;
use super::lateness::Late;
use super::listener::Listener;
use super::random::Random;
use super::{Blocks, Fault, FaultKind, SimDevice, Sink, Source, Stamps};
use crate::device::caller::Caller;
use crate::device::{DeviceError, HostKind, LostCause, StreamInfo};

/// A running stream, and the call that is due next.
pub(super) struct Line {
    pub(super) index: usize,
    pub(super) device: usize,
    caller: Caller,
    listener: Listener,
    source: Option<Source>,
    sink: Option<Sink>,
    input: Vec<f32>,
    output: Vec<f32>,
    input_channels: usize,
    output_channels: usize,
    sample_rate_hz: u32,
    started_ns: u64,
    /// Device frame at which the stream began.
    origin: u64,
    random: Random,
    late: Late,
    stamps: Stamps,
    blocks: Blocks,
    /// Length of all blocks to come, where a fault settled it.
    period: Option<usize>,
    /// Blocks drawn so far.
    drawn: usize,
    /// Frames of the call that is due, and of one that comes right behind it.
    block: usize,
    behind: Option<usize>,
    /// The device frame that is waited for, when it is there, and nanoseconds a frame takes.
    full_frame: f64,
    full_ns: f64,
    frame_ns: f64,
    /// When it comes, and when the last one came.
    due_ns: u64,
    time_ns: u64,
    /// No call comes before; and all are later by this.
    held_until_ns: u64,
    floor_ns: u64,
    /// What befalls it, by time, and how many of these did.
    faults: Arc<[Fault]>,
    befallen: usize,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Called,
    Silent,
    Lost,
}

/// What a stream needs of its world.
pub(super) struct Place<'a> {
    pub(super) index: usize,
    pub(super) device: usize,
    pub(super) now_ns: u64,
    pub(super) seed: u64,
    pub(super) there: &'a SimDevice,
    pub(super) faults: &'a Arc<[Fault]>,
}

impl Line {
    /// A stream that begins now.
    pub(super) fn new(
        place: &Place<'_>,
        clock: &mut Clock,
        info: &StreamInfo,
        caller: Caller,
        listener: Listener,
    ) -> Self {
        let &Place {
            index,
            device,
            now_ns,
            seed,
            there,
            faults,
        } = place;
        let befallen = faults.partition_point(|fault| fault.at_ns < now_ns);
        let (mut period, mut floor_ns, mut held_until_ns) = (None, 0, 0);
        for fault in &faults[..befallen] {
            match fault.kind {
                FaultKind::Stall { for_ns } => {
                    held_until_ns = fault.at_ns.saturating_add(for_ns).max(held_until_ns);
                }
                FaultKind::Period { frames } => period = Some(frames),
                FaultKind::Floor { late_ns } => floor_ns = late_ns,
                _ => {}
            }
        }
        let number = 2 * index as u64;
        let origin = clock.frame_from(now_ns);
        let mut line = Self {
            index,
            device,
            caller,
            listener,
            source: there.source.clone().filter(|_| info.input_channels > 0),
            sink: there.sink.clone().filter(|_| info.output_channels > 0),
            input: Vec::new(),
            output: Vec::new(),
            input_channels: info.input_channels,
            output_channels: info.output_channels,
            sample_rate_hz: info.sample_rate_hz,
            started_ns: now_ns,
            origin,
            random: Random::new(seed, number),
            late: Late::new(&there.lateness, now_ns, Random::new(seed, number + 1)),
            stamps: there.stamps,
            blocks: there.blocks.clone(),
            period,
            drawn: 0,
            block: 0,
            behind: None,
            full_frame: origin as f64,
            full_ns: now_ns as f64,
            frame_ns: 1e9 / f64::from(info.sample_rate_hz),
            due_ns: 0,
            time_ns: now_ns,
            held_until_ns,
            floor_ns,
            faults: faults.clone(),
            befallen,
            state: State::Called,
        };
        line.caller.status().started(now_ns);
        line.make_room(there.blocks.longest().max(period.unwrap_or_default()));
        line.plan(clock);
        line
    }

    /// When something of it is due next: a call or a fault.
    pub(super) fn next_ns(&self) -> Option<u64> {
        let fault_ns = self.faults.get(self.befallen).map(|fault| fault.at_ns);
        match self.state {
            State::Called => Some(fault_ns.map_or(self.due_ns, |at_ns| at_ns.min(self.due_ns))),
            State::Silent => fault_ns,
            State::Lost => None,
        }
    }

    /// Lets befall it what is due; whether it is to be called now.
    pub(super) fn arrive(&mut self, now_ns: u64, clock: &mut Clock) -> bool {
        while let Some(fault) = self.faults.get(self.befallen)
            && fault.at_ns <= now_ns
            && self.state != State::Lost
        {
            let fault = fault.clone();
            self.befallen += 1;
            self.befall(&fault, clock);
        }
        let called = self.state == State::Called && self.due_ns <= now_ns;
        if called {
            self.time_ns = now_ns;
        }
        called
    }

    /// Chooses the next block and when it comes.
    pub(super) fn plan(&mut self, clock: &mut Clock) {
        let is_close = self.behind.is_some();
        self.block = self.next_block();
        self.settle(clock);
        if is_close {
            self.due_ns = self.held_until_ns.max(self.time_ns);
        }
    }

    /// Device frame at which the stream began.
    pub(super) fn origin(&self) -> u64 {
        self.origin
    }

    /// The block just called: its device frame, channels and samples.
    pub(super) fn played(&self) -> (u64, usize, &[f32]) {
        let samples = &self.output[..self.block * self.output_channels];
        let first = self.end() - self.block as u64;
        (first, self.output_channels, samples)
    }

    /// Runs the call that is due, without the lock.
    pub(super) fn run(&mut self) {
        let (block, time_ns) = (self.block, self.time_ns);
        let first = self.end();
        let position = first - self.origin;
        let stamp_ns =
            self.stamps
                .stamp_ns(time_ns, self.started_ns, position, self.sample_rate_hz);
        let input = &mut self.input[..block * self.input_channels];
        let output = &mut self.output[..block * self.output_channels];
        let (source, channels) = (&self.source, self.input_channels);
        self.caller.enter(time_ns, |caller| {
            if let Some(source) = source {
                source(first, channels, input);
            }
            caller.call(input, output, block, stamp_ns);
        });
        if let Some(sink) = &self.sink {
            sink(first, self.output_channels, output);
        }
    }

    /// Device frame behind all that was called or lost.
    fn end(&self) -> u64 {
        self.origin + self.caller.position()
    }

    fn befall(&mut self, fault: &Fault, clock: &mut Clock) {
        let called = self.state == State::Called;
        match fault.kind {
            FaultKind::Unplug { .. } => self.lose(LostCause::DeviceGone),
            FaultKind::Return { for_ns: 0, .. } => self.lose(LostCause::FormatChanged),
            FaultKind::Return { .. } => self.lose(LostCause::DeviceGone),
            FaultKind::Errors { count } => {
                for number in 1..=count {
                    let words = format!("error {number} of {count}");
                    let error = DeviceError::backend(HostKind::Sim, "run", words);
                    self.listener.hear(error, fault.at_ns);
                }
            }
            FaultKind::Floor { late_ns } => self.floor_ns = late_ns,
            FaultKind::Period { frames } => {
                self.period = Some(frames);
                self.make_room(frames);
            }
            FaultKind::Silence => self.state = State::Silent,
            FaultKind::Stall { for_ns } if called => {
                let until_ns = fault.at_ns.saturating_add(for_ns);
                self.held_until_ns = self.held_until_ns.max(until_ns);
                self.due_ns = self.due_ns.max(until_ns);
            }
            FaultKind::Xrun { lost_frames } if called => self.lose_frames(lost_frames, clock),
            FaultKind::Miss if called => {
                let lost_frames = self.block as u64;
                self.block = self.next_block();
                self.lose_frames(lost_frames, clock);
            }
            FaultKind::Merge if called => {
                self.block += self.next_block();
                self.make_room(self.block);
                self.settle(clock);
            }
            FaultKind::Double if called => {
                let next = self.draw();
                *self.behind.get_or_insert(0) += next;
                self.make_room(self.behind.unwrap_or_default());
                self.settle(clock);
            }
            FaultKind::Stall { .. }
            | FaultKind::Xrun { .. }
            | FaultKind::Miss
            | FaultKind::Merge
            | FaultKind::Double
            // The clock and the door know of these.
            | FaultKind::Rate { .. }
            | FaultKind::Refuse { .. } => {}
        }
    }

    fn lose(&mut self, cause: LostCause) {
        self.caller.status().lose(cause);
        self.state = State::Lost;
    }

    /// Frames are lost just before the block that is due; it comes when it is full, behind them.
    fn lose_frames(&mut self, lost_frames: u64, clock: &mut Clock) {
        self.caller.status().xrun();
        self.caller.lose(lost_frames);
        self.settle(clock);
    }

    /// Settles when the block that is chosen comes.
    fn settle(&mut self, clock: &mut Clock) {
        let (frame, time_ns) = (self.full_frame, self.full_ns);
        let frames = self.block + self.behind.unwrap_or_default();
        self.full_frame = (self.end() + frames as u64) as f64;
        let passed = self.full_frame - frame;
        self.full_ns = clock.time_ns(self.full_frame, time_ns + passed * self.frame_ns);
        if passed > 0.0 {
            self.frame_ns = (self.full_ns - time_ns) / passed;
        }
        let full_ns = self.full_ns.round() as u64;
        let wake_ns = self.late.wake_ns(full_ns.saturating_add(self.floor_ns));
        self.due_ns = wake_ns.max(self.held_until_ns).max(self.time_ns);
    }

    fn next_block(&mut self) -> usize {
        self.behind.take().unwrap_or_else(|| self.draw())
    }

    fn draw(&mut self) -> usize {
        let number = self.drawn;
        self.drawn += 1;
        match self.period {
            Some(frames) => frames,
            None => self.blocks.length(number, &mut self.random),
        }
    }

    /// Room for a block. Never in a callback.
    fn make_room(&mut self, frames: usize) {
        for (buffer, channels) in [
            (&mut self.input, self.input_channels),
            (&mut self.output, self.output_channels),
        ] {
            let samples = frames * channels;
            buffer.resize(samples.max(buffer.len()), 0.0);
        }
    }
}
