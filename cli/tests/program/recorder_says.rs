//! What the recorder refuses, and what it says of it.

use std::fs::{self, OpenOptions};
use std::process::{Command, Stdio};

use crate::call::{finish, ossicle, start};
use crate::signals::{signal, wait_for};
use crate::sound::text;

#[test]
fn what_would_do_nothing_is_refused_with_what_would_be_right() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| text(&folder.path().join(name)).to_owned();
    let (ogg, wav) = (at("a.ogg"), at("a.wav"));
    for (line, exit, told) in [
        (&[&*ogg, "--format", "i16"][..], 1, "no sample format"),
        (&[&ogg, "--dither", "tpdf"], 1, "--dither"),
        (&[&wav, "--dither", "tpdf"], 1, "--format i16"),
        (&[&wav, "--for", "-1s"], 1, "allowed: 1.5s"),
        (&[&wav, "--for", "0"], 1, "longer than nothing"),
        (&[&wav, "--split", "-3m"], 1, "allowed: a time from 1 s on"),
        (&["--force"], 1, "--force says how to record"),
        (&[text(folder.path())], 2, "is a folder"),
        (&[&wav, "--tag", "description=für"], 1, "--tag description"),
    ] {
        let ran = ossicle(&[&["rec", "--host", "null"], line].concat());
        assert!(ran.failed(exit).contains(told), "{line:?}: {ran:?}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    let ran = ossicle(&["sim", "--hours", "-1"]);
    assert!(ran.failed(1).contains("0.001 to 1000"), "{ran:?}");
}

#[test]
fn a_flac_takes_a_title_and_any_description() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["take.flac", "take.ogg"] {
        let out = folder.path().join(name);
        let long = format!("description={}", "schön ".repeat(100));
        let rec = ["rec", text(&out), "--host", "null", "--for", "50ms"];
        ossicle(&[&rec[..], &["--tag", "title=Lied", "--tag", &long]].concat()).done();
        let bytes = fs::read(&out).unwrap();
        let has = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
        assert!(has(b"TITLE=Lied") && !has(b"PROJECT="), "{name}");
        assert!(has("schön schön".as_bytes()), "{name}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_finds_no_room_is_a_failure() {
    for line in [
        &["rec", "--host", "null", "--for", "50ms", "--json"][..],
        &["fx"],
    ] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ossicle"));
        let ran = command.args(line).stdout(full).stderr(Stdio::piped());
        let ran = ran.output().unwrap();
        assert_eq!(ran.status.code(), Some(2), "{line:?}: {ran:?}");
        let told = String::from_utf8(ran.stderr).unwrap();
        assert!(told.contains("the result is lost"), "{line:?}: {told}");
    }
}

#[test]
fn recover_names_what_is_being_written() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("now.wav");
    let child = start(&["rec", text(&out), "--host", "null"]);
    wait_for(&out);
    for at in [folder.path(), &out] {
        let ran = ossicle(&["recover", text(at)]);
        assert_eq!(ran.exit, Some(0), "{ran:?}");
        assert!(ran.stdout.contains("1 is being written: "), "{ran:?}");
        assert!(ran.stdout.contains("now.wav"), "{ran:?}");
    }
    signal(&child, "INT");
    finish(child);
    let ran = ossicle(&["recover", text(folder.path())]);
    assert!(ran.stdout.contains("all is closed"), "{ran:?}");
    let other = folder.path().join("text");
    fs::write(&other, "root:x:0").unwrap();
    let ran = ossicle(&["recover", text(&other)]);
    assert!(ran.failed(2).contains("is no folder"), "{ran:?}");
}
