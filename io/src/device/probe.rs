//! What can be asked of servers and devices beside opening a stream.

use super::{cpal, pulse};

/// A PulseAudio server, or one that speaks its language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PulseServer {
    /// Name and version as the server says.
    pub(crate) name: String,
    /// Sample rate of the default sink, or the server's own default, in hertz.
    pub(crate) sample_rate_hz: u32,
    /// What the default sink holds, in microseconds; `None` without a sink.
    pub(crate) sink_latency_us: Option<u64>,
}

/// What a device of ALSA is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Layers {
    /// Its plug-ins by the library's names, from outside to inside.
    pub(crate) names: Vec<String>,
    /// Sample rate at the inside, in hertz, where 48 kHz was asked for.
    pub(crate) sample_rate_hz: u32,
    /// Period at the inside, in frames.
    pub(crate) period_frames: u32,
}

/// The PulseAudio server, if one answers.
pub(crate) fn pulse_server() -> Option<PulseServer> {
    pulse::server()
}

/// What a device of ALSA is made of; `None` where it does not open.
#[cfg(target_os = "linux")]
pub(crate) fn alsa_layers(device: &str) -> Option<Layers> {
    cpal::layers(device)
}

/// There is no ALSA here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn alsa_layers(_device: &str) -> Option<Layers> {
    None
}
