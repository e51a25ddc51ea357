//! `ossicle spectrogram`: a picture of a file, frequency over time.

use std::path::PathBuf;

use clap::Args;
use ossicle::dsp::meter::View;
use ossicle::io::file::AudioFile;
use ossicle::meter::Spectrum;
use ossicle::same_file;
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::picture::heat_map::{COLUMNS, HeatMap, ROWS};
use crate::progress::Progress;
use crate::signals::Interrupt;
use crate::times::{Time, shown};

/// Length of a spectrum's window in seconds, before it becomes a power of two of frames: what is told
/// apart is 50 Hz wide.
const WINDOW_S: f64 = 0.08;
/// Frames read at once.
const PIECE_FRAMES: usize = 8192;
/// Lowest frequency of a logarithmic axis, in hertz.
const LOWEST_HZ: f64 = 20.0;

/// Draw a file's frequencies over time into a PNG file
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    ossicle spectrogram song.flac song.png --seek 30s --for 10s --log\n\n\
    OUT is replaced if it is there. 0 dB is a sine at full scale; of several channels the loudest\n\
    is drawn at each place, unless --channel names one.")]
pub struct Spectrogram {
    /// Sound file to read
    #[arg(value_name = "IN")]
    input: PathBuf,
    /// PNG file to write
    #[arg(value_name = "OUT")]
    output: PathBuf,
    /// Begin at this time of the file
    #[arg(long, value_name = "T", allow_hyphen_values = true)]
    seek: Option<Time>,
    /// End after this time
    #[arg(long = "for", value_name = "T", allow_hyphen_values = true)]
    length: Option<Time>,
    /// This channel alone, counted from 1
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    channel: Option<u16>,
    /// Decibels from black to the brightest color
    #[arg(long, value_name = "DB", default_value_t = 100)]
    #[arg(value_parser = clap::value_parser!(u16).range(10..=200))]
    range: u16,
    /// Even steps of pitch instead of frequency
    #[arg(long)]
    log: bool,
}

#[derive(Serialize)]
struct SpectrogramObject {
    file: String,
    frames: u64,
    sample_rate_hz: u32,
    channels: usize,
    /// Frames under a spectrum's window.
    window_frames: usize,
    /// The strongest place, in decibels of a full-scale sine, and where it is.
    peak_db: Option<f64>,
    peak_hz: Option<f64>,
    peak_s: Option<f64>,
}

impl Spectrogram {
    pub fn run(&self, output: Output) -> Result<(), Failure> {
        same_file::refuse(&self.input, &self.output)?;
        let interrupt = Interrupt::listen(output)?;
        let fail = |error| Failure::file(&self.input, &error);
        let mut file = AudioFile::open(&self.input).map_err(fail)?;
        let all_frames = file.count_frames().map_err(fail)?;
        let (rate, channels) = (file.info().sample_rate_hz, file.info().channels);
        for warning in &file.info().warnings {
            output.warning(&format!("{}: {warning}", self.input.display()));
        }
        if let Some(channel) = self
            .channel
            .filter(|&channel| usize::from(channel) > channels)
        {
            let file = self.input.display();
            return Err(Failure::usage(format!(
                "--channel {channel}: {file} has channels 1 to {channels}"
            )));
        }
        let first = self.seek.map_or(0, |time| time.frames(rate));
        file.seek(first).map_err(fail)?;
        let left = all_frames.saturating_sub(first);
        let frames = self.length.map_or(left, |time| time.frames(rate).min(left));
        if frames == 0 {
            let file = self.input.display();
            return Err(Failure::usage(format!("{file}: nothing to draw: 0 frames")));
        }

        let mut map = HeatMap::new(rate, first, frames, f64::from(self.range));
        if self.log {
            map.set_lowest_hz(LOWEST_HZ);
        }
        let window_frames = ((WINDOW_S * f64::from(rate)) as usize)
            .next_power_of_two()
            .max(64);
        // Twice in a column and twice in a window at the least, so that nothing is passed over.
        let hop_frames = (frames as usize / COLUMNS / 2).clamp(1, window_frames / 4);
        let mut spectrum = Spectrum::new(window_frames, hop_frames, channels);
        let progress = Progress::new(output, rate, Some(frames));
        let drawn: Vec<usize> = match self.channel {
            Some(channel) => vec![usize::from(channel) - 1],
            None => (0..channels).collect(),
        };
        let mut piece = vec![0.0f32; PIECE_FRAMES * channels];
        let mut done = 0;
        // The window's middle is what a spectrum is of: behind the end comes silence.
        let end = frames + window_frames as u64 / 2;
        while done < end {
            let wanted = (PIECE_FRAMES as u64).min(end - done) as usize;
            let piece = &mut piece[..wanted * channels];
            let sound = wanted.min(frames.saturating_sub(done) as usize);
            let read = file.read(&mut piece[..sound * channels]).map_err(fail)?;
            piece[read * channels..].fill(0.0);
            spectrum.push(&View::interleaved(piece, channels), |spectrum, seen| {
                if let Some(at) = seen.checked_sub(window_frames as u64 / 2) {
                    for &channel in &drawn {
                        map.add(at, spectrum.power(channel));
                    }
                }
            });
            done += wanted as u64;
            progress.show(done.min(frames), &[], "");
            if interrupt.is_asked() {
                progress.finish();
                let message = format!("interrupted: {} was not written", self.output.display());
                let exit = Exit::Interrupted;
                return Err(Failure { exit, message });
            }
        }
        progress.finish();
        map.draw(&self.title(rate, channels), &self.output)
            .map_err(|error| Failure::unwritten(&self.output, &error))?;
        self.tell(&map, frames, rate, channels, window_frames, output);
        Ok(())
    }

    fn title(&self, rate: u32, channels: usize) -> String {
        let name = self.input.file_name().unwrap_or_default().to_string_lossy();
        let channels = match (self.channel, channels) {
            (Some(channel), _) => format!("channel {channel} of {channels}"),
            (None, 1) => "1 channel".to_string(),
            (None, _) => format!("loudest of {channels} channels"),
        };
        format!("{name}, {rate} Hz, {channels}")
    }

    fn tell(
        &self,
        map: &HeatMap,
        frames: u64,
        rate: u32,
        channels: usize,
        window_frames: usize,
        output: Output,
    ) {
        let peak = map.peak();
        let object = SpectrogramObject {
            file: self.output.display().to_string(),
            frames,
            sample_rate_hz: rate,
            channels,
            window_frames,
            peak_db: peak.map(|peak| peak.level_db),
            peak_hz: peak.map(|peak| peak.frequency_hz),
            peak_s: peak.map(|peak| peak.seconds),
        };
        let strongest = peak.map_or_else(
            || "silence".to_string(),
            |peak| {
                let (hz, s, db) = (peak.frequency_hz, peak.seconds, peak.level_db);
                format!("{db:.1} dB at {hz:.0} Hz, {s:.2} s")
            },
        );
        let text = format!(
            "drew {} into {} ({COLUMNS} x {ROWS}); strongest {strongest}",
            shown(frames, rate),
            self.output.display(),
        );
        output.summary(&object, &text);
    }
}
