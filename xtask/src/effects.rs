//! `cargo xtask effects`: the laws of the effects and meters in their long form, and what effects cost.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::bench;
use crate::setup;
use crate::steps::{cargo, results, step, workspace};

/// The packages whose tests have a long form, by folder and name.
const PACKAGES: [(&str, &str); 2] = [("dsp", "ossicle-dsp"), ("engine", "ossicle")];
/// What a test reads to know how many trials to make.
const TRIALS: &str = "OSSICLE_TRIALS";
/// Trials of the long form.
const LONG: &str = "10000";

/// One row of the table.
struct Row {
    test: String,
    passed: u64,
    failed: u64,
    seconds: f64,
}

/// Runs every test that has a long form, shows what each printed, then the table of all of them and
/// the timings beside others.
///
/// # Errors
/// When a test fails, or a timing cannot be made.
pub fn all() -> Result<()> {
    setup::install(&[setup::BUILD])?;
    let mut rows = Vec::new();
    for (folder, package) in PACKAGES {
        for test in with_long_form(&workspace().join(folder).join("tests"))? {
            step(&format!("{package}: {test}"), || {
                rows.push(run(package, &test)?);
                Ok(())
            })?;
        }
    }
    println!(
        "\n{:<44}{:>8}{:>8}{:>10}",
        "test", "passed", "failed", "seconds"
    );
    for row in &rows {
        let Row {
            test,
            passed,
            failed,
            seconds,
        } = row;
        println!("{test:<44}{passed:>8}{failed:>8}{seconds:>10.1}");
    }
    println!();
    bench::limiter()?;
    println!();
    bench::pedalboard()?;
    ensure!(!rows.is_empty(), "no test has a long form");
    let bad: Vec<&str> = rows
        .iter()
        .filter(|row| row.failed > 0 || row.passed == 0)
        .map(|row| row.test.as_str())
        .collect();
    ensure!(bad.is_empty(), "not passed: {}", bad.join(", "));
    Ok(())
}

/// The names of the tests in a folder that read the number of trials, sorted.
fn with_long_form(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    for entry in entries {
        let path = entry?.path();
        // A test is a file, or a folder with a main file and what it is made of.
        let is_test = if path.is_dir() {
            path.join("main.rs").exists()
        } else {
            path.extension().is_some_and(|kind| kind == "rs")
        };
        if is_test && mentions(&path)? {
            let name = path.file_stem().context("a name")?.to_string_lossy();
            names.push(name.into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Whether a source file, or one in a folder of them, names the variable.
fn mentions(path: &Path) -> Result<bool> {
    if !path.is_dir() {
        let is_source = path.extension().is_some_and(|kind| kind == "rs");
        return Ok(is_source && std::fs::read_to_string(path)?.contains(TRIALS));
    }
    for entry in std::fs::read_dir(path)? {
        if mentions(&entry?.path())? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn run(package: &str, test: &str) -> Result<Row> {
    let began = Instant::now();
    let words = [
        "test",
        "--quiet",
        "--release",
        "--package",
        package,
        "--test",
        test,
    ];
    let mut command = cargo(&[&words[..], &["--", "--nocapture"]].concat());
    command.env(TRIALS, LONG).stdout(Stdio::piped());
    let mut child = command.spawn().context("starting cargo")?;
    let output = child.stdout.take().context("output of cargo")?;
    let (mut passed, mut failed) = (0, 0);
    for line in BufReader::new(output).lines() {
        let line = line?;
        match results(&line) {
            Some(counts) => (passed, failed) = (passed + counts.0, failed + counts.1),
            // What the tests tell, without the runner's dots.
            None => {
                let told = line.trim_start_matches('.').trim();
                if !told.is_empty() && !told.starts_with("running ") {
                    println!("{told}");
                }
            }
        }
    }
    let status = child.wait()?;
    // A test that does not build, or ends its process, has failed too.
    if !status.success() && failed == 0 {
        failed = 1;
    }
    Ok(Row {
        test: format!("{package}: {test}"),
        passed,
        failed,
        seconds: began.elapsed().as_secs_f64(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tests_with_a_long_form_are_found() {
        let names = with_long_form(&workspace().join("dsp/tests")).unwrap();
        assert!(names.contains(&"tuner_law".to_owned()), "{names:?}");
        assert!(!names.contains(&"tables".to_owned()), "{names:?}");
    }
}
