//! What the server offers, and what it refuses.

use ossicle_io::device::{self, DeviceError, HostKind, Port, StreamRequest};

use crate::{HOSTS, input, rig, served};

#[test]
fn what_is_not_offered_is_refused_by_name() {
    served(|| {
        let _rig = rig();
        for host in HOSTS {
            let request = StreamRequest {
                sample_rate_hz: Some(12_000_000),
                ..input(2)
            };
            let refused = device::open(host, &request).map(|_| ()).unwrap_err();
            assert!(
                matches!(
                    refused,
                    DeviceError::SampleRateUnsupported {
                        asked_hz: 12_000_000,
                        ..
                    }
                ),
                "{refused}"
            );
            let refused = device::open(host, &input(1_000)).map(|_| ()).unwrap_err();
            assert!(matches!(
                refused,
                DeviceError::ChannelsUnsupported { asked: 1_000, .. }
            ));
            let port = Port {
                device: Some("nothing of the kind".to_owned()),
                channels: None,
            };
            let request = StreamRequest {
                input: Some(port),
                ..Default::default()
            };
            let refused = device::open(host, &request).map(|_| ()).unwrap_err();
            assert!(
                matches!(refused, DeviceError::DeviceNotFound { .. }),
                "{refused}"
            );
        }
    });
}

#[test]
fn devices_are_listed_with_permanent_ids() {
    served(|| {
        let _rig = rig();
        let devices = device::devices();
        let find = |id: &str| devices.iter().find(|device| device.id == id).unwrap();
        assert!(find("pulseaudio:speaker").default_output);
        assert!(find("pulseaudio:microphone").default_input);
        let default = find("alsa:default");
        assert!(default.input.is_some() && default.output.is_some());
        let again: Vec<String> = device::devices()
            .into_iter()
            .map(|device| device.id)
            .collect();
        let ids: Vec<String> = devices.iter().map(|device| device.id.clone()).collect();
        assert_eq!(ids, again);
        assert_eq!(device::default_host(), Some(HostKind::PulseAudio));
        // A part of the name is enough.
        let port = Port {
            device: Some("micro".to_owned()),
            channels: None,
        };
        let request = StreamRequest {
            input: Some(port),
            ..Default::default()
        };
        let pending = device::open(HostKind::PulseAudio, &request).unwrap();
        assert_eq!(
            pending.info().input_device.as_deref(),
            Some("pulseaudio:microphone")
        );
    });
}
