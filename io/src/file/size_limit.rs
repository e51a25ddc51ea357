//! The limit that a process has for the length of a file (`RLIMIT_FSIZE`). The system ends a program
//! by a signal where it writes beyond, unless the program has said otherwise; so nobody here does.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// The longest that a file may be, in bytes.
pub(super) fn most_bytes() -> u64 {
    #[cfg(unix)]
    let most = rustix::process::getrlimit(rustix::process::Resource::Fsize).current;
    #[cfg(not(unix))]
    let most = None;
    most.unwrap_or(u64::MAX)
}

/// How many of `bytes` bytes may be written from `offset` on.
pub(super) fn allowed(bytes: usize, offset: u64) -> io::Result<usize> {
    match most_bytes().checked_sub(offset) {
        Some(0) | None if bytes > 0 => Err(io::ErrorKind::FileTooLarge.into()),
        room => Ok(usize::try_from(room.unwrap_or(0)).map_or(bytes, |room| room.min(bytes))),
    }
}

/// Whether the process may make a file of so many bytes.
pub(super) fn check_size(bytes: u64) -> io::Result<()> {
    match bytes > most_bytes() {
        true => Err(io::ErrorKind::FileTooLarge.into()),
        false => Ok(()),
    }
}

/// A new file, or an old one that is empty now, that is written from its beginning on: for what is
/// beside takes. Beyond the limit a write is an error, and the program goes on.
#[derive(Debug)]
pub struct LimitedFile {
    file: File,
    length: u64,
}

impl LimitedFile {
    /// Opens the file as [`File::create`] does.
    ///
    /// # Errors
    /// The system's.
    ///
    /// # Real-time
    /// Not safe: system calls, may wait for the disk.
    pub fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        let file = File::create(path)?;
        Ok(Self { file, length: 0 })
    }

    /// Makes what was written outlast a power cut.
    ///
    /// # Errors
    /// The system's.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

impl Write for LimitedFile {
    /// Writes what goes at once; [`FileTooLarge`](io::ErrorKind::FileTooLarge) at the limit.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let allowed = allowed(bytes.len(), self.length)?;
        let written = self.file.write(&bytes[..allowed])?;
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
