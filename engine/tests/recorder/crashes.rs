//! Takes of which a crash leaves what is there behind any write: no header tells of silence that the
//! list of gaps does not know.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ossicle::io::device::sim::{Fault, FaultKind, Sim, SimDevice};
use ossicle::io::file::{AudioFile, FileError, FileStorage, Overwrite, Storage};
use ossicle::record::{Disk, Files, GapList, RecordConfig, Split, recover};
use ossicle::session::Moment;

use crate::rig::{counting, folder, recording, start, wait_until};

/// What is in a folder: the names, and the bytes of each.
type There = BTreeMap<PathBuf, Vec<u8>>;

/// Notes what is in a folder behind all that is done to a take's files.
#[derive(Clone, Debug, Default)]
struct Noted {
    folder: PathBuf,
    states: Arc<Mutex<Vec<There>>>,
}

#[derive(Debug)]
struct NotedStorage {
    storage: FileStorage,
    noted: Noted,
}

impl Noted {
    fn note<T>(&self, done: T) -> T {
        let entries = fs::read_dir(&self.folder).unwrap().flatten();
        let there: There = entries
            .map(|entry| (entry.file_name().into(), fs::read(entry.path()).unwrap()))
            .collect();
        let mut states = self.states.lock().unwrap();
        if states.last() != Some(&there) {
            states.push(there);
        }
        done
    }
}

impl Disk for Noted {
    fn create(&self, path: &Path, overwrite: Overwrite) -> Result<Box<dyn Storage>, FileError> {
        Ok(Box::new(NotedStorage {
            storage: FileStorage::create(path, overwrite)?,
            noted: self.clone(),
        }))
    }

    fn free_bytes(&self, folder: &Path) -> io::Result<u64> {
        Files.free_bytes(folder)
    }
}

impl Storage for NotedStorage {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let written = self.storage.write_at(bytes, offset);
        self.noted.note(written)
    }

    fn read_at(&mut self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.storage.read_at(bytes, offset)
    }

    // What is in memory of the system outlasts the program.
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn set_len(&mut self, bytes: u64) -> io::Result<()> {
        let set = self.storage.set_len(bytes);
        self.noted.note(set)
    }

    fn reserve(&mut self, bytes: u64) -> io::Result<()> {
        self.storage.reserve(bytes)
    }

    fn publish(&mut self) -> io::Result<()> {
        let published = self.storage.publish();
        self.noted.note(published)
    }

    fn rename(&mut self, path: &Path) -> io::Result<()> {
        self.storage.rename(path)
    }

    fn handle(&self) -> Option<File> {
        self.storage.handle()
    }
}

/// The states of a take of 1.2 s with five losses.
fn states(split: Option<Split>, checkpoint_seconds: f64) -> Vec<There> {
    let folder = folder();
    let noted = Noted {
        folder: folder.path().to_owned(),
        ..Noted::default()
    };
    let faults = [150, 310, 460, 620, 900].map(|ms| Fault {
        at_ns: ms * 1_000_000,
        kind: FaultKind::Xrun { lost_frames: 1_000 },
    });
    let sim = Sim::new(83);
    let mic = SimDevice {
        faults: faults.to_vec(),
        ..SimDevice::new("mic", 1, 0)
    };
    sim.plug(counting(mic)).unwrap();
    let config = RecordConfig {
        split,
        checkpoint_seconds,
        disk: Arc::new(noted.clone()),
        ..RecordConfig::new(folder.path().join("take.wav"))
    };
    let mut session = start(&sim, recording("mic", vec![config]));
    let take = session.takes().remove(0);
    for _ in 0..30 {
        sim.run_for(Duration::from_millis(40));
        session.report();
        let frames = take.frames();
        if checkpoint_seconds == 0.0 {
            wait_until("it is written", || take.written_frames() >= frames);
        }
    }
    assert_eq!(session.stop().unwrap().recorded[0].gaps.len(), 5);
    std::mem::take(&mut noted.states.lock().unwrap())
}

/// The first frames of a file.
fn samples(path: &Path, frames: u64) -> Vec<f32> {
    let mut samples = vec![0.0; frames as usize];
    let read = AudioFile::open(path).unwrap().read(&mut samples).unwrap();
    assert_eq!(read as u64, frames);
    samples
}

#[test]
fn no_header_tells_of_silence_that_is_not_listed() {
    let (mut open, mut listed) = (0, 0);
    let split = Some(Split::Every(Moment::Seconds(0.4)));
    // In the last, a file is made true as it begins and as the next does.
    for (split, every) in [(None, 0.0), (split, 0.0), (split, 60.0)] {
        for (number, there) in states(split, every).iter().enumerate() {
            let crashed = folder();
            for (name, bytes) in there {
                fs::write(crashed.path().join(name), bytes).unwrap();
            }
            // What headers told of before anything is finished.
            let (mut silent, mut position) = (Vec::new(), 0);
            let files = there
                .keys()
                .filter(|name| name.extension().is_some_and(|e| e == "wav"));
            for name in files {
                let path = crashed.path().join(name);
                let said = AudioFile::open(&path).unwrap().info().frames.unwrap();
                let zeros = samples(&path, said).into_iter().zip(position..);
                silent.extend(zeros.filter(|(value, _)| *value == 0.0).map(|(_, at)| at));
                position += said;
            }
            let told = format!("{split:?}, {every} s, state {number}");
            for unclosed in recover::find(crashed.path()).unwrap().takes {
                let gaps = unclosed.gaps();
                let restored = unclosed.finish().unwrap();
                assert!(
                    restored.list_error.is_none() && restored.gaps == gaps,
                    "{told}"
                );
                open += 1;
            }
            let mut lists = ["take.wav", "take-001.wav"]
                .iter()
                .filter_map(|name| GapList::load(&crashed.path().join(name)).unwrap());
            let gaps = lists.next().map_or_else(Vec::new, |list| {
                let ends = list.gaps.iter().map(|gap| gap.position + gap.frames);
                assert!(ends.max().unwrap_or(0) <= list.frames, "{told}: {list:?}");
                list.gaps
            });
            listed += gaps.len();
            let is_listed = |at: &u64| {
                let mut gaps = gaps.iter();
                gaps.any(|gap| (gap.position..gap.position + gap.frames).contains(at))
            };
            let missing = silent.iter().find(|at| !is_listed(at));
            assert_eq!(missing, None, "{told}: {gaps:?}");
        }
    }
    assert!(open > 100 && listed > 200, "{open} open, {listed} gaps");
}
