//! Small files in which something is remembered from one run to the next.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Where a user's programs keep such a file: in `ossicle` below `XDG_STATE_HOME`, or below
/// `.local/state` in the home folder where that is not set. `None` without a home.
pub(crate) fn default_path(name: &str) -> Option<PathBuf> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
    // A relative path is to be ignored, says the XDG Base Directory Specification.
    let state = folder("XDG_STATE_HOME").filter(|path| path.is_absolute());
    let home = || Some(folder("HOME")?.join(".local/state"));
    Some(state.or_else(home)?.join("ossicle").join(name))
}

/// Writes a file beside and puts it in its place: a reader sees the old or the new one whole.
///
/// # Errors
/// The system's answer.
pub(crate) fn put(path: &Path, texts: &[&str]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    let written = fs::File::create(&beside)
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
