//! Clients of a JACK server: a source and a sink of our own, in processes of their own, and
//! the tools that come with JACK.

mod tools;
mod watch;

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};

use crate::process::{Process, describe};
use crate::servers::Jack;

pub use tools::{connect, disconnect, iodelay, ports, wait_for_port};
pub use watch::Watch;

/// How long a client may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Step of the counter signal: whole numbers below 2^24 are exact in an f32, so are these.
pub const COUNTER_STEP: f32 = 1.0 / 16_777_216.0;

/// The counter wraps here, so that its samples stay in 0 (excluded) to 0.5 (included).
pub const COUNTER_PERIOD: u32 = 1 << 23;

/// Sample of the counter signal at frame `time` of the server's clock, port 0, 1, ...:
/// never zero, and negative on odd ports.
#[must_use]
pub fn counter(time: u32, port: usize) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "at most 2^23: exact in an f32")]
    let value = ((time % COUNTER_PERIOD) + 1) as f32 * COUNTER_STEP;
    if port % 2 == 1 { -value } else { value }
}

/// What a [`Source`] plays.
#[derive(Clone, Debug)]
pub enum Signal {
    /// The [`counter`] of the server's frame clock, from the first cycle on.
    Counter,
    /// These samples, interleaved, once, from [`Source::go`] on, frame by frame of the server's
    /// clock: those of a cycle that the server leaves out are gone. Silence before and after.
    Samples(Vec<f32>),
}

/// A client in a process of its own that plays a signal at ports `out_1`, `out_2`, ...
#[derive(Debug)]
pub struct Source {
    process: Process,
    stdin: Option<std::process::ChildStdin>,
    _folder: tempfile::TempDir,
}

impl Source {
    /// Starts the client `name` with `ports` output ports and waits until it runs.
    ///
    /// # Errors
    /// When the client cannot be built or started, or does not answer within 10 s.
    pub fn start(server: &Jack, name: &str, ports: usize, signal: &Signal) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut command = server.tool(&program()?.to_string_lossy());
        command.args(["source", name, &ports.to_string()]);
        match signal {
            Signal::Counter => command.arg("counter"),
            Signal::Samples(samples) => {
                let path = folder.path().join("signal.f32");
                let bytes: Vec<u8> = samples.iter().flat_map(|s| s.to_le_bytes()).collect();
                fs::write(&path, bytes).context("writing what the source is to play")?;
                command.arg(path)
            }
        };
        let (process, stdin, _) = start(command, folder.path())?;
        Ok(Self {
            process,
            stdin: Some(stdin),
            _folder: folder,
        })
    }

    /// Starts a signal of samples, at the next cycle.
    ///
    /// # Errors
    /// When the client has gone.
    pub fn go(&mut self) -> Result<()> {
        let stdin = self
            .stdin
            .as_mut()
            .ok_or_else(|| anyhow!("the source has ended"))?;
        writeln!(stdin, "go")?;
        Ok(stdin.flush()?)
    }

    /// Number of the client's process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }
}

/// A client in a process of its own that records its ports `in_1`, `in_2`, ...
#[derive(Debug)]
pub struct Sink {
    process: Process,
    stdin: std::process::ChildStdin,
    stdout: BufReader<std::process::ChildStdout>,
    file: PathBuf,
    _folder: tempfile::TempDir,
}

impl Sink {
    /// Starts the client `name` with `ports` input ports and waits until it runs.
    ///
    /// # Errors
    /// When the client cannot be built or started, or does not answer within 10 s.
    pub fn start(server: &Jack, name: &str, ports: usize) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("recording.cycles");
        let mut command = server.tool(&program()?.to_string_lossy());
        command.args(["sink", name, &ports.to_string()]).arg(&file);
        let (process, stdin, stdout) = start(command, folder.path())?;
        Ok(Self {
            process,
            stdin,
            stdout,
            file,
            _folder: folder,
        })
    }

    /// Ends the recording and returns it.
    ///
    /// # Errors
    /// When the client failed or lost cycles on their way to the file.
    pub fn finish(self) -> Result<Recording> {
        let Self {
            mut process,
            stdin,
            mut stdout,
            file,
            _folder,
        } = self;
        drop(stdin);
        let status = process.wait(ANSWER_LIMIT)?;
        ensure!(
            status.success(),
            "the sink ended with {}: {}",
            describe(status),
            process.log()
        );
        let mut line = String::new();
        stdout.read_line(&mut line)?;
        let (lost, xruns) = line
            .trim()
            .strip_prefix("lost ")
            .and_then(|line| line.split_once(" xruns"))
            .context("the sink's last line")?;
        ensure!(
            lost == "0",
            "the sink could not write as fast as it heard: {line}"
        );
        let xruns = xruns.split_whitespace().map(str::parse);
        Recording::read(&file, xruns.collect::<Result<_, _>>()?)
    }
}

/// One cycle that a [`Sink`] heard.
#[derive(Clone, Debug)]
pub struct Cycle {
    /// First frame of the cycle on the server's frame clock.
    pub time: u32,
    /// Samples, one plane for each port.
    pub planes: Vec<Vec<f32>>,
}

/// What a [`Sink`] heard, cycle by cycle.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Cycles in order.
    pub cycles: Vec<Cycle>,
    /// Frames of the server's clock at which it told the sink of xruns.
    pub xruns: Vec<u32>,
}

impl Recording {
    /// Samples of one port from the first cycle on; cycles that the server left out, as its
    /// clock tells, are silence.
    #[must_use]
    pub fn port(&self, port: usize) -> Vec<f32> {
        let mut samples = Vec::new();
        let begin = self.cycles.first().map_or(0, |cycle| cycle.time);
        for cycle in &self.cycles {
            let place = cycle.time.wrapping_sub(begin) as usize;
            samples.resize(place.max(samples.len()), 0.0);
            samples.extend(&cycle.planes[port]);
        }
        samples
    }

    /// By how many frames the [`counter`] came late, at each frame of a port: `None` where
    /// the sample is silence.
    pub fn counter_delays(&self, port: usize) -> impl Iterator<Item = Option<u32>> + '_ {
        self.cycles.iter().flat_map(move |cycle| {
            (cycle.time..)
                .zip(&cycle.planes[port])
                .map(|(time, sample)| {
                    #[expect(
                        clippy::cast_possible_truncation,
                        clippy::cast_sign_loss,
                        reason = "a counter sample is a whole number of steps from 1 to 2^23"
                    )]
                    let heard = (sample.abs() / COUNTER_STEP) as u32;
                    let delay = (time % COUNTER_PERIOD + COUNTER_PERIOD + 1).wrapping_sub(heard);
                    (heard > 0).then_some(delay % COUNTER_PERIOD)
                })
        })
    }

    /// The file is cycles of: frame time, frames, ports (u32), then the planes (f32).
    fn read(path: &Path, xruns: Vec<u32>) -> Result<Self> {
        let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        let (words, rest) = bytes.as_chunks::<4>();
        ensure!(
            rest.is_empty(),
            "the recording ends in the middle of a word"
        );
        let mut words = words.iter().map(|word| u32::from_le_bytes(*word));
        let mut cycles = Vec::new();
        while let Some(time) = words.next() {
            let frames = words.next().context("cycle without a length")?;
            let ports = words.next().context("cycle without ports")?;
            let mut planes = Vec::new();
            for _ in 0..ports {
                let plane: Vec<f32> = words
                    .by_ref()
                    .take(frames as usize)
                    .map(f32::from_bits)
                    .collect();
                ensure!(
                    plane.len() == frames as usize,
                    "cycle at {time} is cut short"
                );
                planes.push(plane);
            }
            cycles.push(Cycle { time, planes });
        }
        Ok(Self { cycles, xruns })
    }
}

/// Starts a client and waits for its line `ready`.
fn start(
    mut command: Command,
    folder: &Path,
) -> Result<(
    Process,
    std::process::ChildStdin,
    BufReader<std::process::ChildStdout>,
)> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut process = Process::start(command, &folder.join("peer.log"))?;
    let stdin = process.stdin().context("input of the peer")?;
    let mut stdout = BufReader::new(process.stdout().context("output of the peer")?);
    let mut line = String::new();
    stdout.read_line(&mut line)?;
    ensure!(
        line.trim() == "ready",
        "the JACK client did not start: {}",
        process.log()
    );
    Ok((process, stdin, stdout))
}

/// Builds the client once for each process and says where it is.
fn program() -> Result<PathBuf> {
    static PROGRAM: OnceLock<std::result::Result<PathBuf, String>> = OnceLock::new();
    PROGRAM
        .get_or_init(|| build().map_err(|error| format!("{error:#}")))
        .clone()
        .map_err(|error| anyhow!(error))
}

fn build() -> Result<PathBuf> {
    let target = match env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"),
    };
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let answer = Command::new(cargo)
        .args([
            "build",
            "--quiet",
            "--package",
            "xtask",
            "--bin",
            "jack-peer",
        ])
        .args(["--features", "jack-peer", "--target-dir"])
        .arg(&target)
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .stdin(Stdio::null())
        .output()
        .context("building the JACK client")?;
    let said = String::from_utf8_lossy(&answer.stderr);
    ensure!(answer.status.success(), "building the JACK client: {said}");
    Ok(target.join("debug/jack-peer").canonicalize()?)
}
