//! Which files are replaced and which never.

use std::path::Path;

use crate::call::ossicle;
use crate::sound::{folder_with_noise, read_f32, text};

#[test]
fn render_replaces_its_output() {
    let (folder, noise, samples) = folder_with_noise(1, 100);
    let out = folder.path().join("out.wav");
    std::fs::write(&out, "something else").unwrap();
    ossicle(&["render", text(&noise), text(&out)]).done();
    assert_eq!(read_f32(&out), samples);
}

#[test]
fn render_never_reads_and_writes_one_file() {
    let (folder, noise, _) = folder_with_noise(1, 100);
    let before = std::fs::read(&noise).unwrap();
    let link = folder.path().join("link.wav");
    let other_name = folder.path().join("other-name.wav");
    std::os::unix::fs::symlink(&noise, &link).unwrap();
    std::fs::hard_link(&noise, &other_name).unwrap();
    for out in [&noise, &link, &other_name] {
        ossicle(&["render", text(&noise), text(out)]).failed(2);
        assert_eq!(std::fs::read(&noise).unwrap(), before);
        let played = text(&noise);
        let null = ["--host", "null", "--for", "20ms", "--force"];
        let play = ["play", played, "--record", text(out)];
        ossicle(&[&play[..], &null[..]].concat()).failed(2);
        assert_eq!(std::fs::read(&noise).unwrap(), before);
    }
}

#[test]
fn recordings_replace_a_file_only_by_force() {
    let (folder, noise, _) = folder_with_noise(1, 4800);
    let out = folder.path().join("take.wav");
    let (noise, take) = (text(&noise), text(&out));
    for arguments in [
        &["rec", take, "--host", "null", "--for", "50ms"][..],
        &["live", "--record", take, "--host", "null", "--for", "50ms"],
        &["play", noise, "--record", take, "--host", "null"],
    ] {
        std::fs::write(&out, "mine").unwrap();
        let ran = ossicle(arguments);
        assert!(ran.failed(2).contains("take.wav"), "{ran:?}");
        assert_eq!(std::fs::read(&out).unwrap(), b"mine");
        ossicle(&[arguments, &["--force"]].concat()).done();
        assert!(!read_f32(&out).is_empty());
    }
}

#[test]
fn force_removes_the_rest_of_an_older_split_and_no_other_recordings() {
    let folder = tempfile::tempdir().unwrap();
    let (out, at) = (folder.path().join("take.wav"), |number: usize| {
        folder.path().join(format!("take-{number:03}.wav"))
    });
    let rec = |out: &Path, more: &[&str]| {
        let ran = ossicle(&[&["rec", text(out), "--host", "null"], more].concat());
        ran.done();
        ran
    };
    // Of their own, whatever their names look like.
    rec(&at(6), &["--for", "100ms"]);
    rec(&at(2024), &["--for", "100ms"]);
    let own = [6, 2024].map(|number| std::fs::read(at(number)).unwrap());
    let split = ["--split", "1s", "--force", "--for"];
    let ran = rec(&out, &[&split[..], &["4.5s"]].concat());
    assert!(
        ran.stderr
            .contains("take-006.wav and 1 more, of other recordings"),
        "{ran:?}"
    );
    assert!(at(5).exists());
    let ran = rec(&out, &[&split[..], &["1.5s"]].concat());
    let told = [3, 4, 5]
        .map(|number| text(&at(number)).to_owned())
        .join(", ");
    assert!(
        ran.stderr
            .contains(&format!("removed, of an older take: {told}")),
        "{ran:?}"
    );
    assert_eq!(
        [1, 2, 3, 4, 5].map(|number| at(number).exists()),
        [true, true, false, false, false]
    );
    assert_eq!(
        own,
        [6, 2024].map(|number| std::fs::read(at(number)).unwrap())
    );
}
