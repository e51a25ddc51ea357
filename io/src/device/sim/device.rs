//! What a simulated device is: plain values.

use core::fmt;
use std::sync::Arc;

use super::clock::Clock;
use super::drift::Drifts;
use super::{Blocks, Drift, Fault, FaultKind, Lateness, Refusal, Stamps};
use crate::device::{DeviceError, HostKind};

/// The greatest error of a device's clock, walks aside, in millionths.
const WIDEST_PPM: f64 = 100_000.0;
/// The longest block in frames, and the most frames lost at once: what is more is a slip of the pen.
const LONGEST_BLOCK: usize = 1 << 20;
const MOST_LOST: u64 = 1 << 40;
/// The most errors told at once.
const MOST_ERRORS: u32 = 10_000;

/// What a device captures: fills a block, interleaved, that begins at a frame of the device, counted
/// since the world began, with a number of channels.
pub type Source = Arc<dyn Fn(u64, usize, &mut [f32]) + Send + Sync>;

/// What hears what a device plays: a block, interleaved, that begins at a frame of the device, with a
/// number of channels. The frame is that which was captured in the same call.
pub type Sink = Arc<dyn Fn(u64, usize, &[f32]) + Send + Sync>;

/// A simulated device.
#[derive(Clone)]
pub struct SimDevice {
    /// Name.
    pub name: String,
    /// Channels it captures, 0 for none.
    pub input_channels: usize,
    /// Channels it plays, 0 for none.
    pub output_channels: usize,
    /// Sample rate it claims, in hertz.
    pub sample_rate_hz: u32,
    /// Error of its clock against virtual time, in millionths: positive is fast.
    pub rate_error_ppm: f64,
    /// What is added to that error as time goes on. All together, walks aside, at most 100,000
    /// millionths.
    pub drifts: Vec<Drift>,
    /// Lengths of its blocks.
    pub blocks: Blocks,
    /// How late its callbacks come.
    pub lateness: Vec<Lateness>,
    /// Times that its calls say they have.
    pub stamps: Stamps,
    /// What befalls it, in any order.
    pub faults: Vec<Fault>,
    /// What it captures; `None` for silence. Called inside the real-time callback.
    pub source: Option<Source>,
    /// What hears what it plays. Called behind the callback, without any lock.
    pub sink: Option<Sink>,
    /// Whether [`Sim::played`](super::Sim::played) forgets what it plays: for runs longer than
    /// memory.
    pub forgets: bool,
}

/// What a device offers at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    pub(super) sample_rate_hz: u32,
    pub(super) input_channels: usize,
    pub(super) output_channels: usize,
}

impl SimDevice {
    /// A device at 48 kHz with an exact clock and blocks of 256 frames, to which nothing happens;
    /// it captures silence.
    pub fn new(name: &str, input_channels: usize, output_channels: usize) -> Self {
        Self {
            name: name.to_owned(),
            input_channels,
            output_channels,
            sample_rate_hz: 48_000,
            rate_error_ppm: 0.0,
            drifts: Vec::new(),
            blocks: Blocks::Fixed(256),
            lateness: Vec::new(),
            stamps: Stamps::Exact,
            faults: Vec::new(),
            source: None,
            sink: None,
            forgets: false,
        }
    }

    /// What it captures: the sample of a frame, counted by its clock since the world began, and a
    /// channel, counted from 0. Called inside the real-time callback.
    #[must_use]
    pub fn with_source(self, source: impl Fn(u64, usize) -> f32 + Send + Sync + 'static) -> Self {
        self.with_block_source(move |first, channels, block| {
            for (frame, samples) in (first..).zip(block.chunks_exact_mut(channels)) {
                for (channel, sample) in samples.iter_mut().enumerate() {
                    *sample = source(frame, channel);
                }
            }
        })
    }

    /// What it captures, a block at a time: see [`Source`]. Called inside the real-time callback.
    #[must_use]
    pub fn with_block_source(
        mut self,
        source: impl Fn(u64, usize, &mut [f32]) + Send + Sync + 'static,
    ) -> Self {
        self.source = Some(Arc::new(source));
        self
    }

    /// What hears what it plays, a block at a time: see [`Sink`].
    #[must_use]
    pub fn with_sink(mut self, sink: impl Fn(u64, usize, &[f32]) + Send + Sync + 'static) -> Self {
        self.sink = Some(Arc::new(sink));
        self
    }

    pub(super) fn check(&self) -> Result<(), DeviceError> {
        let rates = self.faults.iter().filter_map(|fault| match fault.kind {
            FaultKind::Return { sample_rate_hz, .. } | FaultKind::Rate { sample_rate_hz } => {
                Some(sample_rate_hz)
            }
            _ => None,
        });
        if rates.chain([self.sample_rate_hz]).any(|rate| rate == 0) {
            return Err(DeviceError::SampleRateUnsupported {
                device: self.name.clone(),
                asked_hz: 0,
                allowed: Vec::new(),
            });
        }
        let periods = self.faults.iter().filter_map(|fault| match fault.kind {
            FaultKind::Period { frames } => Some(frames),
            _ => None,
        });
        let mut lengths = periods.chain([self.blocks.shortest(), self.blocks.longest()]);
        if let Some(frames) = lengths.find(|frames| !(1..=LONGEST_BLOCK).contains(frames)) {
            return Err(DeviceError::BufferUnsupported {
                device: self.name.clone(),
                asked_frames: u32::try_from(frames).unwrap_or(u32::MAX),
                min: 1,
                max: LONGEST_BLOCK as u32,
            });
        }
        let refused =
            |words: &str| Err(DeviceError::backend(HostKind::Sim, "plug a device", words));
        let errors = self.drifts.iter().map(Drift::widest_ppm);
        let widest_ppm = errors.sum::<f64>() + self.rate_error_ppm.abs();
        if !matches!(widest_ppm, 0.0..=WIDEST_PPM) {
            return refused(
                "a clock's error is at most 100000 ppm, and a sine's frequency above 0",
            );
        }
        let is_much = |fault: &Fault| matches!(fault.kind, FaultKind::Xrun { lost_frames } if lost_frames > MOST_LOST);
        if self.faults.iter().any(is_much) {
            return refused("an xrun loses at most 2^40 frames");
        }
        let is_flood = |fault: &Fault| matches!(fault.kind, FaultKind::Errors { count } if count > MOST_ERRORS);
        if self.faults.iter().any(is_flood) {
            return refused("a backend tells at most 10000 errors at once");
        }
        if self.stamps == (Stamps::Quantised { step_ns: 0 }) {
            return refused("quantised time stamps need a step");
        }
        match self.lateness.iter().find_map(Lateness::fault) {
            Some(words) => refused(words),
            None => Ok(()),
        }
    }

    /// Its clock, with the rates its faults bring.
    pub(super) fn clock(&self) -> Clock {
        let change = |fault: &Fault| match fault.kind {
            FaultKind::Rate { sample_rate_hz } => Some((fault.at_ns, sample_rate_hz)),
            FaultKind::Return {
                for_ns,
                sample_rate_hz,
                ..
            } => Some((fault.at_ns.saturating_add(for_ns), sample_rate_hz)),
            _ => None,
        };
        let changes = self.faults.iter().filter_map(change);
        // What never comes back has no clock any more.
        let changes: Vec<_> = changes.filter(|&(at_ns, _)| at_ns < u64::MAX).collect();
        let drifts = Drifts::new(self.rate_error_ppm, &self.drifts);
        Clock::new(self.sample_rate_hz, &changes, drifts)
    }

    /// What it offers now.
    pub(super) fn format(&self, now_ns: u64) -> Format {
        let came_back = |fault: &Fault| match fault.kind {
            FaultKind::Return {
                for_ns,
                sample_rate_hz,
                input_channels,
                output_channels,
            } => Some((
                fault.at_ns.saturating_add(for_ns),
                Format {
                    sample_rate_hz,
                    input_channels,
                    output_channels,
                },
            )),
            _ => None,
        };
        let formats = self.faults.iter().filter_map(came_back);
        let last = formats.filter(|&(at_ns, _)| at_ns <= now_ns);
        last.max_by_key(|&(at_ns, _)| at_ns).map_or(
            Format {
                sample_rate_hz: self.sample_rate_hz,
                input_channels: self.input_channels,
                output_channels: self.output_channels,
            },
            |(_, format)| format,
        )
    }

    pub(super) fn is_away(&self, now_ns: u64) -> bool {
        self.faults.iter().any(|fault| match fault.kind {
            FaultKind::Unplug { for_ns } | FaultKind::Return { for_ns, .. } => {
                fault.holds(for_ns, now_ns)
            }
            _ => false,
        })
    }

    /// How it answers who opens it now, where it refuses.
    pub(super) fn refusal(&self, now_ns: u64) -> Option<DeviceError> {
        let answer = self.faults.iter().find_map(|fault| match fault.kind {
            FaultKind::Refuse { for_ns, answer } if fault.holds(for_ns, now_ns) => Some(answer),
            _ => None,
        })?;
        let device = self.name.clone();
        Some(match answer {
            Refusal::Busy => DeviceError::DeviceBusy { device },
            Refusal::Denied => DeviceError::PermissionDenied { device },
            Refusal::Broken => {
                DeviceError::backend(HostKind::Sim, "open", format!("\"{device}\" is broken"))
            }
        })
    }
}

impl fmt::Debug for SimDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimDevice")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
