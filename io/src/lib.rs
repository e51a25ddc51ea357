//! Devices, rings and files of the Ossicle audio engine. Nothing here changes sound but its format.

pub mod buffered_array;
pub mod device;
pub mod doctor;
pub mod file;
pub mod realtime;
pub mod rights;
pub mod ring;
pub mod sample;
