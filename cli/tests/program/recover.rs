//! What `recover` says of takes that were left open, and what it does to them.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use ossicle::io::file::{AudioWriter, Overwrite, Tags, WavSpec};
use ossicle::io::sample::SampleFormat;

use crate::call::{Ran, finish, ossicle, start, start_as};
use crate::sound::{noise, text};

const FRAMES: usize = 60_000;

/// A take that a kill left open.
fn left_open(folder: &Path, name: &str, format: SampleFormat) -> PathBuf {
    let spec = WavSpec {
        sample_rate_hz: 48_000,
        channels: 1,
        format,
    };
    let living = folder.join(format!("living-{name}"));
    let mut take = AudioWriter::create(&living, spec, &Tags::default(), Overwrite::Never).unwrap();
    take.write(&noise(3, FRAMES)).unwrap();
    take.checkpoint().unwrap();
    let path = folder.join(name);
    fs::copy(&living, &path).unwrap();
    drop(take);
    fs::remove_file(living).unwrap();
    path
}

#[test]
fn a_damaged_take_is_told_as_damaged_and_keeps_its_length() {
    let folder = tempfile::tempdir().unwrap();
    for (name, frames) in [("a.flac", FRAMES / 4096 * 4096), ("b.ogg", FRAMES - 12_000)] {
        let take = left_open(folder.path(), name, SampleFormat::I24);
        let mut bytes = fs::read(&take).unwrap();
        let at = bytes.len() * 3 / 10;
        bytes[at] ^= 0x55;
        fs::write(&take, bytes).unwrap();
        let dry = ossicle(&["recover", text(&take), "--dry-run", "--json"]).json();
        let damaged = dry["takes"][0]["damaged"].as_array().unwrap();
        assert_eq!(damaged.len(), 1, "{dry}");
        let ran = ossicle(&["recover", text(folder.path())]);
        ran.done();
        assert!(ran.stdout.contains("damaged at 0:00."), "{ran:?}");
        assert!(
            ran.stdout.contains("frames cannot be read, finished"),
            "{ran:?}"
        );
        let info = ossicle(&["info", text(&take), "--json"]).json();
        assert!(info["frames"].as_u64().unwrap() >= frames as u64, "{info}");
    }
}

/// Runs the program without the right of root to open every file.
fn without_rights(may_all: bool, arguments: &[&str]) -> Ran {
    let program = env!("CARGO_BIN_EXE_ossicle");
    let rights = "-dac_override,-dac_read_search";
    let (bounds, kept) = (
        format!("--bounding-set={rights}"),
        format!("--inh-caps={rights}"),
    );
    finish(match may_all {
        true => start_as(
            "setpriv",
            &[&[&*bounds, &kept, program], arguments].concat(),
        ),
        false => start(arguments),
    })
}

#[test]
fn takes_that_cannot_be_opened_are_named_and_no_success() {
    let folder = tempfile::tempdir().unwrap();
    let locked = ["flac", "ogg", "wav"].map(|kind| {
        let take = left_open(folder.path(), &format!("locked.{kind}"), SampleFormat::I24);
        fs::set_permissions(&take, Permissions::from_mode(0o444)).unwrap();
        take
    });
    let hidden = left_open(folder.path(), "hidden.wav", SampleFormat::I16);
    fs::set_permissions(&hidden, Permissions::from_mode(0o000)).unwrap();
    // What nobody may read and has no name of a take is none.
    let other = folder.path().join("other.txt");
    fs::write(&other, "").unwrap();
    fs::set_permissions(&other, Permissions::from_mode(0o000)).unwrap();
    let may_all = File::open(&hidden).is_ok();
    let good = left_open(folder.path(), "good.wav", SampleFormat::I16);
    let before = locked.clone().map(|path| fs::read(path).unwrap());
    for more in [&[][..], &["--dry-run"], &["--json"]] {
        let ran = without_rights(may_all, &[&["recover", text(folder.path())], more].concat());
        let told = ran.failed(2);
        assert!(!ran.stdout.contains("all is closed"), "{ran:?}");
        for take in locked.iter().chain([&hidden]) {
            assert!(told.contains(text(take)), "{ran:?}");
        }
        assert!(
            !told.contains("other.txt") && !told.contains("good.wav"),
            "{ran:?}"
        );
        assert!(told.contains("permission denied"), "{ran:?}");
        if more == ["--json"] {
            let json: serde_json::Value = serde_json::from_str(&ran.stdout).expect(&ran.stdout);
            assert_eq!(json["errors"].as_array().unwrap().len(), 4, "{json}");
            assert_eq!(
                (&json["error"], &json["error"]["exit"]),
                (&json["errors"][0], &2.into())
            );
        }
    }
    assert_eq!(before, locked.clone().map(|path| fs::read(path).unwrap()));
    let ran = without_rights(may_all, &["recover", text(&locked[0])]);
    assert!(ran.failed(2).contains("locked.flac"), "{ran:?}");
    let ran = without_rights(may_all, &["recover", text(&good)]);
    assert!(
        ran.stdout.contains("all is closed"),
        "it was not finished: {ran:?}"
    );
}

/// Zeros of 64 GiB, which no file system stores, would take a minute and more to go through.
#[test]
fn a_recording_begins_beside_long_open_takes_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.flac", "b.ogg", "c.wav"] {
        let take = left_open(folder.path(), name, SampleFormat::I24);
        let file = File::options().write(true).open(take).unwrap();
        file.set_len(64 << 30).unwrap();
    }
    let out = folder.path().join("now.wav");
    let ran = ossicle(&["rec", text(&out), "--host", "null", "--for", "50ms"]);
    ran.done();
    assert!(
        ran.stderr.contains("a.flac and 2 more were not closed"),
        "{ran:?}"
    );
}

/// A list of gaps, as it stands in the end beside a recording that a full disk ended.
#[test]
fn recordings_numbered_by_their_pattern_are_no_split() {
    let folder = tempfile::tempdir().unwrap();
    let closed = folder.path().join("take-001.wav");
    let rec = [
        "rec",
        text(&closed),
        "--host",
        "null",
        "--channels",
        "1",
        "--for",
        "1s",
    ];
    ossicle(&rec).done();
    let list = folder.path().join("take-001.wav.gaps.json");
    let gap = r#"{"position":48000,"frames":960,"seconds":0.02,"cause":"disk full","file":"take-001.wav"}"#;
    let file = r#"{"file":"take-001.wav","first_frame":0}"#;
    let json = format!(
        r#"{{"version":1,"file":"take-001.wav","sample_rate_hz":48000,"channels":1,"frames":48000,"files":[{file}],"gaps":[{gap}],"closed":true}}"#
    );
    fs::write(&list, &json).unwrap();
    let killed = left_open(folder.path(), "take-003.wav", SampleFormat::I16);
    let ran = ossicle(&["recover", text(folder.path()), "--json"]).json();
    assert_eq!(
        (&ran["takes"][0]["gaps"], &ran["takes"][0]["finished"]),
        (&0.into(), &true.into())
    );
    assert_eq!(fs::read_to_string(list).unwrap(), json);
    let bytes = fs::read(killed).unwrap();
    assert!(!bytes.windows(5).any(|text| text == b"lost:"));
}

#[test]
fn a_folder_that_is_not_there_hides_nothing_of_those_before_and_behind_it() {
    let [one, two] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let takes = [&one, &two].map(|folder| left_open(folder.path(), "a.wav", SampleFormat::I16));
    let missing = one.path().join("missing");
    let folders = [one.path(), &missing, two.path()].map(text);
    let ran = ossicle(&[&["recover"], &folders[..]].concat());
    assert!(ran.failed(2).contains(text(&missing)), "{ran:?}");
    for take in &takes {
        assert!(ran.stdout.contains(text(take)), "{ran:?}");
    }
    let take = left_open(one.path(), "b.wav", SampleFormat::I16);
    let ran = ossicle(&[&["recover", "--json"], &folders[..]].concat());
    ran.failed(2);
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).expect(&ran.stdout);
    assert_eq!(json["takes"][0]["file"], text(&take), "{json}");
    assert_eq!(json["takes"][0]["finished"], true);
    assert_eq!(json["errors"].as_array().unwrap().len(), 1, "{json}");
    let told = json["error"]["message"].as_str().unwrap();
    assert!(told.contains(text(&missing)), "{json}");
}
