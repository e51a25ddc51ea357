//! Which hosts there are, what they offer, and the way to open it.

use core::fmt;
use core::str::FromStr;

use super::{DeviceError, DeviceInfo, HostKind, PendingStream, StreamRequest};
use super::{cpal, jack, null, pulse};

/// Hosts that can be named, in the order in which a default is looked for.
const NAMED: [HostKind; 5] = [
    HostKind::PipeWire,
    HostKind::PulseAudio,
    HostKind::Alsa,
    HostKind::Jack,
    HostKind::Null,
];

/// How late PulseAudio is waited for, in nanoseconds: what one call in ten thousand is, and a quarter.
const PULSEAUDIO_LATE_NS: u64 = 10_000_000;

impl HostKind {
    /// All that can be named, in the order in which a default is looked for.
    pub const NAMED: [Self; 5] = NAMED;

    /// Name as users write it, lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Alsa => "alsa",
            Self::PulseAudio => "pulseaudio",
            Self::Jack => "jack",
            Self::PipeWire => "pipewire",
            Self::Null => "null",
            Self::Sim => "sim",
        }
    }

    /// How late its calls are from time to time though nothing is wrong, in nanoseconds; 0 where the
    /// sound card or a real-time thread calls. What comes through PulseAudio has gone through its
    /// main thread, which is an ordinary one and waits behind those of other programs: of 74 688 calls
    /// in five minutes one in ten thousand was more than 8 ms late.
    pub fn usual_lateness_ns(self) -> u64 {
        match self {
            Self::PulseAudio => PULSEAUDIO_LATE_NS,
            Self::Alsa | Self::Jack | Self::PipeWire | Self::Null | Self::Sim => 0,
        }
    }

    /// Whether one stream can have input and output, called once with both.
    pub fn is_duplex(self) -> bool {
        matches!(self, Self::Jack | Self::Null | Self::Sim)
    }

    /// Whether the host answers now. May take a moment: asks servers.
    pub fn is_available(self) -> bool {
        match self {
            Self::Jack => jack::is_available(),
            Self::Alsa | Self::PulseAudio | Self::PipeWire => cpal::is_available(self),
            Self::Null => true,
            Self::Sim => false,
        }
    }
}

impl fmt::Display for HostKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for HostKind {
    type Err = DeviceError;

    /// The host of this name, in any case.
    ///
    /// # Errors
    /// [`DeviceError::HostUnknown`] for any other name.
    fn from_str(text: &str) -> Result<Self, DeviceError> {
        let found = NAMED
            .into_iter()
            .find(|host| host.name().eq_ignore_ascii_case(text));
        found.ok_or_else(|| DeviceError::HostUnknown {
            asked: text.to_owned(),
            allowed: NAMED.iter().map(|host| host.name().to_owned()).collect(),
        })
    }
}

/// The hosts that answer now. [`HostKind::Null`] always does.
pub fn available_hosts() -> Vec<HostKind> {
    NAMED
        .into_iter()
        .filter(|host| host.is_available())
        .collect()
}

/// The host to be used when none is named: PipeWire, PulseAudio or ALSA, the first that answers and
/// has a device. JACK and `null` are used only when named.
pub fn default_host() -> Option<HostKind> {
    let candidates = [HostKind::PipeWire, HostKind::PulseAudio, HostKind::Alsa];
    candidates.into_iter().find(|&host| cpal::has_devices(host))
}

/// What can be opened now, over all hosts that answer.
///
/// Asks every device; call it on an ordinary thread, and not often while a stream runs.
pub fn devices() -> Vec<DeviceInfo> {
    available_hosts()
        .into_iter()
        .flat_map(|host| devices_of(host).unwrap_or_default())
        .collect()
}

/// What can be opened now on one host.
///
/// # Errors
/// [`DeviceError::HostUnavailable`] where it does not answer, or what it answered.
pub fn devices_of(host: HostKind) -> Result<Vec<DeviceInfo>, DeviceError> {
    match host {
        HostKind::Jack => jack::devices(),
        HostKind::Alsa | HostKind::PulseAudio | HostKind::PipeWire => cpal::devices(host),
        HostKind::Null => Ok(vec![null::device()]),
        HostKind::Sim => Ok(Vec::new()),
    }
}

/// Ids of a host's default devices, in and out, where the host may choose others while streams run:
/// PulseAudio. No device is opened; a server that has stopped holds it up for seconds.
pub fn default_devices(host: HostKind) -> [Option<String>; 2] {
    match host {
        HostKind::PulseAudio => pulse::default_devices(),
        _ => [None, None],
    }
}

/// Finds a device and settles rate, channels and period.
///
/// # Errors
/// All variants of [`DeviceError`].
pub fn open(
    host: HostKind,
    request: &StreamRequest,
) -> Result<Box<dyn PendingStream>, DeviceError> {
    let both = request.input.is_some() && request.output.is_some();
    if (both && !host.is_duplex()) || (request.input.is_none() && request.output.is_none()) {
        let direction = if both {
            "input and output in one stream"
        } else {
            "neither direction"
        };
        return Err(DeviceError::DirectionUnsupported {
            device: host.to_string(),
            direction,
        });
    }
    match host {
        HostKind::Jack => jack::open(request),
        HostKind::Alsa | HostKind::PulseAudio | HostKind::PipeWire => cpal::open(host, request),
        HostKind::Null => null::open(request),
        HostKind::Sim => Err(DeviceError::HostUnavailable {
            host,
            hint: "it is opened through its simulation".into(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for host in NAMED {
            assert_eq!(host.name().parse(), Ok(host));
            assert_eq!(host.to_string(), host.name());
        }
        let error = "jakc"
            .parse::<HostKind>()
            .map_err(|error| error.to_string());
        let line = "host \"jakc\" is not known (allowed: pipewire, pulseaudio, alsa, jack, null)";
        assert_eq!(error, Err(line.to_owned()));
    }

    #[test]
    fn a_request_without_direction_and_duplex_elsewhere_are_refused() {
        let nothing = open(HostKind::Null, &StreamRequest::default());
        assert!(matches!(
            nothing.err(),
            Some(DeviceError::DirectionUnsupported { .. })
        ));
        let both = StreamRequest {
            input: Some(Default::default()),
            output: Some(Default::default()),
            ..Default::default()
        };
        let both = open(HostKind::Alsa, &both);
        assert!(matches!(
            both.err(),
            Some(DeviceError::DirectionUnsupported { .. })
        ));
    }
}
