//! The parts that nodes are made of.

pub mod decibel;
pub mod delay_line;
pub mod falling_peak;
pub mod finite;
pub mod moving_maximum;
pub mod pan_law;
pub mod silence;
pub mod smoothed;
pub mod svf;
pub mod true_peak;
pub mod vectors;
pub mod window;
