//! Keeps the list of gaps beside a take up to date.

use std::path::{Path, PathBuf};

use super::gap_list::GapList;
use super::names::folder;
use super::recorded::{Gap, TakeFile};
use super::take::Take;

/// The list of gaps of one take. Written by the writer alone.
#[derive(Debug)]
pub(super) struct Sidecar {
    sample_rate_hz: u32,
    channels: usize,
    /// The gaps as they were written last.
    kept: Vec<Gap>,
    /// The files it names.
    files: Vec<PathBuf>,
    /// The files beside which the list is.
    beside: Vec<PathBuf>,
    /// A list of a take that was here before is removed.
    is_clean: bool,
    is_told: bool,
}

impl Sidecar {
    pub(super) fn new(take: &Take) -> Self {
        Self {
            sample_rate_hz: take.sample_rate_hz(),
            channels: take.channels(),
            kept: Vec::new(),
            files: Vec::new(),
            beside: Vec::new(),
            is_clean: false,
            is_told: false,
        }
    }

    /// Writes the list if gaps came that are in files by now.
    pub(super) fn keep(&mut self, take: &Take) {
        self.clean(take);
        let written = take.written_frames();
        let mut gaps = take.gaps();
        gaps.retain_mut(|gap| {
            gap.frames = gap.frames.min(written.saturating_sub(gap.position));
            gap.frames > 0
        });
        let has_moved = !gaps.is_empty() && paths(&take.files()).ne(&self.files);
        if gaps != self.kept || has_moved {
            self.save(take, gaps, false);
        }
    }

    /// Writes the list as it is in the end; returns where it is, if there are gaps.
    pub(super) fn close(mut self, take: &Take) -> Option<PathBuf> {
        self.clean(take);
        let gaps = take.gaps();
        if !gaps.is_empty() {
            self.save(take, gaps, true);
        }
        self.beside.first().map(|file| GapList::path(file))
    }

    /// Writes the list beside the first file, and beside the first in another folder, where there is
    /// one: whoever finds either file finds it.
    fn save(&mut self, take: &Take, gaps: Vec<Gap>, closed: bool) {
        let files = take.files();
        let shape = (self.sample_rate_hz, self.channels);
        let elsewhere = files.iter().find(|file| {
            let first = files.first().map(|first| folder(&first.path));
            first != Some(folder(&file.path))
        });
        let places = files.first().into_iter().chain(elsewhere);
        let (mut failure, mut saved) = (None, Vec::new());
        for place in places.map(|file| &file.path) {
            let list = GapList::new(place, &files, shape, &gaps, closed);
            match list.save(place) {
                Ok(()) => saved.push(place.clone()),
                Err(error) => {
                    failure.get_or_insert((place.clone(), error));
                }
            }
        }
        if !saved.is_empty() {
            // A file that has another name takes its list along.
            let left = self.beside.iter().filter(|place| !saved.contains(place));
            left.for_each(|place| remove(&GapList::path(place)));
            (self.kept, self.beside) = (gaps, saved);
            self.files = paths(&files).cloned().collect();
        } else if let Some((place, error)) =
            failure.filter(|_| !std::mem::replace(&mut self.is_told, true))
        {
            let list = GapList::path(&place);
            take.note(format!("{}: {error}", list.display()));
        }
    }

    /// Removes what a take of the same name left.
    fn clean(&mut self, take: &Take) {
        if self.is_clean {
            return;
        }
        if let Some(first) = take.files().first() {
            self.is_clean = true;
            remove(&GapList::path(&first.path));
        }
    }
}

fn paths(files: &[TakeFile]) -> impl Iterator<Item = &PathBuf> {
    files.iter().map(|file| &file.path)
}

/// Removes a file that is of no more use. What cannot be removed was not ours.
pub(super) fn remove(path: &Path) {
    let _ = std::fs::remove_file(path);
}

#[cfg(test)]
mod tests {
    use ossicle_io::ring::Cause;

    use super::*;

    #[test]
    fn the_list_goes_with_a_file_that_has_another_name() {
        let folder = tempfile::tempdir().unwrap();
        let [name, other] = ["take.wav", "take (2).wav"].map(|name| folder.path().join(name));
        let take = Take::new(&name, 1, 48_000, 1000);
        take.append(&[0.5; 10]);
        take.append_lost(5, Cause::Xrun);
        take.begin_file(&name, 0);
        take.set_written(15, 15);
        let mut sidecar = Sidecar::new(&take);
        sidecar.keep(&take);
        assert!(GapList::load(&name).unwrap().is_some());
        take.file_is_at(&name, other.clone());
        assert_eq!(sidecar.close(&take), Some(GapList::path(&other)));
        assert!(GapList::load(&name).unwrap().is_none());
        let list = GapList::load(&other).unwrap().unwrap();
        assert_eq!((list.file.as_str(), list.gaps.len()), ("take (2).wav", 1));
    }
}
