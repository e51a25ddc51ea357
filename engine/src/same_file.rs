//! Two names for one file: what is written would destroy what is read.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::EngineError;

/// Refuses to write `output` where it is `input`, by whatever name.
///
/// # Errors
/// [`EngineError::SameFile`].
pub fn refuse(input: &Path, output: &Path) -> Result<(), EngineError> {
    if is_same(input, output) {
        return Err(EngineError::SameFile {
            path: output.to_owned(),
        });
    }
    Ok(())
}

/// Whether both are there and one file; a hard link is another name for one too.
#[cfg(unix)]
fn is_same(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (fs::metadata(one), fs::metadata(other)) {
        (Ok(one), Ok(other)) => one.dev() == other.dev() && one.ino() == other.ino(),
        _ => false,
    }
}

/// Whether both are there under one name once links are followed.
#[cfg(not(unix))]
fn is_same(one: &Path, other: &Path) -> bool {
    match (fs::canonicalize(one), fs::canonicalize(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

/// Whether both are names of one file, by whatever way to its folder, be it there or not.
pub(crate) fn is_one_name(one: &Path, other: &Path) -> bool {
    one == other || whole_name(one).is_some_and(|one| whole_name(other) == Some(one))
}

/// The name of a file by the one way to its folder that has no links, if the folder is there.
pub(crate) fn whole_name(file: &Path) -> Option<PathBuf> {
    let folder = match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    Some(fs::canonicalize(folder).ok()?.join(file.file_name()?))
}

#[cfg(test)]
mod tests {
    use super::refuse;
    use std::fs;

    #[test]
    fn a_file_is_itself_by_every_name() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("one"), "1").unwrap();
        fs::write(at("copy"), "1").unwrap();
        assert!(refuse(&at("one"), &at("one")).is_err());
        assert!(refuse(&at("one"), &folder.path().join("./one")).is_err());
        assert!(refuse(&at("one"), &at("copy")).is_ok());
        assert!(refuse(&at("one"), &at("missing")).is_ok());
        #[cfg(unix)]
        {
            fs::hard_link(at("one"), at("hard")).unwrap();
            std::os::unix::fs::symlink(at("one"), at("soft")).unwrap();
            assert!(refuse(&at("one"), &at("hard")).is_err());
            assert!(refuse(&at("one"), &at("soft")).is_err());
        }
    }
}
