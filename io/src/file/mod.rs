//! Sound files: reading any format as a stream of frames, writing WAV that is true at every
//! checkpoint.

mod aiff_layout;
mod audio_file;
mod audio_writer;
mod codec;
mod comments;
mod decoded;
mod encoded_writer;
mod encoder;
mod error;
mod export;
mod file_storage;
mod flac_encoder;
mod flac_find;
mod flac_front;
mod flac_recover;
mod forward;
mod local_time;
mod locked_file;
#[cfg(test)]
#[path = "../../tests/wav_takes/logged.rs"]
mod logged;
mod name_held;
mod ogg_encoder;
mod ogg_page;
mod ogg_recover;
mod pcm;
mod positioned;
mod quiet;
pub mod recover;
mod room;
mod size_limit;
mod storage;
mod time_reference;
mod w64_layout;
mod wav_checkpoint;
mod wav_format;
mod wav_header;
mod wav_labels;
mod wav_layout;
mod wav_reader;
mod wav_recover;
mod wav_tags;
mod wav_writer;

pub use audio_file::{AudioFile, FileInfo};
pub use audio_writer::{AudioWriter, FileKind};
pub use error::FileError;
pub use export::export_wav;
pub use file_storage::{FileStorage, Overwrite};
pub use name_held::leads_to;
pub use room::free_bytes;
pub use size_limit::LimitedFile;
pub use storage::Storage;
pub use time_reference::time_reference_frames;
pub use wav_labels::Label;
pub use wav_reader::WavReader;
pub use wav_tags::{Bext, BextLoudness, CivilTime, Ixml, Tags};
pub use wav_writer::{WavSpec, WavWriter};
