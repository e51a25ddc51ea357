//! One band: a filter for each channel, all with the same coefficients, which glide.

use alloc::vec;
use alloc::vec::Vec;

use crate::block::Block;
use crate::parts::finite::{or_zero, saturated};
use crate::parts::svf::{SvfCoefficients, SvfSolved, SvfState};

/// Every so many frames since reset, states that are nearly silent become silent.
const FLUSH_FRAMES: u64 = 64;
/// An output below this is silence: far from what can be heard and from subnormal numbers.
const SILENCE: f64 = 1e-30;

/// Coefficients on their way in a straight line.
#[derive(Clone, Copy, Debug)]
struct Glide {
    from: SvfCoefficients,
    to: SvfCoefficients,
    left: u32,
    frames: u32,
}

impl Glide {
    fn now(&self) -> SvfCoefficients {
        if self.left == 0 {
            return self.to;
        }
        self.from.towards(
            &self.to,
            1.0 - f64::from(self.left) / f64::from(self.frames),
        )
    }

    fn next(&mut self) -> SvfCoefficients {
        self.left = self.left.saturating_sub(1);
        self.now()
    }

    /// Whether from here on the output is the input.
    fn rests_flat(&self) -> bool {
        self.left == 0 && self.to.is_flat()
    }
}

/// A band of the equaliser.
#[derive(Clone, Debug)]
pub(super) struct Band {
    glide: Glide,
    states: Vec<SvfState>,
}

impl Band {
    /// A band at rest; its glides take `glide_frames` frames.
    pub(super) fn new(coefficients: SvfCoefficients, glide_frames: u32, channels: usize) -> Self {
        let frames = glide_frames.max(1);
        Self {
            glide: Glide {
                from: coefficients,
                to: coefficients,
                left: 0,
                frames,
            },
            states: vec![SvfState::default(); channels],
        }
    }

    /// Starts a glide to other coefficients.
    ///
    /// A band that comes from or goes to flat keeps the filter's frequency and quality on the way:
    /// only the mix moves.
    pub(super) fn set(&mut self, to: SvfCoefficients) {
        let now = self.glide.now();
        self.glide.from = if self.glide.rests_flat() {
            to.flattened()
        } else {
            now
        };
        self.glide.to = if to.is_flat() {
            self.glide.from.flattened()
        } else {
            to
        };
        self.glide.left = self.glide.frames;
    }

    /// Silences the state and ends the glide.
    pub(super) fn reset(&mut self) {
        self.glide.left = 0;
        self.states.fill(SvfState::default());
    }

    /// The coefficients now and those the band is on its way to; nothing for a band that rests
    /// flat.
    pub(super) fn coefficients(&self) -> Option<[SvfCoefficients; 2]> {
        (!self.glide.rests_flat()).then(|| [self.glide.now(), self.glide.to])
    }

    pub(super) fn process(&mut self, block: &mut Block<'_>) {
        if self.glide.rests_flat() {
            return;
        }
        let start = self.glide;
        let (mut first, channels) = (0, self.states.len());
        while first < channels {
            let mut glide = start;
            // Two channels at once: neither waits for the other's recursion.
            if first + 1 < channels {
                let (a, b) = block.planes.pair_mut(first, first + 1);
                let mut states = [self.states[first], self.states[first + 1]];
                run([a, b], &mut states, &mut glide, block.since_reset);
                self.states[first..first + 2].copy_from_slice(&states);
                first += 2;
            } else {
                let mut states = [self.states[first]];
                run(
                    [block.planes.plane_mut(first)],
                    &mut states,
                    &mut glide,
                    block.since_reset,
                );
                self.states[first] = states[0];
                first += 1;
            }
            self.glide = glide;
        }
    }
}

/// Filters `N` channels in place.
fn run<const N: usize>(
    mut planes: [&mut [f32]; N],
    states: &mut [SvfState; N],
    glide: &mut Glide,
    since_reset: u64,
) {
    let frames = planes[0].len();
    let mut done = 0;
    while done < frames {
        let to_flush = FLUSH_FRAMES - (since_reset + done as u64) % FLUSH_FRAMES;
        let end = frames.min(done + to_flush as usize);
        while done < end && glide.left > 0 {
            step(&mut planes, done, states, &SvfSolved::from(&glide.next()));
            done += 1;
        }
        if glide.rests_flat() {
            return states.fill(SvfState::default());
        }
        let solved = SvfSolved::from(&glide.now());
        let mut chunk = planes.each_mut().map(|plane| &mut plane[done..end]);
        let mut local = *states;
        for frame in 0..end - done {
            step(&mut chunk, frame, &mut local, &solved);
        }
        *states = local;
        done = end;
        if (since_reset + end as u64).is_multiple_of(FLUSH_FRAMES) {
            states.iter_mut().for_each(SvfState::flush);
        }
    }
}

/// One frame of `N` channels.
#[inline(always)]
fn step<const N: usize>(
    planes: &mut [&mut [f32]; N],
    frame: usize,
    states: &mut [SvfState; N],
    solved: &SvfSolved,
) {
    for (plane, state) in planes.iter_mut().zip(states) {
        let output = state.next(f64::from(or_zero(plane[frame])), solved);
        let output = if output.abs() < SILENCE { 0.0 } else { output };
        plane[frame] = saturated(output as f32);
    }
}
