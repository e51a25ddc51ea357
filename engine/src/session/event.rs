//! What befalls the devices of a session.

use core::fmt;

use ossicle_io::device::LostCause;

/// Something that befell a device. Each is told once.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceEvent {
    /// Stream position of the session at which it was noticed, in frames.
    pub position: u64,
    /// Name of the device.
    pub device: String,
    /// What it was.
    pub kind: DeviceEventKind,
}

/// What can befall a device.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum DeviceEventKind {
    /// It is gone. The session goes on, and takes it back when it is there again.
    Lost {
        /// Why.
        cause: LostCause,
    },
    /// It has stopped calling without a word.
    Stalled,
    /// It calls again.
    Resumed {
        /// How long it did not, in seconds.
        after_s: f64,
    },
    /// It was opened again.
    Back {
        /// How long it was away, in seconds.
        after_s: f64,
        /// Its sample rate now, in hertz.
        sample_rate_hz: u32,
    },
    /// Another device was opened in its place.
    Replaced {
        /// Name of the other.
        by: String,
        /// How long none was there, in seconds.
        after_s: f64,
    },
    /// Another device has become the default, which was asked for: the stream was moved there.
    Moved {
        /// Name of the other.
        to: String,
    },
}

impl fmt::Display for DeviceEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            position, device, ..
        } = self;
        write!(f, "frame {position}: \"{device}\" ")?;
        match &self.kind {
            DeviceEventKind::Lost { cause } => write!(f, "is gone: {cause}"),
            DeviceEventKind::Stalled => f.write_str("has stopped calling"),
            DeviceEventKind::Resumed { after_s } => write!(f, "calls again after {after_s:.2} s"),
            DeviceEventKind::Back {
                after_s,
                sample_rate_hz,
            } => write!(f, "is back after {after_s:.2} s, at {sample_rate_hz} Hz"),
            DeviceEventKind::Replaced { by, after_s } => {
                write!(f, "is replaced by \"{by}\" after {after_s:.2} s")
            }
            DeviceEventKind::Moved { to } => {
                write!(f, "is the default no longer: \"{to}\" is, and was taken")
            }
        }
    }
}
