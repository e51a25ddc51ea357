//! Random access to more frames than memory holds.
//!
//! A [`BufferedArray`] is indexed like one long array of frames. Behind it stands a [`Source`] that
//! can load any range, and a buffer: a window of frames that moves with what is asked for. The
//! source may be a file ([`FileSource`]), a computation ([`Computed`]), samples in memory
//! ([`InMemory`]), or one that still grows, like a take that is being recorded.

mod array;
mod blocks;
mod error;
mod file_source;
mod index;
mod iterate;
mod key;
mod placement;
mod source;
mod window;

pub use array::BufferedArray;
pub use blocks::{BlockRanges, block_ranges, blocks};
pub use error::{ArrayError, OverlapTooLong};
pub use file_source::FileSource;
pub use index::Array;
pub use iterate::{Blocks, Frames};
pub use key::Key;
pub use source::{Computed, InMemory, Source};
