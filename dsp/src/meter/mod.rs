//! Meters: numbers that say how loud a sound is. They listen and change nothing.
//!
//! | meter | says |
//! |---|---|
//! | [`SamplePeak`] | the largest sample, held and then falling |
//! | [`TruePeak`] | the largest value between the samples too (ITU-R BS.1770) |
//! | [`Rms`] | root mean square of the last moments |
//! | [`Vu`] | a volume indicator's needle (IEC 60268-17) |
//! | [`KSystem`] | K-12, K-14 and K-20 |
//! | [`Loudness`] | LUFS momentary, short-term, integrated; loudness range (EBU R 128) |
//! | [`Correlation`] | how alike left and right are |
//!
//! Each is made for a rate and a number of channels, allocates nothing afterwards, and takes a
//! [`View`] of any length, planar or interleaved. What it says does not depend on how the stream was
//! cut, bit for bit. Samples that are not finite are taken as silence.

mod correlation;
pub(crate) mod error;
mod hops;
mod k_system;
pub(crate) mod loudness;
mod rms;
mod sample_peak;
mod true_peak;
mod view;
mod vu;
pub(crate) mod window;

pub use correlation::Correlation;
pub use error::MeterError;
pub use k_system::{KScale, KSystem};
pub use loudness::{ChannelKind, Loudness, layout};
pub use rms::Rms;
pub use sample_peak::SamplePeak;
pub use true_peak::TruePeak;
pub use view::View;
pub use vu::Vu;
