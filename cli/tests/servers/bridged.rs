//! A microphone of PulseAudio at 44.1 kHz into JACK at 48 kHz: a tone stays whole. Ten seconds;
//! `OSSICLE_SECONDS=N` makes it longer.

use std::f64::consts::TAU;
use std::thread::sleep;
use std::time::Duration;

use anyhow::ensure;
use xtask::bar;
use xtask::peers::jack::{Sink, connect, wait_for_port};
use xtask::peers::pulse::Pacat;
use xtask::quiet::repeat_where_jack_tells_xruns;
use xtask::servers::{Jack, JackOptions, PulseAudio};

use crate::jack::APPEAR;
use crate::program::Ossicle;
use crate::sound::RATE;

const TONE_HZ: f64 = 997.0;
const AMPLITUDE: f64 = 0.5;
/// How far a sample may be from where the two before it lead, by a tone of that frequency. A move of
/// the bridge with its fade of 4 ms is at least five times as far; 24 bits are a thousandth of it.
const MOST_OFF: f64 = 1e-4;
/// What the bridge may take until the tone stands: not judged.
const BEGINS: Duration = Duration::from_secs(5);

/// Length of what is judged.
fn seconds() -> u64 {
    let text = std::env::var("OSSICLE_SECONDS").ok();
    text.map_or(10, |text| text.parse().expect("OSSICLE_SECONDS"))
}

/// Frames at which the tone does not go on as it was.
fn breaks(samples: &[f32]) -> Vec<usize> {
    let twice_cos = 2.0 * (TAU * TONE_HZ / RATE as f64).cos();
    let is_off = |run: &[f32]| {
        let [a, b, c] = [run[0], run[1], run[2]].map(f64::from);
        (twice_cos * b - a - c).abs() > MOST_OFF
    };
    let runs = samples.windows(3).enumerate();
    runs.filter(|(_, run)| is_off(run))
        .map(|(at, _)| at)
        .collect()
}

#[test]
fn a_tone_that_goes_on_is_whole_and_one_that_jumps_is_not() {
    let sine = |frame: f64| (AMPLITUDE * (TAU * TONE_HZ / RATE as f64 * frame).sin()) as f32;
    let whole: Vec<f32> = (0..4_800).map(|frame| sine(f64::from(frame))).collect();
    assert_eq!(breaks(&whole), Vec::<usize>::new());
    // A frame further, within a fade of 4 ms.
    let jumps = (0..4_800).map(|frame| {
        let done = (f64::from(frame - 2_000) / 192.0).clamp(0.0, 1.0) as f32;
        let rise = 0.5 - 0.5 * (std::f32::consts::PI * done).cos();
        let frame = f64::from(frame);
        sine(frame) + rise * (sine(frame + 1.0) - sine(frame))
    });
    assert!(breaks(&jumps.collect::<Vec<_>>()).len() > 20);
}

#[test]
#[ignore = "needs a quiet machine: cargo xtask devices runs it"]
fn a_tone_from_pulseaudio_at_44_1_khz_is_whole_on_jack_at_48_khz() {
    crate::served(|| repeat_where_jack_tells_xruns(run));
}

/// One run: the xruns that the server told, and what was found.
fn run() -> (usize, anyhow::Result<()>) {
    let pulse = PulseAudio::start().unwrap();
    let feed = "module-null-sink sink_name=slow format=float32le rate=44100 channels=1 norewinds=1";
    let words = ["load-module"].into_iter().chain(feed.split(' '));
    assert!(pulse.tool("pactl").args(words).status().unwrap().success());
    let jack = Jack::start(JackOptions {
        period_frames: 256,
        ..JackOptions::default()
    })
    .unwrap();
    let length = seconds() + 30;
    // At the sink's own rate: the server resamples nothing.
    let step = TAU * TONE_HZ / 44_100.0;
    let tone: Vec<f32> = (0..length * 44_100)
        .map(|frame| (AMPLITUDE * (step * frame as f64).sin()) as f32)
        .collect();
    let _player = Pacat::play_at(&pulse, "slow", &tone, 1, 44_100).unwrap();
    sleep(Duration::from_secs(1));
    let line = "live --in pulseaudio:slow.monitor --out jack:system --buffer 256 --channels 1";
    let environment = pulse.env().into_iter().chain(jack.env()).collect();
    let mut program = Ossicle::start(environment, line, &[]);
    wait_for_port(&jack, "ossicle:out_1", APPEAR).unwrap();
    sleep(BEGINS);
    let control = Sink::start(&jack, "control", 1).unwrap();
    connect(&jack, "ossicle:out_1", "control:in_1").unwrap();
    sleep(Duration::from_secs(seconds()));
    let recording = control.finish().unwrap();
    program.terminate();
    let outcome = program.finish(Duration::from_secs(20));
    let heard = recording.port(0);
    // The first cycles are those before the ports were connected.
    let begin = heard.iter().position(|sample| *sample != 0.0);
    let heard = &heard[begin.unwrap_or(heard.len())..];
    let found = breaks(heard);
    let bridge = &outcome.json["bridges"][0];
    let measured = format!(
        "{} of {:.1} s; {} frames made up, {} xruns told, bridge {bridge}",
        found.len(),
        heard.len() as f64 / RATE as f64,
        outcome.json["underrun_frames"],
        recording.xruns
    );
    let check = || {
        let least = seconds() as usize * RATE * 9 / 10;
        ensure!(outcome.exit == Some(0), "{}", outcome.json);
        ensure!(heard.len() > least, "{} frames heard", heard.len());
        ensure!(bridge["from_hz"] == 44_100, "{bridge}");
        let first = found.first().map(|at| *at as f64 / RATE as f64);
        ensure!(found.is_empty(), "first at {first:?} s: {measured}");
        Ok(())
    };
    let checked = check();
    bar::tell(
        "997 Hz from PulseAudio at 44.1 kHz to JACK at 48 kHz, frames at which it breaks, 0",
        &measured,
        checked.is_ok(),
    );
    let xruns = recording.xruns as usize + outcome.json["xruns"].as_u64().unwrap_or(0) as usize;
    (xruns, checked)
}
