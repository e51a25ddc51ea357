//! `cargo xtask recorder [--short] [1|2|3|4|5|6|7|8|9 ...]`: what the crates' tests show of the recorder in their
//! long form, and real faults thrown at `ossicle rec` and at the recorders of Debian beside it, on the
//! same disk at the same time.
//!
//! The source is a counter: each frame's value is its number, so that each frame that is lost, and
//! each that is replaced by silence, can be counted. A control client beside the recorders hears the
//! counter at each server and tells what the source did from what a recorder did.
//! `OSSICLE_PROGRAM` names another build of the program to be judged.

mod control;
mod cuts;
mod dice;
mod faults;
mod judges;
mod kills;
mod laws;
mod listed;
mod mount;
mod pool;
mod program;
mod rig;
mod room;
mod scene;
mod score;
mod take;
mod watch;

use std::time::Instant;

use anyhow::{Result, bail};
use xtask::bar::Bar;

use crate::fuzz;
use crate::setup;
use crate::steps::{cargo, run as run_command, step, target};
use crate::table::Table;
use control::Control;
pub use program::ANOTHER;
use program::Recorder;
use scene::Stage;
use score::{Class, Score};

/// How often each thing is done.
struct Times {
    /// How many, how many of them in a row, and the longest in seconds.
    faults: (usize, usize, f64),
    /// How many, and the longest time from one to the next: Linux writes by itself after half a minute.
    cuts: (usize, f64),
    /// Of ours, and of each other recorder.
    kills: [usize; 2],
    full: [usize; 2],
    spills: usize,
    /// Seconds and channels.
    stall: (f64, usize),
}

const LONG: Times = Times {
    faults: (50, 50, 15.0),
    cuts: (50, 8.0),
    kills: [1_000, 20],
    full: [100, 6],
    spills: 10,
    stall: (15.0, 32),
};
const SHORT: Times = Times {
    faults: (4, 4, 15.0),
    cuts: (3, 2.0),
    kills: [16, 2],
    full: [6, 1],
    spills: 1,
    stall: (3.0, 32),
};

/// What `cargo xtask test` does of it, in less than a minute. Power cuts and kills are left to the
/// tests of the crates there: how much they cost depends on how busy the machine is.
const CHECK: Times = Times {
    faults: (4, 1, 3.0),
    cuts: (0, 0.0),
    kills: [0, 0],
    full: [3, 1],
    spills: 1,
    // The program there is no release: it would be behind with 32.
    stall: (2.0, 4),
};
/// Runs of a bar there that a machine that stood still may spoil.
const CHECK_RUNS: usize = 3;

/// What is run, and of whom.
struct Run {
    times: Times,
    /// The bars that are named; none for all.
    bars: Vec<String>,
    /// Takes part.
    recorders: fn(Recorder) -> bool,
    /// Runs of a bar that does not hold, if the machine stood still meanwhile.
    runs: usize,
    /// Name of the file with the score.
    file: &'static str,
}

/// Runs all of it, or the bars that are named, and prints the tables. The short form does a few of
/// each; `--check` is what `cargo xtask test` runs.
///
/// # Errors
/// When a bar does not hold, or something cannot be run.
pub fn run(options: &[&str]) -> Result<()> {
    if let ["--check"] = options {
        return check();
    }
    let known = ["--short", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    if let Some(unknown) = options.iter().find(|option| !known.contains(option)) {
        bail!("recorder: {unknown} is not known (allowed: --short, bars 1 to 9)");
    }
    let is_short = options.contains(&"--short");
    let bars = options.iter().filter(|option| **option != "--short");
    let run = Run {
        times: if is_short { SHORT } else { LONG },
        bars: bars.map(|bar| (*bar).to_owned()).collect(),
        recorders: |_| true,
        runs: 1,
        file: "score.json",
    };
    step("setup", || {
        setup::install(&[
            setup::BUILD,
            setup::TEST,
            setup::DISKS,
            setup::CARDS,
            setup::RECORDER,
            setup::RECORDERS,
        ])
    })?;
    step("program, release", || {
        if let Some(another) = std::env::var_os(program::ANOTHER) {
            println!("{}", another.to_string_lossy());
            return Ok(());
        }
        let mut build = cargo(&["build", "--quiet", "--release", "--package", "ossicle-cli"]);
        build.arg("--target-dir").arg(target());
        run_command(build)
    })?;
    let mut table = Table::default();
    if !is_short {
        step("laws", || laws::run(|bar| run.is_wanted(bar), &mut table))?;
        if run.is_wanted("9") {
            let broken = step("broken files", || fuzz::all(false));
            table.judge(
                "bar 9: ten million broken files",
                broken.map(|()| "no harm".to_owned()),
            );
        }
    }
    run.faults(table)
}

/// The real faults that a machine of any kind can be held to, or a line that says why not.
fn check() -> Result<()> {
    let refused = match setup::install(&[setup::DISKS]) {
        Ok(()) => mount::refused(),
        Err(error) => Some(format!("{error:#}")),
    };
    if let Some(reason) = refused {
        let reason = reason.lines().next().unwrap_or_default();
        println!("left out: real faults of disks and servers under the recorder: {reason}");
        return Ok(());
    }
    let recorders: fn(Recorder) -> bool = match setup::install(&[setup::RECORDER]) {
        Ok(()) => |who| who.is_ours() || matches!(who, Recorder::Arecord | Recorder::JackCapture),
        Err(error) => {
            println!("left out: other recorders beside ours: {error:#}");
            Recorder::is_ours
        }
    };
    let run = Run {
        times: CHECK,
        bars: ["1", "4"].map(str::to_owned).to_vec(),
        recorders,
        runs: CHECK_RUNS,
        file: "check.json",
    };
    run.faults(Table::default())
}

impl Run {
    fn is_wanted(&self, bar: &str) -> bool {
        self.bars.is_empty() || self.bars.iter().any(|named| named == bar)
    }

    /// Whether the faults of a bar are thrown: for itself, or for the score.
    fn throws(&self, bar: &str) -> bool {
        self.is_wanted(bar) || self.is_wanted("8")
    }

    /// Throws real faults, and prints what became of all takes.
    fn faults(&self, mut table: Table) -> Result<()> {
        if !["1", "2", "3", "4"].into_iter().any(|bar| self.throws(bar)) {
            return table.finish();
        }
        let mut score = Score::default();
        println!("\n== servers");
        let mut stage = Stage::start(self.recorders, &mut score)?;
        let (times, table, score) = (&self.times, &mut table, &mut score);
        if self.throws("1") {
            let (count, row, most_s) = times.faults;
            for first in (0..count).step_by(row) {
                let numbers = first..(first + row).min(count);
                self.bar(
                    "bar 1: faults of disks and servers",
                    table,
                    score,
                    |t, s| faults::run(&mut stage, (numbers.clone(), most_s), t, s),
                )?;
            }
        }
        if self.throws("2") {
            self.bar("bar 2: power cuts", table, score, |t, s| {
                cuts::run(&mut stage, times.cuts, t, s)
            })?;
        }
        if self.throws("3") {
            self.bar("bar 3: kill -9", table, score, |t, s| {
                kills::run(&mut stage, times.kills, t, s)
            })?;
        }
        if self.is_wanted("4") {
            self.bar("bar 4: a disk that stands still", table, score, |t, _| {
                room::stall(times.stall, t)
            })?;
            self.bar("bar 4: a disk to go on on", table, score, |t, _| {
                room::spill(&mut stage, times.spills, t)
            })?;
        }
        if self.throws("4") {
            self.bar("bar 4: a disk that is full", table, score, |t, s| {
                room::full(&mut stage, times.full, t, s)
            })?;
        }
        drop(stage);
        score.print();
        println!("as JSON: {}", score.write(self.file)?.display());
        table.push(best(score));
        std::mem::take(table).finish()
    }

    /// Runs what belongs to a bar, and again where it does not hold and the machine stood still.
    fn bar(
        &self,
        name: &str,
        table: &mut Table,
        score: &mut Score,
        mut work: impl FnMut(&mut Table, &mut Score) -> Result<()>,
    ) -> Result<()> {
        step(name, || {
            for run in 1.. {
                let folder = tempfile::tempdir_in(mount::in_memory())?;
                let (control, began) = (Control::start(folder.path())?, Instant::now());
                let (mut new, mut counted) = (Table::default(), Score::default());
                let result = work(&mut new, &mut counted);
                let is_good = result.is_ok() && new.holds();
                if is_good || run >= self.runs || !control.was_late_between(began, Instant::now()) {
                    table.append(new);
                    score.append(counted);
                    return result;
                }
                println!(
                    "run {run} of {} was spoiled: the machine stood still",
                    self.runs
                );
            }
            Ok(())
        })
    }
}

/// Bar 8: the score of ours.
fn best(score: &Score) -> Bar {
    let (survived, thrown) = score.sum(|who, _| who.is_ours());
    let (theirs, at_them) = score.sum(|who, _| !who.is_ours());
    let (power, cuts) = score.sum(|who, what| who.is_ours() && what == Class::Cut);
    Bar {
        name: "bar 8: survival score of ours, all".to_owned(),
        measured: format!(
            "{survived}/{thrown} ({power}/{cuts} power cuts); the others {theirs}/{at_them}"
        ),
        holds: thrown > 0 && survived == thrown,
    }
}
