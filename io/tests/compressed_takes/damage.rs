//! Killed takes in which bytes were changed since.

use std::fs;
use std::path::Path;

use ossicle_io::file::recover::{Damage, DamageKind, open_take};
use ossicle_io::file::{AudioFile, AudioWriter, Overwrite, Tags};
use tempfile::TempDir;

use super::cut::killed;
use super::judges::{I24, frames_by_ffmpeg, read_all, signal, spec};

const KINDS: [&str; 2] = ["flac", "ogg"];
/// Frames of a block of FLAC, and at least of what a page of Ogg may hold.
const BLOCK: u64 = 4096;
const PAGE: u64 = 16_384;

/// Finishes a file; what was said of it before, its frames and damage, and its sound then.
fn finished(path: &Path) -> (u64, u64, Vec<Damage>, Vec<f32>) {
    let take = open_take(path).expect("readable").expect("an open take");
    let (said, damage) = (take.frames_said(), take.damage().to_vec());
    let frames = take.finish(&[]).expect("writable").frames;
    let file = AudioFile::open(path).expect("closed");
    assert_eq!(file.info().frames, Some(frames));
    (said, frames, damage, read_all(path))
}

#[test]
fn a_byte_that_changed_costs_the_block_that_it_is_in() {
    let folder = TempDir::new().expect("a directory");
    for kind in KINDS {
        let (path, _) = killed(folder.path(), kind);
        let bytes = fs::read(&path).expect("readable");
        let copy = folder.path().join(format!("copy.{kind}"));
        fs::write(&copy, &bytes).expect("room");
        let (_, whole, none, sound) = finished(&copy);
        assert_eq!(none, [], "{kind}");
        // The front of both is before the first tenth; a zero is what a lost sector has.
        for (tenths, length, value) in [(3, 1, 0x55), (5, 1, 0x55), (4, 5000, 0), (8, 512, 0)] {
            let at = bytes.len() * tenths / 10;
            let mut broken = bytes.clone();
            broken[at..at + length].iter_mut().for_each(|byte| {
                *byte = if value == 0 { 0 } else { *byte ^ value };
            });
            fs::write(&copy, &broken).expect("room");
            let (said, frames, damage, got) = finished(&copy);
            let told = format!("{kind}, {length} bytes at {tenths} tenths: {damage:?}");
            assert_eq!(frames, whole, "{told}");
            assert!(said <= frames, "{told}");
            assert_eq!(damage.len(), 1, "{told}");
            let (from, until) = (damage[0].position, damage[0].position + damage[0].frames);
            let most = if kind == "flac" { 2 * BLOCK } else { 3 * PAGE };
            assert!(until - from <= most, "{told}");
            // What is not in it is where it was, sample for sample.
            assert_eq!(got.len(), sound.len(), "{told}");
            let differs = (0..frames).filter(|frame| {
                let at = 2 * *frame as usize;
                got[at..at + 2] != sound[at..at + 2]
            });
            let differs: Vec<u64> = differs.collect();
            assert!(!differs.is_empty(), "{told}: nothing was broken");
            let outside = differs.iter().find(|at| !(from..until).contains(*at));
            assert_eq!(outside, None, "{told}");
            // Others read on behind it too, and leave out a block more at most.
            let others = frames_by_ffmpeg(&copy, 2);
            assert!(others + most + PAGE >= frames, "{others} of {told}");
        }
    }
}

#[test]
fn two_damages_are_told_as_two() {
    let folder = TempDir::new().expect("a directory");
    for kind in KINDS {
        let (path, _) = killed(folder.path(), kind);
        let mut bytes = fs::read(&path).expect("readable");
        let whole = open_take(&path)
            .expect("readable")
            .expect("an open take")
            .frames_there();
        for tenths in [3, 7] {
            let at = bytes.len() * tenths / 10;
            bytes[at] ^= 0x10;
        }
        fs::write(&path, &bytes).expect("room");
        let take = open_take(&path).expect("readable").expect("an open take");
        assert_eq!(take.frames_there(), whole, "{kind}");
        let damage = take.damage();
        assert_eq!(damage.len(), 2, "{kind}: {damage:?}");
        assert!(damage[0].position + damage[0].frames <= damage[1].position);
    }
}

/// The last block that the header tells of is broken, and nothing is behind it.
#[test]
fn what_a_header_told_of_is_never_cut_off() {
    let folder = TempDir::new().expect("a directory");
    let spec = spec(48_000, 2, I24);
    let path = folder.path().join("take.flac");
    let mut take =
        AudioWriter::create(&path, spec, &Tags::default(), Overwrite::Never).expect("a file");
    take.write(&signal(spec, 40_000)).expect("room");
    take.checkpoint().expect("room");
    let lasting = take.lasting_frames();
    let mut bytes = fs::read(&path).expect("named");
    drop(take);
    let last = bytes.len() - 1000;
    bytes[last] ^= 1;
    let copy = folder.path().join("copy.flac");
    fs::write(&copy, &bytes).expect("room");
    let take = open_take(&copy).expect("readable").expect("an open take");
    assert_eq!(
        (take.frames_said(), take.frames_there()),
        (lasting, lasting)
    );
    let damage = Damage {
        position: lasting - BLOCK,
        frames: BLOCK,
        kind: DamageKind::Unreadable,
    };
    assert_eq!(take.damage(), [damage]);
    assert_eq!(take.finish(&[]).expect("writable").frames, lasting);
    let closed = fs::read(&copy).expect("there");
    assert_eq!(closed.len(), bytes.len());
    assert_eq!(closed[closed.len() / 2..], bytes[bytes.len() / 2..]);
}
