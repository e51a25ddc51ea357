//! A session: devices, a source, a chain and recordings, running.

mod call_length;
mod config;
mod core;
mod delay_line;
mod device;
mod event;
mod fallback;
mod feed;
mod gates;
mod lanes;
mod levels;
mod link;
mod metering;
mod open;
mod own;
mod pace;
mod player;
mod post;
mod raw;
mod realtime;
mod recordings;
mod remembered;
mod report;
mod routes;
mod shared;
mod slot;
mod stage;
mod start;
mod stop_error;
mod supervisor;
mod tap_ring;
mod taps;
mod told;
mod world;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ossicle_io::device::StreamInfo;

use crate::controller::Controller;
use crate::counters::Counters;
use crate::error::EngineError;
use crate::flight::{FlightError, Keeper};
use crate::meter::Readings;
use crate::period::{Choice, Standing, Trials};
use crate::record::{Recording, Take};
use core::Core;
use levels::Levels;
use metering::Metering;
use player::Player;
use shared::Shared;
use slot::Slot;
use supervisor::Supervisor;
use told::Told;

pub(crate) use core::CHUNK_FRAMES;

pub use config::{BridgeTaps, DeviceChannel, FilePlay, Moment, Routes, SessionConfig, Source};
pub use event::{DeviceEvent, DeviceEventKind};
pub use open::Open;
pub use own::{BlockCallback, BlockInfo, Flow};
pub use realtime::{Realtime, RealtimeRights};
pub use report::{BridgeReport, Direction, Ended, Report};
pub use stop_error::StopError;
pub use world::{Machine, World};

/// How long the core gets to fade out and end.
const END_WITHIN: Duration = Duration::from_millis(400);
/// How long a device gets to play out what it holds, in milliseconds.
const PLAY_OUT_MS: u64 = 10_000;
/// How long a stream gets to be dropped before it is abandoned.
const RETIRE_WITHIN: Duration = Duration::from_millis(1500);

/// A running session.
///
/// Ends its streams and closes its files when it is stopped or dropped.
pub struct Session {
    controller: Controller,
    shared: Arc<Shared>,
    counters: Arc<Counters>,
    slot: Arc<Slot<Core>>,
    supervisor: Arc<Supervisor>,
    /// Runs the supervisor, unless time is virtual.
    watch: Option<JoinHandle<()>>,
    infos: Vec<StreamInfo>,
    player: Option<Player>,
    recordings: Vec<Recording>,
    /// The recordings have a length of their own.
    takes_have_limit: bool,
    levels: Levels,
    metering: Option<Metering>,
    keeper: Keeper,
    warnings: Told<String>,
    /// Periods that are tried beside this session.
    trials: Option<Trials>,
    failure: Option<EngineError>,
    channels: usize,
    sample_rate_hz: u32,
    counts_source: bool,
    /// A virtual device runs on the caller's time: nothing is waited for.
    is_virtual: bool,
    memory_locked: bool,
}

impl Session {
    /// Opens the devices and begins.
    ///
    /// # Errors
    /// A device, a file or a chain that cannot be had as asked.
    pub fn start(config: SessionConfig) -> Result<Self, EngineError> {
        let Some((choice, note)) = Choice::new(&config) else {
            return Self::start_in(config, Arc::new(Machine));
        };
        let choice = Arc::new(choice);
        let mut session = Self::start_in(config, choice.clone())?;
        session.warnings.extend(note);
        session.trials = choice.begin(Arc::new(session.standing()));
        Ok(session)
    }

    /// Asks how the session does, from wherever.
    pub(crate) fn standing(&self) -> impl Fn() -> Standing + Send + Sync + 'static {
        let (shared, supervisor) = (self.shared.clone(), self.supervisor.clone());
        move || {
            let Shared {
                overrun_frames,
                skipped_frames,
                underrun_frames,
                ..
            } = &*shared;
            let counts = [overrun_frames, skipped_frames, underrun_frames];
            let (events, is_away) = supervisor.befell();
            Standing {
                streams: supervisor.streams(),
                lost_frames: counts.map(|count| count.load(Relaxed)).iter().sum(),
                events,
                is_away,
            }
        }
    }

    /// Begins in a world: a simulation, for one. Devices that go are taken back from there when they
    /// are there again.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_in(config: SessionConfig, world: Arc<dyn World>) -> Result<Self, EngineError> {
        let opener = world.clone();
        start::start(
            config,
            &mut |host, request| opener.open(host, request),
            Some(world),
        )
    }

    /// Begins on devices that `open` opens once: the session ends when one of them goes.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_with(config: SessionConfig, open: &mut Open<'_>) -> Result<Self, EngineError> {
        start::start(config, open, None)
    }

    /// Edits the running chain.
    pub fn controller(&mut self) -> &mut Controller {
        &mut self.controller
    }

    /// Sample rate of the session in hertz.
    pub fn sample_rate_hz(&self) -> u32 {
        self.sample_rate_hz
    }

    /// Channels that leave the chain.
    pub fn channels(&self) -> usize {
        self.channels
    }

    /// What the devices settled on.
    pub fn devices(&self) -> &[StreamInfo] {
        &self.infos
    }

    /// The recordings so far, in the order of [`SessionConfig::record`], to be read by index while
    /// they grow.
    pub fn takes(&self) -> Vec<Arc<Take>> {
        let takes = self.recordings.iter();
        takes.map(|recording| recording.take().clone()).collect()
    }

    /// Marks this moment in every recording: a label in the file.
    pub fn mark(&mut self, text: &str) {
        for recording in &self.recordings {
            recording.mark(text);
        }
    }

    /// Writes what the flight recorder kept of the last minute into a new folder below `below`, and
    /// returns that folder: see [`flight`](crate::flight).
    ///
    /// # Errors
    /// No callback was seen yet, or the folder cannot be written.
    pub fn dump_flight(&mut self, below: &Path) -> Result<PathBuf, FlightError> {
        // The log has the positions of what was answered by now.
        self.controller.turn();
        self.keeper.dump(below)
    }

    /// Ends the session in order: fades out, ends the streams, closes the file.
    ///
    /// # Errors
    /// What ended the session before its time (a device that was lost, a file that could not be
    /// read, a disk that took no more), or what went wrong while it was closed; with what the session
    /// came to, as all recordings are closed all the same.
    pub fn stop(mut self) -> Result<Ended, Box<StopError>> {
        // What has gone wrong since the last report is not to be lost.
        self.look_after_streams();
        let natural_end = self.shared.has_ended();
        self.shared.stop();
        self.wait_for_the_end();
        if natural_end {
            self.let_the_device_play_out();
        }
        let (xruns, realtime, bridges) = (self.xruns(), self.realtime(), self.bridges());
        let note = self.trials.take().and_then(Trials::finish);
        self.warnings.extend(note);
        let away = self.supervisor.away_at_ns();
        self.end_streams();
        // The core holds the rings' writing ends; a callback that hangs may have it still.
        if let Some(mut core) = self.slot.take() {
            if let Some((is_away, now_ns)) = away
                && (is_away || core.settles())
            {
                core.lose_until(now_ns);
            }
            core.lose_owed();
        }
        self.controller.turn();
        self.keeper.finish();
        self.warnings.extend(self.keeper.take_notes());
        let readings = self.finish_metering();
        let failure = self.failure.take();
        let unread = self.player.take().and_then(Player::finish);
        let mut recorded = Vec::new();
        let mut errors = Vec::new();
        for recording in std::mem::take(&mut self.recordings) {
            let done = recording.finish();
            recorded.push(done.recorded);
            errors.extend(done.errors);
            self.warnings.extend(done.notes);
        }
        errors.extend(failure);
        errors.extend(unread);
        let ended = self.ended(xruns, realtime, bridges, recorded, readings);
        let mut errors = errors.into_iter();
        match errors.next() {
            Some(error) => Err(Box::new(StopError {
                error,
                further: errors.collect(),
                ended,
            })),
            None => Ok(ended),
        }
    }

    /// What the meters read in the end. The callbacks are over.
    fn finish_metering(&mut self) -> Option<Readings> {
        let (readings, unmeasured) = self.metering.take()?.finish();
        if unmeasured > 0 {
            self.warnings.push(format!(
                "{unmeasured} frames were not measured: nobody looked for too long"
            ));
        }
        Some(readings)
    }

    fn xruns(&self) -> u64 {
        self.supervisor.xruns()
    }

    fn wait_for_the_end(&mut self) {
        if self.is_virtual {
            return;
        }
        let deadline = Instant::now() + END_WITHIN;
        while !self.shared.has_ended() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// What was written last is still in the device's buffers.
    fn let_the_device_play_out(&self) {
        if self.is_virtual {
            return;
        }
        let frames = self
            .infos
            .iter()
            .filter(|info| info.output_channels > 0)
            .map(|info| 2 * u64::from(info.buffer_frames) + info.device_latency_frames.unwrap_or(0))
            .max();
        let ms = frames.unwrap_or(0) * 1000 / u64::from(self.sample_rate_hz);
        std::thread::sleep(Duration::from_millis(ms.min(PLAY_OUT_MS)));
    }

    /// Ends all streams. A thread that waits for a server that does not answer is left to itself: it
    /// starts nothing any more.
    fn end_streams(&mut self) {
        self.supervisor.end();
        if let Some(watch) = self.watch.take() {
            let deadline = Instant::now() + END_WITHIN;
            while !watch.is_finished() && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(2));
            }
        }
        self.warnings.extend(self.supervisor.take_notes());
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.shared.stop();
        self.end_streams();
        drop(self.slot.take());
        self.keeper.finish();
        if let Some(player) = self.player.take() {
            player.finish();
        }
        for recording in std::mem::take(&mut self.recordings) {
            // An error has no way out of a drop; `stop` tells it.
            let _ = recording.finish();
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Session")
            .field("devices", &self.infos)
            .finish_non_exhaustive()
    }
}
