//! Captures: the server holds all it can of what is fetched late.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use std::ffi::CString;
use std::sync::Arc;

use futures_executor::block_on;
use pulseaudio::ClientError;
use pulseaudio::protocol::{RecordStreamParams, stream::BufferAttr};

use super::connection::Connection;
use super::places::{Order, channel_map};
use super::running::{Life, Running, life};
use super::{SAMPLE_BYTES, SCRATCH_FRAMES, Wishes, bytes, flags, sample_spec};
use crate::device::caller::Caller;
use crate::device::clock::{now_ns, ns_of};
use crate::device::loss::LossClock;
use crate::device::{Callback, StreamInfo, StreamStatus};

/// Asks for the server's own limit of a queue.
const NO_LIMIT: u32 = u32::MAX;

/// Starts a capture from the source of this name.
pub(super) fn start(
    connection: Connection,
    mut info: StreamInfo,
    source: CString,
    wishes: Wishes,
    callback: Callback,
) -> Result<Running, ClientError> {
    let (client, channels) = (connection.client(), info.input_channels);
    let source = block_on(client.source_info_by_name(source))?;
    let status = Arc::new(StreamStatus::new());
    let (life, death) = life(&status);
    let mut worker = Worker {
        caller: Caller::new(callback, status),
        channels,
        sample_rate_hz: info.sample_rate_hz,
        scratch: vec![0.0; SCRATCH_FRAMES * channels],
        losses: LossClock::new(info.sample_rate_hz),
        _life: life,
    };
    let params = RecordStreamParams {
        sample_spec: sample_spec(channels, info.sample_rate_hz),
        channel_map: channel_map(channels, source.channel_map, Order::Numbers),
        source_index: Some(source.index),
        buffer_attr: BufferAttr {
            max_length: NO_LIMIT,
            fragment_size: bytes(u64::from(info.buffer_frames), channels),
            ..BufferAttr::default()
        },
        flags: flags(&wishes),
        ..RecordStreamParams::default()
    };
    let sink = move |bytes: &[u8]| worker.captured(bytes);
    let stream = block_on(client.create_record_stream(params, sink))?;
    info.buffer_frames = (stream.buffer_attr().fragment_size / bytes(1, channels)).max(1);
    let begun = stream.clone();
    Running::new(
        connection,
        info,
        death,
        wishes.realtime,
        move || block_on(begun.uncork()),
        move || block_on(stream.timing_info()).map(drop),
    )
}

/// What takes the blocks, on the client's thread.
struct Worker {
    caller: Caller,
    channels: usize,
    sample_rate_hz: u32,
    scratch: Vec<f32>,
    losses: LossClock,
    /// Dropped last.
    _life: Life,
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
