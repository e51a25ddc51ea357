//! Why a buffered array gave no answer.

use std::error::Error;

/// Why a buffered array gave no answer. The buffer is true after every one of them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArrayError<E: Error + 'static> {
    /// There is no such place on an axis; nothing was loaded.
    #[error("index {index} is outside of axis {axis} of length {length}")]
    IndexOutOfRange {
        /// The axis: 0 for frames, 1 for channels, and so on.
        axis: usize,
        /// The index asked for; negative ones count from the end.
        index: i64,
        /// Length of the axis.
        length: u64,
    },
    /// A range that goes nowhere; nothing was loaded.
    #[error("a step of 0 on axis {axis}")]
    StepZero {
        /// The axis.
        axis: usize,
    },
    /// More keys than the array has axes; nothing was loaded.
    #[error("{given} keys for an array of {axes} dimensions")]
    TooManyKeys {
        /// Keys given.
        given: usize,
        /// Dimensions of the array.
        axes: usize,
    },
    /// Blocks that would not get on; nothing was loaded.
    #[error(transparent)]
    OverlapTooLong(#[from] OverlapTooLong),
    /// The frames asked for at once do not fit into memory: ask for less.
    #[error("{frames} frames do not fit into memory")]
    TooLarge {
        /// Frames to be held.
        frames: u64,
    },
    /// The source could not load; asking again may help. The buffer holds less than before.
    #[error("frames {offset} to {end} could not be loaded: {source}")]
    Load {
        /// First frame that was to be loaded.
        offset: u64,
        /// Frame behind the last one.
        end: u64,
        /// What the source said.
        source: E,
    },
}

/// Blocks that overlap by their whole size would be the same block for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an overlap of {overlap} frames is too long for blocks of {size} (it must be less)")]
pub struct OverlapTooLong {
    /// Frames of a block.
    pub size: u64,
    /// Frames shared by neighbours.
    pub overlap: u64,
}
