//! Takes that a kill, a power cut or a full disk ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ossicle_io::file::recover::open_take;
use ossicle_io::file::{AudioFile, AudioWriter, Label, Overwrite, Tags};
use tempfile::TempDir;

use super::judges::{
    I16, I24, frames_by_ffmpeg, frames_by_libsndfile, read_all, run, signal, spec,
};

/// What is on the disk when the program is killed: the file has a name from the first checkpoint
/// on, and holds all but the last block.
#[test]
fn a_cut_take_is_read_by_all_without_repair() {
    let directory = TempDir::new().expect("a directory");
    for (kind, lost_at_most) in [("flac", 4096), ("ogg", 12_000)] {
        let spec = spec(48_000, 2, I24);
        let path = directory.path().join(format!("take.{kind}"));
        let samples = signal(spec, 60_000);
        let mut take =
            AudioWriter::create(&path, spec, &Tags::default(), Overwrite::Never).expect("a file");
        assert!(!path.exists(), "{kind}: named too early");
        take.checkpoint().expect("nothing to do");
        assert!(!path.exists(), "{kind}: named without a frame");
        take.write(&samples[..2 * 30_000]).expect("room");
        assert!(!path.exists(), "{kind}: named before a checkpoint");
        take.checkpoint().expect("room");
        let lasting = take.lasting_frames();
        assert!(lasting >= 30_000 - lost_at_most, "{kind}: {lasting}");
        let at_checkpoint = fs::read(&path).expect("named");
        take.write(&samples[2 * 30_000..]).expect("room");
        let later = fs::read(&path).expect("named");
        assert_eq!(take.finish().expect("room"), 60_000);
        let cut = directory.path().join(format!("cut.{kind}"));
        for (bytes, torn) in [
            (&at_checkpoint[..], false),
            (&later, false),
            (&later[..later.len() - 100], true),
        ] {
            fs::write(&cut, bytes).expect("written");
            let got = read_all(&cut);
            let frames = got.len() as u64 / 2;
            assert!(frames >= lasting, "{kind}: {frames} of {lasting} frames");
            if kind == "flac" {
                assert!(got == samples[..got.len()], "{kind}: other samples");
                let (good, text) = run("flac", &["-t"], &cut);
                assert!(good || torn, "{kind}: {text}");
            }
            assert!(frames_by_libsndfile(&cut, 2) >= lasting, "{kind}");
            assert!(frames_by_ffmpeg(&cut, 2) >= lasting, "{kind}");
        }
    }
}

/// A take of 60 000 frames as it is when the program is killed, and a file of its bytes.
pub fn killed(directory: &Path, kind: &str) -> (PathBuf, Vec<f32>) {
    let spec = spec(48_000, 2, I24);
    let path = directory.join(format!("take.{kind}"));
    let samples = signal(spec, 60_000);
    let mut take =
        AudioWriter::create(&path, spec, &Tags::default(), Overwrite::Never).expect("a file");
    for piece in samples.chunks(2 * 5000) {
        take.write(piece).expect("room");
        if take.frames() == 50_000 {
            take.checkpoint().expect("room");
        }
    }
    let left = directory.join(format!("killed.{kind}"));
    fs::copy(&path, &left).expect("copied");
    drop(take);
    assert!(
        open_take(&path).expect("readable").is_none(),
        "{kind}: closed"
    );
    (left, samples)
}

#[test]
fn a_killed_take_is_found_and_closed_with_all_whole_blocks() {
    let directory = TempDir::new().expect("a directory");
    for (kind, lost_at_most) in [("flac", 4095), ("ogg", 12_000)] {
        let (path, samples) = killed(directory.path(), kind);
        for (cut, damage) in [
            (0, false),
            (1, false),
            (100, false),
            (5000, false),
            (0, true),
        ] {
            let mut bytes = fs::read(&path).expect("readable");
            bytes.truncate(bytes.len() - cut);
            if damage {
                // What the disk had not got by a power cut.
                bytes.resize(bytes.len() + 9000, 0);
            }
            let copy = directory.path().join(format!("copy.{kind}"));
            fs::write(&copy, &bytes).expect("written");
            let take = open_take(&copy).expect("readable");
            let take = take.unwrap_or_else(|| panic!("{kind} less {cut}: not found"));
            assert_eq!(take.sample_rate_hz(), 48_000);
            let frames = take.frames_there();
            assert!(take.frames_said() <= frames);
            if kind == "flac" {
                // The last checkpoint was at 50 000, less what was no whole block.
                assert!((45_904..=50_000).contains(&take.frames_said()), "{take:?}");
            }
            if cut < 2 {
                let lost = 60_000 - frames;
                assert!(
                    lost <= 2 * lost_at_most,
                    "{kind} less {cut}: {lost} frames lost"
                );
            }
            let label = Label {
                position: 4800,
                frames: 0,
                text: "here".to_owned(),
            };
            let recovered = take.finish(&[label]).expect("writable");
            assert_eq!(recovered.frames, frames);
            assert!(
                open_take(&copy).expect("readable").is_none(),
                "{kind} less {cut}: still open"
            );
            let file = AudioFile::open(&copy).expect("closed");
            assert_eq!(file.info().frames, Some(frames), "{kind} less {cut}");
            let warnings = &file.info().warnings;
            assert!(warnings.is_empty(), "{kind} less {cut}: {warnings:?}");
            let got = read_all(&copy);
            assert_eq!(got.len() as u64 / 2, frames, "{kind} less {cut}");
            assert_eq!(frames_by_libsndfile(&copy, 2), frames);
            assert_eq!(frames_by_ffmpeg(&copy, 2), frames);
            if kind == "flac" {
                assert!(got == samples[..got.len()]);
                assert!(run("flac", &["-t"], &copy).0);
                let (_, text) = run("ffprobe", &["-v", "error", "-show_chapters"], &copy);
                assert!(text.contains("TAG:title=here"), "{text}");
            }
        }
    }
}

#[test]
fn files_of_others_are_no_open_takes() {
    let directory = TempDir::new().expect("a directory");
    let (flac, _) = killed(directory.path(), "flac");
    let flac_end = fs::metadata(&flac).expect("there").len() - 3;
    for name in ["other.flac", "other.ogg"] {
        let path = directory.path().join(name);
        let made = Command::new("ffmpeg")
            .args(["-v", "error", "-i"])
            .arg(&flac)
            .args(["-flags", "+bitexact"])
            .arg(&path)
            .status();
        assert!(made.expect("ffmpeg must be installed").success());
        let bytes = fs::read(&path).expect("readable");
        assert!(bytes.len() as u64 > flac_end / 20);
        fs::write(&path, &bytes[..bytes.len() - 500]).expect("writable");
        assert!(open_take(&path).expect("readable").is_none(), "{name}");
    }
    assert!(open_take(&flac).expect("readable").is_some());
}

/// What is read from a place is what is read there on the way from the start, in a take that was
/// killed, whatever its header says of its length, and in one that grows.
#[test]
fn seeking_in_an_unfinished_take_gives_the_very_samples() {
    let directory = TempDir::new().expect("a directory");
    for (number, (rate, channels, format, frames, later)) in [
        (48_000, 2, I24, 60_000, 0),
        (48_000, 1, I16, 100_000, 1),
        (96_000, 2, I16, 20_000, 15_000),
        (48_000, 2, I24, 290_000, 1),
        (48_000, 1, I24, 700_000, 90_000),
    ]
    .into_iter()
    .enumerate()
    {
        let spec = spec(rate, channels, format);
        let path = directory.path().join(format!("take-{number}.flac"));
        let mut samples = signal(spec, frames);
        if number > 2 {
            // A block of it is a few bytes.
            for (frame, samples) in samples.chunks_exact_mut(channels).enumerate() {
                samples.fill(frame as f32 / f32::from(2u8).powi(23));
            }
        }
        let mut take =
            AudioWriter::create(&path, spec, &Tags::default(), Overwrite::Never).expect("a file");
        let (before, behind) = samples.split_at(channels * (frames - later));
        take.write(before).expect("room");
        take.checkpoint().expect("room");
        let early = AudioFile::open(&path).expect("named");
        take.write(behind).expect("room");
        let bytes = fs::read(&path).expect("named");
        let mut files = vec![("early".to_owned(), early)];
        for total in [None, Some(0), Some(frames as u64), Some(4 * frames as u64)] {
            for torn in [0, 77, 800] {
                let cut = directory.path().join("cut.flac");
                let mut bytes = bytes[..bytes.len() - torn].to_vec();
                if let Some(total) = total {
                    // The lowest 36 bits of what is packed in the first block.
                    let low = bytes[21] & 0xf0 | (total >> 32) as u8 & 15;
                    bytes[21] = low;
                    bytes[22..26].copy_from_slice(&(total as u32).to_be_bytes());
                }
                let _ = fs::remove_file(&cut);
                fs::write(&cut, bytes).expect("written");
                let file = AudioFile::open(&cut).expect("good");
                files.push((format!("{total:?} torn by {torn}"), file));
            }
        }
        for (name, file) in &mut files {
            let all = file.count_frames().expect("countable") as usize;
            assert!(all >= 4096, "{number} {name}: {all}");
            let mut seed = 1_u64;
            for step in 0..24_usize {
                seed = seed
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(99);
                let at = match step % 4 {
                    0 => (seed >> 33) as usize % 9_000,
                    _ => (seed >> 33) as usize,
                } % all;
                let length = [100, 5_000, 20_000][step % 3];
                file.seek(at as u64).expect("it is there");
                let mut piece = vec![0.0; channels * length];
                let mut got = 0;
                while got < length {
                    match file.read(&mut piece[channels * got..]).expect("good") {
                        0 => break,
                        more => got += more,
                    }
                }
                let told = format!("{number} {name} at {at} of {all}");
                assert_eq!(got, length.min(all - at), "{told}");
                let wanted = &samples[channels * at..][..channels * got];
                let wrong = wanted.iter().zip(&piece).position(|(a, b)| a != b);
                assert_eq!(wrong.map(|at| at / channels), None, "{told}");
            }
        }
        drop(take);
    }
}
