//! The list of gaps that a file that was left open belongs to.

use std::io;
use std::path::{Path, PathBuf};

use ossicle_io::file::recover::{Standing, standing};
use ossicle_io::file::{AudioFile, Label};

use super::gap_list::GapList;
use super::names::numbered;

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
    /// The list of a file: beside itself, or beside one of the files before it in its folder, where
    /// the take began or came to from another disk. A list that cannot be read is none, and so is
    /// that of another take whose name looks alike.
    pub(super) fn of(file: &Path) -> Option<Self> {
        let numbers = pattern_of(file);
        // A take that left its disk begins without a number.
        let before = numbers.iter().flat_map(|(pattern, number)| {
            let numbered = (1..*number).map(|number| numbered(pattern, number));
            numbered.chain([pattern.clone()])
        });
        let mut places = std::iter::once(file.to_owned()).chain(before);
        places.find_map(|beside| {
            let gaps = load(&beside)?;
            let first_frame = match gaps.first_frame_of(&beside, file) {
                Some(first_frame) => first_frame,
                None if beside == file => 0,
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
        let elsewhere = (found != first).then(|| load(first)).flatten();
        let lists = [(found, Some(self.gaps)), (first, elsewhere)];
        let end = self.first_frame + frames;
        for (beside, list) in lists {
            if let Some(mut list) = list {
                list.add(beside, &self.file, self.first_frame);
                // The frames of the files behind it are counted already.
                let last = list.files.last().map(|last| last.first_frame);
                let is_last = last.is_none_or(|last| last <= self.first_frame);
                list.frames = if is_last { end } else { list.frames.max(end) };
                list.closed = true;
                list.save(beside)?;
            }
        }
        Ok(())
    }
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
    use std::fs;

    use ossicle_io::file::{Overwrite, WavSpec, WavWriter};
    use ossicle_io::sample::SampleFormat;

    use super::super::gap_list::{ListedFile, ListedGap};
    use super::super::recover::find;
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

    /// A closed file of so many frames, or one that a kill left open.
    fn file(path: &Path, frames: usize, is_open: bool) {
        let spec = WavSpec {
            sample_rate_hz: 48_000,
            channels: 1,
            format: SampleFormat::I16,
        };
        let living = path.with_extension("living.wav");
        let mut take = WavWriter::create(&living, spec, Overwrite::Never).unwrap();
        take.write(&vec![0.25; frames]).unwrap();
        take.checkpoint().unwrap();
        if is_open {
            fs::copy(&living, path).unwrap();
        }
        take.finish().unwrap();
        match is_open {
            true => fs::remove_file(living).unwrap(),
            false => fs::rename(living, path).unwrap(),
        }
    }

    /// The list of a take of these files, with one gap, beside `beside`.
    fn list(beside: &Path, files: &[(&str, u64)], gap: u64, closed: bool) -> GapList {
        let name = |path: &str| path.rsplit('/').next().unwrap().to_owned();
        let list = GapList {
            version: 1,
            file: name(files[0].0),
            sample_rate_hz: 48_000,
            channels: 1,
            frames: 48_000,
            files: files
                .iter()
                .map(|(file, first_frame)| ListedFile {
                    file: (*file).to_owned(),
                    first_frame: *first_frame,
                })
                .collect(),
            gaps: vec![ListedGap {
                position: gap,
                frames: 480,
                seconds: 0.01,
                cause: "disk full".to_owned(),
                file: name(files[0].0),
            }],
            closed,
        };
        list.save(beside).unwrap();
        list
    }

    #[test]
    fn a_take_whose_name_looks_like_a_later_file_has_not_the_list_of_another() {
        let folder = tempfile::tempdir().unwrap();
        let at = |number: usize| folder.path().join(format!("take-{number:03}.wav"));
        // One ended on a full disk, in order or by a kill; another was killed.
        for (closed, open) in [(true, false), (false, true)] {
            file(&at(1), 48_000, open);
            file(&at(3), 39_168, true);
            let before = list(&at(1), &[("take-001.wav", 0)], 48_000, closed);
            let found = find(&at(3)).unwrap().takes.remove(0);
            assert_eq!(found.gaps(), 0, "closed: {closed}");
            assert_eq!(found.finish().unwrap().gaps, 0);
            assert_eq!(
                GapList::load(&at(1)).unwrap(),
                Some(before),
                "closed: {closed}"
            );
            assert_eq!(GapList::load(&at(3)).unwrap(), None);
            for number in [1, 3] {
                fs::remove_file(at(number)).unwrap();
            }
        }
        // Neither that of a take which began under another name.
        file(&at(1), 48_000, false);
        file(&at(3), 39_168, true);
        list(
            &at(1),
            &[("other-001.wav", 0), ("take-001.wav", 0)],
            48_100,
            false,
        );
        assert_eq!(find(&at(3)).unwrap().takes.remove(0).gaps(), 0);
    }

    #[test]
    fn a_file_that_its_list_does_not_name_yet_is_behind_the_last_that_it_names() {
        let folder = tempfile::tempdir().unwrap();
        let at = |number: usize| folder.path().join(format!("take-{number:03}.wav"));
        file(&at(1), 10_000, false);
        file(&at(2), 20_000, false);
        file(&at(3), 6_000, true);
        list(
            &at(1),
            &[("take-001.wav", 0), ("take-002.wav", 10_000)],
            31_000,
            false,
        );
        let found = find(folder.path()).unwrap().takes.remove(0);
        assert_eq!(found.gaps(), 1);
        assert_eq!(found.finish().unwrap().gaps, 1);
        let closed = GapList::load(&at(1)).unwrap().unwrap();
        assert_eq!((closed.frames, closed.closed), (36_000, true));
        assert_eq!(closed.files[2].file, "take-003.wav");
        assert_eq!(closed.first_frame_of(&at(1), &at(3)), Some(30_000));
    }

    #[test]
    fn a_take_that_left_its_disk_is_known_by_the_name_that_it_began_with() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("disk")).unwrap();
        fs::create_dir(at("spill")).unwrap();
        file(&at("disk/take.wav"), 10_000, false);
        file(&at("spill/take-002.wav"), 20_000, false);
        file(&at("spill/take-003.wav"), 6_000, true);
        let files = [("../disk/take.wav", 0), ("take-002.wav", 10_000)];
        list(&at("spill/take-002.wav"), &files, 29_900, false);
        let found = find(&at("spill")).unwrap().takes.remove(0);
        // The gap goes on from the file before.
        let labels = TakeList::of(&found.path()).unwrap().labels(6_000);
        assert_eq!((labels[0].position, labels[0].frames), (0, 380));
    }

    #[test]
    fn finishing_an_earlier_file_takes_no_frames_from_the_list() {
        let folder = tempfile::tempdir().unwrap();
        let at = |number: usize| folder.path().join(format!("take-{number:03}.wav"));
        file(&at(1), 10_000, true);
        file(&at(2), 38_000, false);
        list(
            &at(1),
            &[("take-001.wav", 0), ("take-002.wav", 10_000)],
            5_000,
            true,
        );
        find(folder.path())
            .unwrap()
            .takes
            .remove(0)
            .finish()
            .unwrap();
        assert_eq!(GapList::load(&at(1)).unwrap().unwrap().frames, 48_000);
    }
}
