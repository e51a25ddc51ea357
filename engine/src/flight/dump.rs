//! Writes a dump.

use core::fmt;
use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use ossicle_io::file::{LimitedFile, Overwrite, WavSpec, WavWriter};
use ossicle_io::sample::SampleFormat;

use super::form::{self, Head, VERSION};
use super::history::Window;
use super::keeper::Scene;
use super::log::FlightLog;
use super::{CallbackRecord, FlightError};

pub(super) const HEAD: &str = "flight.json";
pub(super) const CALLBACKS: &str = "callbacks.jsonl";
pub(super) const INPUT: &str = "input.wav";
const CHAIN: &str = "chain.toml";
/// Names that are tried for the folder of a dump.
const NAMES: u32 = 10_000;

/// Why a dump was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// It was asked for.
    Asked,
    /// Something was late at this stream position, in frames.
    Late {
        /// What.
        what: Lateness,
        /// Stream position of the callback.
        position: u64,
    },
}

/// What was late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lateness {
    /// A callback took longer than its sound lasts.
    Callback {
        /// What it took, in nanoseconds.
        cost_ns: u64,
    },
    /// Frames were lost.
    LostFrames {
        /// How many.
        frames: u64,
    },
    /// The device told of an xrun.
    Xrun,
}

impl Cause {
    pub(super) fn of(record: &CallbackRecord) -> Self {
        let what = match record {
            record if record.lost_frames > 0 => Lateness::LostFrames {
                frames: record.lost_frames,
            },
            record if record.xrun => Lateness::Xrun,
            record => Lateness::Callback {
                cost_ns: record.cost_ns,
            },
        };
        let position = record.position;
        Self::Late { what, position }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Late { what, position } = self else {
            return to.write_str("asked for");
        };
        match what {
            Lateness::Callback { cost_ns } => {
                let ms = *cost_ns as f64 / 1e6;
                write!(to, "a callback took {ms:.2} ms at frame {position}")
            }
            Lateness::LostFrames { frames } => {
                write!(to, "{frames} frames were lost at frame {position}")
            }
            Lateness::Xrun => write!(to, "the device told of an xrun at frame {position}"),
        }
    }
}

/// Writes a dump into a new folder below `below`; returns the folder.
pub(super) fn write(
    below: &Path,
    cause: Cause,
    scene: &Scene,
    window: &Window,
    log: &mut FlightLog,
) -> Result<PathBuf, FlightError> {
    let first = window.records.first().ok_or(FlightError::Empty)?;
    log.forget_before(first.position);
    let folder = new_folder(below)?;
    let write = |name: &str, text: &[u8]| {
        let path = folder.join(name);
        LimitedFile::create(&path)
            .and_then(|mut file| file.write_all(text))
            .map_err(FlightError::io(&path))
    };
    write_callbacks(&folder.join(CALLBACKS), &window.records)?;
    write_input(&folder.join(INPUT), scene, &window.input)?;
    let (begin, chain, commands) = form::of_log(log);
    if let Some(toml) = chain.and_then(|chain| chain.to_toml().ok()) {
        write(CHAIN, toml.as_bytes())?;
    }
    let spec = &scene.spec;
    let head = Head {
        version: VERSION,
        program: concat!("ossicle ", env!("CARGO_PKG_VERSION")).to_owned(),
        cause: cause.to_string(),
        host: scene.host.clone(),
        input_device: scene.input_device.clone(),
        output_device: scene.output_device.clone(),
        buffer_frames: scene.buffer_frames,
        sample_rate_hz: spec.sample_rate_hz,
        channels_in: spec.channels_in,
        channels_out: scene.channels_out,
        max_block_frames: spec.max_block_frames,
        latency_budget_frames: spec.latency_budget_frames,
        dropped_callbacks: window.dropped,
        gaps: window
            .gaps
            .iter()
            .map(|gap| [gap.processed, gap.frames])
            .collect(),
        begin,
        commands,
    };
    let path = folder.join(HEAD);
    let text =
        serde_json::to_vec_pretty(&head).map_err(|error| FlightError::io(&path)(error.into()))?;
    write(HEAD, &text)?;
    Ok(folder)
}

/// A folder that was not there: `flight-0001` and so on.
fn new_folder(below: &Path) -> Result<PathBuf, FlightError> {
    fs::create_dir_all(below).map_err(FlightError::io(below))?;
    let mut number = 1;
    loop {
        let folder = below.join(format!("flight-{number:04}"));
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && number < NAMES => {
                number += 1;
            }
            Err(error) => return Err(FlightError::io(&folder)(error)),
        }
    }
}

fn write_callbacks(path: &Path, records: &[CallbackRecord]) -> Result<(), FlightError> {
    let write = || {
        let mut file = BufWriter::new(LimitedFile::create(path)?);
        for record in records {
            serde_json::to_writer(&mut file, record)?;
            file.write_all(b"\n")?;
        }
        file.flush()
    };
    write().map_err(FlightError::io(path))
}

fn write_input(path: &Path, scene: &Scene, samples: &[f32]) -> Result<(), FlightError> {
    let spec = WavSpec {
        sample_rate_hz: scene.spec.sample_rate_hz,
        channels: scene.spec.channels_in,
        format: SampleFormat::F32,
    };
    let write = || {
        let mut file = WavWriter::create(path, spec, Overwrite::Never)?;
        file.write(samples)?;
        file.finish()
    };
    write().map(drop).map_err(FlightError::sound(path))
}
