//! A program that never outlives the one that started it.
//!
//! Each runs in a process group of its own, which is ended as a whole, and is killed by the
//! kernel when the process that started it dies. The kernel ties that to the *thread* that
//! forked, and test threads end early, so one thread that never ends does all the forking.

use std::fs::File;
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process, kill_process_group, set_parent_process_death_signal};

/// How long an ordinary end (SIGTERM) may take before the process group is killed.
const GRACE: Duration = Duration::from_secs(2);

/// A running program; its whole process group is ended when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command` in a process group of its own; its standard error goes to `log`.
    ///
    /// # Errors
    /// When the log cannot be made or the program cannot be started.
    pub fn start(mut command: Command, log: &Path) -> Result<Self> {
        let program = command.get_program().to_string_lossy().into_owned();
        let file = File::create(log).with_context(|| format!("creating {}", log.display()))?;
        command.stderr(Stdio::from(file)).process_group(0);
        let child = fork(command).with_context(|| format!("starting {program}"))?;
        Ok(Self {
            child,
            log: log.to_path_buf(),
        })
    }

    /// Number of the process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What the program has written on standard error so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read(&self.log)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Takes the program's standard input, when it was asked for as a pipe.
    pub fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Takes the program's standard output, when it was asked for as a pipe.
    pub fn stdout(&mut self) -> Option<std::process::ChildStdout> {
        self.child.stdout.take()
    }

    /// Sends a signal to the program alone.
    ///
    /// # Errors
    /// When the process has gone.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        kill_process(self.raw_pid()?, signal).map_err(io::Error::from)
    }

    /// How the program ended, or `None` while it runs.
    ///
    /// # Errors
    /// When the system cannot say.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Waits until the program has ended by itself.
    ///
    /// # Errors
    /// When it still runs after `limit`; it is left running.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() >= deadline {
                bail!("still running after {limit:?}: process {}", self.pid());
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends the process group: SIGTERM, and SIGKILL for what remains after two seconds.
    pub fn end(&mut self) -> Option<ExitStatus> {
        let group = self.raw_pid().ok()?;
        if let Ok(Some(status)) = self.child.try_wait() {
            let _ = kill_process_group(group, Signal::KILL);
            return Some(status);
        }
        let _ = kill_process_group(group, Signal::CONT);
        let _ = kill_process_group(group, Signal::TERM);
        let status = self.wait(GRACE).ok();
        let _ = kill_process_group(group, Signal::KILL);
        status.or_else(|| self.child.wait().ok())
    }

    /// Kills the process group at once.
    pub fn kill(&mut self) -> Option<ExitStatus> {
        if let Ok(group) = self.raw_pid() {
            let _ = kill_process_group(group, Signal::KILL);
        }
        self.child.wait().ok()
    }

    fn raw_pid(&self) -> io::Result<Pid> {
        i32::try_from(self.child.id())
            .ok()
            .and_then(Pid::from_raw)
            .ok_or_else(|| io::Error::other("the process has no number"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

/// Says how a program ended: `exit 3`, or `signal 9`.
#[must_use]
pub fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}

/// Asks `ready` every few milliseconds until it answers.
///
/// # Errors
/// What `ready` returned, or that nothing answered within `limit`.
pub fn poll<T>(
    what: &str,
    limit: Duration,
    mut ready: impl FnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(answer) = ready()? {
            return Ok(answer);
        }
        if Instant::now() >= deadline {
            bail!("{what}: nothing after {limit:?}");
        }
        thread::sleep(Duration::from_millis(20));
    }
}

type Order = (Command, Sender<io::Result<Child>>);

/// Forks on the one thread that lives as long as the process.
fn fork(mut command: Command) -> io::Result<Child> {
    static FORKER: OnceLock<Sender<Order>> = OnceLock::new();
    let forker = FORKER.get_or_init(|| {
        let (orders, inbox) = channel::<Order>();
        thread::spawn(move || {
            for (mut command, answer) in inbox {
                let _ = answer.send(command.spawn());
            }
        });
        orders
    });
    // SAFETY: runs in the child between fork and exec and does one system call (prctl), which
    // is safe there: it takes no lock and allocates nothing.
    unsafe {
        command.pre_exec(|| {
            set_parent_process_death_signal(Some(Signal::KILL)).map_err(io::Error::from)
        });
    }
    let (answer, result) = channel();
    let gone = || io::Error::other("the forking thread has gone");
    forker.send((command, answer)).map_err(|_| gone())?;
    result.recv().map_err(|_| gone())?
}
