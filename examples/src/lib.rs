//! Examples of the Ossicle audio engine: see the folder `examples`.
//!
//! Each takes the name of a host (`jack`, `pulseaudio`, `alsa`, `null`) as its first argument and
//! the seconds it is to run as its second; without them it runs on the default host for ten
//! seconds.

use std::time::Duration;

use ossicle::io::device::{DeviceError, HostKind};

/// The host named on the command line, if one is.
///
/// # Errors
/// The name is not known.
pub fn host() -> Result<Option<HostKind>, DeviceError> {
    std::env::args().nth(1).map(|name| name.parse()).transpose()
}

/// How long the example is to run.
#[must_use]
pub fn length() -> Duration {
    let seconds = std::env::args()
        .nth(2)
        .and_then(|seconds| seconds.parse().ok());
    Duration::from_secs_f64(seconds.unwrap_or(10.0))
}
