//! The parts that nodes are made of.

pub mod analogue;
pub mod cascade;
pub mod crossover;
pub mod decibel;
pub mod delay_line;
pub mod dynamics;
pub mod fading;
pub mod finite;
pub mod glide;
pub mod look_ahead;
pub mod matched;
pub mod moving_max;
pub mod octaves;
pub mod pan_law;
pub mod silence;
pub mod smoothed;
pub mod stereo_matrix;
pub mod svf;
pub mod svf_glide;
pub mod true_peak;
pub mod vectors;
pub mod window;
