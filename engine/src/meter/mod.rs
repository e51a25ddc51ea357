//! Measuring sound: all meters at once, whole files, and spectra.
//!
//! The meters themselves are in [`dsp::meter`](ossicle_dsp::meter).

mod clips;
mod program;
mod readings;
mod scan;
mod spectrum;

pub use program::{ProgramLoudness, ProgramMeter};
pub use readings::{ChannelReadings, Meters, Readings};
pub use scan::{Scan, scan};
pub use spectrum::Spectrum;
