//! Devices that open and are silent then, do not start, or whose server does not answer.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ossicle::io::device::sim::{Fault, FaultKind, Sim, SimDevice};
use ossicle::io::device::{
    Callback, DeviceError, PendingStream, Port, Stream, StreamInfo, StreamRequest,
};
use ossicle::io::realtime;
use ossicle::record::{RecordConfig, Tap};
use ossicle::session::{DeviceEvent, DeviceEventKind, Report, Session, SessionConfig};

use crate::world::{Opened, RATE, counting, device, live, run, sine, start};

const MS: u64 = 1_000_000;

fn stalls(device: SimDevice, at_ms: u64, for_ms: u64) -> SimDevice {
    SimDevice {
        faults: vec![Fault {
            at_ns: at_ms * MS,
            kind: FaultKind::Stall {
                for_ns: for_ms * MS,
            },
        }],
        ..device
    }
}

#[test]
fn a_device_that_opens_and_does_not_call_is_told_once_and_the_session_goes_on_without_it() {
    for silent in ["mic", "speaker"] {
        let folder = tempfile::tempdir().unwrap();
        let take = folder.path().join("take.wav");
        let sim = Sim::new(41);
        let of = |name: &str| if name == silent { 6_000 } else { 0 };
        let mic = stalls(device("mic", 1, 0, 30.0, 50), 2_000, of("mic"));
        let speaker = stalls(device("speaker", 0, 1, 0.0, 50), 2_000, of("speaker"));
        sim.plug(counting(mic)).unwrap();
        sim.plug(speaker).unwrap();
        let config = SessionConfig {
            record: vec![RecordConfig {
                tap: Tap::Input,
                ..RecordConfig::new(&take)
            }],
            ..live("mic", "speaker")
        };
        let mut session = start(&sim, config);
        for _ in 0..70 {
            run(&sim, &mut session, 0.1);
            // The collector lives in our time.
            std::thread::sleep(Duration::from_millis(2));
        }
        let report = session.report();
        let kinds = |events: &[DeviceEvent]| -> Vec<DeviceEventKind> {
            events.iter().map(|event| event.kind.clone()).collect()
        };
        assert_eq!(
            kinds(&report.events),
            [DeviceEventKind::Stalled],
            "{silent}"
        );
        // The core is called all the while.
        let behind = 7.0 * RATE - report.frames as f64;
        assert!(behind < 0.05 * RATE, "{silent}: {behind} frames behind");
        for _ in 0..20 {
            run(&sim, &mut session, 0.1);
            std::thread::sleep(Duration::from_millis(2));
        }
        let report = session.report();
        let told = kinds(&report.events);
        assert!(
            matches!(told[..], [DeviceEventKind::Stalled, DeviceEventKind::Back { after_s, .. }]
                if (after_s - 6.0).abs() < 0.05),
            "{silent}: {told:?}"
        );
        let recorded = &session.stop().unwrap().recorded[0];
        let lost = recorded.lost_frames as f64;
        // The speaker's silence takes nothing from the microphone.
        let most = if silent == "mic" { 6.1 * RATE } else { 0.0 };
        assert!(
            (most - 0.3 * RATE..=most).contains(&lost),
            "{silent}: {lost} frames lost"
        );
    }
    assert_eq!(realtime::violations(), 0);
}

/// A device that was opened and is gone before it starts.
struct Gone(Box<dyn PendingStream>);

impl PendingStream for Gone {
    fn info(&self) -> &StreamInfo {
        self.0.info()
    }

    fn start(self: Box<Self>, _: Callback) -> Result<Box<dyn Stream>, DeviceError> {
        let device = "headset".to_owned();
        Err(DeviceError::DeviceGone { device })
    }
}

#[test]
fn another_default_device_that_does_not_start_leaves_the_old_one_heard() {
    for (old, inputs) in [("mic", 1), ("second", 0)] {
        let sim = Sim::new(43);
        sim.plug(sine(device("mic", 1, 0, 60.0, 50), 997.0))
            .unwrap();
        sim.plug(device("speaker", 0, 1, 0.0, 50)).unwrap();
        sim.plug(device("second", 0, 1, -40.0, 50)).unwrap();
        let headset = device("headset", inputs, 1 - inputs, 30.0, 50);
        sim.plug(headset).unwrap();
        sim.set_default(old);
        let mut config = live("mic", "speaker");
        let heard = if inputs == 1 {
            config.input = Some(Port::default());
            "speaker"
        } else {
            config.more_outputs.push(Port::default());
            "second"
        };
        let open = |sim: &Sim, request: &StreamRequest| {
            let pending = sim.open(request)?;
            let info = pending.info();
            let devices = [&info.input_device, &info.output_device];
            let goes = devices.contains(&&Some("headset".to_owned()));
            Ok(if goes {
                Box::new(Gone(pending))
            } else {
                pending
            })
        };
        let world = Opened {
            sim: sim.clone(),
            open,
            is_virtual: true,
        };
        let mut session = Session::start_in(config, Arc::new(world)).unwrap();
        run(&sim, &mut session, 2.0);
        sim.set_default("headset");
        run(&sim, &mut session, 0.5);
        sim.set_default(old);
        run(&sim, &mut session, 1.0);
        // Every tenth of a second is as loud as before.
        let played = sim.played(heard);
        for (at, tenth) in played.chunks_exact(4_800).enumerate().skip(5) {
            let loud = tenth.iter().filter(|sample| sample.abs() > 0.05).count();
            assert!(
                loud > tenth.len() / 2,
                "{old}: {loud} at {at} tenths of a second"
            );
        }
        assert_eq!(session.report().events[..], [], "{old}");
        session.stop().unwrap();
    }
    assert_eq!(realtime::violations(), 0);
}

#[test]
fn a_device_whose_server_does_not_answer_keeps_no_other_from_being_looked_after() {
    let sim = Sim::new(47);
    let unplug = Fault {
        at_ns: 500 * MS,
        kind: FaultKind::Unplug { for_ns: 100 * MS },
    };
    let mic = SimDevice {
        faults: vec![unplug],
        ..device("mic", 1, 0, 20.0, 50)
    };
    sim.plug(sine(mic, 997.0)).unwrap();
    sim.plug(stalls(device("speaker", 0, 1, 0.0, 50), 1_000, 1_000_000))
        .unwrap();
    // The microphone's server answers once, and then no more until this is dropped.
    let (answer, answers) = channel::<()>();
    let first = AtomicBool::new(true);
    let answers = Mutex::new(answers);
    let open = move |sim: &Sim, request: &StreamRequest| {
        if request.output.is_none() && !first.swap(false, Relaxed) {
            let _ = answers.lock().map(|answers| answers.recv());
        }
        sim.open(request)
    };
    let world = Opened {
        sim: sim.clone(),
        open,
        is_virtual: false,
    };
    let mut session = Session::start_in(live("mic", "speaker"), Arc::new(world)).unwrap();
    // Both run by our time, until something is so: what takes 20 s of it never comes.
    let until = |session: &mut Session, is_so: &dyn Fn(&Report) -> bool| {
        for _ in 0..2_000 {
            sim.run_for(Duration::from_millis(10));
            std::thread::sleep(Duration::from_millis(10));
            let report = session.report();
            if is_so(&report) {
                return report;
            }
        }
        panic!("{:?}", session.report().events)
    };
    let told = |report: &Report, device: &str, is_it: &dyn Fn(&DeviceEventKind) -> bool| {
        let mut events = report.events.iter();
        events.any(|event| event.device == device && is_it(&event.kind))
    };
    let stalled = |kind: &DeviceEventKind| *kind == DeviceEventKind::Stalled;
    let back = |kind: &DeviceEventKind| matches!(kind, DeviceEventKind::Back { .. });
    let report = until(&mut session, &|report| told(report, "speaker", &stalled));
    let then = report.frames;
    // A clock calls the core by now.
    let report = until(&mut session, &|report| report.frames > then + 24_000);
    assert!(!told(&report, "mic", &back), "{:?}", report.events);
    drop(answer);
    until(&mut session, &|report| told(report, "mic", &back));
    session.stop().unwrap();
    assert_eq!(realtime::violations(), 0);
}
