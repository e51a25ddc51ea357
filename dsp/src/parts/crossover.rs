//! Splits sound into bands whose sum is flat.
//!
//! Linkwitz-Riley crossovers of fourth order: at each corner a Butterworth low and high pass of
//! second order, each run twice. With D = s^2 + sqrt(2) s + 1 the two add up to
//!
//! ```text
//! (1 + s^4) / D^2 = (s^2 - sqrt(2) s + 1) / D
//! ```
//!
//! which is an all-pass. A band that has left at a lower corner goes through the all-passes of the
//! corners above, so that the sum of all bands is one all-pass behind the other: its size is 1 at
//! every frequency. Source: S. H. Linkwitz, "Active Crossover Networks for Noncoincident Drivers",
//! J. Audio Eng. Soc. 24 (1976), for two bands; the all-passes make it hold for more.

use core::f64::consts::SQRT_2;

use alloc::vec;
use alloc::vec::Vec;

use super::analogue::Response;
use super::finite::{or_zero, saturated};
use super::svf::{SvfCoefficients, SvfSolved, SvfState};
use super::svf_glide::SvfGlide;
use crate::block::Planes;

/// The most corners there may be: one less than bands.
pub const MAX_CORNERS: usize = 5;

/// The highest corner as a share of the sample rate: at half of it there is none.
pub const LARGEST_CORNER_NORM: f64 = 0.49;

/// Frames that are worked on at once.
const CHUNK: usize = 64;
/// An output below this is silence: far from what can be heard and from subnormal numbers.
const SILENCE: f64 = 1e-30;
/// 120 dB, as a natural logarithm.
const SILENT_LN: f64 = 13.815_510_557_964_274;

/// Two channels of a frame.
type Pair = [f64; 2];

/// Why a crossover could not be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CrossoverError {
    /// So many corners cannot be; use 1 to [`MAX_CORNERS`].
    #[error("a crossover has 1 to {max} corners, not {asked}")]
    CornersUnsupported {
        /// Corners asked for.
        asked: usize,
        /// The most there may be.
        max: usize,
    },
    /// A corner is not between 0 and [`LARGEST_CORNER_NORM`]; choose another.
    #[error("corner {corner} at {asked} of the sample rate (allowed: above 0, at most {max})")]
    CornerOutOfRange {
        /// The corner, counted from 0.
        corner: usize,
        /// Cycles per sample asked for.
        asked: f64,
        /// The largest allowed.
        max: f64,
    },
}

/// One corner: its filters' coefficients, on their way.
type Corner = [SvfGlide; 3];

const LOW: usize = 0;
const HIGH: usize = 1;
const ALL: usize = 2;

fn designs(frequency_norm: f64) -> [SvfCoefficients; 3] {
    let frequency_norm = frequency_norm.min(LARGEST_CORNER_NORM);
    [Response::LowPass, Response::HighPass, Response::AllPass]
        .map(|response| SvfCoefficients::new(response, frequency_norm, 0.0, 1.0 / SQRT_2))
}

/// What is remembered of two channels at one corner: both passes of the split, and the all-pass of
/// each band that left before.
#[derive(Clone, Copy, Debug, Default)]
struct Memory {
    split: [SvfState; 2],
    low: [SvfState; 2],
    high: [SvfState; 2],
    all: [[SvfState; 2]; MAX_CORNERS - 1],
}

/// Splits any number of channels into 2 to 6 bands whose sum has the level of the input.
///
/// Latency 0. Each channel is split by itself, in double precision.
///
/// # Examples
/// ```
/// use ossicle_dsp::block::Planes;
/// use ossicle_dsp::parts::crossover::Crossover;
///
/// // Three bands of one channel, 200 Hz and 3 kHz at 48 kHz; corners glide within 960 frames.
/// let mut crossover = Crossover::new(&[200.0 / 48e3, 3000.0 / 48e3], 1, 960).unwrap();
/// let mut input = [0.25; 4096];
/// let mut bands = [0.0; 3 * 4096];
/// crossover.process(&Planes::new(&mut input, 4096, 4096), 0, &mut bands, 4096);
/// // What does not move at all is in the lowest band.
/// assert!((bands[4095] - 0.25).abs() < 1e-4);
/// assert!(bands[2 * 4096 - 1].abs() < 1e-4 && bands[3 * 4096 - 1].abs() < 1e-4);
/// ```
#[derive(Clone, Debug)]
pub struct Crossover {
    corners: Vec<Corner>,
    /// For each pair of channels the memory of every corner.
    memories: Vec<Memory>,
    /// The bands of one chunk of two channels.
    chunks: Vec<[Pair; CHUNK]>,
    channels: usize,
}

impl Crossover {
    /// A crossover at rest, with corners at so many cycles per sample, for `channels` channels.
    ///
    /// There is one band more than corners. The corners are usually given from low to high; the sum
    /// is flat in any order. A corner that is moved arrives after `glide_frames` frames, at least 1.
    ///
    /// # Errors
    /// [`CrossoverError`]: no or more than [`MAX_CORNERS`] corners, or a corner out of range.
    ///
    /// # Real-time
    /// Not safe: allocates.
    pub fn new(
        corners_norm: &[f64],
        channels: usize,
        glide_frames: u32,
    ) -> Result<Self, CrossoverError> {
        let (asked, max) = (corners_norm.len(), MAX_CORNERS);
        if !(1..=max).contains(&asked) {
            return Err(CrossoverError::CornersUnsupported { asked, max });
        }
        for (corner, &asked) in corners_norm.iter().enumerate() {
            let max = LARGEST_CORNER_NORM;
            if !(asked > 0.0 && asked <= max) {
                return Err(CrossoverError::CornerOutOfRange { corner, asked, max });
            }
        }
        let corner = |norm: &f64| designs(*norm).map(|design| SvfGlide::new(design, glide_frames));
        Ok(Self {
            corners: corners_norm.iter().map(corner).collect(),
            memories: vec![Memory::default(); channels.div_ceil(2) * corners_norm.len()],
            chunks: vec![[[0.0; 2]; CHUNK]; corners_norm.len() + 1],
            channels,
        })
    }

    /// Number of bands.
    #[must_use]
    pub fn bands(&self) -> usize {
        self.corners.len() + 1
    }

    /// Sends corner `corner`, counted from 0, to `frequency_norm` cycles per sample, above 0; a value
    /// above [`LARGEST_CORNER_NORM`] is taken as that. A corner that is not there is ignored.
    ///
    /// # Real-time
    /// Safe.
    pub fn set_corner(&mut self, corner: usize, frequency_norm: f64) {
        if let Some(corner) = self.corners.get_mut(corner) {
            for (glide, to) in corner.iter_mut().zip(designs(frequency_norm)) {
                glide.set(to);
            }
        }
    }

    /// Forgets all sound and ends every glide.
    ///
    /// # Real-time
    /// Safe.
    pub fn reset(&mut self) {
        self.memories.fill(Memory::default());
        self.corners
            .as_flattened_mut()
            .iter_mut()
            .for_each(SvfGlide::finish);
    }

    /// Frames after the end of the input within which every band has fallen by 120 dB.
    #[must_use]
    pub fn tail_frames(&self) -> u64 {
        let of = |corner: &Corner| {
            let [now, to] = [corner[LOW].now(), corner[LOW].target()];
            let decay = -now.decay_per_frame().max(to.decay_per_frame());
            // Two double poles, and the all-passes, each of which may gather as much.
            let gathered = 4.0 * libm::log(2.0 / (1.0 - libm::exp(-decay)));
            libm::ceil((SILENT_LN + gathered) / decay)
        };
        self.corners.iter().map(of).sum::<f64>() as u64
    }

    /// Splits `input` into `bands`: band `b` of channel `c` begins at `(b * channels + c) * stride`,
    /// so that the channels of a band lie side by side as [`Planes`] wants them.
    ///
    /// `since_reset` counts the frames before this block, as in [`crate::block::Block`]. Samples
    /// that are not finite are taken as 0.
    ///
    /// # Panics
    /// When `bands` is shorter than bands x channels x `stride`, `stride` is shorter than the
    /// block, or `input` has other channels than the crossover was made for.
    ///
    /// # Real-time
    /// Safe.
    pub fn process(
        &mut self,
        input: &Planes<'_>,
        since_reset: u64,
        bands: &mut [f32],
        stride: usize,
    ) {
        let (frames, channels) = (input.frames(), self.channels);
        assert!(input.channels() == channels && frames <= stride);
        assert!(bands.len() >= self.bands() * channels * stride);
        let mut done = 0;
        while done < frames {
            // Chunks end where memories are looked at, wherever blocks begin.
            let to_flush = CHUNK - ((since_reset + done as u64) % CHUNK as u64) as usize;
            let length = to_flush.min(frames - done);
            let start: [Corner; MAX_CORNERS] =
                core::array::from_fn(|i| self.corners[i.min(self.corners.len() - 1)]);
            for first in (0..channels).step_by(2) {
                let corners = self.corners.len();
                self.corners.copy_from_slice(&start[..corners]);
                let pair = [first, (first + 1).min(channels - 1)];
                let planes = pair.map(|channel| &input.plane(channel)[done..][..length]);
                for (frame, x) in self.chunks[0][..length].iter_mut().enumerate() {
                    *x = planes.map(|plane| f64::from(or_zero(plane[frame])));
                }
                self.split(first / 2, length);
                if length == to_flush {
                    self.flush(first / 2);
                }
                for (band, chunk) in self.chunks.iter().enumerate() {
                    for (lane, channel) in pair.into_iter().enumerate() {
                        let out = &mut bands[(band * channels + channel) * stride + done..];
                        for (out, y) in out[..length].iter_mut().zip(chunk) {
                            let y = if y[lane].abs() < SILENCE {
                                0.0
                            } else {
                                y[lane]
                            };
                            *out = saturated(y as f32);
                        }
                    }
                }
            }
            done += length;
        }
    }

    /// Splits the first chunk into all, for one pair of channels.
    fn split(&mut self, pair: usize, length: usize) {
        let corners = self.corners.len();
        let memories = &mut self.memories[pair * corners..][..corners];
        for (at, (corner, memory)) in self.corners.iter_mut().zip(memories).enumerate() {
            let start = *corner;
            let (left, right) = self.chunks.split_at_mut(at + 1);
            let Some((input, before)) = left.split_last_mut() else {
                return;
            };
            let each = input[..length].iter_mut().zip(&mut right[0][..length]);
            steps(corner, each, |(low, high), with| {
                let x = *low;
                for lane in 0..2 {
                    let both = [&with[LOW], &with[HIGH]];
                    let [l, h] = memory.split[lane].next_both(x[lane], both);
                    low[lane] = memory.low[lane].next(l, &with[LOW]);
                    high[lane] = memory.high[lane].next(h, &with[HIGH]);
                }
            });
            for (band, state) in before.iter_mut().zip(&mut memory.all) {
                *corner = start;
                let each = band[..length].iter_mut();
                steps(corner, each, |x, with| {
                    for lane in 0..2 {
                        x[lane] = state[lane].next(x[lane], &with[ALL]);
                    }
                });
            }
        }
    }

    /// What is nearly silent becomes silent.
    fn flush(&mut self, pair: usize) {
        let corners = self.corners.len();
        for memory in &mut self.memories[pair * corners..][..corners] {
            let Memory {
                split,
                low,
                high,
                all,
            } = memory;
            let states = split.iter_mut().chain(low).chain(high);
            states
                .chain(all.as_flattened_mut())
                .for_each(SvfState::flush);
        }
    }
}

/// Runs `work` for each item, with the coefficients of its frame.
#[inline(always)]
fn steps<T>(
    corner: &mut Corner,
    mut items: impl Iterator<Item = T>,
    mut work: impl FnMut(T, &[SvfSolved; 3]),
) {
    let solved = |glide: &mut SvfGlide| SvfSolved::from(&glide.next_value());
    while corner[LOW].frames_left() > 0 {
        let Some(item) = items.next() else { return };
        work(item, &corner.each_mut().map(solved));
    }
    let with = corner.each_mut().map(solved);
    items.for_each(|item| work(item, &with));
}
