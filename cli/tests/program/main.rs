//! The program from outside: command lines in, exit codes, output and files out.

mod bench;
mod call;
mod devices;
mod doctor;
mod events;
mod full_disk;
mod fx;
mod garbage;
mod gate;
mod info;
mod keys;
mod loudness;
mod measure;
mod measure_devices;
mod null_device;
mod overwrite;
mod recorder_says;
mod recording;
mod render;
mod replay;
mod signals;
mod sim;
mod sound;
mod spectrogram;
mod tune;
mod usage;
