//! Pictures: a canvas with its PNG file, scales from values to pixels, and the plots made of them.

pub mod canvas;
pub mod heat_map;
pub mod plot;
pub mod scale;
