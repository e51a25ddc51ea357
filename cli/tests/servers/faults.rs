//! The PulseAudio server crashes or stands still under `live --record`.

use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use xtask::peers::pulse::Pacat;
use xtask::servers::PulseAudio;

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
}

/// `live --record` at the host, with three seconds of the signal on their way.
fn scene(host: &str) -> Scene {
    let server = PulseAudio::start().unwrap();
    let played = noise(40 * RATE);
    let file = server.folder().join("take.wav");
    let player = Pacat::play(&server, PulseAudio::MIC_FEED, &played, 2).unwrap();
    sleep(Duration::from_millis(700));
    let line = format!("live --host {host} --buffer 256 --channels 2 --record {{}} --tap input");
    let program = Ossicle::start(server.env(), &line, &[&file]);
    sleep(Duration::from_secs(3));
    Scene {
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

/// What the program takes of a core in the quietest of the next three seconds, if it still runs: a
/// virtual machine that is taken away for a moment counts that moment as the program's.
fn assert_idle(program: &mut Ossicle) {
    let mut shares = Vec::new();
    while shares.len() < 3 && program.is_running() {
        shares.push(program.cpu_share(Duration::from_secs(1)));
    }
    println!("shares of a core without a server: {shares:?}");
    let least = shares.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(
        shares.is_empty() || least < SHARE,
        "{shares:?} of a core without a server"
    );
}

fn killed(host: &str) {
    let Scene {
        mut server,
        _player,
        played,
        file,
        mut program,
    } = scene(host);
    server.kill();
    sleep(Duration::from_secs(1));
    assert_idle(&mut program);
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
    } = scene(host);
    server.stop().unwrap();
    sleep(Duration::from_secs(1));
    assert_idle(&mut program);
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
