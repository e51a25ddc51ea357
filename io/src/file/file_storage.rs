//! Storage on a disk: a file without a name until it is published, locked while it is open.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use super::error::FileError;
use super::locked_file::LockedFile;
use super::name_held::{Holder, TRIES};
use super::positioned::{read_once, write_once};
use super::size_limit::{allowed, check_size, most_bytes};
use super::storage::Storage;

/// How the temporary names of files without a name of their own end; they begin with a dot.
const PART: &str = ".ossicle-part";
/// Bytes that a name may have, on about every file system.
const MOST_NAME_BYTES: usize = 255;

/// Whether a file that is there may be replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overwrite {
    /// It stays, and creating is an error.
    #[default]
    Never,
    /// It is replaced, whole, when the new file is published; one that is being written is not.
    Replace,
}

/// A file on a disk, for [`WavWriter`](super::WavWriter) and its like.
///
/// Until [`publish`](Storage::publish) it has no name: a file that Linux knows without one, or,
/// where the file system cannot do that, one under a hidden name beside the later one. Dropped
/// before, it is gone. Other programs that ask see that it is in use: it is locked (`flock`) while
/// open.
#[derive(Debug)]
pub struct FileStorage {
    file: LockedFile,
    path: PathBuf,
    overwrite: Overwrite,
    name: Name,
}

/// What the file can be found by.
#[derive(Debug)]
enum Name {
    /// Nothing.
    None,
    /// A temporary name.
    Temporary(PathBuf),
    /// Its own.
    Own,
}

impl FileStorage {
    /// Creates the file in the folder of `path`, without a name.
    ///
    /// # Errors
    /// [`NotAFile`](FileError::NotAFile) where a pipe, a device or a directory has the name,
    /// [`AlreadyExists`](FileError::AlreadyExists), [`NotFound`](FileError::NotFound) (of the
    /// directory), [`PermissionDenied`](FileError::PermissionDenied) to write into the directory or
    /// to the file that is to be replaced, [`InUse`](FileError::InUse) when that is being written,
    /// [`NoRoom`](FileError::NoRoom), [`Io`](FileError::Io).
    pub fn create(path: impl AsRef<Path>, overwrite: Overwrite) -> Result<Self, FileError> {
        Self::begin(path.as_ref(), overwrite, nameless)
    }

    /// Creates the file under a hidden name beside the later one, as [`create`](Self::create) does
    /// where the file system knows no files without a name.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn create_hidden(path: impl AsRef<Path>, overwrite: Overwrite) -> Result<Self, FileError> {
        Self::begin(path.as_ref(), overwrite, |_| None)
    }

    fn begin(
        path: &Path,
        overwrite: Overwrite,
        nameless: impl Fn(&Path) -> Option<File>,
    ) -> Result<Self, FileError> {
        let mut path = path.to_owned();
        // Looked at first: opening a named pipe would wait for a reader.
        if fs::metadata(&path).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(FileError::NotAFile);
        }
        match overwrite {
            Overwrite::Never if fs::symlink_metadata(&path).is_ok() => {
                return Err(FileError::AlreadyExists);
            }
            Overwrite::Replace if path.exists() => {
                // What a link leads to is replaced, not the link, and only what may be written to.
                path = fs::canonicalize(&path)?;
                let old = OpenOptions::new().write(true).open(&path)?;
                LockedFile::new(old).map_err(|_| FileError::InUse)?;
            }
            _ => {}
        }
        if path.file_name().is_none() {
            return Err(FileError::NotAFile);
        }
        let (file, name) = match nameless(folder(&path)) {
            Some(file) => (file, Name::None),
            None => {
                let (file, temporary) = temporary(&path, |temporary| {
                    let mut options = OpenOptions::new();
                    options.read(true).write(true).create_new(true);
                    options.open(temporary)
                })
                .map_err(|error| FileError::writing(error, 0))?;
                (file, Name::Temporary(temporary))
            }
        };
        Ok(Self {
            file: LockedFile::new(file)?,
            path,
            overwrite,
            name,
        })
    }

    /// Takes over a file that is there already.
    pub(super) fn adopt(file: LockedFile, path: PathBuf) -> Self {
        Self {
            file,
            path,
            overwrite: Overwrite::Never,
            name: Name::Own,
        }
    }

    fn link(&mut self) -> io::Result<()> {
        match (&self.name, self.overwrite) {
            (Name::Own, _) => Ok(()),
            (_, Overwrite::Never) => self.link_new(),
            (_, Overwrite::Replace) => self.link_over(),
        }
    }

    /// Takes the name if nothing has it.
    fn link_new(&self) -> io::Result<()> {
        match &self.name {
            Name::Own => Ok(()),
            Name::None => link_nameless(&self.file, &self.path),
            Name::Temporary(temporary) => rename_new(temporary, &self.path),
        }
    }

    /// Takes the name, from any file that nobody writes.
    fn link_over(&mut self) -> io::Result<()> {
        for _ in 0..TRIES {
            let _old = match Holder::of(&self.path)? {
                Holder::Nobody => match self.link_new() {
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                    linked => return linked,
                },
                old @ Holder::File { .. } => old,
            };
            if let Name::None = self.name {
                // A link never replaces; a rename does, in one step.
                let ((), temporary) =
                    temporary(&self.path, |temporary| link_nameless(&self.file, temporary))?;
                self.name = Name::Temporary(temporary);
            }
            keep_permissions(&self.path, &self.file);
            return match &self.name {
                Name::Temporary(temporary) => fs::rename(temporary, &self.path),
                Name::None | Name::Own => Ok(()),
            };
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }
}

impl Storage for FileStorage {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let allowed = allowed(bytes.len(), offset)?;
        write_once(&self.file, &bytes[..allowed], offset)
    }

    fn read_at(&mut self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        read_once(&self.file, bytes, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        match self.file.sync_data() {
            // What cannot be synced is as true as it can be.
            Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            result => result,
        }
    }

    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        check_size(bytes)?;
        self.file.set_len(bytes)
    }

    fn reserve(&mut self, bytes: u64) -> io::Result<()> {
        reserve(&self.file, bytes)
    }

    fn publish(&mut self) -> io::Result<()> {
        self.link()?;
        self.name = Name::Own;
        sync_directory(folder(&self.path));
        Ok(())
    }

    fn rename(&mut self, path: &Path) -> io::Result<()> {
        if let Name::Own = self.name {
            return Err(io::ErrorKind::Unsupported.into());
        }
        path.clone_into(&mut self.path);
        self.overwrite = Overwrite::Never;
        Ok(())
    }

    fn handle(&self) -> Option<File> {
        self.file.try_clone().ok()
    }
}

impl Drop for FileStorage {
    fn drop(&mut self) {
        if let Name::Temporary(temporary) = &self.name {
            let _ = fs::remove_file(temporary);
        }
    }
}

/// The folder that a path is in.
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// The name that a temporary one stands for, cut where that is long; nothing for any other name.
pub(super) fn name_of_part(part: &OsStr) -> Option<&str> {
    let inner = part.to_str()?.strip_prefix('.')?.strip_suffix(PART)?;
    Some(inner.rsplit_once('.')?.0)
}

/// Makes something under a hidden name beside `path` that nothing else has.
fn temporary<T>(
    path: &Path,
    mut make: impl FnMut(&Path) -> io::Result<T>,
) -> io::Result<(T, PathBuf)> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let end = format!(".{:x}-{number:x}{PART}", std::process::id());
        let mut name = OsString::from(".");
        name.push(shortened(path, MOST_NAME_BYTES - 1 - end.len()));
        name.push(end);
        let temporary = folder(path).join(name);
        match make(&temporary) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            result => return Ok((result?, temporary)),
        }
    }
}

/// The name of a file, of so many bytes at most: of a longer one the stem is cut.
fn shortened(path: &Path, most_bytes: usize) -> OsString {
    let name = path.file_name().unwrap_or_default();
    if name.len() <= most_bytes {
        return name.to_owned();
    }
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    let ending = format!(".{ending}");
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let mut end = most_bytes.saturating_sub(ending.len()).min(stem.len());
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    OsString::from(format!("{}{ending}", &stem[..end]))
}

/// The new file is for whom the old one was for.
fn keep_permissions(old: &Path, new: &File) {
    if let Ok(metadata) = fs::metadata(old) {
        let _ = new.set_permissions(metadata.permissions());
    }
}

/// Renames without ever replacing, and makes the new name last.
pub(super) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // The file system does not know how.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {}
            result => {
                result?;
                sync_directory(folder(to));
                return Ok(());
            }
        }
    }
    match fs::hard_link(from, to) {
        Ok(()) => fs::remove_file(from)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(error),
        // No links here: looking first is the best there is.
        Err(_) if fs::symlink_metadata(to).is_ok() => {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        Err(_) => fs::rename(from, to)?,
    }
    sync_directory(folder(to));
    Ok(())
}

/// Makes a file's name outlast a power cut. Where a directory cannot be opened or synced, the
/// system does that itself or not at all: a name that is there is no failure.
fn sync_directory(directory: &Path) {
    if let Ok(directory) = File::open(directory) {
        let _ = directory.sync_all();
    }
}

/// A file without a name in `folder`; nothing where that cannot be, or it could never get one.
#[cfg(target_os = "linux")]
fn nameless(folder: &Path) -> Option<File> {
    use rustix::fs::{Mode, OFlags, open};
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file = File::from(open(folder, flags, Mode::from_raw_mode(0o666)).ok()?);
    fs::metadata(link_of(&file)).is_ok().then_some(file)
}

#[cfg(target_os = "linux")]
fn link_nameless(file: &File, path: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, linkat};
    let flags = AtFlags::SYMLINK_FOLLOW;
    Ok(linkat(CWD, link_of(file), CWD, path, flags)?)
}

/// Where Linux shows an open file.
#[cfg(target_os = "linux")]
fn link_of(file: &File) -> PathBuf {
    use std::os::fd::AsRawFd;
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

#[cfg(not(target_os = "linux"))]
fn nameless(_folder: &Path) -> Option<File> {
    None
}

#[cfg(not(target_os = "linux"))]
fn link_nameless(_file: &File, _path: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(target_os = "linux")]
fn reserve(file: &File, bytes: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    let held = file.metadata()?.len();
    match bytes.min(most_bytes()).checked_sub(held) {
        Some(more) if more > 0 => Ok(fallocate(file, FallocateFlags::KEEP_SIZE, held, more)?),
        _ => Ok(()),
    }
}

#[cfg(not(target_os = "linux"))]
fn reserve(_file: &File, _bytes: u64) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests;
