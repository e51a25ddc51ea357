//! Which place in the stream the frames of a call have.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use std::sync::atomic::Ordering::Relaxed;

use ossicle_io::device::Call;
use ossicle_io::ring::Cause;

use super::{Caller, Core};
use crate::session::pace::Placed;
use crate::session::raw::STALL_NS;

impl Core {
    /// Why frames were lost before a call, if there are any.
    pub(super) fn cause_before(&self, call: &Call<'_>, caller: &Caller) -> Cause {
        if caller.stream != self.device || caller.stream != self.pace.stream() {
            self.shared.away_cause()
        } else if call.xrun || self.pace.since_call_ns(call.time_ns) < STALL_NS {
            Cause::Xrun
        } else {
            Cause::Stalled
        }
    }

    /// Frames that passed without a call, as the device tells, or by the time since another called;
    /// and how many of this call have their places taken, as a clock has called for them meanwhile.
    /// `None` where nobody can say yet where they belong.
    pub(super) fn frames_before(
        &mut self,
        call: &Call<'_>,
        caller: &Caller,
    ) -> Option<(u64, usize)> {
        let place = self.position.cast_signed();
        let (position, rate) = (call.position.cast_signed(), self.processor.sample_rate_hz());
        if !caller.is_clock && caller.stream == self.device {
            // All its frames have their places, whoever called meanwhile.
            let ahead = self.origin + position - place;
            let is_back = self.pace.stream() != caller.stream;
            let passed_ns = self.pace.since_call_ns(call.time_ns);
            let comes_at_once =
                u128::from(passed_ns) * u128::from(rate) < call.frames as u128 * 500_000_000;
            if is_back {
                self.is_back(caller);
            }
            let late = if is_back || comes_at_once {
                (-ahead).max(0) as usize
            } else {
                0
            };
            let (lost, late) = (ahead.max(0).cast_unsigned(), late.min(call.frames));
            let places = lost + (call.frames - late) as u64;
            self.pace.step(caller.stream, call.time_ns, places, rate);
            return Some((lost, late));
        }
        let lost = call.lost_frames;
        let placed = (self.pace).call(call, lost, caller.stream, caller.is_clock, rate);
        let (lost, late) = match placed {
            Placed::InStep => (lost, 0),
            Placed::Wait => return None,
            Placed::Back { lost, late } => {
                self.is_back(caller);
                (lost, late)
            }
        };
        if !caller.is_clock {
            self.device = caller.stream;
            self.origin = place + lost.cast_signed() - late as i64 - position;
        }
        Some((lost, late))
    }

    /// Another clock calls from now on.
    fn is_back(&mut self, caller: &Caller) {
        self.rise_left = self.fade_frames;
        self.lanes.is_back(caller.error);
        for out in self.outs.iter_mut().flatten() {
            out.writer.is_back(caller.error);
        }
    }

    /// A device that is back calls, but its frames have no places yet.
    pub(in crate::session) fn settles(&self) -> bool {
        self.pace.settles()
    }

    /// Nobody has called since the last call until `now_ns`, and nobody will.
    pub(in crate::session) fn lose_until(&mut self, now_ns: u64) {
        if self.pace.stream() != 0 && !self.shared.has_ended() {
            let rate = self.processor.sample_rate_hz();
            let frames = self.pace.frames_until(now_ns, rate);
            self.miss(frames, self.shared.away_cause(), false);
            self.pace.place_until(now_ns);
            self.shared.position.store(self.position, Relaxed);
        }
    }

    /// Nobody calls any more: what the device owes behind a stall comes too late.
    pub(in crate::session) fn lose_owed(&mut self) {
        let owed = self.pace.owed(self.processor.sample_rate_hz());
        self.miss(owed, Cause::Stalled, false);
        self.shared.position.store(self.position, Relaxed);
    }
}
