//! Damaged, mislabelled and senseless files: played with a warning, or refused in one line.

use std::path::{Path, PathBuf};

use crate::call::{Ran, finish, ossicle, start_as};
use crate::sound::{folder_with_noise, noise, read_f32, text};

/// A 16-bit WAV header for these claims.
fn header(channels: u16, sample_rate_hz: u32, data_bytes: u32) -> Vec<u8> {
    let frame_bytes = channels.wrapping_mul(2);
    let mut bytes = b"RIFF".to_vec();
    bytes.extend(data_bytes.wrapping_add(36).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16u32.to_le_bytes());
    bytes.extend(1u16.to_le_bytes());
    bytes.extend(channels.to_le_bytes());
    bytes.extend(sample_rate_hz.to_le_bytes());
    bytes.extend(
        sample_rate_hz
            .wrapping_mul(u32::from(frame_bytes))
            .to_le_bytes(),
    );
    bytes.extend(frame_bytes.to_le_bytes());
    bytes.extend(16u16.to_le_bytes());
    bytes.extend(b"data");
    bytes.extend(data_bytes.to_le_bytes());
    bytes
}

/// A header of the extensible kind with more channels than any place knows: the reader behind ours
/// shifts a bit out of its word over it.
fn crowded() -> Vec<u8> {
    let mut bytes = header(0x7f02, 44_100, 400);
    bytes[16] = 40;
    bytes[20..22].copy_from_slice(&[0xfe, 0xff]);
    let tail = bytes.split_off(36);
    bytes[32..36].copy_from_slice(&[8, 0, 32, 0]);
    bytes.extend([22, 0, 32, 0, 3, 0, 0, 0]);
    // The format's name in full: 32-bit floating point.
    bytes.extend([3, 0, 0, 0, 0, 0, 16, 0, 128, 0, 0, 170, 0, 56, 155, 113]);
    bytes.extend(tail);
    bytes
}

fn with_data(mut header: Vec<u8>, data_bytes: usize) -> Vec<u8> {
    header.extend((0..data_bytes).map(|place| (place * 37) as u8));
    header
}

/// What is tried with each file.
fn every_reader<'a>(file: &'a str, out: &'a str) -> [Vec<&'a str>; 3] {
    [
        vec!["info", file],
        vec!["render", file, out],
        vec!["play", file, "--host", "null", "--for", "20ms"],
    ]
}

/// Either done, or refused in one line with a file's exit code; never a panic.
fn is_orderly(ran: &Ran) {
    assert!(!ran.stderr.contains("panicked"), "{ran:?}");
    if ran.exit == Some(0) {
        assert!(
            ran.stderr.lines().all(|line| line.starts_with("warning: ")),
            "{ran:?}"
        );
    } else {
        ran.failed(2);
    }
}

#[test]
fn what_is_no_sound_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.wav");
    let random: Vec<u8> = noise(3, 40_000)
        .iter()
        .map(|sample| sample.to_bits() as u8)
        .collect();
    for (name, bytes) in [
        ("empty.wav", Vec::new()),
        ("random.wav", random.clone()),
        ("random.flac", random.clone()),
        ("random.mp3", random),
        ("text.ogg", b"this is not sound\n".repeat(100)),
        ("zero-channels.wav", with_data(header(0, 48_000, 400), 400)),
        ("zero-rate.wav", with_data(header(1, 0, 400), 400)),
        ("absurd-rate.wav", with_data(header(1, u32::MAX, 400), 400)),
        ("crowded.wav", with_data(crowded(), 400)),
        ("half-header.wav", header(1, 48_000, 400)[..20].to_vec()),
    ] {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        for arguments in every_reader(text(&file), text(&out)) {
            let ran = ossicle(&arguments);
            assert!(ran.failed(2).contains(name), "{arguments:?}: {ran:?}");
            assert!(!out.exists(), "{arguments:?}");
        }
    }
    let directory = text(folder.path());
    for arguments in every_reader(directory, text(&out)) {
        ossicle(&arguments).failed(2);
    }
}

#[test]
fn a_file_that_ends_early_is_played_with_one_warning() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (
        folder.path().join("short.wav"),
        folder.path().join("out.wav"),
    );
    for (claimed, bytes) in [(96_000, 9_600), (u32::MAX, 9_600), (9_600, 9_599)] {
        std::fs::write(&file, with_data(header(1, 48_000, claimed), bytes)).unwrap();
        for arguments in every_reader(text(&file), text(&out)) {
            let ran = ossicle(&arguments);
            ran.done();
            let warnings = ran
                .stderr
                .lines()
                .filter(|line| line.starts_with("warning: "));
            assert_eq!(warnings.count(), 1, "{arguments:?}: {ran:?}");
            assert_eq!(ran.stderr.lines().count(), 1, "{arguments:?}: {ran:?}");
        }
        // Whole frames only: half a sample at the end is dropped.
        assert_eq!(read_f32(&out).len(), bytes / 2);
    }
}

/// Encodes `wav` by the name of the result; every format that is read.
fn encode(wav: &Path, folder: &Path) -> Vec<PathBuf> {
    ["flac", "mp3", "ogg", "m4a", "aiff"]
        .iter()
        .map(|extension| {
            let out = folder.join(format!("sound.{extension}"));
            let codec: &[&str] = if *extension == "ogg" {
                &["-c:a", "libvorbis"]
            } else {
                &[]
            };
            let status = std::process::Command::new("ffmpeg")
                .args(["-v", "error", "-y", "-i", text(wav)])
                .args(codec)
                .arg(&out)
                .status()
                .unwrap();
            assert!(status.success(), "{extension}");
            out
        })
        .collect()
}

#[test]
fn every_format_is_read_under_any_name_and_survives_damage() {
    let (folder, wav, _) = folder_with_noise(2, 24_000);
    let out = folder.path().join("out.wav");
    let mut seed = 1;
    for encoded in encode(&wav, folder.path()) {
        let whole = std::fs::read(&encoded).unwrap();
        let misnamed = folder.path().join("misnamed.wav");
        std::fs::write(&misnamed, &whole).unwrap();
        ossicle(&["render", text(&misnamed), text(&out)]).done();
        assert!(read_f32(&out).len() >= 2 * 24_000, "{}", encoded.display());
        for damage in 0..24 {
            seed += 1;
            let mut bytes = whole.clone();
            let places = noise(seed, 40);
            if damage % 2 == 0 {
                bytes.truncate((whole.len() as f32 * (places[0] + 0.5)) as usize);
            }
            for place in &places[1..] {
                let at = ((place + 0.5) * bytes.len() as f32) as usize;
                if let Some(byte) = bytes.get_mut(at).filter(|_| damage > 0) {
                    *byte = place.to_bits() as u8;
                }
            }
            std::fs::write(&misnamed, &bytes).unwrap();
            is_orderly(&ossicle(&["info", text(&misnamed)]));
            is_orderly(&ossicle(&["render", text(&misnamed), text(&out)]));
        }
    }
}

#[test]
fn a_place_that_cannot_be_written_ends_with_2() {
    let (folder, wav, _) = folder_with_noise(2, 24_000);
    ossicle(&["render", text(&wav), "/nonexistent/out.wav"]).failed(2);
    ossicle(&["render", text(&wav), text(folder.path())]).failed(2);
    let pipe = folder.path().join("pipe");
    finish(start_as("mkfifo", &[text(&pipe)])).done();
    for arguments in every_reader(text(&pipe), "unused.wav") {
        ossicle(&arguments).failed(2);
    }
    ossicle(&["render", text(&wav), text(&pipe)]).failed(2);
    ossicle(&[
        "rec",
        "/nonexistent/out.wav",
        "--host",
        "null",
        "--for",
        "20ms",
    ])
    .failed(2);
}

#[test]
fn a_limit_of_the_length_of_files_ends_a_render_with_4_and_a_recording_goes_on_behind_it() {
    let (folder, wav, samples) = folder_with_noise(1, 48_000);
    let (out, take) = (
        folder.path().join("out.wav"),
        folder.path().join("take.wav"),
    );
    // 64 KiB, 16 000 frames and the header.
    let run = |arguments: &[&str]| {
        let limit = "ulimit -f 64; exec \"$0\" \"$@\"";
        let program = env!("CARGO_BIN_EXE_ossicle");
        let shell = ["-c", limit, program];
        finish(start_as("bash", &[&shell[..], arguments].concat()))
    };
    run(&["render", text(&wav), text(&out)]).failed(4);
    let got = read_f32(&out);
    assert!((8_000..16_384).contains(&got.len()), "{}", got.len());
    assert_eq!(got, samples[..got.len()]);
    run(&[
        "rec",
        text(&take),
        "--host",
        "null",
        "--channels",
        "1",
        "--for",
        "2s",
    ])
    .done();
    let lengths: Vec<_> = (1..=6)
        .map(|number| match number {
            1 => take.clone(),
            _ => folder.path().join(format!("take-{number:03}.wav")),
        })
        .map(|file| read_f32(&file).len())
        .collect();
    assert_eq!(lengths.iter().sum::<usize>(), 96_000, "{lengths:?}");
    assert!(
        lengths[..5].iter().all(|frames| *frames > 16_000),
        "{lengths:?}"
    );
}
