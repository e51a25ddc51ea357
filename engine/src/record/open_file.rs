//! One file of a take, from its creation to its end.

use std::fs::File;
use std::path::{Path, PathBuf};

use ossicle_io::file::{AudioFile, AudioWriter, FileError, Label, leads_to};

use super::length_watch::LengthWatch;
use super::names::like;
use super::recorded::{Gap, Mark};
use super::take::Take;

/// Names that are tried where others have the first ones.
pub(super) const MOST_NAMES: usize = 10_000;

/// Bytes that a mark takes as a label of a WAV file, beside its text: a cue point, the head of its
/// text, and that text's end on an even length.
const MARK_BYTES: usize = 24 + 12 + 2;
/// Bytes that a gap takes: its length too, and the text that names the longest cause.
const GAP_BYTES: usize = MARK_BYTES + 28 + 22;

/// The file that is written.
pub(super) struct OpenFile {
    pub(super) writer: AudioWriter,
    pub(super) length: LengthWatch,
    pub(super) path: PathBuf,
    /// Position in the take of its first frame.
    pub(super) first: u64,
    /// It can be found under its path, and the take knows.
    pub(super) is_told: bool,
    /// It says of which time its first frame is.
    pub(super) is_dated: bool,
}

/// How a file ended.
pub(super) struct Closed {
    pub(super) path: PathBuf,
    /// Position in the take behind its last frame.
    pub(super) end: u64,
    pub(super) error: Option<FileError>,
}

impl OpenFile {
    pub(super) fn new((writer, length): (AudioWriter, LengthWatch), path: PathBuf) -> Self {
        Self {
            writer,
            length,
            path,
            first: 0,
            is_told: false,
            is_dated: false,
        }
    }

    pub(super) fn checkpoint(&mut self, take: &Take) -> Result<(), FileError> {
        self.make_true(take, AudioWriter::checkpoint)
    }

    /// A checkpoint for all frames: no more will come.
    pub(super) fn conclude(&mut self, take: &Take) -> Result<(), FileError> {
        self.make_true(take, AudioWriter::conclude)
    }

    fn make_true(
        &mut self,
        take: &Take,
        checkpoint: impl Fn(&mut AudioWriter) -> Result<(), FileError>,
    ) -> Result<(), FileError> {
        match checkpoint(&mut self.writer) {
            Err(FileError::AlreadyExists) if !self.is_told => {
                let writer = &mut self.writer;
                let (path, checked) = under_free_name(&self.path, |path| {
                    writer.rename(path)?;
                    match checkpoint(writer) {
                        Err(FileError::AlreadyExists) => Err(FileError::AlreadyExists),
                        checked => Ok(checked),
                    }
                })?;
                self.go_on_as(path, take);
                checked?;
            }
            result => result?,
        }
        if self.writer.lasting_frames() > 0 {
            self.tell(take);
        }
        Ok(())
    }

    /// Has this name from now on; where it is another, because somebody else made a file of the first
    /// one meanwhile, the take is told.
    pub(super) fn go_on_as(&mut self, path: PathBuf, take: &Take) {
        if path != self.path {
            let (taken, now) = (self.path.display(), path.display());
            take.note(format!(
                "{taken}: another file has the name: goes on in {now}"
            ));
            self.path = path;
        }
    }

    /// Closes the file; says where it ends, whatever becomes of its labels.
    pub(super) fn close(mut self, take: &Take, is_last: bool) -> Closed {
        let checked = self.conclude(take);
        let end = self.first + self.writer.frames();
        let mut marks = take.marks();
        // What was marked behind the last frame stands at the end.
        marks.retain_mut(|mark| {
            let is_here = mark.position >= self.first && (is_last || mark.position < end);
            mark.position = mark.position.min(end);
            is_here
        });
        for label in labels(&take.gaps(), &marks, self.first, end) {
            self.writer.label(label);
        }
        let (lasting, handle) = (self.writer.lasting_frames(), self.writer.handle());
        let (path, first) = (self.path.clone(), self.first);
        let (frames, finished) = match self.writer.finish() {
            Ok(frames) => (frames, None),
            // What never lasted never had the name: the file there is another's.
            Err(error) if lasting == 0 => (0, Some(error)),
            Err(error) => (
                counted(&path, handle).map_or(lasting, |there| there.max(lasting)),
                Some(error),
            ),
        };
        if frames > 0 && !self.is_told {
            take.begin_file(&path, first);
        }
        take.end_file(first + frames);
        Closed {
            path,
            end: first + frames,
            error: checked.err().or(finished),
        }
    }

    fn tell(&mut self, take: &Take) {
        if !std::mem::replace(&mut self.is_told, true) {
            take.begin_file(&self.path, self.first);
        }
    }
}

/// Makes something under the wanted path or, while others have it, the first like it that nobody has.
pub(super) fn under_free_name<T>(
    wanted: &Path,
    mut make: impl FnMut(&Path) -> Result<T, FileError>,
) -> Result<(PathBuf, T), FileError> {
    let mut path = wanted.to_owned();
    for number in 2..MOST_NAMES {
        match make(&path) {
            Err(FileError::AlreadyExists | FileError::InUse) => path = like(wanted, number),
            result => return result.map(|made| (path, made)),
        }
    }
    Err(FileError::AlreadyExists)
}

/// The frames that a file was left with, where it is still the one of that name.
fn counted(path: &Path, handle: Option<File>) -> Option<u64> {
    handle
        .is_none_or(|file| leads_to(path, &file))
        .then_some(())?;
    AudioFile::open(path).ok()?.count_frames().ok()
}

/// The most bytes that labels of a WAV file from `first` to `end` take, with what is known by now.
pub(super) fn label_bytes(take: &Take, first: u64, end: u64) -> u64 {
    let (mut gaps, mut marks) = (take.gaps(), take.marks());
    gaps.retain(|gap| gap.position + gap.frames > first && gap.position < end);
    marks.retain(|mark| (first..=end).contains(&mark.position));
    let marks = marks.iter().map(|mark| MARK_BYTES + mark.text.len());
    (gaps.len() * GAP_BYTES + marks.sum::<usize>()) as u64
}

/// The labels of a file: the gaps between its frames `first` and `end` with their causes, and marks.
fn labels(gaps: &[Gap], marks: &[Mark], first: u64, end: u64) -> Vec<Label> {
    let gaps = gaps.iter().filter_map(|gap| {
        let from = gap.position.max(first);
        let until = (gap.position + gap.frames).min(end);
        (from < until).then(|| Label {
            position: from - first,
            frames: until - from,
            text: format!("lost: {}", gap.cause),
        })
    });
    let marks = marks.iter().map(|mark| Label {
        position: mark.position - first,
        frames: 0,
        text: mark.text.clone(),
    });
    gaps.chain(marks).collect()
}
