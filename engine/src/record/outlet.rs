//! The files of a take, one after the other.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ossicle_io::file::{
    AudioFile, AudioWriter, FileError, FileKind, Label, Overwrite, Tags, WavSpec,
};

use super::config::{RecordConfig, Split};
use super::disk::Disk;
use super::names::{folder, like, numbered};
use super::recorded::{Gap, Mark};
use super::take::Take;

/// Names that are tried where others have the first ones.
const MOST_NAMES: usize = 10_000;
/// Bytes of a file that are kept for what is no sound, where its size is limited: header and labels.
const OTHER_BYTES: u64 = 4096;
/// Bytes by which an encoded file may grow between two looks at its size.
const ENCODED_BYTES: u64 = 65_536;

/// The file that is written, and where the take goes on behind it.
pub(super) struct Outlet {
    spec: WavSpec,
    kind: FileKind,
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

/// The file that is written.
struct OpenFile {
    writer: AudioWriter,
    path: PathBuf,
    /// Position in the take of its first frame.
    first: u64,
    /// It can be found under its path, and the take knows.
    is_told: bool,
    /// It says of which time its first frame is.
    is_dated: bool,
}

/// How a file ended.
pub(super) struct Closed {
    pub(super) path: PathBuf,
    /// Position in the take behind its last frame.
    pub(super) end: u64,
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
        let kind = FileKind::of_path(&path).map_err(|error| (path.clone(), error))?;
        let disk = config.disk.clone();
        let writer = create(&*disk, &path, (kind, spec), &config.tags, config.overwrite);
        let writer = writer.map_err(|error| (path.clone(), error))?;
        Ok(Self {
            spec,
            kind,
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
            file: OpenFile {
                writer,
                path,
                first: 0,
                is_told: false,
                is_dated: false,
            },
        })
    }

    /// The file that is written.
    pub(super) fn path(&self) -> &Path {
        &self.file.path
    }

    /// Whether its files have no sample format of their own.
    pub(super) fn is_lossy(&self) -> bool {
        self.kind == FileKind::Ogg
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

    /// Position in the take up to which readers find all frames in files: of one that is encoded
    /// not the last second, as its end is torn while it grows.
    pub(super) fn readable_end(&self) -> u64 {
        let end = self.lasting_end();
        match self.kind {
            FileKind::Wav => end,
            _ => end
                .saturating_sub(u64::from(self.spec.sample_rate_hz))
                .max(self.file.first),
        }
    }

    /// Position in the take at which its file is as large as it may be; `u64::MAX` for nowhere, or
    /// where that is not known yet.
    pub(super) fn largest_end(&self) -> u64 {
        let Some(most) = self.most_bytes else {
            return u64::MAX;
        };
        if self.kind == FileKind::Wav {
            let frame_bytes = (self.spec.channels * self.spec.format.bytes()) as u64;
            let frames = (most.saturating_sub(OTHER_BYTES) / frame_bytes).max(1);
            return self.file.first.saturating_add(frames);
        }
        let is_full = self.file.writer.bytes() + ENCODED_BYTES > most;
        match self.file.writer.frames() {
            frames if frames > 0 && is_full => self.end(),
            _ => u64::MAX,
        }
    }

    /// Bytes that a frame takes; of encoded files in the mean.
    pub(super) fn bytes_per_frame(&self) -> f64 {
        let frames = self.file.writer.frames();
        if self.kind == FileKind::Wav || frames < u64::from(self.spec.sample_rate_hz) {
            return (self.spec.channels * self.spec.format.bytes()) as f64;
        }
        self.file.writer.bytes() as f64 / frames as f64
    }

    /// Appends whole frames of the take.
    pub(super) fn write(&mut self, take: &Take, interleaved: &[f32]) -> Result<(), FileError> {
        if !self.file.is_dated {
            self.date(take)?;
        }
        self.file.writer.write(interleaved)
    }

    /// Begins the file anew, as long as it has no frame and no name: only now it is known of which
    /// time its first frame is.
    fn date(&mut self, take: &Take) -> Result<(), FileError> {
        if self.file.writer.frames() == 0 && !self.file.is_told {
            let (path, first) = (&self.file.path, self.file.first);
            let gated = take.desk().gated();
            let tags = gated.tags(&self.tags, first, self.spec.sample_rate_hz);
            let shape = (self.kind, self.spec);
            let (path, writer) = under_free_name(path, |path| {
                create(&*self.disk, path, shape, &tags, self.overwrite)
            })?;
            self.file.writer = writer;
            self.file.go_on_as(path, take);
        }
        self.file.is_dated = true;
        Ok(())
    }

    /// Makes the file true on the disk for all its frames, and tells the take of it the first time.
    pub(super) fn checkpoint(&mut self, take: &Take) -> Result<(), FileError> {
        self.file.checkpoint(take)
    }

    /// Ends the take's last file. Where the take has no frame, it is an empty file.
    pub(super) fn finish(self, take: &Take) -> Closed {
        let first = self.file.first;
        let closed = self.file.close(take, true);
        if closed.error.is_none() && take.files().is_empty() {
            take.begin_file(&closed.path, first);
        }
        closed
    }

    /// Leaves the take without a file where there is no frame in it.
    pub(super) fn discard(self) {
        drop(self.file.writer);
    }

    /// Ends the file, and goes on in the next.
    pub(super) fn next(&mut self, take: &Take) -> Result<(), FileError> {
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

    /// Goes on in the next file behind what this one holds in the end.
    fn change(&mut self, take: &Take) -> Result<(), FileError> {
        let next = self.open_next()?;
        let closed = std::mem::replace(&mut self.file, next).close(take, false);
        self.file.first = closed.end;
        if let Some(error) = closed.error {
            take.note(format!("{}: {error}", closed.path.display()));
        }
        Ok(())
    }

    /// Creates the file of the next number; where another has its name and may not be replaced, of
    /// the one after it.
    fn open_next(&mut self) -> Result<OpenFile, FileError> {
        for _ in 0..MOST_NAMES {
            self.number += 1;
            let path = numbered(&self.pattern, self.number);
            let shape = (self.kind, self.spec);
            match create(&*self.disk, &path, shape, &self.tags, self.overwrite) {
                Ok(writer) => {
                    return Ok(OpenFile {
                        writer,
                        path,
                        first: 0,
                        is_told: false,
                        is_dated: false,
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
        match self.writer.checkpoint() {
            Err(FileError::AlreadyExists) if !self.is_told => {
                let writer = &mut self.writer;
                let (path, checked) = under_free_name(&self.path, |path| {
                    writer.rename(path)?;
                    match writer.checkpoint() {
                        Err(FileError::AlreadyExists) => Err(FileError::AlreadyExists),
                        checked => Ok(checked),
                    }
                })?;
                self.go_on_as(path, take);
                checked?;
            }
            result => result?,
        }
        if self.writer.lasting_frames() > 0 {
            self.tell(take);
        }
        Ok(())
    }

    /// Has this name from now on; where it is another, because somebody else made a file of the first
    /// one meanwhile, the take is told.
    fn go_on_as(&mut self, path: PathBuf, take: &Take) {
        if path != self.path {
            let (taken, now) = (self.path.display(), path.display());
            take.note(format!(
                "{taken}: another file has the name: goes on in {now}"
            ));
            self.path = path;
        }
    }

    /// Closes the file; says where it ends, whatever becomes of its labels.
    fn close(mut self, take: &Take, is_last: bool) -> Closed {
        let checked = self.checkpoint(take);
        let end = self.first + self.writer.frames();
        let mut marks = take.marks();
        // What was marked behind the last frame stands at the end.
        marks.retain_mut(|mark| {
            let is_here = mark.position >= self.first && (is_last || mark.position < end);
            mark.position = mark.position.min(end);
            is_here
        });
        for label in labels(&take.gaps(), &marks, self.first, end) {
            self.writer.label(label);
        }
        let lasting = self.writer.lasting_frames();
        let (path, first) = (self.path.clone(), self.first);
        let (frames, finished) = match self.writer.finish() {
            Ok(frames) => (frames, None),
            // What never lasted never had the name: the file there is another's.
            Err(error) if lasting == 0 => (0, Some(error)),
            Err(error) => (
                counted(&path).map_or(lasting, |there| there.max(lasting)),
                Some(error),
            ),
        };
        if frames > 0 && !self.is_told {
            take.begin_file(&path, first);
        }
        take.end_file(first + frames);
        Closed {
            path,
            end: first + frames,
            error: checked.err().or(finished),
        }
    }

    fn tell(&mut self, take: &Take) {
        if !std::mem::replace(&mut self.is_told, true) {
            take.begin_file(&self.path, self.first);
        }
    }
}

/// Makes something under the wanted path or, while others have it, the first like it that nobody has.
fn under_free_name<T>(
    wanted: &Path,
    mut make: impl FnMut(&Path) -> Result<T, FileError>,
) -> Result<(PathBuf, T), FileError> {
    let mut path = wanted.to_owned();
    for number in 2..MOST_NAMES {
        match make(&path) {
            Err(FileError::AlreadyExists) => path = like(wanted, number),
            result => return result.map(|made| (path, made)),
        }
    }
    Err(FileError::AlreadyExists)
}

/// The frames that a file was left with.
fn counted(path: &Path) -> Option<u64> {
    AudioFile::open(path).ok()?.count_frames().ok()
}

fn create(
    disk: &dyn Disk,
    path: &Path,
    (kind, spec): (FileKind, WavSpec),
    tags: &Tags,
    overwrite: Overwrite,
) -> Result<AudioWriter, FileError> {
    AudioWriter::on(disk.create(path, overwrite)?, kind, spec, tags)
}

/// The labels of a file: the gaps between its frames `first` and `end` with their causes, and marks.
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
    let marks = marks.iter().map(|mark| Label {
        position: mark.position - first,
        frames: 0,
        text: mark.text.clone(),
    });
    gaps.chain(marks).collect()
}
