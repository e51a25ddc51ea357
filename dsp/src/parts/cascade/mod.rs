//! Second-order filters in a row, in double precision.
//!
//! A filter that rests runs in groups of eight frames, counted from reset, two channels side by side:
//! see [`kernel`]. One whose coefficients move runs frame by frame as a state variable filter. Both
//! hold the same state, so that one takes over from the other where a glide begins or ends.

mod kernel;
mod section;

use alloc::vec;
use alloc::vec::Vec;

use self::kernel::GROUP;
use self::section::Section;
use super::finite::{or_zero, saturated};
use super::svf::SvfCoefficients;
use super::vectors::{Vectors, Work};
use crate::block::Block;

/// Frames that are worked on at once. At every multiple of it since reset, states that are nearly
/// silent become silent.
const CHUNK: usize = 64;
/// An output below this is silence: far from what can be heard and from subnormal numbers.
const SILENCE: f64 = 1e-30;
/// 120 dB, as a natural logarithm.
const SILENT_LN: f64 = 13.815_510_557_964_274;

/// Two channels of a frame.
type Pair = [f64; 2];
/// Frames of two channels.
type Chunk = [Pair; CHUNK];

/// The most sections a cascade may have.
pub const MAX_SECTIONS: usize = 128;

/// Filters in a row for any number of channels, each channel by itself.
///
/// Latency 0. A section that rests flat is passed by; when all do, the input passes bit for bit.
#[derive(Clone, Debug)]
pub struct Cascade {
    sections: Vec<Section>,
    /// A bit for each section that does not rest flat.
    on: u128,
    chunks: Vec<Chunk>,
    channels: usize,
    /// Frames since the last whole group.
    held: usize,
    vectors: Vectors,
}

impl Cascade {
    /// Sections at rest with these coefficients, at most [`MAX_SECTIONS`]. Glides take
    /// `glide_frames` frames, at least 1.
    ///
    /// # Panics
    /// When there are more sections.
    ///
    /// # Real-time
    /// Not safe: allocates.
    #[must_use]
    pub fn new(
        coefficients: impl Iterator<Item = SvfCoefficients>,
        glide_frames: u32,
        channels: usize,
    ) -> Self {
        let pairs = channels.div_ceil(2);
        let sections: Vec<Section> = coefficients
            .map(|coefficients| Section::new(coefficients, glide_frames, pairs))
            .collect();
        assert!(sections.len() <= MAX_SECTIONS);
        let mut cascade = Self {
            sections,
            on: 0,
            chunks: vec![[[0.0; 2]; CHUNK]; pairs],
            channels,
            held: 0,
            vectors: Vectors::detect(),
        };
        cascade.look_for_flat();
        cascade
    }

    /// Runs in these registers from now on: to compare with. The bits stay the same.
    pub fn set_vectors(&mut self, vectors: Vectors) {
        self.vectors = vectors;
    }

    /// Sends a section to other coefficients in a straight line. One that is not there, or on its
    /// way to them already, is left alone.
    ///
    /// # Real-time
    /// Safe.
    pub fn set(&mut self, section: usize, to: SvfCoefficients) {
        if let Some(place) = self.sections.get_mut(section)
            && !place.is_bound_for(&to)
        {
            place.set(to, self.held);
            self.on |= 1 << section;
        }
    }

    /// Forgets all sound and ends every glide.
    ///
    /// # Real-time
    /// Safe.
    pub fn reset(&mut self) {
        self.sections.iter_mut().for_each(Section::reset);
        self.held = 0;
        self.look_for_flat();
    }

    /// Filters a block in place.
    ///
    /// Samples that are not finite are taken as 0; what overflows is the largest number there is.
    ///
    /// # Real-time
    /// Safe.
    #[inline]
    pub fn process(&mut self, block: &mut Block<'_>) {
        if self.on == 0 {
            self.held = ((block.since_reset + block.frames() as u64) % GROUP as u64) as usize;
            return;
        }
        let vectors = self.vectors;
        vectors.run(Run {
            cascade: self,
            block,
        });
    }

    /// Frames within which the output has fallen by 120 dB once the input has ended: the sum of the
    /// sections' own, each of which has to fall by that, by what is raised, and by what it may have
    /// gathered before.
    #[must_use]
    pub fn tail_frames(&self) -> u64 {
        let on = || {
            let on = |section: &&Section| !section.rests_flat();
            self.sections.iter().filter(on).map(Section::coefficients)
        };
        let raised: f64 = on()
            .map(|[now, to]| libm::log(now.largest_gain().max(to.largest_gain())).max(0.0))
            .sum();
        let frames: f64 = on()
            .map(|[now, to]| {
                let decay = -now.decay_per_frame().max(to.decay_per_frame());
                // A double pole gathers up to 1/(1 - r)^2.
                let gathered = 2.0 * libm::log(2.0 / (1.0 - libm::exp(-decay)));
                libm::ceil((SILENT_LN + raised + gathered) / decay) + 2.0
            })
            .sum();
        frames as u64
    }

    fn look_for_flat(&mut self) {
        self.on = 0;
        for (number, section) in self.sections.iter().enumerate() {
            self.on |= u128::from(!section.rests_flat()) << number;
        }
    }
}

/// A block to be filtered.
struct Run<'a, 'b> {
    cascade: &'a mut Cascade,
    block: &'a mut Block<'b>,
}

impl Work for Run<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { cascade, block } = self;
        let frames = block.frames();
        let mut done = 0;
        while done < frames && cascade.on != 0 {
            let since_reset = block.since_reset + done as u64;
            let to_flush = CHUNK - (since_reset % CHUNK as u64) as usize;
            let length = to_flush.min(frames - done);
            cascade.load(block, done, length);
            let held = (since_reset % GROUP as u64) as usize;
            let mut on = cascade.on;
            while on != 0 {
                let number = on.trailing_zeros() as usize;
                on &= on - 1;
                let section = &mut cascade.sections[number];
                section.process(&mut cascade.chunks, length, held);
                if length == to_flush {
                    section.flush();
                    if section.rests_flat() {
                        cascade.on &= !(1 << number);
                    }
                }
            }
            cascade.store(block, done, length);
            done += length;
        }
        cascade.held = ((block.since_reset + frames as u64) % GROUP as u64) as usize;
    }
}

impl Cascade {
    #[inline(always)]
    fn load(&mut self, block: &Block<'_>, done: usize, length: usize) {
        for (pair, chunk) in self.chunks.iter_mut().enumerate() {
            let first = 2 * pair;
            let [left, right] = [first, (first + 1).min(self.channels - 1)]
                .map(|channel| &block.planes.plane(channel)[done..][..length]);
            for ((to, left), right) in chunk.iter_mut().zip(left).zip(right) {
                *to = [f64::from(or_zero(*left)), f64::from(or_zero(*right))];
            }
        }
    }

    #[inline(always)]
    fn store(&mut self, block: &mut Block<'_>, done: usize, length: usize) {
        for (pair, chunk) in self.chunks.iter().enumerate() {
            let first = 2 * pair;
            if first + 1 < self.channels {
                let (left, right) = block.planes.pair_mut(first, first + 1);
                let (left, right) = (&mut left[done..][..length], &mut right[done..][..length]);
                for ((from, left), right) in chunk.iter().zip(left).zip(right) {
                    [*left, *right] = from.map(sounding);
                }
            } else {
                let plane = &mut block.planes.plane_mut(first)[done..][..length];
                for (from, to) in chunk.iter().zip(plane) {
                    *to = sounding(from[0]);
                }
            }
        }
    }
}

/// A sample as it leaves.
#[inline(always)]
fn sounding(y: f64) -> f32 {
    saturated(if y.abs() < SILENCE { 0.0 } else { y } as f32)
}
