//! `ossicle tune`.

use std::f64::consts::TAU;

use crate::call::ossicle;
use crate::sound::{text, write_f32};

/// A second of a tone with three harmonics, then a second of another, in a stereo file.
fn two_notes(folder: &std::path::Path, hz: [f64; 2]) -> std::path::PathBuf {
    let path = folder.join("notes.wav");
    let mut samples = Vec::new();
    for hz in hz {
        for frame in 0..44_100 {
            let turns = hz / 44_100.0 * f64::from(frame);
            let tone = (1..=3).map(|n| (TAU * turns * f64::from(n)).sin() / f64::from(n));
            let sample = tone.sum::<f64>() as f32 * 0.3;
            samples.extend([sample, 0.5 * sample]);
        }
    }
    write_f32(&path, 44_100, 2, &samples);
    path
}

fn lines(stdout: &str) -> Vec<serde_json::Value> {
    let parsed = stdout.lines().map(serde_json::from_str);
    parsed
        .map(|line| line.expect("a JSON object in each line"))
        .collect()
}

#[test]
fn a_file_is_read_as_notes_and_cents() {
    let folder = tempfile::tempdir().unwrap();
    // E2 and 10 cents: 82.4069 x 2^(10/1200); A3 less 5: 220 x 2^(-5/1200).
    let (e2, a3) = (
        82.4069 * (10.0f64 / 1200.0).exp2(),
        220.0 * (-5.0f64 / 1200.0).exp2(),
    );
    let file = two_notes(folder.path(), [e2, a3]);
    let ran = ossicle(&["tune", text(&file), "--json"]);
    ran.done();
    let readings = lines(&ran.stdout);
    let at = |second: f64, until: f64| {
        let within = readings.iter().filter(move |reading| {
            let time = reading["time_s"].as_f64().unwrap();
            (second..until).contains(&time)
        });
        within.collect::<Vec<_>>()
    };
    for (readings, note, cents, hz) in [
        (at(0.3, 1.0), "E2", 10.0, e2),
        (at(1.3, 2.0), "A3", -5.0, a3),
    ] {
        assert!(readings.len() > 5, "{note}: {ran:?}");
        for reading in readings {
            assert_eq!(reading["note"], note, "{reading}");
            assert!(
                (reading["cents"].as_f64().unwrap() - cents).abs() < 0.02,
                "{reading}"
            );
            assert!(
                (reading["frequency_hz"].as_f64().unwrap() - hz).abs() < 0.003,
                "{reading}"
            );
        }
    }
}

#[test]
fn without_a_screen_each_change_is_a_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = two_notes(folder.path(), [110.0, 147.5]);
    let ran = ossicle(&["tune", text(&file), "--tuning", "A2 D3", "--a4", "440"]);
    ran.done();
    assert_eq!(ran.stderr, "");
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!((2..8).contains(&lines.len()), "{ran:?}");
    assert!(
        lines[0].contains("A2") && lines[0].ends_with("in tune"),
        "{ran:?}"
    );
    // D3 is 146.83 Hz: 147.5 is 7.9 cents sharp.
    let last = lines[lines.len() - 1];
    assert!(
        last.contains("D3") && last.contains("+7.9 cents  sharp"),
        "{ran:?}"
    );
}

#[test]
fn another_a4_and_a_shorter_time_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    let file = two_notes(folder.path(), [432.0, 110.0]);
    let ran = ossicle(&[
        "tune",
        text(&file),
        "--a4",
        "432",
        "--for",
        "500ms",
        "--json",
    ]);
    ran.done();
    let readings = lines(&ran.stdout);
    assert!(
        readings.iter().all(|reading| reading["note"] == "A4"),
        "{ran:?}"
    );
    assert!(
        readings
            .iter()
            .all(|reading| reading["time_s"].as_f64().unwrap() <= 0.5)
    );
    assert!(readings.last().unwrap()["cents"].as_f64().unwrap().abs() < 0.01);
}

#[test]
fn silence_from_a_device_is_no_note() {
    let ran = ossicle(&["tune", "--host", "null", "--for", "300ms", "--json"]);
    ran.done();
    assert_eq!(ran.stdout, "");
}

#[test]
fn what_cannot_be_tuned_is_refused() {
    for (arguments, exit, told) in [
        (&["--a4", "500"][..], 1, "400 to 480 Hz"),
        (&["--tuning", "gitar"], 1, "nearest is guitar"),
        (&["--tuning", ""], 1, "0 notes"),
        (&["missing.wav"], 2, "missing.wav"),
        (&["missing.wav", "--host", "null"], 1, "--host"),
        (
            &["--host", "null", "--in", "no such device"],
            3,
            "no such device",
        ),
    ] {
        let ran = ossicle(&[&["tune"][..], arguments].concat());
        assert!(ran.failed(exit).contains(told), "{arguments:?}: {ran:?}");
    }
}
