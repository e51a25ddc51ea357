//! `ossicle info`: what a file holds.

use core::ops::ControlFlow;
use std::path::PathBuf;

use clap::Args;
use ossicle::io::file::{AudioFile, FileInfo};
use ossicle::meter::{ProgramLoudness, scan};
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::loudness::LoudnessObject;
use crate::output::Output;
use crate::progress::{Progress, dbfs};
use crate::signals::Interrupt;
use crate::times::shown;

/// Say what a sound file holds
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  ossicle info song.flac --loudness --json")]
pub struct Info {
    /// Sound file; its content decides what it is, not its name
    file: PathBuf,
    /// Read the whole file and measure loudness, loudness range and peaks
    #[arg(long)]
    loudness: bool,
}

#[derive(Serialize)]
struct InfoObject<'a> {
    file: String,
    container: String,
    codec: String,
    sample_rate_hz: u32,
    channels: usize,
    frames: Option<u64>,
    duration_s: Option<f64>,
    bits: Option<u32>,
    /// Only when it was measured.
    #[serde(flatten)]
    measured: Option<Measured>,
    warnings: &'a [String],
}

#[derive(Serialize)]
struct Measured {
    #[serde(flatten)]
    loudness: LoudnessObject,
    sample_peak_dbfs: Option<f64>,
}

impl Info {
    pub fn run(&self, output: Output) -> Result<(), Failure> {
        let file =
            AudioFile::open(&self.file).map_err(|error| Failure::file(&self.file, &error))?;
        let info = file.info();
        for warning in &info.warnings {
            output.warning(&format!("{}: {warning}", self.file.display()));
        }
        let loudness = if self.loudness {
            Some(self.measure(info, output)?)
        } else {
            None
        };
        let object = self.object(info, loudness.as_ref());
        output.result(&object, &self.text(info, loudness.as_ref()));
        Ok(())
    }

    fn measure(&self, info: &FileInfo, output: Output) -> Result<ProgramLoudness, Failure> {
        let interrupt = Interrupt::listen(output)?;
        let progress = Progress::new(output, info.sample_rate_hz, info.frames);
        let scan = scan(&self.file, &mut |frames| {
            progress.show(frames, &[], "");
            if interrupt.is_asked() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        progress.finish();
        let scan = scan?;
        if scan.interrupted {
            let (file, frames) = (self.file.display(), scan.frames);
            return Err(Failure {
                exit: Exit::Interrupted,
                message: format!("interrupted: only the first {frames} frames of {file} were read"),
            });
        }
        Ok(scan.loudness)
    }

    fn object<'a>(&self, info: &'a FileInfo, loudness: Option<&ProgramLoudness>) -> InfoObject<'a> {
        InfoObject {
            file: self.file.display().to_string(),
            container: info.container.to_string(),
            codec: info.codec.to_string(),
            sample_rate_hz: info.sample_rate_hz,
            channels: info.channels,
            frames: info.frames,
            duration_s: info
                .frames
                .map(|frames| frames as f64 / f64::from(info.sample_rate_hz)),
            bits: info.bits.map(u32::from),
            measured: loudness.map(|loudness| Measured {
                loudness: loudness.into(),
                sample_peak_dbfs: dbfs(loudness.sample_peak),
            }),
            warnings: &info.warnings,
        }
    }

    fn text(&self, info: &FileInfo, loudness: Option<&ProgramLoudness>) -> String {
        let bits = info
            .bits
            .map_or_else(String::new, |bits| format!(", {bits} bits"));
        let length = info.frames.map_or_else(
            || "unknown".to_string(),
            |frames| format!("{} ({frames} frames)", shown(frames, info.sample_rate_hz)),
        );
        let loudness = loudness.map_or_else(String::new, |loudness| {
            let peak = dbfs(loudness.sample_peak)
                .map_or_else(String::new, |peak| format!(", sample peak {peak:.1} dBFS"));
            format!(
                "\nloudness  {}{peak}",
                LoudnessObject::from(loudness).text()
            )
        });
        format!(
            "file      {}\nformat    {}, {}{bits}\nrate      {} Hz\nchannels  {}\nlength    {length}{loudness}",
            self.file.display(),
            info.container,
            info.codec,
            info.sample_rate_hz,
            info.channels,
        )
    }
}
