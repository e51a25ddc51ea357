//! The numbered files of an older take that one of the same name would mix with.

use std::fs;
use std::path::{Path, PathBuf};

use ossicle_io::file::recover::is_written;

use super::names::{folder, numbered};
use super::take::Take;

/// The files that are numbered as a take's are, in order of their numbers.
pub(super) fn numbered_there(pattern: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder(pattern)).into_iter().flatten();
    let mut there: Vec<(usize, PathBuf)> = entries
        .filter_map(|entry| {
            let name = entry.ok()?.file_name();
            let stem = Path::new(&name).file_stem()?.to_str()?;
            let number = stem.rsplit_once('-')?.1.parse().ok()?;
            let path = numbered(pattern, number);
            (number > 0 && path.file_name()? == name).then_some((number, path))
        })
        .collect();
    there.sort();
    there.into_iter().map(|(_, path)| path).collect()
}

/// Removes those files of an older take that `take` did not replace, and tells it.
pub(super) fn remove_older(older: &[PathBuf], take: &Take) {
    let files = take.files();
    if files.is_empty() {
        return;
    }
    let is_own = |path: &PathBuf| files.iter().any(|file| file.path == *path);
    let rest = older
        .iter()
        .filter(|path| !is_own(path) && !is_written(path));
    let removed: Vec<String> = rest
        .filter(|path| fs::remove_file(path).is_ok())
        .map(|path| path.display().to_string())
        .collect();
    if !removed.is_empty() {
        take.note(format!("removed, of an older take: {}", removed.join(", ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_names_are_of_the_series() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in [
            "s-010.wav",
            "s-002.wav",
            "s-1000.wav",
            "s-2.wav",
            "s-0003.wav",
            "s-003.flac",
            "s.wav",
            "s-000.wav",
            "as-001.wav",
            "s-004.wav.gaps.json",
            "s-x.wav",
            "s-001-002.wav",
        ] {
            fs::write(at(name), "").unwrap();
        }
        let own = ["s-002.wav", "s-010.wav", "s-1000.wav"].map(at);
        assert_eq!(numbered_there(&at("s.wav")), own);
        assert!(numbered_there(&at("none/s.wav")).is_empty());
    }
}
