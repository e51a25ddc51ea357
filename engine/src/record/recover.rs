//! Takes that were never closed, and what the lists beside them say of their gaps.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ossicle_io::file::recover::{Damage, OpenTake, Recovered, Standing, Takes};
use ossicle_io::file::recover::{open_take, standing, takes_in};
use ossicle_io::file::{FileError, Label};

use super::take_list::TakeList;

/// A take's file that was being written when the program or the machine ended. It is locked as long
/// as this lives.
#[derive(Debug)]
pub struct Unclosed {
    file: OpenTake,
    list: Option<TakeList>,
}

/// A file that was finished.
#[derive(Debug)]
pub struct Restored {
    /// The file.
    pub file: Recovered,
    /// Gaps that are labelled in it.
    pub gaps: usize,
    /// Why the list of gaps could not be closed; the file has its labels all the same.
    pub list_error: Option<io::Error>,
}

/// What is not closed in a folder.
#[derive(Debug, Default)]
pub struct Found {
    /// What can be finished, in order of the names.
    pub takes: Vec<Unclosed>,
    /// What is being written, by the names that the files will have.
    pub written: Vec<PathBuf>,
    /// What cannot be finished, or looked at, and why.
    pub failed: Vec<(PathBuf, FileError)>,
}

/// Looks in a folder, not in those below; or at one file.
///
/// # Errors
/// As [`takes_in`].
pub fn find(path: &Path) -> Result<Found, FileError> {
    let there = match path.is_file() {
        true => alone(path),
        false => takes_in(path)?,
    };
    let mut found = Found {
        takes: Vec::new(),
        written: there.written,
        failed: there.unknown,
    };
    for path in there.open {
        match open_take(&path) {
            Ok(Some(file)) => found.takes.push(Unclosed {
                list: TakeList::of(file.path(), &file.final_path()),
                file,
            }),
            // It was closed meanwhile.
            Ok(None) => {}
            Err(error) => found.failed.push((path, error)),
        }
    }
    Ok(found)
}

fn alone(path: &Path) -> Takes {
    let mut takes = Takes::default();
    match standing(path) {
        Ok(Standing::NoTake) => {}
        Ok(Standing::Written) => takes.written.push(path.to_owned()),
        Ok(Standing::Open) => takes.open.push(path.to_owned()),
        Err(error) => takes.unknown.push((path.to_owned(), error)),
    }
    takes
}

impl Unclosed {
    /// What the file will be called.
    pub fn path(&self) -> PathBuf {
        self.file.final_path()
    }

    /// Sample rate in hertz; 0 when there is nothing in the file.
    pub fn sample_rate_hz(&self) -> u32 {
        self.file.sample_rate_hz()
    }

    /// Frames that every reader finds.
    pub fn frames_said(&self) -> u64 {
        self.file.frames_said()
    }

    /// Whole frames that are in the file.
    pub fn frames_there(&self) -> u64 {
        self.file.frames_there()
    }

    /// What of the frames that are there cannot be read, or is doubtful, in order.
    pub fn damage(&self) -> &[Damage] {
        self.file.damage()
    }

    /// When it was written last, where the system tells.
    pub fn modified(&self) -> Option<SystemTime> {
        let metadata = std::fs::metadata(self.file.path()).ok()?;
        metadata.modified().ok()
    }

    /// Gaps in the file that its list knows of.
    pub fn gaps(&self) -> usize {
        self.labels().len()
    }

    /// Closes the file, with its gaps as labels, and its list.
    ///
    /// # Errors
    /// As [`OpenTake::finish`].
    pub fn finish(self) -> Result<Restored, FileError> {
        let labels = self.labels();
        let file = self.file.finish(&labels)?;
        let list_error = self.list.and_then(|list| list.close(file.frames).err());
        Ok(Restored {
            gaps: labels.len(),
            file,
            list_error,
        })
    }

    fn labels(&self) -> Vec<Label> {
        match &self.list {
            Some(list) => list.labels(self.file.frames_there()),
            None => Vec::new(),
        }
    }
}
