//! A sound server that plays the counter, the control that listens to it, and what befalls it.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::process::Stdio;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};
use tempfile::TempDir;
use xtask::peers::jack::{COUNTER_PERIOD, Signal, Source, counter};
use xtask::process::Process;
use xtask::servers::{Jack, JackOptions, Pipewire, PulseAudio};

use super::watch::Watch;

/// The client of the JACK server that plays the counter.
pub const JACK_SOURCE: &str = "counter";

/// Frames of a cycle of PipeWire, as it comes.
const QUANTUM: u64 = 1_024;

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Pulse,
    Jack,
    Pipewire,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Pulse, Self::Jack, Self::Pipewire];
}

#[derive(Debug)]
pub enum Server {
    Pulse(PulseAudio),
    Jack(Jack),
    Pipewire(Pipewire),
}

/// What plays the counter; it ends when it is dropped.
#[derive(Debug)]
#[expect(dead_code, reason = "they end when they are dropped")]
enum Feeder {
    Process(Process),
    Jack(Source),
}

/// What of a take is the server's doing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tolerance {
    /// Frames by which source and recorder may be apart.
    pub slack: u64,
    /// Frames of which some channels may be late or silent.
    pub torn: u64,
}

/// A server with the counter on it.
#[derive(Debug)]
pub struct Rig {
    pub kind: Kind,
    // Clients go before their server.
    feeder: Option<Feeder>,
    pub watch: Watch,
    pub server: Server,
    /// Where the clock of this rig begins.
    pub zero: Instant,
    channels: usize,
    folder: TempDir,
}

impl Rig {
    /// Starts a server and plays the counter on it, in stereo.
    ///
    /// # Errors
    /// When a program is missing or does not start.
    pub fn start(kind: Kind) -> Result<Self> {
        Self::with_channels(kind, 2)
    }

    /// The same with so many channels, for JACK.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn with_channels(kind: Kind, channels: usize) -> Result<Self> {
        let server = match kind {
            Kind::Pulse => Server::Pulse(PulseAudio::start()?),
            Kind::Jack => Server::Jack(Jack::start(JackOptions::default())?),
            Kind::Pipewire => Server::Pipewire(Pipewire::start()?),
        };
        let mut rig = Self {
            kind,
            server,
            feeder: None,
            watch: Watch::default(),
            zero: Instant::now(),
            channels,
            folder: tempfile::tempdir_in(super::mount::in_memory())?,
        };
        rig.play()?;
        Ok(rig)
    }

    /// Plays the counter, and lets the control listen.
    fn play(&mut self) -> Result<()> {
        self.feeder = Some(match &self.server {
            Server::Pulse(server) => Feeder::Process(self.pacat(server)?),
            Server::Jack(server) => Feeder::Jack(Source::start(
                server,
                JACK_SOURCE,
                self.channels,
                &Signal::Counter,
            )?),
            Server::Pipewire(server) => Feeder::Process(self.pw_play(server)?),
        });
        self.listen()
    }

    /// Lets the control listen from now on.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn listen(&mut self) -> Result<()> {
        match &self.server {
            Server::Pulse(server) => self.watch.pulse(server),
            Server::Jack(server) => self.watch.jack(server),
            Server::Pipewire(server) => self.watch.pipewire(server),
        }
    }

    /// What of a take is the server's doing and not the recorder's. In a cycle of a JACK server that
    /// ends in an xrun one client may be in time and the other not, so that what one plays is heard a
    /// cycle late, on some channels or all, until the next xrun. PipeWire does the same and tells
    /// nobody.
    pub fn tolerance(&self) -> Tolerance {
        match &self.server {
            Server::Jack(server) => {
                let xruns = self.watch.xruns();
                let period = u64::from(server.options().period_frames);
                Tolerance {
                    slack: if xruns > 0 { period } else { 0 },
                    torn: xruns * period,
                }
            }
            Server::Pipewire(_) => Tolerance {
                slack: QUANTUM,
                torn: QUANTUM,
            },
            Server::Pulse(_) => Tolerance::default(),
        }
    }

    /// Stops the server where it is.
    ///
    /// # Errors
    /// When it has gone.
    pub fn stop(&self) -> Result<()> {
        match &self.server {
            Server::Pulse(server) => server.stop(),
            Server::Jack(server) => server.stop(),
            Server::Pipewire(server) => server.stop(),
        }
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// When it has gone.
    pub fn cont(&self) -> Result<()> {
        match &self.server {
            Server::Pulse(server) => server.cont(),
            Server::Jack(server) => server.cont(),
            Server::Pipewire(server) => server.cont(),
        }
    }

    /// Kills the server.
    pub fn kill(&mut self) {
        match &mut self.server {
            Server::Pulse(server) => server.kill(),
            Server::Jack(server) => server.kill(),
            Server::Pipewire(server) => server.kill(),
        }
    }

    /// Starts it again, and the counter on it.
    ///
    /// # Errors
    /// When it does not start.
    pub fn restart(&mut self) -> Result<()> {
        self.feeder = None;
        match &mut self.server {
            Server::Pulse(server) => server.restart()?,
            Server::Jack(server) => server.restart()?,
            Server::Pipewire(server) => server.restart()?,
        }
        self.play()
    }

    /// `pacat` with a thread that writes the counter as fast as it is taken.
    fn pacat(&self, server: &PulseAudio) -> Result<Process> {
        let mut command = server.tool("pacat");
        command
            .args(["--playback", "--raw", "--format=float32le", "--rate=48000"])
            .args(["--channels=2", "--latency-msec=1000"])
            .arg(format!("--device={}", PulseAudio::MIC_FEED))
            .stdin(Stdio::piped())
            .stdout(Stdio::null());
        let mut process = Process::start(command, &self.folder.path().join("pacat.log"))?;
        let mut pipe = process.stdin().context("input of pacat")?;
        thread::spawn(move || {
            let mut bytes = Vec::new();
            for begin in (0_u32..).step_by(480) {
                bytes.clear();
                for time in begin..begin + 480 {
                    let samples = (0..2).flat_map(|port| counter(time, port).to_le_bytes());
                    bytes.extend(samples);
                }
                // It has ended.
                if pipe.write_all(&bytes).is_err() {
                    break;
                }
            }
        });
        Ok(process)
    }

    /// `pw-play` of a file that holds the counter once.
    fn pw_play(&self, server: &Pipewire) -> Result<Process> {
        let path = self.folder.path().join("counter.wav");
        if !path.exists() {
            let mut file = BufWriter::new(File::create(&path)?);
            let size = COUNTER_PERIOD * 8;
            file.write_all(b"RIFF")?;
            file.write_all(&(size + 36).to_le_bytes())?;
            file.write_all(b"WAVEfmt \x10\0\0\0\x03\0\x02\0")?;
            for word in [48_000, 384_000, 32 << 16 | 8] {
                file.write_all(&u32::to_le_bytes(word))?;
            }
            file.write_all(b"data")?;
            file.write_all(&size.to_le_bytes())?;
            for time in 0..COUNTER_PERIOD {
                file.write_all(&counter(time, 0).to_le_bytes())?;
                file.write_all(&counter(time, 1).to_le_bytes())?;
            }
            file.flush()?;
        }
        // It holds less than three minutes.
        let again = "while pw-play --target \"$0\" \"$1\"; do :; done";
        let mut command = server.tool("sh");
        command
            .args(["-c", again, Pipewire::SPEAKER])
            .arg(&path)
            .stdout(Stdio::null());
        Process::start(command, &self.folder.path().join("pw-play.log"))
    }

    /// Plays the counter from its beginning again, where it would soon end.
    ///
    /// # Errors
    /// When it does not start.
    pub fn refresh(&mut self) -> Result<()> {
        if self.kind == Kind::Pipewire {
            self.feeder = None;
            self.play()?;
        } else if self.kind == Kind::Pulse {
            self.listen()?;
        }
        self.watch.forget();
        Ok(())
    }
}
