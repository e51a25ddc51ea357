//! The control: a client beside the recorders that tells where the counter is at each moment.

use std::fs::File;
use std::io::{BufRead, Read};
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tempfile::TempDir;
use xtask::peers::jack::{self, COUNTER_PERIOD, COUNTER_STEP};
use xtask::process::{Process, poll};
use xtask::servers::{Jack, Pipewire, PulseAudio};

/// Frames a second of every server here.
pub const RATE: f64 = 48_000.0;
const PERIOD: f64 = COUNTER_PERIOD as f64;
const FRAME: usize = 8;

/// Which number was heard when.
type Heard = Arc<Mutex<Vec<(Instant, u32)>>>;

/// The control at one server.
#[derive(Debug, Default)]
pub struct Watch {
    heard: Heard,
    /// Xruns that a JACK server told.
    xruns: Arc<AtomicU64>,
    /// Frames of silence that were heard.
    silent: Arc<AtomicU64>,
    client: Option<Client>,
}

#[derive(Debug)]
struct Client {
    ended: Arc<AtomicBool>,
    _program: Program,
    _folder: TempDir,
}

#[derive(Debug)]
#[expect(dead_code, reason = "they end when they are dropped")]
enum Program {
    Process(Process),
    Jack(jack::Watch),
}

impl Drop for Client {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

impl Watch {
    /// Listens to a PulseAudio server, in place of what it listened to before.
    ///
    /// # Errors
    /// When the client cannot be started.
    pub fn pulse(&mut self, server: &PulseAudio) -> Result<()> {
        let folder = tempfile::tempdir()?;
        let mut command = server.tool("parec");
        command
            .args([
                "--raw",
                "--format=float32le",
                "--rate=48000",
                "--channels=2",
            ])
            .args(["--latency-msec=20", "--client-name=control"])
            .stdout(Stdio::piped());
        let mut process = Process::start(command, &folder.path().join("control.log"))?;
        let output = process.stdout().context("output of parec")?;
        self.listen(output, Program::Process(process), folder);
        Ok(())
    }

    /// Listens to a PipeWire server.
    ///
    /// # Errors
    /// When the client cannot be started.
    pub fn pipewire(&mut self, server: &Pipewire) -> Result<()> {
        let folder = tempfile::tempdir_in(super::mount::in_memory())?;
        let path = folder.path().join("control.wav");
        let mut command = server.tool("pw-record");
        command
            .args([
                "--target",
                Pipewire::SPEAKER,
                "-P",
                "{ stream.capture.sink=true }",
            ])
            .args(["--format", "f32", "--rate", "48000", "--channels", "2"])
            .args(["--latency", "20ms"])
            .arg(&path)
            .stdout(Stdio::null());
        let process = Process::start(command, &folder.path().join("control.log"))?;
        self.listen(growing(&path)?, Program::Process(process), folder);
        Ok(())
    }

    /// Reads the frame clock of a JACK server.
    ///
    /// # Errors
    /// When the client cannot be started.
    pub fn jack(&mut self, server: &Jack) -> Result<()> {
        let folder = tempfile::tempdir()?;
        let (client, lines) = jack::Watch::start(server, "control")?;
        let heard = Arc::clone(&self.heard);
        let xruns = Arc::clone(&self.xruns);
        thread::spawn(move || {
            let mut last = (0, 0);
            for line in lines.lines().map_while(Result::ok) {
                let Some((time, told)) = line.split_once(' ') else {
                    break;
                };
                let (Ok(time), Ok(told)) = (time.parse::<u32>(), told.parse::<u64>()) else {
                    break;
                };
                if time != last.0 {
                    push(&heard, time % COUNTER_PERIOD);
                }
                xruns.fetch_add(told.saturating_sub(last.1), Ordering::Relaxed);
                last = (time, told);
            }
        });
        self.client = Some(Client {
            ended: Arc::default(),
            _program: Program::Jack(client),
            _folder: folder,
        });
        Ok(())
    }

    /// Forgets what was heard.
    pub fn forget(&self) {
        lock(&self.heard).clear();
        self.xruns.store(0, Ordering::Relaxed);
        self.silent.store(0, Ordering::Relaxed);
    }

    /// Frames of silence heard since then: the server played them itself.
    pub fn silent(&self) -> u64 {
        self.silent.load(Ordering::Relaxed)
    }

    /// Xruns told since then; no server but JACK tells any.
    pub fn xruns(&self) -> u64 {
        self.xruns.load(Ordering::Relaxed)
    }

    /// Frames by which the counter is ahead of the clock that began at `zero`, over a stretch of
    /// time: the most, since what comes late was not produced late. `None` where nothing was heard.
    pub fn phase(&self, zero: Instant, from: Instant, to: Instant) -> Option<f64> {
        let heard = lock(&self.heard);
        let phases = heard
            .iter()
            .filter(|(time, _)| (from..=to).contains(time))
            .map(|(time, number)| f64::from(*number) - (*time - zero).as_secs_f64() * RATE);
        let mut best: Option<f64> = None;
        for phase in phases {
            let first = *best.get_or_insert(phase);
            best = Some(first + wrapped(phase - first).max(0.0));
        }
        best
    }

    /// The number of the counter at a moment, from what was heard in the second before.
    pub fn number(&self, zero: Instant, at: Instant) -> Option<f64> {
        let from = at.checked_sub(Duration::from_secs(1)).unwrap_or(zero);
        let phase = self.phase(zero, from.max(zero), at)?;
        Some((phase + (at - zero).as_secs_f64() * RATE).rem_euclid(PERIOD))
    }

    fn listen(
        &mut self,
        mut output: impl Read + Send + 'static,
        program: Program,
        folder: TempDir,
    ) {
        let heard = Arc::clone(&self.heard);
        let ended = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&ended);
        let silent = Arc::clone(&self.silent);
        thread::spawn(move || {
            let (mut bytes, mut kept) = (vec![0; 1 << 16], 0);
            while !told.load(Ordering::Relaxed) {
                match output.read(&mut bytes[kept..]) {
                    Ok(0) => thread::sleep(Duration::from_millis(5)),
                    Ok(read) => {
                        let whole = (kept + read) / FRAME * FRAME;
                        let frames = bytes[..whole].as_chunks::<FRAME>().0;
                        if let Some([a, b, c, d, ..]) = frames.last()
                            && let Some(number) = number(f32::from_le_bytes([*a, *b, *c, *d]))
                        {
                            push(&heard, number);
                        }
                        let silence = frames.iter().filter(|frame| **frame == [0; FRAME]).count();
                        silent.fetch_add(silence as u64, Ordering::Relaxed);
                        bytes.copy_within(whole..kept + read, 0);
                        kept = kept + read - whole;
                    }
                    Err(_) => break,
                }
            }
        });
        self.client = Some(Client {
            ended,
            _program: program,
            _folder: folder,
        });
    }
}

/// The number that a sample of channel 0 stands for.
fn number(sample: f32) -> Option<u32> {
    let steps = sample / COUNTER_STEP;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be from 1 to 2^23"
    )]
    (1.0..=PERIOD)
        .contains(&f64::from(steps))
        .then(|| steps as u32 - 1)
}

/// A difference of numbers, by the shorter way round.
pub fn wrapped(difference: f64) -> f64 {
    (difference + PERIOD / 2.0).rem_euclid(PERIOD) - PERIOD / 2.0
}

fn push(heard: &Heard, number: u32) {
    lock(heard).push((Instant::now(), number));
}

fn lock(heard: &Heard) -> std::sync::MutexGuard<'_, Vec<(Instant, u32)>> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The samples of a WAV that another program writes, from the first on; its end is where they are now.
fn growing(path: &Path) -> Result<File> {
    poll("waiting for the control", Duration::from_secs(10), || {
        let bytes = std::fs::read(path).unwrap_or_default();
        let Some(at) = bytes.windows(4).position(|word| word == b"data") else {
            return Ok(None);
        };
        let mut file = File::open(path)?;
        file.read_exact(&mut vec![0; at + 8])?;
        Ok(Some(file))
    })
}
