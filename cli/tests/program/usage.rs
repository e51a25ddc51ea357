//! The command line itself.

use crate::call::ossicle;
use crate::sound::{folder_with_noise, text, write_f32};

const COMMANDS: [&str; 12] = [
    "devices", "play", "rec", "live", "render", "info", "fx", "doctor", "replay", "bench",
    "measure", "tune",
];

#[test]
fn help_and_version_end_with_0_and_every_help_has_an_example() {
    assert!(ossicle(&["--version"]).stdout.starts_with("ossicle 0."));
    for command in COMMANDS {
        let ran = ossicle(&[command, "--help"]);
        ran.done();
        assert!(ran.stderr.is_empty(), "{ran:?}");
        assert!(
            ran.stdout
                .contains(&format!("Example:\n  ossicle {command}")),
            "{}",
            ran.stdout
        );
        for option in ["--json", "--quiet"] {
            assert!(ran.stdout.contains(option), "{command} without {option}");
        }
    }
    let general = ossicle(&["--help"]);
    general.done();
    assert!(
        COMMANDS
            .iter()
            .all(|command| general.stdout.contains(command))
    );
}

#[test]
fn a_wrong_command_line_ends_with_1_in_one_line() {
    for (arguments, part) in [
        (&["plai", "x.wav"][..], "plai"),
        (&["play"], "<FILE>"),
        (&["render", "in.wav"], "<OUT>"),
        (&["play", "x.wav", "--speed", "2"], "--speed"),
        (&["play", "x.wav", "--host", "oss"], "alsa"),
        (
            &["play", "x.wav", "--seek", "1d"],
            "allowed: 1.5s, 250ms, 10m, 2h, 1:02.5, 48000f",
        ),
        (&["play", "x.wav", "--buffer", "0"], "--buffer"),
        (&["render", "a.wav", "b.wav", "--block", "0"], "--block"),
        (&["render", "a.wav", "b.wav", "--format", "f64"], "f32"),
        (
            &["render", "a.wav", "b.wav", "--latency", "maybe"],
            "remove",
        ),
        (&["render", "a.wav", "b.wav", "--tail", "long"], "--tail"),
        (&["rec", "a.wav", "--channels", "0"], "--channels"),
        (&["live", "--tap", "middle"], "pre"),
        (&["live", "--fallback", "spare"], "--out"),
        (&["live", "--out", "a", "--in-fallback", "spare"], "--in"),
        (&["play", "x.wav", "--fallback", "spare"], "--device"),
        (&["rec", "--fallback", "spare"], "--device"),
        (&["fx", "gian"], "nearest is gain"),
        (&["replay"], "<FLIGHT>"),
    ] {
        let ran = ossicle(arguments);
        assert!(ran.failed(1).contains(part), "{arguments:?}: {ran:?}");
        assert!(ran.stdout.is_empty(), "{ran:?}");
    }
    assert_eq!(ossicle(&[]).exit, Some(1));
}

#[test]
fn a_wrong_chain_ends_with_1_before_any_file_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.wav");
    for (chain, part) in [
        (
            "gain | pann",
            "node 2: unknown effect \"pann\", nearest is pan (allowed: ",
        ),
        ("gain:gian=1", "nearest is gain"),
        ("gain:gain=1Hz", "dB"),
        ("pan:pan=200%", "100%"),
    ] {
        let ran = ossicle(&["render", "missing.wav", text(&out), "--fx", chain]);
        assert!(ran.failed(1).contains(part), "{ran:?}");
        assert!(!out.exists());
    }
}

#[test]
fn a_chain_that_does_not_fit_the_channels_ends_with_1() {
    let (folder, noise, _) = folder_with_noise(3, 10);
    let out = folder.path().join("out.wav");
    let ran = ossicle(&["render", text(&noise), text(&out), "--fx", "pan:pan=10%"]);
    assert!(ran.failed(1).contains('3'), "{ran:?}");
    assert!(!out.exists());
}

#[test]
fn what_does_not_fit_a_file_is_named_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("in.wav"), folder.path().join("out.wav"));
    for (sample_rate_hz, channels, chain, wanted) in [
        (
            8000,
            1,
            "gain | ( gain ; parametric_eq:b3_type=peak,b3_freq=20kHz )",
            "node 3: parametric_eq: b3_freq=20000 is out of range at 8000 Hz",
        ),
        (
            1000,
            1,
            "gain | delay",
            "node 2: delay does not run at 1000 Hz",
        ),
        (
            8000,
            3,
            "gain ~ 50% | pan",
            "node 2: pan takes 1 or 2 channels",
        ),
    ] {
        write_f32(&file, sample_rate_hz, channels, &[0.0; 30]);
        let ran = ossicle(&["render", text(&file), text(&out), "--fx", chain]);
        assert!(ran.failed(1).starts_with(wanted), "{ran:?}");
        assert!(!out.exists());
    }
}

#[test]
fn a_bus_that_comes_back_nowhere_or_twice_ends_with_1() {
    let (folder, noise, _) = folder_with_noise(1, 10);
    let out = folder.path().join("out.wav");
    for (chain, part) in [
        (
            "send:bus=e | gain",
            "the bus \"e\" is sent to and not heard",
        ),
        ("bus:name=e", "nothing is sent to the bus \"e\""),
        (
            "send:bus=e | bus:name=e | bus:name=e",
            "the bus \"e\" comes back twice (allowed: once)",
        ),
    ] {
        let ran = ossicle(&["render", text(&noise), text(&out), "--fx", chain]);
        assert!(ran.failed(1).contains(part), "{ran:?}");
        assert!(!out.exists());
    }
}

#[test]
fn a_missing_chain_file_ends_with_2() {
    let ran = ossicle(&["render", "in.wav", "out.wav", "--fx", "@missing.toml"]);
    assert!(ran.failed(2).starts_with("missing.toml: "), "{ran:?}");
}

#[test]
fn failures_are_json_when_asked_for() {
    for (arguments, exit) in [
        (&["render", "missing.wav", "out.wav", "--json"][..], 2),
        (&["--json", "info", "missing.wav"], 2),
        (&["fx", "gian", "--json"], 1),
        (&["play", "--json"], 1),
        (&["rec", "--json", "--bogus"], 1),
    ] {
        let ran = ossicle(arguments);
        assert_eq!(ran.exit, Some(exit), "{ran:?}");
        let json: serde_json::Value = serde_json::from_str(&ran.stdout).expect(&ran.stdout);
        assert_eq!(json["error"]["exit"], exit);
        assert_eq!(json["error"]["message"].as_str(), Some(ran.failed(exit)));
        assert_eq!(ran.stdout.lines().count(), 1);
    }
}
