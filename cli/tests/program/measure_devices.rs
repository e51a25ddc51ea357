//! `ossicle measure roundtrip` and `drift`, and `ossicle devices --watch`, without a server.

use crate::call::ossicle;

#[test]
fn silence_that_comes_back_is_no_round_trip() {
    let words = ["measure", "roundtrip", "--host", "null", "--attempts", "1"];
    let ran = ossicle(&words);
    let line = ran.failed(3);
    assert!(
        line.starts_with("nothing of the signal came back"),
        "{line}"
    );
    assert!(line.contains("attempts: 1"), "{line}");
}

#[test]
fn what_is_out_of_range_is_named_with_what_is_allowed() {
    let loud = ossicle(&["measure", "roundtrip", "--host", "null", "--level", "3"]);
    let due = "the level 3 dBFS is out of range (allowed: -80 to 0 dBFS)";
    assert_eq!(loud.failed(1), due);
    let short = ossicle(&["measure", "drift", "--host", "null", "--for", "1s"]);
    let due = "the time 1 s is out of range (allowed: 4 to 86400 s)";
    assert_eq!(short.failed(1), due);
    let frames = ossicle(&["measure", "drift", "--host", "null", "--for", "48000f"]);
    assert!(frames.failed(1).contains("allowed: seconds"));
}

#[test]
fn a_watch_ends_after_its_time_and_a_time_needs_a_watch() {
    let ran = ossicle(&["devices", "--watch", "--host", "null", "--for", "100ms"]);
    ran.done();
    assert_eq!(ran.stdout, "");
    let ran = ossicle(&["devices", "--for", "1s"]);
    assert!(ran.failed(1).contains("--watch"), "{ran:?}");
}

#[test]
fn the_devices_of_one_host_are_listed_alone() {
    let json = ossicle(&["devices", "--host", "null", "--json"]).json();
    let ids: Vec<&str> = json
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|d| d["id"].as_str())
        .collect();
    assert_eq!(ids, ["null:null"], "{json}");
}
