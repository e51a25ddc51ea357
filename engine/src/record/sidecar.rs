//! Keeps the list of gaps beside a take up to date.

use std::path::{Path, PathBuf};

use super::gap_list::GapList;
use super::names::folder;
use super::recorded::Gap;
use super::take::Take;

/// The list of gaps of one take. Written by the writer alone.
#[derive(Debug)]
pub(super) struct Sidecar {
    sample_rate_hz: u32,
    channels: usize,
    /// The gaps as they were written last.
    kept: Vec<Gap>,
    /// How many files it names.
    files: usize,
    /// The first file beside which the list is.
    beside: Option<PathBuf>,
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
            files: 0,
            beside: None,
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
        let has_moved = !gaps.is_empty() && take.files().len() != self.files;
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
        self.beside.map(|file| GapList::path(&file))
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
        let (mut failure, mut saved) = (None, None);
        for place in places.map(|file| &file.path) {
            let list = GapList::new(place, &files, shape, &gaps, closed);
            match list.save(place) {
                Ok(()) => {
                    saved.get_or_insert(place.clone());
                }
                Err(error) => {
                    failure.get_or_insert((place.clone(), error));
                }
            }
        }
        if saved.is_some() {
            (self.kept, self.beside) = (gaps, saved);
            self.files = files.len();
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

/// Removes a file that is of no more use. What cannot be removed was not ours.
pub(super) fn remove(path: &Path) {
    let _ = std::fs::remove_file(path);
}
