//! Which files are replaced and which never.

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
