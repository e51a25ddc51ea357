//! JACK to the frame: nothing is added to the way of a sample, and the chain gives the bits
//! that `render` gives.

use std::env;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};
use xtask::peers::jack::{self, Recording, Signal, Sink, Source, wait_for_port};
use xtask::quiet::repeat_where_jack_tells_xruns;
use xtask::servers::{Jack, JackOptions};

use crate::jack::{APPEAR, interleaved};
use crate::program::Ossicle;
use crate::pulse::LIMIT;
use crate::sound::{RATE, noise, read_wav, write_wav};

/// Restarts at each period; `OSSICLE_RESTARTS` sets another number.
fn restarts() -> usize {
    env::var("OSSICLE_RESTARTS").map_or(2, |text| text.parse().expect("a number of restarts"))
}

fn server(period_frames: u32) -> Jack {
    Jack::start(JackOptions {
        period_frames,
        ..JackOptions::default()
    })
    .unwrap()
}

/// What a run added to the way of the sound.
#[derive(Debug, PartialEq, Eq)]
struct Added {
    /// Frames that sounded.
    sounding: usize,
    /// Silent frames between them.
    silent: usize,
    /// Frames that came later than they were played.
    late: usize,
}

fn added(heard: &Recording, port: usize) -> Added {
    let delays: Vec<Option<u32>> = heard.counter_delays(port).collect();
    let first = delays
        .iter()
        .position(Option::is_some)
        .expect("nothing was heard");
    let last = delays
        .iter()
        .rposition(Option::is_some)
        .expect("nothing was heard");
    let silent = delays[first..=last]
        .iter()
        .filter(|delay| delay.is_none())
        .count();
    let late = delays.iter().flatten().filter(|delay| **delay != 0).count();
    Added {
        sounding: delays.iter().flatten().count(),
        silent,
        late,
    }
}

/// One start of the program between the source `player` and a sink.
fn restart(server: &Jack, period_frames: u32) -> (usize, Result<()>) {
    let sink = Sink::start(server, "hearer", 2).unwrap();
    let line = format!("live --host jack --buffer {period_frames} --in player --out hearer");
    let mut program = Ossicle::start(server.env(), &line, &[]);
    wait_for_port(server, "ossicle:out_2", APPEAR).unwrap();
    sleep(Duration::from_millis(800));
    // The recording ends first, so that the program's end is not in it.
    let heard = sink.finish().unwrap();
    program.terminate();
    let outcome = program.finish(LIMIT).ok();
    assert_eq!(outcome.count("latency_frames"), 0, "{}", outcome.json);
    let check = || {
        for port in 0..2 {
            let added = added(&heard, port);
            ensure!(added.sounding > RATE / 4, "{added:?} {}", outcome.json);
            ensure!(
                (added.silent, added.late) == (0, 0),
                "{added:?} {}",
                outcome.json
            );
        }
        Ok(())
    };
    (heard.xruns.len(), check())
}

fn live_adds_nothing(period_frames: u32) {
    let server = server(period_frames);
    let _source = Source::start(&server, "player", 2, &Signal::Counter).unwrap();
    for _ in 0..restarts() {
        repeat_where_jack_tells_xruns(|| restart(&server, period_frames));
    }
}

#[test]
fn live_adds_0_frames_at_a_period_of_32() {
    crate::served(|| {
        live_adds_nothing(32);
    });
}

#[test]
fn live_adds_0_frames_at_a_period_of_64() {
    crate::served(|| {
        live_adds_nothing(64);
    });
}

#[test]
fn live_adds_0_frames_at_a_period_of_128() {
    crate::served(|| {
        live_adds_nothing(128);
    });
}

#[test]
fn live_adds_0_frames_at_a_period_of_256() {
    crate::served(|| {
        live_adds_nothing(256);
    });
}

#[test]
fn iodelay_reads_the_same_through_the_program_as_through_a_wire() {
    crate::served(|| {
        for period_frames in [32, 64, 128, 256] {
            let server = server(period_frames);
            let wire = jack::iodelay(&server, || {
                jack::connect(&server, "jack_delay:out", "jack_delay:in")
            })
            .unwrap();
            let mut program = Ossicle::start(
                server.env(),
                &format!("live --host jack --buffer {period_frames} --channels 1"),
                &[],
            );
            wait_for_port(&server, "ossicle:out_1", APPEAR).unwrap();
            let through = jack::iodelay(&server, || {
                jack::connect(&server, "jack_delay:out", "ossicle:in_1")?;
                jack::connect(&server, "ossicle:out_1", "jack_delay:in")
            })
            .unwrap();
            program.terminate();
            program.finish(LIMIT).ok();
            let added = through - wire;
            assert!(
                added.abs() < 0.01,
                "period {period_frames}: {wire} frames by wire, {through}"
            );
        }
    });
}

#[test]
fn live_says_the_latency_of_its_chain() {
    crate::served(|| {
        let server = server(128);
        let line = "live --host jack --fx envelope_limiter:delay_samples=40 --for 1s";
        let outcome = Ossicle::start(server.env(), line, &[]).finish(LIMIT).ok();
        assert_eq!(outcome.count("latency_frames"), 39, "{}", outcome.json);
    });
}

#[test]
fn render_and_jack_give_the_same_bits() {
    crate::served(|| {
        const CHAIN: &str = "parametric_eq:b1_type=peak,b1_freq=1kHz,b1_gain=6dB,b1_q=0.7~|~\
                         delay:time=10ms,feedback=50%,mix=50%~|~gain:gain=3dB~|~\
                         envelope_limiter:attack_coeff=0.9,release_coeff=0.9999,\
                         delay_samples=40,threshold=0.5";
        let folder = tempfile::tempdir().unwrap();
        let (input, output) = (folder.path().join("in.wav"), folder.path().join("out.wav"));
        let played = noise(RATE);
        write_wav(&input, &played);
        let line = format!("render {{}} {{}} --latency keep --format f32 --fx {CHAIN}");
        Ossicle::start(Vec::new(), &line, &[&input, &output])
            .finish(LIMIT)
            .ok();
        let rendered = read_wav(&output);

        let first = |samples: &[f32]| {
            let frames = samples.as_chunks::<2>().0;
            frames
                .iter()
                .position(|frame| *frame != [0.0, 0.0])
                .unwrap_or(frames.len())
        };
        repeat_where_jack_tells_xruns(|| {
            let server = server(256);
            let signal = Signal::Samples(played.clone());
            let mut source = Source::start(&server, "player", 2, &signal).unwrap();
            let sink = Sink::start(&server, "hearer", 2).unwrap();
            let line =
                format!("live --host jack --buffer 256 --in player --out hearer --fx {CHAIN}");
            let mut program = Ossicle::start(server.env(), &line, &[]);
            wait_for_port(&server, "ossicle:out_2", APPEAR).unwrap();
            sleep(Duration::from_millis(500));
            source.go().unwrap();
            sleep(Duration::from_millis(1_500));
            let heard = interleaved(&sink.finish().unwrap());
            program.terminate();
            let outcome = program.finish(LIMIT).ok();
            let check = || {
                // Both begin to sound with the same frame of the signal.
                let (from, to) = (first(&heard) * 2, first(&rendered) * 2);
                let length = rendered.len() - to;
                ensure!(
                    heard.len() >= from + length,
                    "not heard to the end; {}",
                    outcome.json
                );
                let differs = (0..length)
                    .find(|at| heard[from + at].to_bits() != rendered[to + at].to_bits());
                ensure!(
                    differs.is_none(),
                    "differs at sample {differs:?}; {}",
                    outcome.json
                );
                Ok(())
            };
            (outcome.count("xruns"), check())
        });
    });
}
