//! What a session says while it runs, and in the end.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use super::Session;
use super::metering::Metering;
use super::open::names;
use super::realtime::Realtime;
use crate::edit::FaultKind;
use crate::meter::Readings;
use crate::record::Recorded;

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
    /// How the callbacks are scheduled, and whether the memory is locked.
    pub realtime: Realtime,
    /// What was odd so far, in a line each.
    pub warnings: Vec<String>,
    /// The session has come to its end, or cannot go on: stop it.
    pub ended: bool,
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
    /// The recording, if there was one.
    pub recorded: Option<Recorded>,
    /// How the callbacks were scheduled, and whether the memory was locked.
    pub realtime: Realtime,
    /// What was odd, in a line each.
    pub warnings: Vec<String>,
}

impl Session {
    /// The state now. Also looks after the devices: call it a few times a second.
    pub fn report(&mut self) -> Report {
        self.look_after_streams();
        let file_failed = self
            .recording
            .as_ref()
            .is_some_and(|recording| recording.has_failed());
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
            realtime: self.realtime(),
            warnings: self.warnings.clone(),
            ended: self.shared.all_ended() || self.failure.is_some() || file_failed,
        }
    }

    pub(super) fn look_after_streams(&mut self) {
        self.controller.turn();
        if self.is_virtual {
            self.keeper.look();
        }
        self.warnings.extend(self.keeper.take_notes());
        for watched in &mut self.streams {
            if let Err(error) = watched.look(&mut self.warnings) {
                self.failure.get_or_insert(error);
            }
            let stream = &watched.stream;
            self.warnings
                .extend(watched.calls.look(stream.info(), stream.status()));
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

    fn frames(&self) -> u64 {
        let counter = if self.counts_source {
            &self.shared.source_frames
        } else {
            &self.shared.position
        };
        counter.load(Relaxed)
    }

    fn latency_frames(&self) -> u64 {
        self.shared.margin_frames.load(Relaxed) + self.counters.plan_latency_frames.load(Relaxed)
    }

    pub(super) fn ended(
        &self,
        xruns: u64,
        realtime: Realtime,
        recorded: Option<Recorded>,
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
            recorded,
            realtime,
            warnings: self.warnings.clone(),
        }
    }
}
