//! Times that calls carry.

use crate::device::clock::ns_of;

/// What a simulated device says as [`Call::stamp_ns`](crate::device::Call::stamp_ns). Its
/// `time_ns` and the stream's status always have the true time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stamps {
    /// Virtual time at the entry of the callback.
    #[default]
    Exact,
    /// That time, rounded down to a multiple of a step.
    Quantised {
        /// Nanoseconds, at least 1.
        step_ns: u64,
    },
    /// Invented by the backend: the start of the stream, and the call's position at the sample rate
    /// the device claims.
    Synthetic,
}

impl Stamps {
    /// The stamp of a call that comes at `time_ns`, in a stream that began at `started_ns`.
    pub(super) fn stamp_ns(
        self,
        time_ns: u64,
        started_ns: u64,
        position: u64,
        sample_rate_hz: u32,
    ) -> u64 {
        match self {
            Self::Exact => time_ns,
            Self::Quantised { step_ns } => time_ns - time_ns % step_ns,
            Self::Synthetic => started_ns + ns_of(position, sample_rate_hz),
        }
    }
}
