//! What a stream runs that does not call the core: bridges to and from it.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Acquire;

use ossicle_io::device::Call;
use ossicle_io::ring::Cause;

use super::raw::{RawTakes, STALL_NS, note_lost};
use super::shared::{Shared, count};
use super::slot::{Lent, Slot};
use crate::bridge::{BridgeReader, BridgeWriter};

/// A device on a clock of its own.
pub(super) struct Device {
    /// The number of its stream; it counts only while the gate has it.
    pub(super) stream: u64,
    pub(super) gate: Arc<AtomicU64>,
    pub(super) capture: Option<BridgeWriter>,
    /// Recordings of its own sound, where its rate is theirs.
    pub(super) takes: Option<Arc<Slot<RawTakes>>>,
    /// Frames of calls for which the recordings were in other hands.
    pub(super) missed: u64,
    /// When it called last; 0 for never.
    pub(super) called_ns: u64,
    pub(super) play: Option<BridgeReader>,
    pub(super) shared: Arc<Shared>,
}

impl Device {
    /// Runs one call of the device.
    ///
    /// # Real-time
    /// Safe.
    pub(super) fn run(&mut self, call: &mut Call<'_>) {
        if self.gate.load(Acquire) != self.stream {
            return;
        }
        self.captured(call);
        if let Some(reader) = &mut self.play {
            let end = call.position + call.frames as u64;
            reader.begin(end, call.time_ns, call.frames);
            let missing = reader.read(call.output, &mut []) as u64;
            // Nothing is to come once the core has ended.
            if !self.shared.has_ended() {
                count(&self.shared.underrun_frames, missing);
            }
        }
    }

    fn captured(&mut self, call: &Call<'_>) {
        let takes = self.takes.as_ref().and_then(|slot| Lent::from(slot));
        match takes {
            Some(mut takes) => {
                let missed = core::mem::take(&mut self.missed);
                if let Some(takes) = takes.value() {
                    let lost = takes.run(call, missed, self.stream, &self.shared);
                    note_lost(&self.shared, lost);
                }
            }
            // They are looked at just now: these frames are lost, and keep their places.
            None if self.takes.is_some() => self.missed += call.lost_frames + call.frames as u64,
            None if self.shared.has_ended() => {}
            None if self.capture.is_some() => note_lost(&self.shared, call.lost_frames),
            None => {}
        }
        // Nobody reads the bridge once the core has ended.
        if let Some(bridge) = self.capture.as_mut().filter(|_| !self.shared.has_ended()) {
            let passed_ns = call.time_ns.saturating_sub(self.called_ns);
            let stalled = !call.xrun && passed_ns >= STALL_NS && self.called_ns != 0;
            let cause = if stalled { Cause::Stalled } else { Cause::Xrun };
            bridge.lose(call.lost_frames, cause);
            count(&self.shared.skipped_frames, bridge.write(call.input));
            bridge.mark(call.frames, call.time_ns, 0);
        }
        self.called_ns = call.time_ns;
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests are ordinary threads")]
mod tests {
    use super::*;
    use crate::record::Rings;
    use ossicle_io::ring::{Piece, frame_ring};

    #[test]
    fn a_call_while_the_recordings_are_in_other_hands_is_a_gap_of_its_length() {
        let (frames, mut reader) = frame_ring(1, 100);
        let rings = Rings {
            frames,
            clock: None,
        };
        let takes = Arc::new(Slot::new(Box::new(RawTakes::new(vec![rings], 1000, 1000))));
        let mut device = Device {
            stream: 1,
            gate: Arc::new(AtomicU64::new(1)),
            capture: None,
            takes: Some(takes.clone()),
            missed: 0,
            called_ns: 0,
            play: None,
            shared: Arc::new(Shared::new(None)),
        };
        for number in 0..4u64 {
            let is_out = number == 1 || number == 2;
            let lent = is_out.then(|| Lent::from(&takes));
            device.run(&mut Call {
                input: &[number as f32; 5],
                output: &mut [],
                frames: 5,
                position: 5 * number,
                lost_frames: 0,
                xrun: false,
                time_ns: 5_000_000 * (number + 1),
                stamp_ns: 5_000_000 * (number + 1),
            });
            drop(lent);
        }
        let mut sound = [0.0; 100];
        let pieces = core::iter::from_fn(|| reader.next_piece(&mut sound)).collect::<Vec<_>>();
        let lost = Piece::Lost {
            position: 5,
            frames: 10,
            cause: Cause::Xrun,
        };
        let sounds = Piece::Audio { frames: 5 };
        assert_eq!(pieces, [sounds, lost, sounds]);
        assert_eq!(sound[0], 3.0);
    }
}
