//! Several takes of one session, and what befalls one of them.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use ossicle::EngineError;
use ossicle::chain::Chain;
use ossicle::io::device::HostKind;
use ossicle::io::device::sim::{Sim, SimDevice};
use ossicle::io::file::{FileError, Overwrite};
use ossicle::io::ring::Cause;
use ossicle::record::{RecordConfig, Recorded, Split, Tap};
use ossicle::session::{Moment, Session, SessionConfig, StopError};

use crate::rig::{
    BadDisk, On, counting, folder, joined, judge, port, recording, start, wait_until,
};

/// A session with two takes of one device, `one/take.wav` and `two/take.wav`, on disks of so many
/// bytes, that replace what has their names and go on in the folder `spill`.
struct Two {
    folder: tempfile::TempDir,
    sim: Sim,
    session: Session,
}

impl Two {
    fn start(seed: u64, room: [u64; 2], config: RecordConfig) -> Self {
        Self::start_in(seed, room, config, true)
    }

    /// They end where their disks are full.
    fn start_without_spill(seed: u64, room: [u64; 2], config: RecordConfig) -> Self {
        Self::start_in(seed, room, config, false)
    }

    fn start_in(seed: u64, room: [u64; 2], config: RecordConfig, spills: bool) -> Self {
        let folder = folder();
        // Each has created its file there before the other's has its name.
        let meet = Arc::new(Barrier::new(2));
        let meet = config.split.is_none().then_some(("spill", meet));
        let spill = folder.path().join("spill");
        fs::create_dir(&spill).unwrap();
        let takes = [("one", Tap::Pre), ("two", Tap::Post)];
        let configs = takes.into_iter().zip(room).map(|((name, tap), room)| {
            let own = folder.path().join(name);
            fs::create_dir(&own).unwrap();
            RecordConfig {
                tap,
                path: own.join("take.wav"),
                overwrite: Overwrite::Replace,
                spill: spills.then(|| spill.clone()),
                disk: Arc::new(On(Arc::new(BadDisk {
                    room: room.into(),
                    full_folder: name.to_owned(),
                    meet: meet.clone(),
                    ..BadDisk::default()
                }))),
                ..config.clone()
            }
        });
        let sim = Sim::new(seed);
        sim.plug(counting(SimDevice::new("mic", 1, 0))).unwrap();
        let session = start(&sim, recording("mic", configs.collect()));
        Self {
            folder,
            sim,
            session,
        }
    }

    /// Waits until one of the takes has failed.
    fn wait_for_failure(&mut self, number: usize) {
        wait_until("the take has failed", || {
            self.session.report().takes[number].failure.is_some()
        });
    }

    fn run(&mut self, ms: u64) {
        for _ in 0..ms / 10 {
            self.sim.run_for(Duration::from_millis(10));
            self.session.report();
        }
    }

    /// Waits until both takes have gone on in another folder.
    fn wait_for_both(&mut self) {
        wait_until("both go on in another folder", || {
            let takes = self.session.report().takes;
            takes.iter().all(|take| take.files.len() > 1)
        });
    }
}

/// Every frame of the takes is in their files, and none of these is of both.
fn are_whole(takes: &[Recorded], frames: u64) {
    for take in takes {
        assert_eq!((take.frames, &take.gaps[..]), (frames, &[][..]));
        judge(&joined(take), &[], 0).unwrap();
    }
    let mut files: Vec<&PathBuf> = takes
        .iter()
        .flat_map(|take| take.files.iter().map(|file| &file.path))
        .collect();
    let count = files.len();
    files.sort();
    files.dedup();
    assert_eq!(files.len(), count, "{files:?}");
}

#[test]
fn two_takes_go_on_in_one_folder_and_neither_replaces_a_file_of_the_other() {
    for seed in 0..2 {
        let none = RecordConfig::new("");
        let mut two = Two::start(seed, [200_000, 200_000], none);
        // What was there before may be replaced.
        let older = two.folder.path().join("spill/take-002.wav");
        fs::write(&older, "older").unwrap();
        two.run(3_000);
        two.wait_for_both();
        let ended = two.session.stop().unwrap();
        are_whole(&ended.recorded, ended.frames);
        assert_ne!(fs::read(&older).unwrap(), b"older");
        // Neither lost its name to the other, to get another in the end.
        let last = ended.recorded.iter().map(|take| &take.files[1].path);
        let mut last: Vec<_> = last.collect();
        last.sort();
        let other = two.folder.path().join("spill/take-003.wav");
        assert_eq!(last, [&older, &other], "{:?}", ended.warnings);
    }
}

#[test]
fn a_file_that_one_take_has_closed_is_not_replaced_by_another() {
    let split = RecordConfig {
        split: Some(Split::Every(Moment::Frames(20_000))),
        ..RecordConfig::new("")
    };
    // The second comes when files of the first are closed.
    let mut two = Two::start(9, [100_000, 400_000], split);
    two.run(5_000);
    wait_until("both have ten files", || {
        let takes = two.session.report().takes;
        takes.iter().all(|take| take.files.len() > 10)
    });
    let ended = two.session.stop().unwrap();
    are_whole(&ended.recorded, ended.frames);
}

/// Its files end where the disk was full, and what came behind them is a gap.
fn is_cut(take: &Recorded, produced: u64) {
    let gap = take.gaps.last().unwrap();
    assert_eq!((gap.position, gap.cause), (take.frames, Cause::DiskFull));
    assert_eq!(gap.position + gap.frames, produced);
    assert!(take.frames > 0);
    judge(&joined(take), &[], 0).unwrap();
}

fn is_full(error: &EngineError, file: &str) -> bool {
    let EngineError::TakeCut { path, source, .. } = error else {
        return false;
    };
    path.ends_with(file) && matches!(source, FileError::NoRoom { .. })
}

#[test]
fn a_full_disk_ends_its_own_take_alone_and_everything_is_told() {
    let no_spill = RecordConfig::new("");
    let mut two = Two::start_without_spill(11, [100_000, 1_000_000], no_spill);
    two.run(1_000);
    two.wait_for_failure(0);
    two.run(1_000);
    let report = two.session.report();
    assert!(!report.ended && report.takes[1].failure.is_none());
    let told = "no room left";
    let told = report.warnings.iter().filter(|line| line.contains(told));
    assert_eq!(told.count(), 1, "{:?}", report.warnings);
    let StopError {
        error,
        further,
        ended,
    } = *two.session.stop().unwrap_err();
    assert!(is_full(&error, "one/take.wav"), "{error}");
    assert!(further.is_empty(), "{further:?}");
    is_cut(&ended.recorded[0], ended.frames);
    are_whole(&ended.recorded[1..], ended.frames);
    assert!(ended.warnings.iter().any(|line| line.contains("goes on")));
}

#[test]
fn a_session_that_only_records_ends_with_its_last_take_and_tells_of_each() {
    let no_spill = RecordConfig::new("");
    let mut two = Two::start_without_spill(12, [100_000, 300_000], no_spill);
    two.run(2_500);
    wait_until("the session ends", || two.session.report().ended);
    let StopError {
        error,
        further,
        ended,
    } = *two.session.stop().unwrap_err();
    assert!(is_full(&error, "one/take.wav"), "{error}");
    assert!(matches!(&further[..], [error] if is_full(error, "two/take.wav")));
    let [first, second] = &ended.recorded[..] else {
        panic!("{:?}", ended.recorded);
    };
    is_cut(first, ended.frames);
    is_cut(second, ended.frames);
    assert!(second.frames > 2 * first.frames);
}

#[test]
fn a_session_that_plays_goes_on_without_its_recording() {
    let folder = folder();
    fs::create_dir(folder.path().join("disk")).unwrap();
    let sim = Sim::new(13);
    sim.plug(counting(SimDevice::new("card", 1, 1))).unwrap();
    let config = SessionConfig {
        host: Some(HostKind::Sim),
        input: port("card"),
        output: port("card"),
        record: vec![RecordConfig {
            disk: Arc::new(On(BadDisk::with_room("disk", 100_000))),
            ..RecordConfig::new(folder.path().join("disk/take.wav"))
        }],
        ..SessionConfig::live(Chain::new())
    };
    let mut session = start(&sim, config);
    sim.run_for(Duration::from_secs(1));
    wait_until("the take has failed", || {
        session.report().takes[0].failure.is_some()
    });
    let before = session.report().frames;
    sim.run_for(Duration::from_secs(1));
    let report = session.report();
    assert!(!report.ended && report.frames >= before + 47_000);
    let stopped = session.stop().unwrap_err();
    assert!(is_full(&stopped.error, "disk/take.wav"), "{stopped}");
    assert_eq!(stopped.ended.recorded.len(), 1);
}
