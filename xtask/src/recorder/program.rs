//! The recorders: ours at two servers, and those of Debian.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::Value;
use xtask::process::{Process, Signal};
use xtask::servers::{JackOptions, Pipewire};

use super::rig::{JACK_SOURCE, Kind, Rig, Server};
use super::watch::RATE;

/// How long a recorder may take to close its take.
const END_LIMIT: Duration = Duration::from_secs(8);

/// Buffer that ours asks for at PulseAudio.
const BUFFER_FRAMES: u32 = 1_024;

/// A recorder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Recorder {
    OssiclePulse,
    OssicleJack,
    Arecord,
    Sox,
    Parecord,
    Ffmpeg,
    JackCapture,
    PwRecord,
}

impl Recorder {
    pub const ALL: [Self; 8] = [
        Self::OssiclePulse,
        Self::OssicleJack,
        Self::Arecord,
        Self::Sox,
        Self::Parecord,
        Self::Ffmpeg,
        Self::JackCapture,
        Self::PwRecord,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::OssiclePulse => "ossicle (PulseAudio)",
            Self::OssicleJack => "ossicle (JACK)",
            Self::Arecord => "arecord",
            Self::Sox => "SoX rec",
            Self::Parecord => "parecord",
            Self::Ffmpeg => "ffmpeg",
            Self::JackCapture => "jack_capture",
            Self::PwRecord => "pw-record",
        }
    }

    /// The name of a file of it.
    fn stem(self) -> &'static str {
        match self {
            Self::OssiclePulse => "ossicle-pulse",
            Self::OssicleJack => "ossicle-jack",
            Self::Sox => "sox",
            other => other.name(),
        }
    }

    pub fn is_ours(self) -> bool {
        matches!(self, Self::OssiclePulse | Self::OssicleJack)
    }

    /// What the device holds back of a take of ours, in seconds: the buffer that is asked for at
    /// PulseAudio, a cycle at JACK.
    pub fn buffer_s(self) -> f64 {
        let frames = match self {
            Self::OssiclePulse => BUFFER_FRAMES,
            _ => JackOptions::default().period_frames,
        };
        f64::from(frames) / RATE
    }

    /// The server it records from.
    pub fn server(self) -> Kind {
        match self {
            Self::OssicleJack | Self::JackCapture => Kind::Jack,
            Self::PwRecord => Kind::Pipewire,
            _ => Kind::Pulse,
        }
    }

    /// Starts it on a new take in `folder`; `number` tells takes of the same recorder apart, `logs` is
    /// where it says what it has to say, `more` are words for ours.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(self, rig: &Rig, place: Place<'_>) -> Result<Running> {
        let name = format!("{}-{}", self.stem(), place.number);
        let file = place.folder.join(format!("{name}.wav"));
        let output = place.logs.join(format!("{name}.out"));
        let mut command = self.command(rig, &file, place.more)?;
        command.stdin(Stdio::null()).stdout(File::create(&output)?);
        let log = place.logs.join(format!("{name}.log"));
        Ok(Running {
            recorder: self,
            process: Process::start(command, &log)?,
            file,
            output,
        })
    }

    fn command(self, rig: &Rig, file: &Path, more: &[&str]) -> Result<Command> {
        let line = match self {
            Self::OssiclePulse | Self::OssicleJack => return Ok(self.ours(rig, file, more)),
            Self::Arecord => "arecord -q -t wav -f FLOAT_LE -c 2 -r 48000 {}",
            Self::Sox => {
                "sox -q -t alsa -r 48000 -c 2 -b 32 -e signed-integer default -t wav -b 32 \
                 -e floating-point {}"
            }
            Self::Parecord => {
                "parecord --file-format=wav --format=float32le --rate=48000 --channels=2 {}"
            }
            Self::Ffmpeg => {
                "ffmpeg -nostdin -v error -y -f pulse -sample_rate 48000 -channels 2 \
                 -c:a pcm_f32le -i default -c:a pcm_f32le {}"
            }
            Self::JackCapture => {
                "jack_capture -ns -dc -c 2 -p counter:out_1 -p counter:out_2 -b FLOAT -f wav {}"
            }
            Self::PwRecord => {
                "pw-record --target ~ -P {stream.capture.sink=true} --format f32 --rate 48000 \
                 --channels 2 {}"
            }
        };
        let mut words = line.split_whitespace();
        let program = words.next().unwrap_or_default();
        let mut command = tool(rig, program);
        for word in words {
            match word {
                "{}" => command.arg(file),
                "~" => command.arg(Pipewire::SPEAKER),
                word => command.arg(word),
            };
        }
        Ok(command)
    }

    fn ours(self, rig: &Rig, file: &Path, more: &[&str]) -> Command {
        let mut command = tool(rig, &ossicle().to_string_lossy());
        command
            .arg("rec")
            .arg(file)
            .args(["--rate", "48000", "--format", "f32", "--json"]);
        match self {
            Self::OssicleJack => command.args(["--host", "jack", "--device", JACK_SOURCE]),
            _ => command
                .args(["--host", "pulseaudio", "--buffer"])
                .arg(BUFFER_FRAMES.to_string()),
        };
        if !more.contains(&"--channels") {
            command.args(["--channels", "2"]);
        }
        command.args(more);
        command
    }
}

/// Where a take and what is said of it go.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The folder of the take.
    pub folder: &'a Path,
    /// The folder of the words.
    pub logs: &'a Path,
    /// Tells takes of the same recorder apart.
    pub number: usize,
    /// More words for ours.
    pub more: &'a [&'a str],
}

/// Names another build of the program to be judged.
pub const ANOTHER: &str = "OSSICLE_PROGRAM";

/// The program of this workspace, in release, or another build that was named.
pub fn ossicle() -> PathBuf {
    let built = || crate::steps::target().join("release/ossicle");
    env::var_os(ANOTHER).map_or_else(built, PathBuf::from)
}

fn tool(rig: &Rig, program: &str) -> Command {
    match &rig.server {
        Server::Pulse(server) => server.tool(program),
        Server::Jack(server) => server.tool(program),
        Server::Pipewire(server) => server.tool(program),
    }
}

/// A recorder at work; it is ended when this is dropped.
#[derive(Debug)]
pub struct Running {
    pub recorder: Recorder,
    pub process: Process,
    pub file: PathBuf,
    output: PathBuf,
}

/// How a recorder ended.
#[derive(Debug)]
pub struct Ended {
    /// Exit code; `None` when it had to be killed.
    pub exit: Option<i32>,
    /// What it said on standard error.
    pub said: String,
    /// Our summary.
    pub summary: Value,
}

impl Running {
    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.process.ended(), Ok(None))
    }

    /// Asks for an end, as Ctrl-C does.
    pub fn interrupt(&self) {
        let _ = self.process.signal(Signal::INT);
    }

    /// Waits for the end, and kills what does not come to one.
    pub fn finish(mut self) -> Ended {
        let exit = match self.process.wait(END_LIMIT) {
            Ok(status) => status.code(),
            Err(_) => {
                self.process.kill();
                None
            }
        };
        let output = fs::read_to_string(&self.output).unwrap_or_default();
        Ended {
            exit,
            said: self.process.log(),
            summary: serde_json::from_str(output.trim()).unwrap_or(Value::Null),
        }
    }
}

/// What ours can do so far, by its own help.
pub fn offers(words: &[&str], wanted: &str) -> Result<bool> {
    let answer = Command::new(ossicle()).args(words).output()?;
    let text = String::from_utf8_lossy(&answer.stdout);
    if text.is_empty() && answer.stderr.is_empty() {
        bail!("ossicle {} says nothing", words.join(" "));
    }
    Ok(answer.status.success() && text.contains(wanted))
}
