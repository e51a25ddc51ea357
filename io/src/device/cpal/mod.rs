//! ALSA, PulseAudio and PipeWire, through cpal.
//!
//! What the library cannot be trusted with is done here: configurations are checked before they are
//! asked for, since ALSA takes the nearest rate without saying so; a fixed period is always asked
//! for, with others to fall back on; nothing that a server can hold up runs on the caller's thread.

#[cfg(target_os = "linux")]
mod alsa;
mod convert;
#[cfg(target_os = "linux")]
mod layers;
mod quiet;
mod settle;
mod stream;

use std::sync::{Arc, Mutex, PoisonError};

use ::cpal::traits::{DeviceTrait, HostTrait};
use ::cpal::{Device, ErrorKind, Host, HostId};

use super::deadline::within;
use super::pulse;
use super::{DeviceError, DeviceInfo, HostKind, PendingStream, StreamRequest};
#[cfg(target_os = "linux")]
pub(super) use layers::layers;
use settle::{Direction, capability, settle};

/// Whether the host answers.
pub(super) fn is_available(host: HostKind) -> bool {
    on_host(host, "connect", |_| Ok(())).is_ok()
}

/// Whether the host has a default device that can be opened.
pub(super) fn has_devices(host: HostKind) -> bool {
    let found = on_host(host, "look for devices", |there| {
        let usable = [Direction::Input, Direction::Output]
            .into_iter()
            .any(|direction| {
                direction.default_device(there).is_some_and(|device| {
                    direction
                        .ranges(&device)
                        .is_ok_and(|ranges| !ranges.is_empty())
                })
            });
        Ok(usable)
    });
    found.unwrap_or(false)
}

/// Every device that can be opened in some direction. Opens each.
pub(super) fn devices(host: HostKind) -> Result<Vec<DeviceInfo>, DeviceError> {
    on_host(host, "list devices", move |there| list(host, there))
}

fn list(host: HostKind, there: &Host) -> Result<Vec<DeviceInfo>, DeviceError> {
    let default = |direction: Direction| Some(id(host, &direction.default_device(there)?));
    let default_input = default(Direction::Input);
    let default_output = default(Direction::Output);
    let listed = there
        .devices()
        .map_err(|error| refused(host, "list devices", "", &error))?;
    let mut devices: Vec<DeviceInfo> = Vec::new();
    for device in listed {
        let id = id(host, &device);
        // Opened, it prints past every handler; JACK is a host of its own.
        if id == "alsa:jack" {
            continue;
        }
        let input = device
            .supports_input()
            .then(|| capability(&device, Direction::Input));
        let output = device
            .supports_output()
            .then(|| capability(&device, Direction::Output));
        let (input, output) = (input.flatten(), output.flatten());
        let known = devices.iter().any(|other| other.id == id);
        if (input.is_some() || output.is_some()) && !known {
            devices.push(DeviceInfo {
                name: device
                    .description()
                    .map_or_else(|_| id.clone(), |description| description.name().to_owned()),
                host,
                default_input: input.is_some() && default_input.as_ref() == Some(&id),
                default_output: output.is_some() && default_output.as_ref() == Some(&id),
                input,
                output,
                id,
            });
        }
    }
    Ok(devices)
}

/// Settles a stream of one direction.
pub(super) fn open(
    host: HostKind,
    request: &StreamRequest,
) -> Result<Box<dyn PendingStream>, DeviceError> {
    let request = request.clone();
    on_host(host, "open", move |there| {
        let (direction, port) = match (&request.input, &request.output) {
            (Some(port), _) => (Direction::Input, port),
            (None, Some(port)) => (Direction::Output, port),
            (None, None) => {
                let (device, direction) = (host.to_string(), "neither direction");
                return Err(DeviceError::DirectionUnsupported { device, direction });
            }
        };
        let pending = settle(host, there, direction, port, &request)?;
        Ok(Box::new(pending) as Box<dyn PendingStream>)
    })
}

/// Runs `work` with the host, on a thread of its own.
fn on_host<T: Send + 'static>(
    host: HostKind,
    doing: &'static str,
    work: impl FnOnce(&Host) -> Result<T, DeviceError> + Send + 'static,
) -> Result<T, DeviceError> {
    within(host, doing, move || match host {
        HostKind::PulseAudio => work(kept()?.as_ref()),
        _ => work(&connect(host)?),
    })?
}

/// The library's host of PulseAudio: there is one, unless the server was restarted. Each is a
/// connection, which ends only when the server does, and a server takes only so many.
fn kept() -> Result<Arc<Host>, DeviceError> {
    static KEPT: Mutex<Option<Arc<Host>>> = Mutex::new(None);
    static TURN: Mutex<()> = Mutex::new(());
    let kept = || KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    // Never asked under a lock: a stopped server answers nobody.
    let known = kept().clone();
    if let Some(there) = &known
        && there.devices().is_ok()
    {
        return Ok(there.clone());
    }
    if !pulse::answers() {
        return Err(unavailable(HostKind::PulseAudio, NO_SERVER));
    }
    // One at a time, and the next takes it too. The library waits 2 s at most.
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(there) = kept().as_ref()
        && known.is_none_or(|known| !Arc::ptr_eq(&known, there))
    {
        return Ok(there.clone());
    }
    let there = Arc::new(connect(HostKind::PulseAudio)?);
    *kept() = Some(there.clone());
    Ok(there)
}

/// The library's host, on this thread.
fn connect(host: HostKind) -> Result<Host, DeviceError> {
    quiet::silence_alsa();
    let there = match host_id(host) {
        Some(id) => ::cpal::host_from_id(id),
        None => return Err(unavailable(host, "it is not built in")),
    };
    there.map_err(|_| match host {
        HostKind::Alsa => unavailable(host, "its library does not start"),
        _ => unavailable(host, NO_SERVER),
    })
}

const NO_SERVER: &str = "no server answers";

fn unavailable(host: HostKind, hint: &str) -> DeviceError {
    DeviceError::HostUnavailable {
        host,
        hint: hint.to_owned(),
    }
}

#[cfg(target_os = "linux")]
fn host_id(host: HostKind) -> Option<HostId> {
    match host {
        HostKind::Alsa => Some(HostId::Alsa),
        HostKind::PulseAudio => Some(HostId::PulseAudio),
        #[cfg(feature = "pipewire")]
        HostKind::PipeWire => Some(HostId::PipeWire),
        _ => None,
    }
}

#[cfg(not(target_os = "linux"))]
fn host_id(_host: HostKind) -> Option<HostId> {
    None
}

/// Permanent id of a device, `host:name`.
fn id(host: HostKind, device: &Device) -> String {
    match device.id() {
        Ok(id) => format!("{host}:{}", id.id()),
        Err(_) => format!("{host}:{device}"),
    }
}

/// The library's error in our terms.
fn refused(
    host: HostKind,
    doing: &'static str,
    device: &str,
    error: &::cpal::Error,
) -> DeviceError {
    let device = device.to_owned();
    match error.kind() {
        ErrorKind::DeviceBusy => DeviceError::DeviceBusy { device },
        ErrorKind::PermissionDenied => DeviceError::PermissionDenied { device },
        ErrorKind::DeviceNotAvailable => DeviceError::DeviceGone { device },
        ErrorKind::HostUnavailable => DeviceError::HostUnavailable {
            host,
            hint: "the server went away".to_owned(),
        },
        _ => DeviceError::backend(host, doing, error),
    }
}
