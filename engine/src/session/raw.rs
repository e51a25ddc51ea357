//! The recordings of a device's own sound: by its own clock, never resampled.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use ossicle_io::device::Call;
use ossicle_io::ring::{Cause, FrameWriter};

use super::shared::{Shared, count};

/// The record rings of one capture device. It outlives the device's streams.
pub(super) struct RawTakes {
    rings: Vec<FrameWriter>,
    channels: usize,
    sample_rate_hz: u32,
    /// Rate of the session, which its end is counted in.
    session_hz: u32,
    /// Frames so far, lost ones included.
    position: u64,
    /// The stream that called last, and when.
    stream: u64,
    last_ns: u64,
    is_closed: bool,
}

impl RawTakes {
    pub(super) fn new(rings: Vec<FrameWriter>, sample_rate_hz: u32, session_hz: u32) -> Self {
        Self {
            channels: rings.first().map_or(1, FrameWriter::channels),
            rings,
            sample_rate_hz,
            session_hz,
            position: 0,
            stream: 0,
            last_ns: 0,
            is_closed: false,
        }
    }

    /// Sample rate of the recordings in hertz.
    pub(super) fn sample_rate_hz(&self) -> u32 {
        self.sample_rate_hz
    }

    /// A call of the device, by its stream of this number. Returns the frames lost.
    pub(super) fn run(&mut self, call: &Call<'_>, stream: u64, shared: &Shared) -> u64 {
        if self.is_closed {
            return 0;
        }
        let mut lost = call.lost_frames;
        if stream != self.stream {
            let was_there = core::mem::replace(&mut self.stream, stream) != 0;
            if was_there {
                let passed = self.frames_since(call.time_ns);
                lost += passed.saturating_sub(call.frames as u64 + lost);
            }
        }
        self.last_ns = call.time_ns;
        let cause = if lost == call.lost_frames {
            Cause::Xrun
        } else {
            Cause::DeviceGone
        };
        lost = self.lose(lost, cause, shared);
        let frames = (call.frames as u64).min(self.left(shared)) as usize;
        let channels = call.input.len() / call.frames;
        if channels == self.channels {
            let input = &call.input[..frames * channels];
            let rings = self.rings.iter_mut();
            // A frame that several recordings lost is lost once.
            lost += rings.map(|ring| ring.write(input)).max().unwrap_or(0);
        } else {
            for ring in &mut self.rings {
                ring.lose(frames as u64, Cause::DeviceGone);
            }
            lost += frames as u64;
        }
        self.position += frames as u64;
        self.close_at_the_end(shared);
        lost
    }

    /// The device is away: what it would have captured until `now_ns` is lost.
    pub(super) fn lose_until(&mut self, now_ns: u64, shared: &Shared) -> u64 {
        if self.is_closed || self.stream == 0 {
            return 0;
        }
        let frames = self.frames_since(now_ns);
        self.last_ns = now_ns;
        self.lose(frames, Cause::DeviceGone, shared)
    }

    /// The session has ended without the device: what is missing to the end is lost.
    pub(super) fn lose_to_the_end(&mut self, shared: &Shared) -> u64 {
        if self.is_closed {
            return 0;
        }
        let left = if self.end(shared) == u64::MAX {
            0
        } else {
            self.left(shared)
        };
        let lost = self.lose(left, Cause::DeviceGone, shared);
        self.close_at_the_end(shared);
        lost
    }

    fn lose(&mut self, frames: u64, cause: Cause, shared: &Shared) -> u64 {
        let frames = frames.min(self.left(shared));
        for ring in &mut self.rings {
            ring.lose(frames, cause);
        }
        self.position += frames;
        frames
    }

    fn frames_since(&self, now_ns: u64) -> u64 {
        let passed_ns = u128::from(now_ns.saturating_sub(self.last_ns));
        (passed_ns * u128::from(self.sample_rate_hz) / 1_000_000_000) as u64
    }

    /// Where the recordings end, in frames of the device.
    fn end(&self, shared: &Shared) -> u64 {
        match shared.end_at() {
            u64::MAX => u64::MAX,
            end if self.sample_rate_hz == self.session_hz => end,
            end => {
                let scaled = u128::from(end) * u128::from(self.sample_rate_hz);
                (scaled / u128::from(self.session_hz)) as u64
            }
        }
    }

    fn left(&self, shared: &Shared) -> u64 {
        self.end(shared).saturating_sub(self.position)
    }

    fn close_at_the_end(&mut self, shared: &Shared) {
        if self.left(shared) == 0 {
            self.is_closed = true;
            shared.close_capture();
        }
    }
}

/// What a call of the device lost, counted.
pub(super) fn note_lost(shared: &Shared, frames: u64) {
    count(&shared.overrun_frames, frames);
}
