//! The folders that recordings go to, looked at before a device is opened.

use std::fs;
use std::path::Path;

use ossicle::EngineError;

use crate::exit::{Exit, Failure};

/// The folder that a file is in.
pub fn of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

/// # Errors
/// `folder` is not there, or is a file.
pub fn is_there(folder: &Path) -> Result<(), Failure> {
    let wrong = match fs::metadata(folder) {
        Ok(found) if found.is_dir() => return Ok(()),
        Ok(_) => "is no folder".to_string(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => "no such folder".to_string(),
        Err(error) => error.to_string(),
    };
    Err(Failure {
        exit: Exit::File,
        message: format!("{}: {wrong}", folder.display()),
    })
}

/// # Errors
/// Both are names of one file, by whatever way to its folder: with `--force` the one recording
/// would replace the other.
pub fn differ(one: &Path, other: &Path) -> Result<(), Failure> {
    let whole = |file: &Path| Some(fs::canonicalize(of(file)).ok()?.join(file.file_name()?));
    match (whole(one), whole(other)) {
        (Some(one), Some(same)) if one == same => Err(EngineError::SameTake {
            path: other.to_owned(),
        }
        .into()),
        _ => Ok(()),
    }
}
