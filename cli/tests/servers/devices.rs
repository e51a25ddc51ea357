//! `ossicle devices --watch` beside a recording that must not notice.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;
use xtask::peers::pulse::{Pacat, Parec};
use xtask::servers::PulseAudio;

use crate::program::Ossicle;
use crate::pulse::LIMIT;
use crate::sound::{RATE, account, noise, read_wav};

/// Frames of the recording.
const RUN: usize = 7 * RATE;

#[test]
fn a_name_that_fits_two_devices_is_refused_with_both() {
    let server = PulseAudio::start().unwrap();
    for name in ["sink_name=twin_one", "sink_name=twin_two"] {
        let load = ["load-module", "module-null-sink", name];
        assert!(server.tool("pactl").args(load).status().unwrap().success());
    }
    let check = |device: &str| {
        let line = [
            "rec",
            "--host",
            "pulseaudio",
            "--for",
            "0.1s",
            "--device",
            device,
        ];
        let mut program = Command::new(env!("CARGO_BIN_EXE_ossicle"));
        program.envs(server.env()).args(line).output().unwrap()
    };
    let ran = check("twin");
    let told = String::from_utf8(ran.stderr).unwrap();
    assert_eq!(ran.status.code(), Some(3), "{told}");
    for id in ["pulseaudio:twin_one.monitor", "pulseaudio:twin_two.monitor"] {
        assert!(told.contains(id), "{told}");
    }
    let ran = check("twin_one.monitor");
    assert!(ran.status.success(), "{ran:?}");
}

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

/// Another sink becomes the default while the first still runs, then another source: each is followed
/// once, and heard.
#[test]
fn another_default_device_is_followed_while_the_old_one_runs() {
    crate::served(|| {
        let server = PulseAudio::start().unwrap();
        let pactl = |words: &str| {
            let status = server
                .tool("pactl")
                .args(words.split(' '))
                .status()
                .unwrap();
            assert!(status.success(), "pactl {words}");
        };
        for name in ["phones", "line"] {
            let shape = "format=float32le rate=48000 channels=2 norewinds=1";
            pactl(&format!(
                "load-module module-null-sink sink_name={name} {shape}"
            ));
        }
        let played = noise(30 * RATE);
        let _mic = Pacat::play(&server, PulseAudio::MIC_FEED, &played, 2).unwrap();
        let _line = Pacat::play(&server, "line", &played, 2).unwrap();
        sleep(Duration::from_millis(700));
        let line = "live --host pulseaudio --buffer 256 --channels 2";
        let mut program = Ossicle::start(server.env(), line, &[]);
        sleep(Duration::from_secs(2));
        pactl("set-default-sink phones");
        sleep(Duration::from_secs(2));
        pactl("set-default-source line.monitor");
        sleep(Duration::from_secs(2));
        let phones = Parec::record(&server, "phones.monitor", 2).unwrap();
        sleep(Duration::from_secs(1));
        program.terminate();
        let outcome = program.finish(LIMIT).ok();
        let heard = phones.finish().unwrap();
        let sounding = heard.iter().filter(|sample| **sample != 0.0).count() / 2;
        assert!(sounding > RATE / 4, "{sounding} frames were heard");
        let events = outcome.json["events"].as_array().unwrap();
        let told: Vec<_> = events
            .iter()
            .map(|event| (&event["kind"], &event["device"], event["position"].as_u64()))
            .collect();
        let [(first, from, at), (second, from_too, later)] = told[..] else {
            panic!("{}", outcome.json)
        };
        assert_eq!((first, second), (&"moved".into(), &"moved".into()));
        assert_eq!(from, "pulseaudio:speaker");
        assert_eq!(from_too, &format!("pulseaudio:{}", PulseAudio::MICROPHONE));
        // Two seconds after the start, and two more: within half a second each.
        let rate = RATE as u64;
        assert!(
            at.is_some_and(|at| (rate..4 * rate).contains(&at)),
            "{told:?}"
        );
        assert!(later > at.map(|at| at + rate), "{told:?}");
    });
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
