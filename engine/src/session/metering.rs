//! The meters of a session: the callback's end is a ring, the control thread reads it and measures.

use ossicle_dsp::meter::View;
use ossicle_io::ring::{FrameReader, FrameWriter, frame_ring};

use crate::error::EngineError;
use crate::meter::{Meters, Readings};
use crate::record::Tap;

/// Length of the ring in seconds: how long a session may go without a look at its report.
const RING_SECONDS: usize = 4;
/// Frames measured at once.
const PIECE_FRAMES: usize = 4096;

/// The ring at the callback's end.
pub(super) struct MeterRing {
    pub(super) tap: Tap,
    pub(super) ring: FrameWriter,
}

/// The meters, on the control thread.
pub(super) struct Metering {
    ring: FrameReader,
    meters: Meters,
    piece: Vec<f32>,
}

impl Metering {
    /// Makes both ends.
    pub(super) fn new(
        tap: Tap,
        sample_rate_hz: u32,
        channels: usize,
    ) -> Result<(MeterRing, Self), EngineError> {
        let meters = Meters::new(sample_rate_hz, channels)?;
        let (writer, reader) = frame_ring(channels, RING_SECONDS * sample_rate_hz as usize);
        let metering = Self {
            ring: reader,
            meters,
            piece: vec![0.0; PIECE_FRAMES * channels],
        };
        Ok((MeterRing { tap, ring: writer }, metering))
    }

    /// Measures what had come by now, and says what the meters read. What comes meanwhile waits: where
    /// measuring is slower than the sound, this would never end.
    pub(super) fn look(&mut self) -> Readings {
        let channels = self.ring.channels();
        let mut left = self.ring.available();
        while left > 0 {
            let room = left.min(PIECE_FRAMES) * channels;
            let frames = self.ring.read(&mut self.piece[..room]);
            if frames == 0 {
                break;
            }
            left -= frames;
            let view = View::interleaved(&self.piece[..frames * channels], channels);
            self.meters.push(&view);
        }
        self.meters.readings()
    }

    /// As [`look`](Self::look), when no more will come; and the frames that were not measured.
    pub(super) fn finish(mut self) -> (Readings, u64) {
        self.look();
        self.meters.drain();
        (self.meters.readings(), self.ring.lost_frames())
    }
}
