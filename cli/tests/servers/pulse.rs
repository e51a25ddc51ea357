//! PulseAudio, natively: 10 s of play, rec and live at 256 frames.

use std::thread::sleep;
use std::time::Duration;

use xtask::peers::pulse::{Pacat, Parec};
use xtask::servers::PulseAudio;

use crate::program::Ossicle;
use crate::sound::{RATE, account, noise, read_wav, write_wav};

/// Frames of the runs that are asked for by `--for 10s`.
const RUN: usize = 10 * RATE;
/// Longest that a run of 10 s may take.
pub const LIMIT: Duration = Duration::from_secs(40);
/// Runs of a test that a busy machine may spoil without a word.
const PLAY_RUNS: usize = 3;

/// `play` at the host: all of the file is heard in order, and silence only where it is owned up.
///
/// The server plays silence without telling where a machine that is busy with something else keeps
/// it or the program waiting; one run of three without that is shown.
pub fn play_is_heard(host: &str) {
    for run in 1..=PLAY_RUNS {
        match played_is_heard(host) {
            Ok(()) => return,
            Err(silence) => eprintln!("run {run} of {PLAY_RUNS}: {silence}"),
        }
    }
    panic!("silence that nobody told of in each of {PLAY_RUNS} runs");
}

/// One run; what the server inserted without a word is an error.
fn played_is_heard(host: &str) -> Result<(), String> {
    let server = PulseAudio::start().unwrap();
    let file = server.folder().join("noise.wav");
    let played = noise(RUN);
    write_wav(&file, &played);
    let recorder = Parec::record(&server, PulseAudio::SPEAKER_MONITOR, 2).unwrap();
    let line = format!("play {{}} --host {host} --buffer 256");
    let outcome = Ossicle::start(server.env(), &line, &[&file])
        .finish(LIMIT)
        .ok();
    sleep(Duration::from_millis(500));
    let told = account(&recorder.finish().unwrap(), &played).unwrap();
    // A device that runs dry throws away what it holds; then it has told of an xrun.
    let all = told.heard + told.replaced;
    assert_eq!((all, told.skipped), (RUN, 0), "{told:?} {}", outcome.json);
    let owned = outcome.count("xruns") > 0 || outcome.count("underrun_frames") > 0;
    assert!(told.replaced == 0 || owned, "{told:?} {}", outcome.json);
    // Of a file its own frames are counted, not the silence between them.
    assert_eq!(outcome.count("frames"), RUN, "{}", outcome.json);
    if told.inserted == 0 || owned {
        return Ok(());
    }
    Err(format!("{told:?} {}", outcome.json))
}

/// `rec` at the host: the file holds what `pacat` played, and every lost frame is counted.
pub fn rec_holds_what_was_played(host: &str) {
    let server = PulseAudio::start().unwrap();
    let played = noise(RUN + 5 * RATE);
    let file = server.folder().join("take.wav");
    let _player = Pacat::play(&server, PulseAudio::MIC_FEED, &played, 2).unwrap();
    sleep(Duration::from_millis(700));
    let line = format!("rec {{}} --host {host} --buffer 256 --channels 2 --rate 48000 --for 10s");
    let outcome = Ossicle::start(server.env(), &line, &[&file])
        .finish(LIMIT)
        .ok();
    let take = read_wav(&file);
    assert_eq!(take.len() / 2, RUN, "frames in the file; {}", outcome.json);
    assert_eq!(outcome.count("frames"), RUN, "{}", outcome.json);
    let told = account(&take, &played).unwrap();
    assert!(told.heard > RUN - RATE, "{told:?} {}", outcome.json);
    assert_eq!(
        told.replaced,
        outcome.count("overrun_frames"),
        "{told:?} {}",
        outcome.json
    );
    assert_eq!(
        (told.inserted, told.skipped),
        (0, 0),
        "{told:?} {}",
        outcome.json
    );
}

/// `live --record` at the host: the raw take holds what `pacat` played, and it is heard.
pub fn live_record_holds_what_was_played(host: &str) {
    let server = PulseAudio::start().unwrap();
    let played = noise(RUN + 5 * RATE);
    let file = server.folder().join("take.wav");
    let _player = Pacat::play(&server, PulseAudio::MIC_FEED, &played, 2).unwrap();
    let recorder = Parec::record(&server, PulseAudio::SPEAKER_MONITOR, 2).unwrap();
    sleep(Duration::from_millis(700));
    let line =
        format!("live --host {host} --buffer 256 --channels 2 --record {{}} --tap input --for 10s");
    let outcome = Ossicle::start(server.env(), &line, &[&file])
        .finish(LIMIT)
        .ok();
    let take = read_wav(&file);
    assert!(
        take.len() / 2 + RATE > RUN,
        "{} frames; {}",
        take.len() / 2,
        outcome.json
    );
    let told = account(&take, &played).unwrap();
    assert!(told.heard > RUN - RATE, "{told:?} {}", outcome.json);
    assert_eq!(
        told.replaced,
        outcome.count("overrun_frames"),
        "{told:?} {}",
        outcome.json
    );
    assert_eq!(
        (told.inserted, told.skipped),
        (0, 0),
        "{told:?} {}",
        outcome.json
    );
    let heard = recorder.finish().unwrap();
    let sounding = heard.iter().filter(|sample| **sample != 0.0).count() / 2;
    assert!(
        sounding > RUN - RATE,
        "only {sounding} frames were heard; {}",
        outcome.json
    );
}

#[test]
fn play_of_ten_seconds_is_heard_bit_for_bit() {
    crate::served(|| {
        play_is_heard("pulseaudio");
    });
}

#[test]
fn rec_of_ten_seconds_holds_what_pacat_played() {
    crate::served(|| {
        rec_holds_what_was_played("pulseaudio");
    });
}

#[test]
fn live_record_of_ten_seconds_holds_what_pacat_played() {
    crate::served(|| {
        live_record_holds_what_was_played("pulseaudio");
    });
}

/// The sink renders 2 s of silence at once, so that what listens to it is called for the first time
/// only then. That is no loss.
#[test]
fn a_sink_that_nobody_plays_to_is_recorded_without_a_word_of_loss() {
    crate::served(|| {
        let server = PulseAudio::start().unwrap();
        let load = "load-module module-null-sink sink_name=lazy format=float32le rate=48000";
        let loaded = server.tool("pactl").args(load.split(' ')).status().unwrap();
        assert!(loaded.success());
        // It begins to render ahead.
        sleep(Duration::from_secs(1));
        let file = server.folder().join("take.wav");
        let line = "rec {} --host pulseaudio --device lazy.monitor --for 3s";
        let outcome = Ossicle::start(server.env(), line, &[&file])
            .finish(LIMIT)
            .ok();
        let begun_ms = outcome.json["takes"][0]["begun_after_ms"].as_f64().unwrap();
        println!("first frame after {begun_ms:.0} ms");
        let events = outcome.json["events"].as_array().unwrap();
        let mut early = events.iter().filter(|event| event["position"] == 0);
        assert!(early.next().is_none(), "{}", outcome.json);
        assert_eq!(
            outcome.json["takes"][0]["gaps"].as_array().unwrap().len(),
            0
        );
        assert_eq!(outcome.count("file_frames"), 3 * RATE);
    });
}
