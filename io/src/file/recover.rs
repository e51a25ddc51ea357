//! Takes that were never closed: the program was killed, or the power went.
//!
//! A file that is being written bears a mark, and is locked by whom writes it. A marked file that
//! nobody locks is an open take: it can be read as it is, and finishing it wins what was written
//! after its last checkpoint.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::error::FileError;
use super::file_storage::{FileStorage, name_of_part, rename_new};
use super::flac_recover::OpenFlac;
use super::locked_file::LockedFile;
use super::ogg_recover::OpenOgg;
use super::wav_labels::Label;
use super::wav_recover::OpenWav;

/// A file that was being written and is no more; locked as long as this lives.
#[derive(Debug)]
pub struct OpenTake {
    path: PathBuf,
    file: LockedFile,
    kind: Kind,
}

/// What is to be done to it.
#[derive(Debug)]
enum Kind {
    Wav(OpenWav),
    Flac(OpenFlac),
    Ogg(OpenOgg),
    /// A file under a temporary name that holds nothing.
    Nothing,
}

/// Frames of a take that are there and cannot be read: bytes of them were changed since they were
/// written. What reads them gives silence or leaves them out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The first of them.
    pub position: u64,
    /// How many. In an Ogg file up to a page behind them is counted as well.
    pub frames: u64,
}

/// A take that was finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// Where it is now; none if there was not a frame, and the file was removed.
    pub path: Option<PathBuf>,
    /// Its frames.
    pub frames: u64,
    /// Those of them that could not be read before.
    pub won_frames: u64,
}

/// Finds the open takes in a folder, in order of their names; not in folders below.
///
/// Files that are being written are left out, and so is what cannot be opened for writing.
///
/// # Errors
/// [`NotFound`](FileError::NotFound), [`PermissionDenied`](FileError::PermissionDenied) (of the
/// folder), [`Io`](FileError::Io).
pub fn open_takes(folder: impl AsRef<Path>) -> Result<Vec<OpenTake>, FileError> {
    let mut takes = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // Looked at first: opening a named pipe would wait for a reader.
        if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            takes.extend(open_take(entry.path()));
        }
    }
    takes.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(takes)
}

/// The takes in a folder that are being written, by the names that they will have, in order.
///
/// # Errors
/// As [`open_takes`].
pub fn written_takes(folder: impl AsRef<Path>) -> Result<Vec<PathBuf>, FileError> {
    let mut takes = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type().is_ok_and(|kind| kind.is_file()) && is_written(entry.path()) {
            takes.push(final_path(&entry.path()));
        }
    }
    takes.sort();
    Ok(takes)
}

/// Whether a file is a take that is being written.
pub fn is_written(path: impl AsRef<Path>) -> bool {
    let path = path.as_ref();
    File::open(path).is_ok_and(|file| {
        let part = path.file_name().and_then(name_of_part).is_some();
        let is_locked = |file| {
            let locked = LockedFile::new(file);
            locked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
        };
        (part || is_marked(&file)) && is_locked(file)
    })
}

/// Whether a file is an open take; nothing too when it cannot be opened for writing, or is being
/// written.
pub fn open_take(path: impl AsRef<Path>) -> Option<OpenTake> {
    let path = path.as_ref().to_owned();
    // Most files are no takes at all: they are not opened for writing.
    let part = path.file_name().and_then(name_of_part).is_some();
    if !part && !is_marked(&File::open(&path).ok()?) {
        return None;
    }
    let file = OpenOptions::new().read(true).write(true).open(&path).ok()?;
    let file = LockedFile::new(file).ok()?;
    // Once more, under the lock: it may have been closed meanwhile.
    let kind = if let Some(wav) = OpenWav::look(&file) {
        Kind::Wav(wav)
    } else if let Some(flac) = OpenFlac::look(&file).ok()? {
        Kind::Flac(flac)
    } else if let Some(ogg) = OpenOgg::look(&file).ok()? {
        Kind::Ogg(ogg)
    } else if part {
        Kind::Nothing
    } else {
        return None;
    };
    Some(OpenTake { path, file, kind })
}

fn is_marked(file: &File) -> bool {
    OpenWav::look(file).is_some()
        || OpenFlac::is_marked(file).unwrap_or(false)
        || OpenOgg::is_marked(file).unwrap_or(false)
}

impl OpenTake {
    /// Where the file is now, if need be under a hidden temporary name.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where it will be when it is finished, unless another file is there by then.
    pub fn final_path(&self) -> PathBuf {
        final_path(&self.path)
    }

    /// Sample rate in hertz; 0 when there is nothing in the file.
    pub fn sample_rate_hz(&self) -> u32 {
        match &self.kind {
            Kind::Wav(wav) => wav.sample_rate_hz(),
            Kind::Flac(flac) => flac.sample_rate_hz(),
            Kind::Ogg(ogg) => ogg.sample_rate_hz(),
            Kind::Nothing => 0,
        }
    }

    /// Frames that every reader finds.
    pub fn frames_said(&self) -> u64 {
        match &self.kind {
            Kind::Wav(wav) => wav.frames_said(),
            Kind::Flac(flac) => flac.frames_said(),
            Kind::Ogg(ogg) => ogg.frames_there(),
            Kind::Nothing => 0,
        }
    }

    /// Whole frames that are in the file. In a WAV file, zeros at the end behind
    /// [`frames_said`](Self::frames_said) are left out: after a power cut the disk may not have got the
    /// sound there.
    pub fn frames_there(&self) -> u64 {
        match &self.kind {
            Kind::Wav(wav) => wav.frames_there(),
            Kind::Flac(flac) => flac.frames_there(),
            Kind::Ogg(ogg) => ogg.frames_there(),
            Kind::Nothing => 0,
        }
    }

    /// What of the frames that are there cannot be read, in order. Of a WAV file that cannot be told.
    pub fn damage(&self) -> &[Damage] {
        match &self.kind {
            Kind::Flac(flac) => flac.damage(),
            Kind::Ogg(ogg) => ogg.damage(),
            Kind::Wav(_) | Kind::Nothing => &[],
        }
    }

    /// Frames that finishing it will win.
    pub fn frames_won(&self) -> u64 {
        self.frames_there() - self.frames_said()
    }

    /// Closes the file: all whole frames that are there, the labels behind them, a true header, no
    /// mark, its own name. Labels that were behind the samples already are replaced; an Ogg file
    /// has none.
    ///
    /// # Errors
    /// [`NoRoom`](FileError::NoRoom), [`Io`](FileError::Io); the file can then still be read, and
    /// finished another time.
    pub fn finish(self, labels: &[Label]) -> Result<Recovered, FileError> {
        let (frames, won_frames) = (self.frames_there(), self.frames_won());
        let path = self.final_path();
        if frames == 0 && path != self.path {
            fs::remove_file(&self.path)?;
            return Ok(Recovered {
                path: None,
                frames,
                won_frames,
            });
        }
        let mut storage = FileStorage::adopt(self.file, self.path.clone());
        match self.kind {
            Kind::Wav(wav) => wav.finish(&mut storage, labels)?,
            Kind::Flac(flac) => flac.finish(&mut storage, labels)?,
            Kind::Ogg(ogg) => ogg.finish(&mut storage)?,
            Kind::Nothing => {}
        }
        let path = match path == self.path {
            true => path,
            false => rename_beside(&self.path, &path)?,
        };
        Ok(Recovered {
            path: Some(path),
            frames,
            won_frames,
        })
    }
}

fn final_path(path: &Path) -> PathBuf {
    match path.file_name().and_then(name_of_part) {
        Some(name) => path.with_file_name(name),
        None => path.to_owned(),
    }
}

/// Gives a file the name that it was to have, or, when that is another file's, one like it.
fn rename_beside(from: &Path, wanted: &Path) -> io::Result<PathBuf> {
    let stem = wanted.file_stem().unwrap_or_default().to_string_lossy();
    let mut to = wanted.to_owned();
    for number in 1u32.. {
        match rename_new(from, &to) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            result => return result.map(|()| to),
        }
        let mut name = format!("{stem}-recovered-{number}");
        if let Some(extension) = wanted.extension() {
            name = format!("{name}.{}", extension.to_string_lossy());
        }
        to.set_file_name(name);
    }
    Err(io::ErrorKind::AlreadyExists.into())
}
