//! What was learned of two clocks is kept, and the next session is in step at once.

use std::path::Path;

use ossicle::io::device::Port;
use ossicle::io::device::sim::{Fault, FaultKind, Sim, SimDevice};
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

/// A device that is away for times: from and how long, in milliseconds.
fn away(device: SimDevice, times: &[(u64, u64)]) -> SimDevice {
    let faults = times.iter().map(|(at_ms, for_ms)| Fault {
        at_ns: at_ms * 1_000_000,
        kind: FaultKind::Unplug {
            for_ns: for_ms.saturating_mul(1_000_000),
        },
    });
    SimDevice {
        faults: faults.collect(),
        ..device
    }
}

/// What is remembered of two devices: both errors in ppm.
fn remembered(file: &Path, from: &str, to: &str) -> Option<[f64; 2]> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let table: toml::Table = text.parse().unwrap();
    let pairs = table.get("pair")?.as_array()?;
    let is_it = |pair: &&toml::Value| {
        let is = |key: &str, name: &str| pair[key].as_str().is_some_and(|id| id.ends_with(name));
        is("from", from) && is("to", to)
    };
    let pair = pairs.iter().find(is_it)?;
    Some(["from_ppm", "to_ppm"].map(|key| pair[key].as_float().unwrap()))
}

/// The clock that stands in for a device says nothing of it; nor does another device.
#[test]
fn what_is_kept_is_of_the_devices_it_is_kept_for() {
    let folder = tempfile::tempdir().unwrap();
    let (mic_ppm, speaker_ppm, other_ppm) = (700.0, -150.0, 300.0);
    let config = |file: &Path| SessionConfig {
        clock_file: Some(file.to_owned()),
        output: Some(Port::default()),
        ..live("mic", "speaker")
    };
    let expect = |file: &Path, to: &str, ppm: f64| {
        let kept = remembered(file, "mic", to);
        let is_right =
            |kept: [f64; 2]| (kept[0] - mic_ppm).abs() < 2.0 && (kept[1] - ppm).abs() < 2.0;
        assert!(kept.is_some_and(is_right), "mic to {to}: {kept:?} ppm");
    };

    // The session ends while the speaker is away, and a clock stands in for it.
    let file = folder.path().join("gone.toml");
    let sim = Sim::new(1);
    sim.plug(counting(device("mic", 1, 0, mic_ppm, 50)))
        .unwrap();
    let speaker = device("speaker", 0, 1, speaker_ppm, 50);
    sim.plug(away(speaker, &[(15_000, u64::MAX)])).unwrap();
    sim.set_default("speaker");
    let mut session = start(&sim, config(&file));
    run(&sim, &mut session, 30.0);
    session.stop().unwrap();
    expect(&file, "speaker", speaker_ppm);

    // Another device is the default later on: for too short a time first, and then for long.
    for (seconds, keeps_other) in [(5.0, false), (15.0, true)] {
        let file = folder.path().join(format!("moved-{seconds}.toml"));
        let sim = Sim::new(2);
        sim.plug(counting(device("mic", 1, 0, mic_ppm, 50)))
            .unwrap();
        sim.plug(device("speaker", 0, 1, speaker_ppm, 50)).unwrap();
        sim.plug(device("other", 0, 1, other_ppm, 50)).unwrap();
        sim.set_default("speaker");
        let mut session = start(&sim, config(&file));
        run(&sim, &mut session, 15.0);
        sim.set_default("other");
        run(&sim, &mut session, seconds);
        session.stop().unwrap();
        expect(&file, "speaker", speaker_ppm);
        if keeps_other {
            expect(&file, "other", other_ppm);
        } else {
            assert_eq!(remembered(&file, "mic", "other"), None);
        }
    }

    // A device that was there for two seconds, and is back for two, was not found out.
    let file = folder.path().join("short.toml");
    let sim = Sim::new(3);
    let mic = device("mic", 1, 0, mic_ppm, 50);
    sim.plug(counting(away(mic, &[(2_000, 11_000)]))).unwrap();
    sim.plug(device("speaker", 0, 1, speaker_ppm, 50)).unwrap();
    sim.set_default("speaker");
    let mut session = start(&sim, config(&file));
    run(&sim, &mut session, 15.0);
    session.stop().unwrap();
    assert_eq!(remembered(&file, "mic", "speaker"), None);
    assert_eq!(realtime::violations(), 0);
}

/// Whoever calls the session as a device comes back, the device's bridge begins with his clock.
#[test]
fn a_device_comes_back_to_whoever_calls_then() {
    let (mic_ppm, speaker_ppm) = (700.0, -900.0);
    let by_speaker = ((1.0 + mic_ppm * 1e-6) / (1.0 + speaker_ppm * 1e-6) - 1.0) * 1e6;
    // When microphone and speaker go, for how long, when the microphone is looked at, and its ratio.
    // The last speaker is back for so short a time that nobody hears whose the calls are.
    for (mic, speaker, looked_at_s, ppm) in [
        (
            &[(4_000, 2_000)][..],
            &[(3_000, 2_000)][..],
            6.25,
            by_speaker,
        ),
        (&[(3_000, 2_000)], &[(4_000, 3_000)], 5.25, mic_ppm),
        (&[(4_000, 2_000)], &[(3_000, 5_000)], 6.25, mic_ppm),
        (&[], &[(3_000, 1_000), (4_018, 1_000)], 5.25, by_speaker),
    ] {
        let sim = Sim::new(4);
        let microphone = device("mic", 1, 0, mic_ppm, 50);
        sim.plug(counting(away(microphone, mic))).unwrap();
        let played = device("speaker", 0, 1, speaker_ppm, 50);
        sim.plug(away(played, speaker)).unwrap();
        let mut session = start(&sim, live("mic", "speaker"));
        run(&sim, &mut session, looked_at_s);
        let bridges = session.bridges();
        let bridge = bridges.iter().find(|bridge| bridge.device.ends_with("mic"));
        let found = bridge
            .filter(|bridge| bridge.locked)
            .map(|bridge| bridge.ppm);
        assert!(
            found.is_some_and(|found| (found - ppm).abs() < 20.0),
            "away {mic:?} and {speaker:?}: {found:?} of {ppm} ppm"
        );
        session.stop().unwrap();
    }
    assert_eq!(realtime::violations(), 0);
}

/// What was known of the one device is not believed of the other.
#[test]
fn another_default_device_is_followed_by_its_own_clock() {
    for (moves, ppm) in [("mic", [-300.0, -150.0]), ("speaker", [PPM, 300.0])] {
        let sim = Sim::new(5);
        for (name, ppm) in [("mic", PPM), ("mic2", -300.0)] {
            sim.plug(counting(device(name, 1, 0, ppm, 50))).unwrap();
        }
        for (name, ppm) in [("speaker", -150.0), ("speaker2", 300.0)] {
            sim.plug(device(name, 0, 1, ppm, 50)).unwrap();
        }
        let mut config = live("mic", "speaker");
        let port = match moves {
            "mic" => &mut config.input,
            _ => &mut config.output,
        };
        *port = Some(Port::default());
        sim.set_default(moves);
        let mut session = start(&sim, config);
        run(&sim, &mut session, 15.0);
        sim.set_default(&format!("{moves}2"));
        run(&sim, &mut session, 2.5);
        let [from, to] = ppm.map(|ppm| 1.0 + ppm * 1e-6);
        let ppm = (from / to - 1.0) * 1e6;
        let found = session.bridges()[0].ppm;
        assert!(
            (found - ppm).abs() < 20.0,
            "another {moves}: {found} of {ppm} ppm"
        );
        session.stop().unwrap();
    }
}

/// A load that is over costs the next session nothing.
#[test]
fn a_margin_that_was_needed_once_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("clocks.toml");
    let latency = |seed: u64, seconds: f64, is_loaded: bool| {
        let sim = Sim::new(seed);
        let mic = device("mic", 1, 0, PPM, 50);
        // From the third second to the fifth all calls come 15 ms later.
        let loads = [(3, 15_000_000), (5, 0)].map(|(at_s, late_ns)| Fault {
            at_ns: at_s * 1_000_000_000,
            kind: FaultKind::Floor { late_ns },
        });
        let faults = if is_loaded {
            loads.to_vec()
        } else {
            Vec::new()
        };
        sim.plug(counting(SimDevice { faults, ..mic })).unwrap();
        sim.plug(device("speaker", 0, 1, -150.0, 50)).unwrap();
        let config = SessionConfig {
            clock_file: Some(file.clone()),
            ..live("mic", "speaker")
        };
        let mut session = start(&sim, config);
        run(&sim, &mut session, seconds);
        let latency_frames = session.bridges()[0].latency_frames;
        session.stop().unwrap();
        latency_frames
    };
    let loaded = latency(1, 130.0, true);
    let after = latency(2, 3.0, false);
    // A block of 256, half of 64 taps, and what 50 us take.
    assert!(loaded > 900.0, "{loaded} frames");
    assert!(after < 256.0 + 32.0 + 10.0, "{after} frames");
}
