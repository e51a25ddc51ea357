//! FLAC takes that were never closed: how many whole frames are there, and closing them.

use std::fs::File;
use std::io;

use super::comments::chapters;
use super::error::FileError;
use super::flac_find::{Header, most_frame_bytes};
use super::flac_front::Front;
use super::forward::{Forward, to_next};
use super::positioned::read_at;
use super::recover::{Damage, DamageKind};
use super::storage::{Storage, write_in_order};
use super::wav_labels::Label;

/// Bytes that are read of the front; tags have no more.
const START_BYTES: usize = 256 * 1024;
/// Less than a frame has.
const MIN_FRAME_BYTES: u64 = 8;

/// A FLAC file with the mark of an open take.
#[derive(Debug)]
pub(super) struct OpenFlac {
    front: Front,
    /// Frames of sound up to the end of the last whole block.
    frames: u64,
    /// Where the file is to end.
    end: u64,
    damage: Vec<Damage>,
}

impl OpenFlac {
    /// Whether a file has the mark.
    pub(super) fn is_marked(file: &File) -> io::Result<bool> {
        let mut start = [0; 128];
        let length = read_at(file, &mut start, 0)?;
        Ok(Front::is_open(&start[..length]))
    }

    /// Goes through a marked file; nothing for any other.
    pub(super) fn look(file: &File) -> io::Result<Option<Self>> {
        if !Self::is_marked(file)? {
            return Ok(None);
        }
        let mut start = vec![0; START_BYTES];
        let length = read_at(file, &mut start, 0)?;
        let Some(front) = Front::parse(&start[..length]) else {
            return Ok(None);
        };
        let mut flac = Self {
            end: front.len() as u64,
            front,
            frames: 0,
            damage: Vec::new(),
        };
        flac.go_through(file)?;
        Ok(Some(flac))
    }

    /// Sample rate in hertz.
    pub(super) fn sample_rate_hz(&self) -> u32 {
        self.front.info.sample_rate_hz
    }

    /// Frames that the header tells of, and that are there.
    pub(super) fn frames_said(&self) -> u64 {
        self.front.info.frames.min(self.frames)
    }

    /// Frames that are there, with those that are damaged.
    pub(super) fn frames_there(&self) -> u64 {
        self.frames
    }

    /// Those of them that cannot be read.
    pub(super) fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// Closes the file with all frames that are there; returns the labels that found no room.
    pub(super) fn finish(
        mut self,
        storage: &mut dyn Storage,
        labels: &[Label],
    ) -> Result<usize, FileError> {
        self.front.info.frames = self.frames;
        let chapters = chapters(labels, self.sample_rate_hz());
        let closed = self.front.closed(&chapters);
        storage
            .set_len(self.end)
            .and_then(|()| storage.sync())
            .and_then(|()| write_in_order(storage, &closed.steps))
            .map_err(|error| FileError::writing(error, self.frames))?;
        Ok(closed.left_out)
    }

    /// Looks for all whole blocks behind the front, also behind what is none: each says its number,
    /// and so its place in time.
    fn go_through(&mut self, file: &File) -> io::Result<()> {
        let info = self.front.info;
        let block_frames = info.block_frames as u64;
        let most = most_frame_bytes(&info);
        let mut way = Forward::new(file, self.end, 2 * most);
        // The number of the next block, bytes since the last one, and the end of what was seen.
        let (mut number, mut skipped, mut seen) = (0, 0, 0);
        loop {
            let bytes = way.bytes()?;
            if bytes.is_empty() {
                break;
            }
            let header = Header::parse(bytes).filter(|header| {
                let missing = header.number.checked_sub(number);
                let has_room = |missing: u64| missing.saturating_mul(MIN_FRAME_BYTES) <= skipped;
                header.block_frames as u64 <= block_frames && missing.is_some_and(has_room)
            });
            let whole = header.and_then(|header| Some((header, header.whole(bytes, most)?)));
            if let Some((header, length)) = whole {
                let position = header.number * block_frames;
                self.tell_damage(position);
                self.frames = position + header.block_frames as u64;
                number = header.number + 1;
                way.pass(length);
                (skipped, self.end) = (0, way.place());
            } else {
                if let Some(header) = header {
                    let end = header.number * block_frames + header.block_frames as u64;
                    seen = end.max(seen);
                }
                let length = to_next(bytes, 0xff);
                way.pass(length);
                skipped += length as u64;
            }
        }
        if self.front.info.frames > self.frames {
            // What was told of is there, if broken: nothing of it is cut off.
            self.end = way.place();
            let told = seen.min(self.front.info.frames);
            self.tell_damage(told);
            self.frames = told.max(self.frames);
        }
        Ok(())
    }

    /// What is between the last whole block and here is damaged.
    fn tell_damage(&mut self, position: u64) {
        if position > self.frames {
            self.damage.push(Damage {
                position: self.frames,
                frames: position - self.frames,
                kind: DamageKind::Unreadable,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::Path;
    use std::process::Command;

    use super::*;
    use crate::file::logged::{Kept, Log, Logged, Operation, cut};
    use crate::file::{AudioFile, AudioWriter, FileKind, Ixml, Tags, WavSpec};
    use crate::sample::SampleFormat;

    const FRAMES: u64 = 700;
    const SPEC: WavSpec = WavSpec {
        sample_rate_hz: 8000,
        channels: 1,
        format: SampleFormat::I16,
    };

    fn labels(count: u64) -> Vec<Label> {
        let label = |number| Label {
            position: number * 7,
            frames: 0,
            text: format!("label {number}"),
        };
        (0..count).map(label).collect()
    }

    fn tags(note_bytes: usize) -> Tags {
        let note = "a note ".chars().cycle().take(note_bytes).collect();
        Tags {
            ixml: Some(Ixml {
                note,
                ..Ixml::default()
            }),
            ..Tags::default()
        }
    }

    fn samples() -> Vec<f32> {
        let code = |frame: u64| (frame.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 48) as u16 as i16;
        let value = |frame| f32::from(code(frame)) / 32_768.0;
        (0..FRAMES).map(value).collect()
    }

    /// The log of a take, and of its operations those before it was closed.
    fn closed(tags: &Tags, labels: &[Label]) -> (Log, usize) {
        let storage = Logged::default();
        let log = storage.log.clone();
        let mut take =
            AudioWriter::on(Box::new(storage), FileKind::Flac, SPEC, tags).expect("a storage");
        take.write(&samples()).expect("room");
        take.conclude().expect("room");
        let before = log.lock().expect("no panic").len();
        for label in labels {
            take.label(label.clone());
        }
        assert_eq!(take.labels_left_out(), 0);
        assert_eq!(take.finish().expect("room"), FRAMES);
        (log, before)
    }

    /// The log of finishing a file of these bytes, and of its operations those that put it there.
    fn finished(bytes: &[u8], flac: OpenFlac, labels: &[Label]) -> (Log, usize) {
        let mut storage = Logged::default();
        storage.write_at(bytes, 0).expect("room");
        storage.sync().expect("room");
        storage.publish().expect("room");
        assert_eq!(flac.finish(&mut storage, labels).expect("room"), 0);
        (storage.log, 3)
    }

    /// Judges a state: whether it is open, and what finishing it does then.
    fn judge(bytes: &[u8], told: &str, flac_too: bool) -> Option<OpenFlac> {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(bytes).expect("room");
        let open = OpenFlac::look(file.as_file()).expect("readable");
        if let Some(open) = open {
            assert_eq!(open.frames_there(), FRAMES, "{told}");
            assert_eq!(open.damage(), [], "{told}");
            return Some(open);
        }
        let mut take = AudioFile::open(file.path()).unwrap_or_else(|e| panic!("{told}: {e}"));
        assert_eq!(take.info().warnings, [""; 0], "{told}");
        assert_eq!(take.info().frames, Some(FRAMES), "{told}");
        let mut got = vec![0.0; FRAMES as usize];
        assert_eq!(take.read(&mut got).expect("good") as u64, FRAMES, "{told}");
        assert!(got == samples(), "{told}: other samples");
        if flac_too {
            assert!(is_good(file.path()), "{told}: flac finds it bad");
        }
        None
    }

    fn is_good(path: &Path) -> bool {
        let ran = Command::new("flac").args(["-t", "-s"]).arg(path).output();
        ran.expect("flac must be installed").status.success()
    }

    /// Goes through the states of a log behind its first operations; returns how many were open,
    /// and how many closed.
    fn judge_all(log: &Log, from: usize, told: &str, again: Option<&[Label]>) -> [usize; 2] {
        let log: Vec<(Operation, u64)> = log.lock().expect("no panic").clone();
        let kept = [Kept::Nothing, Kept::Everything, Kept::Length];
        let kept: Vec<Kept> = kept.into_iter().chain((0..5).map(Kept::Chance)).collect();
        let mut counts = [0; 2];
        for prefix in from..=log.len() {
            for (number, kept) in kept.iter().enumerate() {
                let told = format!("{told}, after {prefix} of {}, {kept:?}", log.len());
                let bytes = cut(&log, prefix, *kept).file.expect("a name");
                let flac_too = again.is_some() && matches!(number, 1 | 3);
                match judge(&bytes, &told, flac_too) {
                    None => counts[1] += 1,
                    Some(open) => {
                        counts[0] += 1;
                        if let Some(labels) = again.filter(|_| number % 4 == 1) {
                            let (log, from) = finished(&bytes, open, labels);
                            let [_, closed] = judge_all(&log, from, &told, None);
                            assert!(closed > 0, "{told}: still open");
                        }
                    }
                }
            }
        }
        let whole = cut(&log, log.len(), Kept::Everything).file.expect("a name");
        assert!(judge(&whole, told, true).is_none(), "{told}: still open");
        counts
    }

    #[test]
    fn a_close_that_is_cut_anywhere_leaves_a_take_that_is_open_or_closed() {
        for (count, note_bytes) in [(0, 0), (10, 0), (100, 0), (100, 5000)] {
            let labels = labels(count);
            let (log, from) = closed(&tags(note_bytes), &labels);
            let told = format!("{count} labels, a note of {note_bytes}");
            let [open, closed] = judge_all(&log, from, &told, Some(&labels));
            assert!(open > 5 && closed > 5, "{told}: {open} and {closed}");
        }
    }

    #[test]
    fn what_is_left_of_an_open_front_is_gone_when_it_is_closed() {
        let (log, _) = closed(&tags(900), &labels(3));
        let log = log.lock().expect("no panic").clone();
        let bytes = cut(&log, log.len(), Kept::Everything).file.expect("named");
        let said = |text: &str| {
            let windows = bytes.windows(text.len());
            windows.filter(|window| *window == text.as_bytes()).count()
        };
        assert_eq!(said("not closed"), 0);
        assert_eq!(said("COMMENT=a note"), 1);
        assert_eq!(said("CHAPTER003NAME=label 2"), 1);
    }
}
