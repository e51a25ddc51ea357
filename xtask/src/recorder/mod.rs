//! `cargo xtask recorder [--short] [1|2|3|4|5|6|7|9 ...]`: what the crates' tests show of the recorder in their
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

use anyhow::{Result, bail};
use xtask::bar::Bar;

use crate::fuzz;
use crate::setup;
use crate::steps::{cargo, run as run_command, step, target};
use crate::table::Table;
use score::{Class, Score};

/// How often each thing is done.
struct Times {
    faults: usize,
    /// How many, and the longest time from one to the next: Linux writes by itself after half a minute.
    cuts: (usize, f64),
    /// Of ours, and of each other recorder.
    kills: [usize; 2],
    full: [usize; 2],
    spills: usize,
    stall_s: f64,
}

const LONG: Times = Times {
    faults: 50,
    cuts: (50, 8.0),
    kills: [1_000, 20],
    full: [100, 6],
    spills: 10,
    stall_s: 15.0,
};
const SHORT: Times = Times {
    faults: 4,
    cuts: (3, 2.0),
    kills: [16, 2],
    full: [6, 1],
    spills: 1,
    stall_s: 3.0,
};

/// Runs all of it, or the bars that are named, and prints the tables. The short form does a few of
/// each.
///
/// # Errors
/// When a bar does not hold, or something cannot be run.
pub fn run(options: &[&str]) -> Result<()> {
    let known = ["--short", "1", "2", "3", "4", "5", "6", "7", "9"];
    if let Some(unknown) = options.iter().find(|option| !known.contains(option)) {
        bail!("recorder: {unknown} is not known (allowed: --short, bars 1 to 7 and 9)");
    }
    let is_short = options.contains(&"--short");
    let times = if is_short { SHORT } else { LONG };
    let is_wanted =
        |bar: &str| options.contains(&bar) || options.iter().all(|option| *option == "--short");
    let mut table = Table::default();
    let mut score = Score::default();
    step("setup", || {
        setup::install(&[setup::BUILD, setup::TEST, setup::RECORDERS])
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
    if !is_short {
        step("laws", || laws::run(is_wanted, &mut table))?;
        if is_wanted("9") {
            let broken = step("broken files", || fuzz::all(false));
            table.judge(
                "bar 9: ten million broken files",
                broken.map(|()| "no harm".to_owned()),
            );
        }
    }
    if !["1", "2", "3", "4"].into_iter().any(is_wanted) {
        return table.finish();
    }
    let mut stage = None;
    step("servers", || {
        stage = Some(scene::Stage::start(&mut score)?);
        Ok(())
    })?;
    let Some(mut stage) = stage else {
        return Ok(());
    };
    if is_wanted("1") {
        step("bar 1: faults of disks and servers", || {
            faults::run(&mut stage, times.faults, &mut table, &mut score)
        })?;
    }
    if is_wanted("2") {
        step("bar 2: power cuts", || {
            cuts::run(&mut stage, times.cuts, &mut table, &mut score)
        })?;
    }
    if is_wanted("3") {
        step("bar 3: kill -9", || {
            kills::run(&mut stage, times.kills, &mut table, &mut score)
        })?;
    }
    if is_wanted("4") {
        step("bar 4: a disk that stands still", || {
            room::stall(times.stall_s, &mut table)
        })?;
        step("bar 4: a disk that is full", || {
            room::full(&mut stage, times.full, &mut table, &mut score)?;
            room::spill(&stage, times.spills, &mut table)
        })?;
    }
    drop(stage);
    score.print();
    println!("as JSON: {}", score.write()?.display());
    table.push(best(&score));
    table.finish()
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
