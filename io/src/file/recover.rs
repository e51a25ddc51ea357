//! Takes that were never closed: the program was killed, or the power went.
//!
//! A file that is being written bears a mark, and is locked by whom writes it. A marked file that
//! nobody locks is an open take: it can be read as it is, and finishing it wins what was written
//! after its last checkpoint.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::audio_file::AudioFile;
#[cfg(doc)]
use super::audio_writer::AudioWriter;
use super::audio_writer::FileKind;
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
    /// A file under a temporary name that is closed: only its name was still to be given.
    Closed {
        sample_rate_hz: u32,
        frames: u64,
    },
    /// A file under a temporary name in which no reader finds a frame.
    Nothing,
}

/// Frames of a take that are not, or may not be, what was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The first of them.
    pub position: u64,
    /// How many. In an Ogg file up to a page behind them is counted as well.
    pub frames: u64,
    /// What is wrong with them.
    pub kind: DamageKind,
}

/// What is wrong with frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DamageKind {
    /// They cannot be read: bytes of them were changed since they were written. What reads them
    /// gives silence or leaves them out.
    Unreadable,
    /// They are silence that no header told of: recorded as such, or never got to the disk before
    /// the power went. The file cannot tell which. Or they are more than 32 MiB behind what the
    /// header told of, which is not looked through.
    Doubtful,
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
    /// Labels that the file cannot hold; see [`AudioWriter::labels_left_out`].
    pub labels_left_out: usize,
}

/// How a file stands, by its mark and its lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is no take, or one that is closed.
    NoTake,
    /// It is a take that is being written.
    Written,
    /// It is a take that was left open.
    Open,
}

/// The takes in a folder that are not closed, as they stand.
#[derive(Debug, Default)]
pub struct Takes {
    /// Those that were left open, where they are now, in order of their names.
    pub open: Vec<PathBuf>,
    /// Those that are being written, by the names that they will have, in order.
    pub written: Vec<PathBuf>,
    /// Files named as takes are, of which it cannot be said.
    pub unknown: Vec<(PathBuf, FileError)>,
}

/// Looks for takes in a folder; not in folders below. Of each file only the beginning and the end is
/// read: it takes no longer for a long take. An Ogg file of ours that is closed and has something
/// behind its last page counts as open: only [`open_take`] reads it through.
///
/// # Errors
/// [`NotFound`](FileError::NotFound), [`PermissionDenied`](FileError::PermissionDenied) (of the
/// folder), [`Io`](FileError::Io).
pub fn takes_in(folder: impl AsRef<Path>) -> Result<Takes, FileError> {
    let mut takes = Takes::default();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        // Looked at first: opening a named pipe would wait for a reader.
        if !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        let path = entry.path();
        match standing(&path) {
            Ok(Standing::NoTake) | Err(FileError::NotFound) => {}
            Ok(Standing::Written) => takes.written.push(final_path(&path)),
            Ok(Standing::Open) => takes.open.push(path),
            Err(error) => {
                if is_part(&path) || FileKind::of_path(&path).is_ok() {
                    takes.unknown.push((path, error));
                }
            }
        }
    }
    takes.open.sort();
    takes.written.sort();
    takes.unknown.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(takes)
}

/// How a file stands.
///
/// # Errors
/// [`NotFound`](FileError::NotFound), [`PermissionDenied`](FileError::PermissionDenied) to read it,
/// [`Io`](FileError::Io).
pub fn standing(path: impl AsRef<Path>) -> Result<Standing, FileError> {
    let path = path.as_ref();
    // Most files are no takes at all: they are not opened for writing, nor locked.
    let file = File::open(path)?;
    if !is_part(path) && !is_marked(&file)? {
        return Ok(Standing::NoTake);
    }
    Ok(match LockedFile::new(file) {
        Ok(_) => Standing::Open,
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Standing::Written,
        Err(error) => return Err(error.into()),
    })
}

/// Whether a file is a take that is being written.
pub fn is_written(path: impl AsRef<Path>) -> bool {
    matches!(standing(path), Ok(Standing::Written))
}

/// Opens a take that was left open, and goes through it; nothing for any other file, and for one that
/// is being written.
///
/// # Errors
/// As [`standing`]; [`PermissionDenied`](FileError::PermissionDenied) and [`Io`](FileError::Io) too
/// when it cannot be opened for writing.
pub fn open_take(path: impl AsRef<Path>) -> Result<Option<OpenTake>, FileError> {
    let path = path.as_ref().to_owned();
    if standing(&path)? != Standing::Open {
        return Ok(None);
    }
    let file = OpenOptions::new().read(true).write(true).open(&path)?;
    let file = match LockedFile::new(file) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
        file => file?,
    };
    // Once more, under the lock: it may have been closed meanwhile.
    let kind = if let Some(wav) = OpenWav::look(&file)? {
        Kind::Wav(wav)
    } else if let Some(flac) = OpenFlac::look(&file)? {
        Kind::Flac(flac)
    } else if let Some(ogg) = OpenOgg::look(&file)? {
        Kind::Ogg(ogg)
    } else if is_part(&path) {
        unmarked(&path)?
    } else {
        return Ok(None);
    };
    Ok(Some(OpenTake { path, file, kind }))
}

/// What a file under a temporary name is that has no mark: one that was closed before it got its
/// name, or one in which there is nothing yet.
fn unmarked(path: &Path) -> Result<Kind, FileError> {
    let read = AudioFile::open(path).and_then(|mut file| {
        let frames = file.count_frames()?;
        Ok((file.info().sample_rate_hz, frames))
    });
    match read {
        Ok((sample_rate_hz, frames @ 1..)) => Ok(Kind::Closed {
            sample_rate_hz,
            frames,
        }),
        Err(error @ (FileError::Io(_) | FileError::PermissionDenied)) => Err(error),
        Ok(_) | Err(_) => Ok(Kind::Nothing),
    }
}

fn is_part(path: &Path) -> bool {
    path.file_name().and_then(name_of_part).is_some()
}

fn is_marked(file: &File) -> io::Result<bool> {
    Ok(OpenWav::is_marked(file)? || OpenFlac::is_marked(file)? || OpenOgg::is_marked(file)?)
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
            Kind::Closed { sample_rate_hz, .. } => *sample_rate_hz,
            Kind::Nothing => 0,
        }
    }

    /// Frames that every reader finds.
    pub fn frames_said(&self) -> u64 {
        match &self.kind {
            Kind::Wav(wav) => wav.frames_said(),
            Kind::Flac(flac) => flac.frames_said(),
            Kind::Ogg(ogg) => ogg.frames_there(),
            Kind::Closed { frames, .. } => *frames,
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
            Kind::Closed { frames, .. } => *frames,
            Kind::Nothing => 0,
        }
    }

    /// What of the frames that are there cannot be read, or is doubtful, in order. Of a WAV file it is
    /// zeros behind [`frames_said`](Self::frames_said) that reach to the end of a sector, 64 bytes
    /// or more: sound has no sums there.
    pub fn damage(&self) -> &[Damage] {
        match &self.kind {
            Kind::Flac(flac) => flac.damage(),
            Kind::Ogg(ogg) => ogg.damage(),
            Kind::Wav(wav) => wav.damage(),
            Kind::Closed { .. } | Kind::Nothing => &[],
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
                labels_left_out: 0,
            });
        }
        let mut storage = FileStorage::adopt(self.file, self.path.clone());
        let labels_left_out = match self.kind {
            Kind::Wav(wav) => wav.finish(&mut storage, labels)?,
            Kind::Flac(flac) => flac.finish(&mut storage, labels)?,
            Kind::Ogg(ogg) => {
                ogg.finish(&mut storage)?;
                labels.len()
            }
            Kind::Closed { .. } | Kind::Nothing => 0,
        };
        let path = match path == self.path {
            true => path,
            false => rename_beside(&self.path, &path)?,
        };
        Ok(Recovered {
            path: Some(path),
            frames,
            won_frames,
            labels_left_out,
        })
    }
}

/// Where a take will be when it is finished, unless another file is there by then: in place of a
/// hidden temporary name its own.
pub fn final_path(path: &Path) -> PathBuf {
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
