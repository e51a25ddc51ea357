//! `play`, `rec` and `live` on the device that is paced by the clock alone.

use std::time::Instant;

use crate::call::ossicle;
use crate::sound::{bits, folder_with_noise, read_f32, text, write_f32};

/// Every key of the summary.
const KEYS: [&str; 15] = [
    "frames",
    "sample_rate_hz",
    "channels",
    "xruns",
    "overrun_frames",
    "underrun_frames",
    "latency_frames",
    "device_latency_frames",
    "peak_dbfs",
    "dsp_load_percent",
    "host",
    "device",
    "input_device",
    "buffer_frames",
    "realtime",
];

#[test]
fn what_is_played_is_what_a_render_gives() {
    let (folder, wav, _) = folder_with_noise(2, 24_000);
    let (played, rendered) = (
        folder.path().join("played.wav"),
        folder.path().join("rendered.wav"),
    );
    let fx = "gain:gain=6dB | envelope_limiter:threshold=-1dBFS";
    let play = [
        "play",
        text(&wav),
        "--host",
        "null",
        "--fx",
        fx,
        "--record",
        text(&played),
    ];
    let json = ossicle(&[&play[..], &["--json"]].concat()).json();
    for key in KEYS {
        assert!(json.as_object().unwrap().contains_key(key), "no {key}");
    }
    assert_eq!(
        (&json["host"], &json["sample_rate_hz"]),
        (&"null".into(), &48_000.into())
    );
    assert!(
        json["input_device"].is_null() && json["device"].is_string(),
        "{json}"
    );
    let latency = json["latency_frames"].as_u64().unwrap() as usize;
    assert!(
        latency > 0 && json["peak_dbfs"].as_f64().unwrap() > -3.0,
        "{json}"
    );
    ossicle(&[
        "render",
        text(&wav),
        text(&rendered),
        "--fx",
        fx,
        "--latency",
        "keep",
    ])
    .done();
    let (played, rendered) = (read_f32(&played), read_f32(&rendered));
    assert!(
        played.len() >= rendered.len(),
        "{} {}",
        played.len(),
        rendered.len()
    );
    assert_eq!(bits(&played[..rendered.len()]), bits(&rendered));
}

#[test]
fn play_begins_where_it_is_told_and_ends_after_its_time() {
    let (folder, wav, samples) = folder_with_noise(2, 24_000);
    let out = folder.path().join("out.wav");
    let play = [
        "play",
        text(&wav),
        "--host",
        "null",
        "--record",
        text(&out),
        "--force",
    ];
    let run = |more: &[&str]| {
        ossicle(&[&play[..], more].concat()).done();
        read_f32(&out)
    };
    // What the player puts into the ring ends with the file, the device's period goes on a little.
    let whole = run(&[]);
    assert_eq!(bits(&whole[..48_000]), bits(&samples));
    let sought = run(&["--seek", "0.25s"]);
    assert_eq!(bits(&sought[..24_000]), bits(&samples[24_000..]));
    let framed = run(&["--seek", "23000f"]);
    assert_eq!(bits(&framed[..2000]), bits(&samples[46_000..]));
    let timed = run(&["--for", "4800f"]);
    assert_eq!(timed.len(), 9600);
    let looped = run(&["--loop", "--for", "0.6s"]);
    assert_eq!(looped.len(), 57_600);
    // The end of a run may be faded, so its last 50 ms are left out.
    assert_eq!(bits(&looped[48_000..52_800]), bits(&samples[..4800]));
}

#[test]
fn mono_goes_to_all_channels() {
    let (folder, wav, samples) = folder_with_noise(1, 4800);
    let out = folder.path().join("out.wav");
    ossicle(&["play", text(&wav), "--host", "null", "--record", text(&out)]).done();
    assert_eq!(hound::WavReader::open(&out).unwrap().spec().channels, 2);
    let got = read_f32(&out);
    assert!(got.len() >= 2 * 4800, "{}", got.len());
    for (frame, sample) in got.chunks(2).zip(&samples) {
        assert_eq!(frame, [*sample, *sample]);
    }
}

#[test]
fn channels_that_the_device_has_not_are_recorded_and_told_of() {
    let (folder, wav, samples) = folder_with_noise(70, 480);
    let out = folder.path().join("out.wav");
    let ran = ossicle(&["play", text(&wav), "--host", "null", "--record", text(&out)]);
    ran.done();
    assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
    assert!(ran.stderr.starts_with("warning: 68 channels"), "{ran:?}");
    assert_eq!(hound::WavReader::open(&out).unwrap().spec().channels, 70);
    assert_eq!(bits(&read_f32(&out)[..samples.len()]), bits(&samples));
}

#[test]
fn a_file_of_another_rate_is_resampled_and_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (wav, out) = (folder.path().join("in.wav"), folder.path().join("out.wav"));
    // Lower than any rate of the null device. 2 rad a frame are 2340 Hz.
    let sine = |frame: f64| (frame * 2.0).sin() * 0.5;
    let samples: Vec<f32> = (0..3675)
        .map(|frame| sine(f64::from(frame)) as f32)
        .collect();
    write_f32(&wav, 7350, 1, &samples);
    let ran = ossicle(&[
        "play",
        text(&wav),
        "--host",
        "null",
        "--record",
        text(&out),
        "--json",
    ]);
    let json = ran.json();
    assert_eq!(json["sample_rate_hz"], 48_000);
    assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
    assert!(
        ran.stderr.contains("7350 Hz") && ran.stderr.contains("48000 Hz"),
        "{ran:?}"
    );
    assert_eq!(json["warnings"].as_array().unwrap().len(), 1);
    // 3675 frames at 7350 Hz are half a second, 24 000 frames at 48 kHz.
    let frames = json["frames"].as_u64().unwrap();
    assert!((23_990..24_400).contains(&frames), "{frames}");
    // The same sine at the new rate, wherever the resampler puts its start: a pure tone obeys
    // y[n+1] + y[n-1] = 2 cos(w) y[n]. A rate wrong by 0.3 %
    // or a hole would break it; what the resampler adds is to stay below -70 dB.
    let got: Vec<f64> = read_f32(&out)
        .iter()
        .step_by(2)
        .map(|&y| f64::from(y))
        .collect();
    let twice_cos = 2.0 * (2.0f64 * 7350.0 / 48_000.0).cos();
    for n in 2_000..22_000 {
        let error = got[n + 1] + got[n - 1] - twice_cos * got[n];
        assert!(error.abs() < 1.5e-4, "frame {n}: {error}");
    }
    let level = got[2_000..22_000]
        .iter()
        .fold(0.0, |peak: f64, y| peak.max(y.abs()));
    assert!((level - 0.5).abs() < 0.005, "{level}");
}

#[test]
fn recording_takes_its_time_and_its_frames() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("take.wav");
    let began = Instant::now();
    let json = ossicle(&[
        "rec",
        text(&out),
        "--host",
        "null",
        "--channels",
        "2",
        "--rate",
        "44100",
        "--format",
        "i24",
        "--for",
        "0.5s",
        "--json",
    ])
    .json();
    assert!(began.elapsed().as_secs_f64() >= 0.5);
    assert_eq!(json["frames"], 22_050);
    assert_eq!(
        (&json["channels"], &json["sample_rate_hz"]),
        (&2.into(), &44_100.into())
    );
    assert!(
        json["device"].is_null() && json["input_device"].is_string(),
        "{json}"
    );
    assert!(json["peak_dbfs"].is_null(), "{json}");
    let reader = hound::WavReader::open(&out).unwrap();
    let spec = reader.spec();
    assert_eq!(
        (spec.bits_per_sample, spec.channels, spec.sample_rate),
        (24, 2, 44_100)
    );
    assert_eq!(reader.duration(), 22_050);
}

#[test]
fn live_says_the_latency_of_its_chain_to_the_frame() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("live.wav");
    for (fx, chain_frames) in [("", 0), ("envelope_limiter:delay_samples=41", 40)] {
        for tap in ["input", "pre", "post"] {
            let json = ossicle(&[
                "live",
                "--host",
                "null",
                "--fx",
                fx,
                "--buffer",
                "128",
                "--record",
                text(&out),
                "--tap",
                tap,
                "--for",
                "100ms",
                "--json",
                "--force",
            ])
            .json();
            for key in KEYS {
                assert!(json.as_object().unwrap().contains_key(key), "no {key}");
            }
            assert_eq!(json["frames"], 4800, "{tap}");
            // One call with input and output: nothing is added to the chain.
            assert_eq!(json["latency_frames"], chain_frames, "{tap}");
            assert_eq!(json["buffer_frames"], 128);
            let frames = hound::WavReader::open(&out).unwrap().duration();
            assert_eq!(frames, 4800, "{tap}");
        }
    }
}

#[test]
fn a_rate_that_the_device_refuses_ends_with_3() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("take.wav");
    let ran = ossicle(&["rec", text(&out), "--host", "null", "--rate", "4294967295"]);
    assert!(ran.failed(3).contains("4294967295 Hz"), "{ran:?}");
    assert!(!out.exists());
}

#[test]
fn devices_named_twice_are_routed_as_the_chains_file_says() {
    let (folder, wav, _) = folder_with_noise(1, 4_800);
    let file = folder.path().join("chain.toml");
    let fx = format!("@{}", text(&file));
    let line = "live --host null --in null --in null --out null --out null --for 50ms --json --fx";
    let live: Vec<&str> = line.split(' ').chain([fx.as_str()]).collect();
    let write = |out: &str| {
        let routes = format!("in = [\"2:1\", \"1:1\", \"1:1\"]\nout = [{out}]");
        std::fs::write(&file, format!("version = 2\n[routes]\n{routes}\n")).unwrap();
    };
    write("\"1:1 = 3\", \"2:1 = 1\"");
    let ran = ossicle(&live);
    assert_eq!(ran.exit, Some(0), "{}", ran.stderr);
    let json: serde_json::Value = serde_json::from_str(ran.stdout.trim()).unwrap();
    assert_eq!(json["channels"], 3, "{json}");
    let no_use = ossicle(&["play", text(&wav), "--host", "null", "--fx", &fx]);
    assert_eq!(no_use.exit, Some(1), "{}", no_use.stderr);
    let told = "chain.toml: has [routes], which only live takes";
    assert!(no_use.stderr.contains(told), "{}", no_use.stderr);
    for (out, told) in [
        (
            "\"2:1 = 3\", \"2:1 = 1\"",
            "two routes lead to channel 1 of output device 2 (allowed: one)",
        ),
        ("\"3:1 = 1\"", "route to output device 3: there are 2"),
    ] {
        write(out);
        let ran = ossicle(&live);
        assert_eq!(ran.exit, Some(1), "{}", ran.stderr);
        assert!(ran.stderr.contains(told), "{}", ran.stderr);
    }
}
