//! Why a file could not be opened, read or written.

use std::io;

use crate::sample::SampleFormat;

/// Why a file could not be opened, read or written. The path is the caller's to add.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// There is no such file: give another path.
    #[error("no such file")]
    NotFound,
    /// The system does not allow it: another user, another place or other rights.
    #[error("permission denied")]
    PermissionDenied,
    /// The path is a directory or something else that holds no bytes at places.
    #[error("not a regular file")]
    NotAFile,
    /// The file is there and holds nothing.
    #[error("the file is empty")]
    Empty,
    /// The content is no audio that is known here, whatever the name says.
    #[error("the content is not audio in a known format")]
    NotAudio,
    /// It is audio, of a kind that is not read here: convert it with another program.
    #[error("{what} is not supported")]
    Unsupported {
        /// The container, codec or property.
        what: String,
    },
    /// It claims to be audio and contradicts itself; there is nothing to play.
    #[error("the file is damaged: {what}")]
    Damaged {
        /// What is wrong.
        what: String,
    },
    /// A file is there already and may not be replaced.
    #[error("the file exists already")]
    AlreadyExists,
    /// Another program, or another part of this one, is writing the file: wait, or take another name.
    #[error("the file is being written")]
    InUse,
    /// The storage is full, or the user's share of it, or the file system's limit for one file:
    /// make room or go on elsewhere. What the file holds by then stays good.
    #[error("no room left after {frames} frames")]
    NoRoom {
        /// Whole frames that are in the file.
        frames: u64,
    },
    /// A file cannot be written at this sample rate.
    #[error("sample rate {asked} Hz cannot be written (1 to {max})")]
    SampleRateUnsupported {
        /// The rate asked for, in hertz.
        asked: u32,
        /// The highest rate that can be written, in hertz.
        max: u32,
    },
    /// A file cannot be written with this number of channels.
    #[error("{asked} channels cannot be written (1 to {max})")]
    ChannelsUnsupported {
        /// The channels asked for.
        asked: usize,
        /// The most channels that can be written in this sample format.
        max: usize,
    },
    /// A kind of file cannot hold samples of this format.
    #[error("{kind} cannot hold {asked} samples ({allowed})")]
    FormatUnsupported {
        /// The kind of file.
        kind: &'static str,
        /// The format asked for.
        asked: SampleFormat,
        /// The formats it can hold.
        allowed: &'static str,
    },
    /// The file's extension names no format that is written.
    #[error("extension \"{asked}\" is no format to write ({allowed})")]
    ExtensionUnknown {
        /// The extension, without its dot; nothing if there is none.
        asked: String,
        /// The extensions that are known.
        allowed: &'static str,
    },
    /// Loudspeakers were named for more channels than there are.
    #[error("channel mask {mask:#x} names more loudspeakers than {channels} channels")]
    MaskUnfit {
        /// The mask asked for.
        mask: u32,
        /// The channels of the file.
        channels: usize,
    },
    /// A text cannot be written into the file.
    #[error("the {field} does not fit ({allowed})")]
    TagUnfit {
        /// Which text.
        field: &'static str,
        /// What would fit.
        allowed: &'static str,
    },
    /// Samples given or asked for do not make whole frames.
    #[error("{samples} samples are no whole frames of {channels} channels")]
    TornFrame {
        /// Number of samples given or asked for.
        samples: usize,
        /// Samples of a frame.
        channels: usize,
    },
    /// A place beyond the end of the file was asked for.
    #[error("frame {asked} is beyond the end at frame {frames}")]
    BeyondEnd {
        /// The frame asked for.
        asked: u64,
        /// Frames of the file.
        frames: u64,
    },
    /// The system failed otherwise; trying again may help.
    #[error("{0}")]
    Io(#[source] io::Error),
}

impl From<io::Error> for FileError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::PermissionDenied => Self::PermissionDenied,
            io::ErrorKind::AlreadyExists => Self::AlreadyExists,
            io::ErrorKind::IsADirectory => Self::NotAFile,
            _ => Self::Io(error),
        }
    }
}

impl FileError {
    /// The error of a write that failed when `frames` whole frames were in the file.
    pub(super) fn writing(error: io::Error, frames: u64) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Self::NoRoom { frames },
            _ => error.into(),
        }
    }
}
