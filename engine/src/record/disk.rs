//! Where takes are written, and how much room is there.

use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use ossicle_io::file::{FileError, FileStorage, Overwrite, Storage, free_bytes};

/// Where the files of takes are created. [`Files`] is the one for disks; another counts bytes, or
/// stands for a disk that is slow, full or broken.
pub trait Disk: Debug + Send + Sync {
    /// Creates a file.
    ///
    /// # Errors
    /// As [`FileStorage::create`].
    fn create(&self, path: &Path, overwrite: Overwrite) -> Result<Box<dyn Storage>, FileError>;

    /// Bytes that may still be written in a folder.
    ///
    /// # Errors
    /// The system's; `Unsupported` where that is not known.
    fn free_bytes(&self, folder: &Path) -> io::Result<u64>;
}

/// The disks of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Files;

impl Disk for Files {
    fn create(&self, path: &Path, overwrite: Overwrite) -> Result<Box<dyn Storage>, FileError> {
        Ok(Box::new(FileStorage::create(path, overwrite)?))
    }

    fn free_bytes(&self, folder: &Path) -> io::Result<u64> {
        free_bytes(folder)
    }
}

/// What the takes of a session write, by file system.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    /// The number of a take, its file system and its bytes per second.
    takes: Mutex<Vec<(usize, u64, f64)>>,
}

impl Rates {
    /// A take writes so many bytes per second into a folder from now on; returns what all takes
    /// write to its file system.
    pub(crate) fn set(&self, take: usize, folder: &Path, bytes_per_second: f64) -> f64 {
        let system = file_system(folder);
        let mut takes = self.takes.lock().unwrap_or_else(PoisonError::into_inner);
        takes.retain(|&(other, ..)| other != take);
        takes.push((take, system, bytes_per_second));
        let there = takes.iter().filter(|&&(_, other, _)| other == system);
        there.map(|&(.., rate)| rate).sum()
    }

    /// A take writes no more.
    pub(crate) fn remove(&self, take: usize) {
        let mut takes = self.takes.lock().unwrap_or_else(PoisonError::into_inner);
        takes.retain(|&(other, ..)| other != take);
    }
}

/// A number of the file system that a folder is on.
#[cfg(unix)]
fn file_system(folder: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(folder).map_or(0, |metadata| metadata.dev())
}

/// Not known: all takes may be on one.
#[cfg(not(unix))]
fn file_system(_folder: &Path) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_on_one_file_system_are_added_up() {
        let rates = Rates::default();
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(rates.set(0, folder.path(), 100.0), 100.0);
        assert_eq!(rates.set(1, folder.path(), 20.0), 120.0);
        assert_eq!(rates.set(0, folder.path(), 50.0), 70.0);
        rates.remove(1);
        assert_eq!(rates.set(0, folder.path(), 50.0), 50.0);
    }
}
