//! `ossicle sim`: a session on simulated devices, hours in seconds, and what was wrong with it.

use std::fs::File;
use std::io::{IsTerminal, Write, stdout};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use ossicle::io::device::sim::{Level, Schedule, Scheduled};

use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::simulation::{Outcome, Setting, names, run};

/// Run a session on simulated devices in virtual time
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    ossicle sim --seed 7 --hours 24 --faults light\n\n\
    Each device has a clock of its own that wanders, and calls that come late. All but the last\n\
    capture one tone; the last plays what they captured, a channel each. Exit 5 where something\n\
    broke that must not: a step in the sound, silence that no fault explains, frames that nobody\n\
    counted, a delay or an alignment that is off by a frame, a fault told twice or not at all. The result\n\
    is JSON where it goes to no terminal.")]
pub struct Simulate {
    /// All chance comes from here
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Virtual hours
    #[arg(long, value_name = "H", default_value_t = 1.0, value_parser = hours, allow_hyphen_values = true)]
    hours: f64,
    /// What befalls the devices
    #[arg(long, value_enum, default_value_t = Faults::None)]
    faults: Faults,
    /// Devices: one plays, the others capture
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(2..=16))]
    devices: u8,
    /// Take the faults from this file instead: a line each, as the result prints them
    #[arg(long, value_name = "FILE", conflicts_with = "faults")]
    schedule: Option<PathBuf>,
    /// Write the faults to this new file, for --schedule
    #[arg(long, value_name = "FILE", conflicts_with = "schedule")]
    schedule_out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Faults {
    /// Nothing
    None,
    /// A stall of 20 ms a minute, and other blocks now and then
    Light,
    /// All kinds, every few seconds
    Heavy,
}

fn hours(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(hours) if (0.001..=1000.0).contains(&hours) => Ok(hours),
        _ => Err(format!("{text} is not a number of hours (0.001 to 1000)")),
    }
}

impl Simulate {
    pub fn run(&self, output: Output) -> Result<Exit, Failure> {
        let devices = usize::from(self.devices);
        let read = |path: &PathBuf| read(path, devices);
        let schedule = self.schedule.as_ref().map(read).transpose()?;
        let setting = Setting {
            seed: self.seed,
            hours: self.hours,
            level: match self.faults {
                Faults::None => Level::None,
                Faults::Light => Level::Light,
                Faults::Heavy => Level::Heavy,
            },
            devices,
            schedule,
        };
        if let Some(path) = &self.schedule_out {
            write(path, &setting.drawn())?;
        }
        let outcome = run(&setting)?;
        // Who reads it from a pipe or a file is a program, most often: simulations run by the hundred.
        let output = Output {
            json: output.json || !output.quiet && !stdout().is_terminal(),
            ..output
        };
        output.summary(&outcome, &text(&outcome));
        Ok(if outcome.broken.is_empty() {
            Exit::Done
        } else {
            Exit::Differs
        })
    }
}

/// The faults in a file, all of them of devices that there are.
fn read(path: &Path, devices: usize) -> Result<Schedule, Failure> {
    let told = |exit, message: &dyn std::fmt::Display| Failure {
        exit,
        message: format!("{}: {message}", path.display()),
    };
    let text = std::fs::read_to_string(path).map_err(|error| told(Exit::File, &error))?;
    let schedule: Schedule = text.parse().map_err(|error| told(Exit::Usage, &error))?;
    let names = names(devices);
    let strange = |entry: &&Scheduled| !names.contains(&entry.device);
    match schedule.entries.iter().find(strange) {
        None => Ok(schedule),
        Some(entry) => Err(told(
            Exit::Usage,
            &format!(
                "\"{}\" is no device of {devices} (allowed: {})",
                entry.device,
                names.join(", ")
            ),
        )),
    }
}

fn write(path: &Path, schedule: &Schedule) -> Result<(), Failure> {
    let written = File::create_new(path);
    written
        .and_then(|mut file| file.write_all(schedule.to_string().as_bytes()))
        .map_err(|error| Failure::unwritten(path, &error))
}

fn text(outcome: &Outcome) -> String {
    let mut lines = vec![
        format!(
            "ran      {:.2} h of {} devices in {:.1} s ({:.1} s of a processor): {:.0} times as fast \
             as real time",
            outcome.hours,
            outcome.devices,
            outcome.wall_seconds,
            outcome.cpu_seconds.unwrap_or(outcome.wall_seconds),
            outcome.speed
        ),
        format!(
            "faults   {}, {} events told",
            outcome.faults, outcome.events
        ),
        format!(
            "sound    {} steps, {} silences, {} of them unexplained, {} jumps with a fade",
            outcome.discontinuities, outcome.silences, outcome.unexplained_silences, outcome.jumps
        ),
        format!(
            "fades    {:.2} ms at most; the delay is back {:.0} ms behind a stall or lost frames",
            outcome.longest_fade_ms, outcome.latency_back_ms
        ),
        format!(
            "back     {}",
            match outcome.back_ms.len() {
                0 => "no device was away".to_owned(),
                _ => {
                    let each = outcome.back_ms.iter();
                    let each: Vec<_> = each
                        .map(|(kind, ms)| format!("{kind} {ms:.0} ms"))
                        .collect();
                    each.join(", ")
                }
            }
        ),
        format!(
            "lock     {} looks, {} off; delay within {:.3} frames of what is told, channels within \
             {:.3}, ratio within {:.3} ppm",
            outcome.lock_checks,
            outcome.lock_lost,
            outcome.delay_off_frames,
            outcome.alignment_frames,
            outcome.ppm_off
        ),
        format!(
            "frames   {} ({} overrun, {} underrun, {} skipped)",
            outcome.frames, outcome.overrun_frames, outcome.underrun_frames, outcome.skipped_frames
        ),
    ];
    lines.extend(
        outcome
            .broken
            .iter()
            .map(|broken| format!("broken   {broken}")),
    );
    lines.join("\n")
}
