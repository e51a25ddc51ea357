//! What is recorded, and where to.

use std::path::PathBuf;
use std::sync::Arc;

use ossicle_dsp::dither::Dither;
use ossicle_io::file::{Overwrite, Tags};
use ossicle_io::sample::SampleFormat;

use super::disk::{Disk, Files};
use crate::session::Moment;

/// What is recorded, and where to.
#[derive(Clone, Debug)]
pub struct RecordConfig {
    /// The file; its extension names its format, see
    /// [`FileKind`](ossicle_io::file::FileKind). With a [`split`](Self::split), `take.wav` becomes `take-001.wav`,
    /// `take-002.wav` and so on.
    pub path: PathBuf,
    /// Sample format in the file.
    pub format: SampleFormat,
    /// Where the sound is taken.
    pub tap: Tap,
    /// With [`Tap::Input`], which capture device, from 0 in the order in which they are named.
    pub input: usize,
    /// What the file says of itself. When it was recorded is added, where nothing is said of that.
    pub tags: Tags,
    /// Whether a file that is there may be replaced.
    pub overwrite: Overwrite,
    /// How samples become integers, where the format has them. A gap is exact silence all the same.
    pub dither: Dither,
    /// How much sound may wait in memory for a slow disk, in seconds.
    pub memory_seconds: f64,
    /// Time between two moments at which the file on disk is true, in seconds.
    pub checkpoint_seconds: f64,
    /// Where the take goes on in another file, if anywhere.
    pub split: Option<Split>,
    /// A folder in which the take goes on, in a file of the next number, when the disk of the first
    /// file is full or fails. Without one the recording ends there.
    pub spill: Option<PathBuf>,
    /// What the files are on.
    pub disk: Arc<dyn Disk>,
}

impl RecordConfig {
    /// Records what is played, after the chain, as 32-bit float, never over another file, in one
    /// file, with up to 60 s waiting in memory and a checkpoint every 0.25 s.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            format: SampleFormat::F32,
            tags: Tags::default(),
            tap: Tap::Post,
            input: 0,
            overwrite: Overwrite::Never,
            dither: Dither::None,
            memory_seconds: 60.0,
            checkpoint_seconds: 0.25,
            split: None,
            spill: None,
            disk: Arc::new(Files),
        }
    }
}

/// Where the sound of a recording is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tap {
    /// In the capture callback, as the device delivered it.
    Input,
    /// At the chain's input.
    Pre,
    /// After the chain: what is played.
    Post,
}

/// Where a take goes on in another file. No frame is lost: the files joined are the unsplit take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Split {
    /// After so much sound, each time.
    Every(Moment),
    /// Before a file would have more bytes, as near as its format tells; at least one frame is in
    /// each.
    Bytes(u64),
    /// Where all channels were below a level for so long, once for each such pause. Frames that were
    /// lost are no pause.
    Silence {
        /// Level in dBFS.
        below_db: f64,
        /// Length of the pause in seconds.
        seconds: f64,
    },
}
