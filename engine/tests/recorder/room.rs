//! Disks that stall for long, and disks that are full.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ossicle::EngineError;
use ossicle::io::device::sim::{Sim, SimDevice};
use ossicle::io::file::{AudioFile, FileError};
use ossicle::io::sample::SampleFormat;
use ossicle::record::{GapList, RecordConfig};
use ossicle::session::StopError;

use crate::rig::{
    BadDisk, On, counting, folder, joined, judge, recording, sample, start, trials, wait_until,
};

#[test]
fn a_minute_without_a_disk_loses_nothing_at_32_channels() {
    let folder = folder();
    let sim = Sim::new(41);
    let mic = SimDevice::new("mic", 32, 0).with_block_source(|first, channels, block| {
        for (frame, samples) in (first..).zip(block.chunks_exact_mut(channels)) {
            samples.fill(sample(frame));
        }
    });
    sim.plug(mic).unwrap();
    let disk = BadDisk::new();
    let config = RecordConfig {
        disk: Arc::new(On(disk.clone())),
        ..RecordConfig::new(folder.path().join("take.wav"))
    };
    let mut session = start(&sim, recording("mic", vec![config]));
    let mut run = |seconds: u64| {
        let mut report = session.report();
        for _ in 0..20 * seconds {
            sim.run_for(Duration::from_millis(50));
            report = session.report();
        }
        report
    };
    let before = run(1);
    assert_eq!(before.warnings[..], [""; 0]);
    let began = std::time::Instant::now();
    // The limit of memory, 60 s, and what fits into the ring behind it.
    disk.stalls.store(true, Ordering::Release);
    let report = run(60);
    assert!(report.takes[0].memory_seconds > 58.0, "{:?}", report.takes);
    let told = report.warnings.iter();
    let told: Vec<_> = told
        .filter(|line| line.contains("wait in memory"))
        .collect();
    assert_eq!(told.len(), 1, "{:?}", report.warnings);
    disk.stalls.store(false, Ordering::Release);
    println!("60 s of stall in {:.1} s", began.elapsed().as_secs_f64());
    wait_until("memory is empty", || {
        session.report().takes[0].memory_seconds < 1.0
    });
    let ended = session.stop().unwrap();
    assert_eq!(ended.recorded[0].gaps, []);
    assert!(ended.recorded[0].frames > 60 * 48_000);
    judge(&joined(&ended.recorded[0]), &[], 0).unwrap();
}

/// Somebody makes a file of the take's name: before its first frame, and between that and the first
/// checkpoint. The take goes on whole under a like name, and theirs stays.
#[test]
fn a_name_that_another_takes_meanwhile_leaves_the_take_whole() {
    for (ending, is_late) in [
        ("wav", false),
        ("wav", true),
        ("flac", false),
        ("flac", true),
    ] {
        let folder = folder();
        let path = folder.path().join(format!("take.{ending}"));
        let sim = Sim::new(43);
        sim.plug(SimDevice::new("mic", 1, 0).with_source(|frame, _| {
            let code = frame % 8_000_000 + 1;
            code as f32 / 8_388_608.0
        }))
        .unwrap();
        let disk = BadDisk::new();
        let config = RecordConfig {
            disk: Arc::new(On(disk.clone())),
            format: SampleFormat::I24,
            ..RecordConfig::new(&path)
        };
        let mut session = start(&sim, recording("mic", vec![config]));
        if is_late {
            disk.before_name.lock().unwrap().replace(path.clone());
        } else {
            std::fs::write(&path, "theirs").unwrap();
        }
        // Virtual time runs faster than what lies between ring and take.
        for _ in 0..6 {
            sim.run_for(Duration::from_millis(500));
            session.report();
        }
        let ended = session.stop().unwrap();
        let recorded = &ended.recorded[0];
        let like = folder.path().join(format!("take (2).{ending}"));
        assert_eq!(recorded.path, like, "{:?}", ended.warnings);
        assert_eq!(recorded.files.len(), 1);
        assert_eq!(recorded.files[0].path, like);
        assert_eq!(std::fs::read(&path).unwrap(), b"theirs");
        let samples = joined(recorded);
        assert!(samples.len() > 140_000, "{} frames", samples.len());
        assert_eq!(samples.len() as u64, recorded.frames);
        let codes = samples.iter().map(|sample| (sample * 8_388_608.0) as u64);
        assert!(codes.eq(1..=recorded.frames), "{ending}: other samples");
        let told = ended.warnings.iter();
        let told: Vec<_> = told.filter(|line| line.contains("take (2)")).collect();
        assert_eq!(told.len(), 1, "{told:?}");
    }
}

/// A file system in memory of so many KiB, as long as this lives.
pub struct Small(pub tempfile::TempDir);

impl Small {
    /// `None` where mounting is not allowed.
    pub fn new(kib: u64) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let size = format!("size={kib}k");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "ossicle-test"]);
        let output = mount.arg(folder.path()).output().ok()?;
        output.status.success().then_some(Self(folder))
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).output();
    }
}

/// Records until the session ends or so many seconds are over.
fn record(path: &Path, spill: Option<&Path>, seconds: u64) -> Run {
    let sim = Sim::new(43);
    sim.plug(counting(SimDevice::new("mic", 2, 0))).unwrap();
    let config = RecordConfig {
        spill: spill.map(Path::to_owned),
        ..RecordConfig::new(path)
    };
    let mut session = start(&sim, recording("mic", vec![config]));
    let mut report = session.report();
    for _ in 0..100 * seconds {
        if report.ended {
            break;
        }
        sim.run_for(Duration::from_millis(10));
        report = session.report();
        if report.takes[0].memory_seconds > 0.5 {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    wait_until("a full disk", || {
        report = session.report();
        report.ended || spill.is_some()
    });
    Run {
        warnings: report.warnings.to_vec(),
        produced: report.frames,
        result: session.stop(),
    }
}

struct Run {
    warnings: Vec<String>,
    produced: u64,
    result: Result<ossicle::session::Ended, Box<StopError>>,
}

#[test]
fn a_full_disk_ends_the_take_true_and_is_told_before() {
    for trial in 0..trials(4).min(100) {
        let Some(disk) = Small::new(600 + 37 * trial) else {
            eprintln!("no file system may be mounted here: not tried");
            return;
        };
        let path = disk.0.path().join("take.wav");
        let run = record(&path, None, 30);
        assert!(
            run.warnings.iter().any(|line| line.contains("full in")),
            "{:?}",
            run.warnings
        );
        let error = run.result.unwrap_err();
        let EngineError::TakeCut {
            source: FileError::NoRoom { .. },
            unwritten_frames,
            ..
        } = error.error
        else {
            panic!("{error}");
        };
        let mut file = AudioFile::open(&path).unwrap();
        let frames = file.info().frames.unwrap();
        assert_eq!(file.info().warnings, Vec::<String>::new());
        // All but what the header and a page at the end take.
        assert!(
            frames * 8 > (600 + 37 * trial) * 1024 - 3 * 4096,
            "{frames} frames"
        );
        let mut samples = vec![0.0f32; 2 * frames as usize];
        assert_eq!(file.read(&mut samples).unwrap() as u64, frames);
        let left: Vec<f32> = samples.iter().step_by(2).copied().collect();
        judge(&left, &[], 0).unwrap();
        // What the source gave is in the file or told as lost.
        assert!(
            frames + unwritten_frames >= run.produced,
            "{frames} + {unwritten_frames}"
        );
        // Where the list finds room, it has the end that is missing.
        if let Some(list) = GapList::load(&path).unwrap() {
            assert!(list.closed && list.gaps[0].position == frames, "{list:?}");
        }
    }
}

#[test]
fn a_full_disk_is_left_for_another_without_a_missing_frame() {
    for trial in 0..trials(4).min(100) {
        let Some(disk) = Small::new(200 + 11 * trial) else {
            eprintln!("no file system may be mounted here: not tried");
            return;
        };
        let spill = folder();
        let path = disk.0.path().join("take.wav");
        // Something else has the name already.
        std::fs::write(spill.path().join("take-002.wav"), b"mine").unwrap();
        let run = record(&path, Some(spill.path()), 4);
        let ended = run.result.unwrap();
        let recorded = &ended.recorded[0];
        let files: Vec<_> = recorded.files.iter().map(|file| &file.path).collect();
        assert_eq!(files, [&path, &spill.path().join("take-003.wav")]);
        assert_eq!(
            (recorded.frames, &recorded.gaps[..]),
            (ended.frames, &[][..])
        );
        judge(&joined(recorded), &[], 0).unwrap();
        let told = ended
            .warnings
            .iter()
            .any(|line| line.contains("goes on in"));
        assert!(told, "{:?}", ended.warnings);
        let mine = std::fs::read(spill.path().join("take-002.wav")).unwrap();
        assert_eq!(mine, b"mine");
    }
}

#[test]
fn memory_that_is_full_makes_one_gap_and_the_take_goes_on() {
    let folder = folder();
    let sim = Sim::new(45);
    sim.plug(counting(SimDevice::new("mic", 1, 0))).unwrap();
    let disk = BadDisk::new();
    let config = RecordConfig {
        memory_seconds: 2.0,
        disk: Arc::new(On(disk.clone())),
        ..RecordConfig::new(folder.path().join("take.wav"))
    };
    let mut session = start(&sim, recording("mic", vec![config]));
    for (stalls, seconds) in [(false, 1), (true, 8), (false, 3)] {
        disk.stalls.store(stalls, Ordering::Release);
        for _ in 0..100 * seconds {
            sim.run_for(Duration::from_millis(10));
            let held = |report: &ossicle::session::Report| report.takes[0].memory_seconds;
            while held(&session.report()) > 0.5 && !stalls {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
    let ended = session.stop().unwrap();
    let recorded = &ended.recorded[0];
    assert_eq!(recorded.gaps.len(), 1, "{:?}", recorded.gaps);
    assert_eq!(recorded.gaps[0].cause, ossicle::io::ring::Cause::DiskSlow);
    // 8 s, less 2 s of memory and 1.5 s of the ring.
    let lost = recorded.lost_frames as f64 / 48_000.0;
    assert!((lost - 4.5).abs() < 0.5, "{lost} s");
    judge(&joined(recorded), &recorded.gaps, 0).unwrap();
}
