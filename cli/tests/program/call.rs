//! Runs the program and waits for it, but not for ever.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The longest any run in these tests may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a run came to.
#[derive(Debug)]
pub struct Ran {
    /// Exit code; `None` when a signal ended the program.
    pub exit: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Runs the program with `arguments`.
pub fn ossicle(arguments: &[&str]) -> Ran {
    finish(start(arguments))
}

/// Starts the program with `arguments`.
pub fn start(arguments: &[&str]) -> Child {
    start_as(env!("CARGO_BIN_EXE_ossicle"), arguments)
}

/// Starts another program, such as a shell that starts the program.
pub fn start_as(program: &str, arguments: &[&str]) -> Child {
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Reads what comes, on a thread of its own.
fn collect(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            pipe.read_to_end(&mut bytes).unwrap();
        }
        bytes
    })
}

/// Waits for the end of a run.
pub fn finish(mut child: Child) -> Ran {
    let (out, err) = (collect(child.stdout.take()), collect(child.stderr.take()));
    let began = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if began.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!(
                "the program hangs: {}",
                String::from_utf8_lossy(&err.join().unwrap())
            );
        }
        thread::sleep(Duration::from_millis(2));
    };
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (stdout, stderr) = (text(out.join().unwrap()), text(err.join().unwrap()));
    Ran {
        exit: status.code(),
        stdout,
        stderr,
    }
}

impl Ran {
    /// Checks for exit 0 and returns the JSON on stdout.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        self.done();
        serde_json::from_str(&self.stdout).expect(&self.stdout)
    }

    /// Checks for exit 0.
    #[track_caller]
    pub fn done(&self) {
        assert_eq!(self.exit, Some(0), "{self:?}");
    }

    /// Checks for a failure with this code, told in one line, and returns the line.
    #[track_caller]
    pub fn failed(&self, exit: i32) -> &str {
        assert_eq!(self.exit, Some(exit), "{self:?}");
        assert_eq!(self.stderr.lines().count(), 1, "{self:?}");
        let line = self.stderr.trim_end().strip_prefix("error: ");
        line.unwrap_or_else(|| panic!("no error line: {self:?}"))
    }
}
