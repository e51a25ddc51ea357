//! The program from outside: command lines in, exit codes, output and files out.

mod call;
mod devices;
mod doctor;
mod events;
mod fx;
mod garbage;
mod info;
mod null_device;
mod overwrite;
mod render;
mod replay;
mod signals;
mod sim;
mod sound;
mod usage;
