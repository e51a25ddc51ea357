//! What a bridge tells of itself, written and read without waiting.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed};

use ossicle_dsp::clock::{DriftLoop, Learned};
use ossicle_io::ring::Cause;

/// A number that one thread writes and others read.
#[derive(Debug, Default)]
struct Number(AtomicU64);

impl Number {
    fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Relaxed);
    }

    fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Relaxed))
    }
}

/// The state of a bridge, by its reader.
#[derive(Debug, Default)]
pub(crate) struct BridgeStats {
    reads: AtomicBool,
    ratio: Number,
    unsure: Number,
    spread_ns: Number,
    margin_frames: Number,
    delay_frames: Number,
    error_frames: Number,
    /// Whether there are two clocks, and what was found out of both: their errors, and what lateness
    /// needs.
    two_clocks: AtomicBool,
    from_error: Number,
    to_error: Number,
    needed_frames: Number,
    jumps: AtomicU64,
    missing_frames: AtomicU64,
    /// Its writer is there (0), stalls (1), or is gone (2).
    away: AtomicU8,
}

impl BridgeStats {
    pub(super) fn tell(&self, drift: &DriftLoop) {
        if let Some(learned) = drift.learned() {
            self.from_error.set(learned.from_error);
            self.to_error.set(learned.to_error);
            self.needed_frames.set(learned.margin_frames);
            self.two_clocks.store(true, Relaxed);
        }
        self.reads.store(drift.is_reading(), Relaxed);
        self.ratio.set(drift.step());
        let (from, to) = drift.unsure();
        self.unsure.set(from + to);
        self.spread_ns.set(drift.spread_ns());
        self.margin_frames.set(drift.margin_frames());
        self.delay_frames.set(drift.delay_frames());
        self.error_frames.set(drift.error_frames());
    }

    /// So many frames are kept, and with what others wait for, the delay is so many.
    pub(super) fn tell_delay(&self, frames: u64, delay_frames: u64) {
        self.reads.store(true, Relaxed);
        self.ratio.set(1.0);
        self.margin_frames.set(frames as f64);
        self.needed_frames.set(frames as f64);
        self.delay_frames.set(delay_frames as f64);
    }

    pub(super) fn jumped(&self) {
        self.jumps.fetch_add(1, Relaxed);
    }

    pub(super) fn missed(&self, frames: usize) {
        self.missing_frames.fetch_add(frames as u64, Relaxed);
    }

    /// The writer's device stalls, is gone, or is there.
    pub(crate) fn set_away(&self, cause: Option<Cause>) {
        let code = match cause {
            None => 0,
            Some(Cause::Stalled) => 1,
            Some(_) => 2,
        };
        self.away.store(code, Relaxed);
    }

    /// Why nothing comes from the writer's device, where that is known.
    pub(crate) fn away(&self) -> Option<Cause> {
        match self.away.load(Relaxed) {
            0 => None,
            1 => Some(Cause::Stalled),
            _ => Some(Cause::DeviceGone),
        }
    }

    /// Whether anything was read lately.
    pub(crate) fn reads(&self) -> bool {
        self.reads.load(Relaxed)
    }

    /// Frames of the writer's per frame of the reader's.
    pub(crate) fn ratio(&self) -> f64 {
        self.ratio.get()
    }

    /// By how much both clocks together may be off what is known of them, in parts.
    pub(crate) fn unsure(&self) -> f64 {
        self.unsure.get()
    }

    /// How late calls come in the mean, in nanoseconds.
    pub(crate) fn spread_ns(&self) -> f64 {
        self.spread_ns.get()
    }

    /// The writer's frames kept for lateness.
    pub(crate) fn margin_frames(&self) -> f64 {
        self.margin_frames.get()
    }

    /// The writer's frames by which the reader is behind.
    pub(crate) fn delay_frames(&self) -> f64 {
        self.delay_frames.get()
    }

    /// The writer's frames by which the reader is off where it should be.
    pub(crate) fn error_frames(&self) -> f64 {
        self.error_frames.get()
    }

    /// Moves of the position so far, the first not among them.
    pub(crate) fn jumps(&self) -> u64 {
        self.jumps.load(Relaxed)
    }

    /// Frames of the reader's that were silence for want of the writer's.
    pub(crate) fn missing_frames(&self) -> u64 {
        self.missing_frames.load(Relaxed)
    }

    /// Whether its ends have a clock each, and something was found out of both.
    pub(crate) fn knows_two_clocks(&self) -> bool {
        self.two_clocks.load(Relaxed)
    }

    /// What is worth keeping of both clocks; `None` while nothing was read.
    pub(crate) fn learned(&self) -> Option<Learned> {
        self.reads().then(|| Learned {
            from_error: self.from_error.get(),
            to_error: self.to_error.get(),
            margin_frames: self.needed_frames.get(),
        })
    }
}
