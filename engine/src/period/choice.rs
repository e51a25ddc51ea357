//! The choice of periods over a session: before it, beside it, and after it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ossicle_io::device::{
    DeviceError, HostKind, PendingStream, StreamInfo, StreamRequest, StreamStatus,
};

use super::entry::{Entry, WORKS_S};
use super::memory::PeriodMemory;
use super::trial::{Verdict, is_ours, try_period, wait};
use crate::session::{Machine, SessionConfig, World};
use crate::state_file::StateFileError;

/// Frames that a session lost, made up or passed over so far.
pub(crate) type Losses = Arc<dyn Fn() -> u64 + Send + Sync>;

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
    pub(crate) fn begin(
        &self,
        streams: Vec<(StreamInfo, Arc<StreamStatus>)>,
        losses: Losses,
    ) -> Option<Trials> {
        let ours = streams
            .iter()
            .filter_map(|(info, status)| {
                let entry = Entry::of(info).filter(|_| is_ours(info.host))?;
                Some((entry, info.clone(), status.clone()))
            })
            .collect::<Vec<_>>();
        if ours.is_empty() || !self.is_sound() {
            return None;
        }
        let ended = Arc::new(AtomicBool::new(false));
        let first_losses = Arc::new(OnceLock::new());
        let thread = if self.is_quick {
            let mut run = Run {
                memory: self.memory.clone(),
                streams: ours.clone(),
                realtime: self.realtime,
                losses: losses.clone(),
                first_losses: first_losses.clone(),
                ended: ended.clone(),
            };
            let run = move || run.run();
            thread::Builder::new()
                .name("ossicle-periods".to_owned())
                .spawn(run)
                .ok()
        } else {
            None
        };
        Some(Trials {
            memory: self.memory.clone(),
            streams: ours,
            began: Instant::now(),
            losses,
            first_losses,
            ended,
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

/// What runs beside a session.
struct Run {
    memory: PeriodMemory,
    streams: Vec<(Entry, StreamInfo, Arc<StreamStatus>)>,
    realtime: bool,
    losses: Losses,
    first_losses: Arc<OnceLock<u64>>,
    ended: Arc<AtomicBool>,
}

impl Run {
    /// Tries shorter periods on each device in turn, and remembers each answer at once. What cannot
    /// be remembered is told.
    fn run(&mut self) -> Option<String> {
        // The session's own beginning is not disturbed, and not counted.
        if !self.wait() {
            return None;
        }
        let _ = self.first_losses.set((self.losses)());
        for (fresh, info, _) in self.streams.clone() {
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
    /// else's fault.
    fn tried(&self, entry: &Entry, info: &StreamInfo, frames: u32) -> Verdict {
        let mut verdict = Verdict::Unknown;
        for _ in 0..2 {
            loop {
                let before = self.troubles();
                if !self.wait() {
                    return Verdict::Unknown;
                }
                if self.troubles() == before {
                    break;
                }
            }
            verdict = try_period(
                entry,
                info,
                frames,
                self.realtime,
                &|| self.troubles(),
                &|| self.ended.load(Ordering::Acquire),
            );
            if verdict != Verdict::Fails {
                break;
            }
        }
        verdict
    }

    /// Whatever went wrong in the session so far.
    fn troubles(&self) -> u64 {
        let of_streams = self.streams.iter();
        let of_streams = of_streams.map(|(.., status)| status.xruns() + status.lost_frames());
        of_streams.sum::<u64>() + (self.losses)()
    }

    fn wait(&self) -> bool {
        let ends = || self.ended.load(Ordering::Acquire);
        wait(Duration::from_secs_f64(WORKS_S), &ends)
    }
}

fn not_remembered(error: &StateFileError) -> String {
    format!("periods that work are not remembered: {error}")
}

/// A session that is watched, and the trials beside it.
pub(crate) struct Trials {
    memory: PeriodMemory,
    streams: Vec<(Entry, StreamInfo, Arc<StreamStatus>)>,
    began: Instant,
    losses: Losses,
    /// Those of the beginning, which are nobody's fault.
    first_losses: Arc<OnceLock<u64>>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<Option<String>>>,
}

impl Trials {
    /// The session ends: remembers how its own periods went. What could not be remembered is told.
    pub(crate) fn finish(mut self) -> Option<String> {
        let note = self.end();
        let lost_frames = self.first_losses.get().map_or(0, |&first| {
            let now = (self.losses)();
            now.saturating_sub(first)
        });
        let seconds = self.began.elapsed().as_secs_f64();
        let mut failed = None;
        if let Ok(memory) = PeriodMemory::load(self.memory.path()) {
            self.memory = memory;
        }
        for (fresh, info, status) in &self.streams {
            let mut entry = self.memory.entry(fresh.clone());
            let lost = lost_frames / u64::from(info.buffer_frames.max(1));
            if entry.ran(info.buffer_frames, seconds, status.xruns() + lost) {
                failed = self.memory.remember(&entry).err().or(failed);
            }
        }
        note.or_else(|| Some(not_remembered(&failed?)))
    }

    fn end(&mut self) -> Option<String> {
        self.ended.store(true, Ordering::Release);
        let thread = self.thread.take()?;
        thread.join().ok().flatten()
    }
}

impl Drop for Trials {
    fn drop(&mut self) {
        self.end();
    }
}
