//! A file that is locked while it is being written, for all who ask (`flock`).

use std::fs::File;
use std::io;
use std::ops::Deref;

/// A file that nobody else has locked, as long as this lives. File systems that know no locks give
/// it to everybody.
#[derive(Debug)]
pub(super) struct LockedFile(File);

impl LockedFile {
    /// Locks a file; `WouldBlock` when another has it.
    #[cfg(unix)]
    pub(super) fn new(file: File) -> io::Result<Self> {
        use rustix::fs::{FlockOperation, flock};
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => Err(io::ErrorKind::WouldBlock.into()),
            _ => Ok(Self(file)),
        }
    }

    /// Nothing is locked here.
    #[cfg(not(unix))]
    pub(super) fn new(file: File) -> io::Result<Self> {
        Ok(Self(file))
    }
}

impl Deref for LockedFile {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl Drop for LockedFile {
    /// Closing alone does not do it: a process that is just being started holds the file too, until
    /// its program begins.
    fn drop(&mut self) {
        #[cfg(unix)]
        let _ = rustix::fs::flock(&self.0, rustix::fs::FlockOperation::Unlock);
    }
}
