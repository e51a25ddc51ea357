//! Whether a file that is written still has its name, and what is done when it has not.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek};
use std::path::{Path, PathBuf};

use ossicle_io::file::leads_to;

use super::open_file::under_free_name;

/// Holds on to a file that is written: deleted or moved, it is not lost.
#[derive(Debug)]
pub(super) struct Anchor {
    path: PathBuf,
    file: File,
    is_told: bool,
}

/// What became of a file that is closed.
#[derive(Debug, PartialEq)]
pub(super) struct Restored {
    /// Where it is.
    pub(super) path: PathBuf,
    /// What is to be told of that; in an error, why it is not whole under a name of its own.
    pub(super) told: Result<Option<String>, String>,
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
            None if self.path.exists() => {
                format!("{path} was replaced by another file while it is written")
            }
            None => format!("{path} was deleted while it is written"),
        })
    }

    /// Gives the file, once it is whole, a name again where it has lost its own: that one, or where
    /// another file has it by then, the first free one like it.
    pub(super) fn restore(mut self) -> Restored {
        if leads_to(&self.path, &self.file) {
            return Restored {
                path: self.path,
                told: Ok(None),
            };
        }
        let name = self.path.display().to_string();
        if let Some(now) = self.elsewhere() {
            let to = now.display();
            return match fs::hard_link(&now, &self.path) {
                Ok(()) => Restored {
                    told: Ok(Some(format!(
                        "{name} is another name of {to} now, where it was moved"
                    ))),
                    path: self.path,
                },
                Err(error) => Restored {
                    told: Err(format!("it was moved to {to}: {error}")),
                    path: now,
                },
            };
        }
        let made = under_free_name(&self.path, |path| {
            let mut options = OpenOptions::new();
            Ok(options.write(true).create_new(true).open(path)?)
        });
        let (path, to) = match made {
            Ok(made) => made,
            Err(error) => {
                return Restored {
                    told: Err(format!("it was deleted and cannot be put back: {error}")),
                    path: self.path,
                };
            }
        };
        let now = path.display();
        let told = match copy(&mut self.file, &to) {
            Ok(()) if path == self.path => {
                Ok(Some(format!("{name}, which was deleted, is there again")))
            }
            Ok(()) => Ok(Some(format!(
                "{name}: another file has the name by now: the recording is {now}"
            ))),
            // What there is of it is more than nothing.
            Err(error) => Err(format!(
                "it was deleted, and of it {now} has the beginning alone: {error}"
            )),
        };
        Restored { path, told }
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

fn copy(from: &mut File, mut to: &File) -> io::Result<()> {
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
        let restored = whole.restore();
        assert_eq!((restored.path, restored.told), (path.clone(), Ok(None)));

        let mut deleted = held();
        fs::remove_file(&path).unwrap();
        assert!(
            deleted
                .look()
                .unwrap()
                .ends_with("was deleted while it is written")
        );
        assert_eq!(deleted.look(), None);
        assert!(deleted.restore().told.unwrap().is_some());
        assert_eq!(fs::read_to_string(&path).unwrap(), "sound");

        let mut moved = held();
        fs::rename(&path, &other).unwrap();
        assert!(moved.look().unwrap().contains(other.to_str().unwrap()));
        assert!(moved.restore().told.unwrap().is_some());
        assert_eq!(fs::read_to_string(&path).unwrap(), "sound");

        // Another file has its name: that is left alone, and it is told where this one is.
        let replaced = held();
        fs::rename(&path, &other).unwrap();
        fs::write(&path, "another").unwrap();
        let restored = replaced.restore();
        assert_eq!(restored.path, other);
        assert!(restored.told.unwrap_err().contains(other.to_str().unwrap()));
        assert_eq!(fs::read_to_string(&path).unwrap(), "another");

        // Deleted too: it gets a name like its own.
        let mut replaced = held();
        fs::remove_file(&path).unwrap();
        fs::write(&path, "another").unwrap();
        assert!(replaced.look().unwrap().contains("was replaced"));
        let restored = replaced.restore();
        assert!(restored.told.unwrap().unwrap().contains("take (2)"));
        assert_eq!(fs::read_to_string(&restored.path).unwrap(), "sound");
        assert_eq!(fs::read_to_string(&path).unwrap(), "another");
    }
}
