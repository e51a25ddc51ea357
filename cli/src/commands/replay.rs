//! `ossicle replay`: runs again what the flight recorder kept.

use std::path::{Path, PathBuf};

use clap::Args;
use ossicle::flight::{CallbackRecord, Command, Flight, Replayed};
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::timeline;
use crate::times::shown;

/// Late callbacks that are told one by one.
const MOST_TOLD: usize = 20;

/// Run a recorded flight again and compare every callback
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  \
    ossicle replay flights/flight-0001 --png flight.png\n\n\
    Flights are made by play, rec and live with --flight flights, when a callback is late.\n\
    What the chain gives now is written to replay.wav in the folder; exit 5 when it has other bits\n\
    than it had live.")]
pub struct Replay {
    /// Folder of a flight
    #[arg(value_name = "FLIGHT")]
    folder: PathBuf,
    /// Draw the flight: costs, fills, losses and edits over time
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,
}

/// A late callback.
#[derive(Debug, Serialize)]
struct Late {
    /// Number of the callback in the window, from 0.
    callback: usize,
    /// Time from the window's first callback, in seconds.
    time_s: f64,
    /// Stream position in frames.
    position: u64,
    cost_ms: f64,
    /// How long the sound lasts that it was asked for.
    period_ms: f64,
    /// What it took when it was replayed.
    replay_cost_ms: Option<f64>,
    lost_frames: u64,
    xrun: bool,
}

#[derive(Serialize)]
struct ReplayObject<'a> {
    folder: String,
    cause: &'a str,
    host: &'a str,
    sample_rate_hz: u32,
    buffer_frames: u32,
    chain: Option<&'a str>,
    callbacks: usize,
    dropped_callbacks: u64,
    edits: usize,
    changes: usize,
    /// The session began with the window.
    whole: bool,
    compared: usize,
    matched: usize,
    first_difference: Option<usize>,
    agrees_from: Option<usize>,
    agrees: bool,
    stopped: Option<String>,
    late: &'a [Late],
    file: String,
    png: Option<String>,
}

impl Replay {
    pub fn run(&self, output: Output) -> Result<Exit, Failure> {
        let flight = Flight::load(&self.folder)?;
        let file = self.folder.join("replay.wav");
        let replayed = flight.replay(Some(&file))?;
        if let Some(path) = &self.png {
            timeline::draw(&flight, &replayed, path).map_err(|error| Failure {
                exit: Exit::File,
                message: format!("{}: {error}", path.display()),
            })?;
        }
        let late = late(&flight, &replayed);
        let object = self.object(&flight, &replayed, &late, &file);
        output.summary(&object, &text(&object, &flight));
        Ok(if replayed.agrees {
            Exit::Done
        } else {
            Exit::Differs
        })
    }

    fn object<'a>(
        &self,
        flight: &'a Flight,
        replayed: &Replayed,
        late: &'a [Late],
        file: &Path,
    ) -> ReplayObject<'a> {
        let edits = flight.commands();
        let edits = edits.filter(|command| matches!(command, Command::Edit { .. }));
        let edits = edits.count();
        ReplayObject {
            folder: self.folder.display().to_string(),
            cause: flight.cause(),
            host: flight.host(),
            sample_rate_hz: flight.sample_rate_hz(),
            buffer_frames: flight.buffer_frames(),
            chain: flight.chain(),
            callbacks: flight.callbacks().len(),
            dropped_callbacks: flight.dropped_callbacks(),
            edits,
            changes: flight.commands().count() - edits,
            whole: flight.is_whole(),
            compared: replayed.compared,
            matched: replayed.matched,
            first_difference: replayed.first_difference,
            agrees_from: replayed.agrees_from,
            agrees: replayed.agrees,
            stopped: replayed.stopped.map(|stopped| stopped.to_string()),
            late,
            file: file.display().to_string(),
            png: self.png.as_ref().map(|path| path.display().to_string()),
        }
    }
}

fn ms(ns: u64) -> f64 {
    ns as f64 / 1e6
}

fn late(flight: &Flight, replayed: &Replayed) -> Vec<Late> {
    let rate = flight.sample_rate_hz();
    let callbacks = flight.callbacks();
    let began_ns = callbacks.first().map_or(0, |first| first.time_ns);
    let tell = |(callback, record): (usize, &CallbackRecord)| Late {
        callback,
        time_s: record.time_ns.saturating_sub(began_ns) as f64 / 1e9,
        position: record.position,
        cost_ms: ms(record.cost_ns),
        period_ms: ms(record.period_ns(rate)),
        replay_cost_ms: replayed.costs_ns.get(callback).copied().map(ms),
        lost_frames: record.lost_frames,
        xrun: record.xrun,
    };
    let numbered = callbacks.iter().enumerate();
    numbered
        .filter(|(_, record)| record.is_late(rate))
        .map(tell)
        .collect()
}

fn text(object: &ReplayObject<'_>, flight: &Flight) -> String {
    let (rate, callbacks) = (object.sample_rate_hz, flight.callbacks());
    let frames = callbacks
        .iter()
        .map(|record| u64::from(record.frames))
        .sum();
    let mut lines = vec![
        format!("flight   {}: {}", object.folder, object.cause),
        format!(
            "window   {}, {} callbacks ({}, buffer {}, {rate} Hz){}",
            shown(frames, rate),
            object.callbacks,
            object.host,
            object.buffer_frames,
            if object.whole {
                ""
            } else {
                ", the session began before it"
            },
        ),
        format!(
            "chain    {}",
            object.chain.unwrap_or("with nodes of the program's own")
        ),
        format!(
            "commands {} edits, {} changes",
            object.edits, object.changes
        ),
        format!(
            "replay   {} of {} callbacks gave the same bits",
            object.matched, object.compared
        ),
    ];
    if let Some(first) = object.first_difference {
        let at = callbacks[first].position;
        let all = match object.agrees_from {
            Some(from) => format!("; all do from callback {from}"),
            None => String::new(),
        };
        lines.push(format!(
            "         the first that did not is {first}, frame {at}{all}"
        ));
    }
    if let Some(stopped) = &object.stopped {
        lines.push(format!("         not compared behind that: {stopped}"));
    }
    if object.dropped_callbacks > 0 {
        lines.push(format!(
            "dropped  {} callbacks were not kept",
            object.dropped_callbacks
        ));
    }
    lines.push(format!("late     {} callbacks", object.late.len()));
    lines.extend(object.late.iter().take(MOST_TOLD).map(late_line));
    lines.push(format!("file     {}", object.file));
    lines.extend(object.png.iter().map(|png| format!("picture  {png}")));
    lines.join("\n")
}

fn late_line(late: &Late) -> String {
    let mut line = format!(
        "         {:.3} s, callback {}, frame {}: {:.3} ms of {:.3} ms",
        late.time_s, late.callback, late.position, late.cost_ms, late.period_ms
    );
    if let Some(cost) = late.replay_cost_ms {
        line.push_str(&format!(", replayed in {cost:.3} ms"));
    }
    if late.lost_frames > 0 {
        line.push_str(&format!(", {} frames lost before", late.lost_frames));
    }
    if late.xrun {
        line.push_str(", xrun");
    }
    line
}
