//! Takes on disks that are full, that fail, or that have no name for them.

use std::fs;

use ossicle_io::file::recover::open_take;
use ossicle_io::file::{AudioFile, AudioWriter, FileError, FileKind, Tags};
use tempfile::TempDir;

use super::faulty::Faulty;
use super::judges::{I24, frames_by_ffmpeg, frames_by_libsndfile, read_all, run, signal, spec};

#[test]
fn what_a_full_disk_refused_is_given_again_and_nothing_is_lost() {
    for (kind, few) in [(FileKind::Flac, 60_000), (FileKind::Ogg, 15_000)] {
        let spec = spec(48_000, 2, I24);
        let samples = signal(spec, 60_000);
        let whole = Faulty::default();
        let mut take =
            AudioWriter::on(Box::new(whole.clone()), kind, spec, &Tags::default()).expect("room");
        take.write(&samples).expect("room");
        take.finish().expect("room");
        for (room, bad_syncs) in [(few, 0), (few + 3333, 0), (usize::MAX, 1), (2 * few, 2)] {
            let disk = Faulty::default();
            let mut take = AudioWriter::on(Box::new(disk.clone()), kind, spec, &Tags::default())
                .expect("room");
            let mut errors = 0;
            let mut rounds = 0;
            while take.frames() < 60_000 {
                if rounds == 10 {
                    disk.with(|disk| (disk.room, disk.bad_syncs) = (Some(room), bad_syncs));
                }
                if errors == 5 {
                    disk.with(|disk| disk.room = None);
                }
                let start = take.frames() as usize * 2;
                let piece = &samples[start..(start + 2 * 1000).min(samples.len())];
                let before = take.frames();
                match take.write(piece).and_then(|()| take.checkpoint()) {
                    Ok(()) => assert_eq!(take.frames(), before + piece.len() as u64 / 2),
                    Err(FileError::NoRoom { .. } | FileError::Io(_)) => {
                        assert!(take.frames() <= before, "{kind:?}: frames out of nothing");
                        errors += 1;
                    }
                    Err(error) => panic!("{kind:?}: {error}"),
                }
                rounds += 1;
            }
            assert!(errors > 0, "{kind:?}: nothing was refused");
            assert_eq!(take.finish().expect("room again"), 60_000);
            let (got, expected) = (
                disk.with(|d| d.bytes.clone()),
                whole.with(|d| d.bytes.clone()),
            );
            // Streams of Ogg have a number each, and their pages sums of it.
            assert!(
                got == expected || kind == FileKind::Ogg && got.len() == expected.len(),
                "{kind:?}: another file than without errors"
            );
        }
    }
}

#[test]
fn a_take_that_goes_on_elsewhere_ends_where_it_was_told() {
    let directory = TempDir::new().expect("a directory");
    for (kind, name) in [(FileKind::Flac, "flac"), (FileKind::Ogg, "ogg")] {
        let spec = spec(48_000, 2, I24);
        let samples = signal(spec, 60_000);
        let disk = Faulty::default();
        disk.with(|disk| {
            disk.room = Some(if kind == FileKind::Flac {
                50_000
            } else {
                20_000
            })
        });
        let mut take =
            AudioWriter::on(Box::new(disk.clone()), kind, spec, &Tags::default()).expect("room");
        let error = samples
            .chunks(2 * 1000)
            .find_map(|piece| take.write(piece).and_then(|()| take.checkpoint()).err());
        assert!(matches!(error, Some(FileError::NoRoom { .. })), "{error:?}");
        let frames = take.frames();
        assert!(frames > 1000, "{name}: {frames}");
        assert_eq!(take.finish().expect("what is there fits"), frames);
        assert!(disk.with(|disk| disk.named));
        let path = directory.path().join(format!("full.{name}"));
        fs::write(&path, disk.with(|disk| disk.bytes.clone())).expect("written");
        let got = read_all(&path);
        assert_eq!(got.len() as u64 / 2, frames, "{name}");
        assert_eq!(frames_by_libsndfile(&path, 2), frames, "{name}");
        assert_eq!(frames_by_ffmpeg(&path, 2), frames, "{name}");
        if kind == FileKind::Flac {
            assert!(got == samples[..got.len()]);
            assert!(run("flac", &["-t"], &path).0);
        }
        assert_eq!(
            AudioFile::open(&path).expect("true").info().frames,
            Some(frames)
        );
    }
}

#[test]
fn a_sync_that_fails_takes_nothing_from_what_lasted() {
    let directory = TempDir::new().expect("a directory");
    for (kind, name) in [(FileKind::Flac, "flac"), (FileKind::Ogg, "ogg")] {
        let spec = spec(48_000, 2, I24);
        let samples = signal(spec, 60_000);
        let disk = Faulty::default();
        let mut take =
            AudioWriter::on(Box::new(disk.clone()), kind, spec, &Tags::default()).expect("room");
        take.write(&samples[..60_000]).expect("room");
        take.checkpoint().expect("room");
        let lasting = take.lasting_frames();
        assert!(lasting > 15_000, "{name}: {lasting}");
        take.write(&samples[60_000..]).expect("room");
        disk.with(|disk| disk.bad_syncs = 1);
        assert!(take.checkpoint().is_err());
        assert_eq!(take.frames(), lasting, "{name}");
        // What was not synced goes elsewhere.
        assert_eq!(take.finish().expect("the disk is good again"), lasting);
        let path = directory.path().join(format!("failed.{name}"));
        fs::write(&path, disk.with(|disk| disk.bytes.clone())).expect("written");
        assert_eq!(read_all(&path).len() as u64 / 2, lasting, "{name}");
        assert_eq!(frames_by_ffmpeg(&path, 2), lasting, "{name}");
    }
}

#[test]
fn what_finds_no_name_does_not_last() {
    for kind in [FileKind::Wav, FileKind::Flac, FileKind::Ogg] {
        let spec = spec(48_000, 2, I24);
        let samples = signal(spec, 30_000);
        let take = || {
            let disk = Faulty::default();
            disk.with(|disk| disk.name_taken = true);
            let take = AudioWriter::on(Box::new(disk.clone()), kind, spec, &Tags::default());
            let mut take = take.expect("room");
            take.write(&samples).expect("room");
            assert!(matches!(take.checkpoint(), Err(FileError::AlreadyExists)));
            assert_eq!(
                (take.frames(), take.lasting_frames()),
                (30_000, 0),
                "{kind:?}"
            );
            (disk, take)
        };
        assert!(take().1.finish().is_err(), "{kind:?}");
        let (disk, mut take) = take();
        disk.with(|disk| disk.name_taken = false);
        take.checkpoint().expect("room, and a name");
        assert!(take.lasting_frames() > 15_000);
        assert_eq!(take.finish().expect("room"), 30_000, "{kind:?}");
        assert!(disk.with(|disk| disk.named));
    }
}
/// The last block comes with the end of the take.
#[test]
fn a_take_whose_last_block_finds_no_room_is_closed_true_before_it() {
    let directory = TempDir::new().expect("a directory");
    for (kind, name) in [(FileKind::Flac, "flac"), (FileKind::Ogg, "ogg")] {
        let spec = spec(48_000, 2, I24);
        let samples = signal(spec, 50_001);
        let disk = Faulty::default();
        let mut take =
            AudioWriter::on(Box::new(disk.clone()), kind, spec, &Tags::default()).expect("room");
        take.write(&samples).expect("room");
        take.checkpoint().expect("room");
        let held = take.lasting_frames();
        // A torn block is no part of it.
        disk.with(|disk| disk.room = Some(disk.bytes.len() + 10));
        let error = take.finish().expect_err("no room");
        assert!(
            matches!(error, FileError::NoRoom { frames } if frames == held),
            "{name}: {error}, {held} held"
        );
        let path = directory.path().join(format!("last.{name}"));
        disk.with(|disk| fs::write(&path, &disk.bytes))
            .expect("written");
        assert!(matches!(open_take(&path), Ok(None)), "{name}: not closed");
        let file = AudioFile::open(&path).expect("true");
        assert_eq!(file.info().warnings, Vec::<String>::new(), "{name}");
        assert_eq!(read_all(&path).len() as u64, 2 * held, "{name}");
        assert_eq!(frames_by_libsndfile(&path, 2), held, "{name}");
        assert_eq!(frames_by_ffmpeg(&path, 2), held, "{name}");
    }
}

#[test]
fn what_of_the_end_finds_no_room_is_given_again_or_goes_elsewhere() {
    let directory = TempDir::new().expect("a directory");
    for (kind, name) in [(FileKind::Flac, "flac"), (FileKind::Ogg, "ogg")] {
        for gets_room in [true, false] {
            let spec = spec(48_000, 2, I24);
            let samples = signal(spec, 50_001);
            let disk = Faulty::default();
            let mut take = AudioWriter::on(Box::new(disk.clone()), kind, spec, &Tags::default())
                .expect("room");
            take.write(&samples).expect("room");
            take.checkpoint().expect("room");
            let held = take.lasting_frames();
            disk.with(|disk| disk.room = Some(disk.bytes.len() + 10));
            let refused = take.conclude();
            assert!(
                matches!(refused, Err(FileError::NoRoom { .. })),
                "{refused:?}"
            );
            assert_eq!(take.frames(), held, "{name}");
            let mut frames = held;
            if gets_room {
                disk.with(|disk| disk.room = None);
                take.write(&samples[2 * held as usize..]).expect("room");
                take.conclude().expect("room");
                frames = 50_001;
                assert_eq!(take.lasting_frames(), frames, "{name}");
            }
            assert_eq!(take.finish().expect("nothing is left"), frames, "{name}");
            let path = directory.path().join(format!("end.{name}"));
            disk.with(|disk| fs::write(&path, &disk.bytes))
                .expect("written");
            assert_eq!(read_all(&path).len() as u64, 2 * frames, "{name}");
            assert_eq!(frames_by_libsndfile(&path, 2), frames, "{name}");
            if kind == FileKind::Flac {
                assert!(run("flac", &["-t"], &path).0);
            }
        }
    }
}
