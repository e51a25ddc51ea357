//! The lints of real-time modules: that they fire, and that every place is under them.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::mutant::{self, PLACES};
use crate::steps::{cargo, target, workspace};

/// Behind a line of the fixture that must be reported.
const MARK: &str = "// caught: ";

/// One report: file, line, lint.
type Report = (String, u64, String);

/// Runs the lints over the fixture: exactly the marked lines must be reported.
///
/// # Errors
/// When another line is reported, or a marked one is not.
pub fn fixture() -> Result<String> {
    let folder = workspace().join("xtask/fixtures/lint");
    let mut command = cargo(&["clippy", "--quiet", "--target-dir"]);
    command
        .arg(target().join("lint"))
        .current_dir(&folder)
        .env("CLIPPY_CONF_DIR", workspace());
    let reported = reports(command)?;
    let mut marked = BTreeSet::new();
    for file in ["src/real_time.rs", "src/ordinary.rs"] {
        let text = std::fs::read_to_string(folder.join(file))?;
        for (line, text) in (1..).zip(text.lines()) {
            if let Some((_, lint)) = text.split_once(MARK) {
                marked.insert((file.to_owned(), line, format!("clippy::{lint}")));
            }
        }
    }
    ensure!(!marked.is_empty(), "no line of the fixture is marked");
    let wrong: Vec<_> = marked.symmetric_difference(&reported).collect();
    ensure!(
        wrong.is_empty(),
        "not as marked in {}: {wrong:?}",
        folder.display()
    );
    Ok(format!(
        "{} of {} lines, no other",
        reported.len(),
        marked.len()
    ))
}

/// Runs the lints over the workspace with a free lock in every place: each must be reported.
///
/// # Errors
/// When one is not.
pub fn mutant() -> Result<String> {
    let folder = mutant::make()?;
    let mut command = cargo(&["clippy", "--quiet", "--package", "ossicle", "--target-dir"]);
    command.arg(target());
    for package in ["ossicle-dsp", "ossicle-io"] {
        command.args(["--package", package]);
    }
    command.current_dir(&folder);
    let reported = reports(command)?;
    for place in PLACES {
        let is_its = |(file, _, lint): &&Report| {
            Path::new(file).ends_with(place.file) && lint == "clippy::disallowed_methods"
        };
        ensure!(
            reported.iter().any(|report| is_its(&report)),
            "a lock in {} ({}) is not reported",
            place.what,
            place.file
        );
    }
    Ok(format!("{0} of {0} places", PLACES.len()))
}

/// What the lints for real-time modules report when `command`, a run of clippy, is done.
fn reports(mut command: Command) -> Result<BTreeSet<Report>> {
    command.args(["--message-format", "json"]);
    let answer = command.output().context("starting clippy")?;
    let mut reported = BTreeSet::new();
    for line in String::from_utf8(answer.stdout)?.lines() {
        let message: Value = serde_json::from_str(line)?;
        let message = &message["message"];
        let lint = message["code"]["code"].as_str().unwrap_or_default();
        if !lint.starts_with("clippy::disallowed_") {
            continue;
        }
        for span in message["spans"].as_array().into_iter().flatten() {
            let (file, line) = (span["file_name"].as_str(), span["line_start"].as_u64());
            if let (Some(file), Some(line)) = (file, line) {
                reported.insert((file.to_owned(), line, lint.to_owned()));
            }
        }
    }
    ensure!(
        answer.status.success(),
        "clippy failed: {}",
        String::from_utf8_lossy(&answer.stderr)
    );
    Ok(reported)
}
