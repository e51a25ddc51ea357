//! Devices that open and are silent then, or do not start.

use std::sync::Arc;
use std::time::Duration;

use ossicle::io::device::sim::{Fault, FaultKind, Sim, SimDevice};
use ossicle::io::device::{
    Callback, DeviceError, HostKind, PendingStream, Port, Stream, StreamInfo, StreamRequest,
};
use ossicle::io::realtime;
use ossicle::record::{RecordConfig, Tap};
use ossicle::session::{DeviceEvent, DeviceEventKind, Session, SessionConfig, World};

use crate::world::{RATE, counting, device, live, run, sine, start};

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

/// A simulation in which one device opens and is gone before it starts.
struct Vanishing(Sim, &'static str);

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

impl World for Vanishing {
    fn open(
        &self,
        host: HostKind,
        request: &StreamRequest,
    ) -> Result<Box<dyn PendingStream>, DeviceError> {
        let pending = World::open(&self.0, host, request)?;
        let info = pending.info();
        let goes = [&info.input_device, &info.output_device]
            .into_iter()
            .any(|device| device.as_deref() == Some(self.1));
        Ok(if goes {
            Box::new(Gone(pending))
        } else {
            pending
        })
    }

    fn open_clock(
        &self,
        sample_rate_hz: u32,
        buffer_frames: u32,
    ) -> Result<Box<dyn PendingStream>, DeviceError> {
        World::open_clock(&self.0, sample_rate_hz, buffer_frames)
    }

    fn default_devices(&self, host: HostKind) -> [Option<String>; 2] {
        World::default_devices(&self.0, host)
    }

    fn now_ns(&self) -> u64 {
        World::now_ns(&self.0)
    }

    fn is_virtual(&self) -> bool {
        true
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
        let world = Vanishing(sim.clone(), "headset");
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
        assert_eq!(session.report().events, [], "{old}");
        session.stop().unwrap();
    }
    assert_eq!(realtime::violations(), 0);
}
