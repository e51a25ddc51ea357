//! The nodes, one folder or file each; the registry lists them.

pub mod compressor;
pub mod delay;
pub mod envelope_limiter;
pub mod gain;
pub mod mid_side;
pub mod pan;
pub mod parametric_eq;
pub mod width;
