//! The core: what the master callback runs. It waits in the slot between calls.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

mod places;

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use ossicle_dsp::node::Tail;
use ossicle_io::device::Call;
use ossicle_io::ring::Cause;

use super::feed::Feed;
use super::lanes::{Lanes, Map, OutLine, spread};
use super::metering::MeterRing;
use super::own::OwnCallback;
use super::pace::Pace;
use super::post::{Parcel, Receiver};
use super::shared::{Shared, count};
use super::tap_ring::TapRing;
use super::taps::Taps;
use crate::flight::{CallbackRecord, FlightWriter};
use crate::processor::Processor;
use crate::record::Tap;

/// Frames the core takes at once: longer calls are cut.
pub(crate) const CHUNK_FRAMES: usize = 4096;
/// Longest ring-out behind the end of a file, in seconds.
const RING_OUT_S: u64 = 30;
/// Length of the fade when a session is stopped, and when a device comes back to it, in
/// milliseconds.
const STOP_FADE_MS: u64 = 10;

/// Who calls the core.
pub(super) struct Caller {
    /// The number of its stream, from 1.
    pub(super) stream: u64,
    /// It stands for a device that is away.
    pub(super) is_clock: bool,
    /// Error of its clock in parts, where that is known.
    pub(super) error: Option<f64>,
    /// For each channel that it plays, that of the core's output.
    pub(super) plays: Map,
}

/// All of a core beside its processor.
pub(super) struct CoreParts {
    pub(super) feed: Feed,
    pub(super) lanes: Lanes,
    /// Places for playback devices that do not call the core.
    pub(super) outs: usize,
    pub(super) own: Option<OwnCallback>,
    pub(super) taps: Vec<TapRing>,
    pub(super) meter: Option<MeterRing>,
    pub(super) shared: Arc<Shared>,
    pub(super) flight: FlightWriter,
    pub(super) post: Receiver,
    /// Time is virtual: what a call takes of ours says nothing.
    pub(super) is_virtual: bool,
}

/// Processor, source and taps: all the state of a session that sounds.
pub(super) struct Core {
    processor: Processor,
    feed: Feed,
    lanes: Lanes,
    outs: Box<[Option<Box<OutLine>>]>,
    post: Receiver,
    is_virtual: bool,
    /// When it was called, and by whom.
    pace: Pace,
    /// The device's stream that called last, and the session's position at its frame 0.
    device: u64,
    origin: i64,
    /// How often frames were lost.
    losses: u64,
    /// Frames of the fade in that are left to a device that came back.
    rise_left: u64,
    /// Frames called for and lost, whether the session had ended or not: what the bridges count in.
    clock_frames: u64,
    own: Option<OwnCallback>,
    taps: Taps,
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
    pub(super) fn new(processor: Processor, parts: CoreParts) -> Self {
        let input = vec![0.0; CHUNK_FRAMES * processor.channels_in()];
        let output = vec![0.0; CHUNK_FRAMES * processor.channels_out()];
        let fade_frames = (u64::from(processor.sample_rate_hz()) * STOP_FADE_MS / 1000).max(1);
        Self {
            processor,
            feed: parts.feed,
            lanes: parts.lanes,
            outs: (0..parts.outs).map(|_| None).collect(),
            post: parts.post,
            is_virtual: parts.is_virtual,
            pace: Pace::default(),
            device: 0,
            origin: 0,
            losses: 0,
            rise_left: 0,
            clock_frames: 0,
            own: parts.own,
            taps: Taps::new(parts.taps),
            meter: parts.meter,
            shared: parts.shared,
            flight: parts.flight,
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
    pub(super) fn run(&mut self, call: &mut Call<'_>, caller: &Caller) {
        let began = Instant::now();
        self.take_parcels();
        let cause = self.cause_before(call, caller);
        let Some((lost, late)) = self.frames_before(call, caller) else {
            return;
        };
        self.losses += u64::from(lost > 0);
        self.clock_frames += lost + (call.frames - late) as u64;
        self.lose(lost, cause, call.input.is_empty());
        for out in self.outs.iter_mut().flatten() {
            out.lose(lost);
        }
        self.lanes.lose(lost, cause);
        self.lanes.begin(self.clock_frames, call, &self.shared);
        self.shared.note_caller(caller.stream, call.time_ns);
        self.begin_record(call, lost);
        let mut done = late;
        while done < call.frames && !self.shared.has_ended() {
            let left = self.shared.end_at().saturating_sub(self.position);
            if left == 0 {
                self.shared.set_ended();
                break;
            }
            let frames = (call.frames - done)
                .min(CHUNK_FRAMES)
                .min(left.min(1 << 30) as usize);
            self.run_chunk(call, caller, done, frames);
            done += frames;
        }
        if self.shared.end_at() <= self.position {
            self.shared.set_ended();
        }
        if self.shared.has_ended() {
            self.taps.settle();
        }
        self.shared.position.store(self.position, Relaxed);
        if done == call.frames {
            let clock = self.shared.clock();
            clock.set(self.position, call.time_ns, self.losses);
        }
        self.mark_outs(call, began);
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

    /// Puts the ends of bridges in their places, and gives back those that were there.
    fn take_parcels(&mut self) {
        while let Some(parcel) = self.post.next() {
            let replaced = match parcel {
                Parcel::Lane(lane, from) => Parcel::Lane(lane, self.lanes.replace(lane, from)),
                Parcel::Out(place, line) => match self.outs.get_mut(place) {
                    Some(out) => Parcel::Out(place, core::mem::replace(out, line)),
                    None => Parcel::Out(place, line),
                },
            };
            self.post.give_back(replaced);
        }
    }

    /// Tells the readers of what is played elsewhere that this call is written.
    fn mark_outs(&mut self, call: &Call<'_>, began: Instant) {
        if self.outs.is_empty() {
            return;
        }
        let spent_ns = if self.is_virtual {
            0
        } else {
            began.elapsed().as_nanos() as u64
        };
        for out in self.outs.iter_mut().flatten() {
            out.writer.mark(call.frames, call.time_ns, spent_ns);
        }
    }

    fn begin_record(&mut self, call: &Call<'_>, lost_frames: u64) {
        let record = CallbackRecord {
            position: self.position,
            asked: call.frames as u32,
            time_ns: call.time_ns,
            lost_frames,
            xrun: call.xrun,
            source_frames: self.feed.waiting_frames(&self.lanes),
            record_frames: self.taps.waiting_frames(),
            answered: self.processor.answered(),
            ..CallbackRecord::default()
        };
        self.flight.begin(record, self.processor.channels_in());
    }

    /// Frames the device lost have a position too. A device that only plays ran dry.
    fn lose(&mut self, frames: u64, cause: Cause, only_plays: bool) {
        if !self.shared.has_ended() {
            self.miss(frames, cause, only_plays);
        }
    }

    /// Frames are lost, up to the end of the session.
    fn miss(&mut self, frames: u64, cause: Cause, only_plays: bool) {
        let frames = frames.min(self.shared.end_at().saturating_sub(self.position));
        if frames == 0 {
            return;
        }
        self.taps.lose(frames, cause);
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

    fn run_chunk(&mut self, call: &mut Call<'_>, caller: &Caller, first: usize, frames: usize) {
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
            .fill(input, frames, device, &mut self.lanes, &self.shared);
        let captured = self.lanes.first(input, frames);
        self.taps.input(captured, frames, &self.shared);
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
        let latency_frames = self.processor.counters().plan_latency_frames.load(Relaxed);
        let lacks = (!given.is_whole).then(|| (self.lanes.lacks(frames), self.lanes.away_cause()));
        self.taps.pre(input, lacks, latency_frames, &self.shared);
        show(&mut self.meter, Tap::Pre, input);
        self.flight.input(input);
        self.processor.process(input, output);
        self.flight.output(output, frames);
        self.taps.post(output, frames, &self.shared);
        show(&mut self.meter, Tap::Post, output);
        self.position += frames as u64;
        self.fade_to_the_end(frames);
        let played = &self.output[..frames * channels_out];
        let plays = caller.plays.len();
        if !call.output.is_empty() {
            let output = &mut call.output[first * plays..][..frames * plays];
            spread(played, channels_out, output, &caller.plays);
            for frame in output.chunks_exact_mut(plays.max(1)) {
                if self.rise_left == 0 {
                    break;
                }
                let gain = 1.0 - self.rise_left as f32 / self.fade_frames as f32;
                frame.iter_mut().for_each(|sample| *sample *= gain);
                self.rise_left -= 1;
            }
        }
        for out in self.outs.iter_mut().flatten() {
            out.write(played, channels_out, &self.shared);
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
