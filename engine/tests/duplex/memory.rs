//! What was learned of two clocks is kept, and the next session is in step at once.

use std::path::Path;

use ossicle::io::device::sim::Sim;
use ossicle::io::realtime;
use ossicle::session::SessionConfig;

use crate::world::{RATE, counting, delay, device, live, run, start};

const PPM: f64 = 700.0;

/// A session of so many seconds on the same two devices in a new world; returns the world, what the
/// session warned of, and the latency that it told in the end.
fn session(seed: u64, seconds: f64, clock_file: Option<&Path>) -> (Sim, Vec<String>, f64) {
    let sim = Sim::new(seed);
    sim.plug(counting(device("mic", 1, 0, PPM, 50))).unwrap();
    sim.plug(device("speaker", 0, 1, -150.0, 50)).unwrap();
    let config = SessionConfig {
        clock_file: clock_file.map(Path::to_owned),
        ..live("mic", "speaker")
    };
    let mut session = start(&sim, config);
    run(&sim, &mut session, seconds);
    let told = session.bridges()[0].latency_frames;
    let ended = session.stop().unwrap();
    (sim, ended.warnings, told)
}

/// Milliseconds until the delay stays within a frame of what is told.
fn locked_after_ms(sim: &Sim, told: f64) -> f64 {
    let played = sim.played("speaker");
    // What is played begins with the stream; both devices count since the world began.
    let off = |at: usize| (delay(sim, "mic", "speaker", at, played[at]) - told).abs();
    let wrong = (0..played.len() - 300).rev().find(|&at| off(at) > 1.0);
    wrong.map_or(0.0, |at| (at + 1) as f64 * 1000.0 / RATE)
}

#[test]
fn a_session_that_knows_its_clocks_is_in_step_within_100_ms() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clocks.toml");
    let (sim, _, told) = session(1, 20.0, Some(&file));
    let cold_ms = locked_after_ms(&sim, told);
    let mut warm_ms: Vec<f64> = (2..8)
        .map(|seed| {
            let (sim, warnings, told) = session(seed, 3.0, Some(&file));
            assert_eq!(warnings, Vec::<String>::new());
            locked_after_ms(&sim, told)
        })
        .collect();
    warm_ms.sort_by(f64::total_cmp);
    // A reader that knows nothing listens for 120 ms at least.
    assert!(cold_ms > 120.0, "{cold_ms} ms");
    assert!(warm_ms[5] <= 100.0, "{warm_ms:?} ms, {cold_ms} ms before");
    assert_eq!(realtime::violations(), 0);
}

#[test]
fn a_file_that_is_not_understood_is_told_and_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clocks.toml");
    for (bytes, told) in [
        (&b"version = 99\n"[..], "it is of version 99 (allowed: 1)"),
        (b"\0\xff[[pair]]", "it is no text"),
    ] {
        std::fs::write(&file, bytes).unwrap();
        let (_, warnings, _) = session(1, 12.0, Some(&file));
        assert!(
            warnings.iter().any(|warning| warning.contains(told)),
            "{warnings:?}"
        );
        let (sim, warnings, told) = session(2, 3.0, Some(&file));
        assert_eq!(warnings, Vec::<String>::new());
        let ms = locked_after_ms(&sim, told);
        assert!(ms <= 100.0, "{ms} ms");
    }
}

#[test]
fn what_a_short_session_found_out_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clocks.toml");
    session(1, 5.0, Some(&file));
    assert!(!file.exists());
    session(1, 5.0, None);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
