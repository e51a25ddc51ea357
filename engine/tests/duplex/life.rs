//! Devices that go and come back: the session goes on, and sound comes back by itself.

use std::time::Duration;

use ossicle::chain::Chain;
use ossicle::io::device::sim::{FaultKind, Refusal, Sim};
use ossicle::io::device::{LostCause, Port};
use ossicle::io::file::AudioFile;
use ossicle::io::realtime;
use ossicle::io::ring::Cause;
use ossicle::record::{RecordConfig, Tap};
use ossicle::session::{DeviceEventKind, SessionConfig};

use crate::world::{MS, RATE, counting, device, live, run, sine, start, with};

/// The first frame of a device's sound from a time on that is not silent, in milliseconds.
fn sounds_from_ms(sim: &Sim, name: &str, from_ms: f64) -> f64 {
    let played = sim.played(name);
    let from = (from_ms * RATE / 1000.0) as usize;
    let sounds = |run: &[f32]| run.iter().all(|sample| sample.abs() > 1e-3);
    let at = played[from..].windows(3).position(sounds);
    at.map_or(f64::INFINITY, |at| (from + at) as f64 * 1000.0 / RATE)
}

#[test]
fn a_device_that_is_unplugged_is_heard_again_within_100_ms_of_its_return() {
    for (gone, away_ms) in [
        ("mic", 300),
        ("speaker", 300),
        ("mic", 2_000),
        ("speaker", 2_000),
    ] {
        let sim = Sim::new(21);
        let faults = [(
            3_000,
            FaultKind::Unplug {
                for_ns: away_ms * MS,
            },
        )];
        let faults_of = |name: &str| if name == gone { &faults[..] } else { &[] };
        let mic = with(device("mic", 1, 0, 150.0, 50), faults_of("mic"));
        let speaker = with(device("speaker", 0, 1, -90.0, 50), faults_of("speaker"));
        sim.plug(sine(mic, 997.0)).unwrap();
        sim.plug(speaker).unwrap();
        let mut session = start(&sim, live("mic", "speaker"));
        run(&sim, &mut session, 2.9);
        let before = session.report();
        run(&sim, &mut session, 2.1 + away_ms as f64 * 1e-3);
        let report = session.report();
        let back_ms = sounds_from_ms(&sim, "speaker", 3_000.0 + away_ms as f64);
        let after_ms = back_ms - 3_000.0 - away_ms as f64;
        assert!(after_ms < 100.0, "{gone}: {after_ms} ms");
        let kinds: Vec<_> = report.events.iter().map(|event| &event.kind).collect();
        assert!(
            matches!(
                kinds[..],
                [
                    DeviceEventKind::Lost {
                        cause: LostCause::DeviceGone
                    },
                    DeviceEventKind::Back { .. }
                ]
            ),
            "{gone}: {:?}",
            report.events
        );
        assert!(report.events.iter().all(|event| event.device == gone));
        // What was learned of both clocks is kept.
        let (then, now) = (&before.bridges[0], &report.bridges[0]);
        assert!((now.ppm - then.ppm).abs() < 2.0, "{then:?} {now:?}");
        assert!((now.latency_frames - then.latency_frames).abs() < 4.0);
        assert!(!report.ended);
        session.stop().unwrap();
    }
    assert_eq!(realtime::violations(), 0);
}

#[test]
fn time_goes_on_without_the_device_that_calls_and_nodes_keep_their_state() {
    // The only device captures and plays. An endless delay keeps what it was given before.
    let sim = Sim::new(23);
    let faults = [(1_000, FaultKind::Unplug { for_ns: 1_500 * MS })];
    let card = with(device("card", 1, 1, 40.0, 50), &faults);
    // One click before it goes.
    let card = card.with_source(|frame, _| f32::from(u8::from(frame == 43_200)));
    sim.plug(card).unwrap();
    let chain = Chain::parse("delay:time=2s,mix=100%").unwrap();
    let mut session = start(
        &sim,
        SessionConfig {
            chain,
            ..live("card", "card")
        },
    );
    run(&sim, &mut session, 4.0);
    let report = session.report();
    // The clock went on: four seconds of frames, to within a period and 40 ppm.
    let frames = report.frames as f64;
    assert!((frames - 4.0 * RATE).abs() < 2.0 * 256.0, "{frames} frames");
    let played = sim.played("card");
    let clicks: Vec<usize> = (0..played.len()).filter(|&at| played[at] > 0.5).collect();
    assert_eq!(clicks.len(), 1, "{clicks:?}");
    // In the delay while the device was away, it comes out two seconds of the session later: and as
    // much later as nobody called the chain, which is until the loss is noticed and a clock runs.
    let late = clicks[0] as f64 - 43_200.0 - 2.0 * RATE;
    assert!(late > -256.0 && late < 0.05 * RATE, "{clicks:?}");
    assert_eq!(report.bridges.len(), 0);
    session.stop().unwrap();
    assert_eq!(realtime::violations(), 0);
}

#[test]
fn a_gap_in_a_recording_is_as_long_as_the_device_was_away() {
    for tap in [Tap::Input, Tap::Pre] {
        let folder = tempfile::tempdir().unwrap();
        let take = folder.path().join("take.wav");
        let sim = Sim::new(25);
        let faults = [(1_000, FaultKind::Unplug { for_ns: 700 * MS })];
        let mic = with(device("mic", 1, 0, 30.0, 50), &faults);
        sim.plug(counting(mic)).unwrap();
        sim.plug(device("speaker", 0, 1, 0.0, 50)).unwrap();
        let config = SessionConfig {
            record: vec![RecordConfig {
                tap,
                ..RecordConfig::new(&take)
            }],
            ..live("mic", "speaker")
        };
        let mut session = start(&sim, config);
        for _ in 0..30 {
            run(&sim, &mut session, 0.1);
            // The collector lives in our time.
            std::thread::sleep(Duration::from_millis(5));
        }
        let ended = session.stop().unwrap();
        let recorded = &ended.recorded[0];
        let mut file = AudioFile::open(&take).unwrap();
        let mut samples = vec![0.0_f32; 1 << 18];
        let frames = file.read(&mut samples).unwrap();
        samples.truncate(frames);
        if tap == Tap::Input {
            assert!(
                recorded
                    .gaps
                    .iter()
                    .all(|gap| gap.cause == Cause::DeviceGone),
                "{:?}",
                recorded.gaps
            );
            // Behind the gap each frame has the number it would have had, to within a period.
            let last = frames - 1;
            let moved = f64::from(samples[last]) - last as f64;
            assert!(moved.abs() < 256.0, "{moved} frames");
            let lost = recorded.lost_frames as f64;
            // A look later it is opened, and the first calls go by until it is in step.
            let more = lost - 0.7 * RATE;
            assert!((-256.0..5.0 * 256.0).contains(&more), "{lost} frames");
        }
        assert!((frames as f64 - 3.0 * RATE).abs() < 3.0 * 256.0, "{frames}");
    }
    assert_eq!(realtime::violations(), 0);
}

#[test]
fn a_device_that_stops_calling_without_a_word_is_noticed_and_opened_again() {
    for silent in ["mic", "speaker"] {
        let sim = Sim::new(27);
        let faults = [(2_000, FaultKind::Silence)];
        let faults_of = |name: &str| if name == silent { &faults[..] } else { &[] };
        let mic = with(device("mic", 1, 0, 10.0, 50), faults_of("mic"));
        let speaker = with(device("speaker", 0, 1, 0.0, 50), faults_of("speaker"));
        sim.plug(sine(mic, 997.0)).unwrap();
        sim.plug(speaker).unwrap();
        let mut session = start(&sim, live("mic", "speaker"));
        run(&sim, &mut session, 4.0);
        let report = session.report();
        let kinds: Vec<_> = report.events.iter().map(|event| &event.kind).collect();
        assert!(
            matches!(
                kinds[..],
                [DeviceEventKind::Stalled, DeviceEventKind::Back { .. }]
            ),
            "{silent}: {:?}",
            report.events
        );
        let back_ms = sounds_from_ms(&sim, "speaker", 2_020.0);
        assert!(back_ms < 2_250.0 + 100.0, "{silent}: {back_ms} ms");
        session.stop().unwrap();
    }
    assert_eq!(realtime::violations(), 0);
}

#[test]
fn a_device_that_refuses_for_a_while_is_tried_until_it_opens() {
    for answer in [Refusal::Busy, Refusal::Denied, Refusal::Broken] {
        let sim = Sim::new(29);
        let faults = [
            (2_000, FaultKind::Unplug { for_ns: 100 * MS }),
            (
                2_000,
                FaultKind::Refuse {
                    for_ns: 800 * MS,
                    answer,
                },
            ),
        ];
        sim.plug(sine(device("mic", 1, 0, 10.0, 50), 997.0))
            .unwrap();
        sim.plug(with(device("speaker", 0, 1, 0.0, 50), &faults))
            .unwrap();
        let mut session = start(&sim, live("mic", "speaker"));
        run(&sim, &mut session, 4.0);
        assert_eq!(session.report().events.len(), 2);
        let back_ms = sounds_from_ms(&sim, "speaker", 2_500.0);
        assert!(back_ms < 2_900.0, "{answer:?}: {back_ms} ms");
        session.stop().unwrap();
    }
}

#[test]
fn a_device_that_comes_back_at_another_rate_is_bridged() {
    for (name, rate, inputs, outputs) in [("mic", 44_100, 2, 0), ("speaker", 96_000, 0, 2)] {
        let sim = Sim::new(31);
        let back = FaultKind::Return {
            for_ns: 200 * MS,
            sample_rate_hz: rate,
            input_channels: inputs,
            output_channels: outputs,
        };
        let faults = [(2_000, back)];
        let faults_of = |of: &str| if of == name { &faults[..] } else { &[] };
        let mic = with(device("mic", 1, 0, 10.0, 50), faults_of("mic"));
        let speaker = with(device("speaker", 0, 1, -10.0, 50), faults_of("speaker"));
        sim.plug(sine(mic, 997.0)).unwrap();
        sim.plug(speaker).unwrap();
        let mut session = start(&sim, live("mic", "speaker"));
        run(&sim, &mut session, 5.0);
        let report = session.report();
        assert_eq!(session.sample_rate_hz(), 48_000);
        let is_it = |bridge: &&ossicle::session::BridgeReport| {
            bridge.device == name && (bridge.from_hz == rate || bridge.to_hz == rate)
        };
        let bridge = report.bridges.iter().find(is_it);
        assert!(bridge.is_some_and(|bridge| bridge.locked), "{report:?}");
        let played = sim.played("speaker");
        let tail = &played[played.len() - 9_600..];
        let loud = tail.iter().filter(|sample| sample.abs() > 0.05).count();
        assert!(loud > tail.len() / 2, "{name}: {loud} of {}", tail.len());
        session.stop().unwrap();
    }
    assert_eq!(realtime::violations(), 0);
}

#[test]
fn another_default_device_takes_the_place_of_one_that_does_not_come_back() {
    let sim = Sim::new(33);
    let faults = [(2_000, FaultKind::Unplug { for_ns: u64::MAX })];
    let first = with(device("first", 1, 1, 0.0, 50), &faults);
    sim.plug(sine(first, 997.0)).unwrap();
    sim.plug(device("speaker", 0, 1, 0.0, 50)).unwrap();
    let config = SessionConfig {
        input: Some(Port::default()),
        ..live("first", "speaker")
    };
    let mut session = start(&sim, config);
    run(&sim, &mut session, 3.0);
    // What is the default by then captures nothing.
    assert_eq!(session.report().events.len(), 1);
    session.stop().unwrap();

    let sim = Sim::new(33);
    sim.plug(sine(with(device("first", 1, 0, 0.0, 50), &faults), 997.0))
        .unwrap();
    sim.plug(sine(device("second", 1, 1, 0.0, 50), 997.0))
        .unwrap();
    let config = SessionConfig {
        input: Some(Port::default()),
        ..live("first", "second")
    };
    let mut session = start(&sim, config);
    run(&sim, &mut session, 4.0);
    let events = session.report().events;
    let kind = events.last().map(|event| &event.kind);
    let second = "second".to_owned();
    assert!(
        matches!(kind, Some(DeviceEventKind::Replaced { by, .. }) if *by == second),
        "{events:?}"
    );
    let back_ms = sounds_from_ms(&sim, "second", 2_010.0);
    assert!(back_ms < 2_100.0, "{back_ms} ms");
    session.stop().unwrap();
    assert_eq!(realtime::violations(), 0);
}

#[test]
fn another_device_that_becomes_the_default_is_taken_while_the_old_one_still_runs() {
    for (old, new) in [("mic", "mic2"), ("speaker", "speaker2")] {
        let sim = Sim::new(35);
        for (name, ppm) in [("mic", 60.0), ("mic2", -80.0)] {
            sim.plug(sine(device(name, 1, 0, ppm, 50), 997.0)).unwrap();
        }
        for (name, ppm) in [("speaker", 0.0), ("speaker2", 30.0)] {
            sim.plug(device(name, 0, 1, ppm, 50)).unwrap();
        }
        // The one whose default changes is not named.
        let mut config = live("mic", "speaker");
        let port = match old {
            "mic" => &mut config.input,
            _ => &mut config.output,
        };
        *port = Some(Port::default());
        sim.set_default(old);
        let mut session = start(&sim, config);
        run(&sim, &mut session, 2.0);
        assert_eq!(session.report().events[..], []);
        sim.set_default(new);
        let before = session.report().frames;
        run(&sim, &mut session, 2.0);
        let report = session.report();
        let moved = DeviceEventKind::Moved { to: new.to_owned() };
        let [event] = &report.events[..] else {
            panic!("{:?}", report.events)
        };
        assert_eq!((&event.device as &str, &event.kind), (old, &moved));
        assert!(
            (before..before + 1_024).contains(&event.position),
            "{event:?}"
        );
        // Time went on: two seconds of frames, but for a period and the clocks' errors.
        let passed = (report.frames - before) as f64;
        assert!((passed - 2.0 * RATE).abs() < 3.0 * 256.0, "{passed} frames");
        let heard = if old == "mic" { "speaker" } else { new };
        let played = sim.played(heard);
        let tail = &played[played.len() - 4_800..];
        let loud = tail.iter().filter(|sample| sample.abs() > 0.05).count();
        assert!(loud > tail.len() / 2, "{old}: {loud} of {}", tail.len());
        assert!(report.warnings.iter().any(|line| line.contains(new)));
        session.stop().unwrap();
    }
    assert_eq!(realtime::violations(), 0);
}
