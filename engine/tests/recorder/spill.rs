//! Takes that go on in another folder, and what becomes of them where that folder is no better.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ossicle::EngineError;
use ossicle::io::device::sim::{Fault, FaultKind, Sim, SimDevice};
use ossicle::io::file::{AudioFile, FileError};
use ossicle::io::sample::SampleFormat;
use ossicle::record::{GapList, RecordConfig, recover};
use ossicle::session::{Ended, Session, StopError};

use crate::rig::{BadDisk, On, counting, folder, joined, judge, recording, start, wait_until};

/// A take on a disk with room for a second of it, that goes on in another folder.
struct Spilling {
    folder: tempfile::TempDir,
    sim: Sim,
    session: Session,
}

impl Spilling {
    fn start(disk: BadDisk, xruns_at_ms: &[u64]) -> Self {
        let folder = folder();
        for name in ["disk", "spill"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let disk = Arc::new(BadDisk {
            room: (200_000).into(),
            full_folder: "disk".to_owned(),
            ..disk
        });
        let sim = Sim::new(81);
        let faults = xruns_at_ms.iter().map(|at| Fault {
            at_ns: at * 1_000_000,
            kind: FaultKind::Xrun { lost_frames: 1_000 },
        });
        let mic = SimDevice {
            faults: faults.collect(),
            ..SimDevice::new("mic", 1, 0)
        };
        sim.plug(counting(mic)).unwrap();
        let config = RecordConfig {
            spill: Some(folder.path().join("spill")),
            checkpoint_seconds: 0.01,
            disk: Arc::new(On(disk)),
            ..RecordConfig::new(folder.path().join("disk/take.wav"))
        };
        let session = start(&sim, recording("mic", vec![config]));
        Self {
            folder,
            sim,
            session,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&mut self, ms: u64) {
        for _ in 0..ms / 10 {
            self.sim.run_for(Duration::from_millis(10));
            self.session.report();
        }
    }

    fn wait_for_words(&mut self, words: &str) {
        wait_until(words, || {
            let report = self.session.report();
            report.warnings.iter().any(|line| line.contains(words))
        });
    }
}

#[test]
fn a_folder_that_keeps_nothing_ends_the_take_true_in_the_file_that_it_left() {
    let disk = BadDisk {
        unsynced_folder: "spill".to_owned(),
        ..BadDisk::default()
    };
    let mut spilling = Spilling::start(disk, &[]);
    spilling.run(3_000);
    spilling.wait_for_words("cannot go on there");
    let produced = spilling.session.report().frames;
    let first = spilling.path("disk/take.wav");
    let error = spilling.session.stop().unwrap_err();
    let EngineError::TakeCut {
        path,
        source: FileError::NoRoom { .. },
        unwritten_frames,
    } = &error.error
    else {
        panic!("{error}");
    };
    assert_eq!(*path, first);
    let mut file = AudioFile::open(&first).unwrap();
    assert_eq!(file.info().warnings, Vec::<String>::new());
    let frames = file.info().frames.unwrap();
    assert!(frames > 40_000 && frames + unwritten_frames >= produced);
    let mut samples = vec![0.0f32; frames as usize];
    assert_eq!(file.read(&mut samples).unwrap() as u64, frames);
    judge(&samples, &[], 0).unwrap();
    let left = fs::read_dir(spilling.folder.path().join("spill")).unwrap();
    let left: Vec<_> = left.flatten().map(|entry| entry.file_name()).collect();
    assert!(
        left.iter()
            .all(|name| !name.to_string_lossy().ends_with(".wav")),
        "{left:?}"
    );
}

#[test]
fn a_folder_that_is_away_for_a_moment_is_tried_again() {
    let mut spilling = Spilling::start(BadDisk::default(), &[]);
    let spill = spilling.path("spill");
    fs::remove_dir(&spill).unwrap();
    spilling.run(3_000);
    spilling.wait_for_words("takes no file");
    fs::create_dir(&spill).unwrap();
    spilling.wait_for_words("goes on in");
    let first = spilling.path("disk/take.wav");
    let ended = spilling.session.stop().unwrap();
    let recorded = &ended.recorded[0];
    let files: Vec<_> = recorded.files.iter().map(|file| &file.path).collect();
    // No number is left out.
    assert_eq!(files, [&first, &spill.join("take-002.wav")]);
    assert_eq!(recorded.gaps, []);
    judge(&joined(recorded), &[], 0).unwrap();
}

#[test]
fn a_spilled_take_that_was_never_closed_has_its_gaps_where_they_were() {
    // One before the change, and one behind it.
    let mut spilling = Spilling::start(BadDisk::default(), &[300, 2_500]);
    spilling.run(2_000);
    spilling.wait_for_words("goes on in");
    spilling.run(2_000);
    let (spill, crashed) = (spilling.path("spill"), spilling.path("crashed"));
    let list_of = |name: &str| {
        let list = GapList::load(Path::new(name)).ok().flatten();
        list.map_or(0, |list| list.gaps.len())
    };
    let name = spill.join("take-002.wav");
    wait_until("both gaps listed", || {
        spilling.session.report();
        list_of(&name.to_string_lossy()) == 2
    });
    // A crash: all that there is is what is on the disk.
    fs::create_dir(&crashed).unwrap();
    for entry in fs::read_dir(&spill).unwrap().flatten() {
        fs::copy(entry.path(), crashed.join(entry.file_name())).unwrap();
    }
    let ended = spilling.session.stop().unwrap();
    let recorded = &ended.recorded[0];
    assert_eq!(recorded.gaps.len(), 2, "{:?}", recorded.gaps);
    let [first, second] = &recorded.files[..] else {
        panic!("{:?}", recorded.files);
    };
    for place in [&first.path, &second.path] {
        let list = GapList::load(place).unwrap().unwrap();
        assert!(list.closed && list.gaps.len() == 2, "{list:?}");
    }

    let mut found = recover::find(&crashed).unwrap().takes;
    assert_eq!(found.len(), 1);
    let unclosed = found.remove(0);
    assert_eq!(unclosed.gaps(), 1);
    let restored = unclosed.finish().unwrap();
    assert!(restored.list_error.is_none());
    let file = crashed.join("take-002.wav");
    let list = GapList::load(&file).unwrap().unwrap();
    assert!(list.closed);
    assert_eq!(list.frames, second.first_frame + restored.file.frames);
    // The label is where the silence is.
    let at = recorded.gaps[1].position - second.first_frame;
    let bytes = fs::read(&file).unwrap();
    let label = labels(&bytes);
    assert_eq!(label, [at as u32]);
    let mut samples = vec![0.0f32; restored.file.frames as usize];
    AudioFile::open(&file).unwrap().read(&mut samples).unwrap();
    let silence = &samples[at as usize..at as usize + 1_000];
    assert!(silence.iter().all(|sample| *sample == 0.0));
    assert!(samples[at as usize - 1] != 0.0 && samples[at as usize + 1_000] != 0.0);
}

/// The places of the cue points of a WAV file.
fn labels(bytes: &[u8]) -> Vec<u32> {
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let chunk = bytes.windows(4).rposition(|id| id == b"cue ").unwrap();
    let points = word(chunk + 8) as usize;
    // Each has 24 bytes: its number, its place, and what that is counted from.
    (0..points)
        .map(|point| word(chunk + 12 + 24 * point + 20))
        .collect()
}

/// A take of an encoded file on a disk of so many bytes; and how many of them it took.
fn encoded(
    ending: &str,
    room: u64,
    spills: bool,
) -> (tempfile::TempDir, Result<Ended, Box<StopError>>, u64) {
    let folder = folder();
    for name in ["disk", "spill"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    let sim = Sim::new(82);
    let mic = SimDevice::new("mic", 1, 0);
    let mic = mic.with_source(|frame, _| ((frame * 7_919 % 65_537) as f32 - 32_768.0) / 40_000.0);
    sim.plug(mic).unwrap();
    let path = folder.path().join(format!("disk/take.{ending}"));
    let disk = BadDisk::with_room("disk", room);
    let config = RecordConfig {
        format: SampleFormat::I24,
        spill: spills.then(|| folder.path().join("spill")),
        disk: Arc::new(On(disk.clone())),
        ..RecordConfig::new(&path)
    };
    let mut session = start(&sim, recording("mic", vec![config]));
    for _ in 0..30 {
        sim.run_for(Duration::from_millis(50));
        session.report();
    }
    let ended = session.stop();
    let bytes = room - disk.room.load(Ordering::Acquire);
    (folder, ended, bytes)
}

#[test]
fn a_last_block_that_finds_no_room_goes_on_elsewhere() {
    for ending in ["flac", "ogg"] {
        let (_whole, ended, bytes) = encoded(ending, u64::MAX, true);
        let whole = joined(&ended.unwrap().recorded[0]);
        for short in [1, 300] {
            let (_folder, ended, _) = encoded(ending, bytes - short, true);
            let ended = ended.unwrap();
            let recorded = &ended.recorded[0];
            assert_eq!(
                (recorded.frames, &recorded.gaps[..]),
                (ended.frames, &[][..])
            );
            let samples = joined(recorded);
            assert_eq!(samples.len(), whole.len(), "{ending}: {:?}", recorded.files);
            if ending == "flac" {
                assert_eq!(recorded.files.len(), 2, "{:?}", recorded.files);
                assert!(samples == whole, "other samples");
            }

            let (_folder, ended, _) = encoded(ending, bytes - short, false);
            let ended = match ended {
                Ok(ended) => ended,
                Err(stopped) => {
                    let EngineError::TakeCut {
                        unwritten_frames,
                        source: FileError::NoRoom { .. },
                        ..
                    } = stopped.error
                    else {
                        panic!("{stopped}");
                    };
                    assert_eq!(stopped.ended.recorded[0].lost_frames, unwritten_frames);
                    stopped.ended
                }
            };
            let recorded = &ended.recorded[0];
            assert_eq!(
                recorded.frames + recorded.lost_frames,
                ended.frames,
                "{ending}"
            );
            assert_eq!(joined(recorded).len() as u64, recorded.frames, "{ending}");
            assert!(recorded.frames > 48_000, "{ending}: {recorded:?}");
        }
    }
}
