//! A PipeWire server with a null sink, WirePlumber, which connects clients to it, and the bus that
//! WirePlumber needs.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::process::{Process, Signal, describe, poll};

/// How long the server may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(15);

/// The sink and what brings it, at 48 kHz in stereo.
const SINK: &str = "context.objects = [ { factory = adapter args = {
  factory.name = support.null-audio-sink  node.name = speaker  media.class = Audio/Sink
  object.linger = true  audio.position = [ FL FR ]  audio.rate = 48000
} } ]\n";

/// A running PipeWire server at 48 kHz; it ends when this is dropped.
#[derive(Debug)]
pub struct Pipewire {
    server: Process,
    manager: Process,
    _bus: Process,
    folder: TempDir,
}

impl Pipewire {
    /// The sink, which is a source for who records it with `stream.capture.sink`.
    pub const SPEAKER: &'static str = "speaker";

    /// Starts `dbus-daemon`, `pipewire` and `wireplumber` in a folder of their own and waits for the sink.
    ///
    /// # Errors
    /// When one is not installed, ends, or the sink is not there within 15 s.
    pub fn start() -> Result<Self> {
        let folder = tempfile::tempdir().context("making a folder for PipeWire")?;
        let settings = folder.path().join("config/pipewire/pipewire.conf.d");
        fs::create_dir_all(&settings).context("making PipeWire's folders")?;
        fs::create_dir(folder.path().join("run"))?;
        fs::write(settings.join("sink.conf"), SINK)?;
        let mut bus = tool(&folder, "dbus-daemon");
        bus.args(["--session", "--nofork", "--nopidfile"])
            .arg(format!("--address={}", bus_address(&folder)))
            .stdout(Stdio::null());
        let bus = Process::start(bus, &folder.path().join("dbus.log"))?;
        wait_for(&folder, "bus")?;
        let (server, manager) = launch(&folder)?;
        let mut started = Self {
            server,
            manager,
            _bus: bus,
            folder,
        };
        started.wait()?;
        Ok(started)
    }

    /// Starts the server again after it was killed, and waits for the sink.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn restart(&mut self) -> Result<()> {
        self.manager.kill();
        // What a crash leaves behind.
        let _ = fs::remove_file(self.folder.path().join("run/pipewire-0"));
        (self.server, self.manager) = launch(&self.folder)?;
        self.wait()
    }

    /// A command whose environment leads to this server.
    #[must_use]
    pub fn tool(&self, program: &str) -> Command {
        tool(&self.folder, program)
    }

    /// Stops the server where it is (SIGSTOP).
    ///
    /// # Errors
    /// When the server has gone.
    pub fn stop(&self) -> Result<()> {
        Ok(self.server.signal(Signal::STOP)?)
    }

    /// Lets a stopped server go on (SIGCONT).
    ///
    /// # Errors
    /// When the server has gone.
    pub fn cont(&self) -> Result<()> {
        Ok(self.server.signal(Signal::CONT)?)
    }

    /// Kills the server (SIGKILL), as a crash would.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    fn wait(&mut self) -> Result<()> {
        poll("waiting for pipewire", START_LIMIT, || {
            if let Some(status) = self.server.ended()? {
                let log = self.server.log();
                bail!("pipewire ended at once ({}): {log}", describe(status));
            }
            let answer = self.tool("pw-cli").args(["ls", "Node"]).output()?;
            let nodes = String::from_utf8_lossy(&answer.stdout);
            Ok(nodes.contains("\"speaker\"").then_some(()))
        })
    }
}

fn launch(folder: &TempDir) -> Result<(Process, Process)> {
    let start = |program: &str| {
        let mut command = tool(folder, program);
        command.stdout(Stdio::null());
        Process::start(command, &folder.path().join(format!("{program}.log")))
    };
    let server = start("pipewire")?;
    // A manager that finds no server ends at once.
    wait_for(folder, "run/pipewire-0")?;
    Ok((server, start("wireplumber")?))
}

fn wait_for(folder: &TempDir, socket: &str) -> Result<()> {
    poll(&format!("waiting for {socket}"), START_LIMIT, || {
        Ok(folder.path().join(socket).exists().then_some(()))
    })
}

fn bus_address(folder: &TempDir) -> String {
    format!("unix:path={}", folder.path().join("bus").display())
}

fn tool(folder: &TempDir, program: &str) -> Command {
    let place = folder.path();
    let mut command = Command::new(program);
    command
        .env("XDG_RUNTIME_DIR", place.join("run"))
        .env("PIPEWIRE_RUNTIME_DIR", place.join("run"))
        .env("HOME", place)
        .env("XDG_CONFIG_HOME", place.join("config"))
        .env("XDG_STATE_HOME", place.join("state"))
        .env("DBUS_SESSION_BUS_ADDRESS", bus_address(folder))
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    command
}
