//! The commands, one per file.

pub mod bench;
pub mod devices;
pub mod doctor;
pub mod fx;
pub mod info;
pub mod live;
pub mod measure;
pub mod meter;
pub mod play;
pub mod rec;
pub mod recover;
pub mod render;
pub mod replay;
pub mod sim;
pub mod spectrogram;
pub mod tune;
