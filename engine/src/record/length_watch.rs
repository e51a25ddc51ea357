//! Tells a file that may not be longer from a disk that is full.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ossicle_io::file::Storage;

/// Whether the last bytes that a file did not take were beyond the longest that it may be.
#[derive(Clone, Debug, Default)]
pub(super) struct LengthWatch(Arc<AtomicBool>);

/// A storage that is watched.
#[derive(Debug)]
struct Watched {
    storage: Box<dyn Storage>,
    watch: LengthWatch,
}

impl LengthWatch {
    pub(super) fn over(&self, storage: Box<dyn Storage>) -> Box<dyn Storage> {
        let watch = self.clone();
        Box::new(Watched { storage, watch })
    }

    pub(super) fn is_at_limit(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn note<T>(&self, result: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &result {
            let is_limit = error.kind() == io::ErrorKind::FileTooLarge;
            self.0.store(is_limit, Ordering::Relaxed);
        }
        result
    }
}

impl Storage for Watched {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.watch.note(self.storage.write_at(bytes, offset))
    }

    fn read_at(&mut self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.storage.read_at(bytes, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.watch.note(self.storage.sync())
    }

    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        self.watch.note(self.storage.set_len(bytes))
    }

    fn reserve(&mut self, bytes: u64) -> io::Result<()> {
        self.storage.reserve(bytes)
    }

    fn publish(&mut self) -> io::Result<()> {
        self.watch.note(self.storage.publish())
    }

    fn rename(&mut self, path: &Path) -> io::Result<()> {
        self.storage.rename(path)
    }

    fn handle(&self) -> Option<File> {
        self.storage.handle()
    }
}
