//! The program `ossicle`, run beside a server.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use xtask::process::{Process, Signal, describe};

/// A running `ossicle ... --json`; it is ended when this is dropped.
pub struct Ossicle {
    process: Process,
    stdout: Option<JoinHandle<String>>,
    _folder: TempDir,
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// Exit code; `None` when a signal ended the program.
    pub exit: Option<i32>,
    /// The JSON object on standard output.
    pub json: Value,
    /// Standard error.
    pub stderr: String,
}

impl Ossicle {
    /// Starts the program with `env` and the words of `line` (file names are put in by `{}`).
    pub fn start(env: Vec<(String, String)>, line: &str, files: &[&Path]) -> Self {
        let program = Command::new(env!("CARGO_BIN_EXE_ossicle"));
        Self::start_by(program, env, line, files)
    }

    /// As [`Self::start`], by a command that becomes the program when its words are added.
    pub fn start_by(
        mut command: Command,
        env: Vec<(String, String)>,
        line: &str,
        files: &[&Path],
    ) -> Self {
        let mut files = files.iter();
        let words = line.split_whitespace().map(|word| match word {
            "{}" => files
                .next()
                .expect("a file for each {}")
                .to_str()
                .unwrap()
                .to_owned(),
            word => word.replace("~", " "),
        });
        command
            .args(words)
            .arg("--json")
            .envs(env)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let folder = tempfile::tempdir().unwrap();
        let mut process = Process::start(command, &folder.path().join("stderr")).unwrap();
        let mut pipe = process.stdout().unwrap();
        let stdout = thread::spawn(move || {
            let mut text = String::new();
            pipe.read_to_string(&mut text).unwrap();
            text
        });
        Self {
            process,
            stdout: Some(stdout),
            _folder: folder,
        }
    }

    /// Asks for an orderly end (SIGTERM), if the program still runs.
    pub fn terminate(&mut self) {
        if self.is_running() {
            self.process.signal(Signal::TERM).unwrap();
        }
    }

    /// Stops the program where it is (SIGSTOP).
    pub fn stop(&self) {
        self.process.signal(Signal::STOP).unwrap();
    }

    /// Lets a stopped program go on (SIGCONT).
    pub fn cont(&self) {
        self.process.signal(Signal::CONT).unwrap();
    }

    /// Whether the program still runs.
    pub fn is_running(&mut self) -> bool {
        self.process.ended().unwrap().is_none()
    }

    /// Number of the program's process.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// Processor time that the program's threads have used, in seconds.
    pub fn cpu_seconds(&self) -> f64 {
        let threads = fs::read_dir(format!("/proc/{}/task", self.process.pid())).unwrap();
        let spent_ns: u64 = threads
            .filter_map(|thread| fs::read_to_string(thread.unwrap().path().join("schedstat")).ok())
            .filter_map(|text| text.split_whitespace().next()?.parse::<u64>().ok())
            .sum();
        assert!(spent_ns > 0, "the kernel does not tell processor time");
        spent_ns as f64 / 1e9
    }

    /// Share of one core that the program uses during the next `time`.
    pub fn cpu_share(&self, time: Duration) -> f64 {
        let (begin, before) = (Instant::now(), self.cpu_seconds());
        thread::sleep(time);
        (self.cpu_seconds() - before) / begin.elapsed().as_secs_f64()
    }

    /// Waits for the end.
    ///
    /// # Panics
    /// When the program runs longer than `limit`, or has panicked.
    pub fn finish(mut self, limit: Duration) -> Outcome {
        let status = self.process.wait(limit).unwrap_or_else(|error| {
            panic!("ossicle hangs: {error:#}; it said: {}", self.process.log())
        });
        let text = self.stdout.take().unwrap().join().unwrap();
        let stderr = self.process.log();
        assert!(!stderr.contains("panicked"), "{stderr}");
        assert!(status.code().is_some(), "{}: {stderr}", describe(status));
        let json = serde_json::from_str(text.trim())
            .unwrap_or_else(|error| panic!("{error}: {text:?}; {stderr}"));
        Outcome {
            exit: status.code(),
            json,
            stderr,
        }
    }
}

impl Outcome {
    /// The outcome, once it is sure that the program ended with 0.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.exit, Some(0), "{} {}", self.json, self.stderr);
        self
    }

    /// A whole number of the summary.
    #[track_caller]
    pub fn count(&self, key: &str) -> usize {
        let number = self.json[key].as_u64();
        usize::try_from(number.unwrap_or_else(|| panic!("no {key} in {}", self.json))).unwrap()
    }
}
