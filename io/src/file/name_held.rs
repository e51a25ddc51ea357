//! Who has a name, held while another file takes it: what is written is never replaced.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use super::locked_file::LockedFile;

/// How often it is looked again where a name changes hands meanwhile.
pub(super) const TRIES: usize = 16;

/// What a name leads to.
pub(super) enum Holder {
    /// Nothing has it.
    Nobody,
    /// A file that nobody writes: it is locked and has the name as long as this lives, for all who
    /// look here before they replace it. Where a link leads to nothing, there is no file.
    File { _locked: Option<LockedFile> },
}

impl Holder {
    /// Of the name `path`.
    ///
    /// # Errors
    /// `AlreadyExists` where it is a file that is written or may not be, or no file; the system's.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let is_taken = || io::Error::from(io::ErrorKind::AlreadyExists);
        for _ in 0..TRIES {
            // Looked at first: opening a named pipe would wait for a reader.
            match fs::metadata(path) {
                Ok(metadata) if !metadata.is_file() => return Err(is_taken()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Ok(match fs::symlink_metadata(path) {
                        Ok(_) => Self::File { _locked: None },
                        Err(_) => Self::Nobody,
                    });
                }
                Err(error) => return Err(error),
            }
            let file = match OpenOptions::new().write(true).open(path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(_) => return Err(is_taken()),
            };
            let locked = LockedFile::new(file).map_err(|_| is_taken())?;
            // Who replaced it before it was locked has the name now.
            if leads_to(path, &locked) {
                let _locked = Some(locked);
                return Ok(Self::File { _locked });
            }
        }
        Err(is_taken())
    }
}

/// Whether a name leads to this very file.
#[cfg(unix)]
pub fn leads_to(path: impl AsRef<Path>, file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(own), Ok(there)) => own.dev() == there.dev() && own.ino() == there.ino(),
        _ => false,
    }
}

/// Whether a name leads to this very file: one that is open can neither be moved nor deleted here.
#[cfg(not(unix))]
pub fn leads_to(path: impl AsRef<Path>, _file: &File) -> bool {
    path.as_ref().exists()
}
