//! Operations that fail: nothing is lost that is given again.

use std::fs;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ossicle_io::file::{FileError, Label, Storage, WavWriter};
use ossicle_io::sample::SampleFormat;
use tempfile::TempDir;

use crate::logged::{Kept, Log, Logged, Operation, cut};
use crate::{judges, samples, spec, tags};

/// Fails one operation: a write halfway, anything else before it did a thing. A sync that fails
/// lets go of what it should have kept.
#[derive(Debug)]
struct Failing {
    inner: Logged,
    /// Operations until it fails.
    left: Arc<AtomicU64>,
    kind: io::ErrorKind,
}

impl Failing {
    fn turn(&self) -> io::Result<()> {
        match self.left.fetch_sub(1, Ordering::Relaxed) {
            1 => Err(self.kind.into()),
            _ => Ok(()),
        }
    }
}

impl Storage for Failing {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let result = self.turn();
        if result.is_err() && bytes.len() > 600 {
            // Some of it goes; the error comes with the rest.
            self.left.store(1, Ordering::Relaxed);
            return self.inner.write_at(&bytes[..501], offset);
        }
        result?;
        self.inner.write_at(bytes, offset)
    }

    fn read_at(&mut self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.inner.read_at(bytes, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        if let Err(error) = self.turn() {
            let mut log = self.inner.log.lock().expect("nobody panics with it");
            let synced = log.iter().rposition(|(one, _)| *one == Operation::Sync);
            let unsynced = log.split_off(synced.map_or(0, |last| last + 1));
            let names = unsynced.into_iter();
            log.extend(names.filter(|(one, _)| *one == Operation::Publish));
            return Err(error);
        }
        self.inner.sync()
    }

    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        self.turn()?;
        self.inner.set_len(bytes)
    }

    fn reserve(&mut self, bytes: u64) -> io::Result<()> {
        self.turn()?;
        self.inner.reserve(bytes)
    }

    fn publish(&mut self) -> io::Result<()> {
        self.turn()?;
        self.inner.publish()
    }
}

/// A take whose operation `number` fails, and that goes on as takes do; its log, and whether it
/// came to that operation.
fn take(number: u64, kind: io::ErrorKind, all: &[f32]) -> Option<(Log, bool)> {
    let spec = spec(8000, 2, SampleFormat::I16);
    let inner = Logged::default();
    let log = inner.log.clone();
    let left = Arc::new(AtomicU64::new(number));
    let storage = Failing {
        inner,
        left: left.clone(),
        kind,
    };
    let mut writer = WavWriter::on(Box::new(storage), spec, &tags()).ok()?;
    let mut place = 0;
    while place < all.len() || writer.lasting_frames() * 2 < all.len() as u64 {
        let piece = &all[place..all.len().min(place + 1600)];
        let result = writer.write(piece).and_then(|()| writer.checkpoint());
        if let Err(error) = result {
            let expected = match kind {
                io::ErrorKind::StorageFull => matches!(error, FileError::NoRoom { .. }),
                _ => matches!(error, FileError::Io(_)),
            };
            assert!(expected, "{error:?}");
            assert!(writer.frames() >= writer.lasting_frames());
        }
        place = writer.frames() as usize * 2;
    }
    writer.label(Label {
        position: 5,
        frames: 0,
        text: "here".to_owned(),
    });
    let _ = writer.finish();
    Some((log, left.load(Ordering::Relaxed) > number))
}

#[test]
fn a_failure_of_any_operation_loses_nothing() {
    let all = samples(0, 16_000);
    let folder = TempDir::new().expect("a directory");
    let path = folder.path().join("take.wav");
    for kind in [io::ErrorKind::StorageFull, io::ErrorKind::Other] {
        for number in 1.. {
            let Some((log, came)) = take(number, kind, &all) else {
                assert_eq!(number, 1, "only the header may stop it at once");
                continue;
            };
            if !came {
                assert!(number > 60, "only {number} operations");
                break;
            }
            // All that was ever synced, and only that.
            let log = log.lock().expect("nobody panics with it");
            let state = cut(&log, log.len(), Kept::Nothing);
            fs::write(&path, state.file.expect("a name")).expect("room");
            let frames = judges::agreed(&path, 2, &all, false);
            assert_eq!(frames, 8000, "operation {number} failed as {kind}");
        }
    }
}
