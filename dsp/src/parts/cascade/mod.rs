//! Second-order filters in a row, in double precision.
//!
//! A filter that rests runs in groups of four frames, counted from reset, two channels side by side:
//! see `kernel.rs`. One whose coefficients move runs frame by frame as a state variable filter. Both
//! hold the same state, so that one takes over from the other where a glide begins or ends.

mod kernel;
mod section;

use alloc::vec;
use alloc::vec::Vec;

use self::kernel::GROUP;
use self::section::Section;
use super::finite::{or_zero, saturated};
use super::svf::SvfCoefficients;
use super::vectors::{Eight, Vectors, Work};
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

    /// Sends a section to other coefficients, as [`SvfGlide`](super::svf_glide::SvfGlide) does. One that is not
    /// there, or on its way to them already, is left alone.
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
    fn run<E: Eight>(self) {
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

#[cfg(test)]
mod tests {
    use super::super::analogue::Response;
    use super::super::svf::{SvfSolved, SvfState};
    use super::*;
    use crate::block::Planes;

    fn noise(frames: usize) -> Vec<f32> {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        (0..frames).map(|_| next()).collect()
    }

    fn designs() -> [SvfCoefficients; 3] {
        [
            SvfCoefficients::new(Response::LowPass, 0.0005, 0.0, 0.7),
            SvfCoefficients::new(Response::Peak, 0.2, -12.0, 8.0),
            SvfCoefficients::new(Response::HighShelf, 0.4, 18.0, 0.5),
        ]
    }

    /// Three channels, cut as blocks of 7, the last filter turned on the way.
    fn run(vectors: Vectors) -> Vec<f32> {
        let mut cascade = Cascade::new(designs().into_iter(), 100, 3);
        cascade.set_vectors(vectors);
        let mut samples = noise(3 * 700);
        for at in (0..700).step_by(7) {
            if at == 350 {
                cascade.set(2, designs()[1]);
            }
            let mut part: Vec<f32> = samples
                .chunks(700)
                .flat_map(|plane| plane[at..at + 7].to_vec())
                .collect();
            cascade.process(&mut Block {
                planes: Planes::new(&mut part, 7, 7),
                side_chain: None,
                since_reset: at as u64,
            });
            for (plane, part) in samples.chunks_mut(700).zip(part.chunks(7)) {
                plane[at..at + 7].copy_from_slice(part);
            }
        }
        samples
    }

    #[test]
    fn wide_registers_give_the_bits_of_the_plain_ones() {
        let (wide, plain) = (run(Vectors::detect()), run(Vectors::PLAIN));
        assert!(
            wide.iter()
                .zip(&plain)
                .all(|(a, b)| a.to_bits() == b.to_bits())
        );
        assert!(wide.iter().any(|y| y.abs() > 1e-4));
    }

    #[test]
    fn groups_of_frames_are_the_filter_frame_by_frame() {
        for design in designs() {
            let mut cascade = Cascade::new(core::iter::once(design), 100, 1);
            let input = noise(4000);
            let mut samples = input.clone();
            cascade.process(&mut Block {
                planes: Planes::new(&mut samples, 4000, 4000),
                side_chain: None,
                since_reset: 0,
            });
            let (mut state, solved) = (SvfState::default(), SvfSolved::from(&design));
            for (frame, (x, y)) in input.iter().zip(samples).enumerate() {
                let want = state.next(f64::from(*x), &solved);
                // Half a unit in the last place of single precision, and what doubles leave.
                let allowed = want.abs() * 6.1e-8 + 1e-13;
                assert!(
                    (f64::from(y) - want).abs() < allowed,
                    "frame {frame}: {y}, {want}"
                );
            }
        }
    }

    #[test]
    fn a_filter_that_comes_to_rest_goes_on_where_it_was() {
        // A glide to the same place in other numbers: the way by single frames and the way by
        // groups are one sound.
        let design = designs()[1];
        let input = noise(3000);
        let mut sounds = [false, true].map(|turned| {
            let mut cascade = Cascade::new(core::iter::once(design), 37, 1);
            let mut samples = input.clone();
            let mut at = 0;
            for part in samples.chunks_mut(501) {
                if turned {
                    // As little as doubles tell apart, so that a glide begins.
                    cascade.set(0, design.towards(&designs()[0], 1e-15));
                    cascade.set(0, design);
                }
                let frames = part.len();
                cascade.process(&mut Block {
                    planes: Planes::new(part, frames, frames),
                    side_chain: None,
                    since_reset: at,
                });
                at += frames as u64;
            }
            samples
        });
        let [steady, turned] = &mut sounds;
        for (frame, (a, b)) in steady.iter().zip(turned).enumerate() {
            assert!((*a - *b).abs() < 1e-6, "frame {frame}: {a} and {b}");
        }
    }
}
