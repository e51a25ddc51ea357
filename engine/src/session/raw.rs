//! The recordings of a device's own sound: by its own clock, never resampled.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use ossicle_io::device::Call;
use ossicle_io::ring::Cause;

use super::pace::{Pace, Placed};
use super::shared::{Shared, count};
use crate::record::{ClockEntry, Rings};

/// Frames of a device between two entries of its clock, in parts of a second.
const NOTES_PER_S: u64 = 10;
/// Time without a call that is a stall, in nanoseconds.
pub(super) const STALL_NS: u64 = 250_000_000;

/// The record rings of one capture device. It outlives the device's streams.
pub(super) struct RawTakes {
    rings: Vec<Rings>,
    channels: usize,
    sample_rate_hz: u32,
    /// Rate of the session, which its end is counted in.
    session_hz: u32,
    /// Frames so far, lost ones included.
    position: u64,
    /// When the device called.
    pace: Pace,
    /// Where the clock was noted last, and how often frames were lost.
    noted: Option<u64>,
    run: u64,
    is_closed: bool,
}

impl RawTakes {
    pub(super) fn new(rings: Vec<Rings>, sample_rate_hz: u32, session_hz: u32) -> Self {
        Self {
            channels: rings.first().map_or(1, |rings| rings.frames.channels()),
            rings,
            sample_rate_hz,
            session_hz,
            position: 0,
            pace: Pace::default(),
            noted: None,
            run: 0,
            is_closed: false,
        }
    }

    /// Whether a device at this rate has sound for these recordings: it may come back at another.
    pub(super) fn fits(&self, sample_rate_hz: u32) -> bool {
        sample_rate_hz == self.sample_rate_hz
    }

    /// A call of the device, by its stream of this number; `missed` frames of its calls before were
    /// kept from here. Returns the frames lost.
    pub(super) fn run(
        &mut self,
        call: &Call<'_>,
        missed: u64,
        stream: u64,
        shared: &Shared,
    ) -> u64 {
        if self.is_closed {
            return 0;
        }
        let is_short = self.pace.since_call_ns(call.time_ns) < STALL_NS;
        let mut cause = if call.xrun || is_short {
            Cause::Xrun
        } else {
            Cause::Stalled
        };
        let told = call.lost_frames + missed;
        let placed = (self.pace).call(call, told, stream, false, self.sample_rate_hz);
        let (lost, late) = match placed {
            Placed::InStep => (told, 0),
            Placed::Wait => return 0,
            Placed::Back { lost, late } => {
                cause = Cause::DeviceGone;
                (lost, late)
            }
        };
        let mut lost = self.lose(lost, cause, shared);
        let left = self.left(shared).min((call.frames - late) as u64);
        let (first, frames) = (late, left as usize);
        let channels = call.input.len() / call.frames;
        if channels == self.channels {
            let input = &call.input[first * channels..][..frames * channels];
            let rings = self.rings.iter_mut();
            // A frame that several recordings lost is lost once.
            lost += rings
                .map(|ring| ring.frames.write(input))
                .max()
                .unwrap_or(0);
        } else {
            for ring in &mut self.rings {
                ring.frames.lose(frames as u64, Cause::DeviceGone);
            }
            lost += frames as u64;
        }
        self.position += frames as u64;
        if first + frames == call.frames {
            self.note_clock(call.time_ns, lost > 0, shared);
        }
        self.close_at_the_end(shared);
        lost
    }

    /// Notes where the device's clock and the session's are, behind a call.
    fn note_clock(&mut self, time_ns: u64, has_lost: bool, shared: &Shared) {
        self.run += u64::from(has_lost);
        let step = u64::from(self.sample_rate_hz) / NOTES_PER_S;
        let is_due = |noted| self.position - noted >= step;
        if !has_lost && !self.noted.is_none_or(is_due) {
            return;
        }
        let Some((session_frame, session_ns, run)) = shared.clock().get() else {
            return;
        };
        self.noted = Some(self.position);
        let entry = ClockEntry {
            frame: self.position,
            time_ns,
            session_frame,
            session_ns,
            run: self.run + run,
        };
        for rings in &mut self.rings {
            // A note that finds no room is one of many.
            let _ = rings.clock.as_mut().map(|clock| clock.push(entry));
        }
    }

    /// The device is away: what it would have captured until `now_ns` is lost.
    pub(super) fn lose_until(&mut self, now_ns: u64, shared: &Shared) -> u64 {
        if self.is_closed || self.pace.stream() == 0 {
            return 0;
        }
        let frames = self.pace.frames_until(now_ns, self.sample_rate_hz);
        self.pace.place_until(now_ns);
        self.lose(frames, Cause::DeviceGone, shared)
    }

    /// The session ends while the device has not handed over all that it owes: that is lost.
    pub(super) fn lose_owed(&mut self, shared: &Shared) -> u64 {
        if self.is_closed {
            return 0;
        }
        let cause = if self.pace.settles() {
            Cause::DeviceGone
        } else {
            Cause::Stalled
        };
        self.lose(self.pace.owed(self.sample_rate_hz), cause, shared)
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
            ring.frames.lose(frames, cause);
        }
        self.position += frames;
        self.run += u64::from(frames > 0);
        frames
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
