//! Devices that stand in for named ones while those are not there.

mod requests;

use std::sync::{Arc, Mutex};

use ossicle::EngineError;
use ossicle::chain::Chain;
use ossicle::io::device::sim::{FaultKind, Sim, SimDevice};
use ossicle::io::device::{DeviceError, Port, StreamRequest};
use ossicle::io::realtime;
use ossicle::session::{DeviceEventKind, Report, Session, SessionConfig};

use crate::world::{MS, Opened, RATE, device, live, run, sine, start, with};

fn unplug(for_ms: u64) -> FaultKind {
    FaultKind::Unplug {
        for_ns: for_ms * MS,
    }
}

/// From `mic` to `speaker`, for which `spare` stands in.
fn with_spare() -> SessionConfig {
    SessionConfig {
        output_fallback: Some("spare".to_owned()),
        ..live("mic", "speaker")
    }
}

/// What is heard of a device's first channel, from the time on at which the world began.
struct Ear {
    sound: Arc<Mutex<Vec<f32>>>,
    sample_rate_hz: u32,
}

impl Ear {
    /// Plugs a device that is listened to, for 10 s.
    fn plug(sim: &Sim, device: SimDevice) -> Self {
        let sample_rate_hz = device.sample_rate_hz;
        let sound = Arc::new(Mutex::new(vec![0.0; 10 * sample_rate_hz as usize]));
        let heard = sound.clone();
        let device = device.with_sink(move |first, channels, samples| {
            let mut heard = heard.lock().unwrap();
            let frames = samples.chunks(channels).map(|frame| frame[0]);
            let places = heard.iter_mut().skip(first as usize);
            places
                .zip(frames)
                .for_each(|(place, sample)| *place = sample);
        });
        sim.plug(device).unwrap();
        Self {
            sound,
            sample_rate_hz,
        }
    }

    fn part(&self, from_ms: u64, until_ms: u64) -> Vec<f32> {
        let at = |ms: u64| ms as usize * self.sample_rate_hz as usize / 1_000;
        self.sound.lock().unwrap()[at(from_ms)..at(until_ms)].to_vec()
    }

    /// Whether it sounds from one time to another, all the while.
    fn sounds(&self, from_ms: u64, until_ms: u64) -> bool {
        let part = self.part(from_ms, until_ms);
        let is_loud = |part: &[f32]| part.iter().any(|sample| sample.abs() > 0.1);
        part.chunks(self.sample_rate_hz as usize / 100).all(is_loud)
    }

    fn is_silent(&self, from_ms: u64, until_ms: u64) -> bool {
        self.part(from_ms, until_ms)
            .iter()
            .all(|sample| *sample == 0.0)
    }
}

/// A tone at `mic`, and `speaker` and `spare` with faults of theirs, listened to.
fn world(speaker: &[(u64, FaultKind)], spare: &[(u64, FaultKind)]) -> (Sim, Ear, Ear) {
    let sim = Sim::new(41);
    sim.plug(sine(device("mic", 1, 0, 60.0, 50), 997.0))
        .unwrap();
    let speaker = Ear::plug(&sim, with(device("speaker", 0, 1, -40.0, 50), speaker));
    let spare = Ear::plug(&sim, with(device("spare", 0, 1, 90.0, 50), spare));
    (sim, speaker, spare)
}

/// What was told, as `device kind`, and each about when in seconds of the stream.
fn told(report: &Report) -> Vec<(String, f64)> {
    let text = |kind: &DeviceEventKind| match kind {
        DeviceEventKind::Lost { .. } => "lost".to_owned(),
        DeviceEventKind::Back { .. } => "back".to_owned(),
        DeviceEventKind::Replaced { by, .. } => format!("replaced by {by}"),
        other => format!("{other:?}"),
    };
    let events = report.events.iter();
    events
        .map(|event| {
            let what = format!("{} {}", event.device, text(&event.kind));
            (what, event.position as f64 / RATE)
        })
        .collect()
}

/// That this was told and no more, each within a tenth of a second from its time on.
fn assert_told(session: &mut Session, due: &[(&str, f64)]) {
    let told = told(&session.report());
    let fits = |((what, at_s), (due, from_s)): (&(String, f64), &(&str, f64))| {
        what == due && (from_s - 0.02..from_s + 0.1).contains(at_s)
    };
    let all = told.iter().zip(due).all(fits);
    assert!(all && told.len() == due.len(), "{told:?}, due: {due:?}");
}

#[test]
fn the_fallback_plays_within_100_ms_and_until_the_named_one_has_stayed_for_a_second() {
    // It is there for half a second at 3 s, and from 4 s on.
    let (sim, speaker, spare) = world(&[(2_000, unplug(1_000)), (3_500, unplug(500))], &[]);
    let mut session = start(&sim, with_spare());
    run(&sim, &mut session, 6.0);
    assert!(speaker.sounds(100, 1_950) && spare.is_silent(0, 2_000));
    assert!(spare.sounds(2_100, 4_990) && speaker.is_silent(2_020, 5_000));
    assert!(speaker.sounds(5_100, 5_950) && spare.is_silent(5_100, 5_950));
    assert_told(
        &mut session,
        &[
            ("speaker lost", 2.0),
            ("speaker replaced by spare", 2.0),
            ("speaker back", 5.0),
        ],
    );
    let report = session.report();
    let Some(DeviceEventKind::Back { after_s, .. }) = report.events.last().map(|e| &e.kind) else {
        panic!("{:?}", report.events);
    };
    assert!((3.0..3.1).contains(after_s), "{after_s} s");

    // As much of the stream as of the time: nobody stopped it.
    assert!((report.frames as f64 - 6.0 * RATE).abs() < 0.05 * RATE);
    session.stop().unwrap();
    assert_eq!(realtime::violations(), 0);
}

#[test]
fn nodes_keep_their_state_from_one_device_to_the_other() {
    let sim = Sim::new(43);
    let click = device("mic", 1, 0, 0.0, 50);
    let click = click.with_source(|frame, _| f32::from(u8::from(frame == 43_200)));
    sim.plug(click).unwrap();
    let speaker = device("speaker", 0, 1, 0.0, 50);
    sim.plug(with(speaker, &[(1_000, unplug(60_000))])).unwrap();
    let spare = Ear::plug(&sim, device("spare", 0, 1, 0.0, 50));
    let config = SessionConfig {
        chain: Chain::parse("delay:time=2s,mix=100%").unwrap(),
        ..with_spare()
    };
    let mut session = start(&sim, config);
    run(&sim, &mut session, 4.0);
    let played = spare.part(0, 4_000);
    let loudest = (0..played.len()).max_by(|&a, &b| played[a].abs().total_cmp(&played[b].abs()));
    let (at, latency) = (loudest.unwrap(), session.report().latency_frames as f64);
    assert!(played[at] > 0.3, "{}", played[at]);
    // What the change took, and the bridge.
    let late = at as f64 - 43_200.0 - 2.0 * RATE - latency;
    assert!(late.abs() < 0.05 * RATE, "{late} frames");
    session.stop().unwrap();
    assert_eq!(realtime::violations(), 0);
}

#[test]
fn a_fallback_captures_for_a_microphone_and_what_was_learned_is_kept() {
    let sim = Sim::new(45);
    let mic = with(device("mic", 1, 0, 150.0, 50), &[(3_000, unplug(500))]);
    sim.plug(sine(mic, 997.0)).unwrap();
    // Another rate, and more channels than the named one.
    let spare = SimDevice {
        sample_rate_hz: 44_100,
        ..device("spare", 2, 0, -300.0, 50)
    };
    sim.plug(sine(spare, 997.0)).unwrap();
    let speaker = Ear::plug(&sim, device("speaker", 0, 1, 0.0, 50));
    let config = SessionConfig {
        input_fallback: Some("spare".to_owned()),
        ..live("mic", "speaker")
    };
    let mut session = start(&sim, config);
    run(&sim, &mut session, 2.9);
    let before = session.report();
    run(&sim, &mut session, 1.4);
    let bridge = &session.report().bridges[0];
    assert_eq!((bridge.device.as_str(), bridge.from_hz), ("spare", 44_100));
    assert!(speaker.sounds(3_200, 4_250));
    run(&sim, &mut session, 0.5);
    let after = session.report();
    assert_told(
        &mut session,
        &[
            ("mic lost", 3.0),
            ("mic replaced by spare", 3.0),
            ("mic back", 4.5),
        ],
    );
    let (then, now) = (&before.bridges[0], &after.bridges[0]);
    assert_eq!((now.device.as_str(), now.from_hz), ("mic", 48_000));
    assert!((now.ppm - then.ppm).abs() < 2.0, "{then:?} {now:?}");
    session.stop().unwrap();
    assert_eq!(realtime::violations(), 0);
}

#[test]
fn where_neither_is_there_whichever_comes_first_is_taken_at_once() {
    // The fallback first.
    let (sim, _, spare) = world(&[(2_000, unplug(2_000))], &[(1_500, unplug(1_500))]);
    let mut session = start(&sim, with_spare());
    run(&sim, &mut session, 5.5);
    assert_told(
        &mut session,
        &[
            ("speaker lost", 2.0),
            ("speaker replaced by spare", 3.0),
            ("speaker back", 5.0),
        ],
    );
    assert!(spare.sounds(3_100, 4_990));
    session.stop().unwrap();
    // The named one first.
    let (sim, speaker, _) = world(&[(2_000, unplug(1_000))], &[(1_500, unplug(9_000))]);
    let mut session = start(&sim, with_spare());
    run(&sim, &mut session, 4.0);
    assert_told(
        &mut session,
        &[("speaker lost", 2.0), ("speaker back", 3.0)],
    );
    assert!(speaker.sounds(3_100, 3_950));
    session.stop().unwrap();
}

#[test]
fn a_fallback_that_is_lost_too_leaves_the_place_to_whichever_comes_first() {
    // The fallback comes back, then the named one.
    let (sim, _, spare) = world(&[(2_000, unplug(3_000))], &[(3_000, unplug(500))]);
    let mut session = start(&sim, with_spare());
    run(&sim, &mut session, 6.5);
    assert_told(
        &mut session,
        &[
            ("speaker lost", 2.0),
            ("speaker replaced by spare", 2.0),
            ("spare lost", 3.0),
            ("spare back", 3.5),
            ("speaker back", 6.0),
        ],
    );
    assert!(spare.sounds(3_600, 5_990));
    session.stop().unwrap();
    // The named one does: nothing sounds, so it need not stay first.
    let (sim, speaker, _) = world(&[(2_000, unplug(1_500))], &[(3_000, unplug(9_000))]);
    let mut session = start(&sim, with_spare());
    run(&sim, &mut session, 5.0);
    assert_told(
        &mut session,
        &[
            ("speaker lost", 2.0),
            ("speaker replaced by spare", 2.0),
            ("spare lost", 3.0),
            ("speaker back", 3.5),
        ],
    );
    assert!(speaker.sounds(3_600, 4_950));
    session.stop().unwrap();
    assert_eq!(realtime::violations(), 0);
}

#[test]
fn a_session_starts_on_the_fallback_and_goes_to_the_named_one_once_it_is_there() {
    for at_the_same_rate in [true, false] {
        let sim = Sim::new(47);
        sim.plug(sine(device("mic", 1, 0, 60.0, 50), 997.0))
            .unwrap();
        let speaker = SimDevice {
            sample_rate_hz: if at_the_same_rate { 48_000 } else { 96_000 },
            ..device("speaker", 0, 2, -40.0, 50)
        };
        let speaker = Ear::plug(&sim, with(speaker, &[(0, unplug(2_000))]));
        let spare = Ear::plug(&sim, device("spare", 0, 1, 90.0, 50));
        let mut session = start(&sim, with_spare());
        run(&sim, &mut session, 5.0);
        assert_told(
            &mut session,
            &[("speaker replaced by spare", 0.0), ("speaker back", 3.0)],
        );
        let report = session.report();
        let bridged = report.bridges.iter().any(|b| b.device == "speaker");
        assert_eq!(bridged, !at_the_same_rate, "{:?}", report.bridges);
        assert!(spare.sounds(200, 2_990) && speaker.sounds(3_100, 4_950));
        session.stop().unwrap();
    }
    assert_eq!(realtime::violations(), 0);
}

#[test]
fn a_fallback_at_another_rate_is_bridged_and_the_named_one_calls_the_session_again() {
    let sim = Sim::new(51);
    sim.plug(sine(device("mic", 1, 0, 60.0, 50), 997.0))
        .unwrap();
    let speaker = with(
        device("speaker", 0, 1, -40.0, 50),
        &[(2_000, unplug(1_000))],
    );
    let speaker = Ear::plug(&sim, speaker);
    let spare = SimDevice {
        sample_rate_hz: 44_100,
        ..device("spare", 0, 2, 90.0, 50)
    };
    let spare = Ear::plug(&sim, spare);
    let mut session = start(&sim, with_spare());
    run(&sim, &mut session, 3.0);
    let bridged = |session: &mut Session| -> Vec<String> {
        let bridges = session.report().bridges;
        bridges.iter().map(|bridge| bridge.device.clone()).collect()
    };
    assert!(bridged(&mut session).contains(&"spare".to_owned()));
    run(&sim, &mut session, 2.0);
    assert_eq!(bridged(&mut session), ["mic"]);
    assert!(spare.sounds(2_150, 3_990) && speaker.sounds(4_100, 4_950));
    session.stop().unwrap();
    assert_eq!(realtime::violations(), 0);
}
