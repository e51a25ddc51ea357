//! Takes that were never closed, and what the lists beside them say of their gaps.

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use ossicle_io::file::recover::{OpenTake, Recovered, open_take, open_takes};
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
    /// The file beside which it is.
    beside: PathBuf,
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

/// Finds them in a folder, not in those below, in order of their names; or looks at one file.
///
/// # Errors
/// As [`open_takes`].
pub fn find(path: &Path) -> Result<Vec<Unclosed>, FileError> {
    let files = match path.is_file() {
        true => open_take(path).into_iter().collect(),
        false => open_takes(path)?,
    };
    let unclosed = |file: OpenTake| Unclosed {
        list: list_of(&file.final_path()),
        file,
    };
    Ok(files.into_iter().map(unclosed).collect())
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
    /// Closes the list of a take whose last file has so many frames.
    fn close(mut self, frames: u64) -> io::Result<()> {
        self.gaps.frames = self.first_frame + frames;
        self.gaps.closed = true;
        self.gaps.save(&self.beside)
    }
}

/// The list of a file: beside itself, or beside the first of the files it is the last of. A list that
/// cannot be read is none.
fn list_of(file: &Path) -> Option<List> {
    let load = |beside: &Path| GapList::load(beside).ok().flatten();
    if let Some(gaps) = load(file) {
        return Some(List {
            beside: file.to_owned(),
            gaps,
            first_frame: 0,
        });
    }
    let (pattern, number) = pattern_of(file)?;
    let first = numbered(&pattern, 1);
    // A take that left its disk begins without a number.
    let first = if first.exists() {
        first
    } else {
        pattern.clone()
    };
    let gaps = load(&first)?;
    let between = (2..number).map(|number| numbered(&pattern, number));
    let mut first_frame = 0;
    for before in std::iter::once(first.clone()).chain(between) {
        first_frame += AudioFile::open(&before).ok()?.info().frames?;
    }
    Some(List {
        beside: first,
        gaps,
        first_frame,
    })
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
