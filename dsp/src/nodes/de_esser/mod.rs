//! De-esser: a compressor that listens to what lies above a frequency.
//!
//! With a Butterworth high pass h of second order and the gain g that a compressor
//! ([`crate::parts::dynamics`]) makes of the level of h(x): wide gives g x, split x + (g - 1) h(x). The
//! latter is (s^2 g + sqrt(2) s + 1)/(s^2 + sqrt(2) s + 1) while g rests, a high shelf: no latency, no
//! turn of the phase but the shelf's own, and nothing at all at g = 1.

mod table;

use alloc::vec;
use alloc::vec::Vec;

use self::table::{
    ATTACK, FREQUENCY, KNEE, LINK, MODE, PARAMETERS, RANGE, RATIO, RELEASE, THRESHOLD, WIDE,
};
use crate::block::Block;
use crate::node::{Node, PrepareError, Shape, Spec, Tail};
use crate::parameter::Parameter;
use crate::parts::analogue::Response;
use crate::parts::dynamics::compression::Compression;
use crate::parts::dynamics::detector::{Detector, DetectorSpec, hold_frames, longest_hold_frames};
use crate::parts::dynamics::key_filter::KeyFilter;
use crate::parts::dynamics::level::Measure;
use crate::parts::dynamics::{PIECE, Piece, apply, rows};
use crate::parts::finite::saturated;
use crate::parts::vectors::{Eight, Vectors, Work};
use crate::settings::Settings;

pub use table::EFFECT;

/// Turns sibilants down.
///
/// Latency 0. The tail is that of the high pass in split mode, none in wide mode. Channels: any number,
/// with one gain, or with gains of their own that are linked as far as is said.
#[derive(Clone, Debug)]
pub struct DeEsser {
    values: [f64; PARAMETERS.len()],
    sample_rate_hz: u32,
    vectors: Vectors,
    filter: KeyFilter,
    detector: Detector,
    compression: Compression,
    /// What lies above the frequency, of each channel.
    above: Vec<Piece>,
    /// Levels, then reductions, then gains.
    paths: Vec<Piece>,
}

impl DeEsser {
    fn new(settings: &Settings) -> Self {
        Self {
            values: core::array::from_fn(|number| settings.value(number)),
            sample_rate_hz: 1,
            vectors: Vectors::PLAIN,
            filter: KeyFilter::new(Response::HighPass),
            detector: Detector::new(),
            compression: Compression::new(),
            above: Vec::new(),
            paths: Vec::new(),
        }
    }

    fn take(&mut self, number: usize) {
        let value = self.values[number];
        let compression = &mut self.compression;
        match number {
            FREQUENCY => self.filter.set(Some(value)),
            THRESHOLD => compression.set_curve(|curve| curve.set_threshold(value)),
            RATIO => compression.set_curve(|curve| curve.set_ratio(value)),
            KNEE => compression.set_curve(|curve| curve.set_knee(value)),
            RANGE => compression.set_curve(|curve| curve.set_range(-value)),
            ATTACK | RELEASE => {
                let rate = f64::from(self.sample_rate_hz);
                let [attack, release] =
                    [ATTACK, RELEASE].map(|number| self.values[number] * 1e-3 * rate);
                let hold = hold_frames(release, self.sample_rate_hz);
                compression.set_times(attack, release - hold as f64);
                self.detector.set_window(1 + hold);
            }
            _ => {}
        }
    }
}

impl Node for DeEsser {
    fn parameters(&self) -> &'static [Parameter] {
        &PARAMETERS
    }

    fn prepare(&mut self, spec: &Spec) -> Result<Shape, PrepareError> {
        let (rate, frequency_hz) = (spec.sample_rate_hz, Some(self.values[FREQUENCY]));
        rows::check_corners(EFFECT.id, rate, [(&PARAMETERS[FREQUENCY], frequency_hz)])?;
        self.sample_rate_hz = rate;
        self.vectors = Vectors::detect();
        self.filter.prepare(rate, spec.channels, frequency_hz);
        self.detector.prepare(&DetectorSpec {
            sample_rate_hz: rate,
            channels: spec.channels,
            measure: Measure::Amplitude,
            link: self.values[LINK] / 100.0,
            max_window: 1 + longest_hold_frames(rate),
            high_pass_hz: None,
            low_pass_hz: None,
        });
        for number in [THRESHOLD, RATIO, KNEE, RANGE, ATTACK] {
            self.take(number);
        }
        self.compression.prepare(rate, self.detector.paths());
        self.above = vec![[0.0; PIECE]; spec.channels];
        self.paths = vec![[0.0; PIECE]; self.detector.paths()];
        Ok(Shape {
            channels: spec.channels,
            latency_frames: 0,
        })
    }

    fn reset(&mut self) {
        self.filter.reset();
        self.detector.reset();
        self.compression.reset();
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
        0
    }

    fn tail(&self) -> Tail {
        let is_wide = self.values[MODE] == WIDE;
        Tail::Frames(if is_wide {
            0
        } else {
            self.filter.tail_frames()
        })
    }
}

/// A block, piece by piece.
struct Pass<'a, 'b> {
    node: &'a mut DeEsser,
    block: &'a mut Block<'b>,
}

impl Work for Pass<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<E: Eight>(self) {
        let Self { node, block } = self;
        let (all, mut begin) = (block.frames(), 0);
        while begin < all {
            let end = all.min(begin + PIECE);
            let (frames, since_reset) = (end - begin, block.since_reset + begin as u64);
            for (above, plane) in node.above.iter_mut().zip(block.planes.iter()) {
                above[..frames].copy_from_slice(&plane[begin..end]);
            }
            node.filter.process(&mut node.above, frames, since_reset);
            let key = |channel: usize| &node.above[channel][..frames];
            node.detector.detect(key, since_reset, &mut node.paths);
            node.compression.gains(&mut node.paths, frames);
            let (last, is_wide) = (node.paths.len() - 1, node.values[MODE] == WIDE);
            let planes = block.planes.iter_mut().zip(&node.above);
            for (channel, (plane, above)) in planes.enumerate() {
                let (gains, samples) = (&node.paths[channel.min(last)], &mut plane[begin..end]);
                if is_wide {
                    apply(gains, samples);
                } else {
                    shelve(gains, above, samples);
                }
            }
            begin = end;
        }
    }
}

/// Multiplies what lies above the frequency by the gains, and leaves the rest.
#[inline(always)]
fn shelve(gains: &Piece, above: &Piece, samples: &mut [f32]) {
    for ((sample, gain), above) in samples.iter_mut().zip(gains).zip(above) {
        *sample = saturated(*sample + (gain - 1.0) * above);
    }
}
