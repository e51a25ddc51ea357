//! Where a writer's bytes go: a trait, so that every write and sync can be logged, counted or made
//! to fail.

use std::fmt::Debug;
use std::fs::File;
use std::io;
use std::path::Path;

/// A file that is being written: bytes at places, made to last by [`sync`](Self::sync), under a
/// name from [`publish`](Self::publish) on.
///
/// [`FileStorage`](super::FileStorage) is the one for disks. Nothing here is real-time safe.
pub trait Storage: Send + Debug {
    /// Writes bytes at a place, as many as go; returns how many.
    ///
    /// # Errors
    /// The system's. `StorageFull`, `QuotaExceeded` and `FileTooLarge` mean that there is no room.
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Reads bytes from a place, as many as come; returns how many, 0 at the end.
    ///
    /// # Errors
    /// The system's.
    fn read_at(&mut self, bytes: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Returns when all that was written outlasts a power cut, the length included.
    ///
    /// # Errors
    /// The system's.
    fn sync(&mut self) -> io::Result<()>;

    /// Cuts or lengthens to so many bytes; room that was reserved behind them is given back.
    ///
    /// # Errors
    /// The system's.
    fn set_len(&mut self, bytes: u64) -> io::Result<()>;

    /// Reserves room for a length of so many bytes; the length itself stays. A hint: what cannot be
    /// reserved may still be written.
    ///
    /// # Errors
    /// The system's.
    fn reserve(&mut self, bytes: u64) -> io::Result<()>;

    /// Gives the file its name and makes the name last. Called until it succeeds once, when what the
    /// file holds can be read and is synced; what bears the name by then stays whole until this moment.
    ///
    /// # Errors
    /// `AlreadyExists` where another file has the name and may not be replaced, or is being written;
    /// the system's.
    fn publish(&mut self) -> io::Result<()>;

    /// The file is to have another name, in the same folder, which it takes from no other file; only
    /// before it is published.
    ///
    /// # Errors
    /// `Unsupported`, as here, where it cannot have another.
    fn rename(&mut self, path: &Path) -> io::Result<()> {
        let _ = path;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The file itself, for whoever is to hold on to it whatever becomes of its name; `None`, as here,
    /// where it is none of the system's.
    fn handle(&self) -> Option<File> {
        None
    }
}

/// Writes as much of `bytes` as goes; returns how much, and the error that stopped it.
pub(super) fn write_all_at(
    storage: &mut dyn Storage,
    bytes: &[u8],
    offset: u64,
) -> (usize, io::Result<()>) {
    let mut written = 0;
    while written < bytes.len() {
        match storage.write_at(&bytes[written..], offset + written as u64) {
            Ok(0) => return (written, Err(io::ErrorKind::StorageFull.into())),
            Ok(count) => written += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (written, Err(error)),
        }
    }
    (written, Ok(()))
}

/// Writes bytes at their places, each when what is before it is on the disk.
pub(super) fn write_in_order(
    storage: &mut dyn Storage,
    steps: &[(Vec<u8>, u64)],
) -> io::Result<()> {
    for (bytes, place) in steps {
        write_all_at(storage, bytes, *place).1?;
        storage.sync()?;
    }
    Ok(())
}
