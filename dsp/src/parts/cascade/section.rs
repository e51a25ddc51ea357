//! One filter of a row, for any number of channels: at rest by groups of frames, on its way frame
//! by frame.

use alloc::vec;
use alloc::vec::Vec;

use super::super::svf::{SvfCoefficients, SvfSolved, SvfState};
use super::kernel::{GROUP, Kernel};
use super::{Chunk, Pair};

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

    #[inline(always)]
    fn next(&mut self) -> SvfSolved {
        self.left = self.left.saturating_sub(1);
        SvfSolved::from(&self.now())
    }

    /// Whether from here on the output is the input.
    fn rests_flat(&self) -> bool {
        self.left == 0 && self.to.is_flat()
    }
}

/// What is remembered of two channels.
#[derive(Clone, Copy, Debug, Default)]
struct Memory {
    /// `[first, first, second, second]` of the two states: at the first frame of the group while
    /// the section rests, else at the next frame.
    state: [f64; 4],
    /// The inputs of the group so far, while the section rests.
    held: [Pair; GROUP],
}

impl Memory {
    /// The next frame of both channels.
    #[inline(always)]
    fn step(&mut self, input: Pair, solved: &SvfSolved) -> Pair {
        let mut out = [0.0; 2];
        for lane in 0..2 {
            let mut state = SvfState {
                s1: self.state[lane],
                s2: self.state[lane + 2],
            };
            out[lane] = state.next(input[lane], solved);
            (self.state[lane], self.state[lane + 2]) = (state.s1, state.s2);
        }
        out
    }
}

/// A filter of a row.
#[derive(Clone, Debug)]
pub(super) struct Section {
    glide: Glide,
    kernel: Kernel,
    /// Whether memories are those of whole groups.
    rests: bool,
    memories: Vec<Memory>,
}

impl Section {
    /// A section at rest; its glides take `glide_frames` frames, at least 1.
    pub(super) fn new(to: SvfCoefficients, glide_frames: u32, pairs: usize) -> Self {
        Self {
            glide: Glide {
                from: to,
                to,
                left: 0,
                frames: glide_frames.max(1),
            },
            kernel: Kernel::from(&to),
            rests: true,
            memories: vec![Memory::default(); pairs],
        }
    }

    /// Starts a glide to other coefficients.
    ///
    /// A section that comes from or goes to flat keeps the filter's frequency and quality on the
    /// way: only the mix moves.
    pub(super) fn set(&mut self, to: SvfCoefficients, held: usize) {
        let now = self.glide.now();
        let flat = self.glide.rests_flat();
        if self.rests {
            self.leave_group(if flat { 0 } else { held }, &now);
        }
        self.glide.from = if flat { to.flattened() } else { now };
        self.glide.to = if to.is_flat() {
            self.glide.from.flattened()
        } else {
            to
        };
        self.glide.left = self.glide.frames;
        self.kernel = Kernel::from(&self.glide.to);
    }

    /// Brings the memories from the first frame of the group to the next frame.
    fn leave_group(&mut self, held: usize, now: &SvfCoefficients) {
        let solved = SvfSolved::from(now);
        for memory in &mut self.memories {
            let inputs = memory.held;
            for input in &inputs[..held] {
                memory.step(*input, &solved);
            }
        }
        self.rests = false;
    }

    /// Silences the memories and ends the glide.
    pub(super) fn reset(&mut self) {
        self.glide.left = 0;
        self.rests = true;
        self.memories.fill(Memory::default());
    }

    /// The coefficients now and those the section is on its way to.
    pub(super) fn coefficients(&self) -> [SvfCoefficients; 2] {
        [self.glide.now(), self.glide.to]
    }

    /// Whether that is where the section is, or on its way to.
    pub(super) fn is_bound_for(&self, to: &SvfCoefficients) -> bool {
        self.glide.to == *to || (self.glide.to.is_flat() && to.is_flat())
    }

    /// Whether from here on the output is the input.
    pub(super) fn rests_flat(&self) -> bool {
        self.glide.rests_flat()
    }

    /// Filters a chunk of all pairs of channels in place. The chunk begins `held` frames into a
    /// group.
    #[inline(always)]
    pub(super) fn process(&mut self, chunks: &mut [Chunk], length: usize, held: usize) {
        let moving = self.moving_frames(length, held);
        if moving > 0 {
            self.move_on(chunks, moving);
        }
        if self.glide.rests_flat() {
            return self.reset();
        }
        self.rests |=
            self.glide.left == 0 && (moving < length || (held + length).is_multiple_of(GROUP));
        for (memory, chunk) in self.memories.iter_mut().zip(chunks) {
            rest(
                &self.kernel,
                memory,
                &mut chunk[moving..length],
                (held + moving) % GROUP,
            );
        }
    }

    /// Frames of the chunk that are filtered one by one: those of the glide, and on to the end of
    /// a group.
    #[inline(always)]
    fn moving_frames(&self, length: usize, held: usize) -> usize {
        if self.rests {
            return 0;
        }
        let left = self.glide.left as usize;
        if self.glide.to.is_flat() {
            return left.min(length);
        }
        ((held + left).next_multiple_of(GROUP) - held).min(length)
    }

    fn move_on(&mut self, chunks: &mut [Chunk], frames: usize) {
        let start = self.glide;
        for (memory, chunk) in self.memories.iter_mut().zip(chunks) {
            self.glide = start;
            for sample in &mut chunk[..frames] {
                *sample = memory.step(*sample, &self.glide.next());
            }
        }
    }

    /// What is nearly silent becomes silent, far above the subnormal numbers.
    pub(super) fn flush(&mut self) {
        for Memory { state, .. } in &mut self.memories {
            for lane in 0..2 {
                if state[lane].abs() + state[lane + 2].abs() < 1e-30 {
                    (state[lane], state[lane + 2]) = (0.0, 0.0);
                }
            }
        }
    }
}

/// Filters frames that begin `held` frames into a group. A group that is cut is worked on again from
/// its first frame when more of it is there.
#[inline(always)]
fn rest(kernel: &Kernel, memory: &mut Memory, mut frames: &mut [Pair], held: usize) {
    if held > 0 {
        let (now, behind) = frames.split_at_mut(frames.len().min(GROUP - held));
        part(kernel, memory, now, held);
        frames = behind;
    }
    let mut state = memory.state;
    let (groups, behind) = frames.as_chunks_mut();
    for group in groups {
        kernel.run(&mut state, group);
    }
    memory.state = state;
    if !behind.is_empty() {
        part(kernel, memory, behind, 0);
    }
}

/// Filters part of a group, which begins `held` frames into it.
#[inline(never)]
fn part(kernel: &Kernel, memory: &mut Memory, frames: &mut [Pair], held: usize) {
    let end = held + frames.len();
    memory.held[held..end].copy_from_slice(frames);
    let mut group = memory.held;
    group[end..].fill([0.0; 2]);
    let mut state = memory.state;
    kernel.run(&mut state, &mut group);
    frames.copy_from_slice(&group[held..end]);
    if end == GROUP {
        memory.state = state;
    }
}
