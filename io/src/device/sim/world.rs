//! The event queue of a simulation.

use core::cmp::Reverse;
use core::fmt;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::clock::Clock;
use super::line::{Line, Place};
use super::listener::Listener;
use super::{Fault, FaultKind, SimDevice};
use crate::device::caller::Caller;
use crate::device::{DeviceError, StreamInfo};

/// Devices, their streams and what is due.
pub(super) struct World {
    seed: u64,
    now_ns: u64,
    devices: Vec<Plugged>,
    /// Streams; absent where one is called now, or has ended.
    lines: Vec<Option<Box<Line>>>,
    ended: Vec<bool>,
    /// Time, order of entry and stream of what is due, earliest first: one entry for each stream
    /// that goes on and is not called now.
    due: BinaryHeap<Reverse<(u64, u64, usize)>>,
    entries: u64,
    /// The device that was made the default.
    default: Option<String>,
}

/// A device in the world.
struct Plugged {
    device: SimDevice,
    clock: Clock,
    /// By time.
    faults: Arc<[Fault]>,
    played: Option<Played>,
}

struct Played {
    /// Device frame of the first sample.
    begin: u64,
    channels: usize,
    samples: Vec<f32>,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("now_ns", &self.now_ns)
            .finish_non_exhaustive()
    }
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            now_ns: 0,
            devices: Vec::new(),
            lines: Vec::new(),
            ended: Vec::new(),
            due: BinaryHeap::new(),
            entries: 0,
            default: None,
        }
    }

    pub(super) fn now_ns(&self) -> u64 {
        self.now_ns
    }

    pub(super) fn devices(&self) -> usize {
        self.devices.len()
    }

    pub(super) fn device(&self, index: usize) -> &SimDevice {
        &self.devices[index].device
    }

    pub(super) fn clock(&mut self, index: usize) -> &mut Clock {
        &mut self.devices[index].clock
    }

    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.devices
            .iter()
            .position(|plugged| plugged.device.name == name)
    }

    /// The longest block a device delivers as things are.
    pub(super) fn longest_block(&self, index: usize) -> usize {
        let plugged = &self.devices[index];
        let passed = plugged
            .faults
            .iter()
            .take_while(|fault| fault.at_ns < self.now_ns);
        let period = passed.filter_map(|fault| match fault.kind {
            FaultKind::Period { frames } => Some(frames),
            _ => None,
        });
        period
            .last()
            .unwrap_or_else(|| plugged.device.blocks.longest())
    }

    pub(super) fn plug(&mut self, device: SimDevice) {
        let mut faults = device.faults.clone();
        faults.sort_by_key(|fault| fault.at_ns);
        self.devices.push(Plugged {
            clock: device.clock(),
            faults: faults.into(),
            device,
            played: None,
        });
    }

    pub(super) fn played(&self, name: &str) -> Vec<f32> {
        let played = self
            .find(name)
            .and_then(|index| self.devices[index].played.as_ref());
        played
            .map(|played| played.samples.clone())
            .unwrap_or_default()
    }

    pub(super) fn set_default(&mut self, device: &str) {
        self.default = Some(device.to_owned());
    }

    pub(super) fn default_device(&self) -> Option<&str> {
        self.default.as_deref()
    }

    /// Begins a stream now.
    ///
    /// # Errors
    /// [`DeviceError::DeviceGone`] where the device went, or changed its format, since it was opened;
    /// its answer where it refuses now.
    pub(super) fn start(
        &mut self,
        device: usize,
        info: &StreamInfo,
        caller: Caller,
        listener: Listener,
    ) -> Result<usize, DeviceError> {
        let plugged = &mut self.devices[device];
        let there = &plugged.device;
        let format = there.format(self.now_ns);
        let fits = format.sample_rate_hz == info.sample_rate_hz
            && [0, format.input_channels].contains(&info.input_channels)
            && [0, format.output_channels].contains(&info.output_channels);
        if there.is_away(self.now_ns) || !fits {
            let device = there.name.clone();
            return Err(DeviceError::DeviceGone { device });
        }
        if let Some(error) = there.refusal(self.now_ns) {
            return Err(error);
        }
        let index = self.lines.len();
        let place = Place {
            index,
            device,
            now_ns: self.now_ns,
            seed: self.seed,
            there,
            faults: &plugged.faults,
        };
        let line = Line::new(&place, &mut plugged.clock, info, caller, listener);
        self.lines.push(None);
        self.ended.push(false);
        self.enter(Box::new(line));
        Ok(index)
    }

    /// Ends a stream; what is left of it is to be dropped without the lock.
    pub(super) fn end(&mut self, index: usize) -> Option<Box<Line>> {
        self.ended[index] = true;
        self.lines[index].take()
    }

    /// The next call due until `until_ns`, taken out; time moves on to it, or to the end.
    pub(super) fn next(&mut self, until_ns: u64) -> Option<Box<Line>> {
        loop {
            match self.due.peek() {
                Some(&Reverse((time_ns, _, index))) if time_ns <= until_ns => {
                    self.due.pop();
                    let Some(mut line) = self.lines[index].take() else {
                        continue;
                    };
                    self.now_ns = self.now_ns.max(time_ns);
                    if line.arrive(self.now_ns, &mut self.devices[line.device].clock) {
                        return Some(line);
                    }
                    self.enter(line);
                }
                _ => {
                    self.now_ns = self.now_ns.max(until_ns);
                    return None;
                }
            }
        }
    }

    /// Puts a stream back after its call; or returns it where it has ended meanwhile.
    pub(super) fn finish(&mut self, mut line: Box<Line>) -> Option<Box<Line>> {
        let plugged = &mut self.devices[line.device];
        if !plugged.device.forgets {
            plugged.remember(&line);
        }
        if self.ended[line.index] {
            return Some(line);
        }
        line.plan(&mut plugged.clock);
        self.enter(line);
        None
    }

    /// Enters when a stream has something due, if ever.
    fn enter(&mut self, line: Box<Line>) {
        let index = line.index;
        if let Some(time_ns) = line.next_ns() {
            self.entries += 1;
            self.due.push(Reverse((time_ns, self.entries, index)));
        }
        self.lines[index] = Some(line);
    }
}

impl Plugged {
    /// Keeps what a stream played in its last call.
    fn remember(&mut self, line: &Line) {
        let (frame, channels, samples) = line.played();
        if channels == 0 {
            return;
        }
        let fresh = || Played {
            begin: line.origin(),
            channels,
            samples: Vec::new(),
        };
        let played = self.played.get_or_insert_with(fresh);
        if played.channels != channels {
            *played = fresh();
        }
        let from = frame.saturating_sub(played.begin) as usize * channels;
        let until = from + samples.len();
        if played.samples.len() < until {
            played.samples.resize(until, 0.0);
        }
        played.samples[from..until].copy_from_slice(samples);
    }
}
