//! Single keys on a terminal: `script` gives the program one.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::call::finish;
use crate::signals::wait_for;
use crate::sound::text;

/// Runs a shell's line on a terminal whose keys come from standard input.
fn on_a_terminal(line: &str) -> Child {
    Command::new("script")
        .args(["-qec", line, "/dev/null"])
        .env("SHELL", "/bin/sh")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn keys_mark_pause_and_end_and_leave_the_terminal_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let (out, json) = (folder.path().join("take.wav"), folder.path().join("json"));
    let [before, during, after] =
        ["before", "during", "after"].map(|name| folder.path().join(name));
    let line = format!(
        "stty -a > {}; (until [ -e {} ]; do sleep 0.05; done; stty -a < /dev/tty > {}) & \
         {} rec {} --host null --json > {}; stty -a > {}",
        text(&before),
        text(&out),
        text(&during),
        env!("CARGO_BIN_EXE_ossicle"),
        text(&out),
        text(&json),
        text(&after)
    );
    let mut child = on_a_terminal(&line);
    let mut keys = child.stdin.take().unwrap();
    wait_for(&out);
    let mut press = |key: &str| {
        std::thread::sleep(Duration::from_millis(250));
        keys.write_all(key.as_bytes()).unwrap();
        keys.flush().unwrap();
    };
    for key in ["m", "x", "p", "p", "M"] {
        press(key);
    }
    std::thread::sleep(Duration::from_millis(250));
    press("q");
    finish(child).done();
    let read = |path| std::fs::read_to_string(path).unwrap();
    assert_eq!(read(&before), read(&after));
    assert!(read(&during).contains("-icanon"), "{}", read(&during));
    let json: serde_json::Value = serde_json::from_str(&read(&json)).unwrap();
    let take = &json["takes"][0];
    assert_eq!(take["markers"].as_array().unwrap().len(), 2, "{take}");
    assert_eq!(take["pauses"].as_array().unwrap().len(), 1, "{take}");
}

#[test]
fn a_recording_that_waits_says_by_which_key_it_begins() {
    let folder = tempfile::tempdir().unwrap();
    let (out, said) = (folder.path().join("take.wav"), folder.path().join("said"));
    let line = format!(
        "{} rec {} --host null --preroll 2s 2> {}",
        env!("CARGO_BIN_EXE_ossicle"),
        text(&out),
        text(&said)
    );
    let mut child = on_a_terminal(&line);
    let mut keys = child.stdin.take().unwrap();
    let read = || std::fs::read_to_string(&said).unwrap_or_default();
    let began = std::time::Instant::now();
    while !read().contains("waits for key p or SIGUSR2") {
        if began.elapsed() > Duration::from_secs(20) {
            // Nothing is left running.
            keys.write_all(b"q").unwrap();
            finish(child).done();
            panic!("{}", read());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    keys.write_all(b"p").unwrap();
    wait_for(&out);
    keys.write_all(b"q").unwrap();
    finish(child).done();
}
