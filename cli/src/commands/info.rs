//! `ossicle info`: what a file holds.

use std::path::PathBuf;

use clap::Args;
use ossicle::io::file::{AudioFile, FileInfo};
use serde::Serialize;

use crate::exit::Failure;
use crate::output::Output;
use crate::times::shown;

/// Say what a sound file holds
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  ossicle info song.flac --json")]
pub struct Info {
    /// Sound file; its content decides what it is, not its name
    file: PathBuf,
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
    warnings: &'a [String],
}

impl Info {
    pub fn run(&self, output: Output) -> Result<(), Failure> {
        let file =
            AudioFile::open(&self.file).map_err(|error| Failure::file(&self.file, &error))?;
        let info = file.info();
        for warning in &info.warnings {
            output.warning(&format!("{}: {warning}", self.file.display()));
        }
        output.result(&self.object(info), &self.text(info));
        Ok(())
    }

    fn object<'a>(&self, info: &'a FileInfo) -> InfoObject<'a> {
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
            warnings: &info.warnings,
        }
    }

    fn text(&self, info: &FileInfo) -> String {
        let bits = info
            .bits
            .map_or_else(String::new, |bits| format!(", {bits} bits"));
        let length = info.frames.map_or_else(
            || "unknown".to_string(),
            |frames| format!("{} ({frames} frames)", shown(frames, info.sample_rate_hz)),
        );
        format!(
            "file      {}\nformat    {}, {}{bits}\nrate      {} Hz\nchannels  {}\nlength    {length}",
            self.file.display(),
            info.container,
            info.codec,
            info.sample_rate_hz,
            info.channels,
        )
    }
}
