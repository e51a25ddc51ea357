//! When recordings begin, pause and end, on the device that is paced by the clock alone.
//!
//! What `play` hears is known to the sample, so that of a recording is too.

use std::path::Path;

use serde_json::Value;

use crate::call::{Ran, finish, ossicle, start};
use crate::signals::{signal, wait_for};
use crate::sound::{bits, noise, read_f32, text, write_f32};

/// Noise of two channels at 48 kHz: below -60 dBFS, within -6 dBFS from 1 s to 1.5 s, below again.
fn quiet_loud_quiet(path: &Path) -> Vec<f32> {
    let mut samples = noise(5, 2 * 144_000);
    for (at, sample) in samples.iter_mut().enumerate() {
        match at / 2 {
            48_000..72_000 => {}
            _ => *sample /= 1024.0,
        }
    }
    write_f32(path, 48_000, 2, &samples);
    samples
}

/// The first frame with a sample of at least this magnitude.
fn first_loud(samples: &[f32], magnitude: f32) -> usize {
    let loud = samples.iter().position(|sample| sample.abs() >= magnitude);
    loud.unwrap() / 2
}

fn take(ran: &Ran, number: usize) -> Value {
    let json = ran.json();
    json["takes"][number].clone()
}

#[test]
fn sound_begins_a_recording_with_every_frame_of_the_preroll() {
    let folder = tempfile::tempdir().unwrap();
    let wav = folder.path().join("in.wav");
    let (wet, dry) = (folder.path().join("wet.wav"), folder.path().join("dry.wav"));
    let samples = quiet_loud_quiet(&wav);
    // The first take decides, and it is louder by a power of two.
    let ran = ossicle(&[
        "play",
        text(&wav),
        "--host",
        "null",
        "--fx",
        "gain:gain=6.0205999132796239dB",
        "--record",
        text(&wet),
        "--dry",
        text(&dry),
        "--on-sound",
        "-20dBFS",
        "--preroll",
        "0.3s",
        "--until-silence",
        "200ms@-40dBFS",
        "--json",
    ]);
    let begin = first_loud(&samples, 0.05) - 14_400;
    let (first, second) = (take(&ran, 0), take(&ran, 1));
    assert_eq!(first["stream_position"], begin, "{first}");
    assert_eq!(second["stream_position"], begin, "{second}");
    // -40 dBFS after a gain of 2.
    let loud = samples.iter().rposition(|sample| sample.abs() >= 0.005);
    let end = loud.unwrap() / 2 + 1 + 9600;
    let (wet, dry) = (read_f32(&wet), read_f32(&dry));
    assert_eq!(wet.len() / 2, end - begin, "{first}");
    assert_eq!(first["frames"], end - begin);
    let louder: Vec<f32> = samples[2 * begin..2 * end]
        .iter()
        .map(|sample| 2.0 * sample)
        .collect();
    assert_eq!(bits(&wet), bits(&louder));
    // What is heard goes on, and so does the other take.
    assert!(dry.len() >= 2 * (144_000 - begin), "{second}");
    assert_eq!(
        bits(&dry[..2 * (144_000 - begin)]),
        bits(&samples[2 * begin..])
    );
}

#[test]
fn rec_ends_by_itself_and_waits_before() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("take.wav");
    // No sound comes: the key or the signal begins. Its time is counted from there.
    let child = start(&[
        "rec",
        text(&out),
        "--host",
        "null",
        "--channels",
        "1",
        "--on-sound",
        "-40",
        "--for",
        "9600f",
        "--json",
    ]);
    std::thread::sleep(std::time::Duration::from_millis(700));
    assert!(!out.exists());
    signal(&child, "USR2");
    let ran = finish(child);
    let take = take(&ran, 0);
    assert_eq!(take["frames"], 9600, "{ran:?}");
    assert_eq!(read_f32(&out).len(), 9600);
    assert!(take["begun_after_ms"].is_number(), "{take}");
    assert!(
        ran.stderr.contains("waits for sound of -40 dBFS"),
        "{ran:?}"
    );
}

#[test]
fn a_recording_that_never_began_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("take.wav");
    let child = start(&[
        "rec",
        text(&out),
        "--host",
        "null",
        "--preroll",
        "10s",
        "--json",
    ]);
    std::thread::sleep(std::time::Duration::from_millis(700));
    let how = format!("waits for SIGUSR2 (kill -USR2 {})", child.id());
    signal(&child, "TERM");
    let ran = finish(child);
    let take = take(&ran, 0);
    assert!(
        take["stream_position"].is_null() && take["frames"] == 0,
        "{take}"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let words = format!("{how}; begins with the 10 s before it");
    assert!(ran.stderr.contains(&words), "{ran:?}");
}

#[test]
fn a_pause_leaves_out_what_it_says_and_marks_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("take.wav");
    let child = start(&["rec", text(&out), "--host", "null", "--json"]);
    wait_for(&out);
    let wait = || std::thread::sleep(std::time::Duration::from_millis(250));
    for name in ["USR1", "USR2", "USR1", "USR2", "USR1", "TERM"] {
        wait();
        signal(&child, name);
    }
    let ran = finish(child);
    let (json, take) = (ran.json(), take(&ran, 0));
    let pause = &take["pauses"][0];
    assert_eq!(take["pauses"].as_array().unwrap().len(), 1, "{take}");
    let left_out = pause["frames"].as_u64().unwrap();
    assert!(left_out > 0, "{take}");
    let frames = take["frames"].as_u64().unwrap();
    assert_eq!(json["file_frames"], frames);
    assert_eq!(json["frames"], frames + left_out, "{json}");
    assert_eq!(pause["position"], pause["stream_position"], "{take}");
    assert_eq!(
        u64::from(hound::WavReader::open(&out).unwrap().duration()),
        frames
    );
    // What was marked in the pause stands where it was.
    let markers = take["markers"].as_array().unwrap();
    let texts: Vec<&str> = markers
        .iter()
        .map(|marker| marker["text"].as_str().unwrap())
        .collect();
    assert_eq!(texts, ["mark 1", "mark 2", "mark 3"], "{take}");
    assert_eq!(markers[1]["position"], pause["position"], "{take}");
    let bytes = std::fs::read(&out).unwrap();
    let has = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    assert!(has(b"cue ") && has(b"mark 3"));
}

#[test]
fn what_was_waited_for_is_no_length_of_the_recording() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("take.wav");
    let child = start(&["rec", text(&out), "--host", "null", "--preroll", "10s"]);
    std::thread::sleep(std::time::Duration::from_millis(700));
    signal(&child, "TERM");
    let ran = finish(child);
    assert!(
        ran.stdout.starts_with("recorded 0:00.000 (0 frames, "),
        "{ran:?}"
    );
    assert!(ran.stdout.contains("take.wav was not begun"), "{ran:?}");
}

#[test]
fn how_to_record_wants_something_to_record_to() {
    for options in [
        &["--on-sound", "-40dBFS"][..],
        &["--preroll", "3s"],
        &["--until-silence", "3s@-50dBFS"],
        &["--split", "30m"],
        &["--spill", "/tmp"],
        &["--tag", "scene=1"],
    ] {
        for command in [&["rec", "--host", "null"][..], &["live", "--host", "null"]] {
            let ran = ossicle(&[command, options].concat());
            assert!(ran.failed(1).starts_with(options[0]), "{ran:?}");
        }
    }
    for (option, value, told) in [
        ("--on-sound", "6dBFS", "0 dBFS at most"),
        ("--on-sound", "loud", "dBFS"),
        ("--until-silence", "3s", "3s@-50dBFS"),
        ("--split", "10Gib", "2GiB"),
        ("--preroll", "2:00:00", "3600 s"),
        ("--memory", "0s", "1 s to 3600 s"),
        ("--checkpoint", "48000f", "250ms"),
        ("--tag", "artist=me", "title=TEXT"),
    ] {
        let ran = ossicle(&["rec", "take.wav", "--host", "null", option, value]);
        let line = ran.failed(1);
        assert!(line.contains(value) && line.contains(told), "{line}");
    }
}
