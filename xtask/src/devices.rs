//! `cargo xtask devices`: sessions on simulated devices for hours and with faults by the thousand, and
//! from one real server into another.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::bench;
use crate::setup;
use crate::steps::cargo;
use crate::table::Table;

/// A simulation that takes longer than its own virtual time, and this, hangs.
const LEAST_LIMIT: Duration = Duration::from_secs(60);
/// Faults that random schedules must have thrown, in the long form.
const FAULTS: f64 = 10_000.0;
/// Longest silence that a stall of 20 ms may leave, in milliseconds: what is missing, and 50.
const STALL_MS: f64 = 70.0;
/// Longest fade, and longest time behind a stall or lost frames until the delay is what is told, in
/// milliseconds.
const FADE_MS: f64 = 5.0;
const BACK_MS: f64 = 1_000.0;
/// Millionths by which what is kept of a clock may be off.
const MEMORY_PPM: f64 = 1.0;

/// Runs all of it and prints a table. The short form is a fiftieth of it.
///
/// # Errors
/// When a bar does not hold, or the program cannot be built.
pub fn run(is_short: bool) -> Result<()> {
    setup::install(&[setup::BUILD, setup::TEST])?;
    let program = bench::program()?;
    let mut table = Table::default();
    let (seeds, hours) = if is_short { (4, 0.05) } else { (100, 0.1) };
    table.judge(
        "random faults: nothing breaks, panics or hangs",
        faults(&program, seeds, hours, is_short),
    );
    let days = if is_short { vec![0.5] } else { vec![24.0] };
    let tens = vec![0.17; if is_short { 2 } else { 99 }];
    table.judge(
        "a stall of 20 ms a minute, other blocks: all is covered and comes back",
        light(&program, &[days, tens].concat()),
    );
    let (seeds, hours) = if is_short { (1, 0.25) } else { (4, 24.0) };
    table.judge(
        "four devices that capture: aligned within a frame",
        aligned(&program, seeds, hours),
    );
    let seconds = if is_short { "10" } else { "600" };
    let names = ["bridged::", "restarted"];
    for name in names {
        let mut command = cargo(&["test", "--release", "--package", "ossicle-cli"]);
        command
            .args(["--test", "servers", name, "--", "--include-ignored"])
            .env("OSSICLE_SECONDS", seconds);
        table.run(&format!("real servers, {name}"), command)?;
    }
    table.finish()
}

fn faults(program: &Path, seeds: u64, hours: f64, is_short: bool) -> Result<String> {
    let runs = (1..=seeds).map(|seed| format!("--faults heavy --seed {seed} --hours {hours}"));
    let outcomes = simulate(program, runs.collect())?;
    let thrown = sum(&outcomes, "faults");
    ensure!(is_short || thrown >= FAULTS, "only {thrown} faults thrown");
    let blocks = sum(&outcomes, "state_blocks");
    ensure!(blocks > 0.0, "no chain had a state");
    let back = outcomes
        .iter()
        .filter_map(|outcome| outcome["back_ms"].as_object());
    let back_ms = back
        .flatten()
        .filter_map(|(_, ms)| ms.as_f64())
        .fold(0.0, f64::max);
    Ok(format!(
        "{thrown} faults in {seeds} seeds, {} events, each with its fault; {} silences, each explained; \
         heard again after {back_ms:.0} ms at most, blocks and delays included; the state of the chain the same in {blocks} blocks",
        sum(&outcomes, "events"),
        sum(&outcomes, "silences")
    ))
}

fn light(program: &Path, hours: &[f64]) -> Result<String> {
    let runs = hours.iter().zip(1..);
    let runs = runs.map(|(hours, seed)| format!("--faults light --seed {seed} --hours {hours}"));
    let outcomes = simulate(program, runs.collect())?;
    let stall_ms = outcomes
        .iter()
        .filter_map(|outcome| outcome["longest_silence_ms"]["stall"].as_f64())
        .fold(0.0, f64::max);
    ensure!(stall_ms <= STALL_MS, "{stall_ms} ms of silence at a stall");
    let fade_ms = most(&outcomes, "longest_fade_ms");
    ensure!(
        0.0 < fade_ms && fade_ms <= FADE_MS,
        "a fade of {fade_ms} ms"
    );
    let back_ms = most(&outcomes, "latency_back_ms");
    ensure!(
        back_ms <= BACK_MS,
        "a delay that is off for {back_ms} ms behind a fault"
    );
    let ppm = most(&outcomes, "memory_ppm_off");
    ensure!(ppm <= MEMORY_PPM, "a clock kept {ppm} ppm off");
    Ok(format!(
        "{} faults; {stall_ms:.1} ms of silence at most at a stall of 20 ms, fades of {fade_ms:.2} ms, \
         the delay back in {back_ms:.0} ms and off by {:.2} frames, kept clocks by {ppm:.2} ppm",
        sum(&outcomes, "faults"),
        most(&outcomes, "delay_off_frames")
    ))
}

fn aligned(program: &Path, seeds: u64, hours: f64) -> Result<String> {
    let runs = (1..=seeds).map(|seed| format!("--devices 5 --seed {seed} --hours {hours}"));
    let outcomes = simulate(program, runs.collect())?;
    let frames = most(&outcomes, "alignment_frames");
    ensure!(frames <= 1.0, "{frames} frames apart");
    Ok(format!("{frames:.3} frames in {seeds} x {hours} h"))
}

fn sum(outcomes: &[Value], key: &str) -> f64 {
    outcomes.iter().filter_map(|o| o[key].as_f64()).sum()
}

fn most(outcomes: &[Value], key: &str) -> f64 {
    let each = outcomes.iter().filter_map(|outcome| outcome[key].as_f64());
    each.fold(0.0, f64::max)
}

/// Runs simulations, as many at once as there are processors; all of them end well.
fn simulate(program: &Path, lines: Vec<String>) -> Result<Vec<Value>> {
    let at_once = available_parallelism().map_or(1, usize::from);
    let (mut outcomes, mut broken) = (Vec::new(), Vec::new());
    for lines in lines.chunks(at_once) {
        let ended = std::thread::scope(|scope| {
            let begun = lines.iter().map(|line| scope.spawn(|| one(program, line)));
            let begun: Vec<_> = begun.collect();
            let ended = begun.into_iter().zip(lines);
            ended
                .map(|(run, line)| match run.join() {
                    Ok(outcome) => outcome.with_context(|| format!("ossicle sim {line}")),
                    Err(_) => bail!("ossicle sim {line}: not started"),
                })
                .collect::<Vec<_>>()
        });
        for outcome in ended {
            match outcome {
                Ok(outcome) => outcomes.push(outcome),
                Err(error) => broken.push(format!("{error:#}")),
            }
        }
    }
    ensure!(broken.is_empty(), "{}", broken.join("\n"));
    Ok(outcomes)
}

fn one(program: &Path, line: &str) -> Result<Value> {
    let began = Instant::now();
    let mut child = Command::new(program)
        .args(["sim", "--json"])
        .args(line.split(' '))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    let hours = line.rsplit(' ').next().and_then(|word| word.parse().ok());
    let limit = LEAST_LIMIT.max(Duration::from_secs_f64(3_600.0 * hours.unwrap_or(0.0)));
    // What it prints is less than a pipe holds, until it ends.
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if began.elapsed() > limit {
            child.kill()?;
            bail!("it hangs: not ended after {limit:?}");
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let mut text = String::new();
    if let Some(mut stdout) = child.stdout.take() {
        std::io::Read::read_to_string(&mut stdout, &mut text)?;
    }
    let json: Value = serde_json::from_str(text.trim()).unwrap_or_default();
    ensure!(status.success(), "{status}: {}", json["broken"]);
    Ok(json)
}
