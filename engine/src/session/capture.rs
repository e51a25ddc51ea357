//! The capture callback of a device that is not the master.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use std::sync::Arc;

use ossicle_io::device::Call;
use ossicle_io::ring::{Cause, FrameWriter};

use super::shared::{Shared, count};

/// Puts what a device captured into the record rings and the bridge.
pub(super) struct Capture {
    /// Rings of recordings of the device's own sound.
    pub(super) takes: Vec<FrameWriter>,
    pub(super) bridge: Option<FrameWriter>,
    pub(super) shared: Arc<Shared>,
    /// The stream position, lost frames included.
    pub(super) position: u64,
}

impl Capture {
    /// Runs one call of the device.
    ///
    /// # Real-time
    /// Safe.
    pub(super) fn run(&mut self, call: &mut Call<'_>) {
        let channels = call.input.len() / call.frames;
        let left = self.shared.end_at().saturating_sub(self.position);
        let mut lost = call.lost_frames.min(left);
        for ring in self.takes.iter_mut().chain(&mut self.bridge) {
            ring.lose(lost, Cause::Xrun);
        }
        self.position += lost;
        let left = self.shared.end_at().saturating_sub(self.position);
        let frames = (call.frames as u64).min(left) as usize;
        let input = &call.input[..frames * channels];
        let takes = self.takes.iter_mut();
        // A frame that several recordings lost is lost once.
        lost += takes.map(|ring| ring.write(input)).max().unwrap_or(0);
        count(&self.shared.overrun_frames, lost);
        // Nobody reads the bridge once the core has ended.
        if let Some(bridge) = self.bridge.as_mut().filter(|_| !self.shared.has_ended()) {
            count(&self.shared.skipped_frames, bridge.write(input));
        }
        self.position += frames as u64;
        if self.position >= self.shared.end_at() {
            self.shared.set_capture_open(false);
        }
    }
}
