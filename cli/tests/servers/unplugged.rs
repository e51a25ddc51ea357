//! A device of PulseAudio that was named is unplugged, and comes back.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;
use xtask::peers::pulse::{Pacat, Parec};
use xtask::servers::PulseAudio;

use crate::faults::longest_silence;
use crate::program::{Ossicle, Outcome};
use crate::pulse::LIMIT;
use crate::sound::{RATE, read_wav, write_wav};

const SINK: &str =
    "module-null-sink sink_name=usb format=float32le rate=48000 channels=2 norewinds=1";
/// How long it is away.
const AWAY: Duration = Duration::from_secs(2);
/// What sounds at the device that was named, and at the other.
const NAMED: f32 = -0.5;
const OTHER: f32 = 0.25;

fn steady(value: f32) -> Vec<f32> {
    vec![value; 2 * 30 * RATE]
}

fn word<'a>(event: &'a Value, key: &str) -> &'a str {
    event[key].as_str().unwrap_or_default()
}

/// What was told of devices.
fn told(outcome: &Outcome) -> Vec<(&str, &str)> {
    let events = outcome.json["events"].as_array().unwrap();
    events
        .iter()
        .map(|event| (word(event, "kind"), word(event, "device")))
        .collect()
}

/// The take has silence of the true length in its place, and nothing of the other source.
#[test]
fn a_source_that_is_named_and_unplugged_is_silent_until_it_is_back() {
    crate::served(|| {
        let server = PulseAudio::start().unwrap();
        let module = server.load(SINK).unwrap();
        let _other = Pacat::play(&server, PulseAudio::MIC_FEED, &steady(OTHER), 2).unwrap();
        let first = Pacat::play(&server, "usb", &steady(NAMED), 2).unwrap();
        sleep(Duration::from_millis(700));
        let file = server.folder().join("take.wav");
        let line = "rec {} --host pulseaudio --device usb.monitor --buffer 256 --channels 2";
        let mut program = Ossicle::start(server.env(), line, &[&file]);
        sleep(Duration::from_secs(2));
        let unplugged = Instant::now();
        server.unload(module).unwrap();
        drop(first);
        sleep(AWAY);
        server.load(SINK).unwrap();
        let _second = Pacat::play(&server, "usb", &steady(NAMED), 2).unwrap();
        let away = unplugged.elapsed().as_secs_f64();
        sleep(Duration::from_secs(3));
        program.terminate();
        let outcome = program.finish(LIMIT).ok();
        let device = "pulseaudio:usb.monitor";
        let due = [("lost", device), ("back", device)];
        assert_eq!(told(&outcome), due, "{}", outcome.json);
        let take = read_wav(&file);
        let other = take.iter().filter(|sample| **sample > 0.0).count();
        assert_eq!(other, 0, "samples of the other source; {}", outcome.json);
        let gap = longest_silence(&take);
        let silent = gap.len() as f64 / RATE as f64;
        println!("away for {away:.3} s, silent for {silent:.3} s");
        // Opened within half a second, and called for the first time within another.
        assert!(
            (away - 0.3..away + 1.2).contains(&silent),
            "{silent} s of {away} s: {}",
            outcome.json
        );
        assert!(take.len() / 2 - gap.end > RATE, "{}", outcome.json);
    });
}

/// What is played is not heard elsewhere meanwhile.
#[test]
fn a_sink_that_is_named_and_unplugged_is_not_replaced_by_another() {
    crate::served(|| {
        let server = PulseAudio::start().unwrap();
        let module = server.load(SINK).unwrap();
        let file = server.folder().join("steady.wav");
        write_wav(&file, &steady(NAMED));
        let speaker = Parec::record(&server, PulseAudio::SPEAKER_MONITOR, 2).unwrap();
        let line = "play {} --host pulseaudio --device usb --buffer 256";
        let mut program = Ossicle::start(server.env(), line, &[&file]);
        sleep(Duration::from_secs(2));
        server.unload(module).unwrap();
        sleep(AWAY);
        server.load(SINK).unwrap();
        sleep(Duration::from_secs(1));
        let usb = Parec::record(&server, "usb.monitor", 2).unwrap();
        sleep(Duration::from_secs(1));
        program.terminate();
        let outcome = program.finish(LIMIT).ok();
        let device = "pulseaudio:usb";
        let due = [("lost", device), ("back", device)];
        assert_eq!(told(&outcome), due, "{}", outcome.json);
        let elsewhere = speaker.finish().unwrap();
        let elsewhere = elsewhere.iter().filter(|sample| **sample != 0.0).count();
        assert_eq!(elsewhere, 0, "samples at the speaker; {}", outcome.json);
        let heard = usb.finish().unwrap();
        let heard = heard.iter().filter(|sample| **sample == NAMED).count();
        assert!(heard > RATE / 2, "{heard} samples; {}", outcome.json);
    });
}

/// Where no device was named the next default is taken, and that is told.
#[test]
fn a_default_source_that_is_unplugged_is_followed_by_the_next() {
    crate::served(|| {
        let server = PulseAudio::start().unwrap();
        let module = server.load(SINK).unwrap();
        let mut pactl = server.tool("pactl");
        let chosen = pactl.args(["set-default-source", "usb.monitor"]).status();
        assert!(chosen.unwrap().success());
        let _other = Pacat::play(&server, PulseAudio::MIC_FEED, &steady(OTHER), 2).unwrap();
        let _first = Pacat::play(&server, "usb", &steady(NAMED), 2).unwrap();
        sleep(Duration::from_millis(700));
        let file = server.folder().join("take.wav");
        let line = "rec {} --host pulseaudio --buffer 256 --channels 2";
        let mut program = Ossicle::start(server.env(), line, &[&file]);
        sleep(Duration::from_secs(2));
        let mut pactl = server.tool("pactl");
        let next = ["set-default-source", PulseAudio::MICROPHONE];
        server.unload(module).unwrap();
        // Which of several is the next default the server chooses; here it is told.
        assert!(pactl.args(next).status().unwrap().success());
        sleep(Duration::from_secs(3));
        program.terminate();
        let outcome = program.finish(LIMIT).ok();
        let due = [("moved", "pulseaudio:usb.monitor")];
        assert_eq!(told(&outcome), due, "{}", outcome.json);
        let take = read_wav(&file);
        let frames = take.len() / 2;
        let heard = take.iter().filter(|sample| **sample == OTHER).count() / 2;
        let gap = longest_silence(&take);
        println!(
            "{frames} frames, {heard} of the other, {} silent",
            gap.len()
        );
        assert!(heard > 2 * RATE, "{heard} frames; {}", outcome.json);
        assert!(gap.len() < RATE, "{gap:?}; {}", outcome.json);
    });
}
