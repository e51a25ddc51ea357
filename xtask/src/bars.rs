//! `cargo xtask bars`: the checks that take long; `cargo xtask test` runs some in short form.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::bench;
use crate::setup;
use crate::steps::{cargo, run, step, target};

/// Memory that reading a file may take, however long it is, in KiB.
const MEMORY_KIB: u64 = 64 * 1024;
/// Frames of twelve hours at 48 kHz.
const TWELVE_HOURS: u64 = 12 * 3_600 * 48_000;

/// Runs all of them.
///
/// # Errors
/// At the first that fails.
pub fn all() -> Result<()> {
    setup::install(&[setup::BUILD, setup::TEST])?;
    step("program and readers, release", || {
        let mut build = cargo(&[
            "build",
            "--release",
            "--package",
            "ossicle-cli",
            "--target-dir",
        ]);
        build.arg(target());
        run(build)?;
        bench::ours("files").map(|_| ())
    })?;
    step("12-hour files", || {
        long_files(&target().join("release"), TWELVE_HOURS)
    })?;
    step("JACK, 20 restarts at each period", || {
        let mut command = cargo(&["test", "--package", "ossicle-cli", "--test", "servers"]);
        command
            .args(["jack_exact", "--", "--test-threads=1"])
            .env("OSSICLE_RESTARTS", "20");
        run(command)
    })
}

/// Reads a 12-hour WAV and a FLAC of `flac_frames` and measures the memory of each reader.
///
/// `folder` holds the program and the bin `files` of the benches.
///
/// # Errors
/// When a reader fails or takes too much memory.
pub fn long_files(folder: &Path, flac_frames: u64) -> Result<()> {
    let scene = target().join("long");
    fs::create_dir_all(&scene)?;
    let (wav, flac) = (scene.join("long.wav"), scene.join("long.flac"));
    write_long_wav(&wav, TWELVE_HOURS).context("making the long WAV")?;
    write_flac(&flac, flac_frames).context("making the long FLAC")?;
    let (program, reader) = (folder.join("ossicle"), folder.join("files"));
    println!("{:<44}{:>12}", "", "memory, MiB");
    for (file, frames) in [(&wav, TWELVE_HOURS), (&flac, flac_frames)] {
        let file = file
            .to_str()
            .context("the target folder's name is not text")?;
        let seek = format!("{}f", frames - 48_000 * 30);
        let play = [
            "play", file, "--host", "null", "--seek", &seek, "--for", "2s", "-q",
        ];
        for (what, program, words) in [
            ("info", &program, &["info", file][..]),
            (
                "play --seek to half a minute before the end",
                &program,
                &play,
            ),
            (
                "windows of 0.1 s at random",
                &reader,
                &["random", file, "4800", "200"],
            ),
        ] {
            let kib = memory_kib(program, words)?;
            let name = format!("{} {what}", file.rsplit('.').next().unwrap_or_default());
            println!("{name:<44}{:>12.1}", kib as f64 / 1024.0);
            ensure!(
                kib < MEMORY_KIB,
                "{what} took {kib} KiB, allowed are {MEMORY_KIB}"
            );
        }
    }
    fs::remove_dir_all(scene)?;
    Ok(())
}

/// Most memory that a program held, as GNU time says.
fn memory_kib(program: &Path, words: &[&str]) -> Result<u64> {
    let answer = Command::new("/usr/bin/time")
        .arg("-v")
        .arg(program)
        .args(words)
        .stdin(Stdio::null())
        .output()
        .context("starting /usr/bin/time")?;
    let said = String::from_utf8_lossy(&answer.stderr);
    ensure!(
        answer.status.success(),
        "{} {}: {said}",
        program.display(),
        words.join(" ")
    );
    let line = said
        .lines()
        .find(|line| line.contains("Maximum resident set size"));
    let number = line
        .and_then(|line| line.rsplit(' ').next())
        .context("the memory used")?;
    Ok(number.parse()?)
}

/// A mono 16-bit WAV with sizes that just fit its header; what is not written reads as silence
/// and takes no room on disk.
fn write_long_wav(path: &Path, frames: u64) -> Result<()> {
    let data = u32::try_from(frames * 2).context("the WAV's size")?;
    let mut header = Vec::new();
    header.extend(b"RIFF");
    header.extend((36 + data).to_le_bytes());
    header.extend(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
    header.extend(48_000_u32.to_le_bytes());
    header.extend(96_000_u32.to_le_bytes());
    header.extend(b"\x02\0\x10\0data");
    header.extend(data.to_le_bytes());
    fs::write(path, &header)?;
    let file = File::options().write(true).open(path)?;
    Ok(file.set_len(header.len() as u64 + frames * 2)?)
}

fn write_flac(path: &Path, frames: u64) -> Result<()> {
    let source = format!(
        "sine=frequency=440:sample_rate=48000:duration={}",
        frames / 48_000
    );
    let mut command = Command::new("ffmpeg");
    command.args([
        "-v",
        "error",
        "-y",
        "-f",
        "lavfi",
        "-i",
        &source,
        "-sample_fmt",
        "s16",
    ]);
    command
        .args(["-c:a", "flac", "-compression_level", "0"])
        .arg(path)
        .stdin(Stdio::null());
    run(command)
}
