//! The core: what the master callback runs. It waits in the slot between calls.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use ossicle_dsp::node::Tail;
use ossicle_io::device::Call;
use ossicle_io::ring::{Cause, FrameWriter};

use super::feed::Feed;
use super::metering::MeterRing;
use super::own::OwnCallback;
use super::shared::{Shared, count};
use crate::flight::{CallbackRecord, FlightWriter};
use crate::processor::Processor;
use crate::record::Tap;

/// Frames the core takes at once: longer calls are cut.
pub(crate) const CHUNK_FRAMES: usize = 4096;
/// Longest ring-out behind the end of a file, in seconds.
const RING_OUT_S: u64 = 30;
/// Length of the fade when a session is stopped, in milliseconds.
const STOP_FADE_MS: u64 = 10;

/// A recording's ring and where its sound is taken.
pub(super) struct TapRing {
    pub(super) tap: Tap,
    pub(super) ring: FrameWriter,
    pub(super) capacity_frames: usize,
}

/// Processor, source and taps: all the state of a session that sounds.
pub(super) struct Core {
    processor: Processor,
    feed: Feed,
    own: Option<OwnCallback>,
    taps: Vec<TapRing>,
    meter: Option<MeterRing>,
    shared: Arc<Shared>,
    flight: FlightWriter,
    input: Vec<f32>,
    output: Vec<f32>,
    /// Stream position: frames processed and frames lost.
    position: u64,
    /// Frames of the fade to the end that are left, once it has begun.
    fade_left: Option<u64>,
    fade_frames: u64,
}

impl Core {
    pub(super) fn new(
        processor: Processor,
        feed: Feed,
        own: Option<OwnCallback>,
        taps: Vec<TapRing>,
        meter: Option<MeterRing>,
        shared: Arc<Shared>,
        flight: FlightWriter,
    ) -> Self {
        let input = vec![0.0; CHUNK_FRAMES * processor.channels_in()];
        let output = vec![0.0; CHUNK_FRAMES * processor.channels_out()];
        let fade_frames = (u64::from(processor.sample_rate_hz()) * STOP_FADE_MS / 1000).max(1);
        Self {
            processor,
            feed,
            own,
            taps,
            meter,
            shared,
            flight,
            input,
            output,
            position: 0,
            fade_left: None,
            fade_frames,
        }
    }

    /// Runs one call of the device.
    ///
    /// # Real-time
    /// Safe.
    pub(super) fn run(&mut self, call: &mut Call<'_>) {
        let began = Instant::now();
        self.lose(call.lost_frames, call.input.is_empty());
        self.begin_record(call);
        let mut done = 0;
        while done < call.frames && !self.shared.has_ended() {
            let left = self.shared.end_at().saturating_sub(self.position);
            if left == 0 {
                self.shared.set_ended();
                break;
            }
            let frames = (call.frames - done)
                .min(CHUNK_FRAMES)
                .min(left.min(1 << 30) as usize);
            self.run_chunk(call, done, frames);
            done += frames;
        }
        if self.shared.end_at() <= self.position {
            self.shared.set_ended();
        }
        self.shared.position.store(self.position, Relaxed);
        let counters = self.processor.counters();
        let busy_ns = began.elapsed().as_nanos() as u64;
        count(&counters.busy_ns, busy_ns);
        let rate = u64::from(self.processor.sample_rate_hz());
        let sound_ns = call.frames as u64 * 1_000_000_000 / rate;
        count(&counters.sound_ns, sound_ns);
        if busy_ns > sound_ns || call.xrun {
            self.processor.watch_closely();
        }
        self.flight.end(busy_ns);
    }

    fn begin_record(&mut self, call: &Call<'_>) {
        let waits = |tap: &TapRing| (tap.capacity_frames - tap.ring.room_frames()) as u32;
        let record = CallbackRecord {
            position: self.position,
            asked: call.frames as u32,
            time_ns: call.time_ns,
            lost_frames: call.lost_frames,
            xrun: call.xrun,
            source_frames: self.feed.waiting_frames(),
            record_frames: self.taps.first().map(waits),
            answered: self.processor.answered(),
            ..CallbackRecord::default()
        };
        self.flight.begin(record, self.processor.channels_in());
    }

    /// Frames the device lost have a position too. A device that only plays ran dry.
    fn lose(&mut self, frames: u64, only_plays: bool) {
        let frames = frames.min(self.shared.end_at().saturating_sub(self.position));
        if frames == 0 || self.shared.has_ended() {
            return;
        }
        for tap in &mut self.taps {
            tap.ring.lose(frames, Cause::Xrun);
        }
        self.position += frames;
        self.processor.skip(frames);
        let Shared {
            overrun_frames,
            underrun_frames,
            ..
        } = &*self.shared;
        count(
            if only_plays {
                underrun_frames
            } else {
                overrun_frames
            },
            frames,
        );
    }

    fn run_chunk(&mut self, call: &mut Call<'_>, first: usize, frames: usize) {
        let channels_in = self.processor.channels_in();
        let channels_out = self.processor.channels_out();
        let input = &mut self.input[..frames * channels_in];
        let output = &mut self.output[..frames * channels_out];
        let device = match call.input.len() / call.frames {
            0 => &[][..],
            channels => &call.input[first * channels..(first + frames) * channels],
        };
        let mut given = self
            .feed
            .fill(input, frames, device, call.frames, &self.shared);
        write_taps(&mut self.taps, Tap::Input, input, &self.shared);
        show(&mut self.meter, Tap::Input, input);
        if let Some(own) = &mut self.own {
            given = own.run(
                input,
                frames,
                self.position,
                call.xrun && first == 0,
                &self.shared,
            );
        }
        count(&self.shared.source_frames, given.frames as u64);
        if given.ended {
            let end = self.position + given.frames as u64;
            self.shared
                .end_by(end.saturating_add(ring_out_frames(&mut self.processor)));
        }
        // The source may have ended within this chunk, without a tail behind it.
        let left = self.shared.end_at().saturating_sub(self.position);
        let frames = frames.min(left.min(1 << 30) as usize);
        let (input, output) = (
            &input[..frames * channels_in],
            &mut output[..frames * channels_out],
        );
        write_taps(&mut self.taps, Tap::Pre, input, &self.shared);
        show(&mut self.meter, Tap::Pre, input);
        self.flight.input(input);
        self.processor.process(input, output);
        self.flight.output(output, frames);
        write_taps(&mut self.taps, Tap::Post, output, &self.shared);
        show(&mut self.meter, Tap::Post, output);
        self.position += frames as u64;
        self.fade_to_the_end(frames);
        if !call.output.is_empty() {
            let played = &self.output[..frames * channels_out];
            call.output[first * channels_out..][..played.len()].copy_from_slice(played);
        }
    }

    /// Fades what is played once the session is to stop, and ends it.
    fn fade_to_the_end(&mut self, frames: usize) {
        if self.fade_left.is_none() && self.shared.is_stopping() {
            self.fade_left = Some(self.fade_frames);
        }
        let Some(left) = &mut self.fade_left else {
            return;
        };
        let channels = self.processor.channels_out();
        for frame in self.output[..frames * channels].chunks_exact_mut(channels) {
            let gain = *left as f32 / self.fade_frames as f32;
            frame.iter_mut().for_each(|sample| *sample *= gain);
            *left = left.saturating_sub(1);
        }
        if *left == 0 {
            self.shared.set_ended();
        }
    }
}

fn write_taps(taps: &mut [TapRing], point: Tap, frames: &[f32], shared: &Shared) {
    for tap in taps.iter_mut().filter(|tap| tap.tap == point) {
        let lost = tap.ring.write(frames);
        count(&shared.overrun_frames, lost);
    }
}

fn show(meter: &mut Option<MeterRing>, point: Tap, frames: &[f32]) {
    if let Some(meter) = meter.as_mut().filter(|meter| meter.tap == point) {
        // What finds no room is not measured, and nothing of the sound is lost.
        meter.ring.write(frames);
    }
}

/// Frames the chain sounds behind its input's end; zero for an empty chain.
fn ring_out_frames(processor: &mut Processor) -> u64 {
    let longest = RING_OUT_S * u64::from(processor.sample_rate_hz());
    match processor.tail() {
        Tail::Frames(frames) => frames.min(longest),
        Tail::Endless => longest,
    }
}
