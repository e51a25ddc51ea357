//! `ossicle tune`: what note a sound has, and how far it is off.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ossicle::dsp::tuner::{MAX_A4_HZ, MIN_A4_HZ, Note, Reading, Tuner, parse_tuning};
use ossicle::io::file::AudioFile;
use ossicle::listen::{ListenConfig, Listener};
use serde::Serialize;

use crate::args::DeviceOptions;
use crate::exit::Failure;
use crate::output::{Output, write_line};
use crate::signals::Interrupt;
use crate::times::{Time, length};

/// Time between two looks at what has come.
const LOOK: Duration = Duration::from_millis(10);
/// Frames read at once.
const PIECE_FRAMES: usize = 4096;
/// Seconds between two lines at the least, and how far the note must have moved, in cents.
const LINE_S: f64 = 0.2;
const LINE_CENTS: f64 = 0.5;
/// Columns of the strobe, and of one of its stripes.
const STROBE: usize = 40;
const STRIPE: usize = 10;
/// Columns of the needle on either side, for 50 cents.
const NEEDLE: usize = 12;

/// Tune an instrument
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    ossicle tune --in \"USB Audio\" --tuning drop-d\n\n\
    On a terminal a strobe stands still when the note is in tune, and runs to the right when it is\n\
    sharp. Otherwise, and with --lines, each change is a line: time, note, frequency, cents. With\n\
    --json each reading is an object in a line. Ctrl-C ends it.")]
pub struct Tune {
    /// Sound file to read instead of a device
    #[arg(value_name = "FILE", conflicts_with_all = ["input", "host", "buffer", "flight"])]
    file: Option<PathBuf>,
    #[command(flatten)]
    device_options: DeviceOptions,
    /// Device to listen to: an id of `ossicle devices`, or a part of a name
    #[arg(long = "in", value_name = "D")]
    input: Option<String>,
    /// Pitch of A4 in Hz, 400 to 480
    #[arg(long, value_name = "HZ", default_value_t = 440.0)]
    a4: f64,
    /// Tell only these notes: guitar, drop-d, bass, violin ..., or "D2 A2 D3 G3 B3 E4"
    #[arg(long, value_name = "TEXT")]
    tuning: Option<String>,
    /// End after this time
    #[arg(long = "for", value_name = "T", value_parser = length, allow_hyphen_values = true)]
    length: Option<Time>,
    /// Lines instead of the strobe
    #[arg(long)]
    lines: bool,
}

#[derive(Serialize)]
struct ReadingObject {
    time_s: f64,
    note: String,
    frequency_hz: f64,
    cents: f64,
    note_hz: f64,
    clarity: f32,
    level_dbfs: f64,
}

impl Tune {
    pub fn run(&self, output: Output) -> Result<(), Failure> {
        if !(MIN_A4_HZ..=MAX_A4_HZ).contains(&self.a4) {
            return Err(Failure::usage(format!(
                "--a4 {} is out of range ({MIN_A4_HZ} to {MAX_A4_HZ} Hz)",
                self.a4
            )));
        }
        let tuning = match &self.tuning {
            Some(text) => parse_tuning(text).map_err(Failure::usage)?,
            None => Vec::new(),
        };
        let interrupt = Interrupt::listen(output)?;
        match &self.file {
            Some(path) => self.file(path, tuning, &interrupt, output),
            None => self.device(tuning, &interrupt, output),
        }
    }

    fn file(
        &self,
        path: &Path,
        tuning: Vec<i32>,
        interrupt: &Interrupt,
        output: Output,
    ) -> Result<(), Failure> {
        let fail = |error| Failure::file(path, &error);
        let mut file = AudioFile::open(path).map_err(fail)?;
        let (rate, channels) = (file.info().sample_rate_hz, file.info().channels);
        let mut left = self.length.map_or(u64::MAX, |time| time.frames(rate));
        let (mut tuner, mut teller) = (Tuner::new(rate), self.teller(tuning, rate, output, false));
        let mut piece = vec![0.0; PIECE_FRAMES * channels];
        let mut mixed = Vec::new();
        while left > 0 && !interrupt.is_asked() {
            let frames = file.read(&mut piece).map_err(fail)?;
            if frames == 0 {
                break;
            }
            let frames = (frames as u64).min(left) as usize;
            left -= frames as u64;
            let means = piece[..frames * channels].chunks_exact(channels);
            mixed.clear();
            mixed.extend(means.map(|frame| frame.iter().sum::<f32>() / channels as f32));
            tuner.push(&mixed, &mut |reading| teller.tell(&reading));
        }
        Ok(())
    }

    fn device(
        &self,
        tuning: Vec<i32>,
        interrupt: &Interrupt,
        output: Output,
    ) -> Result<(), Failure> {
        let mut listener = Listener::start(ListenConfig {
            host: self.device_options.host.map(Into::into),
            device: self.input.clone(),
            buffer_frames: self.device_options.buffer,
            realtime: self.device_options.realtime(),
            limit: self.length.map(Into::into),
        })?;
        let rate = listener.sample_rate_hz();
        let (mut tuner, mut teller) = (Tuner::new(rate), self.teller(tuning, rate, output, true));
        let mut piece = vec![0.0; PIECE_FRAMES];
        let mut told = 0;
        loop {
            let report = listener.report();
            for warning in report.warnings.iter().skip(told) {
                teller.strobe.suspend(|| output.warning(warning));
            }
            told = report.warnings.len();
            let mut frames = listener.read(&mut piece);
            while frames > 0 {
                tuner.push(&piece[..frames], &mut |reading| teller.tell(&reading));
                frames = listener.read(&mut piece);
            }
            if report.ended || interrupt.is_asked() {
                break;
            }
            thread::sleep(LOOK);
        }
        teller.strobe.finish_and_clear();
        Ok(listener.stop()?)
    }

    fn teller(&self, tuning: Vec<i32>, rate: u32, output: Output, is_live: bool) -> Teller {
        let with_strobe = is_live && !self.lines && !output.json && !output.quiet;
        let strobe = ProgressBar::no_length();
        strobe.set_draw_target(if with_strobe && std::io::stdout().is_terminal() {
            ProgressDrawTarget::stderr_with_hz(30)
        } else {
            ProgressDrawTarget::hidden()
        });
        if let Ok(style) = ProgressStyle::with_template("{wide_msg}") {
            strobe.set_style(style);
        }
        Teller {
            rate: f64::from(rate),
            a4_hz: self.a4,
            tuning,
            json: output.json,
            strobe,
            turns: 0.0,
            last: None,
            line: None,
        }
    }
}

/// Tells readings as they come.
struct Teller {
    rate: f64,
    a4_hz: f64,
    tuning: Vec<i32>,
    json: bool,
    strobe: ProgressBar,
    /// Turns of the strobe: what the sound is ahead of the note, in periods.
    turns: f64,
    /// Time of the last reading in seconds.
    last: Option<f64>,
    /// Time of the last line, its note and cents.
    line: Option<(f64, i32, f64)>,
}

impl Teller {
    fn tell(&mut self, reading: &Reading) {
        let note = Note::nearest_of(&self.tuning, reading.frequency_hz, self.a4_hz);
        let time_s = reading.position as f64 / self.rate;
        if self.json {
            let object = ReadingObject {
                time_s,
                note: note.name(),
                frequency_hz: reading.frequency_hz,
                cents: note.cents,
                note_hz: note.frequency_hz,
                clarity: reading.clarity,
                level_dbfs: reading.level_dbfs,
            };
            if let Ok(line) = serde_json::to_string(&object) {
                write_line(std::io::stdout(), &line);
            }
        } else if self.strobe.is_hidden() {
            self.line(time_s, reading, &note);
        } else {
            // After a pause it goes on from where it stood.
            let passed = self.last.map_or(0.0, |last| (time_s - last).min(0.1));
            self.turns += (reading.frequency_hz - note.frequency_hz) * passed;
            let message = shown(reading.frequency_hz, &note, self.turns);
            self.strobe.set_message(message);
            self.strobe.tick();
        }
        self.last = Some(time_s);
    }

    fn line(&mut self, time_s: f64, reading: &Reading, note: &Note) {
        let is_new = self.line.is_none_or(|(before_s, number, cents)| {
            let moved = number != note.number || (cents - note.cents).abs() >= LINE_CENTS;
            moved && time_s - before_s >= LINE_S
        });
        if is_new {
            self.line = Some((time_s, note.number, note.cents));
            let side = match note.cents {
                cents if cents >= 0.5 => "sharp",
                cents if cents <= -0.5 => "flat",
                _ => "in tune",
            };
            let (name, hz, cents) = (note.name(), reading.frequency_hz, note.cents);
            let line = format!("{time_s:.2} s  {name:<4} {hz:.2} Hz  {cents:+.1} cents  {side}");
            write_line(std::io::stdout(), &line);
        }
    }
}

/// Note, needle and strobe in one line.
fn shown(frequency_hz: f64, note: &Note, turns: f64) -> String {
    let at = (note.cents / 50.0 * NEEDLE as f64).round();
    let at = (at.clamp(-(NEEDLE as f64), NEEDLE as f64) + NEEDLE as f64) as usize;
    let needle: String = (0..=2 * NEEDLE)
        .map(|column| match column {
            _ if column == at => '#',
            NEEDLE => '|',
            _ => '-',
        })
        .collect();
    let strobe: String = (0..STROBE)
        .map(|column| {
            let stripes = column as f64 / STRIPE as f64 - turns;
            if stripes.rem_euclid(1.0) < 0.5 {
                '█'
            } else {
                ' '
            }
        })
        .collect();
    let (name, cents) = (note.name(), note.cents);
    format!("{name:<4} {cents:+6.1} cents  {frequency_hz:8.2} Hz  [{needle}]  {strobe}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strobe_runs_to_the_right_when_sharp_and_the_needle_stands_off() {
        let note = Note::nearest(440.0, 440.0);
        let still = shown(440.0, &note, 0.0);
        assert!(
            still.starts_with("A4     +0.0 cents    440.00 Hz  [------------#------------]"),
            "{still}"
        );
        assert!(
            still.ends_with("█████     █████     █████     █████     "),
            "{still}"
        );
        // A tenth of a turn later the stripes are one column further right.
        let sharp = Note::nearest(446.4, 440.0);
        let moved = shown(446.4, &sharp, 0.1);
        assert!(
            moved.ends_with(" █████     █████     █████     █████    "),
            "{moved}"
        );
        // 25 cents are half of the way.
        assert!(moved.contains("[------------|-----#------]"), "{moved}");
    }
}
