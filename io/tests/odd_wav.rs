//! WAV files as people have them: every width, both byte orders, wrong sizes, takes that were never
//! closed. Each is made here, byte by byte, with the samples that its format defines; libsndfile
//! judges those that it opens.
//!
//! `OSSICLE_CORPUS=FOLDER cargo test -p ossicle-io --test odd_wav -- --nocapture` compares any other
//! folder of sound files with libsndfile.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use build::LITTLE;
use ossicle_io::file::{AudioFile, FileInfo};
use tempfile::TempDir;

#[path = "odd_wav/build.rs"]
mod build;
#[path = "odd_wav/kinds.rs"]
mod kinds;

const RATE_HZ: u32 = 44_100;

fn read_all(file: &mut AudioFile) -> Vec<f64> {
    let channels = file.info().channels;
    let mut all = Vec::new();
    let mut piece = vec![0.0f64; 1000 * channels];
    loop {
        match file.read(&mut piece).expect("an open file is readable") {
            0 => return all,
            frames => all.extend_from_slice(&piece[..frames * channels]),
        }
    }
}

/// What libsndfile says of a file and of the samples read from it here.
#[derive(Debug, PartialEq)]
enum Verdict {
    /// The same rate, channels, frames and, bit for bit, samples.
    Same,
    Different(String),
    /// It does not open the file.
    Refused,
}

/// Has libsndfile's own program compare a file with the samples that were read from it here.
fn by_libsndfile(path: &Path, samples: &[f64], info: &FileInfo, scratch: &Path) -> Verdict {
    let read = scratch.join("read.wav");
    let sound: Vec<u8> = samples
        .iter()
        .flat_map(|sample| sample.to_le_bytes())
        .collect();
    let mut format = LITTLE.format(3, info.channels as u16, 64);
    format[4..8].copy_from_slice(&info.sample_rate_hz.to_le_bytes());
    let chunks = [
        LITTLE.chunk(b"fmt ", &format),
        LITTLE.chunk(b"data", &sound),
    ];
    fs::write(&read, LITTLE.file(&chunks)).expect("written");
    let output = Command::new("sndfile-cmp")
        .args([path, &read])
        .output()
        .expect("sndfile-cmp must be installed");
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    if output.status.success() {
        Verdict::Same
    } else if text.contains(&format!("Error opening {}", path.display())) {
        Verdict::Refused
    } else {
        Verdict::Different(text.trim().to_owned())
    }
}

fn same(a: &[f64], b: &[f64]) -> bool {
    let alike = |(a, b): (&f64, &f64)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
    a.len() == b.len() && a.iter().zip(b).all(alike)
}

#[test]
fn every_odd_file_holds_what_its_format_says() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("odd");
    for kind in kinds::all() {
        fs::write(&path, &kind.bytes).expect("written");
        let name = &kind.name;
        let mut file = AudioFile::open(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        let info = file.info().clone();
        assert_eq!(info.sample_rate_hz, RATE_HZ, "{name}");
        assert_eq!(info.channels, kind.channels, "{name}");
        let warnings = &info.warnings;
        assert_eq!(!warnings.is_empty(), kind.warns, "{name}: {warnings:?}");
        let samples = read_all(&mut file);
        assert!(
            same(&samples, &kind.samples),
            "{name}: {samples:?} instead of {:?}",
            kind.samples
        );
        assert_eq!(info.frames, Some((samples.len() / 2) as u64), "{name}");
    }
}

#[test]
fn libsndfile_reads_odd_files_alike() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("odd");
    let mut judged = 0;
    for kind in kinds::all().into_iter().filter(|kind| kind.judged) {
        fs::write(&path, &kind.bytes).expect("written");
        let name = &kind.name;
        let mut file = AudioFile::open(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        let samples = read_all(&mut file);
        let verdict = by_libsndfile(&path, &samples, file.info(), directory.path());
        assert_eq!(verdict, Verdict::Same, "{name}");
        judged += 1;
    }
    assert!(judged > 100, "only {judged} files were judged");
}

/// The folder may hold anything; without one there is nothing to compare.
#[test]
fn a_folder_reads_as_by_libsndfile() {
    let Some(folder) = env::var_os("OSSICLE_CORPUS") else {
        return;
    };
    let scratch = TempDir::new().expect("a directory");
    let (mut equal, mut different) = (0, Vec::new());
    let mut files = files_below(Path::new(&folder));
    files.sort();
    for path in files {
        let name = path.display();
        let verdict = match AudioFile::open(&path) {
            Ok(mut file) => {
                let samples = read_all(&mut file);
                by_libsndfile(&path, &samples, file.info(), scratch.path())
            }
            Err(error) if opens_in_libsndfile(&path) => {
                Verdict::Different(format!("not opened here: {error}"))
            }
            Err(error) => {
                println!("by none    {name}: {error}");
                continue;
            }
        };
        match verdict {
            Verdict::Same => {
                println!("equal      {name}");
                equal += 1;
            }
            Verdict::Refused => println!("here only  {name}"),
            Verdict::Different(what) => {
                println!("DIFFERENT  {name}: {what}");
                different.push(what);
            }
        }
    }
    let opened = equal + different.len();
    println!("{equal} of the {opened} files that libsndfile opens are read alike");
    assert!(different.is_empty(), "different: {different:?}");
}

fn opens_in_libsndfile(path: &Path) -> bool {
    let output = Command::new("sndfile-info")
        .arg(path)
        .output()
        .expect("sndfile-info must be installed");
    !String::from_utf8_lossy(&output.stdout).contains("Not able to open")
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files
}
