//! `pacat` and `parec`: raw interleaved f32, little endian, 48 kHz unless told.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::process::{Process, poll};
use crate::quiet::Moment;
use crate::servers::PulseAudio;

/// Lateness that [`Arrivals`] notes: a piece.
const KEPT_WAITING: Duration = Duration::from_millis(5);

/// `pacat` playing a raw file; it ends when this is dropped.
#[derive(Debug)]
pub struct Pacat {
    process: Process,
}

impl Pacat {
    /// Plays `samples` (interleaved, `channels` of them) to `sink`.
    ///
    /// # Errors
    /// When the samples cannot be written or `pacat` cannot be started.
    pub fn play(server: &PulseAudio, sink: &str, samples: &[f32], channels: usize) -> Result<Self> {
        Self::play_at(server, sink, samples, channels, 48_000)
    }

    /// The same at another rate.
    ///
    /// # Errors
    /// As [`play`](Self::play).
    pub fn play_at(
        server: &PulseAudio,
        sink: &str,
        samples: &[f32],
        channels: usize,
        rate_hz: u32,
    ) -> Result<Self> {
        let file = tempfile::Builder::new()
            .prefix("pacat-")
            .suffix(".f32")
            .tempfile_in(server.folder())?;
        let bytes: Vec<u8> = samples
            .iter()
            .flat_map(|sample| sample.to_le_bytes())
            .collect();
        fs::write(file.path(), bytes).context("writing what pacat is to play")?;
        let mut command = server.tool("pacat");
        command
            .args(["--playback", "--raw", "--format=float32le"])
            .arg(format!("--rate={rate_hz}"))
            .arg(format!("--channels={channels}"))
            .arg(format!("--device={sink}"))
            .arg("--latency-msec=2000")
            .stdin(File::open(file.path())?)
            .stdout(Stdio::null());
        let log = file.path().with_extension("log");
        Ok(Self {
            process: Process::start(command, &log)?,
        })
    }

    /// Waits until all has been played.
    ///
    /// # Errors
    /// When it still plays after `limit`.
    pub fn wait(&mut self, limit: Duration) -> Result<()> {
        self.process.wait(limit).map(|_| ())
    }
}

/// `parec` recording a source to a raw file; it ends when this is dropped.
#[derive(Debug)]
pub struct Parec {
    process: Process,
    file: PathBuf,
}

impl Parec {
    /// Records `source` in `channels` channels, and returns once frames arrive.
    ///
    /// # Errors
    /// When `parec` cannot be started or gets nothing within 10 s.
    pub fn record(server: &PulseAudio, source: &str, channels: usize) -> Result<Self> {
        let file = tempfile::Builder::new()
            .prefix("parec-")
            .suffix(".f32")
            .tempfile_in(server.folder())?
            .into_temp_path()
            .keep()?;
        let mut command = server.tool("parec");
        command
            .args([
                "--raw",
                "--format=float32le",
                "--rate=48000",
                "--latency-msec=20",
            ])
            .arg(format!("--channels={channels}"))
            .arg(format!("--device={source}"))
            .stdout(File::create(&file)?);
        let process = Process::start(command, &file.with_extension("log"))?;
        let recorder = Self { process, file };
        poll("waiting for parec", Duration::from_secs(10), || {
            Ok((fs::metadata(&recorder.file)?.len() > 0).then_some(()))
        })?;
        Ok(recorder)
    }

    /// Ends the recording and returns its samples, interleaved.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn finish(mut self) -> Result<Vec<f32>> {
        self.process.end();
        read_f32(&self.file)
    }
}

/// `parec` that listens to a source in pieces of 5 ms, what it heard, and what it was kept waiting
/// for.
#[derive(Debug)]
pub struct Arrivals {
    process: Process,
    thread: JoinHandle<Arrived>,
}

/// What came.
#[derive(Debug, Default)]
pub struct Arrived {
    /// When it was kept waiting for 5 ms or more.
    pub moments: Vec<Moment>,
    /// Frames, one sample each.
    pub samples: Vec<f32>,
    /// When the frames before this one were there, piece by piece.
    pub times: Vec<(usize, Instant)>,
}

impl Arrived {
    /// When a frame was there.
    #[must_use]
    pub fn at(&self, frame: usize) -> Option<Instant> {
        let piece = self.times.partition_point(|&(end, _)| end <= frame);
        self.times.get(piece).map(|&(_, time)| time)
    }
}

impl Arrivals {
    /// Listens to `source`, mono at `rate_hz`.
    ///
    /// # Errors
    /// When `parec` cannot be started.
    pub fn of(server: &PulseAudio, source: &str, rate_hz: u32) -> Result<Self> {
        let mut command = server.tool("parec");
        command
            .args(["--raw", "--format=float32le", "--channels=1"])
            .args(["--latency-msec=5", "--process-time-msec=5"])
            .arg(format!("--rate={rate_hz}"))
            .arg(format!("--device={source}"))
            .stdout(Stdio::piped());
        let mut process = Process::start(command, &server.folder().join("arrivals.log"))?;
        let mut pipe = process.stdout().context("output of parec")?;
        let thread = thread::spawn(move || {
            let mut arrived = Arrived::default();
            let mut piece = [0; 1 << 16];
            let mut bytes = Vec::new();
            let (mut origin, mut earliest) = (None::<Instant>, None::<Instant>);
            let mut looked = Instant::now();
            while let Ok(length @ 1..) = pipe.read(&mut piece) {
                let until = Instant::now();
                bytes.extend_from_slice(&piece[..length]);
                let (frames, rest) = bytes.as_chunks::<4>();
                let samples = frames.iter().map(|bytes| f32::from_le_bytes(*bytes));
                arrived.samples.extend(samples);
                bytes = rest.to_vec();
                let count = arrived.samples.len();
                arrived.times.push((count, until));
                let passed = Duration::from_secs_f64(count as f64 / f64::from(rate_hz));
                let begun = until - passed;
                earliest = earliest.min(Some(begun)).or(Some(begun));
                // When the piece would have come, had it come as early as the earliest of the second
                // before; what the server threw away is waited for no longer.
                let from = *origin.get_or_insert(begun) + passed;
                if until.saturating_duration_since(from) >= KEPT_WAITING {
                    arrived.moments.push(Moment { from, until });
                }
                if looked.elapsed() > Duration::from_secs(1) {
                    (origin, earliest, looked) = (earliest, None, until);
                }
            }
            arrived
        });
        Ok(Self { process, thread })
    }

    /// Ends it: what came.
    #[must_use]
    pub fn finish(mut self) -> Arrived {
        self.process.end();
        self.thread.join().unwrap_or_default()
    }
}

/// Reads a file of raw little-endian f32.
///
/// # Errors
/// When the file cannot be read.
pub fn read_f32(path: &Path) -> Result<Vec<f32>> {
    let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let (samples, _) = bytes.as_chunks::<4>();
    Ok(samples
        .iter()
        .map(|bytes| f32::from_le_bytes(*bytes))
        .collect())
}
