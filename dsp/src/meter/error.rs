//! Why a meter cannot be made.

/// Why a meter cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MeterError {
    /// The meter is not defined at this rate; resample to an allowed one.
    #[error("{meter} cannot be measured at {asked_hz} Hz (allowed: {min_hz} to {max_hz} Hz)")]
    SampleRateUnsupported {
        /// What was to be measured.
        meter: &'static str,
        /// Rate asked for.
        asked_hz: u32,
        /// Lowest rate allowed.
        min_hz: u32,
        /// Highest rate allowed.
        max_hz: u32,
    },
    /// The meter does not take so many channels; use one of the allowed counts.
    #[error("{meter} cannot be measured of {asked} channels (allowed: {allowed})")]
    ChannelsUnsupported {
        /// What was to be measured.
        meter: &'static str,
        /// Channels asked for.
        asked: usize,
        /// Channel counts that would do, in words.
        allowed: &'static str,
    },
}

/// Highest rate of any meter.
pub(crate) const MAX_RATE_HZ: u32 = 3_072_000;

/// Whether a meter may be made for a rate and so many channels.
pub(super) fn check(
    meter: &'static str,
    sample_rate_hz: u32,
    min_hz: u32,
    channels: usize,
) -> Result<(), MeterError> {
    if !(min_hz..=MAX_RATE_HZ).contains(&sample_rate_hz) {
        return Err(MeterError::SampleRateUnsupported {
            meter,
            asked_hz: sample_rate_hz,
            min_hz,
            max_hz: MAX_RATE_HZ,
        });
    }
    if channels == 0 {
        return Err(MeterError::ChannelsUnsupported {
            meter,
            asked: channels,
            allowed: "1 or more",
        });
    }
    Ok(())
}
