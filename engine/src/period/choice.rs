//! The choice of periods over a session: before it, beside it, and after it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ossicle_io::device::{
    DeviceError, HostKind, PendingStream, StreamInfo, StreamRequest, StreamStatus, open,
};

use super::entry::{Entry, WORKS_S};
use super::memory::PeriodMemory;
use super::trial::{Verdict, is_ours, try_period, wait};
use crate::session::SessionConfig;

/// What a session chooses its periods by.
pub(crate) struct Choice {
    memory: PeriodMemory,
    /// Sound comes in and goes out: latency matters.
    is_quick: bool,
    /// Nothing is lost that somebody keeps.
    may_try: bool,
    realtime: bool,
    note: Option<String>,
}

impl Choice {
    /// The choice that a configuration leaves; `None` where it names a period, or no file.
    pub(crate) fn new(config: &SessionConfig) -> Option<Self> {
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
        Some(Self {
            // What is not understood is left as it is.
            memory,
            is_quick: config.input.is_some() && config.output.is_some(),
            may_try: config.record.is_none() && note.is_none(),
            realtime: config.realtime.scheduling,
            note,
        })
    }

    /// Opens a device with the period that is best known.
    pub(crate) fn open(
        &self,
        host: HostKind,
        request: &StreamRequest,
    ) -> Result<Box<dyn PendingStream>, DeviceError> {
        let mut pending = open(host, request)?;
        if let Some(fresh) = Entry::of(pending.info()).filter(|_| is_ours(host)) {
            let entry = self.memory.entry(fresh);
            pending.wish_buffer_frames(entry.begins_with(self.is_quick, self.may_try));
        }
        Ok(pending)
    }

    /// What was odd about the memory.
    pub(crate) fn take_note(&mut self) -> Option<String> {
        self.note.take()
    }

    /// The session runs: tries what might work beside it. `None` where nothing can be remembered.
    pub(crate) fn begin(self, streams: Vec<(StreamInfo, Arc<StreamStatus>)>) -> Option<Trials> {
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
        let thread = if self.is_quick {
            let (ours, ended) = (ours.clone(), ended.clone());
            let (memory, realtime) = (self.memory.clone(), self.realtime);
            let run = move || run(memory, &ours, realtime, &|| ended.load(Ordering::Acquire));
            thread::Builder::new()
                .name("ossicle-periods".to_owned())
                .spawn(run)
                .ok()
        } else {
            None
        };
        Some(Trials {
            memory: self.memory,
            streams: ours,
            began: Instant::now(),
            ended,
            thread,
        })
    }

    /// Whether the file may be written: one that is not understood is left as it is.
    fn is_sound(&self) -> bool {
        PeriodMemory::load(self.memory.path()).is_ok()
    }
}

/// Tries shorter periods on each device in turn, and remembers each answer at once.
fn run(
    mut memory: PeriodMemory,
    streams: &[(Entry, StreamInfo, Arc<StreamStatus>)],
    realtime: bool,
    ends: &dyn Fn() -> bool,
) -> Option<String> {
    let beside: Vec<_> = streams.iter().map(|(.., status)| status.clone()).collect();
    // The session's own beginning is not disturbed, and has to be in order.
    if !wait(Duration::from_secs_f64(WORKS_S), ends) {
        return None;
    }
    for (fresh, info, status) in streams {
        let mut entry = memory.entry(fresh.clone());
        while let Some(frames) = entry.candidate().filter(|_| !entry.is_exclusive) {
            if status.xruns() > 1 {
                break;
            }
            match try_period(&entry, info, frames, realtime, &beside, ends) {
                Verdict::Works => entry.tried(frames, true),
                Verdict::Fails => entry.tried(frames, false),
                Verdict::Exclusive => entry.is_exclusive = true,
                Verdict::Unknown => break,
            }
            if let Err(error) = memory.remember(&entry) {
                return Some(format!("periods that work are not remembered: {error}"));
            }
        }
        if ends() {
            break;
        }
    }
    None
}

/// A session that is watched, and the trials beside it.
pub(crate) struct Trials {
    memory: PeriodMemory,
    streams: Vec<(Entry, StreamInfo, Arc<StreamStatus>)>,
    began: Instant,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<Option<String>>>,
}

impl Trials {
    /// The session ends: remembers how its own periods went. What could not be remembered is told.
    pub(crate) fn finish(mut self) -> Option<String> {
        let note = self.end();
        let seconds = self.began.elapsed().as_secs_f64();
        let mut failed = None;
        if let Ok(memory) = PeriodMemory::load(self.memory.path()) {
            self.memory = memory;
        }
        for (fresh, info, status) in &self.streams {
            let mut entry = self.memory.entry(fresh.clone());
            if entry.ran(info.buffer_frames, seconds, status.xruns()) {
                failed = self.memory.remember(&entry).err().or(failed);
            }
        }
        let failed = failed.map(|error| format!("periods that work are not remembered: {error}"));
        note.or(failed)
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
