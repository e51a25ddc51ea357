use std::ffi::OsString;
use std::fs;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use ossicle_io::file::{AudioWriter, Bext, Overwrite, Tags, WavSpec};
use ossicle_io::sample::SampleFormat;

use super::super::gap_list::{ListedFile, ListedGap};
use super::super::recover::find;
use super::*;

#[test]
fn a_later_file_knows_what_it_belongs_to() {
    let of = |path: &str| pattern_of(Path::new(path));
    assert_eq!(of("a/take-003.wav"), Some(("a/take.wav".into(), 3)));
    assert_eq!(of("take 1-1000"), Some(("take 1".into(), 1000)));
    for (file, pattern, number) in [
        ("St. Mary-002.wav", "St. Mary.wav", 2),
        ("a.b/2026.03.09-003.flac", "a.b/2026.03.09.flac", 3),
        ("show 1.2-002.wav", "show 1.2.wav", 2),
    ] {
        assert_eq!(of(file), Some((pattern.into(), number)));
    }
    for path in [
        "take.wav",
        "take-001.wav",
        "take-3.wav",
        "take-x.wav",
        "-.wav",
    ] {
        assert_eq!(of(path), None, "{path}");
    }
}

/// A closed file of so many frames, or one that a kill left open.
fn file(path: &Path, frames: usize, is_open: bool) {
    file_of(path, frames, is_open, None);
}

/// Such a file, that says where in the day it begins.
fn file_of(path: &Path, frames: usize, is_open: bool, time_reference_frames: Option<u64>) {
    let bext = time_reference_frames.map(|time_reference_frames| Bext {
        time_reference_frames,
        ..Bext::default()
    });
    let tags = Tags {
        bext,
        ..Tags::default()
    };
    let spec = WavSpec {
        sample_rate_hz: 48_000,
        channels: 1,
        format: SampleFormat::I16,
    };
    let living = path.with_extension("living.wav");
    let mut take = AudioWriter::create(&living, spec, &tags, Overwrite::Never).unwrap();
    take.write(&vec![0.25; frames]).unwrap();
    take.checkpoint().unwrap();
    if is_open {
        fs::copy(&living, path).unwrap();
    }
    take.finish().unwrap();
    match is_open {
        true => fs::remove_file(living).unwrap(),
        false => fs::rename(living, path).unwrap(),
    }
}

/// The list of a take of these files, with one gap, beside `beside`.
fn list(beside: &Path, files: &[(&str, u64)], gap: u64, closed: bool) -> GapList {
    let name = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    let list = GapList {
        version: 2,
        file: name(files[0].0),
        sample_rate_hz: 48_000,
        channels: 1,
        frames: 48_000,
        files: files
            .iter()
            .map(|(file, first_frame)| ListedFile {
                file: (*file).to_owned(),
                first_frame: *first_frame,
                time_reference_frames: None,
            })
            .collect(),
        gaps: vec![ListedGap {
            position: gap,
            frames: 480,
            seconds: 0.01,
            cause: "disk full".to_owned(),
            file: name(files[0].0),
        }],
        closed,
    };
    list.save(beside).unwrap();
    list
}

#[test]
fn a_take_whose_name_looks_like_a_later_file_has_not_the_list_of_another() {
    let folder = tempfile::tempdir().unwrap();
    let at = |number: usize| folder.path().join(format!("take-{number:03}.wav"));
    // One ended on a full disk, in order or by a kill; another was killed.
    for (closed, open) in [(true, false), (false, true)] {
        file(&at(1), 48_000, open);
        file(&at(3), 39_168, true);
        let before = list(&at(1), &[("take-001.wav", 0)], 48_000, closed);
        let found = find(&at(3)).unwrap().takes.remove(0);
        assert_eq!(found.gaps(), 0, "closed: {closed}");
        assert_eq!(found.finish().unwrap().gaps, 0);
        assert_eq!(
            GapList::load(&at(1)).unwrap(),
            Some(before),
            "closed: {closed}"
        );
        assert_eq!(GapList::load(&at(3)).unwrap(), None);
        for number in [1, 3] {
            fs::remove_file(at(number)).unwrap();
        }
    }
    // Neither that of a take which began under another name.
    file(&at(1), 48_000, false);
    file(&at(3), 39_168, true);
    list(
        &at(1),
        &[("other-001.wav", 0), ("take-001.wav", 0)],
        48_100,
        false,
    );
    assert_eq!(find(&at(3)).unwrap().takes.remove(0).gaps(), 0);
}

#[test]
fn a_file_that_its_list_does_not_name_yet_is_behind_the_last_that_it_names() {
    let folder = tempfile::tempdir().unwrap();
    let at = |number: usize| folder.path().join(format!("take-{number:03}.wav"));
    file(&at(1), 10_000, false);
    file(&at(2), 20_000, false);
    file(&at(3), 6_000, true);
    list(
        &at(1),
        &[("take-001.wav", 0), ("take-002.wav", 10_000)],
        31_000,
        false,
    );
    let found = find(folder.path()).unwrap().takes.remove(0);
    assert_eq!(found.gaps(), 1);
    assert_eq!(found.finish().unwrap().gaps, 1);
    let closed = GapList::load(&at(1)).unwrap().unwrap();
    assert_eq!((closed.frames, closed.closed), (36_000, true));
    assert_eq!(closed.files[2].file, "take-003.wav");
    let third = closed.file_named(&at(1), &at(3)).unwrap();
    assert_eq!(third.first_frame, 30_000);
}

#[test]
fn a_take_that_left_its_disk_is_known_by_the_name_that_it_began_with() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("disk")).unwrap();
    fs::create_dir(at("spill")).unwrap();
    file(&at("disk/take.wav"), 10_000, false);
    file(&at("spill/take-002.wav"), 20_000, false);
    file(&at("spill/take-003.wav"), 6_000, true);
    let files = [("../disk/take.wav", 0), ("take-002.wav", 10_000)];
    list(&at("spill/take-002.wav"), &files, 29_900, false);
    let found = find(&at("spill")).unwrap().takes.remove(0);
    // The gap goes on from the file before.
    let labels = TakeList::of(&found.path(), &found.path())
        .unwrap()
        .labels(6_000);
    assert_eq!((labels[0].position, labels[0].frames), (0, 380));
    // Where the take began there is the list of another by now.
    let mut own = GapList::load(&at("spill/take-002.wav")).unwrap().unwrap();
    own.files[0].time_reference_frames = Some(5);
    own.save(&at("spill/take-002.wav")).unwrap();
    for (said, closed) in [(6, false), (5, true)] {
        dated_list(&at("disk/take.wav"), said, 100, false);
        let list = TakeList::of(&found.path(), &found.path()).unwrap();
        list.close(6_000).unwrap();
        let there = GapList::load(&at("disk/take.wav")).unwrap().unwrap();
        assert_eq!(there.closed, closed, "{said}");
        own.save(&at("spill/take-002.wav")).unwrap();
    }
}

#[test]
fn finishing_an_earlier_file_takes_no_frames_from_the_list() {
    let folder = tempfile::tempdir().unwrap();
    let at = |number: usize| folder.path().join(format!("take-{number:03}.wav"));
    file(&at(1), 10_000, true);
    file(&at(2), 38_000, false);
    list(
        &at(1),
        &[("take-001.wav", 0), ("take-002.wav", 10_000)],
        5_000,
        true,
    );
    find(folder.path())
        .unwrap()
        .takes
        .remove(0)
        .finish()
        .unwrap();
    assert_eq!(GapList::load(&at(1)).unwrap().unwrap().frames, 48_000);
}

#[test]
fn a_name_that_ends_in_a_large_number_is_not_counted_up_to() {
    let folder = tempfile::tempdir().unwrap();
    file(&folder.path().join("memo-20261127083000.wav"), 100, true);
    let (done, found) = mpsc::channel();
    let path = folder.path().to_owned();
    // A thread of its own, as it would never be done.
    thread::spawn(move || done.send(find(&path).map(|found| found.takes.len())));
    let found = found.recv_timeout(Duration::from_secs(30));
    assert_eq!(found.expect("it is still looking").unwrap(), 1);
}

/// The first file may have been moved away, its list beside it.
#[test]
fn a_name_with_dots_has_its_list_whether_its_first_file_is_there_or_not() {
    let names = ["show 1.2", "2026.03.09", "St. Mary"].map(OsString::from);
    #[cfg(unix)]
    let latin1 = std::os::unix::ffi::OsStringExt::from_vec(b"caf\xe9".to_vec());
    #[cfg(unix)]
    let names = names.into_iter().chain([latin1]);
    for stem in names {
        for is_there in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            let at = |number: usize| {
                let mut name = stem.clone();
                name.push(format!("-{number:03}.wav"));
                folder.path().join(name)
            };
            file(&at(1), 10_000, false);
            file(&at(2), 10_000, true);
            let [first, second] = [1, 2].map(|number| at(number).display().to_string());
            list(&at(1), &[(&first, 0), (&second, 10_000)], 9_900, false);
            if !is_there {
                fs::remove_file(at(1)).unwrap();
            }
            let found = find(folder.path()).unwrap().takes.remove(0);
            assert_eq!(found.gaps(), 1, "{stem:?}");
        }
    }
}

/// The list of a take of one file that began there in the day.
fn dated_list(beside: &Path, time_reference_frames: u64, gap: u64, closed: bool) -> GapList {
    let name = beside.file_name().unwrap().to_str().unwrap();
    let mut dated = list(beside, &[(name, 0)], gap, closed);
    dated.files[0].time_reference_frames = Some(time_reference_frames);
    dated.save(beside).unwrap();
    dated
}

#[test]
fn the_list_that_a_replaced_take_left_is_not_that_of_the_new_one() {
    for (said, closed, gaps) in [
        (Some(77), false, 1),
        (Some(77), true, 1),
        (Some(78), false, 0),
        (Some(78), true, 0),
        (None, false, 1),
        // Of an older version: that take was closed, and this was not.
        (None, true, 0),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let take = folder.path().join("take.wav");
        file_of(&take, 48_000, true, Some(77));
        let before = match said {
            Some(said) => dated_list(&take, said, 1000, closed),
            None => list(&take, &[("take.wav", 0)], 1000, closed),
        };
        let found = find(&take).unwrap().takes.remove(0);
        assert_eq!(found.gaps(), gaps, "{said:?}, {closed}");
        assert_eq!(found.finish().unwrap().gaps, gaps);
        if gaps == 0 {
            assert_eq!(GapList::load(&take).unwrap(), Some(before));
        }
    }
}

#[test]
fn a_later_file_has_not_the_list_that_names_another_of_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let at = |number: usize| folder.path().join(format!("take-{number:03}.wav"));
    file_of(&at(1), 10_000, false, Some(500));
    file_of(&at(2), 10_000, true, Some(10_500));
    let mut before = dated_list(&at(1), 500, 9_900, false);
    // Not named yet, behind the take's own first file or behind that of another take.
    assert_eq!(find(folder.path()).unwrap().takes[0].gaps(), 1);
    before.files[0].time_reference_frames = Some(501);
    before.save(&at(1)).unwrap();
    assert_eq!(find(folder.path()).unwrap().takes[0].gaps(), 0);
    // Named: it is that file, or it is not.
    for (said, gaps) in [(10_500, 1), (10_501, 0)] {
        let mut named = before.clone();
        named.files.push(ListedFile {
            file: "take-002.wav".to_owned(),
            first_frame: 10_000,
            time_reference_frames: Some(said),
        });
        named.save(&at(1)).unwrap();
        assert_eq!(find(folder.path()).unwrap().takes[0].gaps(), gaps, "{said}");
    }
}

#[test]
fn a_file_under_a_hidden_name_has_not_the_list_of_the_file_that_has_its_name() {
    for is_there in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let named = folder.path().join("take.wav");
        let hidden = folder.path().join(".take.wav.1f-0.ossicle-part");
        file(&folder.path().join("new.wav"), 48_000, true);
        fs::rename(folder.path().join("new.wav"), &hidden).unwrap();
        if is_there {
            file(&named, 48_000, false);
        }
        let before = list(&named, &[("take.wav", 0)], 1000, false);
        let found = find(&hidden).unwrap().takes.remove(0);
        assert_eq!(found.gaps(), 0, "there: {is_there}");
        assert_eq!(found.finish().unwrap().gaps, 0);
        assert_eq!(GapList::load(&named).unwrap(), Some(before));
    }
}

#[test]
fn gaps_behind_the_end_of_what_was_won_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let take = folder.path().join("take.wav");
    for (frames, left) in [(1480, 480), (1100, 100), (1000, 0), (900, 0)] {
        file(&take, frames, true);
        list(&take, &[("take.wav", 0)], 1000, false);
        let found = find(&take).unwrap().takes.remove(0);
        assert_eq!(found.finish().unwrap().gaps, usize::from(left > 0));
        let closed = GapList::load(&take).unwrap().unwrap();
        assert_eq!((closed.frames, closed.closed), (frames as u64, true));
        let lost: Vec<_> = closed.gaps.iter().map(|gap| gap.frames).collect();
        assert_eq!(lost, if left > 0 { vec![left] } else { vec![] });
    }
}
