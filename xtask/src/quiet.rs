//! Tests against the clock of a real server, on a machine that may stand still for a moment.
//!
//! A server, its clients and the program are ordinary processes. Where the machine does other things
//! for a while, all of them come late, and what is lost then is nobody's fault. A control thread
//! that only sleeps and wakes tells such a moment from a fault of the program.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::Result;

/// Runs of a test that the machine may spoil.
const RUNS: usize = 4;
/// How often the control thread wakes.
const NAP: Duration = Duration::from_millis(2);
/// A control thread that wakes so much later than asked shows a machine that stood still. The tests run
/// with blocks of 5 ms, which pass through a server and a client: each so late is a block that is missed.
const STOOD_STILL: Duration = Duration::from_millis(2);
/// Runs on JACK that the server itself may spoil.
const JACK_RUNS: usize = 10;

/// Repeats `run` until what it found holds. A run in which a JACK server left out cycles or clients
/// of it were late, which it tells as xruns, says nothing; without any the first run decides.
///
/// # Panics
/// When a run without xruns, or the last one, finds a fault.
pub fn repeat_where_jack_tells_xruns(mut run: impl FnMut() -> (usize, Result<()>)) {
    for number in 1..=JACK_RUNS {
        let (xruns, found) = run();
        let Err(fault) = found else { return };
        assert!(
            xruns > 0 && number < JACK_RUNS,
            "run {number}, {xruns} xruns: {fault:#}"
        );
        eprintln!("run {number} was spoiled by {xruns} xruns: {fault:#}");
    }
}

/// Runs `test`. When it fails, and the control thread was late by 2 ms or more meanwhile, it is
/// run again, at most three times; a failure on a quiet machine is a failure at once.
///
/// # Panics
/// As the last run.
pub fn repeat_where_the_machine_stood_still(mut test: impl FnMut()) {
    for run in 1..=RUNS {
        let (outcome, late) = watched(&mut test);
        let Err(panic) = outcome else { return };
        if late < STOOD_STILL || run == RUNS {
            eprintln!("run {run}: the control thread was late by {late:?} at most");
            resume_unwind(panic);
        }
        eprintln!("run {run} of {RUNS} was spoiled: the control thread was late by {late:?}");
    }
}

/// A time during which a control was kept waiting.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// When it was to go on.
    pub from: Instant,
    /// When it did.
    pub until: Instant,
}

/// A thread that only sleeps and wakes, and notes when it woke late.
#[derive(Debug)]
pub struct Control {
    ended: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Moment>>,
}

impl Control {
    /// Starts it; it notes what is late by `least` or more.
    #[must_use]
    pub fn start(least: Duration) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ended);
        let thread = thread::spawn(move || {
            let mut moments = Vec::new();
            while !end.load(Ordering::Relaxed) {
                let from = Instant::now() + NAP;
                thread::sleep(NAP);
                let until = Instant::now();
                if until.saturating_duration_since(from) >= least {
                    moments.push(Moment { from, until });
                }
            }
            moments
        });
        Self { ended, thread }
    }

    /// Ends it: the moments, in their order.
    #[must_use]
    pub fn finish(self) -> Vec<Moment> {
        self.ended.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

/// Runs `test` with a control thread beside it: how it ended, and the longest lateness.
fn watched(test: &mut impl FnMut()) -> (thread::Result<()>, Duration) {
    let control = Control::start(STOOD_STILL);
    let outcome = catch_unwind(AssertUnwindSafe(test));
    let moments = control.finish();
    let late = moments.iter().map(|moment| moment.until - moment.from);
    (outcome, late.max().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use super::{AssertUnwindSafe, catch_unwind, repeat_where_the_machine_stood_still};

    #[test]
    fn a_test_that_holds_runs_once_and_one_that_never_does_fails() {
        let runs = AtomicUsize::new(0);
        let count = || runs.fetch_add(1, Relaxed);
        repeat_where_the_machine_stood_still(|| assert_eq!(count(), 0));
        assert_eq!(runs.load(Relaxed), 1);
        let failing = || repeat_where_the_machine_stood_still(|| assert!(count() > 99));
        assert!(catch_unwind(AssertUnwindSafe(failing)).is_err());
        assert!((2..=5).contains(&runs.load(Relaxed)));
    }
}
