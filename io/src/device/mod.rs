//! Devices: one interface over every way sound comes in and goes out.
//!
//! A device is opened in two steps. [`open`] finds it and settles rate, channels and period; the
//! [`PendingStream`] says what was settled. [`PendingStream::start`] takes the callback and begins.
//! A host that can call once with input and output does ([`HostKind::is_duplex`]); on others a live
//! input is two streams.

mod caller;
mod clock;
mod cpal;
mod deadline;
mod error;
mod host;
mod info;
mod interleave;
mod jack;
mod loss;
mod null;
mod probe;
mod pulse;
pub mod reaper;
pub mod sim;
mod status;
mod watch;

use std::sync::Arc;

pub use clock::now_ns;
pub use error::DeviceError;
pub use host::{available_hosts, default_devices, default_host, devices, devices_of, open};
pub use info::{Capability, DeviceInfo};
pub use null::open_clock;
pub(crate) use probe::{Layers, alsa_layers, pulse_server};
pub use reaper::Reaper;
pub use status::{LostCause, StreamState, StreamStatus};
pub use watch::{DeviceChange, DeviceWatch};

/// A way to reach devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HostKind {
    /// ALSA, through cpal.
    Alsa,
    /// PulseAudio: listed through cpal, its streams by connections of our own.
    PulseAudio,
    /// JACK, through one client of our own.
    Jack,
    /// PipeWire, through cpal (cargo feature `pipewire`).
    PipeWire,
    /// No sound: silence in, nothing out, paced by the clock. Only when named.
    Null,
    /// The simulated device, in virtual time (see [`sim`]).
    Sim,
}

/// One direction of what is to be opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Port {
    /// Id as listed, or a part of the name; `None` for the default device.
    pub device: Option<String>,
    /// Channels; `None` for what the device prefers.
    pub channels: Option<usize>,
}

/// What is to be opened. At least one direction; both only on a duplex host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamRequest {
    /// Sound in.
    pub input: Option<Port>,
    /// Sound out.
    pub output: Option<Port>,
    /// Sample rate in hertz; `None` for what the device prefers.
    pub sample_rate_hz: Option<u32>,
    /// Frames per callback asked for; `None` for a default. A wish: calls of any length may come.
    pub buffer_frames: Option<u32>,
    /// JACK only: leave the ports unconnected.
    pub leave_unconnected: bool,
    /// Ask for real-time scheduling of the thread that runs the callback, where the backend does
    /// not see to it; [`StreamStatus::scheduling`] says what was got.
    pub realtime: bool,
    /// Devices are named by their whole ids: one whose id or name only holds what is asked for is no
    /// answer. On JACK an id is the name of a client, and may go on with a colon and a part of the
    /// names of those of its ports that are wanted.
    pub by_id: bool,
}

/// What was settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamInfo {
    /// The host.
    pub host: HostKind,
    /// Name of the input device.
    pub input_device: Option<String>,
    /// Name of the output device.
    pub output_device: Option<String>,
    /// Channels in, 0 without an input.
    pub input_channels: usize,
    /// Channels out, 0 without an output.
    pub output_channels: usize,
    /// Sample rate in hertz.
    pub sample_rate_hz: u32,
    /// Frames per callback as far as is known.
    pub buffer_frames: u32,
    /// Hardware latency in frames as the backend says, input plus output; `None` if it says nothing.
    pub device_latency_frames: Option<u64>,
}

/// One call of the device: the frames that came, the frames to be filled.
#[derive(Debug)]
pub struct Call<'a> {
    /// Captured samples, interleaved, `frames * input_channels` of them.
    pub input: &'a [f32],
    /// Samples to be played, interleaved, `frames * output_channels` of them; silent on entry.
    pub output: &'a mut [f32],
    /// Number of frames, at least 1.
    pub frames: usize,
    /// Frames of this stream before this call, all lost ones included.
    pub position: u64,
    /// Frames known to be lost just before this call, as the backend or its clock tells.
    pub lost_frames: u64,
    /// The backend reported an xrun since the last call.
    pub xrun: bool,
    /// Monotonic time at the entry of the backend's callback, in nanoseconds.
    pub time_ns: u64,
    /// What the backend says of that time: it may be rounded, or reckoned from the frames at a rate
    /// that the device does not have. To be timed by it is to be told what the backend believes.
    pub stamp_ns: u64,
}

/// What a device calls, on its real-time thread.
pub type Callback = Box<dyn FnMut(&mut Call<'_>) + Send>;

/// A stream that is settled but has not begun.
pub trait PendingStream: Send {
    /// What was settled.
    fn info(&self) -> &StreamInfo;

    /// Asks for another period, in frames, before the stream begins: the nearest one that is offered
    /// is taken. Where the period is not the program's to choose nothing happens, as on JACK.
    fn wish_buffer_frames(&mut self, _frames: u32) {}

    /// Begins: `callback` is called from now on.
    ///
    /// # Errors
    /// What the backend answered.
    fn start(self: Box<Self>, callback: Callback) -> Result<Box<dyn Stream>, DeviceError>;
}

/// A running stream. Dropping it ends it, and may hang with a broken backend: give it to the
/// [`reaper`].
pub trait Stream: Send {
    /// What was settled, with the period the device really took.
    fn info(&self) -> &StreamInfo;

    /// Counters and state, written by the device's threads without waiting.
    fn status(&self) -> &Arc<StreamStatus>;
}
