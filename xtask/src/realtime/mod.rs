//! `cargo xtask realtime [--short]`: nothing on a real-time thread that may not be there.
//!
//! What each tool sees, and what none does, is in `docs/realtime.md`. To add a bar: a test prints it
//! with `xtask::bar::tell`, and its run is one more line in [`long_tests`] or [`tests`].

mod audit;
mod lint;
mod mutant;
mod races;

use anyhow::{Context, Result, ensure};

use crate::setup;
use crate::steps::{self, cargo, step, workspace};
use crate::table::Table;
use mutant::PLACES;

/// Callbacks of the long soak.
const SOAK_CALLBACKS: &str = "10000000";

/// The long tests: what they show, the test, and the variable that sets how long it is.
const LONG: [(&str, &str, &str, &str); 4] = [
    (
        "every effect, long",
        "callbacks",
        "OSSICLE_CALLBACKS",
        "5000000",
    ),
    (
        "a thousand edits a second, long",
        "soak",
        "OSSICLE_CALLBACKS",
        SOAK_CALLBACKS,
    ),
    (
        "edits of ten minutes, and chains of any shape",
        "shapes",
        "OSSICLE_SECONDS",
        "600",
    ),
    (
        "a minute of edits on JACK",
        "jack_edits",
        "OSSICLE_JACK_SECONDS",
        "60",
    ),
];

/// What taking an edit may add to a callback, in microseconds.
const MOST_FOR_AN_EDIT_US: f64 = 5.0;

/// Runs all of it and prints a table. The short form leaves out what takes minutes.
///
/// # Errors
/// When a bar does not hold.
pub fn run(short: bool) -> Result<()> {
    setup::install(&[setup::BUILD, setup::TEST])?;
    let mut table = Table::default();
    code(&mut table)?;
    step("faults made on purpose, and every effect", || {
        tests(&mut table)
    })?;
    if !short {
        step("a free lock in every place, seen in the objects", || {
            table.judge("free lock in every place seen by the audit", mutant_audit());
            Ok(())
        })?;
        step("long tests", || long_tests(&mut table))?;
        step("what an edit costs", || {
            table.judge(
                "taking an edit, p99.99 over a callback without, 5 us",
                cost_of_an_edit(),
            );
            Ok(())
        })?;
        step("RealtimeSanitizer", || sanitized(&mut table))?;
        step("Miri and ThreadSanitizer", || races::find(&mut table))?;
    }
    table.finish()
}

/// The part of it that looks at the code rather than running it; `cargo xtask test` does it too.
///
/// # Errors
/// When a bar does not hold.
pub fn check() -> Result<()> {
    let mut table = Table::default();
    code(&mut table)?;
    table.finish()
}

fn code(table: &mut Table) -> Result<()> {
    step("lints of real-time modules", || {
        table.judge("marked lines reported by the lints", lint::fixture());
        table.judge("free lock in every place seen by the lint", lint::mutant());
        Ok(())
    })?;
    step("calls in the release objects", || {
        let audited = audit::audit(&workspace()).and_then(|audited| audited.measured());
        table.judge("calls that are not allowed, 0", audited);
        Ok(())
    })
}

fn mutant_audit() -> Result<String> {
    let audited = audit::audit(&mutant::make()?)?;
    for place in PLACES {
        ensure!(
            audited.has_bad(|name| name.contains("lock_contended"), place.function),
            "a lock in {} ({}) is not seen",
            place.what,
            place.file
        );
    }
    Ok(format!("{0} of {0} places", PLACES.len()))
}

/// Tests that are quick in every build.
fn tests(table: &mut Table) -> Result<()> {
    let mut command = cargo(&["test", "--no-fail-fast", "--package", "ossicle-io", "--lib"]);
    command.args(["--test", "system_calls"]);
    table.run("system calls are trapped and done", command)?;
    let mut command = cargo(&["test", "--no-fail-fast", "--package", "ossicle"]);
    command.args(["--test", "traps", "--test", "callbacks"]);
    table.run("faults in nodes and callbacks are reported", command)
}

/// The same and more in release, with a great many callbacks.
fn long_tests(table: &mut Table) -> Result<()> {
    for (name, test, variable, length) in LONG {
        let mut command = cargo(&["test", "--release", "--package", "ossicle", "--test", test]);
        command.env(variable, length);
        table.run(name, command)?;
    }
    Ok(())
}

/// What taking an edit costs, from the bench that prints it last.
fn cost_of_an_edit() -> Result<String> {
    let mut command = cargo(&[
        "run",
        "--quiet",
        "--release",
        "--package",
        "ossicle-benches",
    ]);
    command.args(["--bin", "engine", "edits"]);
    let answer = command.output().context("starting the bench")?;
    let text = String::from_utf8_lossy(&answer.stdout).into_owned();
    print!("{text}");
    let last = text.lines().last().context("the bench printed nothing")?;
    let figure = last
        .split_whitespace()
        .find_map(|word| word.parse::<f64>().ok());
    let us = figure.context("the bench printed no figure")?;
    ensure!(us <= MOST_FOR_AN_EDIT_US, "{us} us");
    Ok(format!("{us} us"))
}

fn sanitized(table: &mut Table) -> Result<()> {
    let Some(commands) = steps::sanitized()? else {
        table.skip("RealtimeSanitizer", steps::NO_SANITIZER);
        return Ok(());
    };
    for command in commands {
        table.run("RealtimeSanitizer", command)?;
    }
    if let Some(command) = steps::sanitized_soak(SOAK_CALLBACKS)? {
        table.run("the soak under RealtimeSanitizer", command)?;
    }
    Ok(())
}
