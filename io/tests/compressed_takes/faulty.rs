//! A storage in memory that refuses what it is told to refuse.

use std::io;
use std::sync::{Arc, Mutex};

use ossicle_io::file::Storage;

/// What the storage holds and refuses; shared with whoever watches it.
#[derive(Debug, Default)]
pub struct Disk {
    pub bytes: Vec<u8>,
    /// No room beyond so many bytes.
    pub room: Option<usize>,
    /// So many syncs fail.
    pub bad_syncs: usize,
    /// Another has the name.
    pub name_taken: bool,
    pub named: bool,
}

/// The storage.
#[derive(Clone, Debug, Default)]
pub struct Faulty(pub Arc<Mutex<Disk>>);

impl Faulty {
    pub fn with<T>(&self, look: impl FnOnce(&mut Disk) -> T) -> T {
        look(&mut self.0.lock().expect("no panic"))
    }
}

impl Storage for Faulty {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.with(|disk| {
            let start = offset as usize;
            let room = disk.room.unwrap_or(usize::MAX).saturating_sub(start);
            let bytes = &bytes[..bytes.len().min(room)];
            if bytes.is_empty() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let end = start + bytes.len();
            if disk.bytes.len() < end {
                disk.bytes.resize(end, 0);
            }
            disk.bytes[start..end].copy_from_slice(bytes);
            Ok(bytes.len())
        })
    }

    fn read_at(&mut self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.with(|disk| {
            let held = disk.bytes.get(offset as usize..).unwrap_or_default();
            let length = held.len().min(bytes.len());
            bytes[..length].copy_from_slice(&held[..length]);
            Ok(length)
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        self.with(|disk| match disk.bad_syncs.checked_sub(1) {
            Some(left) => {
                disk.bad_syncs = left;
                Err(io::Error::other("the disk did not take it"))
            }
            None => Ok(()),
        })
    }

    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        self.with(|disk| disk.bytes.resize(bytes as usize, 0));
        Ok(())
    }

    fn reserve(&mut self, _bytes: u64) -> io::Result<()> {
        Ok(())
    }

    fn publish(&mut self) -> io::Result<()> {
        self.with(|disk| {
            if disk.name_taken {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            disk.named = true;
            Ok(())
        })
    }
}
