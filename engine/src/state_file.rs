//! Small files in which something is remembered from one run to the next.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use ossicle_io::file::LimitedFile;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Why nothing is remembered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateFileError {
    /// The file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The file is of another version or is damaged.
    #[error("{}: {cause}", path.display())]
    NotUnderstood {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// Where a user's programs keep such a file: in `ossicle` below `XDG_STATE_HOME`, or below
/// `.local/state` in the home folder where that is not set. `None` without a home.
pub(crate) fn default_path(name: &str) -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
    // A relative path is to be ignored, says the XDG Base Directory Specification.
    let state = folder("XDG_STATE_HOME").filter(|path| path.is_absolute());
    let home = || Some(folder("HOME")?.join(".local/state"));
    Some(state.or_else(home)?.join("ossicle").join(name))
}

/// Reads a file of this version, a TOML table that says it; `None` without one. `check` looks at what
/// is read, and says what is wrong with it.
///
/// # Errors
/// All of them.
pub(crate) fn load<T: DeserializeOwned>(
    path: &Path,
    version: u32,
    check: impl Fn(&T) -> Result<(), String>,
) -> Result<Option<T>, StateFileError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => {
            let path = path.to_owned();
            return Err(StateFileError::Io { path, source });
        }
    };
    let read = parse::<T>(&bytes, version).and_then(|read| check(&read).map(|()| read));
    read.map(Some)
        .map_err(|cause| StateFileError::NotUnderstood {
            path: path.to_owned(),
            cause,
        })
}

fn parse<T: DeserializeOwned>(bytes: &[u8], version: u32) -> Result<T, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "it is no text".to_owned())?;
    let told = |error: toml::de::Error| {
        let place = error.span().map_or(0, |span| span.start);
        let line = 1 + text.get(..place).unwrap_or(text).matches('\n').count();
        format!("line {line}: {}", error.message())
    };
    // A newer form may have what this one does not know: its version is what is to be told.
    let said = toml::from_str::<Version>(text).map_err(told)?.version;
    if said != version {
        return Err(format!("it is of version {said} (allowed: {version})"));
    }
    toml::from_str(text).map_err(told)
}

/// Writes a file beside and puts it in its place: a reader sees the old or the new one whole. `head`
/// says what it is, for people.
///
/// # Errors
/// [`StateFileError::Io`].
pub(crate) fn save<T: Serialize>(path: &Path, head: &str, file: &T) -> Result<(), StateFileError> {
    let text = toml::to_string(file).map_err(io::Error::other);
    let written = text.and_then(|text| write(path, &[head, &text]));
    written.map_err(|source| StateFileError::Io {
        path: path.to_owned(),
        source,
    })
}

fn write(path: &Path, texts: &[&str]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    let written = LimitedFile::create(&beside)
        .and_then(|mut file| {
            let mut texts = texts.iter();
            texts.try_for_each(|text| file.write_all(text.as_bytes()))
        })
        .and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // What was begun is not left lying about.
        let _ = fs::remove_file(&beside);
    }
    written
}
