//! The files of a take, one after the other.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ossicle_io::file::{FileError, Label, Overwrite, Tags, WavSpec, WavWriter};

use super::config::{RecordConfig, Split};
use super::disk::Disk;
use super::names::{folder, numbered};
use super::recorded::{Gap, Mark};
use super::take::Take;

/// Names that are tried where others have the first ones.
const MOST_NAMES: usize = 10_000;
/// Bytes of a file that are kept for what is no sound, where its size is limited: header and labels.
const OTHER_BYTES: u64 = 4096;

/// The file that is written, and where the take goes on behind it.
pub(super) struct Outlet {
    spec: WavSpec,
    disk: Arc<dyn Disk>,
    overwrite: Overwrite,
    /// The path that numbers are put into.
    pattern: PathBuf,
    /// Folder to go on in when the disk takes no more, while that has not happened.
    spill: Option<PathBuf>,
    most_bytes: Option<u64>,
    number: usize,
    file: OpenFile,
}

/// The file that is written.
struct OpenFile {
    writer: WavWriter,
    path: PathBuf,
    /// Position in the take of its first frame.
    first: u64,
    /// It can be found under its path, and the take knows.
    is_told: bool,
}

/// How a file ended.
pub(super) struct Closed {
    pub(super) path: PathBuf,
    pub(super) error: Option<FileError>,
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
        let writer = create(&*disk, &path, spec, config.overwrite);
        let writer = writer.map_err(|error| (path.clone(), error))?;
        Ok(Self {
            spec,
            disk,
            overwrite: config.overwrite,
            pattern: config.path.clone(),
            spill: config.spill.clone(),
            most_bytes: match config.split {
                Some(Split::Bytes(bytes)) => Some(bytes),
                _ => None,
            },
            number: 1,
            file: OpenFile {
                writer,
                path,
                first: 0,
                is_told: false,
            },
        })
    }

    /// The file that is written.
    pub(super) fn path(&self) -> &Path {
        &self.file.path
    }

    /// The folder it is in.
    pub(super) fn folder(&self) -> &Path {
        folder(&self.file.path)
    }

    /// Position in the take of its first frame.
    pub(super) fn first(&self) -> u64 {
        self.file.first
    }

    /// Position in the take behind the last frame that is in a file.
    pub(super) fn end(&self) -> u64 {
        self.file.first + self.file.writer.frames()
    }

    /// Position in the take behind the last frame that outlasts a power cut.
    pub(super) fn lasting_end(&self) -> u64 {
        self.file.first + self.file.writer.lasting_frames()
    }

    /// Position in the take at which its file is as large as it may be; `u64::MAX` for nowhere.
    pub(super) fn largest_end(&self) -> u64 {
        let frame_bytes = (self.spec.channels * self.spec.format.bytes()) as u64;
        let frames = self
            .most_bytes
            .map(|most| (most.saturating_sub(OTHER_BYTES) / frame_bytes).max(1));
        frames.map_or(u64::MAX, |frames| self.file.first.saturating_add(frames))
    }

    /// Appends whole frames.
    pub(super) fn write(&mut self, interleaved: &[f32]) -> Result<(), FileError> {
        self.file.writer.write(interleaved)
    }

    /// Makes the file true on the disk for all its frames, and tells the take of it the first time.
    pub(super) fn checkpoint(&mut self, take: &Take) -> Result<(), FileError> {
        self.file.checkpoint(take)
    }

    /// Ends the take's last file. Where the take has no frame, it is an empty file.
    pub(super) fn finish(self, take: &Take) -> Closed {
        let path = self.file.path.clone();
        let first = self.file.first;
        let error = self.file.close(take).err();
        if error.is_none() && take.files().is_empty() {
            take.begin_file(&path, first);
        }
        Closed { path, error }
    }

    /// Leaves the take without a file where there is no frame in it.
    pub(super) fn discard(self) {
        drop(self.file.writer);
    }

    /// Ends the file, and goes on in the next.
    pub(super) fn next(&mut self, take: &Take) -> Result<(), FileError> {
        // All that is to be kept of it is lasting then, whatever becomes of its labels.
        self.checkpoint(take)?;
        self.change(take)
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
        self.change(take)?;
        Ok(true)
    }

    /// Goes on in the next file behind the frames that last in this one.
    fn change(&mut self, take: &Take) -> Result<(), FileError> {
        let next = self.open_next(self.lasting_end())?;
        let last = std::mem::replace(&mut self.file, next);
        let path = last.path.clone();
        if let Err(error) = last.close(take) {
            take.note(format!("{}: {error}", path.display()));
        }
        Ok(())
    }

    /// Creates the file of the next number; where another has its name and may not be replaced, of
    /// the one after it.
    fn open_next(&mut self, first: u64) -> Result<OpenFile, FileError> {
        for _ in 0..MOST_NAMES {
            self.number += 1;
            let path = numbered(&self.pattern, self.number);
            match create(&*self.disk, &path, self.spec, self.overwrite) {
                Ok(writer) => {
                    return Ok(OpenFile {
                        writer,
                        path,
                        first,
                        is_told: false,
                    });
                }
                Err(FileError::AlreadyExists | FileError::InUse) => {}
                Err(error) => return Err(error),
            }
        }
        Err(FileError::AlreadyExists)
    }
}

impl OpenFile {
    fn checkpoint(&mut self, take: &Take) -> Result<(), FileError> {
        self.writer.checkpoint()?;
        if self.writer.frames() > 0 {
            self.tell(take);
        }
        Ok(())
    }

    /// Closes the file; its frames are lasting, whatever becomes of its labels.
    fn close(mut self, take: &Take) -> Result<(), FileError> {
        let checked = self.checkpoint(take);
        let end = self.first + self.writer.lasting_frames();
        for label in labels(&take.gaps(), &take.marks(), self.first, end) {
            self.writer.label(label);
        }
        self.writer.finish()?;
        checked
    }

    fn tell(&mut self, take: &Take) {
        if !std::mem::replace(&mut self.is_told, true) {
            take.begin_file(&self.path, self.first);
        }
    }
}

fn create(
    disk: &dyn Disk,
    path: &Path,
    spec: WavSpec,
    overwrite: Overwrite,
) -> Result<WavWriter, FileError> {
    WavWriter::on(disk.create(path, overwrite)?, spec, &Tags::default())
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
