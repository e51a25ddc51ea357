//! `ossicle info --loudness`, `ossicle render --loudness` and `ossicle meter`.

use std::path::Path;

use crate::call::ossicle;
use crate::sound::{folder_with_noise, noise, read_f32, text, write_f32};

const RATE_HZ: u32 = 48_000;

/// So many seconds of 1 kHz in both channels.
fn tone(path: &Path, level_dbfs: f64, seconds: u32) {
    let amplitude = 10f64.powf(level_dbfs / 20.0);
    let turn = std::f64::consts::TAU * 1000.0 / f64::from(RATE_HZ);
    let sample = |frame: u32| (amplitude * (turn * f64::from(frame)).sin()) as f32;
    let samples: Vec<f32> = (0..seconds * RATE_HZ)
        .flat_map(|frame| [sample(frame); 2])
        .collect();
    write_f32(path, RATE_HZ, 2, &samples);
}

#[track_caller]
fn near(value: &serde_json::Value, want: f64, within: f64) {
    let got = value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"));
    assert!(
        (got - want).abs() <= within,
        "{got}, not {want} within {within}"
    );
}

#[test]
fn a_tone_is_measured_as_bs_1770_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tone.wav");
    tone(&path, -23.0, 5);
    let json = ossicle(&["info", text(&path), "--loudness", "--json"]).json();
    // The weighting at 1 kHz is 0.698 dB, less 0.691 that is taken off.
    near(&json["integrated_lufs"], -22.993, 0.005);
    near(&json["max_momentary_lufs"], -22.993, 0.005);
    near(&json["max_short_term_lufs"], -22.993, 0.005);
    near(&json["lra_lu"], 0.0, 0.01);
    // The tone's end is a step, beside which the wave between the samples rises.
    near(&json["true_peak_dbtp"], -23.0, 0.05);
    near(&json["sample_peak_dbfs"], -23.0, 0.01);
    let ran = ossicle(&["info", text(&path), "--loudness"]);
    ran.done();
    let line = "loudness  -23.0 LUFS, range 0.0 LU, true peak -23.0 dBTP, sample peak -23.0 dBFS";
    assert!(
        ran.stdout.lines().any(|told| told == line),
        "{}",
        ran.stdout
    );
}

#[test]
fn without_being_asked_nothing_is_measured() {
    let (_folder, noise, _) = folder_with_noise(2, 24_000);
    let json = ossicle(&["info", text(&noise), "--json"]).json();
    assert!(json.get("integrated_lufs").is_none(), "{json}");
}

#[test]
fn silence_and_what_is_short_has_null() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("silence.wav");
    write_f32(&path, RATE_HZ, 1, &vec![0.0; 4 * RATE_HZ as usize]);
    let json = ossicle(&["info", text(&path), "--loudness", "--json"]).json();
    for key in [
        "integrated_lufs",
        "lra_lu",
        "true_peak_dbtp",
        "sample_peak_dbfs",
    ] {
        assert_eq!(json.get(key), Some(&serde_json::Value::Null), "{key}");
    }
    write_f32(&path, RATE_HZ, 1, &noise(1, 9600));
    let json = ossicle(&["info", text(&path), "--loudness", "--json"]).json();
    assert!(json["integrated_lufs"].is_null() && json["true_peak_dbtp"].is_number());
    let ran = ossicle(&["info", "nowhere.wav", "--loudness"]);
    assert!(ran.failed(2).starts_with("nowhere.wav: "), "{ran:?}");
}

#[test]
fn a_file_is_brought_to_a_loudness() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("in.wav"), folder.path().join("out.wav"));
    // A limiter has nothing to do: the peaks stay below -1 dBTP.
    write_f32(&input, RATE_HZ, 2, &noise(3, 4 * 96_000));
    for (target, fx) in [("-16LUFS", ""), ("-30", "gain:gain=-12dB | pan:pan=20%")] {
        let json = ossicle(&[
            "render",
            text(&input),
            text(&output),
            "--fx",
            fx,
            "--loudness",
            target,
            "--json",
        ])
        .json();
        let want: f64 = target.trim_end_matches("LUFS").parse().unwrap();
        near(&json["integrated_lufs"], want, 0.02);
        let measured = ossicle(&["info", text(&output), "--loudness", "--json"]).json();
        near(&measured["integrated_lufs"], want, 0.02);
        near(&measured["frames"], 192_000.0, 0.0);
        assert!(measured["true_peak_dbtp"].as_f64().unwrap() <= -1.0);
        assert_eq!(json["warnings"], serde_json::json!([]));
    }
    // Another rate and format come with it.
    let form = [
        "--rate", "44100", "--format", "i16", "--dither", "tpdf", "--json",
    ];
    let arguments = ["render", text(&input), text(&output), "--loudness", "-20"];
    let json = ossicle(&[&arguments[..], &form].concat()).json();
    assert_eq!(
        (&json["frames"], &json["sample_rate_hz"]),
        (&176_400.into(), &44_100.into())
    );
    let measured = ossicle(&["info", text(&output), "--loudness", "--json"]).json();
    near(&measured["integrated_lufs"], -20.0, 0.02);
    // Gain alone is the same bits as the gain node.
    let json = ossicle(&[
        "render",
        text(&input),
        text(&output),
        "--loudness",
        "-20",
        "--json",
    ]);
    let gain = format!("gain:gain={}dB", json.json()["gain_db"]);
    let by_hand = folder.path().join("by_hand.wav");
    ossicle(&["render", text(&input), text(&by_hand), "--fx", &gain]).done();
    assert_eq!(
        std::fs::read(&output).unwrap(),
        std::fs::read(&by_hand).unwrap()
    );
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 3, "a file was left over: {left:?}");
}

#[test]
fn the_ceiling_is_held_also_where_the_loudness_wants_more() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("in.wav"), folder.path().join("out.wav"));
    // Soft noise with a click every half second: 20 dB and more between peak and loudness.
    let mut samples = noise(4, 4 * 96_000);
    for (at, sample) in samples.iter_mut().enumerate() {
        *sample *= if at % 24_000 < 2 { 1.8 } else { 0.05 };
    }
    write_f32(&input, RATE_HZ, 2, &samples);
    let json = ossicle(&[
        "render",
        text(&input),
        text(&output),
        "--loudness",
        "-16LUFS",
        "--ceiling",
        "-2dBTP",
        "--json",
    ])
    .json();
    let measured = ossicle(&["info", text(&output), "--loudness", "--json"]).json();
    let peak = measured["true_peak_dbtp"].as_f64().unwrap();
    assert!(peak <= -2.0, "{peak} dBTP");
    assert!(peak > -2.1, "{peak} dBTP: the ceiling is left unused");
    near(&measured["integrated_lufs"], -16.0, 0.1);
    near(&json["integrated_lufs"], -16.0, 0.1);
    assert_eq!(json["warnings"], serde_json::json!([]));
}

#[test]
fn what_no_limiter_can_reach_is_told() {
    let (folder, noise, _) = folder_with_noise(1, 48_000);
    let output = folder.path().join("out.wav");
    // White noise under -30 dBTP: at -29.9 LUFS it would have to be a square wave.
    let arguments = ["render", text(&noise), text(&output), "--loudness", "-24"];
    let ran = ossicle(&[&arguments[..], &["--ceiling", "-30"]].concat());
    ran.done();
    let want = "the ceiling of -30 dBTP leaves no room for -24 LUFS";
    assert!(ran.stderr.trim_end().ends_with(want), "{}", ran.stderr);
    let measured = ossicle(&["info", text(&output), "--loudness", "--json"]).json();
    assert!(
        measured["true_peak_dbtp"].as_f64().unwrap() <= -30.0,
        "{measured}"
    );
}

#[test]
fn silence_stays_silent_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("in.wav"), folder.path().join("out.wav"));
    write_f32(&input, RATE_HZ, 1, &[0.0; 48_000]);
    let ran = ossicle(&["render", text(&input), text(&output), "--loudness", "-16"]);
    ran.done();
    assert_eq!(
        ran.stderr.trim_end(),
        format!(
            "warning: {}: silence has no loudness: OUT is silent too",
            input.display()
        )
    );
    let json = ossicle(&["info", text(&output), "--json"]).json();
    assert_eq!(json["frames"], 48_000);
    // A tenth of a second is no momentary loudness yet.
    let samples = noise(5, 4800);
    write_f32(&input, RATE_HZ, 1, &samples);
    let ran = ossicle(&["render", text(&input), text(&output), "--loudness", "-16"]);
    ran.done();
    assert!(
        ran.stderr.contains("too short or too soft"),
        "{}",
        ran.stderr
    );
    assert_eq!(read_f32(&output), samples);
}

#[test]
fn a_loudness_that_cannot_be_is_refused_before_anything_is_written() {
    let (folder, noise, _) = folder_with_noise(2, 4800);
    let output = folder.path().join("out.wav");
    let refused = |more: &[&str]| {
        let arguments = ["render", text(&noise), text(&output)];
        let ran = ossicle(&[&arguments[..], more].concat());
        let line = ran.failed(1).to_string();
        assert!(!output.exists());
        line
    };
    assert_eq!(
        refused(&["--loudness", "-61"]),
        "loudness -61 LUFS is out of range (-60 to 0 LUFS)"
    );
    assert_eq!(
        refused(&["--loudness", "-16", "--ceiling", "1dBTP"]),
        "ceiling 1 dBTP is out of range (-30 to 0 dBTP)"
    );
    let line = refused(&["--loudness", "-16dBTP"]);
    assert!(
        line.contains("'-16dBTP'") && line.contains("LUFS behind it"),
        "{line}"
    );
    let line = refused(&["--ceiling", "-2dBTP"]);
    assert!(line.contains("--loudness"), "{line}");
    let ran = ossicle(&["render", text(&noise), text(&noise), "--loudness", "-16"]);
    assert!(ran.failed(2).contains("same file"), "{ran:?}");
}

#[test]
fn an_input_is_metered_without_a_file() {
    // The null device's input is silence.
    let ran = ossicle(&["meter", "--host", "null", "--for", "0.5s", "--json"]);
    let json = ran.json();
    assert!(json["frames"].as_u64().unwrap() > 0, "{json}");
    for key in [
        "integrated_lufs",
        "true_peak_dbtp",
        "peak_dbfs",
        "file",
        "device",
    ] {
        assert_eq!(json.get(key), Some(&serde_json::Value::Null), "{key}");
    }
    let ran = ossicle(&["meter", "--host", "null", "--for", "0.2s"]);
    ran.done();
    assert!(
        ran.stdout.starts_with("measured 0:00.200"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("peak     silence"), "{}", ran.stdout);
}

#[test]
fn what_is_played_is_metered() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tone.wav");
    tone(&path, -20.0, 1);
    let json = ossicle(&["play", text(&path), "--host", "null", "--json"]).json();
    near(&json["integrated_lufs"], -20.0, 0.05);
    near(&json["true_peak_dbtp"], -20.0, 0.05);
}

#[test]
fn a_meter_that_cannot_listen_says_why() {
    let ran = ossicle(&["meter", "--host", "null", "--in", "nowhere"]);
    assert!(ran.failed(3).contains("nowhere"), "{ran:?}");
    assert!(
        ossicle(&["meter", "--for", "soon"])
            .failed(1)
            .contains("soon")
    );
}
