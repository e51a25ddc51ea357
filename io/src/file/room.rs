//! How much room a disk has left.

use std::io;
use std::path::Path;

/// Bytes that may still be written to the file system that holds `path` (a file or a folder) by
/// this user.
///
/// # Errors
/// The system's; `Unsupported` where it does not tell.
///
/// # Real-time
/// Not safe: a system call, may wait for the disk.
///
/// # Examples
/// ```
/// assert!(ossicle_io::file::free_bytes(std::env::temp_dir())? > 0);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn free_bytes(path: impl AsRef<Path>) -> io::Result<u64> {
    #[cfg(unix)]
    {
        let room = rustix::fs::statvfs(path.as_ref())?;
        Ok(room.f_bavail.saturating_mul(room.f_frsize))
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        Err(io::ErrorKind::Unsupported.into())
    }
}
