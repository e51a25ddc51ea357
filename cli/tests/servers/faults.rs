//! The PulseAudio server crashes or stands still under `live --record`.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use xtask::bar;
use xtask::peers::jack::{Signal, Source, wait_for_port};
use xtask::peers::pulse::{Pacat, Parec};
use xtask::servers::{Jack, JackOptions, PulseAudio};

use crate::jack::APPEAR;
use crate::program::{Ossicle, Outcome};
use crate::sound::{RATE, account, noise, read_wav};

/// Longest that an orderly end may take when the server does not answer.
const END: Duration = Duration::from_secs(15);
/// Share of a core that the handling of errors may take.
const SHARE: f64 = 0.01;

struct Scene {
    server: PulseAudio,
    _player: Pacat,
    played: Vec<f32>,
    file: PathBuf,
    program: Ossicle,
    /// When the program was started.
    began: Instant,
}

/// `live --record` at the host, with three seconds of the signal on their way.
fn scene(host: &str) -> Scene {
    let server = PulseAudio::start().unwrap();
    let played = noise(40 * RATE);
    let file = server.folder().join("take.wav");
    let player = Pacat::play(&server, PulseAudio::MIC_FEED, &played, 2).unwrap();
    sleep(Duration::from_millis(700));
    let line = format!("live --host {host} --buffer 256 --channels 2 --record {{}} --tap input");
    let began = Instant::now();
    let program = Ossicle::start(server.env(), &line, &[&file]);
    sleep(Duration::from_secs(3));
    Scene {
        began,
        server,
        _player: player,
        played,
        file,
        program,
    }
}

/// The run ended in order (0) or because its device was gone (3), and the take is a whole file
/// that holds what was played.
///
/// Returns the frames of it that went missing without a trace.
fn assert_true(file: &Path, played: &[f32], outcome: &Outcome) -> usize {
    assert!(matches!(outcome.exit, Some(0 | 3)), "{outcome:?}");
    let take = read_wav(file);
    if outcome.exit == Some(0) {
        assert_eq!(
            take.len() / 2,
            outcome.count("file_frames"),
            "{}",
            outcome.json
        );
    }
    let told = account(&take, played).unwrap();
    assert!(told.heard > RATE, "{told:?} {}", outcome.json);
    told.skipped
}

/// What the program takes of a core in the quietest of the next three seconds, if it still runs, is
/// no more than it took before, and what may go into errors: it goes on, called by a clock. A virtual
/// machine that is taken away for a moment counts that moment as the program's.
fn assert_idle(program: &mut Ossicle, before: f64) {
    let mut shares = Vec::new();
    while shares.len() < 3 && program.is_running() {
        shares.push(program.cpu_share(Duration::from_secs(1)));
    }
    println!("shares of a core: {before} with a server, {shares:?} without");
    let least = shares.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(
        shares.is_empty() || least < before + SHARE,
        "{shares:?} of a core without a server, {before} with it"
    );
}

fn killed(host: &str) {
    let Scene {
        mut server,
        _player,
        played,
        file,
        mut program,
        ..
    } = scene(host);
    let before = program.cpu_share(Duration::from_secs(1));
    server.kill();
    sleep(Duration::from_secs(1));
    assert_idle(&mut program, before);
    program.terminate();
    assert_eq!(assert_true(&file, &played, &program.finish(END)), 0);
}

fn stopped(host: &str) {
    let Scene {
        server,
        _player,
        played,
        file,
        mut program,
        ..
    } = scene(host);
    let before = program.cpu_share(Duration::from_secs(1));
    server.stop().unwrap();
    sleep(Duration::from_secs(1));
    assert_idle(&mut program, before);
    server.cont().unwrap();
    sleep(Duration::from_secs(3));
    program.terminate();
    // A server that wakes up throws away what the queues of its clients cannot hold.
    assert_true(&file, &played, &program.finish(END));
}

fn ended_while_stopped(host: &str) {
    let Scene {
        server,
        _player,
        played,
        file,
        mut program,
        ..
    } = scene(host);
    server.stop().unwrap();
    sleep(Duration::from_secs(1));
    program.terminate();
    assert_eq!(assert_true(&file, &played, &program.finish(END)), 0);
}

/// `live` at 256 frames, and 300 ms during which `stand` is called to stop and to go on somebody.
fn stood_still(stand: impl Fn(&PulseAudio, &Ossicle, bool)) -> (Outcome, f64) {
    let server = PulseAudio::start().unwrap();
    let line = "live --host pulseaudio --buffer 256 --channels 2";
    let mut program = Ossicle::start(server.env(), line, &[]);
    sleep(Duration::from_secs(3));
    let stopped = Instant::now();
    stand(&server, &program, true);
    sleep(Duration::from_millis(300));
    stand(&server, &program, false);
    sleep(Duration::from_secs(3));
    let passed = stopped.elapsed().as_secs_f64();
    program.terminate();
    let outcome = program.finish(END).ok();
    println!("{}", outcome.json);
    (outcome, passed)
}

/// A master that ran dry while its server stood still: the session has the positions of that time, told
/// as frames once, and as an xrun. Behind it the server catches up, and may run dry once or twice more.
#[test]
fn pulse_silence_while_the_server_stood_still_is_told_with_its_length() {
    crate::served(|| {
        let (outcome, _) = stood_still(|server, _, stops| match stops {
            true => server.stop().unwrap(),
            false => server.cont().unwrap(),
        });
        let [dry, xruns] = ["underrun_frames", "xruns"].map(|key| outcome.count(key));
        // Two periods were held; it goes on at the pieces in which it plays, and late each time.
        let length = 14_400 - 3 * 256..14_400 + 3 * 256 * (xruns + 1);
        assert!(length.contains(&dry), "{dry} frames: {}", outcome.json);
        assert!((1..=3).contains(&xruns), "{}", outcome.json);
    });
}

/// A program that is stopped and goes on loses its connection to the server, by the library, and makes
/// another: all the time until then has its positions.
#[test]
fn pulse_time_while_the_program_stood_still_has_its_positions() {
    crate::served(|| {
        let (outcome, passed) = stood_still(|_, program, stops| match stops {
            true => program.stop(),
            false => program.cont(),
        });
        let json = &outcome.json;
        let events = json["events"].as_array().unwrap();
        let of_speaker = |kind: &str| {
            let is_it = |event: &&serde_json::Value| {
                event["kind"] == kind && event["device"] == "pulseaudio:speaker"
            };
            let found: Vec<_> = events.iter().filter(is_it).collect();
            assert_eq!(found.len(), 1, "{kind}: {json}");
            found[0]["position"].as_u64().unwrap() as usize
        };
        let (lost, back) = (of_speaker("lost"), of_speaker("back"));
        assert!(lost <= back, "{json}");
        // Those of 300 ms, and of the time until it was connected again.
        let dry = outcome.count("underrun_frames");
        assert!(dry > 14_400 - 3 * 256, "{dry} frames: {json}");
        let behind = (outcome.count("frames") - lost) as f64 / RATE as f64;
        assert!(
            (behind - passed).abs() < 0.1,
            "{behind} s of {passed} s: {json}"
        );
    });
}

#[test]
fn pulse_server_killed_leaves_a_true_take() {
    crate::served(|| {
        killed("pulseaudio");
    });
}

#[test]
fn alsa_server_killed_leaves_a_true_take() {
    crate::served(|| {
        killed("alsa");
    });
}

#[test]
fn pulse_server_standing_still_leaves_a_true_take() {
    crate::served(|| {
        stopped("pulseaudio");
    });
}

#[test]
fn alsa_server_standing_still_leaves_a_true_take() {
    crate::served(|| {
        stopped("alsa");
    });
}

#[test]
fn pulse_run_ends_while_the_server_stands_still() {
    crate::served(|| {
        ended_while_stopped("pulseaudio");
    });
}

#[test]
fn alsa_run_ends_while_the_server_stands_still() {
    crate::served(|| {
        ended_while_stopped("alsa");
    });
}

/// The server is killed, is away for two seconds, and comes back: so does the sound, and the take goes
/// on behind a gap of the true length.
fn restarted(host: &str) {
    let Scene {
        mut server,
        _player,
        played,
        file,
        mut program,
        began,
    } = scene(host);
    let killed = Instant::now();
    server.kill();
    sleep(Duration::from_secs(2));
    server.restart().unwrap();
    let _player = Pacat::play(&server, PulseAudio::MIC_FEED, &played, 2).unwrap();
    let there = Instant::now();
    let recorder = Parec::record(&server, PulseAudio::SPEAKER_MONITOR, 2).unwrap();
    sleep(Duration::from_secs(4));
    let ended = Instant::now();
    program.terminate();
    let outcome = program.finish(END).ok();
    let heard = recorder.finish().unwrap();
    let times = Times {
        began,
        killed,
        there,
        ended,
    };
    assert_goes_on(host, &read_wav(&file), &heard, &outcome, times);
}

/// When things happened.
#[derive(Clone, Copy, Debug)]
struct Times {
    /// The program was started.
    began: Instant,
    /// The server was killed.
    killed: Instant,
    /// It was there again, and who makes the sound.
    there: Instant,
    /// The end was asked for.
    ended: Instant,
}

/// Behind a gap of the true length the take goes on, as long as the run; and it is heard.
fn assert_goes_on(host: &str, take: &[f32], heard: &[f32], outcome: &Outcome, times: Times) {
    let told = format!("{} {}", outcome.json, outcome.stderr);
    let events = outcome.json["events"].as_array().unwrap();
    for kind in ["lost", "back"] {
        assert!(events.iter().any(|event| event["kind"] == kind), "{told}");
    }
    let frames = take.len() / 2;
    assert_eq!(frames, outcome.count("file_frames"), "{told}");
    let seconds = |frames: usize| frames as f64 / RATE as f64;
    // The take is as long as the run, but for the time until the device was open.
    let run = (times.ended - times.began).as_secs_f64();
    let missing = run - seconds(frames);
    assert!((-0.25..1.5).contains(&missing), "{missing} s: {told}");
    let gap = longest_silence(take);
    let away = (times.there - times.killed).as_secs_f64();
    let back = seconds(gap.len()) - away;
    bar::tell(
        &format!("{host} killed and restarted: sound back when it is there again, at most 1 s"),
        &format!("{back:.3} s"),
        back <= 1.0,
    );
    let is_gap = gap.len() >= 2 * RATE && back <= 1.0;
    assert!(is_gap, "{gap:?}, {back} s after the server: {told}");
    // From where the server was killed until the end there are as many frames as there was time.
    let behind = seconds(frames - gap.start);
    let passed = (times.ended - times.killed).as_secs_f64();
    let off = behind - passed;
    bar::tell(
        &format!("{host} killed and restarted: the gap in the file is off by, at most 0.25 s"),
        &format!("{off:+.3} s"),
        off.abs() < 0.25,
    );
    assert!(off.abs() < 0.25, "{behind} s of {passed} s: {told}");
    let tail = &take[take.len() - RATE..];
    assert!(longest_silence(tail).len() < RATE / 4, "{told}");
    let sounding = heard.iter().filter(|sample| **sample != 0.0).count() / 2;
    assert!(sounding > RATE, "{sounding} frames were heard: {told}");
}

/// Frames of the longest run of silence.
pub fn longest_silence(samples: &[f32]) -> Range<usize> {
    let (mut longest, mut run) = (0..0, 0..0);
    for (at, frame) in samples.chunks_exact(2).enumerate() {
        if frame == [0.0, 0.0] {
            run.end = at + 1;
        } else {
            run = at + 1..at + 1;
        }
        if run.len() > longest.len() {
            longest = run.clone();
        }
    }
    longest
}

#[test]
fn pulse_server_killed_and_restarted_is_taken_back() {
    crate::served(|| {
        restarted("pulseaudio");
    });
}

#[test]
fn jack_server_killed_and_restarted_is_taken_back() {
    crate::served(|| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("take.wav");
        let mut server = Jack::start(JackOptions::default()).unwrap();
        let signal = Signal::Samples(noise(30 * RATE));
        let mut source = Source::start(&server, "player", 2, &signal).unwrap();
        let line = "live --host jack --buffer 256 --channels 2 --in player --record {} --tap input";
        let began = Instant::now();
        let mut program = Ossicle::start(server.env(), line, &[&file]);
        wait_for_port(&server, "ossicle:out_2", APPEAR).unwrap();
        source.go().unwrap();
        sleep(Duration::from_secs(3));
        let killed = Instant::now();
        server.kill();
        sleep(Duration::from_secs(2));
        server.restart().unwrap();
        let mut source = Source::start(&server, "player", 2, &signal).unwrap();
        source.go().unwrap();
        let there = Instant::now();
        sleep(Duration::from_secs(4));
        let ended = Instant::now();
        program.terminate();
        let outcome = program.finish(END).ok();
        let take = read_wav(&file);
        let times = Times {
            began,
            killed,
            there,
            ended,
        };
        // What it would play to is the dummy card; that it is connected and called is what the take says.
        assert_goes_on("jack", &take, &take, &outcome, times);
    });
}
