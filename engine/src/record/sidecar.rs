//! Keeps the list of gaps beside a take up to date.

use std::fs::File;
use std::path::{Path, PathBuf};

use ossicle_io::file::Tags;

use super::clock_log::ClockLog;
use super::gap_list::GapList;
use super::names::folder;
use super::recorded::{Gap, TakeFile};
use super::take::Take;

/// The list of gaps of one take. Written by the writer alone.
#[derive(Debug)]
pub(super) struct Sidecar {
    sample_rate_hz: u32,
    channels: usize,
    /// What the files say of themselves.
    tags: Tags,
    /// The gaps as they were written last.
    kept: Vec<Gap>,
    /// The files it names.
    files: Vec<PathBuf>,
    /// The files beside which the list is.
    beside: Vec<PathBuf>,
    /// Files beside which nothing is any more of a take that was there before.
    clean: usize,
    is_told: bool,
}

impl Sidecar {
    pub(super) fn new(take: &Take, tags: Tags) -> Self {
        Self {
            sample_rate_hz: take.sample_rate_hz(),
            channels: take.channels(),
            tags,
            kept: Vec::new(),
            files: Vec::new(),
            beside: Vec::new(),
            clean: 0,
            is_told: false,
        }
    }

    /// Writes the list if gaps came in the frames before `end`: those that are in files, or that a
    /// checkpoint is about to make last.
    pub(super) fn keep(&mut self, take: &Take, end: u64) {
        self.clean(take);
        let mut gaps = take.gaps();
        gaps.retain_mut(|gap| {
            gap.frames = gap.frames.min(end.saturating_sub(gap.position));
            gap.frames > 0
        });
        let has_moved = !gaps.is_empty() && paths(&take.files()).ne(&self.files);
        if gaps != self.kept || has_moved {
            self.save(take, gaps, (end, false));
        }
    }

    /// Writes the list as it is in the end; returns where it is, if there are gaps.
    pub(super) fn close(mut self, take: &Take) -> Option<PathBuf> {
        self.clean(take);
        let gaps = take.gaps();
        if !gaps.is_empty() {
            self.save(take, gaps, (take.written_frames(), true));
        }
        self.beside.first().map(|file| GapList::path(file))
    }

    /// Writes the list beside the first file, and beside the first in another folder, where there is
    /// one: whoever finds either file finds it.
    fn save(&mut self, take: &Take, gaps: Vec<Gap>, state: (u64, bool)) {
        let files = take.files();
        let shape = (self.sample_rate_hz, self.channels);
        let elsewhere = files.iter().find(|file| {
            let first = files.first().map(|first| folder(&first.path));
            first != Some(folder(&file.path))
        });
        let places = files.first().into_iter().chain(elsewhere);
        let gated = take.desk().gated();
        let listed: Vec<_> = (files.iter())
            .map(|file| {
                let tags = gated.tags(&self.tags, file.first_frame, self.sample_rate_hz);
                let time = tags.bext.map(|bext| bext.time_reference_frames);
                (file.clone(), time)
            })
            .collect();
        let (mut failure, mut saved) = (None, Vec::new());
        for place in places.map(|file| &file.path) {
            let list = GapList::new(place, &listed, shape, &gaps, state);
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

    /// Removes what takes of the same names left.
    fn clean(&mut self, take: &Take) {
        let files = take.files();
        for file in files.iter().skip(self.clean) {
            let left = [GapList::path(&file.path), ClockLog::path(&file.path)];
            let removed = left.map(|path| std::fs::remove_file(path).is_ok());
            if removed.contains(&true)
                && let Ok(folder) = File::open(folder(&file.path))
            {
                let _ = folder.sync_all();
            }
        }
        self.clean = files.len();
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
    fn what_takes_of_the_same_names_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two, other] = ["1.wav", "2.wav", "3.wav"].map(|name| folder.path().join(name));
        let left = |file: &PathBuf| [GapList::path(file), ClockLog::path(file)];
        for path in [&one, &two, &other].into_iter().flat_map(left) {
            std::fs::write(path, "old").unwrap();
        }
        let is_left = |file| left(file).map(|path| path.exists());
        let take = Take::new(&one, 1, 48_000, 1000);
        let mut sidecar = Sidecar::new(&take, Tags::default());
        take.append(&[0.5; 20]);
        sidecar.keep(&take, 10);
        assert_eq!(is_left(&one), [true; 2]);
        take.begin_file(&one, 0);
        sidecar.keep(&take, 10);
        assert_eq!(
            [&one, &two, &other].map(is_left),
            [[false; 2], [true; 2], [true; 2]]
        );
        take.begin_file(&two, 10);
        // Its own list is not that of an older one.
        std::fs::write(ClockLog::path(&one), "new").unwrap();
        sidecar.keep(&take, 20);
        assert_eq!(
            [&one, &two, &other].map(is_left),
            [[false, true], [false; 2], [true; 2]]
        );
    }

    #[test]
    fn the_list_goes_with_a_file_that_has_another_name() {
        let folder = tempfile::tempdir().unwrap();
        let [name, other] = ["take.wav", "take (2).wav"].map(|name| folder.path().join(name));
        let take = Take::new(&name, 1, 48_000, 1000);
        take.append(&[0.5; 10]);
        take.append_lost(5, Cause::Xrun);
        take.begin_file(&name, 0);
        take.set_written(15, 15);
        let mut sidecar = Sidecar::new(&take, Tags::default());
        sidecar.keep(&take, 15);
        assert!(GapList::load(&name).unwrap().is_some());
        take.file_is_at(&name, other.clone());
        assert_eq!(sidecar.close(&take), Some(GapList::path(&other)));
        assert!(GapList::load(&name).unwrap().is_none());
        let list = GapList::load(&other).unwrap().unwrap();
        assert_eq!((list.file.as_str(), list.gaps.len()), ("take (2).wav", 1));
    }
}
