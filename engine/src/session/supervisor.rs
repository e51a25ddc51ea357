//! Looks after the devices: notices those that go, paces the session meanwhile, and takes them back.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use ossicle_io::device::reaper::Retired;
use ossicle_io::device::{
    DeviceError, LostCause, PendingStream, Port, Reaper, Stream, StreamInfo, StreamRequest,
    StreamState, StreamStatus, now_ns,
};
use ossicle_io::rights::Scheduling;

use super::RETIRE_WITHIN;
use super::call_length::CallLength;
use super::event::{DeviceEvent, DeviceEventKind};
use super::link::{Link, Phase, caller_error, name, open_again, period_ns, seconds};
use super::raw::note_lost;
use super::slot::Lent;
use super::stage::{BridgeSide, Known, Seat, Stage, Started, lock};
use super::world::World;
use crate::error::EngineError;
use crate::record::spawn;

/// Time between two looks at the devices.
const LOOK: Duration = Duration::from_millis(20);
/// Time between two attempts to open a device, in nanoseconds: it doubles from the first to the most;
/// in virtual time it is the first.
const RETRY_NS: (u64, u64) = (20_000_000, 500_000_000);
/// Frames of a call of the clock that stands for a device, where nobody hears it.
const CLOCK_FRAMES: u32 = 2048;
/// Stalled devices that cannot be opened beside their old stream lose it after so long, in
/// nanoseconds.
const GIVE_UP_NS: u64 = 5_000_000_000;

/// The clock that calls the core while its device is away.
struct Clock {
    stream: Box<dyn Stream>,
    number: u64,
}

/// What is asked of a device whenever it is opened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wishes {
    pub(super) buffer_frames: Option<u32>,
    pub(super) leave_unconnected: bool,
    pub(super) realtime: bool,
}

/// Looks after the devices of a session.
pub(super) struct Supervisor {
    stage: Arc<Stage>,
    /// What opens devices again; without it the session ends when one is lost.
    world: Option<Arc<dyn World>>,
    wishes: Wishes,
    links: Mutex<Vec<Link>>,
    clock: Mutex<Option<Clock>>,
    events: Mutex<Vec<DeviceEvent>>,
    notes: Mutex<Vec<String>>,
    failure: Mutex<Option<EngineError>>,
    reaper: Reaper,
    stopped: AtomicBool,
}

/// A bridge of a session.
pub(super) struct Bridged {
    pub(super) device: String,
    pub(super) is_capture: bool,
    pub(super) side: BridgeSide,
}

/// A device that is to be opened again.
struct Opening {
    seat: Seat,
    known: Known,
    request: StreamRequest,
}

/// What is to be done for a device, without the lock.
enum Work {
    Nothing,
    Retire(Box<dyn Stream>),
    Open(Box<Opening>),
}

impl Supervisor {
    pub(super) fn new(stage: Arc<Stage>, world: Option<Arc<dyn World>>, wishes: Wishes) -> Self {
        Self {
            stage,
            world,
            wishes,
            links: Mutex::default(),
            clock: Mutex::default(),
            events: Mutex::default(),
            notes: Mutex::default(),
            failure: Mutex::default(),
            reaper: Reaper::new(),
            stopped: AtomicBool::new(false),
        }
    }

    /// Starts a device as the session begins.
    pub(super) fn start(
        &self,
        seat: Seat,
        pending: Box<dyn PendingStream>,
    ) -> Result<StreamInfo, EngineError> {
        let started = self.stage.start(&seat, Known::default(), pending)?;
        let info = started.stream.info().clone();
        let link = Link {
            seat,
            id: [info.input_device.clone(), info.output_device.clone()],
            info: info.clone(),
            stream: Some(started.stream),
            number: started.number,
            phase: Phase::Up,
            started_ns: self.now_ns(),
            retry_ns: RETRY_NS.0,
            next_try_ns: 0,
            is_opening: false,
            capture: started.capture,
            play: started.play,
            known: Known::default(),
            xruns: 0,
            calls: CallLength::default(),
        };
        lock(&self.links).push(link);
        Ok(info)
    }

    /// Looks after the devices on a thread of its own from now on, unless time is virtual.
    pub(super) fn watch(self: &Arc<Self>) -> Result<Option<JoinHandle<()>>, EngineError> {
        if self.world.as_ref().is_none_or(|world| world.is_virtual()) {
            return Ok(None);
        }
        let supervisor = self.clone();
        spawn("ossicle-devices", move || {
            while !supervisor.stopped.load(Acquire) {
                supervisor.turn();
                std::thread::sleep(LOOK);
            }
        })
        .map(Some)
    }

    fn now_ns(&self) -> u64 {
        self.world
            .as_ref()
            .map_or_else(now_ns, |world| world.now_ns())
    }

    /// Looks once at every device.
    pub(super) fn turn(&self) {
        let now = self.now_ns();
        let devices = lock(&self.links).len();
        for index in 0..devices {
            let work = self.look(index, now);
            self.keep_pace();
            match work {
                Work::Nothing => {}
                Work::Retire(stream) => self.retire(stream),
                Work::Open(opening) => self.open(index, *opening),
            }
        }
    }

    /// Looks at a device, and notes what has changed.
    fn look(&self, index: usize, now: u64) -> Work {
        let mut links = lock(&self.links);
        let caller_error = caller_error(&links);
        let Some(link) = links.get_mut(index) else {
            return Work::Nothing;
        };
        if link.seat.role.is_master && link.phase == Phase::Up {
            link.known.caller = caller_error.or(link.known.caller);
        }
        let since_ns = match &link.stream {
            Some(stream) => stream.status().last_callback_ns().max(link.started_ns),
            None => now,
        };
        if let Some(stream) = &link.stream {
            let state = stream.status().state();
            if let StreamState::Lost(cause) = state {
                return self.lose(link, since_ns, cause);
            }
            let note = link.calls.look(&link.info, stream.status());
            lock(&self.notes).extend(note);
            // A simulation that nobody runs stands still, and so does its time.
            let stalled =
                self.world.is_some() && stream.status().stalled(now, period_ns(&link.info));
            match link.phase {
                Phase::Up if stalled => {
                    if link.seat.role.is_master {
                        self.stage.shared.set_away(true);
                    }
                    self.tell(link, DeviceEventKind::Stalled);
                    link.phase = Phase::Stalled { since_ns };
                    link.learn();
                    (link.retry_ns, link.next_try_ns) = (RETRY_NS.0, now);
                }
                Phase::Stalled { since_ns } if !stalled => {
                    let after_s = seconds(stream.status().last_callback_ns(), since_ns);
                    self.tell(link, DeviceEventKind::Resumed { after_s });
                    link.phase = Phase::Up;
                }
                _ => {}
            }
        }
        if self.world.is_none() {
            return Work::Nothing;
        }
        if link.phase == Phase::Up {
            if self.stage.shared.has_ended() && is_strange(link) {
                self.end_takes(link);
            }
            return Work::Nothing;
        }
        if self.stage.shared.has_ended() {
            self.end_takes(link);
            return Work::Nothing;
        }
        if now < link.next_try_ns || link.is_opening {
            return Work::Nothing;
        }
        link.is_opening = true;
        Work::Open(Box::new(Opening {
            seat: link.seat.clone(),
            known: link.known,
            request: self.request(link),
        }))
    }

    /// A device is lost: its stream is to be retired.
    fn lose(&self, link: &mut Link, since_ns: u64, cause: LostCause) -> Work {
        if self.world.is_none() || cause == LostCause::Panicked {
            let error = EngineError::DeviceLost {
                device: name(&link.info),
                cause: cause.to_string(),
            };
            lock(&self.failure).get_or_insert(error);
            return Work::Nothing;
        }
        link.learn();
        // What stalled and then went is gone since it stalled.
        let since_ns = match link.phase {
            Phase::Stalled { since_ns } => since_ns,
            _ => since_ns,
        };
        link.phase = Phase::Away { since_ns };
        if link.seat.role.is_master {
            self.stage.shared.set_away(false);
        }
        (link.retry_ns, link.next_try_ns) = (RETRY_NS.0, 0);
        self.tell(link, DeviceEventKind::Lost { cause });
        match link.stream.take() {
            Some(stream) => {
                link.xruns += stream.status().xruns();
                self.stage.leave(&link.seat.role);
                (link.capture, link.play) = (None, None);
                Work::Retire(stream)
            }
            None => Work::Nothing,
        }
    }

    /// Somebody has to call the core: the master while it can, else a clock.
    fn keep_pace(&self) {
        let Some(world) = &self.world else { return };
        let (number, period) = {
            let links = lock(&self.links);
            // Nobody waits for what is played by a clock, unless another device plays it too.
            let is_heard = links.iter().any(|link| {
                link.phase == Phase::Up && !link.seat.role.is_master && link.seat.role.out.is_some()
            });
            let Some(master) = links.iter().find(|link| link.seat.role.is_master) else {
                return;
            };
            // What is only recorded waits for frames that may come late but complete.
            let is_played = links.iter().any(|link| link.seat.role.out.is_some());
            if matches!(master.phase, Phase::Stalled { .. }) && !is_played {
                return;
            }
            let calls = master.phase == Phase::Up
                && master.info.sample_rate_hz == self.stage.sample_rate_hz;
            let period = if is_heard {
                self.stage.period as u32
            } else {
                CLOCK_FRAMES.max(self.stage.period as u32)
            };
            (calls.then_some(master.number), period)
        };
        let mut clock = lock(&self.clock);
        match (number, clock.as_ref()) {
            (Some(number), Some(_)) => {
                self.stage.pace.store(number, Release);
                let retired = clock.take();
                drop(clock);
                if let Some(clock) = retired {
                    self.retire(clock.stream);
                }
            }
            (None, None) if !self.stopped.load(Acquire) => {
                let opened = world.open_clock(self.stage.sample_rate_hz, period);
                match opened
                    .map_err(EngineError::from)
                    .and_then(|pending| self.stage.start_clock(pending))
                {
                    Ok((stream, number)) => {
                        *clock = Some(Clock { stream, number });
                        self.stage.pace.store(number, Release);
                    }
                    Err(error) => {
                        lock(&self.failure).get_or_insert(error);
                    }
                }
            }
            (None, Some(clock)) => self.stage.pace.store(clock.number, Release),
            _ => {}
        }
    }

    /// Tries to open a device that is away, or that stalls.
    fn open(&self, index: usize, opening: Opening) {
        let Opening {
            seat,
            known,
            request,
        } = opening;
        let Some(world) = &self.world else { return };
        let opened = open_again(world.as_ref(), &seat, request);
        let is_busy = matches!(opened, Err(DeviceError::DeviceBusy { .. }));
        let calls_again = {
            let links = lock(&self.links);
            let link = &links[index];
            let calls = match &link.stream {
                Some(stream) => {
                    let status = stream.status();
                    !status.stalled(self.now_ns(), period_ns(&link.info))
                        && status.state() == StreamState::Running
                }
                None => false,
            };
            calls || self.stopped.load(Acquire)
        };
        let started = match opened {
            Ok(pending) if !calls_again => self.stage.start(&seat, known, pending).ok(),
            _ => None,
        };
        let mut links = lock(&self.links);
        let link = &mut links[index];
        link.is_opening = false;
        let Some(started) = started else {
            let now = self.now_ns();
            link.next_try_ns = now + link.retry_ns;
            if !self.world.as_ref().is_some_and(|world| world.is_virtual()) {
                link.retry_ns = (2 * link.retry_ns).min(RETRY_NS.1);
            }
            // The old stream may be what keeps the device.
            let gives_up = matches!(link.phase, Phase::Stalled { since_ns }
                if !calls_again && (is_busy || now.saturating_sub(since_ns) > GIVE_UP_NS));
            if gives_up && let Some(stream) = link.stream.take() {
                link.xruns += stream.status().xruns();
                if let Phase::Stalled { since_ns } = link.phase {
                    link.phase = Phase::Away { since_ns };
                }
                self.stage.leave(&link.seat.role);
                drop(links);
                self.retire(stream);
            }
            return;
        };
        let old = self.install(link, started);
        drop(links);
        self.keep_pace();
        if let Some(old) = old {
            self.retire(old);
        }
    }

    /// A device is back.
    fn install(&self, link: &mut Link, started: Started) -> Option<Box<dyn Stream>> {
        let since_ns = match link.phase {
            Phase::Stalled { since_ns } | Phase::Away { since_ns } => since_ns,
            Phase::Up => self.now_ns(),
        };
        let after_s = seconds(self.now_ns(), since_ns);
        let info = started.stream.info().clone();
        let before = name(&link.info);
        let kind = if name(&info) == before {
            DeviceEventKind::Back {
                after_s,
                sample_rate_hz: info.sample_rate_hz,
            }
        } else {
            DeviceEventKind::Replaced {
                by: name(&info),
                after_s,
            }
        };
        self.tell(link, kind);
        let old = link.stream.replace(started.stream);
        if let Some(old) = &old {
            link.xruns += old.status().xruns();
        }
        link.info = info;
        link.number = started.number;
        link.started_ns = self.now_ns();
        link.phase = Phase::Up;
        (link.capture, link.play) = (started.capture, started.play);
        old
    }

    /// The session has ended while a device is away: its own recordings end too.
    fn end_takes(&self, link: &Link) {
        if let Some(takes) = &link.seat.takes
            && let Some(mut lent) = Lent::from(takes)
            && let Some(takes) = lent.value()
        {
            note_lost(
                &self.stage.shared,
                takes.lose_to_the_end(&self.stage.shared),
            );
        }
    }

    fn request(&self, link: &Link) -> StreamRequest {
        let port = |port: &Option<Port>, id: &Option<String>, channels: usize| {
            port.as_ref().map(|port| Port {
                device: id.clone().or_else(|| port.device.clone()),
                channels: Some(channels).filter(|&channels| channels > 0),
            })
        };
        let (role, info) = (&link.seat.role, &link.info);
        StreamRequest {
            input: port(&role.input, &link.id[0], info.input_channels),
            output: port(&role.output, &link.id[1], info.output_channels),
            sample_rate_hz: Some(info.sample_rate_hz),
            buffer_frames: self.wishes.buffer_frames,
            leave_unconnected: self.wishes.leave_unconnected,
            realtime: self.wishes.realtime,
        }
    }

    fn tell(&self, link: &Link, kind: DeviceEventKind) {
        let event = DeviceEvent {
            position: self
                .stage
                .shared
                .position
                .load(std::sync::atomic::Ordering::Relaxed),
            device: name(&link.info),
            kind,
        };
        lock(&self.notes).push(event.to_string());
        lock(&self.events).push(event);
    }

    fn retire(&self, stream: Box<dyn Stream>) {
        if self.reaper.retire(stream, RETIRE_WITHIN) == Retired::Abandoned {
            lock(&self.notes).push("a device hangs and was abandoned".to_owned());
        }
    }

    /// Ends all streams.
    pub(super) fn end(&self) {
        if self.stopped.swap(true, AcqRel) {
            return;
        }
        let now = self.now_ns();
        let streams: Vec<_> = {
            let mut links = lock(&self.links);
            let is_away = |link: &&Link| link.phase != Phase::Up || is_strange(link);
            for link in links.iter().filter(is_away) {
                if let Some(takes) = &link.seat.takes
                    && let Some(mut lent) = Lent::from(takes)
                    && let Some(takes) = lent.value()
                {
                    note_lost(
                        &self.stage.shared,
                        takes.lose_until(now, &self.stage.shared),
                    );
                }
            }
            let streams = links.iter_mut().filter_map(|link| {
                let stream = link.stream.take()?;
                link.xruns += stream.status().xruns();
                Some(stream)
            });
            streams.collect()
        };
        let clock = lock(&self.clock).take();
        for stream in streams.into_iter().chain(clock.map(|clock| clock.stream)) {
            self.retire(stream);
        }
    }

    /// The time by which the master has not called, where it is away.
    pub(super) fn away_until_ns(&self) -> Option<u64> {
        self.world.as_ref()?;
        let links = lock(&self.links);
        let mut masters = links.iter().filter(|link| link.seat.role.is_master);
        let is_away = masters.any(|link| link.phase != Phase::Up);
        is_away.then(|| self.now_ns())
    }

    pub(super) fn take_failure(&self) -> Option<EngineError> {
        lock(&self.failure).take()
    }

    /// What was noted since the last call.
    pub(super) fn take_notes(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.notes))
    }

    /// All that befell the devices so far.
    pub(super) fn events(&self) -> Vec<DeviceEvent> {
        lock(&self.events).clone()
    }

    pub(super) fn xruns(&self) -> u64 {
        let links = lock(&self.links);
        let each = links.iter().map(|link| {
            let running = link.stream.as_ref();
            link.xruns + running.map_or(0, |stream| stream.status().xruns())
        });
        each.sum()
    }

    /// What the running streams settled on, and how they do.
    pub(super) fn streams(&self) -> Vec<(StreamInfo, Arc<StreamStatus>)> {
        let links = lock(&self.links);
        let running = links.iter().filter_map(|link| link.stream.as_ref());
        running
            .map(|stream| (stream.info().clone(), stream.status().clone()))
            .collect()
    }

    pub(super) fn scheduling(&self) -> Scheduling {
        let links = lock(&self.links);
        let each = links.iter().filter_map(|link| link.stream.as_ref());
        each.map(|stream| stream.status().scheduling())
            .reduce(Scheduling::worse)
            .unwrap_or_default()
    }

    /// The bridges as they are.
    pub(super) fn bridges(&self) -> Vec<Bridged> {
        let links = lock(&self.links);
        let mut bridges = Vec::new();
        for link in links.iter() {
            for (side, is_capture) in [(&link.capture, true), (&link.play, false)] {
                let device = if is_capture {
                    &link.info.input_device
                } else {
                    &link.info.output_device
                };
                bridges.extend(side.as_ref().map(|side| Bridged {
                    device: device.clone().unwrap_or_default(),
                    is_capture,
                    side: side.clone(),
                }));
            }
        }
        bridges
    }
}

/// Whether a device runs at another rate than the recordings of its own sound.
fn is_strange(link: &Link) -> bool {
    let mut lent = link.seat.takes.as_ref().and_then(|takes| Lent::from(takes));
    let takes = lent.as_mut().and_then(Lent::value);
    takes.is_some_and(|takes| takes.is_strange())
}
