//! The choice of periods over a session: before it, beside it, and after it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ossicle_io::device::{DeviceError, HostKind, PendingStream, StreamInfo, StreamRequest, now_ns};

use super::entry::{Entry, WORKS_S};
use super::memory::PeriodMemory;
use super::tally::{LOOK_NS, Standing, Tally};
use super::trial::{Verdict, is_ours, try_period, wait};
use crate::session::{Machine, SessionConfig, World};
use crate::state_file::StateFileError;

/// Asks a session how it does.
pub(crate) type Ask = Arc<dyn Fn() -> Standing + Send + Sync>;

/// What a session chooses its periods by.
pub(crate) struct Choice {
    memory: PeriodMemory,
    /// Sound comes in and goes out: latency matters.
    is_quick: bool,
    /// Nothing is lost that somebody keeps.
    may_try: bool,
    realtime: bool,
}

impl Choice {
    /// The choice that a configuration leaves, and what is odd about the memory; `None` where it names a
    /// period, or no file.
    pub(crate) fn new(config: &SessionConfig) -> Option<(Self, Option<String>)> {
        let path = config.period_file.as_ref()?;
        if config.buffer_frames.is_some() {
            return None;
        }
        let (memory, note) = match PeriodMemory::load(path) {
            Ok(memory) => (memory, None),
            Err(error) => {
                let note = format!("periods that work are not known: {error}");
                (PeriodMemory::empty(path), Some(note))
            }
        };
        let choice = Self {
            memory,
            is_quick: config.input.is_some() && config.output.is_some(),
            may_try: config.record.is_empty() && note.is_none(),
            realtime: config.realtime.scheduling,
        };
        Some((choice, note))
    }

    /// The session runs: tries what might work beside it. `None` where nothing can be remembered.
    pub(crate) fn begin(&self, ask: Ask) -> Option<Trials> {
        let standing = ask();
        let ours = standing
            .streams
            .iter()
            .filter_map(|(info, status)| {
                let entry = Entry::of(info).filter(|_| is_ours(info.host))?;
                Some((entry, info.clone(), status.clone()))
            })
            .collect::<Vec<_>>();
        if ours.is_empty() || !self.is_sound() {
            return None;
        }
        let watch = Watch {
            tally: Arc::new(Mutex::new(Tally::new(&ours, &standing, now_ns()))),
            ask,
            ended: Arc::default(),
        };
        let streams: Vec<_> = ours
            .into_iter()
            .map(|(entry, info, _)| (entry, info))
            .collect();
        let watcher = {
            let watch = watch.clone();
            spawn("ossicle-tally", move || watch.run())?
        };
        let thread = if self.is_quick {
            let mut run = Run {
                memory: self.memory.clone(),
                streams: streams.clone(),
                realtime: self.realtime,
                watch: watch.clone(),
            };
            spawn("ossicle-periods", move || run.run())
        } else {
            None
        };
        Some(Trials {
            memory: self.memory.clone(),
            streams,
            watch,
            watcher: Some(watcher),
            thread,
        })
    }

    /// Whether the file may be written: one that is not understood is left as it is.
    fn is_sound(&self) -> bool {
        PeriodMemory::load(self.memory.path()).is_ok()
    }
}

/// The machine, where a device gets the period that is best known whenever it is opened.
impl World for Choice {
    fn open(
        &self,
        host: HostKind,
        request: &StreamRequest,
    ) -> Result<Box<dyn PendingStream>, DeviceError> {
        let mut pending = Machine.open(host, request)?;
        if let Some(fresh) = Entry::of(pending.info()).filter(|_| is_ours(host)) {
            let entry = self.memory.entry(fresh);
            pending.wish_buffer_frames(entry.begins_with(self.is_quick, self.may_try));
        }
        Ok(pending)
    }

    fn open_clock(
        &self,
        sample_rate_hz: u32,
        buffer_frames: u32,
    ) -> Result<Box<dyn PendingStream>, DeviceError> {
        Machine.open_clock(sample_rate_hz, buffer_frames)
    }

    fn default_devices(&self, host: HostKind) -> [Option<String>; 2] {
        Machine.default_devices(host)
    }

    fn now_ns(&self) -> u64 {
        Machine.now_ns()
    }

    fn is_virtual(&self) -> bool {
        Machine.is_virtual()
    }
}

/// Watches a session until that has ended.
#[derive(Clone)]
struct Watch {
    tally: Arc<Mutex<Tally>>,
    ask: Ask,
    ended: Arc<AtomicBool>,
}

impl Watch {
    fn run(&self) {
        while self.wait(Duration::from_nanos(LOOK_NS)) {
            self.tally().look(&(self.ask)(), now_ns());
        }
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whatever went wrong in the session so far.
    fn troubles(&self) -> u64 {
        (self.ask)().troubles()
    }

    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Waits; `false` where the session ended.
    fn wait(&self, time: Duration) -> bool {
        wait(time, &|| self.has_ended())
    }

    /// Waits as long as a period has to work.
    fn wait_for_work(&self) -> bool {
        self.wait(Duration::from_secs_f64(WORKS_S))
    }
}

fn spawn<T: Send + 'static>(
    name: &str,
    run: impl FnOnce() -> T + Send + 'static,
) -> Option<JoinHandle<T>> {
    thread::Builder::new().name(name.to_owned()).spawn(run).ok()
}

/// What runs beside a session.
struct Run {
    memory: PeriodMemory,
    streams: Vec<(Entry, StreamInfo)>,
    realtime: bool,
    watch: Watch,
}

impl Run {
    /// Tries shorter periods on each device in turn, and remembers each answer at once. What cannot
    /// be remembered is told.
    fn run(&mut self) -> Option<String> {
        // The session's own beginning is not disturbed.
        if !self.watch.wait_for_work() {
            return None;
        }
        for (fresh, info) in self.streams.clone() {
            let mut entry = self.memory.entry(fresh);
            while let Some(frames) = entry.candidate().filter(|_| !entry.is_exclusive) {
                match self.tried(&entry, &info, frames) {
                    Verdict::Works => entry.tried(frames, true),
                    Verdict::Fails => entry.tried(frames, false),
                    Verdict::Exclusive => entry.is_exclusive = true,
                    Verdict::Unknown => break,
                }
                if let Err(error) = self.memory.remember(&entry) {
                    return Some(not_remembered(&error));
                }
            }
        }
        None
    }

    /// A trial in quiet times; one that fails is made once more, since it may have been something
    /// else's fault. One beside which something befell a device, or the program, says nothing.
    fn tried(&self, entry: &Entry, info: &StreamInfo, frames: u32) -> Verdict {
        let watch = &self.watch;
        let mut fails = 0;
        while fails < 2 {
            let disturbances = watch.tally().disturbances();
            let before = watch.troubles();
            if !watch.wait_for_work() {
                return Verdict::Unknown;
            }
            if watch.troubles() != before {
                continue;
            }
            let verdict = try_period(
                entry,
                info,
                frames,
                self.realtime,
                &|| watch.troubles(),
                &|| watch.has_ended(),
            );
            if verdict != Verdict::Fails {
                return verdict;
            }
            // What befalls a device is noticed a moment later.
            if !watch.wait_for_work() {
                return Verdict::Unknown;
            }
            fails += u32::from(watch.tally().disturbances() == disturbances);
        }
        Verdict::Fails
    }
}

fn not_remembered(error: &StateFileError) -> String {
    format!("periods that work are not remembered: {error}")
}

/// A session that is watched, and the trials beside it.
pub(crate) struct Trials {
    memory: PeriodMemory,
    streams: Vec<(Entry, StreamInfo)>,
    watch: Watch,
    watcher: Option<JoinHandle<()>>,
    thread: Option<JoinHandle<Option<String>>>,
}

impl Trials {
    /// The session ends: remembers how its own periods went. What could not be remembered is told.
    pub(crate) fn finish(mut self) -> Option<String> {
        self.end_watching();
        let standing = (self.watch.ask)();
        self.watch.tally().end(&standing, now_ns());
        let note = self.end();
        let mut failed = None;
        if let Ok(memory) = PeriodMemory::load(self.memory.path()) {
            self.memory = memory;
        }
        let all_went: Vec<_> = self.watch.tally().went().collect();
        for ((fresh, info), went) in self.streams.iter().zip(all_went) {
            let mut entry = self.memory.entry(fresh.clone());
            if entry.ran(info.buffer_frames, went.seconds, went.troubles) {
                failed = self.memory.remember(&entry).err().or(failed);
            }
        }
        note.or_else(|| Some(not_remembered(&failed?)))
    }

    fn end_watching(&mut self) {
        self.watch.ended.store(true, Ordering::Release);
        // It has nothing to tell.
        let _ = self.watcher.take().map(JoinHandle::join);
    }

    fn end(&mut self) -> Option<String> {
        self.end_watching();
        let thread = self.thread.take()?;
        thread.join().ok().flatten()
    }
}

impl Drop for Trials {
    fn drop(&mut self) {
        self.end();
    }
}
