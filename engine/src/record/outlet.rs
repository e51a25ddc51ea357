//! The files of a take, one after the other.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ossicle_io::file::{AudioWriter, FileError, FileKind, Overwrite, Tags, WavSpec};

use super::company::Company;
use super::config::{RecordConfig, Split};
use super::disk::Disk;
use super::length_watch::LengthWatch;
use super::names::{check, folder, numbered};
use super::open_file::{Closed, MOST_NAMES, OpenFile, label_bytes, under_free_name};
use super::take::Take;

/// Bytes that fill up an odd length, and the heads of the chunks that labels are in.
const BEHIND_BYTES: u64 = 32;
/// Bytes by which an encoded file may grow between two looks at its size.
const ENCODED_BYTES: u64 = 65_536;

/// The file that is written, and where the take goes on behind it.
pub(super) struct Outlet {
    spec: WavSpec,
    kind: FileKind,
    disk: Arc<dyn Disk>,
    company: Company,
    overwrite: Overwrite,
    tags: Tags,
    /// The path that numbers are put into.
    pattern: PathBuf,
    /// Folder to go on in when the disk takes no more, while that has not happened.
    spill: Option<PathBuf>,
    most_bytes: Option<u64>,
    /// It is to be split: files of its numbers are its own.
    is_split: bool,
    /// Number of the file that is written.
    number: usize,
    file: OpenFile,
    /// The file before that its disk ended, and why.
    left: Option<(PathBuf, FileError)>,
}

/// Why a take stays on its disk, which failed with `error`.
pub(super) struct Stays {
    pub(super) error: FileError,
    /// The folder to go on in, and its error, where there is one.
    pub(super) elsewhere: Option<(PathBuf, FileError)>,
}

impl Outlet {
    /// Creates the first file.
    pub(super) fn create(
        config: &RecordConfig,
        spec: WavSpec,
        company: Company,
    ) -> Result<Self, (PathBuf, FileError)> {
        let path = match config.split {
            Some(_) => numbered(&config.path, 1),
            None => config.path.clone(),
        };
        let kind = FileKind::of_path(&path).map_err(|error| (path.clone(), error))?;
        check(&config.path).map_err(|error| (path.clone(), error))?;
        let disk = config.disk.clone();
        let shape = (kind, spec);
        let on = (&*disk, &company);
        let made = create(on, &path, shape, &config.tags, config.overwrite);
        let made = made.map_err(|error| (path.clone(), error))?;
        Ok(Self {
            spec,
            kind,
            disk,
            company,
            overwrite: config.overwrite,
            tags: config.tags.clone(),
            pattern: config.path.clone(),
            spill: config.spill.clone(),
            most_bytes: match config.split {
                Some(Split::Bytes(bytes)) => Some(bytes),
                _ => None,
            },
            is_split: config.split.is_some(),
            number: 1,
            left: None,
            file: OpenFile::new(made, path),
        })
    }

    /// The file that is written.
    pub(super) fn path(&self) -> &Path {
        &self.file.path
    }

    /// The file of this name itself, as long as it is the one that is written.
    pub(super) fn handle_of(&self, path: &Path) -> Option<File> {
        let is_it = self.file.is_told && self.file.path == path;
        is_it.then(|| self.file.writer.handle()).flatten()
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

    /// Position in the take at which its file is as large as it may be, with the labels that are known
    /// by now; `u64::MAX` for nowhere, or where that is not known yet.
    pub(super) fn largest_end(&self, take: &Take) -> u64 {
        let Some(most) = self.most_bytes else {
            return u64::MAX;
        };
        if self.kind == FileKind::Wav {
            let frame_bytes = (self.spec.channels * self.spec.format.bytes()) as u64;
            let header = self.file.writer.bytes() - self.file.writer.frames() * frame_bytes;
            let most = most.saturating_sub(header + BEHIND_BYTES);
            let first = self.file.first;
            let end = first.saturating_add(most / frame_bytes);
            let sound = most.saturating_sub(label_bytes(take, first, end));
            return first.saturating_add((sound / frame_bytes).max(1));
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
    pub(super) fn write(&mut self, interleaved: &[f32]) -> Result<(), FileError> {
        self.file.writer.write(interleaved)
    }

    /// Begins the file anew for its first frame, as long as it has none and no name: only now it is
    /// known of which time that is.
    pub(super) fn date(&mut self, take: &Take) -> Result<(), FileError> {
        let is_new = self.file.writer.frames() == 0 && !self.file.is_told;
        if is_new && !self.file.is_dated {
            let (path, first) = (&self.file.path, self.file.first);
            let gated = take.desk().gated();
            let tags = gated.tags(&self.tags, first, self.spec.sample_rate_hz);
            let shape = (self.kind, self.spec);
            let on = (&*self.disk, &self.company);
            let (path, (writer, length)) = under_free_name(path, |name| {
                // Only under the name that was asked for is anything replaced.
                let overwrite = match name == path {
                    true => self.overwrite,
                    false => Overwrite::Never,
                };
                create(on, name, shape, &tags, overwrite)
            })?;
            (self.file.writer, self.file.length) = (writer, length);
            self.file.go_on_as(path, take);
        }
        self.file.is_dated = true;
        Ok(())
    }

    /// Makes the file true on the disk for all its frames, and tells the take of it the first time.
    pub(super) fn checkpoint(&mut self, take: &Take) -> Result<(), FileError> {
        self.file.checkpoint(take)
    }

    /// A checkpoint of the take's last file: no frame comes behind those that it has.
    pub(super) fn conclude(&mut self, take: &Take) -> Result<(), FileError> {
        self.file.conclude(take)
    }

    /// Ends the take's last file. Where the take has no frame, it is an empty file.
    pub(super) fn finish(self, take: &Take) -> Closed {
        if self.file.writer.frames() == 0 && !take.files().is_empty() {
            // The disk took the end of the take after all, in the file before.
            return Closed {
                end: self.file.first,
                path: self.file.path,
                error: None,
            };
        }
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

    /// Ends the file, and goes on in the next; where that cannot be created, all is as it was.
    pub(super) fn next(&mut self, take: &Take) -> Result<(), FileError> {
        let next = self.open_next(&self.pattern, take, self.overwrite)?;
        self.change(next, take);
        Ok(())
    }

    /// Whether the file has frames and took no more because it may not be longer.
    pub(super) fn is_at_limit(&self) -> bool {
        self.file.length.is_at_limit() && self.file.writer.frames() > 0
    }

    /// The file may not be longer, for this error: goes on in the next in its folder; gives the error
    /// back where that cannot be, and all is as it was.
    pub(super) fn go_on_behind(&mut self, take: &Take, error: FileError) -> Result<(), FileError> {
        // Files of these numbers were never asked to be replaced, unless for a split.
        let overwrite = match self.is_split {
            true => self.overwrite,
            false => Overwrite::Never,
        };
        let Ok(next) = self.open_next(&self.pattern, take, overwrite) else {
            return Err(error);
        };
        self.left = Some((self.file.path.clone(), error));
        // Frames that are in the file and do not last yet may last after all.
        let _ = self.checkpoint(take);
        let (before, now) = (self.file.path.display(), next.1.path.display());
        take.note(format!(
            "{before}: a file may not be longer here: goes on in {now}"
        ));
        self.change(next, take);
        Ok(())
    }

    /// The disk takes no more, for this error: goes on in the folder for that, where there is one that
    /// takes frames. Returns whether the take goes on; where it cannot, all is as it was.
    pub(super) fn go_elsewhere(&mut self, take: &Take, error: FileError) -> Result<(), Stays> {
        let Some(folder) = &self.spill else {
            return Err(Stays {
                error,
                elsewhere: None,
            });
        };
        let name = self.pattern.file_name().unwrap_or_default();
        let pattern = folder.join(name);
        let next = match self.open_next(&pattern, take, self.overwrite) {
            Ok(next) => next,
            Err(elsewhere) => {
                let elsewhere = Some((folder.clone(), elsewhere));
                return Err(Stays { error, elsewhere });
            }
        };
        let words = error.to_string();
        self.left = Some((self.file.path.clone(), error));
        self.spill = None;
        self.pattern = pattern;
        // Frames that are in the file and do not last yet may last after all.
        let _ = self.checkpoint(take);
        let (before, now) = (self.file.path.display(), next.1.path.display());
        take.note(format!("{before}: {words}: goes on in {now}"));
        self.change(next, take);
        Ok(())
    }

    /// The file that the take left, and why, as long as nothing lasts in the one it went on in.
    pub(super) fn take_left(&mut self) -> Option<(PathBuf, FileError)> {
        self.left
            .take()
            .filter(|_| self.file.writer.lasting_frames() == 0)
    }

    /// Goes on in the next file behind what this one holds in the end.
    fn change(&mut self, (number, next): (usize, OpenFile), take: &Take) {
        self.number = number;
        let closed = std::mem::replace(&mut self.file, next).close(take, false);
        self.file.is_dated = self.file.first == closed.end;
        self.file.first = closed.end;
        if let Some(error) = closed.error {
            take.note(format!("{}: {error}", closed.path.display()));
        }
    }

    /// Creates the file of the next number, dated for the frame behind those that this one has; where
    /// another has its name and may not be replaced, or is being written, of the one after it.
    fn open_next(
        &self,
        pattern: &Path,
        take: &Take,
        overwrite: Overwrite,
    ) -> Result<(usize, OpenFile), FileError> {
        let (gated, first) = (take.desk().gated(), self.end());
        let tags = gated.tags(&self.tags, first, self.spec.sample_rate_hz);
        for number in self.number + 1..self.number + MOST_NAMES {
            let path = numbered(pattern, number);
            let shape = (self.kind, self.spec);
            let on = (&*self.disk, &self.company);
            match create(on, &path, shape, &tags, overwrite) {
                Ok(made) => {
                    let mut file = OpenFile::new(made, path);
                    file.first = first;
                    return Ok((number, file));
                }
                Err(FileError::AlreadyExists | FileError::InUse) => {}
                Err(error) => return Err(error),
            }
        }
        Err(FileError::AlreadyExists)
    }
}

/// Creates a file that no other take of the session has the name of.
fn create(
    (disk, company): (&dyn Disk, &Company),
    path: &Path,
    (kind, spec): (FileKind, WavSpec),
    tags: &Tags,
    overwrite: Overwrite,
) -> Result<(AudioWriter, LengthWatch), FileError> {
    if !company.claim(path) {
        return Err(FileError::InUse);
    }
    let length = LengthWatch::default();
    let storage = length.over(disk.create(path, overwrite)?);
    Ok((AudioWriter::on(storage, kind, spec, tags)?, length))
}
