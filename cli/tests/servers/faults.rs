//! The PulseAudio server crashes or stands still under `live --record`.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

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
    let away = killed.elapsed();
    let recorder = Parec::record(&server, PulseAudio::SPEAKER_MONITOR, 2).unwrap();
    sleep(Duration::from_secs(4));
    program.terminate();
    let wall = began.elapsed();
    let outcome = program.finish(END).ok();
    let heard = recorder.finish().unwrap();
    assert_goes_on(&read_wav(&file), &heard, &outcome, [wall, away]);
}

/// Behind a gap of two seconds or more the take goes on, as long as the run; and it is heard.
fn assert_goes_on(take: &[f32], heard: &[f32], outcome: &Outcome, [wall, away]: [Duration; 2]) {
    let told = format!("{} {}", outcome.json, outcome.stderr);
    let events = outcome.json["events"].as_array().unwrap();
    for kind in ["lost", "back"] {
        assert!(events.iter().any(|event| event["kind"] == kind), "{told}");
    }
    let frames = take.len() / 2;
    assert_eq!(frames, outcome.count("file_frames"), "{told}");
    // The take is as long as the run, but for the time until the device was open.
    let run = (wall.as_secs_f64() * RATE as f64) as usize;
    let is_whole = frames < run + RATE / 4 && frames + 3 * RATE / 2 > run;
    assert!(is_whole, "{frames} frames of {run}: {told}");
    let longest = longest_silence(take);
    // Sound comes back within a second of what it comes from.
    let most = ((away.as_secs_f64() + 1.0) * RATE as f64) as usize;
    let is_gap = (2 * RATE..most).contains(&longest);
    assert!(is_gap, "a gap of {longest} frames, at most {most}: {told}");
    let tail = &take[take.len() - RATE..];
    assert!(longest_silence(tail) < RATE / 4, "{told}");
    let sounding = heard.iter().filter(|sample| **sample != 0.0).count() / 2;
    assert!(sounding > RATE, "{sounding} frames were heard: {told}");
}

/// Frames of the longest run of silence.
fn longest_silence(samples: &[f32]) -> usize {
    let (mut longest, mut run) = (0, 0);
    for frame in samples.chunks_exact(2) {
        run = if frame == [0.0, 0.0] { run + 1 } else { 0 };
        longest = longest.max(run);
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
        wait_for_port(&server, "ossicle:out_2", APPEAR).unwrap();
        source.go().unwrap();
        let away = killed.elapsed();
        sleep(Duration::from_secs(4));
        program.terminate();
        let wall = began.elapsed();
        let outcome = program.finish(END).ok();
        let take = read_wav(&file);
        // What it would play to is the dummy card; that it is connected and called is what the take says.
        assert_goes_on(&take, &take, &outcome, [wall, away]);
    });
}
