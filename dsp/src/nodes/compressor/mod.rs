//! Compressor: what is above a threshold comes out lower by a ratio.
//!
//! level -> curve -> ballistics -> gain, all in octaves of amplitude ([`crate::parts::dynamics`]),
//! and y(n) = x(n - L) (1 + m (g(n) - 1)) with look-ahead L, mix m, and the gain g with its make-up.
//! The dry sound is the same delayed sound, so dry and wet cannot part.
//!
//! Source: D. Giannoulis, M. Massberg, J. D. Reiss, "Digital Dynamic Range Compressor Design", Journal
//! of the AES 60(6), 2012. Changed here: a peak counts for a while after it, which is taken out of the
//! release; the level counts for as long as the look-ahead lasts, so that a peak still counts when it
//! leaves.

mod table;

use alloc::vec;
use alloc::vec::Vec;

use self::table::{
    ATTACK, AUTO_MAKEUP, AUTO_RELEASE, DETECTOR, KEY_HIGH_PASS, KEY_LOW_PASS, KNEE, LINK,
    LOOK_AHEAD, MAKEUP, MIX, PARAMETERS, RATIO, RELEASE, RMS, RMS_WINDOW, THRESHOLD,
};
use crate::block::Block;
use crate::node::{Node, PrepareError, Shape, Spec, Tail};
use crate::parameter::Parameter;
use crate::parts::dynamics::compression::Compression;
use crate::parts::dynamics::detector::{Detector, DetectorSpec, hold_frames, longest_hold_frames};
use crate::parts::dynamics::level::Measure;
use crate::parts::dynamics::{PIECE, Piece, apply, rows};
use crate::parts::look_ahead::LookAhead;
use crate::parts::vectors::{Eight, Vectors, Work};
use crate::settings::Settings;

pub use table::EFFECT;

/// Turns down what is loud.
///
/// Latency and tail: the look-ahead. Channels: any number, with one gain, or with gains of their own
/// that are linked as far as is said. Side-chain: as many channels as it has itself.
#[derive(Clone, Debug)]
pub struct Compressor {
    values: [f64; PARAMETERS.len()],
    sample_rate_hz: u32,
    channels: usize,
    latency_frames: usize,
    vectors: Vectors,
    detector: Detector,
    compression: Compression,
    lines: Vec<LookAhead>,
    /// Levels, then reductions, then gains.
    paths: Vec<Piece>,
}

impl Compressor {
    fn new(settings: &Settings) -> Self {
        Self {
            values: core::array::from_fn(|number| settings.value(number)),
            sample_rate_hz: 1,
            channels: 0,
            latency_frames: 0,
            vectors: Vectors::PLAIN,
            detector: Detector::new(),
            compression: Compression::new(),
            lines: Vec::new(),
            paths: Vec::new(),
        }
    }

    fn frames(&self, ms: f64) -> f64 {
        ms * 1e-3 * f64::from(self.sample_rate_hz)
    }

    fn measure(&self) -> Measure {
        if self.values[DETECTOR] == RMS {
            Measure::Power
        } else {
            Measure::Amplitude
        }
    }

    fn high_pass_hz(&self) -> Option<f64> {
        rows::high_pass_hz(self.values[KEY_HIGH_PASS])
    }

    fn low_pass_hz(&self) -> Option<f64> {
        rows::low_pass_hz(self.values[KEY_LOW_PASS])
    }

    /// Takes over a value whose parts are prepared.
    fn take(&mut self, number: usize) {
        let value = self.values[number];
        let compression = &mut self.compression;
        match number {
            THRESHOLD => compression.set_curve(|curve| curve.set_threshold(value)),
            RATIO => compression.set_curve(|curve| curve.set_ratio(value)),
            KNEE => compression.set_curve(|curve| curve.set_knee(value)),
            ATTACK | RELEASE => self.take_times(),
            AUTO_RELEASE => compression.set_automatic_release(value != 0.0),
            MAKEUP => compression.set_makeup(value),
            AUTO_MAKEUP => compression.set_automatic_makeup(value != 0.0),
            MIX => compression.set_mix(value / 100.0),
            KEY_HIGH_PASS => self.detector.set_high_pass(self.high_pass_hz()),
            KEY_LOW_PASS => self.detector.set_low_pass(self.low_pass_hz()),
            RMS_WINDOW => self.detector.set_power_window(self.frames(value)),
            _ => {}
        }
    }

    fn take_times(&mut self) {
        let attack = self.frames(self.values[ATTACK]);
        let release = self.frames(self.values[RELEASE]);
        let hold = match self.measure() {
            Measure::Amplitude => hold_frames(release, self.sample_rate_hz),
            // The mean of power has no gaps to be held over.
            Measure::Power => 0,
        };
        self.compression.set_times(attack, release - hold as f64);
        self.detector.set_window(1 + self.latency_frames + hold);
    }
}

impl Node for Compressor {
    fn parameters(&self) -> &'static [Parameter] {
        &PARAMETERS
    }

    fn prepare(&mut self, spec: &Spec) -> Result<Shape, PrepareError> {
        rows::check_corners(
            EFFECT.id,
            spec.sample_rate_hz,
            [
                (&PARAMETERS[KEY_HIGH_PASS], self.high_pass_hz()),
                (&PARAMETERS[KEY_LOW_PASS], self.low_pass_hz()),
            ],
        )?;
        self.sample_rate_hz = spec.sample_rate_hz;
        self.channels = spec.channels;
        self.vectors = Vectors::detect();
        self.latency_frames = libm::round(self.frames(self.values[LOOK_AHEAD])) as usize;
        self.detector.prepare(&DetectorSpec {
            sample_rate_hz: spec.sample_rate_hz,
            channels: spec.channels,
            measure: self.measure(),
            link: self.values[LINK] / 100.0,
            max_window: 1 + self.latency_frames + longest_hold_frames(spec.sample_rate_hz),
            high_pass_hz: self.high_pass_hz(),
            low_pass_hz: self.low_pass_hz(),
        });
        for number in [
            THRESHOLD,
            RATIO,
            KNEE,
            ATTACK,
            AUTO_RELEASE,
            MAKEUP,
            AUTO_MAKEUP,
            MIX,
        ] {
            self.take(number);
        }
        self.take(RMS_WINDOW);
        self.compression
            .prepare(spec.sample_rate_hz, self.detector.paths());
        self.paths = vec![[0.0; PIECE]; self.detector.paths()];
        self.lines = vec![LookAhead::new(self.latency_frames); spec.channels];
        Ok(Shape {
            channels: spec.channels,
            latency_frames: self.latency_frames as u64,
        })
    }

    fn reset(&mut self) {
        self.detector.reset();
        self.compression.reset();
        self.lines.iter_mut().for_each(LookAhead::clear);
    }

    fn process(&mut self, block: &mut Block<'_>) {
        let vectors = self.vectors;
        vectors.run(Pass { node: self, block });
    }

    fn set(&mut self, number: usize, value: f64) {
        if PARAMETERS
            .get(number)
            .is_some_and(|row| !row.is_structural())
        {
            self.values[number] = value;
            self.take(number);
        }
    }

    fn latency_frames(&self) -> u64 {
        self.latency_frames as u64
    }

    fn tail(&self) -> Tail {
        Tail::Frames(self.latency_frames as u64)
    }

    fn side_chain_channels(&self) -> usize {
        self.channels
    }
}

/// A block, piece by piece.
struct Pass<'a, 'b> {
    node: &'a mut Compressor,
    block: &'a mut Block<'b>,
}

impl Work for Pass<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<E: Eight>(self) {
        let Self { node, block } = self;
        let (frames, mut begin) = (block.frames(), 0);
        while begin < frames {
            let end = frames.min(begin + PIECE);
            node.detector.listen(block, begin..end, &mut node.paths);
            node.compression.gains(&mut node.paths, end - begin);
            let last = node.paths.len() - 1;
            for (channel, line) in node.lines.iter_mut().enumerate() {
                let samples = &mut block.planes.plane_mut(channel)[begin..end];
                line.process(samples);
                apply(&node.paths[channel.min(last)], samples);
            }
            begin = end;
        }
    }
}
