//! Looks after the devices: notices those that go, paces the session meanwhile, and takes them back.

mod ask;
mod defaults;
mod pace;
mod reopen;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::{AcqRel, Acquire};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use ossicle_io::device::reaper::Retired;
use ossicle_io::device::{
    LostCause, PendingStream, Reaper, Stream, StreamInfo, StreamState, now_ns,
};

use ossicle_io::ring::Cause;

use super::RETIRE_WITHIN;
use super::call_length::CallLength;
use super::event::{DeviceEvent, DeviceEventKind};
use super::link::{Link, Phase, RETRY_NS, SETTLED_NS, caller_error, name, period_ns};
use super::raw::{RawTakes, note_lost};
use super::shared::Shared;
use super::slot::Lent;
use super::stage::{Seat, Stage, lock};
use super::told::Told;
use super::world::World;
use crate::error::EngineError;
use crate::record::spawn;
use pace::Clock;
use reopen::Opening;

pub(super) use ask::Bridged;

/// Time between two looks at the devices.
const LOOK: Duration = Duration::from_millis(20);

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
    events: Mutex<Told<DeviceEvent>>,
    notes: Mutex<Vec<String>>,
    failure: Mutex<Option<EngineError>>,
    reaper: Reaper,
    stopped: AtomicBool,
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
        let known = self.stage.remembered.known(pending.info());
        let mut started = self.stage.start(&seat, known, pending)?;
        self.stage.take_seat(&seat, &mut started);
        let info = started.stream.info().clone();
        let is_known = |at: usize| !(seat.role.fell_back && seat.role.fallbacks[at].is_some());
        let mut link = Link {
            id: [
                info.input_device.clone().filter(|_| is_known(0)),
                info.output_device.clone().filter(|_| is_known(1)),
            ],
            absent: None,
            seat,
            info: info.clone(),
            stream: Some(started.stream),
            number: started.number,
            phase: Phase::Up,
            newcomer: None,
            started_ns: self.now_ns(),
            retry_ns: RETRY_NS.0,
            next_try_ns: 0,
            is_opening: false,
            defaults: [None, None],
            capture: started.capture,
            play: started.play,
            known,
            xruns: 0,
            calls: CallLength::default(),
            is_refusal_told: false,
        };
        if link.seat.role.fell_back {
            self.tell_stand_in(&mut link);
        }
        lock(&self.links).push(link);
        Ok(info)
    }

    /// Looks after the devices on a thread of its own from now on, unless time is virtual.
    pub(super) fn watch(self: &Arc<Self>) -> Result<Option<JoinHandle<()>>, EngineError> {
        if self.world.is_none() || self.is_virtual() {
            return Ok(None);
        }
        self.watch_defaults()?;
        let supervisor = self.clone();
        spawn("ossicle-devices", move || {
            while !supervisor.stopped.load(Acquire) {
                supervisor.turn();
                std::thread::sleep(LOOK);
            }
        })
        .map(Some)
    }

    fn is_virtual(&self) -> bool {
        self.world.as_ref().is_some_and(|world| world.is_virtual())
    }

    fn now_ns(&self) -> u64 {
        self.world
            .as_ref()
            .map_or_else(now_ns, |world| world.now_ns())
    }

    /// Looks once at every device, and has somebody call the core, before anything is waited for.
    pub(super) fn turn(self: &Arc<Self>) {
        if self.is_virtual() {
            self.ask_defaults();
        }
        let now = self.now_ns();
        let devices = {
            let links = lock(&self.links);
            let stage = &self.stage;
            stage.remembered.learn(&links, &stage.shared, now);
            links.len()
        };
        let works: Vec<Work> = (0..devices).map(|index| self.look(index, now)).collect();
        self.keep_pace();
        for (index, work) in works.into_iter().enumerate() {
            match work {
                Work::Nothing => {}
                work if self.is_virtual() => self.run(index, work),
                work => self.run_aside(index, work),
            }
        }
    }

    /// Whether the master calls the core, for so long that all bridges know it.
    fn master_calls(&self, now: u64) -> bool {
        let master = self.stage.master.load(Acquire);
        let called_for_ns = self.stage.shared.called_for_ns(master, now);
        called_for_ns.is_some_and(|for_ns| for_ns >= SETTLED_NS)
    }

    /// Opens or retires a device on a thread of its own: a server that has stopped keeps only its own
    /// devices waiting. Nobody waits for that thread, which starts nothing once the session has ended.
    fn run_aside(self: &Arc<Self>, index: usize, work: Work) {
        let supervisor = self.clone();
        let run = move || {
            let ran = catch_unwind(AssertUnwindSafe(|| supervisor.run(index, work)));
            if ran.is_err() {
                let error = EngineError::ThreadLost { thread: "devices" };
                lock(&supervisor.failure).get_or_insert(error);
            }
        };
        let spawned = spawn("ossicle-opens", run);
        if spawned.is_err()
            && let Some(link) = lock(&self.links).get_mut(index)
        {
            link.is_opening = false;
            link.try_later(self.now_ns(), self.is_virtual());
        }
    }

    fn run(&self, index: usize, work: Work) {
        match work {
            Work::Nothing => {}
            Work::Retire(stream) => self.retire(stream),
            Work::Open(opening) => self.open(index, *opening),
        }
    }

    /// Looks at a device, and notes what has changed.
    fn look(&self, index: usize, now: u64) -> Work {
        let mut links = lock(&self.links);
        let caller_error = caller_error(&links, now).filter(|_| self.master_calls(now));
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
        let mut waits = false;
        if let Some(stream) = &link.stream {
            let state = stream.status().state();
            if let StreamState::Lost(cause) = state {
                return self.lose(link, since_ns, cause);
            }
            let note = link.calls.look(&link.info, stream.status());
            lock(&self.notes).extend(note);
            // A simulation that nobody runs stands still, and so does its time.
            let stalled = self.world.is_some()
                && stream.status().stalled(now, period_ns(&link.info))
                && !link.awaits_first_call(now);
            match link.phase {
                Phase::Up if stalled => {
                    if link.seat.role.is_master {
                        self.stage.shared.set_away(true);
                    }
                    link.set_away(Some(Cause::Stalled));
                    self.tell(name(&link.info), DeviceEventKind::Stalled);
                    link.phase = Phase::Stalled { since_ns };
                    link.learn();
                    (link.retry_ns, link.next_try_ns) = (RETRY_NS.0, now);
                }
                Phase::Up => {}
                Phase::Stalled { .. } | Phase::Away { .. } if stalled => {}
                _ if link.has_called() => self.welcome(link),
                _ => waits = true,
            }
        }
        let moves = link.moves();
        if self.world.is_none() {
            return Work::Nothing;
        }
        // What stands in for another goes on until that one is there again.
        let returns = link.phase == Phase::Up && link.absent.is_some() && !moves;
        if link.phase == Phase::Up && !moves && (!returns || self.stage.shared.has_ended()) {
            if self.stage.shared.has_ended() && is_strange(link) {
                self.end_takes(link);
            }
            return Work::Nothing;
        }
        if self.stage.shared.has_ended() {
            self.end_takes(link);
            return Work::Nothing;
        }
        if waits || now < link.next_try_ns || link.is_opening {
            return Work::Nothing;
        }
        link.is_opening = true;
        Work::Open(Box::new(Opening {
            seat: link.seat.clone(),
            known: link.known,
            request: self.request(link),
            moves,
            returns,
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
        let since_ns = link.away().map_or(since_ns, |(since_ns, _)| since_ns);
        if matches!(link.phase, Phase::Away { .. }) {
            // It came and went without a call: it is away as it was.
            link.try_later(self.now_ns(), self.is_virtual());
        } else {
            (link.retry_ns, link.next_try_ns) = (RETRY_NS.0, 0);
            self.tell(name(&link.info), DeviceEventKind::Lost { cause });
        }
        link.phase = Phase::Away { since_ns };
        if link.seat.role.is_master {
            self.stage.shared.set_away(false);
        }
        link.set_away(Some(Cause::DeviceGone));
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

    /// The session has ended while a device is away: its own recordings end too.
    fn end_takes(&self, link: &Link) {
        self.lose_of(link, RawTakes::lose_to_the_end);
    }

    /// The recordings of a device's own sound lose frames.
    fn lose_of(&self, link: &Link, lose: impl FnOnce(&mut RawTakes, &Shared) -> u64) {
        if let Some(takes) = &link.seat.takes
            && let Some(mut lent) = Lent::from(takes)
            && let Some(takes) = lent.value()
        {
            let shared = &self.stage.shared;
            note_lost(shared, lose(takes, shared));
        }
    }

    fn tell(&self, device: String, kind: DeviceEventKind) {
        let event = DeviceEvent {
            position: self
                .stage
                .shared
                .position
                .load(std::sync::atomic::Ordering::Relaxed),
            device,
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
            let stage = &self.stage;
            let note = stage.remembered.keep(&links, &stage.shared, now);
            lock(&self.notes).extend(note);
            let is_away = |link: &&Link| link.phase != Phase::Up || is_strange(link);
            for link in links.iter().filter(is_away) {
                self.lose_of(link, |takes, shared| takes.lose_until(now, shared));
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
        // Nobody calls any more.
        for link in lock(&self.links).iter() {
            self.lose_of(link, RawTakes::lose_owed);
        }
    }
}

/// Whether a device runs at another rate than the recordings of its own sound.
fn is_strange(link: &Link) -> bool {
    let mut lent = link.seat.takes.as_ref().and_then(|takes| Lent::from(takes));
    let takes = lent.as_mut().and_then(Lent::value);
    takes.is_some_and(|takes| !takes.fits(link.info.sample_rate_hz))
}
