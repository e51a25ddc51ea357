//! What a server offers, what it refuses, and where there is none.

use std::process::Command;
use std::time::{Duration, Instant};

use ossicle_io::device::{self, DeviceError, HostKind, Port, Stream, StreamRequest, StreamState};
use xtask::peers::jack as peers;

use crate::{duplex, rig, served, through};

#[test]
fn what_the_server_does_not_offer_is_refused_by_name() {
    served(|| {
        let _rig = rig(256);
        let asked = StreamRequest {
            sample_rate_hz: Some(44_100),
            ..duplex(2)
        };
        let refused = device::open(HostKind::Jack, &asked)
            .map(|_| ())
            .unwrap_err();
        assert!(matches!(
            refused,
            DeviceError::SampleRateUnsupported { asked_hz: 44_100, ref allowed, .. }
                if allowed == &[48_000]
        ));
        let port = Port {
            device: Some("sistem".to_owned()),
            channels: None,
        };
        let asked = StreamRequest {
            input: Some(port),
            ..Default::default()
        };
        let refused = device::open(HostKind::Jack, &asked)
            .map(|_| ())
            .unwrap_err();
        assert!(matches!(
            refused,
            DeviceError::DeviceNotFound { nearest: Some(ref near), .. } if near == "jack:system"
        ));
        let refused = device::open(HostKind::Jack, &duplex(65))
            .map(|_| ())
            .unwrap_err();
        assert!(matches!(
            refused,
            DeviceError::ChannelsUnsupported { asked: 65, .. }
        ));
    });
}

#[test]
fn the_server_is_listed() {
    served(|| {
        let _rig = rig(256);
        let devices = device::devices();
        let system = devices
            .iter()
            .find(|device| device.id == "jack:system")
            .unwrap();
        assert!(system.default_input && system.default_output);
        let input = system.input.as_ref().unwrap();
        assert_eq!(input.channels, 1..=2);
        assert_eq!(input.sample_rates_hz, [48_000]);
        assert!(device::available_hosts().contains(&HostKind::Jack));
    });
}

#[test]
fn without_a_server_the_answer_is_quick_and_quiet() {
    served(|| {
        let program = std::env::current_exe().unwrap();
        let began = Instant::now();
        let answer = Command::new(program)
            .args([
                "--exact",
                "offers::child_without_a_server",
                "--ignored",
                "--nocapture",
            ])
            .env("JACK_DEFAULT_SERVER", "nobody-started-this")
            .output()
            .unwrap();
        assert!(
            answer.status.success(),
            "{}",
            String::from_utf8_lossy(&answer.stderr)
        );
        assert!(
            began.elapsed() < Duration::from_secs(3),
            "{:?}",
            began.elapsed()
        );
        assert_eq!(String::from_utf8_lossy(&answer.stderr), "");
    });
}

#[test]
#[ignore = "run by another test, in an environment without a server"]
fn child_without_a_server() {
    let refused = device::open(HostKind::Jack, &duplex(2))
        .map(|_| ())
        .unwrap_err();
    assert!(matches!(
        refused,
        DeviceError::HostUnavailable {
            host: HostKind::Jack,
            ..
        }
    ));
    assert!(!HostKind::Jack.is_available());
}

#[test]
fn a_second_client_gets_a_name_of_its_own() {
    served(|| {
        let rig = rig(256);
        let open = || -> Box<dyn Stream> {
            device::open(HostKind::Jack, &duplex(1))
                .unwrap()
                .start(Box::new(through))
                .unwrap()
        };
        let streams = [open(), open()];
        let ports = peers::ports(&rig.server).unwrap();
        let ours: Vec<_> = ports
            .iter()
            .filter(|port| port.ends_with(":in_1"))
            .collect();
        assert_eq!(ours.len(), 2, "{ports:?}");
        assert!(
            streams
                .iter()
                .all(|stream| stream.status().state() == StreamState::Running)
        );
    });
}
