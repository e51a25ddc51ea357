//! A device that goes while it runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::sleep;
use std::time::Duration;

use ossicle_io::device::{self, DeviceError, HostKind, LostCause, StreamRequest, StreamState};

use crate::{input, output, rig, served, start, wait_until};

const SINK: &str =
    "module-null-sink sink_name=usb format=float32le rate=48000 channels=2 norewinds=1";

/// Its names hold those of the first.
const OTHER: &str =
    "module-null-sink sink_name=usb.monitor2 format=float32le rate=48000 channels=2 norewinds=1";

/// A request for the device of this name, or for the default one.
fn of(request: &StreamRequest, name: Option<&str>) -> StreamRequest {
    let mut request = request.clone();
    for port in [&mut request.input, &mut request.output] {
        port.iter_mut()
            .for_each(|port| port.device = name.map(str::to_owned));
    }
    request
}

#[test]
fn a_named_device_that_is_unplugged_is_lost_and_no_other_takes_its_place() {
    served(|| {
        let rig = rig();
        for (request, name) in [(input(2), "usb.monitor"), (output(2), "usb")] {
            let module = rig.server.load(SINK).unwrap();
            let request = of(&request, Some(name));
            let gone = Arc::new(AtomicU64::new(u64::MAX));
            let (late, is_gone) = (Arc::new(AtomicU64::new(0)), gone.clone());
            let told = late.clone();
            let callback = move |call: &mut device::Call<'_>| {
                if call.time_ns > is_gone.load(Ordering::Relaxed) {
                    told.fetch_add(call.frames as u64, Ordering::Relaxed);
                }
            };
            let stream = start(HostKind::PulseAudio, &request, Box::new(callback));
            let status = stream.status().clone();
            wait_until("half a second", 10, || status.frames() > 24_000);
            assert_eq!(status.state(), StreamState::Running);
            rig.server.unload(module).unwrap();
            gone.store(device::now_ns(), Ordering::Relaxed);
            wait_until("the loss", 1, || status.state() != StreamState::Running);
            assert_eq!(status.state(), StreamState::Lost(LostCause::DeviceGone));
            sleep(Duration::from_millis(300));
            let late = late.load(Ordering::Relaxed);
            // What was on its way when the module was unloaded.
            assert!(late < 4_800, "{late} frames of another device, for {name}");
            drop(stream);
            let refused = device::open(HostKind::PulseAudio, &request).err();
            assert!(refused.is_some(), "{name} is not there");
            // One whose id holds its id is not it.
            let other = rig.server.load(OTHER).unwrap();
            let by_id = StreamRequest {
                by_id: true,
                ..of(&request, Some(&format!("pulseaudio:{name}")))
            };
            let refused = device::open(HostKind::PulseAudio, &by_id).err();
            assert!(
                matches!(refused, Some(DeviceError::DeviceNotFound { .. })),
                "{refused:?}"
            );
            let module = rig.server.load(SINK).unwrap();
            let stream = start(HostKind::PulseAudio, &by_id, Box::new(|_| {}));
            wait_until("half a second more", 10, || {
                stream.status().frames() > 24_000
            });
            drop(stream);
            rig.server.unload(module).unwrap();
            rig.server.unload(other).unwrap();
        }
    });
}

#[test]
fn a_default_device_that_is_unplugged_goes_on_with_the_next() {
    served(|| {
        let rig = rig();
        for (request, kind, name) in [
            (input(2), "set-default-source", "usb.monitor"),
            (output(2), "set-default-sink", "usb"),
        ] {
            let module = rig.server.load(SINK).unwrap();
            let mut pactl = rig.server.tool("pactl");
            assert!(pactl.args([kind, name]).status().unwrap().success());
            let stream = start(HostKind::PulseAudio, &of(&request, None), Box::new(|_| {}));
            let info = stream.info();
            let opened = info.input_device.as_ref().or(info.output_device.as_ref());
            assert_eq!(opened, Some(&format!("pulseaudio:{name}")));
            let status = stream.status().clone();
            wait_until("half a second", 10, || status.frames() > 24_000);
            rig.server.unload(module).unwrap();
            let frames = status.frames();
            wait_until("half a second more", 10, || {
                status.frames() > frames + 24_000
            });
            assert_eq!(status.state(), StreamState::Running);
        }
    });
}
