//! FLAC takes that were never closed: how many whole frames are there, and closing them.

use std::fs::File;
use std::io;

use super::comments::chapters;
use super::error::FileError;
use super::flac_find::{Header, most_frame_bytes};
use super::flac_front::Front;
use super::forward::{Forward, to_next};
use super::positioned::read_at;
use super::recover::Damage;
use super::storage::{Storage, write_all_at};
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

    /// Closes the file with all frames that are there.
    pub(super) fn finish(
        mut self,
        storage: &mut dyn Storage,
        labels: &[Label],
    ) -> Result<(), FileError> {
        self.front.info.frames = self.frames;
        let chapters = chapters(labels, self.sample_rate_hz());
        let closed = self.front.closed(&chapters);
        storage
            .set_len(self.end)
            .and_then(|()| storage.sync())
            .and_then(|()| write_all_at(storage, &closed, 0).1)
            .and_then(|()| storage.sync())
            .map_err(|error| FileError::writing(error, self.frames))
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
            });
        }
    }
}
