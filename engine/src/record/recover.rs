//! Takes that were never closed, and what the lists beside them say of their gaps.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ossicle_io::file::recover::{Damage, OpenTake, Recovered, Standing, Takes};
use ossicle_io::file::recover::{open_take, standing, takes_in};
use ossicle_io::file::{AudioFile, FileError, Label};

use super::gap_list::GapList;
use super::names::numbered;

/// A take's file that was being written when the program or the machine ended. It is locked as long
/// as this lives.
#[derive(Debug)]
pub struct Unclosed {
    file: OpenTake,
    list: Option<List>,
}

/// The list of gaps of the take that a file belongs to.
#[derive(Debug)]
struct List {
    /// The file beside which it is, and the first of the take.
    beside: [PathBuf; 2],
    gaps: GapList,
    /// Position in the take of the file's first frame.
    first_frame: u64,
}

/// A file that was finished.
#[derive(Debug)]
pub struct Restored {
    /// The file.
    pub file: Recovered,
    /// Gaps that are labelled in it.
    pub gaps: usize,
    /// Why the list of gaps could not be closed; the file has its labels all the same.
    pub list_error: Option<io::Error>,
}

/// What is not closed in a folder.
#[derive(Debug, Default)]
pub struct Found {
    /// What can be finished, in order of the names.
    pub takes: Vec<Unclosed>,
    /// What is being written, by the names that the files will have.
    pub written: Vec<PathBuf>,
    /// What cannot be finished, or looked at, and why.
    pub failed: Vec<(PathBuf, FileError)>,
}

/// Looks in a folder, not in those below; or at one file.
///
/// # Errors
/// As [`takes_in`].
pub fn find(path: &Path) -> Result<Found, FileError> {
    let there = match path.is_file() {
        true => alone(path),
        false => takes_in(path)?,
    };
    let mut found = Found {
        takes: Vec::new(),
        written: there.written,
        failed: there.unknown,
    };
    for path in there.open {
        match open_take(&path) {
            Ok(Some(file)) => found.takes.push(Unclosed {
                list: list_of(&file.final_path()),
                file,
            }),
            // It was closed meanwhile.
            Ok(None) => {}
            Err(error) => found.failed.push((path, error)),
        }
    }
    Ok(found)
}

fn alone(path: &Path) -> Takes {
    let mut takes = Takes::default();
    match standing(path) {
        Ok(Standing::NoTake) => {}
        Ok(Standing::Written) => takes.written.push(path.to_owned()),
        Ok(Standing::Open) => takes.open.push(path.to_owned()),
        Err(error) => takes.unknown.push((path.to_owned(), error)),
    }
    takes
}

impl Unclosed {
    /// What the file will be called.
    pub fn path(&self) -> PathBuf {
        self.file.final_path()
    }

    /// Sample rate in hertz; 0 when there is nothing in the file.
    pub fn sample_rate_hz(&self) -> u32 {
        self.file.sample_rate_hz()
    }

    /// Frames that every reader finds.
    pub fn frames_said(&self) -> u64 {
        self.file.frames_said()
    }

    /// Whole frames that are in the file.
    pub fn frames_there(&self) -> u64 {
        self.file.frames_there()
    }

    /// What of the frames that are there cannot be read, in order.
    pub fn damage(&self) -> &[Damage] {
        self.file.damage()
    }

    /// When it was written last, where the system tells.
    pub fn modified(&self) -> Option<SystemTime> {
        let metadata = std::fs::metadata(self.file.path()).ok()?;
        metadata.modified().ok()
    }

    /// Gaps in the file that its list knows of.
    pub fn gaps(&self) -> usize {
        self.labels().len()
    }

    /// Closes the file, with its gaps as labels, and its list.
    ///
    /// # Errors
    /// As [`OpenTake::finish`].
    pub fn finish(self) -> Result<Restored, FileError> {
        let labels = self.labels();
        let file = self.file.finish(&labels)?;
        let list_error = self.list.and_then(|list| list.close(file.frames).err());
        Ok(Restored {
            gaps: labels.len(),
            file,
            list_error,
        })
    }

    fn labels(&self) -> Vec<Label> {
        let Some(list) = &self.list else {
            return Vec::new();
        };
        let (first, end) = (
            list.first_frame,
            list.first_frame + self.file.frames_there(),
        );
        let gaps = list.gaps.gaps.iter().filter_map(|gap| {
            let from = gap.position.max(first);
            let until = (gap.position + gap.frames).min(end);
            (from < until).then(|| Label {
                position: from - first,
                frames: until - from,
                text: format!("lost: {}", gap.cause),
            })
        });
        gaps.collect()
    }
}

impl List {
    /// Closes the list of a take whose last file has so many frames, wherever it is.
    fn close(self, frames: u64) -> io::Result<()> {
        let [found, first] = &self.beside;
        let elsewhere = (found != first).then(|| load(first)).flatten();
        let lists = [(found, Some(self.gaps)), (first, elsewhere)];
        for (beside, list) in lists {
            if let Some(mut list) = list {
                list.frames = self.first_frame + frames;
                list.closed = true;
                list.save(beside)?;
            }
        }
        Ok(())
    }
}

/// The list of a file: beside itself, or beside one of the files before it in its folder, where the
/// take began or came to from another disk. A list that cannot be read is none.
fn list_of(file: &Path) -> Option<List> {
    let numbers = pattern_of(file);
    // A take that left its disk begins without a number.
    let before = numbers.iter().flat_map(|(pattern, number)| {
        let numbered = (1..*number).map(|number| numbered(pattern, number));
        numbered.chain([pattern.clone()])
    });
    let mut places = std::iter::once(file.to_owned()).chain(before);
    let (gaps, beside) = places.find_map(|place| Some((load(&place)?, place)))?;
    let first = gaps.files.first();
    let first = first.map_or_else(|| beside.clone(), |first| gaps.path_of(&beside, first));
    let first_frame = match gaps.first_frame_of(&beside, file) {
        Some(first_frame) => first_frame,
        None if beside == file => 0,
        None => counted_before(file, &beside, &gaps, &numbers?)?,
    };
    Some(List {
        beside: [beside, first],
        gaps,
        first_frame,
    })
}

/// Frames of the files before one that the list does not name yet: those that it names end where the
/// last one does.
fn counted_before(
    file: &Path,
    beside: &Path,
    list: &GapList,
    (pattern, number): &(PathBuf, usize),
) -> Option<u64> {
    let frames = |path: &Path| AudioFile::open(path).ok()?.info().frames;
    if let Some(last) = list.files.last() {
        return Some(last.first_frame + frames(&list.path_of(beside, last))?);
    }
    let between = (2..*number).map(|number| numbered(pattern, number));
    let before = std::iter::once(beside.to_owned()).chain(between);
    before
        .filter(|before| before != file)
        .map(|before| frames(&before))
        .sum()
}

fn load(beside: &Path) -> Option<GapList> {
    GapList::load(beside).ok().flatten()
}

/// `take-003.wav` is the third of `take.wav`; what is no second or later file is nothing.
fn pattern_of(file: &Path) -> Option<(PathBuf, usize)> {
    let stem = file.file_stem()?.to_str()?;
    let (stem, digits) = stem.rsplit_once('-')?;
    let number: usize = digits.parse().ok()?;
    let mut pattern = file.with_file_name(stem);
    if let Some(ending) = file.extension() {
        pattern.set_extension(ending);
    }
    (number > 1 && numbered(&pattern, number) == file).then_some((pattern, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_later_file_knows_what_it_belongs_to() {
        let of = |path: &str| pattern_of(Path::new(path));
        assert_eq!(of("a/take-003.wav"), Some(("a/take.wav".into(), 3)));
        assert_eq!(of("take 1-1000"), Some(("take 1".into(), 1000)));
        for path in [
            "take.wav",
            "take-001.wav",
            "take-3.wav",
            "take-x.wav",
            "-.wav",
        ] {
            assert_eq!(of(path), None, "{path}");
        }
    }
}
