//! Ctrl-C, SIGTERM and SIGHUP: the first asks for an orderly end, a later one ends at once.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;
use signal_hook::{flag, low_level};

use crate::exit::{Exit, Failure};
use crate::keys;
use crate::output::Output;

/// Signals within this time of the first are the same wish: a terminal and a wrapper (`timeout`,
/// a package runner) both send one.
const SAME_WISH: Duration = Duration::from_millis(500);

/// Tells whether an end has been asked for.
#[derive(Clone, Debug)]
pub struct Interrupt {
    asked: Arc<AtomicBool>,
}

impl Interrupt {
    /// Takes the signals over from now on. A second wish ends the program at once, with 130.
    pub fn listen(output: Output) -> Result<Self, Failure> {
        let asked = Arc::new(AtomicBool::new(false));
        let signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(|error| refused(&error))?;
        let flag = asked.clone();
        thread::Builder::new()
            .name("signals".to_string())
            .spawn(move || wait(signals, &flag, output))
            .map_err(|error| refused(&error))?;
        // A limit on the size of files is to be an error of the write, not the end of the program.
        flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)))
            .map_err(|error| refused(&error))?;
        Ok(Self { asked })
    }

    /// Whether a signal has come.
    pub fn is_asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }
}

fn wait(mut signals: Signals, asked: &AtomicBool, output: Output) {
    let mut first: Option<Instant> = None;
    for _ in signals.forever() {
        asked.store(true, Ordering::SeqCst);
        if first.get_or_insert_with(Instant::now).elapsed() > SAME_WISH {
            keys::restore();
            last_words(output);
            low_level::exit(Exit::Interrupted as i32);
        }
    }
}

/// Says why the program ends, unless that too would hang.
fn last_words(output: Output) {
    let said = thread::spawn(move || {
        let message = "interrupted again before the end was in order".to_string();
        output.failure(&Failure {
            exit: Exit::Interrupted,
            message,
        })
    });
    let began = Instant::now();
    while !said.is_finished() && began.elapsed() < SAME_WISH {
        thread::sleep(Duration::from_millis(5));
    }
}

fn refused(error: &io::Error) -> Failure {
    Failure {
        exit: Exit::File,
        message: format!("cannot listen to signals: {error}"),
    }
}
