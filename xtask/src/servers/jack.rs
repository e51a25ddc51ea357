//! A JACK server with the dummy driver: it runs its cycles by the clock, without hardware.

mod registry;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::unique_name;
use crate::process::{Process, Signal, describe, poll};

/// How long the server may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(15);

/// Whether the server asks for real-time scheduling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Realtime {
    /// At priority 70 where the system allows it, otherwise without.
    #[default]
    Auto,
    /// Without.
    Off,
}

/// What the server is started with.
#[derive(Clone, Copy, Debug)]
pub struct JackOptions {
    /// Frames of one cycle.
    pub period_frames: u32,
    /// Capture and playback ports of the dummy card, as many of each.
    pub channels: u32,
    /// Sample rate in hertz.
    pub sample_rate_hz: u32,
    /// Scheduling.
    pub realtime: Realtime,
}

impl Default for JackOptions {
    /// 256 frames, 2 channels, 48 kHz, real-time where allowed.
    fn default() -> Self {
        Self {
            period_frames: 256,
            channels: 2,
            sample_rate_hz: 48_000,
            realtime: Realtime::Auto,
        }
    }
}

/// A running JACK server; it ends when this is dropped.
#[derive(Debug)]
pub struct Jack {
    process: Process,
    name: String,
    options: JackOptions,
    realtime: bool,
    folder: TempDir,
}

impl Jack {
    /// Starts `jackd` under a name of its own and waits until it answers.
    ///
    /// # Errors
    /// When `jackd` or `jack_lsp` is not installed, ends, or does not answer within 15 s.
    pub fn start(options: JackOptions) -> Result<Self> {
        registry::forget_the_dead();
        let name = unique_name();
        let folder = tempfile::tempdir().context("making a folder for the JACK server")?;
        let realtime = options.realtime == Realtime::Auto && realtime_allowed();
        let process = launch(&name, options, realtime, folder.path())?;
        let mut server = Self {
            process,
            name,
            options,
            realtime,
            folder,
        };
        server.wait()?;
        Ok(server)
    }

    /// Starts the server again after it was killed, under the same name, and waits until it answers.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn restart(&mut self) -> Result<()> {
        registry::forget_the_dead();
        self.process = launch(&self.name, self.options, self.realtime, self.folder.path())?;
        self.wait()
    }

    fn wait(&mut self) -> Result<()> {
        let server = self;
        poll("waiting for jackd", START_LIMIT, || {
            if let Some(status) = server.process.ended()? {
                bail!(
                    "jackd ended at once ({}): {}",
                    describe(status),
                    server.log()
                );
            }
            let answer = server
                .tool("jack_lsp")
                .output()
                .context("running jack_lsp")?;
            let ports = String::from_utf8_lossy(&answer.stdout).contains("system:");
            Ok((answer.status.success() && ports).then_some(()))
        })?;
        Ok(())
    }

    /// Name of the server, as `JACK_DEFAULT_SERVER` wants it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Number of the server's process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// What the server was started with.
    #[must_use]
    pub fn options(&self) -> JackOptions {
        self.options
    }

    /// Whether the server runs with real-time scheduling.
    #[must_use]
    pub fn is_realtime(&self) -> bool {
        self.realtime
    }

    /// Environment that leads a program to this server.
    #[must_use]
    pub fn env(&self) -> Vec<(String, String)> {
        vec![
            ("JACK_DEFAULT_SERVER".into(), self.name.clone()),
            ("JACK_NO_START_SERVER".into(), "1".into()),
        ]
    }

    /// A command whose environment leads to this server.
    #[must_use]
    pub fn tool(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.envs(self.env()).stdin(Stdio::null());
        command
    }

    /// What the server has written on standard error.
    #[must_use]
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// Stops the server where it is (SIGSTOP).
    ///
    /// # Errors
    /// When the server has gone.
    pub fn stop(&self) -> Result<()> {
        Ok(self.process.signal(Signal::STOP)?)
    }

    /// Lets a stopped server go on (SIGCONT).
    ///
    /// # Errors
    /// When the server has gone.
    pub fn cont(&self) -> Result<()> {
        Ok(self.process.signal(Signal::CONT)?)
    }

    /// Kills the server (SIGKILL), as a crash would.
    pub fn kill(&mut self) {
        self.process.kill();
    }
}

impl Drop for Jack {
    fn drop(&mut self) {
        self.process.end();
        registry::forget(&self.name);
    }
}

fn launch(name: &str, options: JackOptions, realtime: bool, folder: &Path) -> Result<Process> {
    let mut command = Command::new("jackd");
    command.args(["-n", name]);
    if realtime {
        command.args(["-R", "-P", "70"]);
    } else {
        command.arg("-r");
    }
    command
        .args(["-d", "dummy", "-r", &options.sample_rate_hz.to_string()])
        .args(["-p", &options.period_frames.to_string()])
        .args([
            "-C",
            &options.channels.to_string(),
            "-P",
            &options.channels.to_string(),
        ])
        .env("JACK_NO_AUDIO_RESERVATION", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    Process::start(command, &folder.join("jackd.log"))
}

/// Whether this user may run a program with real-time scheduling at JACK's priority.
fn realtime_allowed() -> bool {
    static ALLOWED: OnceLock<bool> = OnceLock::new();
    *ALLOWED.get_or_init(|| {
        Command::new("chrt")
            .args(["-f", "70", "true"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    })
}
