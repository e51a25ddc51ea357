//! One band: a compressor for what the crossover gives of it.

use alloc::vec;
use alloc::vec::Vec;

use crate::parts::dynamics::compression::Compression;
use crate::parts::dynamics::detector::{Detector, DetectorSpec, hold_frames, longest_hold_frames};
use crate::parts::dynamics::level::Measure;
use crate::parts::dynamics::{PIECE, Piece, apply};
use crate::parts::look_ahead::LookAhead;

/// What all bands have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct BandSpec {
    pub(super) sample_rate_hz: u32,
    pub(super) channels: usize,
    pub(super) look_ahead_frames: usize,
    pub(super) link: f64,
}

/// A band of all channels.
#[derive(Clone, Debug)]
pub(super) struct Band {
    sample_rate_hz: u32,
    look_ahead_frames: usize,
    detector: Detector,
    pub(super) compression: Compression,
    lines: Vec<LookAhead>,
    /// Levels, then reductions, then gains.
    paths: Vec<Piece>,
}

impl Band {
    pub(super) fn new(spec: &BandSpec) -> Self {
        let &BandSpec {
            sample_rate_hz,
            channels,
            look_ahead_frames,
            link,
        } = spec;
        let mut detector = Detector::new();
        detector.prepare(&DetectorSpec {
            sample_rate_hz,
            channels,
            measure: Measure::Amplitude,
            link,
            max_window: 1 + look_ahead_frames + longest_hold_frames(sample_rate_hz),
            high_pass_hz: None,
            low_pass_hz: None,
        });
        let mut compression = Compression::new();
        compression.prepare(sample_rate_hz, detector.paths());
        Self {
            sample_rate_hz,
            look_ahead_frames,
            paths: vec![[0.0; PIECE]; detector.paths()],
            detector,
            compression,
            lines: vec![LookAhead::new(look_ahead_frames); channels],
        }
    }

    /// The times for 1 - 1/e of a change.
    pub(super) fn set_times(&mut self, attack_ms: f64, release_ms: f64) {
        let frames = |ms: f64| ms * 1e-3 * f64::from(self.sample_rate_hz);
        let hold = hold_frames(frames(release_ms), self.sample_rate_hz);
        self.compression
            .set_times(frames(attack_ms), frames(release_ms) - hold as f64);
        self.detector.set_window(1 + self.look_ahead_frames + hold);
    }

    /// Ends what glides.
    pub(super) fn settle(&mut self) {
        self.compression.reset();
    }

    pub(super) fn reset(&mut self) {
        self.detector.reset();
        self.compression.reset();
        self.lines.iter_mut().for_each(LookAhead::clear);
    }

    /// Compresses the band's channels in place: the frames `begin..end` of planes that are `stride`
    /// samples apart.
    #[inline(always)]
    pub(super) fn process(
        &mut self,
        planes: &mut [f32],
        stride: usize,
        [begin, end]: [usize; 2],
        since_reset: u64,
    ) {
        let key = |channel: usize| &planes[channel * stride..][begin..end];
        self.detector.detect(key, since_reset, &mut self.paths);
        self.compression.gains(&mut self.paths, end - begin);
        let last = self.paths.len() - 1;
        let planes = planes.chunks_exact_mut(stride);
        for (channel, (plane, line)) in planes.zip(&mut self.lines).enumerate() {
            let samples = &mut plane[begin..end];
            line.process(samples);
            apply(&self.paths[channel.min(last)], samples);
        }
    }
}
