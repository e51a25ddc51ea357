//! The thread that keeps the last minute, and writes it when something was late.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::dump::{self, Cause};
use super::history::{History, Window};
use super::log::FlightLog;
use super::tape::FlightReader;
use super::{FlightConfig, FlightError};
use crate::controller::SharedLog;
use crate::error::EngineError;
use crate::processor::ProcessorSpec;
use crate::record::spawn;

/// Time between two looks at the rings.
const POLL: Duration = Duration::from_millis(100);
/// What comes behind the late callback is kept too.
const BEHIND: Duration = Duration::from_secs(1);
/// Time between two dumps at the least.
const BETWEEN: Duration = Duration::from_secs(5);
/// Dumps that a session makes by itself.
const MOST_DUMPS: u32 = 10;

/// What a flight took place on.
#[derive(Clone, Debug)]
pub(crate) struct Scene {
    pub(crate) host: String,
    pub(crate) input_device: Option<String>,
    pub(crate) output_device: Option<String>,
    pub(crate) buffer_frames: u32,
    pub(crate) spec: ProcessorSpec,
    pub(crate) channels_out: usize,
}

/// Keeps the flight of one session.
pub(crate) struct Keeper {
    state: Arc<Mutex<State>>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

struct State {
    history: History,
    log: SharedLog,
    scene: Scene,
    folder: Option<PathBuf>,
    /// A dump that is to be made.
    due: Option<(Instant, Cause)>,
    last: Option<Instant>,
    dumps: u32,
    notes: Vec<String>,
}

impl Keeper {
    /// Starts the thread.
    ///
    /// # Errors
    /// The folder for dumps cannot be made, or there is no thread.
    pub(crate) fn start(
        reader: FlightReader,
        log: SharedLog,
        scene: Scene,
        config: FlightConfig,
    ) -> Result<Self, EngineError> {
        if let Some(folder) = &config.folder {
            std::fs::create_dir_all(folder).map_err(FlightError::io(folder))?;
        }
        let spec = scene.spec;
        let (rate, buffer) = (spec.sample_rate_hz, scene.buffer_frames);
        let state = Arc::new(Mutex::new(State {
            history: History::new(reader, spec.channels_in, rate, buffer),
            log,
            scene,
            folder: config.folder,
            due: None,
            last: None,
            dumps: 0,
            notes: Vec::new(),
        }));
        let ended = Arc::new(AtomicBool::new(false));
        let thread = {
            let (state, ended) = (state.clone(), ended.clone());
            spawn("ossicle-flight", move || keep(&state, &ended))?
        };
        Ok(Self {
            state,
            ended,
            thread: Some(thread),
        })
    }

    /// Writes what was kept into a new folder below `below`.
    ///
    /// # Errors
    /// Nothing was kept yet, or it cannot be written.
    pub(crate) fn dump(&self, below: &Path) -> Result<PathBuf, FlightError> {
        let mut state = lock(&self.state);
        state.look();
        let (window, mut log) = state.snapshot();
        let scene = state.scene.clone();
        // The rings are read on while the file is written.
        drop(state);
        dump::write(below, Cause::Asked, &scene, &window, &mut log)
    }

    /// Takes what is in the rings now: a virtual device calls faster than the thread looks.
    pub(crate) fn look(&self) {
        lock(&self.state).look();
    }

    /// What was dumped and what went wrong since the last call, in a line each.
    pub(crate) fn take_notes(&self) -> Vec<String> {
        core::mem::take(&mut lock(&self.state).notes)
    }

    /// Ends the thread, behind a dump that is due.
    pub(crate) fn finish(&mut self) {
        self.ended.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            if thread.join().is_err() {
                let note = "the flight recorder's thread was lost".to_owned();
                lock(&self.state).notes.push(note);
            }
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.finish();
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn keep(state: &Mutex<State>, ended: &AtomicBool) {
    loop {
        // Read before the rings are emptied: what is in them then is the last there will be.
        let is_last = ended.load(Ordering::Acquire);
        let mut held = lock(state);
        held.look();
        let now = Instant::now();
        let is_soon = held.last.is_some_and(|last| now < last + BETWEEN);
        let is_due = |(at, _): &mut (Instant, Cause)| *at <= now || (is_last && !is_soon);
        let work = held.due.take_if(is_due).zip(held.folder.clone());
        if let Some(((_, cause), folder)) = work {
            let (window, mut log) = held.snapshot();
            let scene = held.scene.clone();
            held.last = Some(Instant::now());
            held.dumps += 1;
            let dumps = held.dumps;
            drop(held);
            let note = match dump::write(&folder, cause, &scene, &window, &mut log) {
                Ok(made) => format!("{cause}: the last minute is in {}", made.display()),
                Err(error) => format!("{cause}, and it could not be kept: {error}"),
            };
            let mut held = lock(state);
            held.notes.push(note);
            if dumps == MOST_DUMPS {
                let note = format!("{MOST_DUMPS} flights were kept: no more are in this session");
                held.notes.push(note);
            }
        } else {
            drop(held);
        }
        if is_last {
            return;
        }
        thread::park_timeout(POLL);
    }
}

impl State {
    /// Takes what is in the rings, forgets what is older than a minute.
    fn look(&mut self) {
        let rate = self.scene.spec.sample_rate_hz;
        let mut late = None;
        self.history.take(|record| {
            if record.is_late(rate) {
                late.get_or_insert(Cause::of(record));
            }
        });
        let begin = self.history.begin_position();
        // What is kept may be shorter than the wait for the next dump: then it tells of the newest.
        if let (Some((_, cause)), Some(newer)) = (&mut self.due, late)
            && matches!(cause, Cause::Late { position, .. } if *position < begin)
        {
            *cause = newer;
        }
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.forget_before(begin);
        drop(log);
        if let (Some(cause), None, Some(_), ..MOST_DUMPS) =
            (late, self.due, &self.folder, self.dumps)
        {
            let soon = Instant::now() + BEHIND;
            let at = self.last.map_or(soon, |last| soon.max(last + BETWEEN));
            self.due = Some((at, cause));
        }
    }

    fn snapshot(&mut self) -> (Window, FlightLog) {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let log = log.clone();
        (self.history.window(log.begin), log)
    }
}
