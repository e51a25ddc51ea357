//! `ossicle devices`.

use std::process::Stdio;

use crate::call::{finish, ossicle};

#[test]
fn devices_are_a_list_with_ids_that_name_their_host() {
    let json = ossicle(&["devices", "--json"]).json();
    for device in json.as_array().unwrap() {
        let (id, host) = (
            device["id"].as_str().unwrap(),
            device["host"].as_str().unwrap(),
        );
        assert!(id.starts_with(&format!("{host}:")), "{device}");
        assert!(
            device["input"].is_object() || device["output"].is_object(),
            "{device}"
        );
    }
}

#[test]
fn a_missing_device_ends_with_3() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.wav");
    let ran = ossicle(&[
        "rec",
        out.to_str().unwrap(),
        "--host",
        "null",
        "--device",
        "no such thing",
    ]);
    assert!(ran.failed(3).contains("no such thing"), "{ran:?}");
    assert!(!out.exists());
}

#[test]
fn a_host_that_does_not_answer_ends_with_3() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.wav");
    let arguments = ["rec", out.to_str().unwrap(), "--host", "jack", "--json"];
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ossicle"));
    command
        .args(arguments)
        .env("JACK_DEFAULT_SERVER", "there-is-no-such-server");
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let ran = finish(child);
    assert!(ran.failed(3).contains("jack"), "{ran:?}");
    assert!(!out.exists());
}
