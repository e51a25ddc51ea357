//! What can go wrong at a device's door.

use super::HostKind;

/// Why a device was not found, opened or started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceError {
    /// No host has this name. Choose one of `allowed`.
    #[error("host \"{asked}\" is not known (allowed: {})", names(.allowed))]
    HostUnknown {
        /// What was asked for.
        asked: String,
        /// The names that exist.
        allowed: Vec<String>,
    },
    /// The host does not answer or was not built in. The hint says what can be done.
    #[error("host {host} is not available: {hint}")]
    HostUnavailable {
        /// The host.
        host: HostKind,
        /// What to do about it.
        hint: String,
    },
    /// The host has no device of this name. Choose one of those available.
    #[error("device {} not found on {host}{}", quoted(.asked), others(.nearest, .available))]
    DeviceNotFound {
        /// What was asked for, empty for the default device.
        asked: String,
        /// The host.
        host: HostKind,
        /// The name most like the one asked for.
        nearest: Option<String>,
        /// The ids there are.
        available: Vec<String>,
    },
    /// The text fits several devices. Choose one of the candidates by its id.
    #[error("device {} fits several on {host}: {}", quoted(.asked), candidates.join(", "))]
    Ambiguous {
        /// What was asked for.
        asked: String,
        /// The host.
        host: HostKind,
        /// The ids of the devices that it fits.
        candidates: Vec<String>,
    },
    /// The device, or the host, cannot do the direction asked for.
    #[error("\"{device}\" does not offer {direction}")]
    DirectionUnsupported {
        /// The device or host.
        device: String,
        /// "input", "output" or "input and output in one stream".
        direction: &'static str,
    },
    /// The device does not offer this number of channels. Choose one of `allowed`.
    #[error("{asked} channels are not offered by \"{device}\" ({})", numbers(.allowed))]
    ChannelsUnsupported {
        /// The device.
        device: String,
        /// Channels asked for.
        asked: usize,
        /// Channels offered.
        allowed: Vec<usize>,
    },
    /// The device does not run at this sample rate. Choose one of `allowed` and resample.
    #[error("sample rate {asked_hz} Hz is not offered by \"{device}\" ({})", numbers(.allowed))]
    SampleRateUnsupported {
        /// The device.
        device: String,
        /// Hertz asked for.
        asked_hz: u32,
        /// Hertz offered.
        allowed: Vec<u32>,
    },
    /// The device refuses this period and every fallback.
    #[error("{asked_frames} frames per callback are refused by \"{device}\" ({min} to {max})")]
    BufferUnsupported {
        /// The device.
        device: String,
        /// Frames asked for.
        asked_frames: u32,
        /// Smallest offered.
        min: u32,
        /// Largest offered.
        max: u32,
    },
    /// Another program holds the device. Retry later.
    #[error("\"{device}\" is in use by another program")]
    DeviceBusy {
        /// The device.
        device: String,
    },
    /// The system refuses access to the device.
    #[error("access to \"{device}\" is not permitted")]
    PermissionDenied {
        /// The device.
        device: String,
    },
    /// The device is not there, or went away while it was being opened. Look for it again.
    #[error("\"{device}\" is not there")]
    DeviceGone {
        /// The device.
        device: String,
    },
    /// Anything else the backend said.
    #[error("{host} failed to {doing}: {message}")]
    Backend {
        /// The host.
        host: HostKind,
        /// What was being done.
        doing: &'static str,
        /// The backend's words, one line.
        message: String,
    },
}

impl DeviceError {
    /// The backend's words as an error, on one line and in the project's form.
    pub(super) fn backend(host: HostKind, doing: &'static str, words: impl ToString) -> Self {
        let words = words.to_string();
        let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
        Self::Backend {
            host,
            doing,
            message: line.trim_end_matches('.').to_owned(),
        }
    }
}

fn quoted(asked: &str) -> String {
    if asked.is_empty() {
        "(default)".to_owned()
    } else {
        format!("\"{asked}\"")
    }
}

fn others(nearest: &Option<String>, available: &[String]) -> String {
    match (nearest, available.is_empty()) {
        (Some(nearest), _) => format!("; nearest: \"{nearest}\""),
        (None, false) => format!(" (there are: {})", names(available)),
        (None, true) => " (it has none)".to_owned(),
    }
}

fn names(names: &[String]) -> String {
    names.join(", ")
}

fn numbers<T: ToString>(numbers: &[T]) -> String {
    numbers
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_one_line_and_name_what_is_allowed() {
        let error = DeviceError::SampleRateUnsupported {
            device: "hw:1".into(),
            asked_hz: 22_050,
            allowed: vec![44_100, 48_000],
        };
        let line = "sample rate 22050 Hz is not offered by \"hw:1\" (44100, 48000)";
        assert_eq!(error.to_string(), line);
        let error = DeviceError::backend(HostKind::Alsa, "start", "it broke\n  badly.");
        assert_eq!(error.to_string(), "alsa failed to start: it broke badly");
    }
}
