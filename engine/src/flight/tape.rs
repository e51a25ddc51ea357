//! The rings from the callback to the thread that keeps the last minute.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ossicle_io::ring::touched;

use super::{CallbackRecord, OutputHash};

/// How long the keeper may be away, in seconds.
const RING_SECONDS: usize = 4;
/// Callbacks may be so much shorter than the device says, and still find room.
const SHORTEST: usize = 8;
const FEWEST_RECORDS: usize = 4096;
const MOST_RECORDS: usize = 1 << 16;

/// The callback's end.
pub struct FlightWriter {
    records: rtrb::Producer<CallbackRecord>,
    input: rtrb::Producer<f32>,
    dropped: Arc<AtomicU64>,
    record: CallbackRecord,
    /// Frames that went into the chain so far.
    processed: u64,
    hash: OutputHash,
    /// There is room for this callback.
    keeps: bool,
}

/// The keeper's end.
pub struct FlightReader {
    pub(super) records: rtrb::Consumer<CallbackRecord>,
    pub(super) input: rtrb::Consumer<f32>,
    /// Callbacks that found no room.
    pub(super) dropped: Arc<AtomicU64>,
}

/// Both ends, for frames of `channels` samples and calls of about `buffer_frames`.
///
/// # Real-time
/// Not safe: allocates.
pub fn tape(
    channels: usize,
    sample_rate_hz: u32,
    buffer_frames: u32,
) -> (FlightWriter, FlightReader) {
    let frames = RING_SECONDS * sample_rate_hz as usize;
    let calls = frames * SHORTEST / (buffer_frames as usize).max(1);
    let empty = CallbackRecord::default;
    let (records, record_reader) = touched(calls.clamp(FEWEST_RECORDS, MOST_RECORDS), empty);
    let (input, input_reader) = touched(frames * channels, || 0.0);
    let dropped = Arc::new(AtomicU64::new(0));
    let writer = FlightWriter {
        records,
        input,
        dropped: dropped.clone(),
        record: empty(),
        processed: 0,
        hash: OutputHash::new(),
        keeps: false,
    };
    let reader = FlightReader {
        records: record_reader,
        input: input_reader,
        dropped,
    };
    (writer, reader)
}

impl FlightWriter {
    /// A callback begins, that may process up to `record.asked` frames of `channels` samples.
    ///
    /// # Real-time
    /// Safe, as is all of this type.
    pub fn begin(&mut self, record: CallbackRecord, channels: usize) {
        self.keeps =
            self.records.slots() > 0 && self.input.slots() >= record.asked as usize * channels;
        self.hash = OutputHash::new();
        self.record = CallbackRecord {
            processed: self.processed,
            ..record
        };
    }

    /// These frames go into the chain.
    pub fn input(&mut self, samples: &[f32]) {
        if self.keeps {
            // There is room: it was looked for before.
            let _ = self.input.push_entire_slice(samples);
        }
    }

    /// These frames leave it.
    pub fn output(&mut self, samples: &[f32], frames: usize) {
        self.hash.add(samples);
        self.record.frames += frames as u32;
        self.processed += frames as u64;
    }

    /// The callback ends, and took so long.
    pub fn end(&mut self, cost_ns: u64) {
        if !self.keeps {
            self.dropped.fetch_add(1, Relaxed);
            return;
        }
        self.record.cost_ns = cost_ns;
        self.record.hash = self.hash.value();
        let _ = self.records.push(self.record);
    }
}

impl FlightReader {
    /// Takes all there is and forgets it.
    #[doc(hidden)]
    pub fn forget(&mut self) {
        while self.records.pop().is_ok() {}
        while self.input.pop().is_ok() {}
    }
}

impl core::fmt::Debug for FlightWriter {
    fn fmt(&self, to: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        to.debug_struct("FlightWriter").finish_non_exhaustive()
    }
}

impl core::fmt::Debug for FlightReader {
    fn fmt(&self, to: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        to.debug_struct("FlightReader").finish_non_exhaustive()
    }
}
