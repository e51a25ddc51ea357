//! What stands where, and how much it counts.

use alloc::vec;
use alloc::vec::Vec;

/// Where a channel's loudspeaker stands. Source: BS.1770-5, tables 3 and 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelKind {
    /// In front, behind or above: counts as it is.
    Full,
    /// At the side, 60 to 120 degrees from the front: counts 1.41 times.
    Side,
    /// Low-frequency effects, or nothing: does not count.
    Unheard,
}

impl ChannelKind {
    /// The weight of the channel's energy.
    #[must_use]
    pub const fn weight(self) -> f64 {
        match self {
            Self::Full => 1.0,
            Self::Side => 1.41,
            Self::Unheard => 0.0,
        }
    }
}

/// The usual meaning of so many channels, in the order of WAV files: mono, L R, L R C, quad
/// (L R Ls Rs), 5.0, 5.1, 6.1 (L R C LFE Cs Ls Rs), 7.1 (L R C LFE Lb Rb Ls Rs). More than eight
/// channels, or none, all count as they are.
#[must_use]
pub fn layout(channels: usize) -> Vec<ChannelKind> {
    use ChannelKind::{Full, Side, Unheard};
    match channels {
        4 => vec![Full, Full, Side, Side],
        5 => vec![Full, Full, Full, Side, Side],
        6 => vec![Full, Full, Full, Unheard, Side, Side],
        7 => vec![Full, Full, Full, Unheard, Full, Side, Side],
        8 => vec![Full, Full, Full, Unheard, Full, Full, Side, Side],
        _ => vec![Full; channels],
    }
}
