//! The limit that a process has for the length of a file (`RLIMIT_FSIZE`). The system ends a program
//! by a signal where it writes beyond, unless the program has said otherwise; so nobody here does.

use std::io;

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
///
/// # Errors
/// [`FileTooLarge`](io::ErrorKind::FileTooLarge) where it may not.
///
/// # Real-time
/// Not safe: a system call.
pub fn check_size(bytes: u64) -> io::Result<()> {
    match bytes > most_bytes() {
        true => Err(io::ErrorKind::FileTooLarge.into()),
        false => Ok(()),
    }
}
