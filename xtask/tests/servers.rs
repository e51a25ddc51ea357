//! The rigs themselves: what a test is told of the other end must be true.

use std::fs;
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, ensure};
use xtask::peers::jack::{self, Signal, Sink, Source};
use xtask::peers::pulse::{Pacat, Parec};
use xtask::quiet::{repeat_where_jack_tells_xruns, repeat_where_the_machine_stood_still};
use xtask::servers::{Jack, JackOptions, PulseAudio};

fn noise(frames: usize) -> Vec<f32> {
    let mut state = 0x2545_f491_u32;
    (0..frames * 2)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f32::from(i16::from_ne_bytes([
                (state >> 16) as u8,
                (state >> 24) as u8,
            ])) / 65_536.0
        })
        .collect()
}

/// Where `played` begins in `heard`, in frames of two channels.
fn place(heard: &[f32], played: &[f32]) -> Option<usize> {
    (0..heard.len().saturating_sub(played.len()) / 2)
        .find(|frame| heard[frame * 2..].starts_with(&played[..64]))
}

static TURN: Mutex<()> = Mutex::new(());

/// Runs a test when its turn has come: servers at once on two cores would make each other late.
fn served(test: impl FnMut()) {
    // A test that failed has ended its turn.
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    repeat_where_the_machine_stood_still(test);
}

#[test]
fn jack_source_reaches_sink_in_the_same_cycle() {
    served(|| {
        repeat_where_jack_tells_xruns(|| {
            let server = Jack::start(JackOptions {
                period_frames: 64,
                ..JackOptions::default()
            })
            .unwrap();
            let _source = Source::start(&server, "player", 2, &Signal::Counter).unwrap();
            let sink = Sink::start(&server, "hearer", 2).unwrap();
            jack::connect(&server, "player:out_1", "hearer:in_1").unwrap();
            jack::connect(&server, "player:out_2", "hearer:in_2").unwrap();
            sleep(Duration::from_millis(700));
            let heard = sink.finish().unwrap();
            let check = || {
                for port in 0..2 {
                    let sounding: Vec<_> = heard.counter_delays(port).flatten().collect();
                    let frames = sounding.len();
                    ensure!(frames > 24_000, "only {frames} frames heard");
                    let late = sounding.iter().filter(|delay| **delay != 0).count();
                    ensure!(late == 0, "{late} frames late");
                }
                Ok(())
            };
            (heard.xruns.len(), check())
        })
    });
}

#[test]
fn jack_plays_samples_bit_for_bit() {
    served(|| {
        repeat_where_jack_tells_xruns(|| {
            let server = Jack::start(JackOptions::default()).unwrap();
            let played = noise(9_600);
            let mut source =
                Source::start(&server, "player", 2, &Signal::Samples(played.clone())).unwrap();
            let sink = Sink::start(&server, "hearer", 2).unwrap();
            jack::connect(&server, "player:out_1", "hearer:in_1").unwrap();
            jack::connect(&server, "player:out_2", "hearer:in_2").unwrap();
            source.go().unwrap();
            sleep(Duration::from_millis(700));
            let heard = sink.finish().unwrap();
            let (left, right) = (heard.port(0), heard.port(1));
            let xruns = heard.xruns.len();
            let heard: Vec<f32> = left
                .iter()
                .zip(&right)
                .flat_map(|(l, r)| [*l, *r])
                .collect();
            let check = || {
                let at = place(&heard, &played).context("the signal was not heard")?;
                let same = heard[at * 2..].starts_with(&played);
                ensure!(same, "heard, but not the same bits");
                Ok(())
            };
            (xruns, check())
        })
    });
}

#[test]
fn iodelay_connected_to_itself_reads_one_period() {
    served(|| {
        let server = Jack::start(JackOptions {
            period_frames: 128,
            ..JackOptions::default()
        })
        .unwrap();
        let frames = jack::iodelay(&server, || {
            jack::connect(&server, "jack_delay:out", "jack_delay:in")
        })
        .unwrap();
        assert!((frames - 128.0).abs() < 0.01, "{frames} frames");
    });
}

#[test]
fn microphone_gives_what_pacat_plays() {
    served(|| {
        let server = PulseAudio::start().unwrap();
        let played = noise(48_000);
        let recorder = Parec::record(&server, PulseAudio::MICROPHONE, 2).unwrap();
        let mut player = Pacat::play(&server, PulseAudio::MIC_FEED, &played, 2).unwrap();
        player.wait(Duration::from_secs(10)).unwrap();
        sleep(Duration::from_millis(500));
        let heard = recorder.finish().unwrap();
        let at = place(&heard, &played).expect("the signal was not heard");
        assert!(heard[at * 2..].len() >= played.len(), "the end is missing");
        assert!(
            heard[at * 2..][..played.len()] == played[..],
            "heard, but not the same bits"
        );
    });
}

#[test]
fn alsa_default_is_the_microphone() {
    served(|| {
        let server = PulseAudio::start().unwrap();
        let played = noise(96_000);
        let _player = Pacat::play(&server, PulseAudio::MIC_FEED, &played, 2).unwrap();
        let file = server.folder().join("arecord.raw");
        let status = server
            .tool("arecord")
            .args([
                "-q", "-D", "default", "-t", "raw", "-f", "FLOAT_LE", "-c", "2", "-r", "48000",
            ])
            .args(["-d", "1"])
            .arg(&file)
            .status()
            .unwrap();
        assert!(status.success(), "arecord: {status}");
        let heard = xtask::peers::pulse::read_f32(&file).unwrap();
        let sounding = heard
            .iter()
            .position(|sample| *sample != 0.0)
            .expect("only silence");
        let middle = &heard[sounding..][4_800..5_056];
        let same = played.windows(middle.len()).any(|window| window == middle);
        assert!(same, "what arecord heard was not played");
    });
}

#[test]
fn servers_run_side_by_side_and_leave_nothing() {
    served(|| {
        let (first, second) = (
            Jack::start(JackOptions::default()).unwrap(),
            Jack::start(JackOptions::default()).unwrap(),
        );
        let pulse = PulseAudio::start().unwrap();
        assert_ne!(first.name(), second.name());
        let pids = [first.pid(), second.pid(), pulse.pid()];
        drop((first, second, pulse));
        for pid in pids {
            assert!(
                fs::metadata(format!("/proc/{pid}")).is_err(),
                "process {pid} is still there"
            );
        }
    });
}
