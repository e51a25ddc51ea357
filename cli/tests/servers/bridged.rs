//! A microphone of PulseAudio at 44.1 kHz into JACK at 48 kHz: a tone stays whole. Ten seconds;
//! `OSSICLE_SECONDS=N` makes it longer.
//!
//! Where the tone breaks, a control has to show why: a thread that woke late, another client of
//! PulseAudio that was kept waiting for the same tone or heard it broken, an xrun that JACK told to another client, or
//! cycles that it left out.

use std::f64::consts::TAU;
use std::ops::Range;
use std::thread::sleep;
use std::time::{Duration, Instant};

use xtask::bar;
use xtask::peers::jack::{Recording, Sink, connect, wait_for_port};
use xtask::peers::pulse::{Arrivals, Pacat};
use xtask::quiet::{Control, Moment};
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

/// What comes late is bridged by a margin, and the bridge is back at its latency a second later.
const FOLLOWS: Duration = Duration::from_millis(1100);
/// A control thread that wakes so late shows a moment in which all come late.
const LATE: Duration = Duration::from_millis(4);
/// How well it is known when a frame of JACK was.
const ABOUT: Duration = Duration::from_millis(40);
/// Breaks so close are one.
const ONE: Duration = Duration::from_millis(50);

/// Length of what is judged.
fn seconds() -> u64 {
    let text = std::env::var("OSSICLE_SECONDS").ok();
    text.map_or(10, |text| text.parse().expect("OSSICLE_SECONDS"))
}

/// Frames at which the tone does not go on as it was, or is silent.
fn breaks(samples: &[f32], rate_hz: usize) -> Vec<usize> {
    let twice_cos = 2.0 * (TAU * TONE_HZ / rate_hz as f64).cos();
    let is_off = |run: &[f32]| {
        let [a, b, c] = [run[0], run[1], run[2]].map(f64::from);
        (twice_cos * b - a - c).abs() > MOST_OFF || run == [0.0; 3]
    };
    let runs = samples.windows(3).enumerate();
    runs.filter(|(_, run)| is_off(run))
        .map(|(at, _)| at)
        .collect()
}

/// Frames from the first to the last of breaks that are one.
fn grouped(breaks: &[usize]) -> Vec<Range<usize>> {
    let one = (ONE.as_secs_f64() * RATE as f64) as usize;
    let mut groups: Vec<Range<usize>> = Vec::new();
    for &at in breaks {
        match groups.last_mut() {
            Some(group) if at - group.end <= one => group.end = at,
            _ => groups.push(at..at),
        }
    }
    groups
}

/// Whether breaks follow one of the moments, or fall into it; `begun` is when frame 0 was.
fn follows(breaks: &Range<usize>, begun: Instant, moments: &[Moment]) -> bool {
    let at = |frame: usize| begun + Duration::from_secs_f64(frame as f64 / RATE as f64);
    moments.iter().any(|moment| {
        at(breaks.end) + ABOUT >= moment.from && at(breaks.start) <= moment.until + FOLLOWS
    })
}

/// What JACK itself shows: xruns that it told, and cycles that it left out.
fn moments_of_jack(recording: &Recording, begun: Instant) -> Vec<Moment> {
    let first = recording.cycles.first().map_or(0, |cycle| cycle.time);
    let at = |time: u32| {
        begun + Duration::from_secs_f64(f64::from(time.wrapping_sub(first)) / RATE as f64)
    };
    let moment = |from: u32, until: u32| Moment {
        from: at(from) - ABOUT,
        until: at(until) + ABOUT,
    };
    let told = recording.xruns.iter().map(|&time| moment(time, time));
    let ends = recording.cycles.iter().map(|cycle| {
        let frames = cycle.planes.first().map_or(0, Vec::len) as u32;
        cycle.time.wrapping_add(frames)
    });
    let gaps = ends.zip(recording.cycles.iter().skip(1));
    let left_out = gaps
        .filter(|(end, next)| next.time != *end)
        .map(|(end, next)| moment(end, next.time));
    told.chain(left_out).collect()
}

#[test]
fn breaks_belong_to_the_moments_that_they_follow() {
    let begun = Instant::now();
    let ms = |ms: u64| begun + Duration::from_millis(ms);
    let moments = [Moment {
        from: ms(3_000),
        until: ms(3_200),
    }];
    let frames = |from_ms: usize, until_ms: usize| 48 * from_ms..48 * until_ms;
    for (breaks, is_so) in [
        (frames(2_900, 2_950), false),
        (frames(2_900, 2_990), true),
        (frames(3_100, 3_101), true),
        (frames(4_290, 9_000), true),
        (frames(4_310, 4_311), false),
    ] {
        assert_eq!(follows(&breaks, begun, &moments), is_so, "{breaks:?}");
    }
    let breaks = [10, 11, 2_000, 5_000, 5_001];
    assert_eq!(grouped(&breaks), [10..2_000, 5_000..5_001]);
}

#[test]
fn a_tone_that_goes_on_is_whole_and_one_that_jumps_is_not() {
    let sine = |frame: f64| (AMPLITUDE * (TAU * TONE_HZ / RATE as f64 * frame).sin()) as f32;
    let whole: Vec<f32> = (0..4_800).map(|frame| sine(f64::from(frame))).collect();
    assert_eq!(breaks(&whole, RATE), Vec::<usize>::new());
    // A frame further, within a fade of 4 ms.
    let jumps = (0..4_800).map(|frame| {
        let done = (f64::from(frame - 2_000) / 192.0).clamp(0.0, 1.0) as f32;
        let rise = 0.5 - 0.5 * (std::f32::consts::PI * done).cos();
        let frame = f64::from(frame);
        sine(frame) + rise * (sine(frame + 1.0) - sine(frame))
    });
    assert!(breaks(&jumps.collect::<Vec<_>>(), RATE).len() > 20);
    let mut silent = whole;
    silent[1_000..1_100].fill(0.0);
    assert!(breaks(&silent, RATE).len() >= 98);
}

#[test]
#[ignore = "needs a quiet machine: cargo xtask devices runs it"]
fn a_tone_from_pulseaudio_at_44_1_khz_is_whole_on_jack_at_48_khz() {
    crate::in_turn(run);
}

fn run() {
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
    let thread = Control::start(LATE);
    let arrivals = Arrivals::of(&pulse, "slow.monitor", 44_100).unwrap();
    let control = Sink::start(&jack, "control", 1).unwrap();
    let begun = Instant::now();
    connect(&jack, "ossicle:out_1", "control:in_1").unwrap();
    sleep(Duration::from_secs(seconds()));
    let recording = control.finish().unwrap();
    let mut moments = thread.finish();
    let arrived = arrivals.finish();
    // What is broken already for another client of the same source.
    let broken = breaks(&arrived.samples, 44_100);
    let sources = broken.into_iter().filter_map(|at| arrived.at(at));
    moments.extend(sources.map(|at| Moment {
        from: at - ABOUT,
        until: at + ABOUT,
    }));
    moments.extend(&arrived.moments);
    moments.extend(moments_of_jack(&recording, begun));
    program.terminate();
    let outcome = program.finish(Duration::from_secs(20)).ok();
    let heard = recording.port(0);
    // The first cycles are those before the ports were connected.
    let first = heard.iter().position(|sample| *sample != 0.0);
    let first = first.unwrap_or(heard.len());
    let heard = &heard[first..];
    let begun = begun + Duration::from_secs_f64(first as f64 / RATE as f64);
    let least = seconds() as usize * RATE * 9 / 10;
    assert!(heard.len() > least, "{} frames heard", heard.len());
    let found = grouped(&breaks(heard, RATE));
    let (shown, unexplained): (Vec<_>, Vec<_>) = found
        .into_iter()
        .partition(|breaks| follows(breaks, begun, &moments));
    let bridge = &outcome.json["bridges"][0];
    assert_eq!(bridge["from_hz"], 44_100, "{bridge}");
    let measured = format!(
        "{} in {:.1} s; {} that a control shows too, in {} moments of it; {} frames made up, bridge {bridge}",
        unexplained.len(),
        heard.len() as f64 / RATE as f64,
        shown.len(),
        moments.len(),
        outcome.json["underrun_frames"],
    );
    bar::tell(
        "997 Hz from PulseAudio at 44.1 kHz to JACK at 48 kHz, breaks that no control shows, 0",
        &measured,
        unexplained.is_empty(),
    );
    let at = |frame: usize| frame as f64 / RATE as f64;
    let spans: Vec<_> = unexplained
        .iter()
        .map(|breaks| (at(breaks.start), at(breaks.end)))
        .collect();
    assert!(unexplained.is_empty(), "at {spans:?} s: {measured}");
}
