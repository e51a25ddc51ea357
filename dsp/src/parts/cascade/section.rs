//! One filter of a row, for any number of channels: at rest by groups of frames, on its way frame
//! by frame.

use alloc::vec;
use alloc::vec::Vec;

use super::super::svf::{SvfCoefficients, SvfSolved, SvfState};
use super::super::svf_glide::SvfGlide;
use super::kernel::{GROUP, Kernel};
use super::{Chunk, Pair};

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
    glide: SvfGlide,
    kernel: Kernel,
    /// Whether memories are those of whole groups.
    rests: bool,
    memories: Vec<Memory>,
}

impl Section {
    /// A section at rest; its glides take `glide_frames` frames, at least 1.
    pub(super) fn new(to: SvfCoefficients, glide_frames: u32, pairs: usize) -> Self {
        Self {
            glide: SvfGlide::new(to, glide_frames),
            kernel: Kernel::from(&to),
            rests: true,
            memories: vec![Memory::default(); pairs],
        }
    }

    /// Starts a glide to other coefficients; the next frame is `held` frames into a group.
    pub(super) fn set(&mut self, to: SvfCoefficients, held: usize) {
        if self.rests {
            // A flat section has nothing to remember.
            let held = if self.glide.rests_flat() { 0 } else { held };
            self.leave_group(held);
        }
        self.glide.set(to);
        self.kernel = Kernel::from(&self.glide.target());
    }

    /// Brings the memories from the first frame of the group to the next frame.
    fn leave_group(&mut self, held: usize) {
        let solved = SvfSolved::from(&self.glide.now());
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
        self.glide.finish();
        self.rests = true;
        self.memories.fill(Memory::default());
    }

    /// The coefficients now and those the section is on its way to.
    pub(super) fn coefficients(&self) -> [SvfCoefficients; 2] {
        [self.glide.now(), self.glide.target()]
    }

    /// Whether that is where the section is, or on its way to.
    pub(super) fn is_bound_for(&self, to: &SvfCoefficients) -> bool {
        let target = self.glide.target();
        target == *to || (target.is_flat() && to.is_flat())
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
        self.rests |= self.glide.frames_left() == 0
            && (moving < length || (held + length).is_multiple_of(GROUP));
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
        let left = self.glide.frames_left();
        if self.glide.target().is_flat() {
            return left.min(length);
        }
        ((held + left).next_multiple_of(GROUP) - held).min(length)
    }

    fn move_on(&mut self, chunks: &mut [Chunk], frames: usize) {
        let start = self.glide;
        for (memory, chunk) in self.memories.iter_mut().zip(chunks) {
            self.glide = start;
            for sample in &mut chunk[..frames] {
                *sample = memory.step(*sample, &SvfSolved::from(&self.glide.next_value()));
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
    let (groups, behind) = frames.as_chunks_mut();
    let mut state = memory.state;
    kernel.run(&mut state, groups);
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
    kernel.run(&mut state, core::slice::from_mut(&mut group));
    frames.copy_from_slice(&group[held..end]);
    if end == GROUP {
        memory.state = state;
    }
}
