//! A storage that keeps a log of what is asked of it, and every state a disk may be in when the
//! power goes.
//!
//! A disk writes sectors of 512 bytes whole or not at all. What was written before the last sync is
//! there. Of what came after, each sector may have got as far as any of the writes to it, whatever
//! the other sectors did; the length may have got as far as any of them too; and where the length
//! went ahead of the sectors there are zeros.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::Storage;

pub const SECTOR: usize = 512;

#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    Write { offset: usize, bytes: Vec<u8> },
    SetLength(usize),
    Sync,
    Publish,
}

/// Operations in order, each with the frames that had been given to the writer by then.
pub type Log = Arc<Mutex<Vec<(Operation, u64)>>>;

/// Keeps the log, and all bytes.
#[derive(Debug, Default)]
pub struct Logged {
    pub log: Log,
    pub given: Arc<AtomicU64>,
    bytes: Vec<u8>,
}

impl Logged {
    fn note(&mut self, operation: Operation) {
        apply(&operation, &mut self.bytes);
        let given = self.given.load(Ordering::Relaxed);
        let mut log = self.log.lock().expect("nobody panics with it");
        log.push((operation, given));
    }
}

impl Storage for Logged {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.note(Operation::Write {
            offset: offset as usize,
            bytes: bytes.to_vec(),
        });
        Ok(bytes.len())
    }

    fn read_at(&mut self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let there = self.bytes.get(offset as usize..).unwrap_or_default();
        let count = there.len().min(bytes.len());
        bytes[..count].copy_from_slice(&there[..count]);
        Ok(count)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.note(Operation::Sync);
        Ok(())
    }

    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        self.note(Operation::SetLength(bytes as usize));
        Ok(())
    }

    fn reserve(&mut self, _bytes: u64) -> io::Result<()> {
        Ok(())
    }

    fn publish(&mut self) -> io::Result<()> {
        self.note(Operation::Publish);
        Ok(())
    }
}

fn apply(operation: &Operation, disk: &mut Vec<u8>) {
    match operation {
        Operation::Write { offset, bytes } => {
            let end = offset + bytes.len();
            disk.resize(disk.len().max(end), 0);
            disk[*offset..end].copy_from_slice(bytes);
        }
        Operation::SetLength(length) => disk.resize(*length, 0),
        Operation::Sync | Operation::Publish => {}
    }
}

/// What is kept of the operations since the last sync.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kept {
    Nothing,
    Everything,
    /// The length, and no sector.
    Length,
    /// By chance, from this seed.
    Chance(u64),
}

/// A file after the power went.
#[derive(Debug)]
pub struct Cut {
    /// The file; nothing when it has no name yet.
    pub file: Option<Vec<u8>>,
    /// Frames that had been given to the writer.
    pub given: u64,
}

/// The power goes after `count` operations.
pub fn cut(log: &[(Operation, u64)], count: usize, kept: Kept) -> Cut {
    let done = &log[..count];
    let synced = done
        .iter()
        .rposition(|(operation, _)| *operation == Operation::Sync)
        .map_or(0, |last| last + 1);
    let mut disk = Vec::new();
    for (operation, _) in &done[..synced] {
        apply(operation, &mut disk);
    }
    let pending: Vec<&Operation> = done[synced..]
        .iter()
        .map(|(operation, _)| operation)
        .collect();
    // The operation that was under way may have given the name already.
    let named = log[..(count + 1).min(log.len())]
        .iter()
        .any(|(operation, _)| *operation == Operation::Publish);
    Cut {
        file: named.then(|| partly(&disk, &pending, kept)),
        given: log[count.saturating_sub(1).min(log.len() - 1)].1,
    }
}

/// The disk after some of the pending operations.
fn partly(disk: &[u8], pending: &[&Operation], kept: Kept) -> Vec<u8> {
    let mut lengths = vec![disk.len()];
    let mut sectors: BTreeMap<usize, Vec<[u8; SECTOR]>> = BTreeMap::new();
    for operation in pending {
        match operation {
            Operation::Write { offset, bytes } => {
                let end = offset + bytes.len();
                lengths.push(end.max(*lengths.last().expect("there is one")));
                for number in offset / SECTOR..end.div_ceil(SECTOR) {
                    let versions = sectors.entry(number).or_default();
                    let start = number * SECTOR;
                    let mut sector = *versions.last().unwrap_or(&sector_of(disk, start));
                    let (from, to) = ((*offset).max(start), end.min(start + SECTOR));
                    sector[from - start..to - start]
                        .copy_from_slice(&bytes[from - offset..to - offset]);
                    versions.push(sector);
                }
            }
            Operation::SetLength(length) => lengths.push(*length),
            Operation::Sync | Operation::Publish => {}
        }
    }
    let mut chance = match kept {
        Kept::Chance(seed) => Chance(seed),
        _ => Chance(0),
    };
    let mut pick = |versions: usize, length: bool| match kept {
        Kept::Nothing => 0,
        Kept::Everything => versions,
        Kept::Length => versions * usize::from(length),
        Kept::Chance(_) => chance.below(versions + 1),
    };
    let mut file = disk.to_vec();
    let whole = sectors.keys().last().map_or(0, |last| (last + 1) * SECTOR);
    file.resize(whole.max(file.len()), 0);
    for (number, versions) in &sectors {
        if let Some(version) = pick(versions.len(), false).checked_sub(1) {
            let start = number * SECTOR;
            file[start..start + SECTOR].copy_from_slice(&versions[version]);
        }
    }
    let length = lengths[pick(lengths.len() - 1, true)];
    // Never longer than what was written, and zeros where the length went ahead.
    file.resize(length, 0);
    file
}

fn sector_of(disk: &[u8], start: usize) -> [u8; SECTOR] {
    let mut sector = [0; SECTOR];
    let there = disk.get(start..).unwrap_or_default();
    let count = there.len().min(SECTOR);
    sector[..count].copy_from_slice(&there[..count]);
    sector
}

/// Numbers by chance (xorshift, G. Marsaglia 2003).
#[derive(Debug)]
pub struct Chance(pub u64);

impl Chance {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits ^= bits >> 12;
        bits ^= bits << 25;
        bits ^= bits >> 27;
        (bits.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }
}
