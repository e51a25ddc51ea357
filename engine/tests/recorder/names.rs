//! Files that lose their names while they are written, and names that others have.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ossicle::EngineError;
use ossicle::io::device::sim::{Sim, SimDevice};
use ossicle::io::file::Overwrite;
use ossicle::record::{RecordConfig, Split, Tap};
use ossicle::session::{Ended, Moment, Session, StopError};

use crate::rig::{BadDisk, On, folder, joined, recording, start, wait_until};
use crate::room::Small;

fn mic(seed: u64) -> Sim {
    let sim = Sim::new(seed);
    let mic = SimDevice::new("mic", 1, 0).with_source(|frame, _| (frame + 1) as f32);
    sim.plug(mic).unwrap();
    sim
}

/// A take of a second, whose file meets with `what` once it has its name and half of its sound.
fn disturbed(path: &Path, what: impl FnOnce()) -> Result<Ended, Box<StopError>> {
    let sim = mic(61);
    let mut session = start(&sim, recording("mic", vec![RecordConfig::new(path)]));
    sim.run_for(Duration::from_millis(500));
    wait_until("the file has its name", || {
        session.takes()[0].written_frames() > 0
    });
    what();
    sim.run_for(Duration::from_millis(500));
    wait_until("it is told at once", || {
        let warnings = session.report().warnings;
        warnings
            .iter()
            .any(|told| told.contains("while it is written"))
    });
    session.stop()
}

#[test]
fn a_file_that_was_deleted_or_moved_is_told_and_has_its_name_again_in_the_end() {
    let folder = folder();
    let (path, other) = (
        folder.path().join("gone.wav"),
        folder.path().join("other.wav"),
    );
    let is_whole = |ended: &Ended| {
        let samples = joined(&ended.recorded[0]);
        assert!(samples.len() > 40_000, "{}", samples.len());
        assert!((0..samples.len()).all(|at| samples[at] == (at + 1) as f32));
    };
    let ended = disturbed(&path, || fs::remove_file(&path).unwrap()).unwrap();
    is_whole(&ended);
    fs::remove_file(&path).unwrap();
    let ended = disturbed(&path, || fs::rename(&path, &other).unwrap()).unwrap();
    is_whole(&ended);
}

#[test]
fn a_file_whose_name_is_anothers_is_an_error_that_says_where_it_is() {
    let folder = folder();
    let (path, other) = (
        folder.path().join("gone.wav"),
        folder.path().join("other.wav"),
    );
    let error = disturbed(&path, || {
        fs::rename(&path, &other).unwrap();
        fs::write(&path, "another").unwrap();
    })
    .unwrap_err();
    assert!(
        matches!(error.error, EngineError::TakeUnnamed { .. }),
        "{error}"
    );
    // What the session came to says where the file is, too.
    assert_eq!(error.ended.recorded[0].path, other);
    assert!(error.to_string().contains("other.wav"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"another");
}

/// As programs do that save a file in one step, and as those do that delete it first.
#[test]
fn a_take_whose_name_another_file_took_is_whole_under_the_next_free_one() {
    for saves in [true, false] {
        let folder = folder();
        let at = |name: &str| folder.path().join(name);
        let path = at("gone.wav");
        fs::write(at("gone (2).wav"), "mine").unwrap();
        let ended = disturbed(&path, || match saves {
            true => {
                fs::copy(&path, at("saved")).unwrap();
                fs::rename(at("saved"), &path).unwrap();
            }
            false => {
                fs::remove_file(&path).unwrap();
                fs::write(&path, "another").unwrap();
            }
        });
        let ended = ended.unwrap();
        let recorded = &ended.recorded[0];
        assert_eq!(recorded.path, at("gone (3).wav"));
        let samples = joined(recorded);
        assert_eq!(samples.len() as u64, ended.frames);
        assert!((0..samples.len()).all(|at| samples[at] == (at + 1) as f32));
        let told = ended.warnings.join("; ");
        assert!(
            told.contains("was replaced") && told.contains("gone (3).wav"),
            "{told}"
        );
        assert_eq!(fs::read(at("gone (2).wav")).unwrap(), b"mine");
        assert_ne!(fs::read(&path).unwrap(), fs::read(&recorded.path).unwrap());
    }
}

#[test]
fn what_of_a_deleted_take_finds_no_room_is_told_and_the_rest_is_named() {
    let Some(disk) = Small::new(400) else {
        eprintln!("no file system may be mounted here: not tried");
        return;
    };
    let path = disk.0.path().join("gone.wav");
    // It has 192 KiB in the end, and another file half of the rest.
    let error = disturbed(&path, || {
        fs::remove_file(&path).unwrap();
        fs::write(disk.0.path().join("other"), vec![1; 80 << 10]).unwrap();
    });
    let error = error.unwrap_err().to_string();
    let (told, name) = ("has the beginning alone", path.display().to_string());
    assert!(error.contains(told) && error.contains(&name), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    let bytes = fs::read(&path).unwrap();
    assert!(
        bytes.len() > 40_000 && bytes.starts_with(b"RIFF"),
        "{}",
        bytes.len()
    );
}

#[test]
fn a_split_take_does_not_mix_with_an_older_one() {
    let folder = folder();
    let at = |name: &str| folder.path().join(name);
    let config = |overwrite| RecordConfig {
        overwrite,
        split: Some(Split::Every(Moment::Frames(10_000))),
        ..RecordConfig::new(at("s.wav"))
    };
    for name in [
        "s-003.wav",
        "s-007.wav",
        "s-7.wav",
        "s-008.flac",
        "t-009.wav",
    ] {
        fs::write(at(name), "older").unwrap();
    }
    let refused = Session::start_in(
        recording("mic", vec![config(Overwrite::Never)]),
        Arc::new(mic(62)),
    );
    let error = refused.unwrap_err().to_string();
    assert!(
        error.contains("s-003.wav: the file exists already"),
        "{error}"
    );
    assert!(!at("s-001.wav").exists());

    let sim = mic(63);
    let session = start(&sim, recording("mic", vec![config(Overwrite::Replace)]));
    sim.run_for(Duration::from_millis(1000));
    let ended = session.stop().unwrap();
    assert_eq!(
        ended.recorded[0].files.len(),
        5,
        "{:?}",
        ended.recorded[0].files
    );
    let told = ended.warnings.join("; ");
    assert!(told.contains("s-003.wav and 1 more, of other"), "{told}");
    assert!(!told.contains("removed"), "{told}");
    // Of what is there now, the files of this take are known to be one.
    let session = start(&sim, recording("mic", vec![config(Overwrite::Replace)]));
    sim.run_for(Duration::from_millis(500));
    let ended = session.stop().unwrap();
    assert_eq!(ended.recorded[0].files.len(), 3);
    let told = ended.warnings.join("; ");
    assert!(told.contains("s-007.wav, of other"), "{told}");
    let removed = told.split_once("removed, of an older take: ").unwrap().1;
    assert!(
        removed.contains("s-004.wav") && removed.contains("s-005.wav"),
        "{told}"
    );
    assert!(!at("s-004.wav").exists() && !at("s-005.wav").exists());
    for name in ["s-007.wav", "s-7.wav", "s-008.flac", "t-009.wav"] {
        assert_eq!(fs::read(at(name)).unwrap(), b"older", "{name}");
    }
}

#[test]
fn two_recordings_are_not_of_one_file_by_two_ways_to_it() {
    let folder = folder();
    fs::create_dir(folder.path().join("in")).unwrap();
    let tapped = |tap, path| RecordConfig {
        tap,
        overwrite: Overwrite::Replace,
        ..RecordConfig::new(path)
    };
    let by = |way: &str| folder.path().join(way).join("one.wav");
    let twice = vec![tapped(Tap::Pre, by(".")), tapped(Tap::Post, by("in/.."))];
    let error = Session::start_in(recording("mic", twice), Arc::new(mic(64))).unwrap_err();
    assert!(matches!(error, EngineError::SameTake { .. }), "{error}");
    assert!(!by(".").exists());
}

/// What never lasted in its file never had the name: what the name leads to is another's, and no
/// frame of it counts.
#[test]
fn an_older_file_under_the_name_is_not_taken_for_the_take() {
    let folder = folder();
    for name in ["bad", "good"] {
        fs::create_dir(folder.path().join(name)).unwrap();
    }
    let path = folder.path().join("bad/take.wav");
    let older = mic(65);
    let session = start(&older, recording("mic", vec![RecordConfig::new(&path)]));
    older.run_for(Duration::from_millis(1500));
    let older = session.stop().unwrap().recorded[0].frames;
    let bytes = fs::read(&path).unwrap();
    for spill in [None, Some(folder.path().join("good"))] {
        let disk = Arc::new(BadDisk {
            unsynced_folder: "bad".to_owned(),
            ..BadDisk::default()
        });
        let config = RecordConfig {
            overwrite: Overwrite::Replace,
            disk: Arc::new(On(disk)),
            spill: spill.clone(),
            ..RecordConfig::new(&path)
        };
        let sim = mic(66);
        let mut session = start(&sim, recording("mic", vec![config]));
        sim.run_for(Duration::from_millis(1000));
        wait_until("the disk is given up", || {
            let report = session.report();
            let takes = session.takes();
            report.ended || takes[0].written_frames() > 0
        });
        match (spill, session.stop().map_err(EngineError::from)) {
            (Some(_), Ok(ended)) => {
                let samples = joined(&ended.recorded[0]);
                assert!((0..samples.len()).all(|at| samples[at] == (at + 1) as f32));
                assert!(samples.len() > 40_000 && (samples.len() as u64) < older);
            }
            (
                None,
                Err(EngineError::TakeCut {
                    unwritten_frames, ..
                }),
            ) => {
                assert!(unwritten_frames > 40_000, "{unwritten_frames}");
            }
            (spill, ended) => panic!("{spill:?}: {ended:?}"),
        }
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }
}
