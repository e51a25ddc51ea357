//! The names of the files of a take.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use ossicle_io::file::FileError;

/// The path with a number before its ending: `take.wav` becomes `take-002.wav`.
pub(super) fn numbered(path: &Path, number: usize) -> PathBuf {
    with_stem_end(path, &format!("-{number:03}"))
}

/// A path like one that another file has: `take.wav` becomes `take (2).wav`.
pub(super) fn like(path: &Path, number: usize) -> PathBuf {
    with_stem_end(path, &format!(" ({number})"))
}

fn with_stem_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(end);
    if let Some(ending) = path.extension() {
        name.push(".");
        name.push(ending);
    }
    path.with_file_name(name)
}

/// What stands before the number at the end of a stem, and the number: `take-002` is `take` and 2.
pub(super) fn number_of(stem: &OsStr) -> Option<(&OsStr, usize)> {
    let bytes = stem.as_encoded_bytes();
    let at = bytes.iter().rposition(|byte| *byte == b'-')?;
    let number = std::str::from_utf8(&bytes[at + 1..]).ok()?.parse().ok()?;
    // SAFETY: the bytes are those of an `OsStr` up to a character of ASCII.
    let before = unsafe { OsStr::from_encoded_bytes_unchecked(&bytes[..at]) };
    Some((before, number))
}

/// The path of what is kept beside a file: `take.wav` and `gaps.json` make `take.wav.gaps.json`.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

/// Bytes that a name may have, on about every file system.
const MOST_NAME_BYTES: usize = 255;

/// Checks that the files of a take and what is kept beside them can have their names.
pub(super) fn check(path: &Path) -> Result<(), FileError> {
    let name = |path: &Path| path.file_name().unwrap_or_default().len();
    let longest = beside(&beside(&numbered(path, 1000), "clock.json"), "part");
    let most = MOST_NAME_BYTES + name(path) - name(&longest);
    match name(path) {
        bytes if bytes <= most => Ok(()),
        bytes => Err(FileError::Io(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!(
                "the name has {bytes} bytes, more than {most}, which leave room for a number and for \
                 the lists beside the file"
            ),
        ))),
    }
}

/// The folder that a path is in.
pub(super) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_before_the_ending() {
        let name = |path: &str, number| numbered(Path::new(path), number);
        assert_eq!(name("a/take.wav", 2), Path::new("a/take-002.wav"));
        assert_eq!(name("take", 1000), Path::new("take-1000"));
        assert_eq!(name("a.b.flac", 1), Path::new("a.b-001.flac"));
        assert_eq!(like(Path::new("a/b.wav"), 2), Path::new("a/b (2).wav"));
        for (stem, fits) in [(230, true), (231, false)] {
            let checked = check(Path::new(&format!("a/{}.wav", "x".repeat(stem))));
            assert_eq!(checked.is_ok(), fits, "{stem}: {checked:?}");
        }
        let list = beside(Path::new("a/take.wav"), "gaps.json");
        assert_eq!(list, Path::new("a/take.wav.gaps.json"));
    }
}
