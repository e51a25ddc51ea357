//! `cargo xtask demo`: the program plays a melody, and this says in words what it did.

mod melody;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::setup;
use crate::steps::{cargo, run, target, workspace};

/// An echo, more level than fits, and the limiter that makes it fit.
const CHAIN: &str = "delay:time=217ms,feedback=30%,mix=16% | gain:gain=9dB | \
                     envelope_limiter:threshold=-1dBFS,delay=2ms";

/// Exit code of the program when a device is missing or fails.
const EXIT_DEVICE: i32 = 3;

/// Makes the melody, plays it while recording what is played, and says what happened.
///
/// # Errors
/// When something is missing, does not build, or the program fails.
pub fn demo() -> Result<()> {
    setup::install(&[setup::BUILD])?;
    println!("== building (release)");
    let folder = target();
    let mut build = cargo(&[
        "build",
        "--release",
        "--package",
        "ossicle-cli",
        "--target-dir",
    ]);
    build.arg(&folder);
    run(build)?;
    let program = folder.join("release/ossicle");

    let scene = folder.join("demo");
    fs::create_dir_all(&scene)?;
    let (tune, played) = (scene.join("melody.wav"), scene.join("played.wav"));
    fs::write(&tune, wav(&melody::melody(), melody::SAMPLE_RATE_HZ)).context("the melody")?;

    println!("== playing the Ode to Joy through: {CHAIN}");
    let summary = if has_card(&program)? {
        match play(&program, &tune, &played, None)? {
            Played::Done(summary) => summary,
            Played::NoDevice(why) => {
                println!("the sound card cannot play ({why}): playing to the null device, unheard");
                on_null(&program, &tune, &played)?
            }
        }
    } else {
        println!("there is no sound card: playing to the null device, unheard, at the same pace");
        on_null(&program, &tune, &played)?
    };
    let info = run_json(&program, &["info".as_ref(), played.as_os_str()])?.1;
    let recorded = info["frames"]
        .as_u64()
        .context("the recording has no frames")?;
    ensure!(recorded > 0, "the recording {} is empty", played.display());
    say(&summary, recorded, &played)
}

enum Played {
    Done(Value),
    NoDevice(String),
}

fn play(program: &Path, tune: &Path, out: &Path, host: Option<&str>) -> Result<Played> {
    let mut words: Vec<&std::ffi::OsStr> = vec![
        "play".as_ref(),
        tune.as_os_str(),
        "--fx".as_ref(),
        CHAIN.as_ref(),
    ];
    words.extend(["--record".as_ref(), out.as_os_str(), "--force".as_ref()]);
    if let Some(host) = host {
        words.extend::<[&std::ffi::OsStr; 2]>(["--host".as_ref(), host.as_ref()]);
    }
    match run_json(program, &words)? {
        (0, summary) => Ok(Played::Done(summary)),
        (EXIT_DEVICE, error) => {
            let message = error["error"]["message"]
                .as_str()
                .unwrap_or("no reason given");
            Ok(Played::NoDevice(message.to_owned()))
        }
        (exit, error) => bail!("ossicle play: exit {exit}: {error}"),
    }
}

fn on_null(program: &Path, tune: &Path, out: &Path) -> Result<Value> {
    match play(program, tune, out, Some("null"))? {
        Played::Done(summary) => Ok(summary),
        Played::NoDevice(why) => bail!("ossicle play --host null: {why}"),
    }
}

/// Whether the program sees a device that plays where none is named, and is heard.
fn has_card(program: &Path) -> Result<bool> {
    let (_, devices) = run_json(program, &["devices".as_ref()])?;
    let devices = devices.as_array().context("ossicle devices: not a list")?;
    Ok(devices.iter().any(|device| {
        let heard = !matches!(device["host"].as_str(), Some("null" | "jack") | None);
        heard && device["default_output"] == true
    }))
}

/// Runs the program with `--json`; its meter and bar go to the terminal.
fn run_json(program: &Path, words: &[&std::ffi::OsStr]) -> Result<(i32, Value)> {
    let output = Command::new(program)
        .args(words)
        .arg("--json")
        .current_dir(workspace())
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("starting {}", program.display()))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let value = serde_json::from_str(text.trim())
        .with_context(|| format!("ossicle printed no JSON object ({}): {text}", output.status))?;
    Ok((
        output
            .status
            .code()
            .context("ossicle was ended by a signal")?,
        value,
    ))
}

fn say(summary: &Value, recorded: u64, file: &Path) -> Result<()> {
    let count = |key: &str| summary[key].as_u64().with_context(|| format!("no {key}"));
    let real = |key: &str| summary[key].as_f64().with_context(|| format!("no {key}"));
    let text = |key: &str| summary[key].as_str().unwrap_or("none").to_owned();
    let rate = count("sample_rate_hz")?;
    let seconds = count("frames")? as f64 / rate as f64;
    let file: PathBuf = file.canonicalize()?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "== done")?;
    writeln!(out, "device     {} ({})", text("device"), text("host"))?;
    writeln!(
        out,
        "played     {} frames at {rate} Hz ({seconds:.1} s)",
        count("frames")?
    )?;
    writeln!(
        out,
        "latency    {} frames through the chain, device {}",
        count("latency_frames")?,
        summary["device_latency_frames"].as_u64().map_or_else(
            || "does not say its own".to_owned(),
            |frames| format!("says {frames} frames"),
        )
    )?;
    writeln!(
        out,
        "xruns      {} ({} frames of silence put in)",
        count("xruns")?,
        count("underrun_frames")?
    )?;
    writeln!(out, "peak       {:.2} dBFS", real("peak_dbfs")?)?;
    writeln!(
        out,
        "load       {:.2} % of the time a block lasts",
        real("dsp_load_percent")?
    )?;
    writeln!(
        out,
        "recorded   {recorded} frames, the echo's end among them, in {}",
        file.display()
    )?;
    Ok(())
}

/// A 16-bit stereo WAV file.
fn wav(samples: &[f32], sample_rate_hz: u32) -> Vec<u8> {
    let data: Vec<u8> = samples
        .iter()
        .flat_map(|sample| ((sample * 32_767.0).round() as i16).to_le_bytes())
        .collect();
    let length = data.len() as u32;
    let mut file = Vec::with_capacity(44 + data.len());
    file.extend(b"RIFF");
    file.extend((36 + length).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    file.extend([1_u16, 2].map(u16::to_le_bytes).concat());
    file.extend(
        [sample_rate_hz, sample_rate_hz * 4]
            .map(u32::to_le_bytes)
            .concat(),
    );
    file.extend([4_u16, 16].map(u16::to_le_bytes).concat());
    file.extend(b"data");
    file.extend(length.to_le_bytes());
    file.extend(data);
    file
}
