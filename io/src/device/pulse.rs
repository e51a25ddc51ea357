//! Captures from PulseAudio, without cpal: that lets the server hold one period for us and no more,
//! and what a busy machine fetches later is lost without a word. Here the server holds all it can.

use core::ffi::CStr;
use std::ffi::CString;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use futures_executor::block_on;
use pulseaudio::protocol::{ChannelMap, ChannelPosition, RecordStreamParams, SampleFormat};
use pulseaudio::protocol::{SampleSpec, SourceInfo, stream::BufferAttr, stream::StreamFlags};
use pulseaudio::{Client, ClientError, RecordStream};

use super::caller::Caller;
use super::clock::{now_ns, ns_of};
use super::deadline::within;
use super::loss::LossClock;
use super::probe::PulseServer;
use super::{Callback, DeviceError, HostKind, LostCause, Stream, StreamInfo, StreamStatus};
use crate::rights::Promoter;

const CLIENT: &CStr = c"ossicle";
const SAMPLE_BYTES: usize = 4;
/// Longest piece of a block that is one call, in frames.
const SCRATCH_FRAMES: usize = 8192;
/// Asks for the server's own limit of a queue.
const NO_LIMIT: u32 = u32::MAX;

/// Starts a capture as `info` was settled, from the source of this name.
pub(super) fn start(
    mut info: StreamInfo,
    source: &str,
    realtime: bool,
    callback: Callback,
) -> Result<Box<dyn Stream>, DeviceError> {
    let failed = |error: ClientError| DeviceError::backend(HostKind::PulseAudio, "start", error);
    let gone = || DeviceError::DeviceGone {
        device: source.to_owned(),
    };
    let name = CString::new(source).map_err(|_| gone())?;
    let (client, source) =
        connected(|client| block_on(client.source_info_by_name(name.clone()))).map_err(failed)?;
    let status = Arc::new(StreamStatus::new());
    let ended = Arc::new(AtomicBool::new(false));
    let mut worker = Worker {
        caller: Caller::new(callback, status.clone()),
        channels: info.input_channels,
        sample_rate_hz: info.sample_rate_hz,
        scratch: vec![0.0; SCRATCH_FRAMES * info.input_channels],
        losses: LossClock::new(info.sample_rate_hz),
        ended: ended.clone(),
    };
    let params = params(&info, &source);
    let frame_bytes = u32::try_from(SAMPLE_BYTES * info.input_channels).unwrap_or(u32::MAX);
    let sink = move |bytes: &[u8]| worker.captured(bytes);
    let stream = block_on(client.create_record_stream(params, sink)).map_err(failed)?;
    info.buffer_frames = (stream.buffer_attr().fragment_size / frame_bytes).max(1);
    status.started(now_ns());
    block_on(stream.uncork()).map_err(failed)?;
    Ok(Box::new(Running {
        _promoter: Promoter::start(&status, &info, realtime),
        info,
        status,
        ended,
        _stream: stream,
    }))
}

/// What the server says of itself, if one answers.
pub(super) fn server() -> Option<PulseServer> {
    let asked = within(HostKind::PulseAudio, "connect", || {
        let (client, info) = connected(|client| block_on(client.server_info())).ok()?;
        let sink = info.default_sink_name.clone();
        let sink = sink.and_then(|name| block_on(client.sink_info_by_name(name)).ok());
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
        let (_, info) = connected(|client| block_on(client.server_info())).ok()?;
        let id = |name: Option<CString>| {
            let name = name?.into_string().ok()?;
            Some(format!("{}:{name}", HostKind::PulseAudio))
        };
        Some([id(info.default_source_name), id(info.default_sink_name)])
    });
    asked.ok().flatten().unwrap_or_default()
}

/// An answer of the server, and the client that brought it. A client is a thread and a connection
/// for the life of the process, so there is one, unless the server was restarted.
fn connected<T>(
    ask: impl Fn(&Client) -> Result<T, ClientError>,
) -> Result<(Client, T), ClientError> {
    static KEPT: Mutex<Option<Client>> = Mutex::new(None);
    let kept = || KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    // Never asked under the lock: a stopped server answers nobody.
    let known = kept().clone();
    if let Some(client) = known
        && let Ok(answer) = ask(&client)
    {
        return Ok((client, answer));
    }
    let client = Client::from_env(CLIENT)?;
    let answer = ask(&client)?;
    *kept() = Some(client.clone());
    Ok((client, answer))
}

fn params(info: &StreamInfo, source: &SourceInfo) -> RecordStreamParams {
    let channels = info.input_channels;
    let channel_map = match channels {
        _ if channels == usize::from(source.channel_map.num_channels()) => source.channel_map,
        1 => ChannelMap::mono(),
        2 => ChannelMap::stereo(),
        _ => ChannelMap::new((0..channels).map(position)),
    };
    let format = if cfg!(target_endian = "big") {
        SampleFormat::Float32Be
    } else {
        SampleFormat::Float32Le
    };
    let period_bytes = info.buffer_frames as usize * channels * SAMPLE_BYTES;
    RecordStreamParams {
        sample_spec: SampleSpec {
            format,
            channels: u8::try_from(channels).unwrap_or(u8::MAX),
            sample_rate: info.sample_rate_hz,
        },
        channel_map,
        source_index: Some(source.index),
        buffer_attr: BufferAttr {
            max_length: NO_LIMIT,
            fragment_size: u32::try_from(period_bytes).unwrap_or(NO_LIMIT),
            ..Default::default()
        },
        flags: StreamFlags {
            start_corked: true,
            adjust_latency: true,
            ..Default::default()
        },
        ..Default::default()
    }
}

/// Positions that mean no place, so that channels are not mixed.
fn position(channel: usize) -> ChannelPosition {
    const AUX: [ChannelPosition; 32] = {
        use ChannelPosition::{
            Aux0, Aux1, Aux2, Aux3, Aux4, Aux5, Aux6, Aux7, Aux8, Aux9, Aux10, Aux11, Aux12, Aux13,
            Aux14, Aux15, Aux16, Aux17, Aux18, Aux19, Aux20, Aux21, Aux22, Aux23, Aux24, Aux25,
            Aux26, Aux27, Aux28, Aux29, Aux30, Aux31,
        };
        [
            Aux0, Aux1, Aux2, Aux3, Aux4, Aux5, Aux6, Aux7, Aux8, Aux9, Aux10, Aux11, Aux12, Aux13,
            Aux14, Aux15, Aux16, Aux17, Aux18, Aux19, Aux20, Aux21, Aux22, Aux23, Aux24, Aux25,
            Aux26, Aux27, Aux28, Aux29, Aux30, Aux31,
        ]
    };
    AUX[channel % AUX.len()]
}

/// What takes the blocks, on the client's thread. That thread drops it when the stream or the
/// connection ends.
struct Worker {
    caller: Caller,
    channels: usize,
    sample_rate_hz: u32,
    scratch: Vec<f32>,
    losses: LossClock,
    ended: Arc<AtomicBool>,
}

impl Worker {
    /// A captured block of any length.
    fn captured(&mut self, bytes: &[u8]) {
        let time_ns = now_ns();
        let Self {
            caller,
            channels,
            scratch,
            losses,
            sample_rate_hz,
            ..
        } = self;
        let frame_bytes = SAMPLE_BYTES * *channels;
        let frames = (bytes.len() / frame_bytes) as u64;
        if frames == 0 {
            return;
        }
        caller.enter(time_ns, |caller| {
            // There is no better time than that of the last frame's coming.
            let captured_ns = time_ns.saturating_sub(ns_of(frames, *sample_rate_hz));
            let xruns = caller.status().xruns();
            caller.lose(losses.block(frames, time_ns, captured_ns, xruns));
            for piece in bytes.chunks(SCRATCH_FRAMES * frame_bytes) {
                let now = piece.len() / frame_bytes;
                let input = &mut scratch[..now * *channels];
                for (sample, bytes) in input.iter_mut().zip(piece.as_chunks::<SAMPLE_BYTES>().0) {
                    *sample = f32::from_ne_bytes(*bytes);
                }
                caller.call(input, &mut [], now, time_ns);
            }
        });
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if !self.ended.load(Ordering::Acquire) {
            self.caller.status().lose(LostCause::ServerGone);
        }
    }
}

struct Running {
    /// Dropped before the stream: see [`Promoter`].
    _promoter: Option<Promoter>,
    info: StreamInfo,
    status: Arc<StreamStatus>,
    ended: Arc<AtomicBool>,
    /// Asks the server to end the stream when dropped, without waiting for it.
    _stream: RecordStream,
}

impl Stream for Running {
    fn info(&self) -> &StreamInfo {
        &self.info
    }

    fn status(&self) -> &Arc<StreamStatus> {
        &self.status
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Release);
    }
}
