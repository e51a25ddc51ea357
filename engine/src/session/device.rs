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

use super::raw::{RawTakes, note_lost};
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
            let missing = reader.read(call.output) as u64;
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
                if let Some(takes) = takes.value() {
                    note_lost(&self.shared, takes.run(call, self.stream, &self.shared));
                }
            }
            None if self.shared.has_ended() => {}
            None if self.capture.is_some() => note_lost(&self.shared, call.lost_frames),
            None => {}
        }
        // Nobody reads the bridge once the core has ended.
        if let Some(bridge) = self.capture.as_mut().filter(|_| !self.shared.has_ended()) {
            bridge.lose(call.lost_frames, Cause::Xrun);
            count(&self.shared.skipped_frames, bridge.write(call.input));
            bridge.mark(call.frames, call.time_ns, 0);
        }
    }
}
