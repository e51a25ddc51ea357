//! Multiband compressor: splits the sound into bands, compresses each, and adds them again.
//!
//! y(n) = sum over bands of b(n - L) (1 + m (g(n) - 1)), with the bands b of a Linkwitz-Riley crossover
//! ([`crate::parts::crossover`]), whose sum is the sound behind all-passes, a band's gain g as a
//! compressor makes it ([`crate::parts::dynamics`]), look-ahead L and mix m.

mod band;
mod table;

use alloc::vec::Vec;
use core::array::from_fn;

use self::band::{Band, BandSpec};
use self::table::{
    ATTACK, AUTO_RELEASE, BANDS, CORNER_GLIDE_MS, FIRST_BAND, FREQUENCIES, KNEE, LINK, LOOK_AHEAD,
    MAKEUP, MIX, PARAMETERS, RATIO, RELEASE, ROWS, THRESHOLD,
};
use crate::block::Block;
use crate::node::{Node, PrepareError, Shape, Spec, Tail};
use crate::parameter::Parameter;
use crate::parts::crossover::{Crossover, MAX_CORNERS};
use crate::parts::dynamics::{PIECE, rows};
use crate::parts::finite::saturated;

use crate::parts::silence::silence;
use crate::parts::smoothed;
use crate::parts::vectors::{Eight, Vectors, Work};
use crate::settings::Settings;

pub use table::EFFECT;

/// Compresses each band by itself.
///
/// Latency: the look-ahead. The tail is the crossover's behind it. Channels: any number, with one gain a
/// band, or with gains of their own that are linked as far as is said.
#[derive(Clone, Debug)]
pub struct MultibandCompressor {
    values: [f64; PARAMETERS.len()],
    sample_rate_hz: u32,
    channels: usize,
    latency_frames: usize,
    vectors: Vectors,
    crossover: Option<Crossover>,
    bands: Vec<Band>,
    /// What the crossover gives of a block: for each band all channels, `stride` samples each.
    split: Vec<f32>,
    stride: usize,
}

impl MultibandCompressor {
    fn new(settings: &Settings) -> Self {
        Self {
            values: from_fn(|number| settings.value(number)),
            sample_rate_hz: 1,
            channels: 0,
            latency_frames: 0,
            vectors: Vectors::PLAIN,
            crossover: None,
            bands: Vec::new(),
            split: Vec::new(),
            stride: 1,
        }
    }

    fn corner_norm(&self, corner: usize) -> f64 {
        self.values[FREQUENCIES + corner] / f64::from(self.sample_rate_hz)
    }

    fn take(&mut self, number: usize) {
        let value = self.values[number];
        match number {
            KNEE => self.each(|band| band.compression.set_curve(|curve| curve.set_knee(value))),
            MIX => self.each(|band| band.compression.set_mix(value / 100.0)),
            AUTO_RELEASE => self.each(|band| band.compression.set_automatic_release(value != 0.0)),
            FIRST_BAND.. => {
                self.take_band((number - FIRST_BAND) / ROWS, (number - FIRST_BAND) % ROWS)
            }
            FREQUENCIES.. => {
                let norm = self.corner_norm(number - FREQUENCIES);
                if let Some(crossover) = &mut self.crossover {
                    crossover.set_corner(number - FREQUENCIES, norm);
                }
            }
            _ => {}
        }
    }

    fn each(&mut self, change: impl Fn(&mut Band)) {
        self.bands.iter_mut().for_each(change);
    }

    fn take_band(&mut self, band: usize, row: usize) {
        let Some(rows) = self.values[FIRST_BAND..].chunks_exact(ROWS).nth(band) else {
            return;
        };
        let Some(band) = self.bands.get_mut(band) else {
            return;
        };
        let compression = &mut band.compression;
        match row {
            THRESHOLD => compression.set_curve(|curve| curve.set_threshold(rows[row])),
            RATIO => compression.set_curve(|curve| curve.set_ratio(rows[row])),
            MAKEUP => compression.set_makeup(rows[row]),
            _ => band.set_times(rows[ATTACK], rows[RELEASE]),
        }
    }
}

impl Node for MultibandCompressor {
    fn parameters(&self) -> &'static [Parameter] {
        &PARAMETERS
    }

    fn prepare(&mut self, spec: &Spec) -> Result<Shape, PrepareError> {
        let (rate, bands) = (spec.sample_rate_hz, self.values[BANDS] as usize);
        let in_use = |corner: usize| corner < bands - 1;
        let corners: [_; MAX_CORNERS] = from_fn(|corner| {
            let number = FREQUENCIES + corner;
            let asked = in_use(corner).then_some(self.values[number]);
            (&PARAMETERS[number], asked)
        });
        rows::check_corners(EFFECT.id, rate, corners)?;
        self.sample_rate_hz = rate;
        self.channels = spec.channels;
        self.vectors = Vectors::detect();
        let look_ahead = self.values[LOOK_AHEAD] * 1e-3 * f64::from(rate);
        self.latency_frames = libm::round(look_ahead) as usize;
        let corners: [f64; MAX_CORNERS] = from_fn(|corner| self.corner_norm(corner));
        // The corners were checked, and there are as many as there may be.
        let glide_frames = smoothed::frames(CORNER_GLIDE_MS, rate);
        self.crossover = Crossover::new(&corners[..bands - 1], spec.channels, glide_frames).ok();
        let band = BandSpec {
            sample_rate_hz: rate,
            channels: spec.channels,
            look_ahead_frames: self.latency_frames,
            link: self.values[LINK] / 100.0,
        };
        self.bands = (0..bands).map(|_| Band::new(&band)).collect();
        for number in [KNEE, MIX, AUTO_RELEASE] {
            self.take(number);
        }
        (FIRST_BAND..PARAMETERS.len()).for_each(|number| self.take(number));
        self.each(Band::settle);
        self.stride = spec.max_block_frames;
        self.split = silence(bands * spec.channels * self.stride);
        Ok(Shape {
            channels: spec.channels,
            latency_frames: self.latency_frames as u64,
        })
    }

    fn reset(&mut self) {
        if let Some(crossover) = &mut self.crossover {
            crossover.reset();
        }
        self.each(Band::reset);
    }

    fn process(&mut self, block: &mut Block<'_>) {
        let Some(crossover) = &mut self.crossover else {
            return;
        };
        crossover.process(
            &block.planes,
            block.since_reset,
            &mut self.split,
            self.stride,
        );
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
        let crossover = self.crossover.as_ref().map_or(0, Crossover::tail_frames);
        Tail::Frames(self.latency_frames as u64 + crossover)
    }
}

/// The bands of a block: each compressed, then their sum.
struct Pass<'a, 'b> {
    node: &'a mut MultibandCompressor,
    block: &'a mut Block<'b>,
}

impl Work for Pass<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<E: Eight>(self) {
        let Self { node, block } = self;
        let (frames, stride) = (block.frames(), node.stride);
        let of_band = node.channels * stride;
        for (band, planes) in node
            .bands
            .iter_mut()
            .zip(node.split.chunks_exact_mut(of_band))
        {
            let mut begin = 0;
            while begin < frames {
                let end = frames.min(begin + PIECE);
                let since_reset = block.since_reset + begin as u64;
                band.process(planes, stride, [begin, end], since_reset);
                begin = end;
            }
        }
        for (channel, plane) in block.planes.iter_mut().enumerate() {
            plane.fill(0.0);
            for planes in node.split.chunks_exact(of_band) {
                let band = &planes[channel * stride..][..frames];
                for (sum, sample) in plane.iter_mut().zip(band) {
                    *sum = saturated(*sum + sample);
                }
            }
        }
    }
}
