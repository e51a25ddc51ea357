//! Lengths of a simulated device's blocks.

use super::random::Random;

/// Lengths of the blocks a device delivers, in frames. They change at a time by
/// [`FaultKind::Period`](super::FaultKind::Period).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blocks {
    /// All alike.
    Fixed(usize),
    /// These, over and over.
    List(Vec<usize>),
    /// By chance, from 1.
    Random {
        /// Longest.
        max: usize,
    },
}

impl Blocks {
    pub(super) fn longest(&self) -> usize {
        match self {
            Self::Fixed(frames) => *frames,
            Self::List(list) => list.iter().copied().max().unwrap_or_default(),
            Self::Random { max } => *max,
        }
    }

    pub(super) fn shortest(&self) -> usize {
        match self {
            Self::Fixed(frames) => *frames,
            Self::List(list) => list.iter().copied().min().unwrap_or_default(),
            Self::Random { max } => (*max).min(1),
        }
    }

    /// Length of block `number` of a stream.
    pub(super) fn length(&self, number: usize, random: &mut Random) -> usize {
        match self {
            Self::Fixed(frames) => *frames,
            Self::List(list) => list[number % list.len()],
            Self::Random { max } => random.whole(1, *max as u64) as usize,
        }
    }
}
