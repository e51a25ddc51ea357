//! Sound files: reading any format as a stream of frames, writing WAV that is true at every
//! checkpoint.

mod aiff_layout;
mod audio_file;
mod codec;
mod decoded;
mod error;
mod export;
mod pcm;
mod positioned;
mod quiet;
mod w64_layout;
mod wav_format;
mod wav_header;
mod wav_layout;
mod wav_reader;
mod wav_writer;

pub use audio_file::{AudioFile, FileInfo};
pub use error::FileError;
pub use export::export_wav;
pub use wav_reader::WavReader;
pub use wav_writer::{Overwrite, WavSpec, WavWriter};
