//! What the program says, and where: results on stdout, all else on stderr.
//!
//! A reader that has gone (`ossicle fx | head -1`) is no failure; a result that finds no room is one,
//! which [`unsaid`] tells in the end.

use std::io::{ErrorKind, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use serde::Serialize;

use crate::exit::{Exit, Failure};

/// How much is said, and in which form.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// Errors and results only.
    pub quiet: bool,
    /// The result as JSON.
    pub json: bool,
}

/// The JSON form of a failure.
#[derive(Serialize)]
struct ErrorObject {
    error: ErrorBody,
}

/// What went wrong, as JSON.
#[derive(Clone, Debug, Serialize)]
pub struct ErrorBody {
    pub exit: u8,
    pub message: String,
}

impl From<&Failure> for ErrorBody {
    fn from(failure: &Failure) -> Self {
        Self {
            exit: failure.exit as u8,
            message: failure.line(),
        }
    }
}

impl Output {
    /// Says a result: `value` with `--json`, else `text`, which may have several lines.
    pub fn result(self, value: &impl Serialize, text: &str) {
        let said = if !self.json {
            say(text)
        } else if let Ok(json) = serde_json::to_string(value) {
            say(&json)
        } else {
            Ok(())
        };
        if let Err(error) = said
            && error.kind() != ErrorKind::BrokenPipe
        {
            UNSAID.get_or_init(|| error.to_string());
        }
    }

    /// Says how a run ended; not with `-q`, unless as JSON.
    pub fn summary(self, value: &impl Serialize, text: &str) {
        if self.json || !self.quiet {
            self.result(value, text);
        }
    }

    /// Says how a run ended that failed too: `value` has what is wrong, which is then no second object.
    pub fn broken_summary(self, value: &impl Serialize, text: &str) {
        FAILURE_SAID.store(true, Relaxed);
        self.summary(value, text);
    }

    /// Says the result of what failed in part, likewise; nothing where there is no text to it.
    pub fn broken_result(self, value: &impl Serialize, text: &str) {
        FAILURE_SAID.store(true, Relaxed);
        if self.json || !text.is_empty() {
            self.result(value, text);
        }
    }

    /// Says a warning in one line, unless quiet.
    pub fn warning(self, message: &str) {
        if !self.quiet {
            write_line(
                std::io::stderr(),
                &format!("warning: {}", one_line(message)),
            );
        }
    }

    /// Says in one line what goes on, unless quiet.
    pub fn notice(self, message: &str) {
        if !self.quiet {
            write_line(std::io::stderr(), &one_line(message));
        }
    }

    /// Says why the program fails, and gives the exit code.
    pub fn failure(self, failure: &Failure) -> Exit {
        if self.json && !FAILURE_SAID.load(Relaxed) {
            let error = failure.into();
            if let Ok(json) = serde_json::to_string(&ErrorObject { error }) {
                write_line(std::io::stdout(), &json);
            }
        }
        write_line(std::io::stderr(), &format!("error: {}", failure.line()));
        failure.exit
    }
}

/// The object on stdout has what is wrong.
static FAILURE_SAID: AtomicBool = AtomicBool::new(false);

/// Why a result was lost.
static UNSAID: OnceLock<String> = OnceLock::new();

/// The failure of a run whose result could not be said.
pub fn unsaid() -> Option<Failure> {
    UNSAID.get().map(|error| Failure {
        exit: Exit::File,
        message: format!("the result is lost: stdout: {error}"),
    })
}

fn say(text: &str) -> std::io::Result<()> {
    let mut to = std::io::stdout();
    writeln!(to, "{text}").and_then(|()| to.flush())
}

/// Writes `text` and a line end.
pub fn write_line(mut to: impl Write, text: &str) {
    let _ = writeln!(to, "{text}").and_then(|()| to.flush());
}

/// A text as a single line.
pub fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}
