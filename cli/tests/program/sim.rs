//! Simulations: short by default, long by `OSSICLE_TRIALS=N` seeds of ten minutes each.

use crate::call::ossicle;
use serde_json::Value;

/// Runs a simulation; returns its exit code and its result.
fn simulate(line: &str) -> (Option<i32>, Value) {
    // Its result is JSON, since it goes to no terminal.
    let words: Vec<&str> = line.split_whitespace().collect();
    let ran = ossicle(&words);
    let json = serde_json::from_str(ran.stdout.trim());
    (
        ran.exit,
        json.unwrap_or_else(|error| panic!("{error}: {} {}", ran.stdout, ran.stderr)),
    )
}

fn number(json: &Value, key: &str) -> f64 {
    json[key]
        .as_f64()
        .unwrap_or_else(|| panic!("no {key} in {json}"))
}

#[test]
fn devices_without_faults_are_in_step_and_aligned_and_lose_nothing() {
    let (exit, json) = simulate("sim --seed 3 --hours 0.01 --devices 3");
    assert_eq!(exit, Some(0), "{json}");
    // Two devices that capture, looked at each second behind the first fifteen.
    assert!(number(&json, "lock_checks") >= 36.0, "{json}");
    assert!(number(&json, "alignment_frames") < 1.0, "{json}");
    for key in [
        "overrun_frames",
        "underrun_frames",
        "skipped_frames",
        "faults",
    ] {
        assert_eq!(number(&json, key), 0.0, "{key}: {json}");
    }
    assert_eq!(json["bridges"].as_array().unwrap().len(), 2);
}

#[test]
fn faults_of_all_kinds_break_nothing_and_come_again_from_their_seed() {
    let line = "sim --seed 8 --hours 0.02 --faults heavy";
    let (exit, first) = simulate(line);
    assert_eq!(exit, Some(0), "{first}");
    assert!(
        number(&first, "faults") > 10.0 && number(&first, "events") > 0.0,
        "{first}"
    );
    let (_, second) = simulate(line);
    for key in ["frames", "underrun_frames", "jumps", "events", "silences"] {
        assert_eq!(first[key], second[key], "{key}");
    }
}

#[test]
fn a_schedule_that_is_none_is_told_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("faults");
    std::fs::write(&file, "1s mic1 stall 20ms\n2s mic1 sneeze\n").unwrap();
    let ran = ossicle(&["sim", "--schedule", file.to_str().unwrap()]);
    assert_eq!(ran.exit, Some(1), "{}", ran.stderr);
    let told = "line 2: \"sneeze\" is not a fault";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
}

#[test]
fn a_schedule_of_a_device_that_is_not_there_is_told_with_those_that_are() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("faults");
    for (text, exit, told) in [
        (
            "1s mic1 stall 20ms\n2s mic3 stall 20ms\n",
            1,
            "\"mic3\" is no device of 3 (allowed: mic1, mic2, speaker)",
        ),
        (
            "1s mic2 errors 4000000000\n",
            3,
            "a backend tells at most 10000 errors at once",
        ),
    ] {
        std::fs::write(&file, text).unwrap();
        let file = file.to_str().unwrap();
        let ran = ossicle(&["sim", "--devices", "3", "--schedule", file]);
        assert_eq!(ran.exit, Some(exit), "{}", ran.stderr);
        assert!(ran.stderr.contains(told), "{}", ran.stderr);
    }
}

#[test]
fn faults_that_were_drawn_are_kept_and_come_again_from_their_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("faults");
    let file = file.to_str().unwrap();
    let line = "sim --seed 8 --hours 0.01 --faults heavy --schedule-out";
    let (exit, first) = simulate(&format!("{line} {file}"));
    assert_eq!(exit, Some(0), "{first}");
    assert!(number(&first, "faults") > 5.0, "{first}");
    let (_, second) = simulate(&format!("sim --seed 8 --hours 0.01 --schedule {file}"));
    for key in ["frames", "faults", "events", "silences", "back_ms"] {
        assert_eq!(first[key], second[key], "{key}");
    }
    let words: Vec<&str> = line.split(' ').chain([file]).collect();
    assert_eq!(ossicle(&words).exit, Some(2), "it is there already");
}

#[test]
fn a_device_is_heard_within_100_ms_of_its_return_at_any_rate() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("faults");
    let text = "20s speaker return 1s 44100hz 0in 1out\n22s mic1 unplug 500ms\n\
                24s mic1 return 1s 96000hz 1in 0out\n";
    std::fs::write(&file, text).unwrap();
    let line = format!("sim --hours 0.008 --schedule {}", file.display());
    let (exit, json) = simulate(&line);
    assert_eq!(exit, Some(0), "{json}");
    let back = &json["back_ms"];
    for kind in ["unplug", "return at another rate"] {
        let ms = back[kind]
            .as_f64()
            .unwrap_or_else(|| panic!("no {kind}: {json}"));
        assert!(0.0 < ms && ms < 100.0, "{kind}: {json}");
    }
}

#[test]
fn many_seeds_break_nothing() {
    let trials = std::env::var("OSSICLE_TRIALS").ok();
    let trials: u64 = trials.map_or(0, |text| text.parse().unwrap());
    for seed in 1..=trials {
        for faults in ["none", "light", "heavy"] {
            let (exit, json) =
                simulate(&format!("sim --seed {seed} --hours 0.17 --faults {faults}"));
            assert_eq!(exit, Some(0), "seed {seed}, {faults}: {json}");
        }
    }
}
