//! Whether a file that is written still has its name, and what is done when it has not.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek};
use std::path::{Path, PathBuf};

use ossicle_io::file::leads_to;

/// Holds on to a file that is written: deleted or moved, it is not lost.
#[derive(Debug)]
pub(super) struct Anchor {
    path: PathBuf,
    file: File,
    is_told: bool,
}

impl Anchor {
    /// Of a file that has got its name.
    pub(super) fn of(path: &Path, handle: File) -> Self {
        // Of a file that had no name once, the system tells where it is moved to only by one that was
        // opened under its name; and by now another may have that.
        let named = File::open(path).ok();
        let named = named.filter(|_| leads_to(path, &handle));
        Self {
            path: path.to_owned(),
            file: named.unwrap_or(handle),
            is_told: false,
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Says once that its name no longer leads to the file.
    pub(super) fn look(&mut self) -> Option<String> {
        if self.is_told || leads_to(&self.path, &self.file) {
            return None;
        }
        self.is_told = true;
        let path = self.path.display();
        Some(match self.elsewhere() {
            Some(now) => format!(
                "{path} was moved while it is written: it is {}",
                now.display()
            ),
            None => format!("{path} was deleted while it is written"),
        })
    }

    /// Gives the file, once it is whole, its name again where it has lost it; says so.
    ///
    /// # Errors
    /// In words, where it is then.
    pub(super) fn restore(mut self) -> Result<Option<String>, String> {
        if leads_to(&self.path, &self.file) {
            return Ok(None);
        }
        let path = self.path.display();
        let elsewhere = self.elsewhere();
        let restored = match &elsewhere {
            Some(now) => fs::hard_link(now, &self.path),
            None => copy(&mut self.file, &self.path),
        };
        match (restored, elsewhere) {
            (Ok(()), Some(now)) => Ok(Some(format!(
                "{path} is another name of {} now, where it was moved",
                now.display()
            ))),
            (Ok(()), None) => Ok(Some(format!("{path}, which was deleted, is there again"))),
            (Err(error), Some(now)) => Err(format!("it was moved to {}: {error}", now.display())),
            (Err(error), None) => Err(format!("it was deleted and cannot be put back: {error}")),
        }
    }

    /// Where it was moved, as far as the system tells.
    #[cfg(unix)]
    fn elsewhere(&self) -> Option<PathBuf> {
        use std::os::fd::AsRawFd;
        let link = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        fs::read_link(link)
            .ok()
            .filter(|path| leads_to(path, &self.file))
    }

    #[cfg(not(unix))]
    fn elsewhere(&self) -> Option<PathBuf> {
        None
    }
}

fn copy(from: &mut File, to: &Path) -> io::Result<()> {
    let mut to = OpenOptions::new().write(true).create_new(true).open(to)?;
    from.rewind()?;
    io::copy(from, &mut to)?;
    to.sync_all()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_file_gets_its_name_again_deleted_or_moved() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("take"), folder.path().join("other"));
        let held = || {
            // Names of one file cannot be moved over each other.
            let _ = (fs::remove_file(&path), fs::remove_file(&other));
            fs::write(&path, "sound").unwrap();
            Anchor::of(&path, File::open(&path).unwrap())
        };
        let mut whole = held();
        assert_eq!(whole.look(), None);
        assert_eq!(whole.restore(), Ok(None));

        let mut deleted = held();
        fs::remove_file(&path).unwrap();
        assert!(
            deleted
                .look()
                .unwrap()
                .ends_with("was deleted while it is written")
        );
        assert_eq!(deleted.look(), None);
        assert!(deleted.restore().unwrap().is_some());
        assert_eq!(fs::read_to_string(&path).unwrap(), "sound");

        let mut moved = held();
        fs::rename(&path, &other).unwrap();
        assert!(moved.look().unwrap().contains(other.to_str().unwrap()));
        assert!(moved.restore().unwrap().is_some());
        assert_eq!(fs::read_to_string(&path).unwrap(), "sound");

        // Another file has its name: that is left alone, and it is told where this one is.
        let replaced = held();
        fs::rename(&path, &other).unwrap();
        fs::write(&path, "another").unwrap();
        assert!(
            replaced
                .restore()
                .unwrap_err()
                .contains(other.to_str().unwrap())
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "another");
    }
}
