//! Where a take goes on in its next file, and where that cannot be made.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ossicle::EngineError;
use ossicle::io::device::sim::{Sim, SimDevice};
use ossicle::io::file::{AudioFile, FileError, Ixml, Overwrite, Tags};
use ossicle::record::{RecordConfig, Recorded, Split};
use ossicle::session::{Moment, Session};

use crate::rig::{BadDisk, On, counting, folder, joined, judge, recording, start, wait_until};

fn begin(config: RecordConfig) -> (Sim, Session) {
    let sim = Sim::new(91);
    sim.plug(counting(SimDevice::new("mic", 1, 0))).unwrap();
    let session = start(&sim, recording("mic", vec![config]));
    (sim, session)
}

/// Runs for so long, and until all but a little is in files.
fn run(sim: &Sim, session: &mut Session, ms: u64) {
    for _ in 0..ms / 10 {
        sim.run_for(Duration::from_millis(10));
        session.report();
    }
    wait_until("written", || {
        let report = session.report();
        report.ended || report.takes[0].written_frames + 60_000 > report.frames
    });
}

fn is_whole(recorded: &Recorded, frames: u64) {
    assert_eq!((recorded.frames, &recorded.gaps[..]), (frames, &[][..]));
    judge(&joined(recorded), &[], 0).unwrap();
}

#[test]
fn a_next_file_that_cannot_be_created_leaves_the_take_in_the_one_it_has() {
    let folder = folder();
    let [here, away] = ["here", "away"].map(|name| folder.path().join(name));
    fs::create_dir(&here).unwrap();
    let (sim, mut session) = begin(RecordConfig {
        checkpoint_seconds: 0.01,
        split: Some(Split::Every(Moment::Frames(24_000))),
        ..RecordConfig::new(here.join("take.wav"))
    });
    run(&sim, &mut session, 700);
    wait_until("the second file", || {
        let take = session.report().takes.remove(0);
        take.files.len() == 2 && take.written_frames > 25_000
    });
    fs::rename(&here, &away).unwrap();
    // Longer than a disk that fails is tried.
    for _ in 0..30 {
        run(&sim, &mut session, 100);
        std::thread::sleep(Duration::from_millis(100));
    }
    fs::rename(&away, &here).unwrap();
    wait_until("the next file", || {
        sim.run_for(Duration::from_millis(10));
        session.report().takes[0].files.len() > 3
    });
    let ended = session.stop().unwrap();
    let recorded = &ended.recorded[0];
    is_whole(recorded, ended.frames);
    let told = |words: &str| {
        let lines = ended.warnings.iter();
        lines.filter(|line| line.contains(words)).count()
    };
    assert_eq!(
        told("next file cannot be created"),
        1,
        "{:?}",
        ended.warnings
    );
    let files = &recorded.files;
    // The second went on while there was no folder, and what follows ends where it would have.
    assert_eq!(files[1].first_frame, 24_000);
    assert!(files[1].frames > 24_000 * 4, "{files:?}");
    assert_eq!(files[3].first_frame % 24_000, 0, "{files:?}");
}

#[test]
fn a_file_that_may_not_be_longer_is_left_for_the_next_in_its_folder() {
    for ending in ["wav", "flac"] {
        for spills in [false, true] {
            let folder = folder();
            let [disk, spill] = ["disk", "spill"].map(|name| folder.path().join(name));
            for made in [&disk, &spill] {
                fs::create_dir(made).unwrap();
            }
            // Was never asked to be replaced.
            let other = disk.join(format!("take-002.{ending}"));
            fs::write(&other, "other").unwrap();
            let bad = BadDisk {
                longest: Some(100_000),
                room: if spills { 250_000 } else { u64::MAX / 2 }.into(),
                full_folder: "disk".to_owned(),
                ..BadDisk::default()
            };
            let sim = Sim::new(92);
            let mic = SimDevice::new("mic", 1, 0);
            // Codes that no encoder makes small.
            let code = |frame: u64| frame.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
            let mic =
                mic.with_source(move |frame, _| (code(frame) as f32 - 8_388_608.0) / 8_388_608.0);
            sim.plug(mic).unwrap();
            let config = RecordConfig {
                format: ossicle::io::sample::SampleFormat::I24,
                checkpoint_seconds: 0.01,
                overwrite: Overwrite::Replace,
                spill: spills.then(|| spill.clone()),
                disk: Arc::new(On(Arc::new(bad))),
                ..RecordConfig::new(disk.join(format!("take.{ending}")))
            };
            let mut session = start(&sim, recording("mic", vec![config]));
            run(&sim, &mut session, 3_000);
            let ended = session.stop().unwrap();
            let recorded = &ended.recorded[0];
            assert_eq!(
                (recorded.frames, &recorded.gaps[..]),
                (ended.frames, &[][..])
            );
            let samples = joined(recorded);
            let first = (samples[0] * 8_388_608.0 + 8_388_608.0) as u64;
            let origin = (0..96_000).find(|frame| code(*frame) == first).unwrap();
            for (frame, sample) in (origin..).zip(&samples) {
                assert_eq!(
                    *sample,
                    (code(frame) as f32 - 8_388_608.0) / 8_388_608.0,
                    "{frame}"
                );
            }
            assert_eq!(fs::read(&other).unwrap(), b"other");
            let files = &recorded.files;
            assert!(files.len() >= 4, "{files:?}");
            assert_eq!(files[1].path, disk.join(format!("take-003.{ending}")));
            let there = |path: &Path| path.parent() == Some(&spill);
            assert_eq!(
                files.iter().any(|file| there(&file.path)),
                spills,
                "{files:?}"
            );
            // On both sides of the change, one is left for the next.
            let told = ended.warnings.iter();
            let told = told
                .filter(|line| line.contains("may not be longer"))
                .count();
            assert_eq!(
                told,
                files.len() - 1 - usize::from(spills),
                "{:?}",
                ended.warnings
            );
        }
    }
}

#[test]
fn a_limit_that_lets_no_file_have_a_frame_ends_the_take_true() {
    let folder = folder();
    let bad = BadDisk {
        // The header without and with the date.
        longest: Some(600),
        ..BadDisk::default()
    };
    let config = RecordConfig {
        disk: Arc::new(On(Arc::new(bad))),
        ..RecordConfig::new(folder.path().join("take.wav"))
    };
    let (sim, mut session) = begin(config);
    run(&sim, &mut session, 300);
    let error = session.stop().unwrap_err();
    let is_cut = matches!(
        error.error,
        EngineError::TakeCut {
            source: FileError::NoRoom { .. },
            ..
        }
    );
    assert!(is_cut, "{error}");
    let mut file = AudioFile::open(folder.path().join("take.wav")).unwrap();
    assert_eq!(file.count_frames().unwrap(), 0);
    assert!(!folder.path().join("take-002.wav").exists());
}

#[test]
fn a_long_note_and_many_labels_are_within_the_size_of_a_split() {
    let folder = folder();
    let (sim, mut session) = begin(RecordConfig {
        checkpoint_seconds: 0.01,
        split: Some(Split::Bytes(100_000)),
        tags: Tags {
            ixml: Some(Ixml {
                note: "n".repeat(50_000),
                ..Ixml::default()
            }),
            ..Tags::default()
        },
        ..RecordConfig::new(folder.path().join("take.wav"))
    });
    for _ in 0..100 {
        session.mark("a place that somebody marked");
        run(&sim, &mut session, 10);
    }
    let ended = session.stop().unwrap();
    let recorded = &ended.recorded[0];
    is_whole(recorded, ended.frames);
    assert!(recorded.files.len() >= 4, "{:?}", recorded.files);
    for file in &recorded.files {
        let bytes = fs::metadata(&file.path).unwrap().len();
        assert!(bytes <= 100_000, "{}: {bytes} bytes", file.path.display());
        let info = AudioFile::open(&file.path).unwrap();
        assert_eq!(info.info().warnings, [""; 0]);
    }
}
