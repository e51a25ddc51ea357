//! What a session says while it runs, and in the end.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use super::Session;
use super::event::DeviceEvent;
use super::metering::Metering;
use super::open::names;
use super::realtime::Realtime;
use super::supervisor::Bridged;
use crate::edit::FaultKind;
use crate::error::EngineError;
use crate::meter::Readings;
use crate::record::{Recorded, Recording, TakeReport};

/// The state of a running session.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Frames so far: of the source for a file, of the stream otherwise.
    pub frames: u64,
    /// Xruns the devices told.
    pub xruns: u64,
    /// Frames lost because a reader was late, the device's own losses included.
    pub overrun_frames: u64,
    /// Frames of silence made because a writer was late.
    pub underrun_frames: u64,
    /// Frames of a live input that were passed over to bring its delay back after a stall. They are
    /// not heard; a recording of the input has them.
    pub skipped_frames: u64,
    /// Largest magnitude of each output channel since the last report; 1.0 is 0 dBFS.
    pub peaks: Vec<f32>,
    /// Largest magnitude of each output channel in the reports of the last three seconds.
    pub held_peaks: Vec<f32>,
    /// What the meters read, if [`SessionConfig::meter`](super::SessionConfig::meter) asks for
    /// them. They measure when they are looked at: within every four seconds, or frames are missing
    /// in what they read.
    pub readings: Option<Readings>,
    /// Share of the time that the callbacks take, in per cent.
    pub load_percent: f64,
    /// Frames from the capture callback to the playback callback, chain included.
    pub latency_frames: u64,
    /// The bridges between devices on different clocks, as they are now.
    pub bridges: Vec<BridgeReport>,
    /// What befell the devices so far, each once; told in `warnings` too. The first 10 000 are kept.
    pub events: Arc<[DeviceEvent]>,
    /// The recordings, in the order of [`SessionConfig::record`](super::SessionConfig::record).
    pub takes: Vec<TakeReport>,
    /// How the callbacks are scheduled, and whether the memory is locked.
    pub realtime: Realtime,
    /// What was odd so far, in a line each. The first 10 000 are kept.
    pub warnings: Arc<[String]>,
    /// The session has come to its end, cannot go on, or plays nothing and none of its recordings
    /// goes on after one of them failed: stop it.
    pub ended: bool,
}

/// A bridge between two clocks.
#[derive(Clone, Debug, PartialEq)]
pub struct BridgeReport {
    /// The device that is not the one the session is called by.
    pub device: String,
    /// Whether its sound comes in or goes out.
    pub direction: Direction,
    /// Nominal rate of what is read, in hertz.
    pub from_hz: u32,
    /// Nominal rate of what reads, in hertz.
    pub to_hz: u32,
    /// How much faster than by both nominal rates is read, in millionths.
    pub ppm: f64,
    /// How much faster the one clock is known to be than the other, beyond both nominal rates, in
    /// millionths: what is kept for the next time. `None` while nothing is read.
    pub learned_ppm: Option<f64>,
    /// By how much the clocks of both together may be off what their calls told, in millionths: a few
    /// standard deviations, up to what is believed of any clock. 0 where there is one clock.
    pub unsure_ppm: f64,
    /// How late the calls of the two come in the mean, of the one where they come later, in
    /// microseconds.
    pub spread_us: f64,
    /// Frames kept for lateness.
    pub margin_frames: f64,
    /// Frames of the session between the two: a block, half the kernel and the margin.
    pub latency_frames: f64,
    /// Frames by which the place that is read is off where it should be.
    pub error_frames: f64,
    /// How often it was moved, each time with a fade.
    pub jumps: u64,
    /// Frames that were silence for want of sound.
    pub missing_frames: u64,
    /// It reads now.
    pub locked: bool,
}

/// Which way a device's sound goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the device.
    In,
    /// To the device.
    Out,
}

/// What a session came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// Frames: of the source for a file, of the stream otherwise.
    pub frames: u64,
    /// Sample rate in hertz.
    pub sample_rate_hz: u32,
    /// Channels that left the chain.
    pub channels: usize,
    /// Xruns the devices told.
    pub xruns: u64,
    /// Frames lost because a reader was late, the device's own losses included.
    pub overrun_frames: u64,
    /// Frames of silence made because a writer was late.
    pub underrun_frames: u64,
    /// Frames of a live input that were passed over to bring its delay back after a stall. They are
    /// not heard; a recording of the input has them.
    pub skipped_frames: u64,
    /// Frames from the capture callback to the playback callback, chain included; the chain's alone
    /// where there is no such pair.
    pub latency_frames: u64,
    /// Hardware latency in frames as the devices say.
    pub device_latency_frames: Option<u64>,
    /// Largest magnitude that left the chain; 1.0 is 0 dBFS.
    pub peak: f32,
    /// What the meters read in the end, if they were asked for.
    pub readings: Option<Readings>,
    /// Share of the time that the callbacks took, in per cent.
    pub load_percent: Option<f64>,
    /// Samples that were not finite and became silence.
    pub not_finite_samples: u64,
    /// The host.
    pub host: String,
    /// The output device.
    pub output_device: Option<String>,
    /// The input device.
    pub input_device: Option<String>,
    /// Frames per callback.
    pub buffer_frames: u32,
    /// The bridges between devices on different clocks, as they were in the end.
    pub bridges: Vec<BridgeReport>,
    /// What befell the devices, each once; told in `warnings` too.
    pub events: Vec<DeviceEvent>,
    /// The recordings, in the order of [`SessionConfig::record`](super::SessionConfig::record).
    pub recorded: Vec<Recorded>,
    /// How the callbacks were scheduled, and whether the memory was locked.
    pub realtime: Realtime,
    /// What was odd, in a line each.
    pub warnings: Vec<String>,
}

impl Session {
    /// Looks after the devices, where no thread does: in a world whose time is virtual. A report does
    /// it too.
    pub fn look(&mut self) {
        self.look_after_streams();
    }

    /// The state now. Also looks after the devices: call it a few times a second.
    pub fn report(&mut self) -> Report {
        self.look_after_streams();
        let takes = self.recordings.iter();
        let takes = takes.map(|recording| recording.take().report()).collect();
        let peaks = self.counters.take_recent_peaks();
        let held_peaks = self.levels.hold(Instant::now(), &peaks);
        Report {
            frames: self.frames(),
            xruns: self.xruns(),
            overrun_frames: self.shared.overrun_frames.load(Relaxed),
            underrun_frames: self.shared.underrun_frames.load(Relaxed),
            skipped_frames: self.shared.skipped_frames.load(Relaxed),
            peaks,
            held_peaks,
            readings: self.metering.as_mut().map(Metering::look),
            load_percent: self.counters.load_percent().unwrap_or(0.0),
            latency_frames: self.latency_frames(),
            bridges: self.bridges(),
            events: self.supervisor.events(),
            takes,
            realtime: self.realtime(),
            warnings: self.warnings.show(),
            ended: self.shared.all_ended() || self.failure.is_some() || self.is_for_nothing(),
        }
    }

    pub(super) fn look_after_streams(&mut self) {
        self.controller.turn();
        if self.is_virtual {
            self.keeper.look();
        }
        self.warnings.extend(self.keeper.take_notes());
        match &self.watch {
            None => self.supervisor.turn(),
            // It ends with the session alone.
            Some(watch) if watch.is_finished() => {
                let error = EngineError::ThreadLost { thread: "devices" };
                self.failure.get_or_insert(error);
            }
            Some(_) => {}
        }
        self.warnings.extend(self.supervisor.take_notes());
        let is_for_nothing = self.is_for_nothing();
        for recording in &mut self.recordings {
            if self.is_virtual {
                recording.turn();
            }
            self.warnings.extend(recording.take().take_notes());
            // What ends the session is told as its error alone.
            if !is_for_nothing && let Some(failure) = recording.take_failure() {
                let note = format!("{failure}: the recording has ended, all else goes on");
                self.warnings.push(note);
            }
        }
        if let Some(error) = self.supervisor.take_failure() {
            self.failure.get_or_insert(error);
        }
        while let Some(fault) = self.controller.fault() {
            let place = self.controller.nodes().position(|(id, _)| id == fault.node);
            let node = place.map_or("a node that left".to_owned(), |at| {
                format!("node {}", at + 1)
            });
            self.warnings.push(match fault.kind {
                FaultKind::NotFinite => format!("{node} gave what is no number and was reset"),
                _ => format!("{node} panicked and is passed by"),
            });
        }
    }

    /// It plays nothing, and its recordings take no more.
    fn is_for_nothing(&self) -> bool {
        let recordings = &self.recordings;
        let plays = self.infos.iter().any(|info| info.output_channels > 0);
        !plays
            && recordings.iter().any(Recording::has_failed)
            && recordings.iter().all(Recording::is_over)
    }

    fn frames(&self) -> u64 {
        let counter = if self.counts_source {
            &self.shared.source_frames
        } else {
            &self.shared.position
        };
        counter.load(Relaxed)
    }

    fn latency_frames(&self) -> u64 {
        self.shared.bridge_frames() + self.counters.plan_latency_frames.load(Relaxed)
    }

    /// The bridges between devices on different clocks, as they are now.
    pub fn bridges(&self) -> Vec<BridgeReport> {
        let report = |bridge: Bridged| {
            let stats = &bridge.side.stats;
            let (from_hz, to_hz) = (bridge.side.from_hz, bridge.side.to_hz);
            let nominal = f64::from(from_hz) / f64::from(to_hz);
            let (direction, session_frames) = if bridge.is_capture {
                let ratio = stats.ratio();
                (Direction::In, if ratio > 0.0 { 1.0 / ratio } else { 0.0 })
            } else {
                (Direction::Out, 1.0)
            };
            BridgeReport {
                device: bridge.device,
                direction,
                from_hz,
                to_hz,
                ppm: if stats.reads() {
                    (stats.ratio() / nominal - 1.0) * 1e6
                } else {
                    0.0
                },
                learned_ppm: stats.learned().map(|learned| {
                    ((1.0 + learned.from_error) / (1.0 + learned.to_error) - 1.0) * 1e6
                }),
                unsure_ppm: stats.unsure() * 1e6,
                spread_us: stats.spread_ns() * 1e-3,
                margin_frames: stats.margin_frames(),
                latency_frames: stats.delay_frames() * session_frames,
                error_frames: stats.error_frames(),
                jumps: stats.jumps(),
                missing_frames: stats.missing_frames(),
                locked: stats.reads(),
            }
        };
        self.supervisor.bridges().into_iter().map(report).collect()
    }

    fn all_warnings(&self) -> Vec<String> {
        let mut all = self.warnings.kept().to_vec();
        let left_out = self.warnings.left_out();
        all.extend((left_out > 0).then(|| format!("{left_out} further warnings were not kept")));
        all
    }

    pub(super) fn ended(
        &self,
        xruns: u64,
        realtime: Realtime,
        bridges: Vec<BridgeReport>,
        recorded: Vec<Recorded>,
        readings: Option<Readings>,
    ) -> Ended {
        let (input_device, output_device) = names(&self.infos);
        let device_latency: Vec<u64> = self
            .infos
            .iter()
            .filter_map(|info| info.device_latency_frames)
            .collect();
        Ended {
            frames: self.frames(),
            sample_rate_hz: self.sample_rate_hz,
            channels: self.channels,
            xruns,
            overrun_frames: self.shared.overrun_frames.load(Relaxed),
            underrun_frames: self.shared.underrun_frames.load(Relaxed),
            skipped_frames: self.shared.skipped_frames.load(Relaxed),
            latency_frames: self.latency_frames(),
            device_latency_frames: (!device_latency.is_empty())
                .then(|| device_latency.iter().sum()),
            peak: self.counters.peak(),
            readings,
            load_percent: self.counters.load_percent(),
            not_finite_samples: self.counters.not_finite_samples.load(Relaxed),
            host: self
                .infos
                .first()
                .map(|info| info.host.to_string())
                .unwrap_or_default(),
            output_device,
            input_device,
            buffer_frames: self.infos.first().map_or(0, |info| info.buffer_frames),
            bridges,
            events: self.supervisor.events().to_vec(),
            recorded,
            realtime,
            warnings: self.all_warnings(),
        }
    }
}
