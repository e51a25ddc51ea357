//! `ossicle devices --watch` beside a recording that must not notice.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;
use xtask::peers::pulse::Pacat;
use xtask::servers::PulseAudio;

use crate::program::Ossicle;
use crate::pulse::LIMIT;
use crate::sound::{RATE, account, noise, read_wav};

/// Frames of the recording.
const RUN: usize = 7 * RATE;

/// Loads a null sink, and unloads it; the server needs a moment for each.
fn plug_and_unplug(server: &PulseAudio) {
    let module = server
        .tool("pactl")
        .args(["load-module", "module-null-sink", "sink_name=plugged"])
        .output()
        .unwrap();
    let module = String::from_utf8(module.stdout).unwrap();
    sleep(Duration::from_millis(1500));
    let unload = ["unload-module", module.trim()];
    let status = server.tool("pactl").args(unload).status().unwrap();
    assert!(status.success(), "module {module:?}");
    sleep(Duration::from_millis(1500));
}

/// The lines that came, as event and id.
fn events(lines: impl Iterator<Item = String>) -> Vec<(String, String)> {
    lines
        .map(|line| {
            let json: Value = serde_json::from_str(&line).expect(&line);
            let word = |value: &Value| value.as_str().unwrap().to_owned();
            (word(&json["event"]), word(&json["device"]["id"]))
        })
        .collect()
}

#[test]
fn what_is_plugged_and_unplugged_is_told_and_a_recording_does_not_notice() {
    crate::served(|| {
        let server = PulseAudio::start().unwrap();
        let played = noise(RUN + 8 * RATE);
        let file = server.folder().join("take.wav");
        let _player = Pacat::play(&server, PulseAudio::MIC_FEED, &played, 2).unwrap();
        sleep(Duration::from_millis(700));
        let line = "rec {} --host pulseaudio --buffer 256 --channels 2 --rate 48000 --for 7s";
        let recorder = Ossicle::start(server.env(), line, &[&file]);
        let mut watch = Command::new(env!("CARGO_BIN_EXE_ossicle"))
            .args(["devices", "--watch", "--json", "--host", "pulseaudio"])
            .args(["--for", "6s"])
            .envs(server.env())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        sleep(Duration::from_millis(1000));
        plug_and_unplug(&server);
        assert!(watch.wait().unwrap().success());
        let outcome = recorder.finish(LIMIT).ok();

        let told = events(
            BufReader::new(watch.stdout.take().unwrap())
                .lines()
                .map(Result::unwrap),
        );
        let of = |event: &str| -> Vec<&str> {
            let of_event = told.iter().filter(|(known, _)| known == event);
            of_event.map(|(_, id)| id.as_str()).collect()
        };
        let speaker = format!("pulseaudio:{}", PulseAudio::SPEAKER);
        assert!(of("present").contains(&speaker.as_str()), "{told:?}");
        let both = ["pulseaudio:plugged", "pulseaudio:plugged.monitor"];
        assert_eq!(of("came"), both, "{told:?}");
        assert_eq!(of("went"), both, "{told:?}");
        assert_eq!(of("changed"), [""; 0], "{told:?}");

        let heard = account(&read_wav(&file), &played).unwrap();
        assert_eq!(heard.heard, RUN, "{heard:?} {}", outcome.json);
        assert_eq!(outcome.count("xruns"), 0, "{}", outcome.json);
        assert_eq!(outcome.count("overrun_frames"), 0, "{}", outcome.json);
    });
}
