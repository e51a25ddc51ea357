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

use super::finite::saturated;
use crate::node::PrepareError;
use crate::parameter::Parameter;

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

/// Whether the corners of the key's filters, in hertz where they are on, are below half the rate.
///
/// # Errors
/// [`PrepareError::ParameterOutOfRange`].
pub fn check_key<const N: usize>(
    node: &'static str,
    sample_rate_hz: u32,
    corners: [(&'static Parameter, Option<f64>); N],
) -> Result<(), PrepareError> {
    let max = key_filter::LARGEST_FREQUENCY_NORM * f64::from(sample_rate_hz);
    for (row, asked) in corners {
        if let Some(asked) = asked.filter(|&asked| asked > max) {
            let (parameter, min) = (row.id, row.min);
            return Err(PrepareError::ParameterOutOfRange {
                node,
                parameter,
                asked,
                min,
                max,
                sample_rate_hz,
            });
        }
    }
    Ok(())
}
