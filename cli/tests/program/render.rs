//! `ossicle render`.

use std::path::{Path, PathBuf};

use crate::call::ossicle;
use crate::sound::{bits, folder_with_noise, read_f32, text, write_f32};

const BLOCKS: [&str; 6] = ["1", "2", "3", "64", "257", "4096"];

/// The limiter's vectors: those of the environment, else the project's own.
fn vectors() -> PathBuf {
    match std::env::var_os("OSSICLE_GOLDEN") {
        Some(folder) => Path::new(&folder).join("limiter"),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../dsp/tests/golden/limiter"),
    }
}

fn raw_f32(path: &Path) -> Vec<f32> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    bytes
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect()
}

/// The thresholds of a vector's calls, as events.
fn events(calls: &[serde_json::Value]) -> String {
    let mut at = 0;
    let mut lines = String::new();
    for call in calls {
        let threshold = &call[1];
        lines += &format!("{{\"at\":{at},\"node\":1,\"set\":{{\"threshold\":{threshold}}}}}\n");
        at += call[0].as_u64().unwrap();
    }
    lines
}

#[test]
fn every_limiter_vector_is_rendered_bit_for_bit_at_any_block() {
    let index = std::fs::read_to_string(vectors().join("index.json")).unwrap();
    let index: serde_json::Value = serde_json::from_str(&index).unwrap();
    let list = index["vectors"].as_array().unwrap();
    assert!(!list.is_empty());
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (input, output, lines) = (path("in.wav"), path("out.wav"), path("events.jsonl"));
    let rate = u32::try_from(index["rate"].as_u64().unwrap()).unwrap();
    for vector in list {
        let id = vector["id"].as_str().unwrap();
        let sound = raw_f32(&vectors().join(vector["input"].as_str().unwrap()));
        let want = raw_f32(&vectors().join(vector["output"].as_str().unwrap()));
        let calls = vector["calls"].as_array().unwrap();
        write_f32(&input, rate, 1, &sound);
        std::fs::write(&lines, events(calls)).unwrap();
        let chain = format!(
            "envelope_limiter:attack_coeff={},release_coeff={},delay_samples={},threshold={}",
            vector["attack"], vector["release"], vector["delay"], calls[0][1]
        );
        // A non-finite input is taken as silence, so what follows it differs from the vector.
        let alike = sound
            .iter()
            .position(|sample| !sample.is_finite())
            .unwrap_or(sound.len());
        for block in BLOCKS {
            let ran = ossicle(&[
                "render",
                text(&input),
                text(&output),
                "--format",
                "f32",
                "--latency",
                "keep",
                "--fx",
                &chain,
                "--block",
                block,
                "--events",
                text(&lines),
                "--json",
            ]);
            let latency = vector["delay_in_samples"].as_u64();
            assert_eq!(ran.json()["latency_frames"].as_u64(), latency, "{id}");
            let got = read_f32(&output);
            assert_eq!(got.len(), want.len(), "{id} at {block}");
            let (got_bits, want_bits) = (bits(&got[..alike]), bits(&want[..alike]));
            let differs = got_bits
                .iter()
                .zip(&want_bits)
                .position(|(got, want)| got != want);
            assert_eq!(differs, None, "{id} at {block}: first difference");
            assert!(
                got.iter().all(|sample| sample.is_finite()),
                "{id} at {block}"
            );
        }
    }
}

#[test]
fn latency_is_removed_unless_kept() {
    let (folder, noise, samples) = folder_with_noise(2, 1000);
    let out = folder.path().join("out.wav");
    // Wholly wet, without feedback: 480 frames at 48 kHz, of which none are latency.
    let delay = "delay:time=10ms,feedback=0%,mix=100%";
    // Attack and release of 1 hold the envelope at 0, so that the limiter only delays, by 40.
    let limiter = "envelope_limiter:attack_coeff=1,release_coeff=1,delay_samples=41,threshold=1";
    let render = |fx: &str, latency: &str| {
        let arguments = [
            "render",
            text(&noise),
            text(&out),
            "--fx",
            fx,
            "--latency",
            latency,
        ];
        let json = ossicle(&[&arguments[..], &["--json"]].concat()).json();
        (json["latency_frames"].as_u64().unwrap(), read_f32(&out))
    };
    let shifted = |frames: usize| {
        let mut shifted = vec![0.0; frames * 2];
        shifted.extend_from_slice(&samples[..samples.len() - frames * 2]);
        shifted
    };
    assert_eq!(render(limiter, "remove"), (40, samples.clone()));
    assert_eq!(render(limiter, "keep"), (40, shifted(40)));
    assert_eq!(render(delay, "remove"), (0, shifted(480)));
}

#[test]
fn as_many_frames_are_written_as_read_and_the_tail_more() {
    let (folder, noise, samples) = folder_with_noise(1, 1000);
    let out = folder.path().join("out.wav");
    let delay = "delay:time=10ms,feedback=0%,mix=100%";
    let limiter = "envelope_limiter:attack_coeff=1,release_coeff=1,delay_samples=41,threshold=1";
    let frames = |fx: &str, more: &[&str]| {
        let arguments = ["render", text(&noise), text(&out), "--json", "--fx", fx];
        let json = ossicle(&[&arguments[..], more].concat()).json();
        let written = read_f32(&out).len() as u64;
        assert_eq!(json["frames"].as_u64(), Some(written));
        written
    };
    for fx in ["", delay, limiter] {
        assert_eq!(frames(fx, &[]), 1000, "{fx}");
        assert_eq!(frames(fx, &["--latency", "keep"]), 1000, "{fx}");
        assert_eq!(frames(fx, &["--tail", "48f"]), 1048, "{fx}");
        assert_eq!(
            frames(fx, &["--tail", "1ms", "--latency", "keep"]),
            1048,
            "{fx}"
        );
    }
    assert_eq!(frames("", &["--tail", "auto"]), 1000);
    // All of the delayed sound, to the last frame.
    assert!(frames(delay, &["--tail", "auto"]) >= 1480);
    assert_eq!(read_f32(&out)[480..1480], samples[..]);
}

#[test]
fn no_chain_copies_every_bit_and_integers_are_rounded() {
    let (folder, noise, samples) = folder_with_noise(2, 500);
    let out = folder.path().join("out.wav");
    ossicle(&["render", text(&noise), text(&out)]).done();
    assert_eq!(bits(&read_f32(&out)), bits(&samples));
    for (format, bits) in [("i16", 16), ("i24", 24), ("i32", 32)] {
        ossicle(&["render", text(&noise), text(&out), "--format", format]).done();
        let mut reader = hound::WavReader::open(&out).unwrap();
        assert_eq!(reader.spec().bits_per_sample, bits);
        let got: Vec<i32> = reader.samples::<i32>().map(Result::unwrap).collect();
        // 32-bit integers carry 24 bits.
        let (full, step) = if bits == 16 {
            (32768.0, 1)
        } else {
            (8_388_608.0, 1)
        };
        let step = if bits == 32 { 256 } else { step };
        for (got, sample) in got.iter().zip(&samples) {
            let want = (f64::from(*sample) * full).round_ties_even() as i32 * step;
            assert_eq!(*got, want, "{format}");
        }
    }
}

#[test]
fn the_summary_has_every_key_and_null_for_what_does_not_apply() {
    let (folder, noise, samples) = folder_with_noise(1, 4800);
    let out = folder.path().join("out.wav");
    let json = ossicle(&["render", text(&noise), text(&out), "--json"]).json();
    let object = json.as_object().unwrap();
    for key in [
        "xruns",
        "overrun_frames",
        "underrun_frames",
        "device_latency_frames",
        "host",
        "device",
        "input_device",
        "buffer_frames",
    ] {
        assert!(object[key].is_null(), "{key}: {}", object[key]);
    }
    assert_eq!(
        (&json["frames"], &json["sample_rate_hz"]),
        (&4800.into(), &48_000.into())
    );
    assert_eq!(
        (&json["channels"], &json["latency_frames"]),
        (&1.into(), &0.into())
    );
    let peak = samples
        .iter()
        .fold(0.0f32, |peak, sample| peak.max(sample.abs()));
    let level = 20.0 * f64::from(peak).log10();
    assert!(
        (json["peak_dbfs"].as_f64().unwrap() - level).abs() < 1e-9,
        "{json}"
    );
    assert!(json["dsp_load_percent"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_chain_file_gives_the_same_bits_as_its_text() {
    let (folder, noise, _) = folder_with_noise(2, 2000);
    let (file, one, other) = (
        folder.path().join("c.toml"),
        folder.path().join("1.wav"),
        folder.path().join("2.wav"),
    );
    let toml = "version = 1\n[[node]]\neffect = \"pan\"\nset = { pan = -25 }\n\
                [[node]]\neffect = \"gain\"\nset = { gain = \"-3dB\" }\n";
    std::fs::write(&file, toml).unwrap();
    ossicle(&[
        "render",
        text(&noise),
        text(&one),
        "--fx",
        "pan:pan=-25%|gain:gain=-3",
    ])
    .done();
    let named = format!("@{}", file.display());
    ossicle(&["render", text(&noise), text(&other), "--fx", &named]).done();
    assert_eq!(bits(&read_f32(&one)), bits(&read_f32(&other)));
}

#[test]
fn quiet_says_nothing() {
    let (folder, noise, _) = folder_with_noise(1, 100);
    let out = folder.path().join("out.wav");
    let ran = ossicle(&["render", text(&noise), text(&out), "-q"]);
    ran.done();
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    let ran = ossicle(&["render", text(&noise), text(&out)]);
    assert!(
        ran.stdout
            .starts_with("rendered 0:00.002 (100 frames, 48000 Hz, 1 channel)"),
        "{ran:?}"
    );
    assert_eq!(ran.stderr, "");
}

/// Levels in codes of a 16-bit file: of the tone of 1 kHz in it, and of all that is beside it.
fn tone_and_rest(path: &Path) -> (f64, f64) {
    let mut reader = hound::WavReader::open(path).unwrap();
    let samples: Vec<f64> = reader
        .samples::<i16>()
        .map(|code| code.unwrap().into())
        .collect();
    let count = samples.len() as f64;
    let (mut re, mut im) = (0.0, 0.0);
    for (frame, sample) in samples.iter().enumerate() {
        let (sin, cos) = (std::f64::consts::TAU * frame as f64 / 48.0).sin_cos();
        re += sample * cos * 2.0 / count;
        im += sample * sin * 2.0 / count;
    }
    let all = samples.iter().map(|sample| sample * sample).sum::<f64>() / count;
    (re.hypot(im), (all - (re * re + im * im) / 2.0).max(0.0))
}

/// A tone of 0.4 of a code is lost by rounding. With triangular noise it is there, and beside it the
/// noise of 1/4 of a code squared.
#[test]
fn dither_keeps_what_is_softer_than_a_code() {
    let folder = tempfile::tempdir().unwrap();
    let (input, out) = (folder.path().join("in.wav"), folder.path().join("out.wav"));
    let tone =
        |frame: u32| (std::f64::consts::TAU * f64::from(frame) / 48.0).cos() * 0.4 / 32_768.0;
    let samples: Vec<f32> = (0..48_000).map(|frame| tone(frame) as f32).collect();
    write_f32(&input, 48_000, 1, &samples);
    let render = |dither: &str| {
        let arguments = [
            "render",
            text(&input),
            text(&out),
            "--format",
            "i16",
            "--dither",
            dither,
        ];
        ossicle(&arguments).done();
        tone_and_rest(&out)
    };
    assert_eq!(render("none"), (0.0, 0.0));
    let (level, noise) = render("tpdf");
    assert!(
        (level - 0.4).abs() < 0.02 && (noise - 0.25).abs() < 0.01,
        "{level}, {noise}"
    );
    // Shaped: the sum of the squares of 1, 2 cos w and 1, for w of 3.5 kHz: 1.79^2 + 2.
    let (level, noise) = render("shaped");
    let gain = 2.0 + (2.0 * (std::f64::consts::TAU * 3500.0 / 48_000.0).cos()).powi(2);
    assert!(
        (level - 0.4).abs() < 0.02 && (noise / 0.25 / gain - 1.0).abs() < 0.05,
        "{level}, {noise}"
    );
    assert!(
        ossicle(&["render", "a", "b", "--dither", "flat"])
            .failed(1)
            .contains("tpdf")
    );
}

#[test]
fn another_rate_keeps_the_sound_and_its_length() {
    let folder = tempfile::tempdir().unwrap();
    let (input, out) = (folder.path().join("in.wav"), folder.path().join("out.wav"));
    let tone = |frame: u32, rate: f64| {
        (std::f64::consts::TAU * 1000.0 * f64::from(frame) / rate).sin() as f32 * 0.5
    };
    let samples: Vec<f32> = (0..44_100).map(|frame| tone(frame, 44_100.0)).collect();
    write_f32(&input, 44_100, 1, &samples);
    // The chain has 40 frames of latency at the rate of the input, which are taken out.
    let fx = "envelope_limiter:attack_coeff=1,release_coeff=1,delay_samples=41,threshold=1";
    let arguments = [
        "render",
        text(&input),
        text(&out),
        "--rate",
        "48000",
        "--fx",
        fx,
        "--json",
    ];
    let json = ossicle(&arguments).json();
    assert_eq!(
        (&json["frames"], &json["sample_rate_hz"]),
        (&48_000.into(), &48_000.into())
    );
    let got = read_f32(&out);
    assert_eq!(got.len(), 48_000);
    for frame in 2000..46_000u32 {
        // -90 dB, as the resampler promises.
        let off = got[frame as usize] - tone(frame, 48_000.0);
        assert!(off.abs() < 3.2e-5, "{frame}: {off}");
    }
    assert!(
        ossicle(&["render", "a", "b", "--rate", "10"])
            .failed(1)
            .contains("--rate")
    );
}
