//! What compressors, gates and expanders are made of: level, curve, ballistics.
//!
//! Levels and reductions are counted in octaves of amplitude ([`octaves`](super::octaves)). A block
//! is worked through in pieces of at most [`PIECE`] frames, one step after the other over a whole
//! piece, so that each step is a loop that runs in wide registers. No step looks at where a piece or
//! a block begins.

pub mod ballistics;
pub mod compression;
pub mod curve;
pub mod detector;
pub mod key_filter;
pub mod level;
pub mod rows;

use super::finite::saturated;

/// The most frames that are worked on at once.
pub const PIECE: usize = 128;

/// One number for each frame of a piece.
pub type Piece = [f32; PIECE];

/// Multiplies samples by the gains of their frames.
///
/// # Real-time
/// Safe.
#[inline(always)]
pub fn apply(gains: &Piece, samples: &mut [f32]) {
    for (sample, gain) in samples.iter_mut().zip(gains) {
        *sample = saturated(*sample * gain);
    }
}
