//! The power goes, for a real file system: images of a disk, copied at one moment while a take is
//! being written to it, and mounted again.
//!
//! The disk is a file on another file system, which is frozen while the file is copied: what the
//! copy holds is what the disk held at that moment. Mounting replays its journal.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ossicle_io::file::{FileError, FileStorage, Overwrite, WavWriter};
use ossicle_io::sample::SampleFormat;
use tempfile::TempDir;

use crate::{judges, kills, samples, spec, tags, trials};

const RATE: u32 = 48_000;
const CHANNELS: usize = 2;
const TAKES: [&str; 2] = ["take.wav", "hidden.wav"];

/// Runs a program; it must succeed.
fn run(words: &[&str]) {
    let output = Command::new(words[0]).args(&words[1..]).output();
    let output = output.unwrap_or_else(|error| panic!("{words:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {said}");
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// A file system in a file, mounted as long as this lives.
struct Mounted(PathBuf);

/// File systems that know no files without a name, as cards and sticks have them, with what makes
/// them: the first that this system has is taken.
const NAMED_ONLY: [(&str, &str); 3] = [
    ("vfat", "mkfs.vfat"),
    ("exfat", "mkfs.exfat"),
    ("exfat-fuse", "mkfs.exfat"),
];

impl Mounted {
    /// One that knows no files without a name; nothing where there is none.
    fn named_only(image: &Path, folder: &Path) -> Option<Self> {
        fs::create_dir_all(folder).expect("a folder");
        NAMED_ONLY.into_iter().find_map(|(kind, maker)| {
            let file = fs::File::create(image).expect("a file");
            file.set_len(64 << 20).expect("room");
            let made = Command::new(maker).arg(image).output().ok()?;
            let options = ["-t", kind, "-o", "loop", text(image), text(folder)];
            let mounted = Command::new("mount").args(options).output().ok()?;
            let is_there = made.status.success() && mounted.status.success();
            is_there.then(|| Self(folder.to_owned()))
        })
    }

    /// Makes a new one of so many MiB.
    fn make(image: &Path, folder: &Path, mib: u64) -> Self {
        let file = fs::File::create(image).expect("a file");
        file.set_len(mib << 20).expect("room");
        run(&["mkfs.ext4", "-q", "-F", text(image)]);
        Self::mount(image, folder)
    }

    fn mount(image: &Path, folder: &Path) -> Self {
        fs::create_dir_all(folder).expect("a folder");
        run(&["mount", "-o", "loop", text(image), text(folder)]);
        Self(folder.to_owned())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("fsfreeze")
            .args(["-u", text(&self.0)])
            .output();
        let _ = Command::new("umount").arg(&self.0).output();
    }
}

/// Writes a take as the clock goes until told to stop; `due` tells how many frames there were.
fn write_take(storage: FileStorage, all: &[f32], due: &AtomicU64, stop: &AtomicBool) {
    let spec = spec(RATE, CHANNELS, SampleFormat::I16);
    let mut writer = WavWriter::on(Box::new(storage), spec, &tags()).expect("a new file");
    let (start, mut checkpoint) = (Instant::now(), None::<Instant>);
    while !stop.load(Ordering::Relaxed) {
        let frames = (start.elapsed().as_secs_f64() * f64::from(RATE)) as u64;
        let frames = frames.min((all.len() / CHANNELS) as u64);
        due.store(frames, Ordering::Relaxed);
        let from = writer.frames() as usize * CHANNELS;
        writer
            .write(&all[from..frames as usize * CHANNELS])
            .expect("room");
        if checkpoint.is_none_or(|last| last.elapsed() >= Duration::from_millis(250)) {
            checkpoint = Some(Instant::now());
            writer.checkpoint().expect("room");
        }
        thread::sleep(Duration::from_millis(20));
    }
    writer.finish().expect("room");
}

#[test]
#[ignore = "needs root, and half a minute"]
fn a_take_on_a_disk_that_loses_power_is_true() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: mounting images needs root");
        return;
    }
    // In memory where that can be: then no other disk's slowness is measured.
    let shm = Path::new("/dev/shm");
    let place = if shm.is_dir() {
        shm.to_owned()
    } else {
        std::env::temp_dir()
    };
    let folder = TempDir::new_in(place).expect("a directory");
    let inside = |name: &str| folder.path().join(name);
    let under = Mounted::make(&inside("under.img"), &inside("under"), 160);
    let disk_image = under.0.join("disk.img");
    let disk = Mounted::make(&disk_image, &inside("disk"), 64);
    let all = samples(0, 120 * RATE as usize * CHANNELS);
    let (due, stop) = (
        [AtomicU64::new(0), AtomicU64::new(0)],
        AtomicBool::new(false),
    );
    let (mut worst, mut won, mut due_at) = (0, 0, Vec::new());
    let copies = trials(50);
    thread::scope(|scope| {
        // Whatever happens to the judges, the writer ends.
        struct Stop<'a>(&'a AtomicBool);
        impl Drop for Stop<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let stopping = Stop(&stop);
        let (all, stop) = (&all, &stop);
        // Of no name at first, and of a hidden one.
        let make: [fn(PathBuf, Overwrite) -> _; 2] =
            [FileStorage::create, FileStorage::create_hidden];
        for ((name, make), due) in TAKES.into_iter().zip(make).zip(&due) {
            let storage = make(disk.0.join(name), Overwrite::Never).expect("a new file");
            scope.spawn(move || write_take(storage, all, due, stop));
        }
        thread::sleep(Duration::from_millis(500));
        for number in 0..copies {
            // At any place between two checkpoints.
            thread::sleep(Duration::from_millis((number as u64 * 89) % 250));
            let before = due.each_ref().map(|due| due.load(Ordering::Relaxed));
            run(&["fsfreeze", "-f", text(&under.0)]);
            let copy = inside(&format!("{number}.img"));
            let copied = Command::new("cp")
                .args(["--sparse=always", text(&disk_image), text(&copy)])
                .status();
            run(&["fsfreeze", "-u", text(&under.0)]);
            assert!(copied.expect("cp runs").success());
            due_at.push(before);
        }
        drop(stopping);
    });
    for (number, due) in due_at.into_iter().enumerate() {
        let copy = inside(&format!("{number}.img"));
        let mounted = Mounted::mount(&copy, &inside("copy"));
        let mut open = crate::open_takes(&mounted.0);
        for (name, due) in TAKES.into_iter().zip(due) {
            let take = mounted.0.join(name);
            let frames = judges::agreed(&take, CHANNELS, &all, number % 10 == 0) as u64;
            let lost = due.saturating_sub(frames);
            assert!(
                lost <= u64::from(RATE) / 2,
                "copy {number}, {name}: {lost} frames lost"
            );
            worst = worst.max(lost);
            for open in open.extract_if(.., |open| open.final_path() == take) {
                won += open.finish(&[]).expect("room").won_frames;
            }
            assert!(judges::agreed(&take, CHANNELS, &all, false) as u64 >= frames);
        }
        assert!(open.is_empty(), "{open:?}");
        drop(mounted);
        fs::remove_file(copy).expect("there");
    }
    println!(
        "{copies} copies: at most {:.3} s lost, {won} frames won back in all",
        worst as f64 / f64::from(RATE)
    );
    drop(disk);
    drop(under);
}

#[test]
#[ignore = "needs root, and a file system of cards (vfat, exFAT)"]
fn a_disk_that_knows_no_files_without_a_name_keeps_takes_all_the_same() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: mounting images needs root");
        return;
    }
    let folder = TempDir::new().expect("a directory");
    let (image, place) = (folder.path().join("image"), folder.path().join("disk"));
    let Some(disk) = Mounted::named_only(&image, &place) else {
        println!("skipped: this system has none of {NAMED_ONLY:?}");
        return;
    };
    let path = disk.0.join("take.wav");
    let names = || {
        let entries = fs::read_dir(&disk.0).expect("a folder").flatten();
        let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
        names.collect::<Vec<_>>()
    };
    let spec = spec(RATE, CHANNELS, SampleFormat::I16);
    let all = samples(0, RATE as usize * CHANNELS);
    let mut writer = WavWriter::create(&path, spec, Overwrite::Never).expect("a new file");
    // It is there already, and not under its name.
    let hidden = names();
    assert!(
        hidden.len() == 1 && hidden[0].starts_with(".take.wav."),
        "{hidden:?}"
    );
    writer.write(&all).expect("room");
    // Somebody else takes the name: theirs stays.
    fs::write(&path, b"theirs").expect("room");
    let taken = writer.checkpoint();
    assert!(matches!(taken, Err(FileError::AlreadyExists)), "{taken:?}");
    assert_eq!(fs::read(&path).expect("theirs"), b"theirs");
    fs::remove_file(&path).expect("there");
    writer.checkpoint().expect("room");
    assert_eq!(names(), ["take.wav"]);
    assert_eq!(judges::agreed(&path, CHANNELS, &all, true), RATE as usize);
    writer.finish().expect("room");
    fs::remove_file(&path).expect("there");
    let dropped = WavWriter::create(&path, spec, Overwrite::Never).expect("a new file");
    drop(dropped);
    assert_eq!(names(), Vec::<String>::new());
    for replace in [false, true] {
        kills::kill_all(&disk.0, 7, replace, false);
    }
}
