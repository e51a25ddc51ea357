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

use ::cpal::traits::{DeviceTrait, HostTrait};
use ::cpal::{Device, ErrorKind, Host, HostId};

use super::deadline::within;
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

/// Lists the devices of a host again and again by one connection: the library ends none that it
/// made, and a server takes only so many.
pub(super) struct Lister {
    host: HostKind,
    there: Option<Host>,
}

impl Lister {
    pub(super) fn new(host: HostKind) -> Self {
        Self { host, there: None }
    }

    /// The devices now; a server that went away is looked for again the next time.
    pub(super) fn list(&mut self) -> Result<Vec<DeviceInfo>, DeviceError> {
        let (host, kept) = (self.host, self.there.take());
        let (there, listed) = within(host, "list devices", move || {
            let there = match kept {
                Some(there) => there,
                None => connect(host)?,
            };
            let listed = list(host, &there);
            Ok((there, listed))
        })??;
        let listed = listed?;
        self.there = Some(there);
        Ok(listed)
    }
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
    within(host, doing, move || work(&connect(host)?))?
}

/// The library's host, on this thread.
fn connect(host: HostKind) -> Result<Host, DeviceError> {
    let unavailable = |hint: &str| DeviceError::HostUnavailable {
        host,
        hint: hint.to_owned(),
    };
    quiet::silence_alsa();
    let there = match host_id(host) {
        Some(id) => ::cpal::host_from_id(id),
        None => return Err(unavailable("it is not built in")),
    };
    there.map_err(|_| match host {
        HostKind::Alsa => unavailable("its library does not start"),
        _ => unavailable("no server answers"),
    })
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
