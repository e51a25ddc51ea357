//! `cargo xtask COMMAND`: all that the workspace needs beyond Cargo, in one place.
//!
//! - `demo`: makes a melody, plays it through a chain with the limiter, records what was played.
//! - `test`: every check that a change must pass; `.ci/run` calls it.
//! - `bars`: the long checks: 12-hour files, 20 restarts, soak.
//! - `effects`: the long form of the effects' laws, and what the effects cost.
//! - `realtime [--short]`: nothing on a real-time thread that may not be there, by every tool.
//! - `bench limiter|files|engine|equaliser|pedalboard|resample|sim`: timings beside what others do, in the same run.
//! - `devices [--short]`: sessions on simulated devices for hours and with faults by the thousand, and
//!   between two real servers.
//! - `drift`: how fast and how well two clocks are kept in step, beside what others do.
//! - `fuzz [--short]`: ten million sound files with errors in them; with `--short` some thousands.
//! - `recorder [--short] [BAR ...]`: the recorder's laws in their long form, and real faults thrown at it and
//!   at the recorders of Debian beside it; `recorder --check` is the part of it that `test` runs.
//! - `setup`: only what the others need from the system, for building and testing.

mod bars;
mod bench;
mod demo;
mod devices;
mod effects;
mod fuzz;
mod realtime;
mod recorder;
mod setup;
mod steps;
mod table;

use std::process::ExitCode;

use anyhow::{Result, bail};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            if let Some(cause) = steps::full_disk() {
                eprintln!("xtask: {cause}");
            }
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<()> {
    match words {
        ["setup"] => setup::install(&[setup::BUILD, setup::TEST]),
        ["demo"] => demo::demo(),
        ["bars"] => bars::all(),
        ["bench", "limiter"] => bench::limiter(),
        ["bench", "files"] => bench::files(),
        ["bench", "engine"] => bench::engine(),
        ["bench", "pedalboard"] => bench::pedalboard(),
        ["bench", "resample"] => bench::resample(),
        ["bench", "equaliser"] => bench::equaliser(),
        ["bench", "sim"] => bench::sim(),
        ["devices"] => devices::run(false),
        ["devices", "--short"] => devices::run(true),
        ["drift"] => bench::drift(),
        ["effects"] => effects::all(),
        ["realtime"] => realtime::run(false),
        ["realtime", "--short"] => realtime::run(true),
        ["fuzz"] => fuzz::all(false),
        ["fuzz", "--short"] => fuzz::all(true),
        ["recorder", options @ ..] => recorder::run(options),
        ["test"] => steps::test(),
        _ => bail!(
            "usage: cargo xtask demo|test|bars|devices [--short]|effects|realtime [--short]|recorder [--short] [BAR ...]|bench limiter|files|engine|equaliser|pedalboard|resample|sim|drift|fuzz [--short]|setup"
        ),
    }
}
