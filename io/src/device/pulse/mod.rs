//! Streams of PulseAudio, without cpal. Of a capture that lets the server hold one period and no more,
//! and what a busy machine fetches later is lost without a word; what it plays and captures goes on at
//! another device, without a word too, where that which was named is unplugged.

mod capture;
mod connection;
mod places;
mod playback;
mod running;

use std::ffi::CString;

use futures_executor::block_on;
use pulseaudio::ClientError;
use pulseaudio::protocol::stream::StreamFlags;
use pulseaudio::protocol::{PulseError, SampleFormat, SampleSpec};

use super::deadline::within;
use super::probe::PulseServer;
use super::{Callback, DeviceError, HostKind, Stream, StreamInfo};
use connection::{Connection, asked};

/// Samples are `f32` in this machine's byte order.
const SAMPLE_BYTES: usize = size_of::<f32>();
/// Longest piece of a block that is one call, in frames.
const SCRATCH_FRAMES: usize = 8192;

/// How a stream is to be started.
pub(super) struct Wishes {
    /// The device was named: no other may take its place.
    pub(super) is_named: bool,
    pub(super) realtime: bool,
}

/// Starts a stream as `info` was settled.
pub(super) fn start(
    info: StreamInfo,
    wishes: Wishes,
    callback: Callback,
) -> Result<Box<dyn Stream>, DeviceError> {
    let device = info.input_device.as_ref().or(info.output_device.as_ref());
    let device = device.cloned().unwrap_or_default();
    let gone = || DeviceError::DeviceGone {
        device: device.clone(),
    };
    let name = device.strip_prefix("pulseaudio:").unwrap_or(&device);
    let name = CString::new(name).map_err(|_| gone())?;
    let started = Connection::open().and_then(|connection| match info.input_channels {
        0 => playback::start(connection, info, name, wishes, callback),
        _ => capture::start(connection, info, name, wishes, callback),
    });
    match started {
        Ok(running) => Ok(Box::new(running)),
        Err(ClientError::ServerError(PulseError::NoEntity)) => Err(gone()),
        Err(error) => Err(DeviceError::backend(HostKind::PulseAudio, "start", error)),
    }
}

/// Whether a server answers. Waits for one that has stopped.
pub(super) fn answers() -> bool {
    asked(|client| block_on(client.server_info())).is_ok()
}

/// What the server says of itself, if one answers.
pub(super) fn server() -> Option<PulseServer> {
    let asked = within(HostKind::PulseAudio, "connect", || {
        let (connection, info) = asked(|client| block_on(client.server_info())).ok()?;
        let sink = info.default_sink_name.clone();
        let ask = |name| block_on(connection.client().sink_info_by_name(name)).ok();
        let sink = sink.and_then(ask);
        let word = |text: Option<CString>| text.and_then(|text| text.into_string().ok());
        let words = [word(info.server_name), word(info.server_version)];
        Some(PulseServer {
            name: words.into_iter().flatten().collect::<Vec<_>>().join(" "),
            sample_rate_hz: sink.as_ref().map_or(info.sample_spec.sample_rate, |sink| {
                sink.sample_spec.sample_rate
            }),
            sink_latency_us: sink.map(|sink| sink.configured_latency),
        })
    });
    asked.ok().flatten()
}

/// Ids of the server's default source and sink, if one answers.
pub(super) fn default_devices() -> [Option<String>; 2] {
    let asked = within(HostKind::PulseAudio, "ask for the default devices", || {
        let (_, info) = asked(|client| block_on(client.server_info())).ok()?;
        let id = |name: Option<CString>| {
            let name = name?.into_string().ok()?;
            Some(format!("{}:{name}", HostKind::PulseAudio))
        };
        Some([id(info.default_source_name), id(info.default_sink_name)])
    });
    asked.ok().flatten().unwrap_or_default()
}

fn sample_spec(channels: usize, sample_rate_hz: u32) -> SampleSpec {
    SampleSpec {
        format: if cfg!(target_endian = "big") {
            SampleFormat::Float32Be
        } else {
            SampleFormat::Float32Le
        },
        channels: u8::try_from(channels).unwrap_or(u8::MAX),
        sample_rate: sample_rate_hz,
    }
}

fn flags(wishes: &Wishes) -> StreamFlags {
    StreamFlags {
        start_corked: true,
        adjust_latency: true,
        no_move: wishes.is_named,
        ..StreamFlags::default()
    }
}

/// Bytes of `frames`, as the server counts.
fn bytes(frames: u64, channels: usize) -> u32 {
    let bytes = frames.saturating_mul((SAMPLE_BYTES * channels) as u64);
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
