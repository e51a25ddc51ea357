//! What `rec` writes, and what it says of it.

use crate::call::{finish, ossicle, start};
use crate::signals::{signal, wait_for};
use crate::sound::{bits, folder_with_noise, read_f32, text};

#[test]
fn without_a_file_rec_shows_the_level_and_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let check = ["rec", "--host", "null", "--for", "0.2s"];
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ossicle"));
    command.current_dir(folder.path()).args(check).arg("--json");
    let ran = command.output().unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let json: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(json["frames"], 9600);
    assert!(json["file"].is_null() && json["takes"].is_null(), "{json}");
    assert_eq!(json["clips"], 0);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert!(ossicle(&check).stdout.starts_with("listened 0:00.200"));
}

#[test]
fn clips_are_counted() {
    let (folder, wav, _) = folder_with_noise(1, 4800);
    let loud = folder.path().join("loud.wav");
    // One run of samples at full scale, another of one sample.
    let mut samples = vec![0.25f32; 9600];
    samples[1000..1010].fill(1.0);
    samples[2000] = -1.0;
    crate::sound::write_f32(&loud, 48_000, 1, &samples);
    let clips = |file: &std::path::Path| {
        ossicle(&["play", text(file), "--host", "null", "--json"]).json()["clips"].clone()
    };
    // The device has two channels, and each clips twice.
    assert_eq!(clips(&loud), 4);
    assert_eq!(clips(&wav), 0);
}

#[test]
fn a_split_take_joined_is_the_unsplit_one() {
    let (folder, wav, samples) = folder_with_noise(2, 120_000);
    let out = folder.path().join("take.wav");
    let ran = ossicle(&[
        "play",
        text(&wav),
        "--host",
        "null",
        "--record",
        text(&out),
        "--split",
        "48000f",
        "--json",
    ]);
    let json = ran.json();
    let files = json["takes"][0]["files"].as_array().unwrap();
    assert_eq!(files.len(), 3, "{json}");
    let mut joined = Vec::new();
    for (number, file) in files.iter().enumerate() {
        assert_eq!(file["first_frame"], 48_000 * number, "{json}");
        let name = folder.path().join(format!("take-{:03}.wav", number + 1));
        assert_eq!(file["file"], text(&name));
        let part = read_f32(&name);
        assert_eq!(file["frames"], part.len() / 2);
        joined.extend(part);
    }
    assert_eq!(json["file_frames"], joined.len() / 2);
    assert_eq!(bits(&joined[..samples.len()]), bits(&samples));
}

#[test]
fn date_time_and_number_make_the_name() {
    let folder = tempfile::tempdir().unwrap();
    let pattern = folder.path().join("{date} take {number}.wav");
    let rec = [
        "rec",
        text(&pattern),
        "--host",
        "null",
        "--for",
        "50ms",
        "--json",
    ];
    let files = [(); 2].map(|()| ossicle(&rec).json()["file"].as_str().unwrap().to_owned());
    assert!(files[0].ends_with(" take 001.wav"), "{files:?}");
    assert!(files[1].ends_with(" take 002.wav"), "{files:?}");
    let (_, name) = files[0].rsplit_once('/').unwrap();
    assert_eq!(name.len(), "2026-03-09 take 001.wav".len(), "{name}");
    let unknown = folder.path().join("{day}.wav");
    let ran = ossicle(&["rec", text(&unknown), "--host", "null"]);
    assert!(ran.failed(1).contains("{day} has no meaning"), "{ran:?}");
}

#[test]
fn a_file_says_when_and_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("take.wav");
    ossicle(&[
        "rec",
        text(&out),
        "--host",
        "null",
        "--for",
        "100ms",
        "--tag",
        "scene=12 & 13",
        "--tag",
        "take=3",
        "--tag",
        "description=night",
        "--tag",
        "title=The film",
    ])
    .done();
    let bytes = std::fs::read(&out).unwrap();
    let at = |name: &[u8]| bytes.windows(name.len()).position(|window| window == name);
    let bext = at(b"bext").unwrap() + 8;
    let text = |from: usize, length: usize| {
        let text = &bytes[bext + from..bext + from + length];
        String::from_utf8(text.split(|byte| *byte == 0).next().unwrap().to_vec()).unwrap()
    };
    assert_eq!(text(0, 256), "night");
    assert_eq!(text(256, 32), "Ossicle");
    // Date and time say the same as the frames since midnight, to the second.
    let (date, time) = (text(320, 10), text(330, 8));
    assert!(date.starts_with("20") && date.len() == 10, "{date}");
    let clock: Vec<u64> = time.split(':').map(|part| part.parse().unwrap()).collect();
    let reference = &bytes[bext + 338..bext + 346];
    let reference = u64::from_le_bytes(reference.try_into().unwrap());
    assert_eq!(
        reference / 48_000,
        clock[0] * 3600 + clock[1] * 60 + clock[2]
    );
    for said in [
        "<SCENE>12 &amp; 13</SCENE>",
        "<TAKE>3</TAKE>",
        "<PROJECT>The film</PROJECT>",
    ] {
        assert!(at(said.as_bytes()).is_some(), "{said}");
    }
}

#[test]
fn flac_and_ogg_are_written_by_their_endings() {
    let (folder, wav, samples) = folder_with_noise(2, 24_000);
    for (name, magic) in [("take.flac", b"fLaC"), ("take.ogg", b"OggS")] {
        let out = folder.path().join(name);
        let play = [
            "play",
            text(&wav),
            "--host",
            "null",
            "--record",
            text(&out),
            "--json",
        ];
        let json = ossicle(&play).json();
        let bytes = std::fs::read(&out).unwrap();
        assert_eq!(&bytes[..4], magic);
        let info = ossicle(&["info", text(&out), "--json"]).json();
        assert_eq!(info["frames"], json["file_frames"], "{name}: {info}");
    }
    // FLAC holds 24 bits unless told otherwise.
    let (flac, again) = (
        folder.path().join("take.flac"),
        folder.path().join("again.wav"),
    );
    ossicle(&["render", text(&flac), text(&again)]).done();
    let again = read_f32(&again);
    for (got, want) in again.iter().zip(&samples) {
        assert!((got - want).abs() <= 0.5 / 8_388_608.0, "{got} {want}");
    }
    let ran = ossicle(&[
        "rec",
        text(&folder.path().join("take.xyz")),
        "--host",
        "null",
    ]);
    assert!(ran.failed(2).contains("wav, flac, ogg"), "{ran:?}");
}

#[test]
fn a_killed_recording_is_told_of_and_finished() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("take.wav");
    let child = start(&["rec", text(&out), "--host", "null", "--channels", "1"]);
    wait_for(&out);
    std::thread::sleep(std::time::Duration::from_millis(400));
    // While it is written it is left alone.
    let recover = ["recover", text(folder.path())];
    let said = ossicle(&recover).stdout;
    assert!(said.starts_with("1 is being written: "), "{said}");
    signal(&child, "KILL");
    finish(child);
    // A list of gaps, as it stands beside a take while that runs.
    let gap = r#"{"position":480,"frames":96,"seconds":0.002,"cause":"xrun","file":"take.wav"}"#;
    let list = format!(
        r#"{{"version":1,"file":"take.wav","sample_rate_hz":48000,"channels":1,"frames":9600,"gaps":[{gap}],"closed":false}}"#
    );
    let list_file = folder.path().join("take.wav.gaps.json");
    std::fs::write(&list_file, list).unwrap();

    let next = folder.path().join("next.wav");
    let rec = ["rec", text(&next), "--host", "null", "--for", "50ms"];
    let ran = ossicle(&rec);
    ran.done();
    let told = format!("ossicle recover {}", text(folder.path()));
    assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
    assert!(
        ran.stderr.contains("take.wav") && ran.stderr.contains(&told),
        "{ran:?}"
    );

    let before = std::fs::read(&out).unwrap();
    let dry = ossicle(&[&recover[..], &["--dry-run", "--json"]].concat()).json();
    assert_eq!(std::fs::read(&out).unwrap(), before);
    assert_eq!(
        (&dry["takes"][0]["finished"], &dry["takes"][0]["gaps"]),
        (&false.into(), &1.into())
    );
    let frames = dry["takes"][0]["frames"].as_u64().unwrap();
    assert!(frames > 9600, "{dry}");

    let json = ossicle(&[&recover[..], &["--json"]].concat()).json();
    assert_eq!(json["takes"].as_array().unwrap().len(), 1, "{json}");
    assert_eq!(
        (&json["takes"][0]["frames"], &json["takes"][0]["finished"]),
        (&frames.into(), &true.into())
    );
    assert_eq!(
        u64::from(hound::WavReader::open(&out).unwrap().duration()),
        frames
    );
    let bytes = std::fs::read(&out).unwrap();
    assert!(bytes.windows(10).any(|window| window == b"lost: xrun"));
    let list = std::fs::read_to_string(&list_file).unwrap();
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    assert_eq!(
        (&list["closed"], &list["frames"]),
        (&true.into(), &frames.into())
    );

    assert!(ossicle(&recover).stdout.ends_with("all is closed\n"));
    let ran = ossicle(&[&rec[..], &["--force"]].concat());
    assert!(ran.stderr.is_empty(), "{ran:?}");
    let nowhere = folder.path().join("nowhere");
    ossicle(&["recover", text(&nowhere)]).failed(2);
}

#[test]
fn two_recordings_never_go_to_one_file_by_two_ways() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("take.wav");
    let same = folder
        .path()
        .join(".")
        .join("..")
        .join(folder.path().file_name().unwrap());
    let dry = same.join("take.wav");
    let ran = ossicle(&[
        "rec",
        text(&out),
        "--dry",
        text(&dry),
        "--force",
        "--host",
        "null",
        "--for",
        "0.1s",
    ]);
    assert!(
        ran.failed(2).contains("two recordings go to this file"),
        "{ran:?}"
    );
    assert!(!out.exists());
}

#[test]
fn folders_are_looked_at_before_the_recording() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("file"), "").unwrap();
    let rec = |out: &str, options: &[&str]| {
        let out = at(out);
        let mut line = vec!["rec", text(&out), "--host", "null", "--for", "0.1s"];
        line.extend(options);
        ossicle(&line)
    };
    assert!(
        rec("none/take.wav", &[])
            .failed(2)
            .contains("none: no such folder")
    );
    assert!(
        rec("file/take.wav", &[])
            .failed(2)
            .contains("file: is no folder")
    );
    for (spill, part) in [("none", "no such folder"), ("file", "is no folder")] {
        let ran = rec("take.wav", &["--spill", text(&at(spill))]);
        assert!(
            ran.failed(2).contains(&format!("{spill}: {part}")),
            "{ran:?}"
        );
    }
    assert!(!at("take.wav").exists());
}
