//! The numbered files of an older take that one of the same name would mix with.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use ossicle_io::file::recover::is_written;
use ossicle_io::file::{AudioFile, time_reference_frames};

use super::names::{folder, number_of, numbered};
use super::take::Take;

/// The files that are numbered as a take's are, in order of their numbers.
pub(super) fn numbered_there(pattern: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder(pattern)).into_iter().flatten();
    let names = entries.filter_map(|entry| Some(entry.ok()?.file_name()));
    let there = numbers_of(pattern, names);
    there.into_iter().map(|(_, path)| path).collect()
}

/// Those of some names that are numbered as a take's files are, in order of their numbers, each with
/// its number and as the path of that file.
pub(super) fn numbers_of(
    pattern: &Path,
    names: impl Iterator<Item = OsString>,
) -> Vec<(usize, PathBuf)> {
    let numbers = names.filter_map(|name| {
        let (_, number) = number_of(Path::new(&name).file_stem()?)?;
        let path = numbered(pattern, number);
        (number > 0 && path.file_name()? == name).then_some((number, path))
    });
    let mut numbers: Vec<_> = numbers.collect();
    numbers.sort();
    numbers
}

/// Takes those out of numbered files, in order, that are surely one take from its first file on: each
/// begins, by its tags, at the frame at which the one before it ends. What is left is of others.
pub(super) fn take_first(numbered_there: &mut Vec<PathBuf>, pattern: &Path) -> Vec<PathBuf> {
    let mut first = Vec::new();
    let mut due = None;
    for (number, path) in (1..).zip(&*numbered_there) {
        let span = span_of(path).filter(|span| due.is_none_or(|due| due == span.0));
        let Some((_, end)) = span.filter(|_| *path == numbered(pattern, number)) else {
            break;
        };
        due = Some(end);
        first.push(path.clone());
    }
    numbered_there.drain(..first.len());
    first
}

/// Where a file begins and ends in the day, in frames.
fn span_of(path: &Path) -> Option<(u64, u64)> {
    let begin = time_reference_frames(path).ok()??;
    let mut file = AudioFile::open(path).ok()?;
    let day = 86_400 * u64::from(file.info().sample_rate_hz);
    let frames = file.count_frames().ok()?;
    Some((begin, (begin + frames) % day))
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
    use ossicle_io::file::{AudioWriter, Bext, Overwrite, Tags, WavSpec};
    use ossicle_io::sample::SampleFormat;

    use super::*;

    /// A file of this time in the day, in frames.
    fn file(path: &Path, time_reference_frames: u64, frames: usize) {
        let spec = WavSpec {
            sample_rate_hz: 8000,
            channels: 1,
            format: SampleFormat::I16,
        };
        let bext = Bext {
            time_reference_frames,
            ..Bext::default()
        };
        let tags = Tags {
            bext: Some(bext),
            ..Tags::default()
        };
        let mut file = AudioWriter::create(path, spec, &tags, Overwrite::Replace).unwrap();
        file.write(&vec![0.0; frames]).unwrap();
        file.finish().unwrap();
    }

    #[test]
    fn files_that_follow_each_other_in_time_are_one_take_and_others_are_not() {
        const DAY: u64 = 86_400 * 8000;
        for ending in ["wav", "flac", "ogg"] {
            let folder = tempfile::tempdir().unwrap();
            let pattern = folder.path().join(format!("s.{ending}"));
            let at = |number| numbered(&pattern, number);
            // Over midnight, and then something else.
            for (number, begin, frames) in [
                (1, DAY - 5000, 4000),
                (2, DAY - 1000, 3000),
                (3, 2000, 2000),
                (4, 4001, 100),
                (2024, 4101, 100),
            ] {
                file(&at(number), begin, frames);
            }
            let mut there = numbered_there(&pattern);
            let first = take_first(&mut there, &pattern);
            assert_eq!(
                (first, there),
                ([1, 2, 3].map(at).to_vec(), [4, 2024].map(at).to_vec())
            );
            // Without its first file nothing is known of the others, nor behind a number that is not
            // there.
            fs::remove_file(at(2)).unwrap();
            let mut there = numbered_there(&pattern);
            assert_eq!(take_first(&mut there, &pattern), [at(1)]);
            fs::remove_file(at(1)).unwrap();
            let mut there = numbered_there(&pattern);
            assert!(take_first(&mut there, &pattern).is_empty());
        }
    }

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
            "s-20261127083000.wav.gaps.json",
            "s-001-002.wav",
        ] {
            fs::write(at(name), "").unwrap();
        }
        let own = ["s-002.wav", "s-010.wav", "s-1000.wav"].map(at);
        assert_eq!(numbered_there(&at("s.wav")), own);
        assert!(numbered_there(&at("none/s.wav")).is_empty());
    }
}
