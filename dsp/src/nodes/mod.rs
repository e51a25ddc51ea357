//! The nodes, one folder or file each; the registry lists them.

pub mod compressor;
pub mod de_esser;
pub mod delay;
pub mod envelope_limiter;
pub mod gain;
pub mod gate;
pub mod graphic_eq;
pub mod loudness;
pub mod mid_side;
pub mod multiband_compressor;
pub mod pan;
pub mod parametric_eq;
pub mod true_peak_limiter;
pub mod width;
