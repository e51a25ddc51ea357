//! Names, locks and what is left behind: who may touch which file, and when.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ossicle_io::file::recover::{DamageKind, open_take};
use ossicle_io::file::{
    AudioWriter, FileError, Overwrite, Storage, Tags, WavSpec, WavWriter, free_bytes,
};
use ossicle_io::sample::SampleFormat;
use tempfile::TempDir;

use crate::{judges, open_takes, samples, spec};

const SPEC: WavSpec = WavSpec {
    sample_rate_hz: 8000,
    channels: 1,
    format: SampleFormat::I16,
};

/// The names in a folder, hidden ones too.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// What a killed program leaves of a take: 1000 frames told of, 1500 there.
fn left_behind(folder: &Path) -> Vec<u8> {
    let path = folder.join("living.wav");
    let mut writer = WavWriter::create(&path, SPEC, Overwrite::Never).expect("a new file");
    writer.write(&samples(0, 1000)).expect("room");
    writer.checkpoint().expect("room");
    writer.write(&samples(1000, 500)).expect("room");
    let bytes = fs::read(&path).expect("readable");
    assert!(open_takes(folder).is_empty(), "it lives");
    let other = WavWriter::create(&path, SPEC, Overwrite::Replace);
    assert!(matches!(other, Err(FileError::InUse)), "{other:?}");
    writer.finish().expect("room");
    assert!(open_takes(folder).is_empty(), "closed");
    fs::remove_file(path).expect("there");
    bytes
}

#[test]
fn a_killed_take_is_found_and_finished_and_a_living_one_is_left_alone() {
    let folder = TempDir::new().expect("a directory");
    let bytes = left_behind(folder.path());
    let path = folder.path().join("dead.wav");
    fs::write(&path, &bytes).expect("room");
    fs::write(folder.path().join("text.wav"), "ossicle take: 1\n").expect("room");
    let mut takes = open_takes(folder.path());
    assert_eq!(takes.len(), 1);
    let take = takes.remove(0);
    assert_eq!(take.path(), path);
    assert_eq!(
        (take.frames_said(), take.frames_there(), take.frames_won()),
        (1000, 1500, 500)
    );
    // Found by one is locked for all others.
    assert!(open_take(&path).expect("readable").is_none());
    let recovered = take.finish(&[]).expect("room");
    assert_eq!(
        (recovered.path, recovered.frames, recovered.won_frames),
        (Some(path.clone()), 1500, 500)
    );
    assert_eq!(judges::agreed(&path, 1, &samples(0, 1500), true), 1500);
}

/// A file system may give a file its length before its sound, and whole blocks of zeros with it.
#[test]
fn blocks_of_zeros_that_no_header_told_of_are_not_taken_for_sound() {
    const BLOCK: usize = 4096;
    let folder = TempDir::new().expect("a directory");
    let mut bytes = left_behind(folder.path());
    let front = bytes.len() - 1500 * 2;
    let path = folder.path().join("cut.wav");
    let there = |bytes: &[u8]| {
        fs::write(&path, bytes).expect("room");
        open_take(&path)
            .expect("readable")
            .expect("an open take")
            .frames_there()
    };
    assert_eq!(there(&bytes), 1500);
    // Zeros in a block with sound may have been recorded.
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    let frames = (bytes.len() - front) as u64 / 2;
    assert_eq!(there(&bytes), frames);
    bytes.resize(bytes.len() + 2 * BLOCK + 100, 0);
    assert_eq!(there(&bytes), frames);
    // What a header told of is sound, whatever it is.
    bytes[front..].fill(0);
    assert_eq!(there(&bytes), 1000);
    let recovered = open_take(&path)
        .expect("readable")
        .expect("an open take")
        .finish(&[]);
    assert_eq!(recovered.expect("room").frames, 1000);
    assert_eq!(fs::read(&path).expect("readable").len(), front + 2000);
}

/// A later block may be on the disk, and an earlier one not.
#[test]
fn a_block_of_zeros_between_sound_that_no_header_told_of_is_doubtful() {
    const BLOCK: usize = 4096;
    let folder = TempDir::new().expect("a directory");
    let path = folder.path().join("living.wav");
    let mut writer = WavWriter::create(&path, SPEC, Overwrite::Never).expect("a new file");
    writer.write(&samples(0, 1000)).expect("room");
    writer.checkpoint().expect("room");
    writer.write(&samples(1000, 20_000)).expect("room");
    let front = writer.data_offset() as usize;
    let mut bytes = fs::read(&path).expect("readable");
    drop(writer);
    let path = folder.path().join("cut.wav");
    let doubtful = |bytes: &[u8]| {
        fs::write(&path, bytes).expect("room");
        let take = open_take(&path).expect("readable").expect("an open take");
        assert_eq!(take.frames_there(), 21_000);
        let said = take.damage().iter().map(|damage| {
            assert_eq!(damage.kind, DamageKind::Doubtful);
            (damage.position, damage.frames)
        });
        said.collect::<Vec<_>>()
    };
    assert_eq!(doubtful(&bytes), []);
    let frame = |place: usize| ((place - front) / 2) as u64;
    // What a header told of is sound; behind it in the same block, and two blocks further on.
    bytes[front..BLOCK].fill(0);
    bytes[3 * BLOCK..5 * BLOCK].fill(0);
    let first = (1000, frame(BLOCK) - 1000);
    let second = (frame(3 * BLOCK), BLOCK as u64);
    assert_eq!(doubtful(&bytes), [first, second]);
}

#[test]
fn a_header_with_two_marks_is_not_taken_for_an_open_take() {
    let folder = TempDir::new().expect("a directory");
    let bytes = left_behind(folder.path());
    let mark = b"JUNK\x10\0\0\0ossicle take: 1\n";
    let at = bytes
        .windows(mark.len())
        .position(|window| window == mark)
        .expect("a mark");
    let twice = [&bytes[..at], mark, &bytes[at..]].concat();
    let path = folder.path().join("twice.wav");
    fs::write(&path, &twice).expect("room");
    assert!(open_take(&path).expect("readable").is_none());
    assert!(open_takes(folder.path()).is_empty());
    assert_eq!(fs::read(&path).expect("readable"), twice);
}

#[test]
fn a_take_without_its_name_gets_it_and_takes_no_other_files() {
    let folder = TempDir::new().expect("a directory");
    let bytes = left_behind(folder.path());
    let part = |number: usize| {
        folder
            .path()
            .join(format!(".a.b.wav.1f-{number}.ossicle-part"))
    };
    for number in 0..3 {
        fs::write(part(number), &bytes).expect("room");
    }
    // Killed before a frame was there, and before its header was.
    fs::write(part(3), &bytes[..bytes.len() - 3000]).expect("room");
    fs::write(part(4), b"").expect("room");
    let takes = open_takes(folder.path());
    assert_eq!(takes.len(), 5);
    let mut found: Vec<Option<PathBuf>> = Vec::new();
    for take in takes {
        assert_eq!(take.final_path(), folder.path().join("a.b.wav"));
        found.push(take.finish(&[]).expect("room").path);
    }
    let wanted = ["a.b.wav", "a.b-recovered-1.wav", "a.b-recovered-2.wav"];
    let mut expected = wanted.map(|name| Some(folder.path().join(name))).to_vec();
    expected.extend([None, None]);
    assert_eq!(found, expected);
    let mut left = wanted.map(str::to_owned).to_vec();
    left.sort();
    assert_eq!(names(folder.path()), left);
}

/// A recovery that is killed, or cannot rename, leaves a closed file under its hidden name.
#[test]
fn a_closed_file_under_a_hidden_name_keeps_its_frames() {
    let folder = TempDir::new().expect("a directory");
    for ending in ["wav", "flac", "ogg"] {
        let path = folder.path().join(format!("take.{ending}"));
        let spec = spec(48_000, 1, SampleFormat::I16);
        let none = Tags::default();
        let mut take = AudioWriter::create(&path, spec, &none, Overwrite::Never).expect("a file");
        take.write(&samples(0, 30_000)).expect("room");
        assert_eq!(take.finish().expect("room"), 30_000);
        let bytes = fs::read(&path).expect("there");
        let part = folder
            .path()
            .join(format!(".take.{ending}.1f-0.ossicle-part"));
        fs::rename(&path, &part).expect("there");
        let mut found = open_takes(folder.path());
        assert_eq!(found.len(), 1, "{ending}");
        let take = found.remove(0);
        let counts = (
            take.sample_rate_hz(),
            take.frames_said(),
            take.frames_there(),
        );
        assert_eq!(counts, (48_000, 30_000, 30_000), "{ending}");
        let recovered = take.finish(&[]).expect("room");
        assert_eq!(
            (recovered.path.as_ref(), recovered.frames),
            (Some(&path), 30_000)
        );
        assert_eq!(fs::read(&path).expect("it has its name"), bytes, "{ending}");
        assert!(!part.exists());
        fs::remove_file(path).expect("there");
    }
}

#[test]
fn a_name_that_is_taken_meanwhile_stays_the_others() {
    let folder = TempDir::new().expect("a directory");
    let path = folder.path().join("take.wav");
    let mut writer = WavWriter::create(&path, SPEC, Overwrite::Never).expect("a new file");
    writer.write(&samples(0, 100)).expect("room");
    fs::write(&path, "another's").expect("room");
    let refused = writer.checkpoint();
    assert!(
        matches!(refused, Err(FileError::AlreadyExists)),
        "{refused:?}"
    );
    // Once the name is free, the frames are not lost.
    fs::rename(&path, folder.path().join("elsewhere")).expect("there");
    writer.checkpoint().expect("room");
    assert_eq!(writer.finish().expect("room"), 100);
    assert_eq!(judges::agreed(&path, 1, &samples(0, 100), false), 100);
    assert_eq!(names(folder.path()), ["elsewhere", "take.wav"]);
}

#[test]
fn what_is_replaced_stays_whole_until_there_is_something_in_its_place() {
    let folder = TempDir::new().expect("a directory");
    let path = folder.path().join("take.wav");
    fs::write(&path, "old").expect("room");
    let replace = || WavWriter::create(&path, SPEC, Overwrite::Replace).expect("a file");
    drop(replace());
    let mut writer = replace();
    writer.write(&samples(0, 100)).expect("room");
    assert_eq!(fs::read(&path).expect("there"), b"old");
    writer.checkpoint().expect("room");
    assert_eq!(judges::agreed(&path, 1, &samples(0, 100), false), 100);
    drop(writer);
    assert_eq!(names(folder.path()), ["take.wav"]);
}

#[test]
fn without_a_frame_there_is_no_file_unless_it_is_finished() {
    let folder = TempDir::new().expect("a directory");
    let path = folder.path().join("take.wav");
    let create = || WavWriter::create(&path, SPEC, Overwrite::Never).expect("a new file");
    let mut writer = create();
    writer.checkpoint().expect("nothing to do");
    drop(writer);
    assert_eq!(names(folder.path()), [""; 0]);
    assert_eq!(create().finish().expect("room"), 0);
    assert_eq!(judges::agreed(&path, 1, &[], false), 0);
    assert_eq!(judges::libsndfile(&path), Ok(0));
}

/// Takes the header and no more.
#[derive(Debug)]
struct Full;

impl Storage for Full {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        match offset {
            0 => Ok(bytes.len()),
            _ => Err(io::ErrorKind::StorageFull.into()),
        }
    }

    fn read_at(&mut self, _bytes: &mut [u8], _offset: u64) -> io::Result<usize> {
        Ok(0)
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn set_len(&mut self, _bytes: u64) -> io::Result<()> {
        Ok(())
    }

    fn reserve(&mut self, _bytes: u64) -> io::Result<()> {
        Ok(())
    }

    fn publish(&mut self) -> io::Result<()> {
        panic!("there is nothing to name");
    }
}

#[test]
fn a_disk_without_room_for_a_frame_leaves_no_file() {
    let spec = spec(8000, 1, SampleFormat::I16);
    let mut writer = WavWriter::on(Box::new(Full), spec, &Tags::default()).expect("a header");
    let refused = writer.write(&[0.5]);
    assert!(matches!(refused, Err(FileError::NoRoom { frames: 0 })));
    assert!(matches!(
        writer.finish(),
        Err(FileError::NoRoom { frames: 0 })
    ));
}

#[test]
fn free_room_shrinks_by_what_is_written() {
    let shm = Path::new("/dev/shm");
    if !shm.is_dir() {
        println!("skipped: no file system in memory");
        return;
    }
    let before = free_bytes(shm).expect("it tells");
    let mut file = tempfile::NamedTempFile::new_in(shm).expect("a file");
    io::Write::write_all(&mut file, &vec![1; 64 << 20]).expect("room");
    let after = free_bytes(file.path()).expect("it tells");
    // Others write there too.
    assert!(after + (32 << 20) < before, "{before}, then {after}");
}
