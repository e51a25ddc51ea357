//! A way through a file from a place to its end, of which a stretch ahead is always in memory.

use std::fs::File;
use std::io;

use super::positioned::read_at;

/// Bytes read at once, beside those that are asked for.
const PIECE_BYTES: usize = 1 << 20;

/// A place in a file that moves forward.
#[derive(Debug)]
pub(super) struct Forward<'a> {
    file: &'a File,
    /// What was read, of which `passed` bytes are behind the place.
    bytes: Vec<u8>,
    passed: usize,
    /// Place in the file behind what was read.
    read: u64,
    ahead: usize,
    /// All up to the end was read.
    ended: bool,
}

impl<'a> Forward<'a> {
    /// Begins at a place; `ahead` bytes are to be seen from everywhere.
    pub(super) fn new(file: &'a File, place: u64, ahead: usize) -> Self {
        Self {
            file,
            bytes: Vec::new(),
            passed: 0,
            read: place,
            ahead,
            ended: false,
        }
    }

    /// The place in the file.
    pub(super) fn place(&self) -> u64 {
        self.read - (self.bytes.len() - self.passed) as u64
    }

    /// What is there: as many bytes as were asked for or more, fewer only before the end of the file.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn bytes(&mut self) -> io::Result<&[u8]> {
        let held = self.bytes.len() - self.passed;
        if held < self.ahead && !self.ended {
            self.bytes.drain(..self.passed);
            self.passed = 0;
            self.bytes.resize(self.ahead + PIECE_BYTES, 0);
            let more = read_at(self.file, &mut self.bytes[held..], self.read);
            let length = *more.as_ref().unwrap_or(&0);
            self.ended = held + length < self.bytes.len();
            self.bytes.truncate(held + length);
            self.read += more? as u64;
        }
        Ok(&self.bytes[self.passed..])
    }

    /// Goes on by so many bytes of those that are there.
    pub(super) fn pass(&mut self, bytes: usize) {
        self.passed = (self.passed + bytes).min(self.bytes.len());
    }
}

/// Bytes from the start to the next place behind it at which `first` stands, or to the end.
pub(super) fn to_next(bytes: &[u8], first: u8) -> usize {
    let behind = bytes.iter().skip(1);
    let found = behind.clone().position(|byte| *byte == first);
    found.map_or(bytes.len(), |at| at + 1)
}
