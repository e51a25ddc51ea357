//! A chain as a TOML file. The schema, with examples, is in `docs/chain.md`.
//!
//! ```toml
//! version = 1
//!
//! [[node]]
//! effect = "gain"
//! set = { gain = "-6dB" }
//! ```

use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use ossicle_io::file::LimitedFile;

use super::{Chain, ChainError, toml_reader, toml_writer};

/// Newest version of chain files. Every version up to this one is read, and the oldest that says
/// all of a chain is written.
pub const VERSION: i64 = 2;

/// Longest chain file that is read, in bytes.
pub const MAX_FILE_BYTES: u64 = 1 << 20;

impl Chain {
    /// Reads a chain from the text of a chain file.
    ///
    /// # Errors
    /// [`ChainError::AtLine`] with what is wrong there; [`ChainError::VersionMissing`].
    pub fn from_toml(text: &str) -> Result<Self, ChainError> {
        toml_reader::read(text)
    }

    /// Writes the text of a chain file, of the oldest version that says all of it.
    ///
    /// # Errors
    /// [`ChainError::NodeWithoutText`] when a node is the caller's own.
    pub fn to_toml(&self) -> Result<String, ChainError> {
        self.check_written()?;
        Ok(toml_writer::write(self))
    }

    /// Reads a chain file.
    ///
    /// # Errors
    /// [`ChainError::Io`] when the file cannot be read, [`ChainError::FileTooLong`],
    /// [`ChainError::InFile`] with what is wrong in it.
    pub fn load(path: &Path) -> Result<Self, ChainError> {
        Self::from_toml(&read_text(path)?).map_err(|source| ChainError::InFile {
            path: path.to_path_buf(),
            source: Box::new(source),
        })
    }

    /// Writes a chain file, in the place of one that is there.
    ///
    /// # Errors
    /// [`ChainError::Io`] when the file cannot be written; as [`to_toml`](Self::to_toml).
    pub fn save(&self, path: &Path) -> Result<(), ChainError> {
        let text = self.to_toml()?;
        LimitedFile::create(path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|source| ChainError::Io {
                path: path.to_path_buf(),
                source,
            })
    }
}

/// The text of a chain file.
pub(super) fn read_text(path: &Path) -> Result<String, ChainError> {
    let io = |source| ChainError::Io {
        path: path.to_path_buf(),
        source,
    };
    let mut text = String::new();
    let file = fs::File::open(path).map_err(io)?;
    file.take(MAX_FILE_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(io)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        let path = path.to_path_buf();
        return Err(ChainError::FileTooLong {
            path,
            allowed_bytes: MAX_FILE_BYTES,
        });
    }
    Ok(text)
}
