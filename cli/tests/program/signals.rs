//! Ctrl-C and SIGTERM.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::call::{finish, start};
use crate::sound::{text, write_f32};

/// Sends a signal to the program.
pub fn signal(child: &Child, name: &str) {
    // The shell's own `kill`: a small system has no program of that name.
    let line = format!("kill -s {name} {}", child.id());
    let sent = Command::new("sh").args(["-c", &line]).status().unwrap();
    assert!(sent.success(), "{line}");
}

/// Waits until the file is there and holds a header, so the run has begun.
pub fn wait_for(path: &std::path::Path) {
    for _ in 0..500 {
        if std::fs::metadata(path).is_ok_and(|data| data.len() > 44) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{} was not written", path.display());
}

/// Waits until the program has a file open in the folder that has no name yet.
fn wait_for_nameless(child: &Child, folder: &std::path::Path) {
    let files = format!("/proc/{}/fd", child.id());
    for _ in 0..500 {
        let open = std::fs::read_dir(&files).into_iter().flatten();
        let mut paths = open.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
        if paths.any(|path| path.starts_with(folder) && !path.ends_with("in.wav")) {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("nothing was begun in {}", folder.display());
}

#[test]
fn a_signal_ends_a_recording_in_order() {
    let folder = tempfile::tempdir().unwrap();
    for (name, command) in [
        ("INT", "rec"),
        ("TERM", "rec"),
        ("INT", "live"),
        ("TERM", "live"),
    ] {
        let out = folder.path().join(format!("{name}-{command}.wav"));
        let child = match command {
            "rec" => start(&["rec", text(&out), "--host", "null", "--json"]),
            _ => start(&["live", "--record", text(&out), "--host", "null", "--json"]),
        };
        wait_for(&out);
        std::thread::sleep(Duration::from_millis(300));
        signal(&child, name);
        let json = finish(child).json();
        let frames = json["frames"].as_u64().unwrap();
        assert!(frames > 4800, "{json}");
        assert_eq!(
            u64::from(hound::WavReader::open(&out).unwrap().duration()),
            frames,
            "{name}"
        );
    }
}

#[test]
fn a_signal_ends_a_loop_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let wav = folder.path().join("in.wav");
    write_f32(&wav, 48_000, 1, &[0.25; 4800]);
    let child = start(&["play", text(&wav), "--loop", "--host", "null", "--json"]);
    std::thread::sleep(Duration::from_millis(700));
    signal(&child, "INT");
    assert!(finish(child).json()["frames"].as_u64().unwrap() > 4800);
}

#[test]
fn an_interrupted_render_ends_with_130_and_says_how_far_it_came() {
    let folder = tempfile::tempdir().unwrap();
    let (wav, out) = (folder.path().join("in.wav"), folder.path().join("out.wav"));
    // Long enough for every machine: at one frame a block this takes minutes.
    write_f32(&wav, 48_000, 1, &vec![0.25; 20_000_000]);
    let fx = ["gain"; 40].join("|");
    let child = start(&[
        "render",
        text(&wav),
        text(&out),
        "--block",
        "1",
        "--fx",
        &fx,
        "--json",
    ]);
    wait_for_nameless(&child, folder.path());
    signal(&child, "TERM");
    let ran = finish(child);
    let message = ran.failed(130);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(json["error"]["exit"], 130);
    let frames = hound::WavReader::open(&out).unwrap().duration();
    assert!(
        message.contains(&format!("the first {frames} frames")),
        "{message}: {frames}"
    );
}

#[test]
fn a_signal_that_comes_doubled_is_one_wish_and_a_later_one_ends_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("take.wav");
    let child = start(&["rec", text(&out), "--host", "null", "--json"]);
    wait_for(&out);
    std::thread::sleep(Duration::from_millis(300));
    signal(&child, "INT");
    signal(&child, "INT");
    assert!(finish(child).json()["frames"].as_u64().unwrap() > 4800);
}

#[test]
fn a_second_wish_ends_a_program_that_hangs() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("take.wav");
    // A full pipe that nobody reads holds the program in the middle of its summary.
    let (_reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(&[b'.'; 65_536]).unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_ossicle"))
        .args(["rec", text(&out), "--host", "null", "--for", "100ms"])
        .stdout(writer)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for(&out);
    std::thread::sleep(Duration::from_millis(1000));
    signal(&child, "TERM");
    std::thread::sleep(Duration::from_millis(900));
    signal(&child, "TERM");
    let ran = finish(child);
    assert!(ran.failed(130).contains("interrupted again"), "{ran:?}");
}
