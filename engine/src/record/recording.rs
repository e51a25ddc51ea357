//! A recording that runs: its threads, from the beginning to the end.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use ossicle_io::file::{FileError, Overwrite, WavSpec};
use ossicle_io::ring::{FrameWriter, frame_ring, touched};

use super::clock_log::{ClockEntry, ClockKeeper};
use super::collector::{Collector, collect};
use super::company::Company;
use super::config::RecordConfig;
use super::flags::Flags;
use super::gate::{Desk, Gate, GateConfig, GateState, Place};
use super::outlet::Outlet;
use super::recorded::Recorded;
use super::series::{numbered_there, take_first};
use super::take::Take;
use super::writer::{Finished, Writer};
use crate::error::EngineError;

/// Length of a record ring in seconds: how long the collector may sleep.
const RING_SECONDS: usize = 2;
/// Clock entries that may wait for the writer: several minutes.
const CLOCK_ENTRIES: usize = 2048;

/// A recording that runs.
pub(crate) struct Recording {
    take: Arc<Take>,
    collector: Arc<Mutex<Collector>>,
    ended: Arc<AtomicBool>,
    flags: Arc<Flags>,
    collecting: JoinHandle<()>,
    writing: JoinHandle<Finished>,
    /// It is by another clock than the session's.
    is_beside: bool,
    /// That it failed was told.
    is_told: bool,
}

/// How a recording ended.
pub(crate) struct Done {
    pub(crate) recorded: Recorded,
    /// What went wrong.
    pub(crate) errors: Vec<EngineError>,
    /// What was told and not heard yet.
    pub(crate) notes: Vec<String>,
}

/// Tells at once when a thread panics without which a take goes nowhere: the session ends then.
struct FailOnPanic(Arc<Flags>);

impl Drop for FailOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.failed.store(true, Ordering::Release);
        }
    }
}

/// What a callback fills.
pub(crate) struct Rings {
    pub(crate) frames: FrameWriter,
    /// Where its own clock and the session's are, if the take wants that.
    pub(crate) clock: Option<rtrb::Producer<ClockEntry>>,
}

/// The shape of what is recorded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) channels: usize,
    pub(crate) sample_rate_hz: u32,
    /// The rate of the session, where the sound is by another clock than the session's.
    pub(crate) beside_hz: Option<u32>,
}

impl Recording {
    /// Creates the file and starts the threads; the frames go into the returned rings. `gate` says
    /// when the recording begins and ends, `company` which of the session's takes it is.
    pub(crate) fn start(
        config: &RecordConfig,
        shape: Shape,
        gate: (&GateConfig, Place),
        company: Company,
    ) -> Result<(Self, Rings), EngineError> {
        let spec = WavSpec {
            sample_rate_hz: shape.sample_rate_hz,
            channels: shape.channels,
            format: config.format,
        };
        let mut others = match config.split {
            Some(_) => numbered_there(&config.path),
            None => Vec::new(),
        };
        if let (Overwrite::Never, Some(first)) = (config.overwrite, others.first()) {
            return Err(EngineError::file(first, FileError::AlreadyExists));
        }
        // Looked at before the first of them is replaced.
        let older = take_first(&mut others, &config.path);
        let outlet = Outlet::create(config, spec, company.clone())
            .map_err(|(path, error)| EngineError::file(&path, error))?;
        let (gate, place) = gate;
        // What was before the begin comes all at once.
        let seconds = config.memory_seconds + gate.preroll_seconds;
        let limit_frames = (seconds * f64::from(spec.sample_rate_hz)) as u64;
        let take = Arc::new(Take::new(
            outlet.path(),
            spec.channels,
            spec.sample_rate_hz,
            limit_frames,
        ));
        if let Some(first) = others.first() {
            let more = match others.len() - 1 {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            take.note(format!(
                "{}{more}, of other recordings: replaced only where this one comes to their numbers",
                first.display()
            ));
        }
        let ring_frames = RING_SECONDS * spec.sample_rate_hz as usize;
        let (frames, reader) = frame_ring(spec.channels, ring_frames);
        let (clock, keeper) = match shape.beside_hz {
            Some(session_hz) => {
                let empty = || ClockEntry::from((0, 0, 0, 0, 0));
                let (entries, kept) = touched(CLOCK_ENTRIES, empty);
                let keeper = ClockKeeper::new(kept, spec.sample_rate_hz, session_hz);
                (Some(entries), Some(keeper))
            }
            None => (None, None),
        };
        let gate = Gate::new(
            gate,
            place,
            spec.channels,
            spec.sample_rate_hz,
            take.desk().clone(),
        )?;
        let collector = Collector::new(reader, ring_frames, gate, take.clone());
        let collector = Arc::new(Mutex::new(collector));
        let (ended, flags) = (Arc::new(AtomicBool::new(false)), Arc::new(Flags::default()));
        let writer = Writer::new(
            config,
            spec,
            (take.clone(), flags.clone()),
            (outlet, older),
            company,
            keeper,
        );
        let writing = spawn("ossicle-writer", move || writer.run())?;
        let collecting = {
            let (collector, ended, flags) = (collector.clone(), ended.clone(), flags.clone());
            let take = take.clone();
            spawn("ossicle-collector", move || {
                let _told = FailOnPanic(flags.clone());
                collect(&collector, &ended);
                if take.desk().gated().first_frame.is_none() {
                    flags.discard.store(true, Ordering::Release);
                }
                flags.collected.store(true, Ordering::Release);
            })
        };
        let collecting = collecting.inspect_err(|_| {
            // The writer is not to wait for ever.
            flags.discard.store(true, Ordering::Release);
            flags.collected.store(true, Ordering::Release);
        })?;
        let recording = Self {
            take,
            collector,
            ended,
            flags,
            collecting,
            writing,
            is_beside: shape.beside_hz.is_some(),
            is_told: false,
        };
        Ok((recording, Rings { frames, clock }))
    }

    pub(crate) fn take(&self) -> &Arc<Take> {
        &self.take
    }

    /// The files take no more.
    pub(crate) fn has_failed(&self) -> bool {
        self.flags.failed.load(Ordering::Acquire)
    }

    /// Nothing is recorded any more.
    pub(crate) fn is_over(&self) -> bool {
        self.has_failed() || self.take.desk().gated().state == GateState::Ended
    }

    /// Why the files take no more, in words, once.
    pub(crate) fn take_failure(&mut self) -> Option<String> {
        let is_new = self.has_failed() && !std::mem::replace(&mut self.is_told, true);
        is_new.then(|| {
            let path = self.take.path().display();
            let lost = || format!("{path}: a thread of the recording was lost");
            self.take.report().failure.unwrap_or_else(lost)
        })
    }

    /// Takes what is in the ring, beside the thread that does: for a session whose time is virtual.
    pub(crate) fn turn(&self) {
        self.lock().turn(false);
    }

    /// Orders all recordings to begin or to go on where the stream is now.
    pub(crate) fn go(recordings: &[Self]) {
        Self::order(recordings, |desk, at| desk.go(at));
    }

    /// Orders all recordings to pause where the stream is now.
    pub(crate) fn pause(recordings: &[Self]) {
        Self::order(recordings, |desk, at| desk.pause(at));
    }

    /// Gives an order for the same place of the stream to all that are by one clock.
    fn order(recordings: &[Self], order: impl Fn(&Desk, u64)) {
        // Nothing passes the gates meanwhile.
        let collectors: Vec<_> = recordings.iter().map(Self::lock).collect();
        let here = |number: usize| collectors[number].position();
        let together = |number: &usize| !recordings[*number].is_beside;
        let at = (0..recordings.len()).filter(together).map(here).max();
        for (number, recording) in recordings.iter().enumerate() {
            let at = at.filter(|_| !recording.is_beside);
            order(recording.take.desk(), at.unwrap_or_else(|| here(number)));
        }
    }

    /// Marks the place that the stream has come to.
    pub(crate) fn mark(&self, text: &str) {
        self.lock().mark(text.to_owned());
    }

    /// Ends the recording once all that is in the ring is in files. The ring's writer must be at
    /// rest. What was told and not heard yet comes too.
    pub(crate) fn finish(self) -> Done {
        self.ended.store(true, Ordering::Release);
        let collected = self.collecting.join().is_ok();
        // A collector that panicked ends the take all the same.
        self.flags.collected.store(true, Ordering::Release);
        let written = self.writing.join();
        let lost = |thread| EngineError::ThreadLost { thread };
        let mut errors = Vec::new();
        if written.is_err() {
            errors.push(lost("writer"));
        } else if !collected {
            errors.push(lost("collector"));
        }
        let mut finished = written.unwrap_or_default();
        errors.extend(finished.cut.take().map(|cut| EngineError::TakeCut {
            path: cut.path,
            source: cut.error,
            unwritten_frames: cut.unwritten_frames,
        }));
        let unnamed = finished.unnamed.take();
        errors.extend(unnamed.map(|(path, what)| EngineError::TakeUnnamed { path, what }));
        Done {
            notes: self.take.take_notes(),
            recorded: recorded(&self.take, finished),
            errors,
        }
    }

    /// Ends a recording that has not begun: it leaves no file.
    pub(crate) fn discard(self) {
        self.flags.discard.store(true, Ordering::Release);
        let _ = self.finish();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Collector> {
        self.collector
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn recorded(take: &Take, finished: Finished) -> Recorded {
    let (gaps, files) = (take.gaps(), take.files());
    // Somebody else may have had the name that it was to have.
    let path = files.first().map_or(take.path(), |file| &file.path);
    Recorded {
        path: Path::to_owned(path),
        frames: take.written_frames(),
        sample_rate_hz: take.sample_rate_hz(),
        gated: take.desk().gated(),
        lost_frames: gaps.iter().map(|gap| gap.frames).sum(),
        gaps,
        marks: take.marks(),
        files,
        gaps_file: finished.gaps_file,
        clock_file: finished.clock_file,
    }
}

pub(crate) fn spawn<T: Send + 'static>(
    name: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, EngineError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|source| EngineError::Thread {
            thread: name,
            source,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_panics_fails_the_take_at_once() {
        for panics in [false, true] {
            let flags = Arc::new(Flags::default());
            let told = FailOnPanic(flags.clone());
            let thread = std::thread::spawn(move || {
                let _told = told;
                if panics {
                    std::panic::resume_unwind(Box::new("broken"));
                }
            });
            assert_eq!(thread.join().is_err(), panics);
            assert_eq!(flags.failed.load(Ordering::Acquire), panics);
        }
    }
}
