//! What the real-time threads tell: counters and levels, written and read without waiting.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use crate::plan::SEATS;

/// Written by one real-time thread, read by any other.
#[derive(Debug)]
pub(crate) struct Counters {
    /// Frames processed since the start.
    pub(crate) position: AtomicU64,
    /// Samples that were not finite and were replaced by silence.
    pub(crate) not_finite_samples: AtomicU64,
    /// Nanoseconds spent in callbacks.
    pub(crate) busy_ns: AtomicU64,
    /// Nanoseconds of sound processed in them.
    pub(crate) sound_ns: AtomicU64,
    /// Latency of the plan that runs, in frames.
    pub(crate) plan_latency_frames: AtomicU64,
    /// Faults of nodes that found no room on the way back.
    pub(crate) untold_faults: AtomicU64,
    /// What the node in each seat takes in picoseconds for a frame, 0 if it was not measured.
    seat_costs: Box<[AtomicU64]>,
    /// Largest magnitude of each output channel since the start.
    peaks: Box<[AtomicU32]>,
    /// Largest magnitude of each output channel since it was last taken.
    recent_peaks: Box<[AtomicU32]>,
}

impl Counters {
    pub(crate) fn new(channels: usize) -> Self {
        let zeros = || (0..channels).map(|_| AtomicU32::new(0)).collect();
        Self {
            position: AtomicU64::new(0),
            not_finite_samples: AtomicU64::new(0),
            busy_ns: AtomicU64::new(0),
            sound_ns: AtomicU64::new(0),
            plan_latency_frames: AtomicU64::new(0),
            untold_faults: AtomicU64::new(0),
            seat_costs: (0..SEATS).map(|_| AtomicU64::new(0)).collect(),
            peaks: zeros(),
            recent_peaks: zeros(),
        }
    }

    pub(crate) fn seat_costs(&self) -> &[AtomicU64] {
        &self.seat_costs
    }

    /// Notes the largest magnitude of a channel in a block. `peak` is finite and not negative, so
    /// that its bits are ordered as its value.
    pub(crate) fn note_peak(&self, channel: usize, peak: f32) {
        if let (Some(peaks), Some(recent)) =
            (self.peaks.get(channel), self.recent_peaks.get(channel))
        {
            // A write for others to see costs more than a look whether it is needed.
            for most in [peaks, recent] {
                if peak.to_bits() > most.load(Relaxed) {
                    most.fetch_max(peak.to_bits(), Relaxed);
                }
            }
        }
    }

    /// Largest magnitude since the start, of all channels.
    pub(crate) fn peak(&self) -> f32 {
        self.peaks
            .iter()
            .map(|peak| f32::from_bits(peak.load(Relaxed)))
            .fold(0.0, f32::max)
    }

    /// Largest magnitude of each channel since the last call.
    pub(crate) fn take_recent_peaks(&self) -> Vec<f32> {
        self.recent_peaks
            .iter()
            .map(|peak| f32::from_bits(peak.swap(0, Relaxed)))
            .collect()
    }

    /// Share of the time that the callbacks took, in per cent of the time of the sound.
    pub(crate) fn load_percent(&self) -> Option<f64> {
        let sound = self.sound_ns.load(Relaxed);
        (sound > 0).then(|| 100.0 * self.busy_ns.load(Relaxed) as f64 / sound as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recent_peaks_are_taken_once_and_the_peak_stays() {
        let counters = Counters::new(2);
        counters.note_peak(0, 0.25);
        counters.note_peak(1, 0.5);
        counters.note_peak(1, 0.125);
        assert_eq!(counters.take_recent_peaks(), [0.25, 0.5]);
        assert_eq!(counters.take_recent_peaks(), [0.0, 0.0]);
        assert_eq!(counters.peak(), 0.5);
    }
}
