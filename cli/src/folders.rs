//! The folders that recordings go to, looked at before a device is opened.

use std::fs;
use std::path::Path;

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
/// A folder has the name of a file to be written.
pub fn is_none(file: &Path) -> Result<(), Failure> {
    if !file.is_dir() {
        return Ok(());
    }
    Err(Failure {
        exit: Exit::File,
        message: format!(
            "{}: is a folder (allowed: the name of a file)",
            file.display()
        ),
    })
}
