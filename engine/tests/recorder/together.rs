//! Several takes of one session, and what befalls one of them.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ossicle::io::device::sim::{Sim, SimDevice};
use ossicle::io::file::Overwrite;
use ossicle::record::{RecordConfig, Recorded, Split, Tap};
use ossicle::session::{Moment, Session};

use crate::rig::{BadDisk, On, counting, folder, joined, judge, recording, start, wait_until};

/// A session with two takes of one device, `one/take.wav` and `two/take.wav`, on disks of so many
/// bytes, that replace what has their names and go on in the folder `spill`.
struct Two {
    folder: tempfile::TempDir,
    sim: Sim,
    session: Session,
}

impl Two {
    fn start(seed: u64, room: [u64; 2], config: RecordConfig) -> Self {
        let folder = folder();
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
                spill: Some(spill.clone()),
                disk: Arc::new(On(BadDisk::with_room(name, room))),
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
    for seed in 0..4 {
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
