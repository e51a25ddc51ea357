//! Why a frame is not heard.

use ossicle_io::ring::Cause;

/// Why a frame of a capture device is silence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lack {
    /// It was lost on its way, and is counted there.
    Lost(Cause),
    /// It has not come: late, or never to be. It is counted as an underrun.
    Missing,
    /// No device is there to capture it.
    Away(Cause),
}
