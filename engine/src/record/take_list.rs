//! The list of gaps that a file that was left open belongs to.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use ossicle_io::file::recover::{Standing, standing};
use ossicle_io::file::{AudioFile, Label, leads_to};

use super::gap_list::{ENDING, GapList, ListedFile};
use super::names::{beside as list_beside, folder, number_of, numbered};
use super::series::numbers_of;

/// The list of gaps of the take that a file belongs to.
#[derive(Debug)]
pub(super) struct TakeList {
    /// The file.
    file: PathBuf,
    /// The file beside which it is, and the first of the take.
    beside: [PathBuf; 2],
    gaps: GapList,
    /// Position in the take of the file's first frame.
    first_frame: u64,
}

/// A file as the third of `take.wav`: what numbers are put into, and the number.
type Numbered = (PathBuf, usize);

impl TakeList {
    /// The list of the file at `path`, which is to be called `file`: beside itself, or beside one of
    /// the files before it in its folder, where the take began or came to from another disk. A list
    /// that cannot be read is none, and so is that of another take whose name looks alike, or is the
    /// same.
    pub(super) fn of(path: &Path, file: &Path) -> Option<Self> {
        let is_hidden = path != file && !File::open(path).is_ok_and(|open| leads_to(file, &open));
        if is_hidden && file.exists() {
            return None;
        }
        let numbers = pattern_of(file);
        let before = numbers.iter().flat_map(lists_before);
        let mut places = std::iter::once(file.to_owned()).chain(before);
        places.find_map(|beside| {
            let gaps = load(&beside)?;
            let first_frame = match gaps.file_named(&beside, file) {
                // A file has its name before a list has it.
                Some(listed) => {
                    let is_last = gaps.files.last() == Some(listed);
                    (!is_hidden && is_of(&gaps, listed, path, is_last))
                        .then_some(listed.first_frame)?
                }
                None if beside == file => match gaps.files.first() {
                    // Both were renamed.
                    Some(first) => is_of(&gaps, first, path, gaps.files.len() == 1).then_some(0)?,
                    None => (!gaps.closed).then_some(0)?,
                },
                None => first_unnamed(file, &beside, &gaps, numbers.as_ref()?)?,
            };
            let first = gaps.files.first();
            let first = first.map_or_else(|| beside.clone(), |first| gaps.path_of(&beside, first));
            Some(Self {
                file: file.to_owned(),
                beside: [beside, first],
                gaps,
                first_frame,
            })
        })
    }

    /// The gaps in the file, which has so many frames.
    pub(super) fn labels(&self, frames: u64) -> Vec<Label> {
        let (first, end) = (self.first_frame, self.first_frame + frames);
        let gaps = self.gaps.gaps.iter().filter_map(|gap| {
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

    /// Closes the list, as the file has so many frames, wherever it is.
    pub(super) fn close(self, frames: u64) -> io::Result<()> {
        let [found, first] = &self.beside;
        let own = self.gaps.files.first().cloned();
        let elsewhere = (found != first).then(|| load(first)).flatten();
        let elsewhere = elsewhere.filter(|list| is_same(list.files.first(), own.as_ref()));
        let lists = [(found, Some(self.gaps)), (first, elsewhere)];
        let end = self.first_frame + frames;
        for (beside, list) in lists {
            if let Some(mut list) = list {
                list.add(beside, &self.file, self.first_frame);
                // The frames of the files behind it are counted already.
                let last = list.files.last().map(|last| last.first_frame);
                let is_last = last.is_none_or(|last| last <= self.first_frame);
                match is_last {
                    // One that is closed has what was lost behind the end as well.
                    true if list.closed => list.frames = end,
                    true => list.end_at(end),
                    false => list.frames = list.frames.max(end),
                }
                list.closed = true;
                list.save(beside)?;
            }
        }
        Ok(())
    }
}

/// Whether a list names this file as `listed`: not if that is a file of another take. An older
/// version's list does not tell; but it is closed once its last file is.
fn is_of(list: &GapList, listed: &ListedFile, file: &Path, is_last: bool) -> bool {
    let is_older = listed.time_reference_frames.is_none();
    !(is_older && is_last && list.closed) && listed.may_be(file)
}

/// Whether two lists begin with the same file, as far as they tell.
fn is_same(one: Option<&ListedFile>, other: Option<&ListedFile>) -> bool {
    let [one, other] = [one, other].map(|file| file.and_then(|file| file.time_reference_frames));
    one.is_none() || other.is_none() || one == other
}

/// The files before a numbered one beside which there are lists. A take that left its disk begins
/// without a number.
fn lists_before((pattern, number): &Numbered) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder(pattern)).into_iter().flatten();
    let beside = entries.filter_map(|entry| listed_name(&entry.ok()?.file_name()));
    let numbered = numbers_of(pattern, beside).into_iter();
    let before = numbered.take_while(|(there, _)| there < number);
    let before = before.map(|(_, path)| path);
    before.chain([pattern.clone()]).collect()
}

/// The name of the file that a list of this name is beside.
fn listed_name(name: &OsStr) -> Option<OsString> {
    let beside = Path::new(name).with_extension("").with_extension("");
    (list_beside(&beside, ENDING) == Path::new(name)).then(|| beside.into())
}

/// Position in the take of the first frame of a file that its list does not name yet: between the two,
/// a crash came. Nothing if it is the list of another take: one that ended in order, that began as
/// another file than this one would have, or that was still in an earlier file.
fn first_unnamed(file: &Path, beside: &Path, list: &GapList, numbers: &Numbered) -> Option<u64> {
    let (pattern, number) = numbers;
    let mut begins = [numbered(pattern, 1), pattern.clone()].into_iter();
    if list.closed || !begins.any(|first| first.file_name() == Some(list.file.as_ref())) {
        return None;
    }
    if let Some(last) = list.files.last() {
        let path = list.path_of(beside, last);
        if !last.may_be(&path) {
            return None;
        }
        let is_before = pattern_of(&path).is_none_or(|(_, before)| before < *number);
        let is_closed = !matches!(standing(&path), Ok(Standing::Open | Standing::Written));
        return match is_before && is_closed {
            true => Some(last.first_frame + frames_of(&path)?),
            false => None,
        };
    }
    // An older version's list names no file.
    let between = (2..*number).map(|number| numbered(pattern, number));
    let before = std::iter::once(beside.to_owned()).chain(between);
    before
        .filter(|before| before != file)
        .map(|before| frames_of(&before))
        .sum()
}

fn frames_of(path: &Path) -> Option<u64> {
    AudioFile::open(path).ok()?.info().frames
}

fn load(beside: &Path) -> Option<GapList> {
    GapList::load(beside).ok().flatten()
}

/// `take-003.wav` is the third of `take.wav`; what is no second or later file is nothing.
fn pattern_of(file: &Path) -> Option<Numbered> {
    let (stem, number) = number_of(file.file_stem()?)?;
    let mut name = stem.to_owned();
    if let Some(ending) = file.extension() {
        name.push(".");
        name.push(ending);
    }
    let pattern = file.with_file_name(name);
    (number > 1 && numbered(&pattern, number) == file).then_some((pattern, number))
}

#[cfg(test)]
mod tests;
