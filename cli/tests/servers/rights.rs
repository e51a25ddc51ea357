//! Who sees to the scheduling of the callbacks, and what `doctor` says of the servers.

use std::fs;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;
use xtask::servers::{Jack, JackOptions, PulseAudio};

use crate::program::Ossicle;
use crate::pulse::LIMIT;

/// Real-time priorities of the threads of a program, as the kernel says; ordinary ones are left out.
pub fn priorities(pid: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    tasks
        .filter_map(|task| fs::read_to_string(task.ok()?.path().join("stat")).ok())
        .filter_map(|stat| {
            // The name, in brackets, may hold spaces. Behind it, the state is field 3 and the
            // real-time priority field 40.
            let (_, fields) = stat.rsplit_once(')')?;
            fields.split_whitespace().nth(40 - 3)?.parse().ok()
        })
        .filter(|&priority| priority > 0)
        .collect()
}

/// Environment that leads to no system bus, and so to no rtkit of this machine.
fn no_rtkit() -> Vec<(String, String)> {
    let nowhere = "unix:path=/nonexistent/bus";
    vec![("DBUS_SYSTEM_BUS_ADDRESS".into(), nowhere.into())]
}

/// `live` with its two streams on threads of the backend: both get what the summary says.
fn both_streams_are_scheduled(host: &str) {
    let server = PulseAudio::start().unwrap();
    let line = format!("live --host {host} --buffer 256 --for 3s");
    let program = Ossicle::start([server.env(), no_rtkit()].concat(), &line, &[]);
    sleep(Duration::from_millis(2_000));
    let priorities = priorities(program.pid());
    let outcome = program.finish(LIMIT).ok();
    let scheduling = outcome.json["realtime"]["scheduling"].as_str().unwrap();
    match scheduling.strip_prefix("fifo ") {
        Some(priority) => {
            let priority: u32 = priority.parse().unwrap();
            assert_eq!(priorities, [priority; 2], "{}", outcome.json);
        }
        None => {
            assert!(scheduling.starts_with("denied: "), "{}", outcome.json);
            assert!(priorities.is_empty(), "{}", outcome.json);
        }
    }
}

#[test]
fn both_streams_of_pulseaudio_are_scheduled_from_outside() {
    crate::served(|| {
        both_streams_are_scheduled("pulseaudio");
    });
}

#[test]
fn both_streams_of_alsa_are_scheduled() {
    crate::served(|| {
        both_streams_are_scheduled("alsa");
    });
}

#[test]
fn on_jack_the_server_sees_to_it_and_doctor_says_its_period() {
    crate::served(|| {
        let server = Jack::start(JackOptions::default()).unwrap();
        let line = "live --host jack --for 500ms";
        let outcome = Ossicle::start(server.env(), line, &[]).finish(LIMIT).ok();
        assert_eq!(outcome.json["realtime"]["scheduling"], "by the server");
        let told = doctor(server.env());
        let jack = told["facts"]["jack"].as_str().unwrap();
        assert!(jack.starts_with("48000 Hz, period 256 frames"), "{told}");
    });
}

#[test]
fn doctor_says_what_pulseaudio_is_and_that_alsa_leads_to_it() {
    crate::served(|| {
        let server = PulseAudio::start().unwrap();
        let told = doctor(server.env());
        let facts = &told["facts"];
        let fact = |name: &str| facts[name].as_str().unwrap();
        assert!(fact("pulseaudio").starts_with("pulseaudio "), "{told}");
        assert!(fact("pulseaudio").contains("48000 Hz"), "{told}");
        assert!(fact("default_device").contains("speaker"), "{told}");
        assert!(
            fact("alsa_default").contains("ALSA <-> PulseAudio"),
            "{told}"
        );
        // It is not the default here, so it is only worth a note.
        let findings = told["findings"].as_array().unwrap();
        let what = "ALSA's default device leads to PulseAudio";
        let finding = findings.iter().find(|finding| finding["what"] == what);
        assert_eq!(finding.unwrap()["severity"], "note", "{told}");
    });
}

fn doctor(env: Vec<(String, String)>) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ossicle"));
    let ran = command.args(["doctor", "--json"]).envs(env).output();
    serde_json::from_slice(&ran.unwrap().stdout).unwrap()
}
