//! The bridge between two clocks: ring, variable-ratio resampler, frames.
//!
//! One device's callback writes, another's reads; neither waits. The writer tells when it was
//! called, a drift loop finds from that where to read, and the kernel reads between the frames. What
//! is missing is covered: the sound before it fades into silence, and what comes behind it fades in.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

mod cover;
mod holes;
mod lack;
mod law;
mod reader;
mod stats;
mod writer;

use std::sync::Arc;

use ossicle_dsp::clock::Learned;
use ossicle_dsp::resample::Kernel;
use ossicle_io::ring::{frame_ring, touched};

pub(crate) use lack::Lack;
pub(crate) use reader::BridgeReader;
pub(crate) use stats::BridgeStats;
pub(crate) use writer::BridgeWriter;

/// Length of the ring, in milliseconds, and in periods at the least: how long the reader may be away
/// before frames are lost.
const RING_MS: usize = 500;
const RING_PERIODS: usize = 8;
/// Calls of the writer that wait to be told at most.
const MARKS: usize = 4096;

/// What a bridge is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BridgeSpec {
    /// Channels of a frame.
    pub(crate) channels: usize,
    /// Nominal rates of writer and reader, in hertz.
    pub(crate) from_hz: u32,
    pub(crate) to_hz: u32,
    /// Frames of a call of the writer, and of the reader, as far as is known.
    pub(crate) from_period: usize,
    pub(crate) to_period: usize,
    /// Both are called by one clock: frames pass bit for bit.
    pub(crate) one_clock: bool,
    /// How late the writer's calls are known to be from time to time, in nanoseconds.
    pub(crate) late_ns: u64,
    /// What is known of both clocks; and whether that is of a moment ago.
    pub(crate) learned: Option<Learned>,
    pub(crate) is_back: bool,
}

/// A call of the writer.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    /// Frames written and lost so far.
    end: u64,
    frames: u32,
    time_ns: u64,
    /// How long the writer took until they were there.
    spent_ns: u64,
    /// The first call of another clock, and its error in parts where it is known.
    back: Option<Option<f64>>,
}

/// Both ends of a bridge. The kernel is one for the two rates.
///
/// # Real-time
/// Not safe: allocates.
pub(crate) fn bridge(spec: &BridgeSpec, kernel: Arc<Kernel>) -> (BridgeWriter, BridgeReader) {
    let to_period = spec.to_period * spec.from_hz as usize / spec.to_hz.max(1) as usize;
    let period = spec.from_period.max(to_period).max(1);
    let frames = (spec.from_hz as usize * RING_MS / 1000).max(RING_PERIODS * period);
    let (ring, frames_out) = frame_ring(spec.channels, frames);
    let (marks, marks_out) = touched(MARKS, Mark::default);
    let writer = BridgeWriter::new(ring, marks);
    let reader = BridgeReader::new(spec, kernel, frames_out, marks_out, frames);
    (writer, reader)
}
