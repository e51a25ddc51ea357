//! Ogg takes that were never closed: the pages that are whole, and marking the last of them as the
//! last.

use std::fs::File;
use std::io;

use super::error::FileError;
use super::forward::{Forward, to_next};
use super::ogg_page::{MAX_PAGE_BYTES, Page, mark_last};
use super::positioned::read_at;
use super::recover::{Damage, DamageKind};
use super::storage::{Storage, write_all_at};

/// Bytes that are looked at for the mark.
const START_BYTES: usize = 8192;
/// The comment that takes have.
const MARK: &[u8] = b"ENCODER=Ossicle";
/// Where the sample rate stands: behind the table of the first page, in its only packet.
const RATE: usize = 40;

/// An Ogg file of ours whose last page is not marked as the last.
#[derive(Debug)]
pub(super) struct OpenOgg {
    sample_rate_hz: u32,
    frames: u64,
    /// The last whole page, and where it begins.
    last_page: Vec<u8>,
    last_at: u64,
    damage: Vec<Damage>,
}

impl OpenOgg {
    /// Whether a file is one of ours, and does not end as a closed one does.
    pub(super) fn is_marked(file: &File) -> io::Result<bool> {
        match start(file)? {
            Some((serial, _)) => Ok(!ends_closed(file, serial)?),
            None => Ok(false),
        }
    }

    /// Goes through a file; nothing for one that is of others, or closed.
    pub(super) fn look(file: &File) -> io::Result<Option<Self>> {
        let Some((serial, sample_rate_hz)) = start(file)? else {
            return Ok(None);
        };
        if ends_closed(file, serial)? {
            return Ok(None);
        }
        let mut open = Self {
            sample_rate_hz,
            frames: 0,
            last_page: Vec::new(),
            last_at: 0,
            damage: Vec::new(),
        };
        let closed = open.go_through(file, serial)?;
        Ok((!closed).then_some(open))
    }

    /// Sample rate in hertz.
    pub(super) fn sample_rate_hz(&self) -> u32 {
        self.sample_rate_hz
    }

    /// Frames that are there; every reader finds them.
    pub(super) fn frames_there(&self) -> u64 {
        self.frames
    }

    /// Those of them that cannot be read, and at most a page beside each.
    pub(super) fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// Marks the last whole page, and cuts off what is behind it.
    pub(super) fn finish(mut self, storage: &mut dyn Storage) -> Result<(), FileError> {
        mark_last(&mut self.last_page);
        let end = self.last_at + self.last_page.len() as u64;
        storage
            .set_len(end)
            .and_then(|()| write_all_at(storage, &self.last_page, self.last_at).1)
            .and_then(|()| storage.sync())
            .map_err(|error| FileError::writing(error, self.frames))
    }

    /// Looks for all whole pages, also behind what is none: each says its place in time. Returns
    /// whether one is marked as the last.
    fn go_through(&mut self, file: &File, serial: u32) -> io::Result<bool> {
        let mut way = Forward::new(file, 0, MAX_PAGE_BYTES);
        let mut is_broken = false;
        loop {
            let place = way.place();
            let bytes = way.bytes()?;
            if bytes.is_empty() {
                return Ok(false);
            }
            let page = Page::parse(bytes).filter(|page| page.serial == serial);
            let Some(page) = page else {
                is_broken = true;
                let length = to_next(bytes, b'O');
                way.pass(length);
                continue;
            };
            self.last_page = bytes[..page.bytes].to_vec();
            self.last_at = place;
            way.pass(page.bytes);
            if let Some(position) = page.position {
                if is_broken && position > self.frames {
                    self.damage.push(Damage {
                        position: self.frames,
                        frames: position - self.frames,
                        kind: DamageKind::Unreadable,
                    });
                }
                is_broken = false;
                self.frames = position;
            }
            if page.last {
                return Ok(true);
            }
        }
    }
}

/// Number and sample rate of the stream that a take of ours begins with.
fn start(file: &File) -> io::Result<Option<(u32, u32)>> {
    let mut start = [0; START_BYTES];
    let length = read_at(file, &mut start, 0)?;
    Ok(stream_of(&start[..length]))
}

fn stream_of(start: &[u8]) -> Option<(u32, u32)> {
    let first = Page::parse(start)?;
    let ours = start.windows(MARK.len()).any(|bytes| bytes == MARK);
    if start.get(28..35)? != b"\x01vorbis" || !ours {
        return None;
    }
    let sample_rate_hz = u32::from_le_bytes(*start.get(RATE..)?.first_chunk()?);
    Some((first.serial, sample_rate_hz))
}

/// Whether the file's last bytes are a page that is marked as the last.
fn ends_closed(file: &File, serial: u32) -> io::Result<bool> {
    let file_bytes = file.metadata()?.len();
    let mut tail = vec![0; file_bytes.min(MAX_PAGE_BYTES as u64) as usize];
    let at = file_bytes - tail.len() as u64;
    let length = read_at(file, &mut tail, at)?;
    tail.truncate(length);
    Ok((0..tail.len()).rev().any(|at| {
        tail[at..].starts_with(b"OggS")
            && Page::parse(&tail[at..]).is_some_and(|page| {
                page.last && page.serial == serial && at + page.bytes == tail.len()
            })
    }))
}
