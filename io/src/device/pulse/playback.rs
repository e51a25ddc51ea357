//! What is played: the server holds two periods, and asks for one at a time.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use std::ffi::CString;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_executor::block_on;
use pulseaudio::protocol::{PlaybackStreamParams, stream::BufferAttr};
use pulseaudio::{AsPlaybackSource, ClientError};

use super::connection::Connection;
use super::places::{Order, channel_map};
use super::running::{Life, Running, life};
use super::{SAMPLE_BYTES, SCRATCH_FRAMES, Wishes, bytes, flags, sample_spec};
use crate::device::caller::Caller;
use crate::device::clock::{now_ns, ns_of};
use crate::device::loss::LossClock;
use crate::device::{Callback, StreamInfo, StreamStatus};

/// Starts to play to the sink of this name.
pub(super) fn start(
    connection: Connection,
    mut info: StreamInfo,
    sink: CString,
    wishes: Wishes,
    callback: Callback,
) -> Result<Running, ClientError> {
    let (client, channels) = (connection.client(), info.output_channels);
    let sink = block_on(client.sink_info_by_name(sink))?;
    let status = Arc::new(StreamStatus::new());
    let (life, death) = life(&status);
    let held = Arc::new(AtomicU64::new(0));
    let mut worker = Worker {
        caller: Caller::new(callback, status),
        channels,
        sample_rate_hz: info.sample_rate_hz,
        scratch: vec![0.0; SCRATCH_FRAMES * channels],
        losses: LossClock::new(info.sample_rate_hz),
        settled_frames: held.clone(),
        held_frames: 0,
        _life: life,
    };
    let period = u64::from(info.buffer_frames);
    let params = PlaybackStreamParams {
        sample_spec: sample_spec(channels, info.sample_rate_hz),
        channel_map: channel_map(channels, sink.channel_map, Order::Loudspeakers),
        sink_index: Some(sink.index),
        buffer_attr: BufferAttr {
            max_length: bytes(2 * period, channels),
            target_length: bytes(2 * period, channels),
            minimum_request_length: bytes(period, channels),
            ..BufferAttr::default()
        },
        flags: flags(&wishes),
        ..PlaybackStreamParams::default()
    };
    let source = move |bytes: &mut [u8]| worker.wanted(bytes);
    let stream = block_on(client.create_playback_stream(params, source.as_playback_source()))?;
    let period_bytes = stream.buffer_attr().minimum_request_length;
    info.buffer_frames = (period_bytes / bytes(1, channels)).max(1);
    held.store(2 * u64::from(info.buffer_frames), Ordering::Release);
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

/// What answers the server, on the client's thread.
struct Worker {
    caller: Caller,
    channels: usize,
    sample_rate_hz: u32,
    scratch: Vec<f32>,
    losses: LossClock,
    /// Frames that the server settled on to hold at most; 0 until then. What it asks for before is
    /// silence: nothing is played yet, and no time counts.
    settled_frames: Arc<AtomicU64>,
    /// Frames that it really holds at most.
    held_frames: u64,
    /// Dropped last.
    _life: Life,
}

impl Worker {
    /// Fills a block of any length, all of it: to a part of it the server would not answer with
    /// another question.
    fn wanted(&mut self, bytes: &mut [u8]) -> usize {
        let time_ns = now_ns();
        let Self {
            caller,
            channels,
            scratch,
            losses,
            sample_rate_hz,
            settled_frames,
            held_frames,
            ..
        } = self;
        let frame_bytes = SAMPLE_BYTES * *channels;
        let asked = (bytes.len() / frame_bytes) as u64;
        let settled = settled_frames.load(Ordering::Acquire);
        if settled == 0 || asked == 0 {
            bytes.fill(0);
            return bytes.len();
        }
        // The first time it asks for all that it has room for.
        *held_frames = asked.max(*held_frames).max(settled);
        caller.enter(time_ns, |caller| {
            ran_dry(caller, losses.dry(asked, time_ns, *held_frames));
            for piece in bytes.chunks_mut(SCRATCH_FRAMES * frame_bytes) {
                let now = piece.len() / frame_bytes;
                let output = &mut scratch[..now * *channels];
                caller.call(&[], output, now, time_ns);
                for (bytes, sample) in piece
                    .as_chunks_mut::<SAMPLE_BYTES>()
                    .0
                    .iter_mut()
                    .zip(output)
                {
                    *bytes = sample.to_ne_bytes();
                }
            }
            // The answer may be what comes too late.
            let answered_ns = now_ns();
            ran_dry(caller, losses.dry(asked, answered_ns, *held_frames));
            let asked_ns = answered_ns.saturating_sub(ns_of(asked, *sample_rate_hz));
            ran_dry(caller, losses.block(asked, answered_ns, asked_ns, 0));
        });
        bytes.len()
    }
}

/// Frames of silence that the server played are lost, and nobody else tells of it.
fn ran_dry(caller: &mut Caller, frames: u64) {
    if frames > 0 {
        caller.lose(frames);
        caller.status().xrun();
    }
}
