//! Devices that stand in for others that are not there.

use ossicle_io::device::{
    DeviceError, HostKind, PendingStream, Port, StreamInfo, StreamRequest, default_host,
};

use super::config::SessionConfig;
use super::link::Link;
use super::open::Open;
use super::stage::{Known, Role};
use crate::error::EngineError;

/// A device that stands in for another one.
#[derive(Clone, Debug)]
pub(super) struct Fallback {
    pub(super) host: HostKind,
    /// Its whole id.
    pub(super) id: String,
}

impl Fallback {
    /// # Errors
    /// [`EngineError::Fallback`] where it cannot be in a stream with input and output of `host`.
    pub(super) fn fits(&self, host: HostKind) -> Result<(), EngineError> {
        if self.host == host {
            return Ok(());
        }
        let why = "it is of another host than the stream that has input and output in one";
        Err(EngineError::Fallback {
            fallback: self.id.clone(),
            why,
        })
    }
}

/// The device that was asked for, while its fallback is in its place.
pub(super) struct Absent {
    /// Since when it is away, in nanoseconds.
    pub(super) since_ns: u64,
    /// Since when it is there again without a break, in nanoseconds.
    pub(super) seen_ns: Option<u64>,
    /// How it ran, or else what its fallback began with.
    pub(super) info: StreamInfo,
    pub(super) known: Known,
}

impl Absent {
    /// How the device of a place ran until now.
    pub(super) fn of(link: &Link, since_ns: u64) -> Self {
        Self {
            since_ns,
            seen_ns: None,
            info: link.info.clone(),
            known: link.known,
        }
    }

    /// Whether it was there whenever it was looked for in the last `stays_ns`.
    pub(super) fn stays(&mut self, is_there: bool, now_ns: u64, stays_ns: u64) -> bool {
        if !is_there {
            self.seen_ns = None;
            return false;
        }
        now_ns.saturating_sub(*self.seen_ns.get_or_insert(now_ns)) >= stays_ns
    }
}

/// The fallbacks of the first input and the first output, in and out.
///
/// # Errors
/// [`EngineError::Fallback`] where one stands in for a device that is not named.
pub(super) fn of_config(config: &SessionConfig) -> Result<[Option<Fallback>; 2], EngineError> {
    let sides = [
        (&config.input, &config.input_fallback),
        (&config.output, &config.output_fallback),
    ];
    let mut found = [None, None];
    for ((port, id), found) in sides.into_iter().zip(&mut found) {
        let Some(id) = id else { continue };
        let Some(named) = port.as_ref().and_then(|port| port.device.as_ref()) else {
            let (fallback, why) = (id.clone(), "the device it stands in for is not named");
            return Err(EngineError::Fallback { fallback, why });
        };
        let host = host_in(id).or_else(|| host_in(named)).or(config.host);
        let host = host.or_else(default_host).ok_or(EngineError::NoHost)?;
        let id = id.clone();
        *found = Some(Fallback { host, id });
    }
    Ok(found)
}

/// The host that an id begins with.
pub(super) fn host_in(id: &str) -> Option<HostKind> {
    id.split_once(':').and_then(|(host, _)| host.parse().ok())
}

/// Opens what is asked for by `open`, or the fallbacks of what is not there, by their whole ids: that is
/// told with the stream.
pub(super) fn open_or_fall_back(
    role: &Role,
    request: &StreamRequest,
    mut open: impl FnMut(HostKind, &StreamRequest) -> Result<Box<dyn PendingStream>, DeviceError>,
) -> Result<(Box<dyn PendingStream>, bool), DeviceError> {
    let absent = match open(role.host, request) {
        Ok(pending) => return Ok((pending, false)),
        Err(error) if is_absent(&error) => error,
        Err(error) => return Err(error),
    };
    let mut request = StreamRequest {
        by_id: true,
        ..request.clone()
    };
    let mut fallbacks = role.fallbacks.clone();
    let mut missing = absent.clone();
    // One side, then the other.
    while let Some(host) = replace(&mut request, &mut fallbacks, &missing) {
        // A sound server would resample: what does not call the core takes its device's own rate.
        if host == HostKind::PulseAudio && !role.is_master {
            request.sample_rate_hz = None;
        }
        match open(host, &request) {
            Ok(pending) => return Ok((pending, true)),
            Err(error) if is_absent(&error) => missing = error,
            Err(error) => return Err(error),
        }
    }
    Err(absent)
}

/// Asks for the fallbacks of what is missing, each once, and tells the host to be asked.
fn replace(
    request: &mut StreamRequest,
    fallbacks: &mut [Option<Fallback>; 2],
    missing: &DeviceError,
) -> Option<HostKind> {
    let is_missing = |port: &Port| match missing {
        DeviceError::DeviceNotFound { asked, .. } => port.device.as_ref() == Some(asked),
        _ => true,
    };
    let mut host = None;
    let ports = [&mut request.input, &mut request.output];
    for (port, fallback) in ports.into_iter().zip(fallbacks) {
        let Some(port) = port.as_mut().filter(|port| is_missing(port)) else {
            continue;
        };
        if let Some(fallback) = fallback.take() {
            port.device = Some(fallback.id);
            host = Some(fallback.host);
        }
    }
    host
}

/// Whether a device is not there, and no more than that.
pub(super) fn is_absent(error: &DeviceError) -> bool {
    matches!(
        error,
        DeviceError::DeviceNotFound { .. }
            | DeviceError::DeviceGone { .. }
            | DeviceError::HostUnavailable { .. }
    )
}

/// What keeps fallbacks from standing in if they had to, a line each.
pub(super) fn missing_fallbacks(role: &Role, open: &mut Open<'_>) -> Vec<String> {
    let mut missing = Vec::new();
    for (at, fallback) in role.fallbacks.iter().enumerate() {
        let Some(fallback) = fallback.as_ref().filter(|_| !role.fell_back) else {
            continue;
        };
        let port = |side: usize| {
            (side == at).then(|| Port {
                device: Some(fallback.id.clone()),
                channels: None,
            })
        };
        let request = StreamRequest {
            input: port(0),
            output: port(1),
            by_id: true,
            ..StreamRequest::default()
        };
        let error = open(fallback.host, &request).err();
        missing.extend(error.map(|error| format!("no fallback yet: {error}")));
    }
    missing
}
