//! The list of gaps beside a take: `take.wav.gaps.json`.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{self, Path, PathBuf};

use serde::{Deserialize, Serialize};

use ossicle_io::file::{LimitedFile, time_reference_frames};

use super::names::{beside, folder};
use super::recorded::{Gap, TakeFile};

/// What the list is called beside its file.
pub(super) const ENDING: &str = "gaps.json";

/// The list of gaps as it stands in its file: a JSON object of these fields.
///
/// It is there from the first gap on, whole at any time, and says `closed` in the end. A take
/// without gaps has none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GapList {
    /// Version of this form: 2. In 1 the files have no `time_reference_frames`.
    pub version: u32,
    /// Name of the first file of the take.
    pub file: String,
    /// Sample rate in hertz.
    pub sample_rate_hz: u32,
    /// Channels of a frame.
    pub channels: usize,
    /// Frames of the take that the list is for: by the time it was written, they were in its files or
    /// about to be.
    pub frames: u64,
    /// The files by the time the list was written, in order. Lists of older versions have none.
    #[serde(default)]
    pub files: Vec<ListedFile>,
    /// The gaps, in order of their positions.
    pub gaps: Vec<ListedGap>,
    /// The take was closed in order; else the list goes as far as `frames`.
    pub closed: bool,
}

/// A file of the take in a [`GapList`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedFile {
    /// Its name; with its folder where that is another than the list's.
    pub file: String,
    /// Position in the take of its first frame.
    pub first_frame: u64,
    /// The place of that frame in the day, in frames, as the tags of the file say it: a file of the
    /// same name in which another stands is one of another take.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_reference_frames: Option<u64>,
}

/// A gap in a [`GapList`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ListedGap {
    /// Position of the first lost frame, in frames from the take's start.
    pub position: u64,
    /// Number of lost frames.
    pub frames: u64,
    /// The same in seconds.
    pub seconds: f64,
    /// What lost them, in words: `xrun`, `device gone`.
    pub cause: String,
    /// Name of the file that its first frame is in.
    pub file: String,
}

impl GapList {
    /// The list of a take of these files, each with its place in the day, as it is beside the file
    /// `place` and goes as far as `frames`.
    pub(super) fn new(
        place: &Path,
        files: &[(TakeFile, Option<u64>)],
        (sample_rate_hz, channels): (u32, usize),
        gaps: &[Gap],
        (frames, closed): (u64, bool),
    ) -> Self {
        let name = |(file, _): &(TakeFile, _)| {
            let name = file.path.file_name().unwrap_or_default();
            name.to_string_lossy().into_owned()
        };
        let file_at = |position| {
            let behind = files.partition_point(|(file, _)| file.first_frame <= position);
            behind
                .checked_sub(1)
                .map_or_else(String::new, |at| name(&files[at]))
        };
        let listed_file = |file: &(TakeFile, Option<u64>)| ListedFile {
            file: match folder(&file.0.path) == folder(place) {
                true => name(file),
                false => absolute(&file.0.path),
            },
            first_frame: file.0.first_frame,
            time_reference_frames: file.1,
        };
        let listed = gaps.iter().map(|gap| ListedGap {
            position: gap.position,
            frames: gap.frames,
            seconds: gap.frames as f64 / f64::from(sample_rate_hz),
            cause: gap.cause.to_string(),
            file: file_at(gap.position),
        });
        Self {
            version: 2,
            file: files.first().map_or_else(String::new, name),
            sample_rate_hz,
            channels,
            frames,
            files: files.iter().map(listed_file).collect(),
            gaps: listed.collect(),
            closed,
        }
    }

    /// What the list beside `place` says of the file of a name.
    pub(super) fn file_named(&self, place: &Path, file: &Path) -> Option<&ListedFile> {
        let is_it = |listed: &&ListedFile| absolute(&self.path_of(place, listed)) == absolute(file);
        self.files.iter().find(is_it)
    }

    /// The take has no frames behind `end`: no gaps are there either.
    pub(super) fn end_at(&mut self, end: u64) {
        self.frames = end;
        let hertz = f64::from(self.sample_rate_hz);
        self.gaps.retain_mut(|gap| {
            let left = end.saturating_sub(gap.position);
            if left < gap.frames {
                (gap.frames, gap.seconds) = (left, left as f64 / hertz);
            }
            left > 0
        });
    }

    /// Names a file that the list beside `place` does not name yet, behind those that it names.
    pub(super) fn add(&mut self, place: &Path, file: &Path, first_frame: u64) {
        if !self.files.is_empty() && self.file_named(place, file).is_none() {
            let name = file.file_name().unwrap_or_default();
            self.files.push(ListedFile {
                file: match folder(file) == folder(place) {
                    true => name.to_string_lossy().into_owned(),
                    false => absolute(file),
                },
                first_frame,
                time_reference_frames: time_reference_frames(file).ok().flatten(),
            });
        }
    }

    /// Where a file of the list beside `place` is.
    pub(super) fn path_of(&self, place: &Path, listed: &ListedFile) -> PathBuf {
        folder(place).join(&listed.file)
    }

    /// Reads the list beside a file; `None` where there is none.
    ///
    /// # Errors
    /// The system's, or what is not such a list.
    pub fn load(file: &Path) -> io::Result<Option<Self>> {
        match fs::read(Self::path(file)) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes the list beside a file, in one step: whoever reads it finds the old or the new one.
    ///
    /// # Errors
    /// The system's.
    pub fn save(&self, file: &Path) -> io::Result<()> {
        replace(&Self::path(file), &serde_json::to_vec_pretty(self)?)
    }

    /// Where the list of a file is: `take.wav.gaps.json` beside `take.wav`.
    pub fn path(file: &Path) -> PathBuf {
        beside(file, ENDING)
    }
}

impl ListedFile {
    /// Whether a file may be this one, by what both say of its place in the day.
    pub(super) fn may_be(&self, file: &Path) -> bool {
        match (self.time_reference_frames, time_reference_frames(file)) {
            (Some(listed), Ok(Some(said))) => listed == said,
            _ => true,
        }
    }
}

fn absolute(path: &Path) -> String {
    let absolute = path::absolute(path).unwrap_or_else(|_| path.to_owned());
    absolute.to_string_lossy().into_owned()
}

/// Writes a file in one step: beside it, synced, then in its place.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = beside(path, "part");
    let write = || {
        let mut file = LimitedFile::create(&temporary)?;
        file.write_all(bytes)?;
        file.write_all(b"\n")?;
        file.sync()?;
        fs::rename(&temporary, path)
    };
    let result = write();
    if result.is_err() {
        let _ = fs::remove_file(&temporary);
    } else if let Ok(folder) = File::open(folder(path)) {
        let _ = folder.sync_all();
    }
    result
}
