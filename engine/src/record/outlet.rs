//! The files of a take, one after the other.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ossicle_io::file::{FileError, Label, Overwrite, Tags, WavSpec};

use super::config::{RecordConfig, Split};
use super::disk::Disk;
use super::names::{folder, numbered};
use super::open_file::OpenFile;
use super::recorded::{Gap, Mark};
use super::take::Take;

/// Names that are tried where others have the first ones.
const MOST_NAMES: usize = 10_000;
/// Bytes of a file that are kept for what is no sound, where its size is limited: header and labels.
const OTHER_BYTES: u64 = 4096;
/// Frames that an encoder may hold back.
const BLOCK_FRAMES: u64 = 16_384;

/// The file that is written, and where the take goes on behind it.
pub(super) struct Outlet {
    spec: WavSpec,
    disk: Arc<dyn Disk>,
    overwrite: Overwrite,
    tags: Tags,
    /// The path that numbers are put into.
    pattern: PathBuf,
    /// Folder to go on in when the disk takes no more, while that has not happened.
    spill: Option<PathBuf>,
    most_bytes: Option<u64>,
    number: usize,
    file: OpenFile,
}

/// How the last file of a take ended.
pub(super) struct Closed {
    pub(super) path: PathBuf,
    pub(super) error: Option<FileError>,
    /// Position in the take behind its last frame.
    pub(super) end: u64,
}

impl Outlet {
    /// Creates the first file.
    pub(super) fn create(
        config: &RecordConfig,
        spec: WavSpec,
    ) -> Result<Self, (PathBuf, FileError)> {
        let path = match config.split {
            Some(_) => numbered(&config.path, 1),
            None => config.path.clone(),
        };
        let disk = config.disk.clone();
        let file = OpenFile::create(&*disk, &path, &spec, &config.tags, config.overwrite, 0);
        let file = file.map_err(|error| (path, error))?;
        Ok(Self {
            spec,
            disk,
            overwrite: config.overwrite,
            tags: config.tags.clone(),
            pattern: config.path.clone(),
            spill: config.spill.clone(),
            most_bytes: match config.split {
                Some(Split::Bytes(bytes)) => Some(bytes),
                _ => None,
            },
            number: 1,
            file,
        })
    }

    /// The file that is written.
    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// The folder it is in.
    pub(super) fn folder(&self) -> &Path {
        folder(self.file.path())
    }

    /// Position in the take of its first frame.
    pub(super) fn first(&self) -> u64 {
        self.file.first()
    }

    /// Position in the take behind the last frame that is in a file.
    pub(super) fn end(&self) -> u64 {
        self.file.end()
    }

    /// Position in the take behind the last frame that outlasts a power cut.
    pub(super) fn lasting_end(&self) -> u64 {
        self.file.lasting_end()
    }

    /// Frames last as far as they can before the file is closed: an encoder holds the last back.
    pub(super) fn lasts(&self) -> bool {
        self.file.holds_back() || self.lasting_end() == self.end()
    }

    /// Position in the take at which its file is as large as it may be; `u64::MAX` for nowhere.
    pub(super) fn largest_end(&self) -> u64 {
        let frame_bytes = (self.spec.channels * self.spec.format.bytes()) as u64;
        let Some(most) = self.most_bytes.map(|most| most.saturating_sub(OTHER_BYTES)) else {
            return u64::MAX;
        };
        if !self.file.holds_back() {
            return self.first().saturating_add((most / frame_bytes).max(1));
        }
        // As if what comes were not smaller than it is; near the end that is near enough.
        let left = most.saturating_sub(self.file.bytes()) / frame_bytes;
        match left < BLOCK_FRAMES && self.end() > self.first() {
            true => self.end(),
            false => self.end().saturating_add(left.max(1)),
        }
    }

    /// Appends whole frames of the take.
    pub(super) fn write(&mut self, take: &Take, interleaved: &[f32]) -> Result<(), FileError> {
        self.begin(take)?;
        self.file.write(interleaved)
    }

    /// Makes the file true on the disk for all its frames, and tells the take of it the first time.
    pub(super) fn checkpoint(&mut self, take: &Take) -> Result<(), FileError> {
        self.file.checkpoint()?;
        if self.lasting_end() > self.first() {
            self.tell(take);
        }
        Ok(())
    }

    /// Ends the take's last file. Where the take has no frame, it is an empty file.
    pub(super) fn finish(mut self, take: &Take) -> Closed {
        let error = self.close(take).err();
        Closed {
            path: self.file.path().to_owned(),
            error,
            end: self.lasting_end(),
        }
    }

    /// Leaves the take without a file where there is no frame in it.
    pub(super) fn discard(self) {
        drop(self.file);
    }

    /// Ends the file, and goes on in the next at its end.
    pub(super) fn next(&mut self, take: &Take) -> Result<(), FileError> {
        // All that is to be kept of it is lasting then, whatever becomes of its labels.
        self.checkpoint(take)?;
        let next = self.open_next(self.end())?;
        if let Err(error) = self.close(take) {
            if self.lasting_end() < next.first() {
                return Err(error);
            }
            take.note(format!("{}: {error}", self.path().display()));
        }
        self.file = next;
        Ok(())
    }

    /// The disk takes no more: goes on in the folder for that, where there is one that takes
    /// frames. Returns whether the take goes on.
    pub(super) fn go_elsewhere(&mut self, take: &Take) -> Result<bool, FileError> {
        let Some(folder) = self.spill.take() else {
            return Ok(false);
        };
        let name = self.pattern.file_name().unwrap_or_default().to_owned();
        self.pattern = folder.join(name);
        // Frames that are in the file and do not last yet may last after all.
        let _ = self.checkpoint(take);
        let mut next = self.open_next(self.lasting_end())?;
        if let Err(error) = self.close(take) {
            take.note(format!("{}: {error}", self.path().display()));
        }
        // An encoder that held frames back may have put them into the file.
        next.move_first(self.lasting_end());
        self.file = next;
        Ok(true)
    }

    /// Closes the file; its frames are lasting, whatever becomes of its labels.
    fn close(&mut self, take: &Take) -> Result<(), FileError> {
        let checked = self.checkpoint(take);
        let end = match self.file.holds_back() {
            true => self.end(),
            false => self.lasting_end(),
        };
        for label in labels(&take.gaps(), &take.marks(), self.first(), end) {
            self.file.label(label);
        }
        self.begin(take)?;
        let finished = self.file.finish();
        checked?;
        finished?;
        self.tell(take);
        Ok(())
    }

    /// Begins the file, if that is to be done: it says of which time its first frame is.
    fn begin(&mut self, take: &Take) -> Result<(), FileError> {
        let (first, rate) = (self.first(), self.spec.sample_rate_hz);
        let tags = || take.desk().gated().tags(&self.tags, first, rate);
        self.file
            .begin(&*self.disk, self.spec, tags, self.overwrite)
    }

    fn tell(&mut self, take: &Take) {
        if self.file.is_news() {
            take.begin_file(self.file.path(), self.file.first());
        }
    }

    /// Creates the file of the next number; where another has its name and may not be replaced, of
    /// the one after it.
    fn open_next(&mut self, first: u64) -> Result<OpenFile, FileError> {
        for _ in 0..MOST_NAMES {
            self.number += 1;
            let path = numbered(&self.pattern, self.number);
            let (disk, tags) = (&*self.disk, &self.tags);
            match OpenFile::create(disk, &path, &self.spec, tags, self.overwrite, first) {
                Err(FileError::AlreadyExists | FileError::InUse) => {}
                result => return result,
            }
        }
        Err(FileError::AlreadyExists)
    }
}

/// The labels of the frames from `first` to `end`: gaps with their causes, and marks.
fn labels(gaps: &[Gap], marks: &[Mark], first: u64, end: u64) -> Vec<Label> {
    let gaps = gaps.iter().filter_map(|gap| {
        let from = gap.position.max(first);
        let until = (gap.position + gap.frames).min(end);
        (from < until).then(|| Label {
            position: from - first,
            frames: until - from,
            text: format!("lost: {}", gap.cause),
        })
    });
    let marks = marks.iter().filter(|mark| {
        // What was marked behind the last frame stands at the end.
        (first..end.max(first + 1)).contains(&mark.position)
    });
    let marks = marks.map(|mark| Label {
        position: mark.position - first,
        frames: 0,
        text: mark.text.clone(),
    });
    gaps.chain(marks).collect()
}
