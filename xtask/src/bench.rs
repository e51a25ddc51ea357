//! `cargo xtask bench limiter|files|engine|equaliser|pedalboard|resample|sim`: tables of timings beside what
//! others do, in the same run.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::setup;
use crate::steps::{cargo, run, target, workspace};

/// Runs of each side, in turn; the table shows the middle one.
const RUNS: usize = 9;
/// Frames of the WAV file that is read: two minutes, which stay in the page cache.
const FRAMES: u32 = 48_000 * 120;
/// Seconds that both sides keep in their buffers, by name of the row.
const BUFFERS: [(&str, &str); 2] = [("10 s, audioio's own", "10"), ("2 s, its fastest", "2")];
/// Frames of a block read in sequence, of a window read at random, and how many windows.
const BLOCK: &str = "48000";
const WINDOW: [&str; 2] = ["4800", "2000"];

/// The limiter beside the plain C form: one program prints the table.
///
/// # Errors
/// When it does not build, or its outputs differ by a bit.
pub fn limiter() -> Result<()> {
    table("limiter")
}

/// The resampling kernel beside rubato's sinc: one program prints the table.
///
/// # Errors
/// When it does not build, or one of them does not make its frames.
pub fn resample() -> Result<()> {
    table("resample")
}

/// The equalisers beside filters written by hand: one program prints the table.
///
/// # Errors
/// When it does not build.
pub fn equaliser() -> Result<()> {
    table("equaliser")
}

/// What a callback of a simulated device costs: one program prints it.
///
/// # Errors
/// When it does not build.
pub fn sim() -> Result<()> {
    table("sim")
}

/// The loop between two clocks, on two devices in virtual time, beside the laws of others: one program
/// draws a picture and prints the table.
///
/// # Errors
/// When a bar does not hold.
pub fn drift() -> Result<()> {
    setup::install(&[setup::BUILD])?;
    let program = ours("drift")?;
    let picture = target().join("drift.png");
    let mut draw = Command::new(&program);
    draw.arg("--plot").arg(&picture);
    run(draw)?;
    println!("one seed of each law is drawn in {}", picture.display());
    run(Command::new(program))
}

/// Runs a program of the benches that prints its table itself.
fn table(name: &str) -> Result<()> {
    setup::install(&[setup::BUILD])?;
    run(Command::new(ours(name)?))
}

/// The buffered array beside audioio and soundfile.
///
/// # Errors
/// When one of the sides cannot be set up or fails.
pub fn files() -> Result<()> {
    setup::install(&[setup::BUILD, setup::BENCH])?;
    let ours = ours("files")?;
    let python = environment(
        "python",
        &["audioio", "soundfile", "numpy"],
        "audioio, soundfile",
    )?;
    let script = workspace().join("benches/python/files.py");
    let wav = target().join("bench/noise.wav");
    write_noise(&wav).context("making the file to read")?;
    let wav = wav
        .to_str()
        .context("the target folder's name is not text")?;
    let side = |words: &[&str]| -> Result<(f64, f64)> {
        let script = script
            .to_str()
            .context("the workspace's name is not text")?;
        alternate(
            || number(&ours, words),
            || number(&python, &[&[script], words].concat()),
        )
    };

    println!("a warm 16-bit stereo WAV, median of {RUNS} alternating runs, processor time");
    println!("{:<36}{:>12}{:>14}{:>9}", "", "ossicle", "other", "ratio");
    for (name, seconds) in BUFFERS {
        let (mine, theirs) = side(&["sequential", wav, seconds, BLOCK])?;
        row(
            &format!("in a row, buffer {name}"),
            mine,
            theirs,
            "ns/frame",
        );
    }
    let (mine, theirs) = side(&["random", wav, WINDOW[0], WINDOW[1]])?;
    row("0.1 s at random (soundfile)", mine, theirs, "us/window");
    Ok(())
}

/// What the engine adds to its nodes, and the same filters in the graphs of others.
///
/// # Errors
/// When ours do not build or fail, or those of others give another sound.
pub fn engine() -> Result<()> {
    setup::install(&[setup::BUILD])?;
    let engine = ours("engine")?;
    let peers = peers().inspect_err(|error| println!("NO PEERS, only our own figures: {error:#}"));
    let words = |words: &[&str]| {
        let mut command = Command::new(&engine);
        command.args(words);
        command
    };
    let mut filters = words(&["filters"]);
    filters.args(peers.ok());
    for command in [words(&["node"]), filters, words(&["edits"])] {
        println!();
        run(command)?;
    }
    Ok(())
}

/// Effects beside those of pedalboard, in one script.
///
/// # Errors
/// When the program does not build, or pedalboard cannot be set up.
pub fn pedalboard() -> Result<()> {
    setup::install(&[setup::BUILD, setup::BENCH])?;
    let program = program()?;
    let python = environment("pedalboard", &["pedalboard", "numpy"], "pedalboard, numpy")?;
    let mut script = Command::new(python);
    script.arg(workspace().join("benches/python/beside_pedalboard.py"));
    script.arg(program);
    run(script)
}

/// Builds the program itself, in release.
///
/// # Errors
/// When it does not build.
pub fn program() -> Result<PathBuf> {
    let folder = target();
    let words = ["build", "--quiet", "--release", "--package", "ossicle-cli"];
    let mut build = cargo(&words);
    build.arg("--target-dir").arg(&folder);
    run(build)?;
    Ok(folder.join("release/ossicle"))
}

/// Builds the low-passes in the graphs of others: a workspace of its own, with its own lock file.
fn peers() -> Result<PathBuf> {
    let manifest = workspace().join("benches/peers/Cargo.toml");
    let folder = target().join("bench/peers");
    let mut build = cargo(&["build", "--quiet", "--release", "--locked"]);
    build.arg("--manifest-path").arg(manifest);
    build.arg("--target-dir").arg(&folder);
    run(build)?;
    Ok(folder.join("release/ossicle-peers"))
}

fn row(name: &str, mine: f64, theirs: f64, unit: &str) {
    println!(
        "{name:<36}{mine:>12.3}{theirs:>14.3}{:>8.2}x  {unit}",
        theirs / mine
    );
}

/// Runs both sides in turn and returns their middle values.
fn alternate(
    mut one: impl FnMut() -> Result<f64>,
    mut other: impl FnMut() -> Result<f64>,
) -> Result<(f64, f64)> {
    let (mut ones, mut others) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        ones.push(one()?);
        others.push(other()?);
    }
    Ok((median(ones), median(others)))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn number(program: &Path, words: &[&str]) -> Result<f64> {
    let answer = Command::new(program)
        .args(words)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("starting {}", program.display()))?;
    let text = String::from_utf8_lossy(&answer.stdout);
    if !answer.status.success() {
        bail!(
            "{} {}: {}",
            program.display(),
            words.join(" "),
            answer.status
        );
    }
    text.trim()
        .parse()
        .with_context(|| format!("{} printed {text}", program.display()))
}

/// Builds a program of the benches.
///
/// # Errors
/// When it does not build.
pub fn ours(name: &str) -> Result<PathBuf> {
    let folder = target();
    let words = [
        "build",
        "--quiet",
        "--release",
        "--package",
        "ossicle-benches",
        "--bin",
        name,
    ];
    let mut build = cargo(&words);
    build.arg("--target-dir").arg(&folder);
    run(build)?;
    Ok(folder.join("release").join(name))
}

/// A Python with these packages, in an environment of its own below the target folder.
fn environment(name: &str, packages: &[&str], imports: &str) -> Result<PathBuf> {
    let place = target().join("bench").join(name);
    let python = place.join("bin/python");
    let import = format!("import {imports}");
    let works = |python: &Path| {
        Command::new(python)
            .args(["-c", &import])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|s| s.success())
    };
    if !works(&python) {
        let mut make = Command::new("python3");
        make.args(["-m", "venv"]).arg(&place);
        run(make)?;
        let mut install = Command::new(&python);
        install
            .args(["-m", "pip", "install", "--quiet"])
            .args(packages);
        run(install)?;
        ensure!(works(&python), "{imports} do not import");
    }
    Ok(python)
}

/// Writes 16-bit stereo noise; no reader may gain by silence.
fn write_noise(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path.parent().context("a folder")?)?;
    let mut file = BufWriter::new(File::create(path)?);
    let data = FRAMES * 4;
    file.write_all(b"RIFF")?;
    file.write_all(&(36 + data).to_le_bytes())?;
    file.write_all(b"WAVEfmt \x10\0\0\0\x01\0\x02\0")?;
    file.write_all(&48_000_u32.to_le_bytes())?;
    file.write_all(&192_000_u32.to_le_bytes())?;
    file.write_all(b"\x04\0\x10\0data")?;
    file.write_all(&data.to_le_bytes())?;
    let mut state = 1_u64;
    for _ in 0..FRAMES / 2 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        file.write_all(&(state ^ state >> 29).to_le_bytes())?;
    }
    Ok(file.flush()?)
}
