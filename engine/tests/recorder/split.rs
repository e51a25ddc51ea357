//! Takes in many files, dither, marks, and how soon a take begins.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ossicle::dsp::dither::Dither;
use ossicle::io::device::HostKind;
use ossicle::io::device::sim::{Fault, FaultKind, Sim, SimDevice};
use ossicle::io::file::{AudioFile, Overwrite};
use ossicle::io::sample::SampleFormat;
use ossicle::record::{RecordConfig, Recorded, Split, Tap};
use ossicle::session::{Moment, Session, SessionConfig};

use crate::rig::{BadDisk, On, folder, joined, port, recording, start};

/// Records the same sound, with a hole, by several configurations at once.
fn record(configs: Vec<RecordConfig>) -> Vec<Recorded> {
    let sim = Sim::new(51);
    let mic = SimDevice {
        faults: vec![Fault {
            at_ns: 700_000_000,
            kind: FaultKind::Xrun { lost_frames: 1_234 },
        }],
        ..SimDevice::new("mic", 2, 0)
    };
    // Pauses of a tenth of a second, each half second.
    let mic = mic.with_source(|frame, channel| {
        let is_pause = frame % 24_000 >= 19_200;
        let phase = (frame as f64 * 0.037 * (channel + 1) as f64).sin();
        if is_pause { 0.0 } else { (0.4 * phase) as f32 }
    });
    sim.plug(mic).unwrap();
    let config = SessionConfig {
        limit: Some(Moment::Seconds(2.0)),
        ..recording("mic", configs)
    };
    let mut session = start(&sim, config);
    while !session.report().ended {
        sim.run_for(Duration::from_millis(20));
        session.mark("here");
    }
    session.stop().unwrap().recorded
}

fn config(folder: &Path, name: &str) -> RecordConfig {
    RecordConfig {
        disk: Arc::new(On(BadDisk::new())),
        ..RecordConfig::new(folder.join(name))
    }
}

#[test]
fn files_of_a_split_take_joined_are_the_take() {
    let folder = folder();
    let splits = [
        None,
        Some(Split::Every(Moment::Frames(10_007))),
        Some(Split::Bytes(100_000)),
        Some(Split::Silence {
            below_db: -60.0,
            seconds: 0.05,
        }),
    ];
    let formats = [
        (SampleFormat::F32, Dither::None),
        (SampleFormat::I16, Dither::Shaped),
    ];
    let mut configs = Vec::new();
    for (format, dither) in formats {
        for split in splits {
            configs.push(RecordConfig {
                format,
                dither,
                split,
                ..config(folder.path(), &format!("{} {format:?}.wav", configs.len()))
            });
        }
    }
    let takes = record(configs);
    for takes in takes.chunks(splits.len()) {
        let whole = joined(&takes[0]);
        assert_eq!(whole.len(), 96_000);
        assert_eq!(takes[0].files.len(), 1);
        let sizes =
            |take: &Recorded| -> Vec<u64> { take.files.iter().map(|file| file.frames).collect() };
        assert_eq!(
            sizes(&takes[1]),
            [[10_007; 9].to_vec(), vec![5_937]].concat()
        );
        // No file has more than 100 000 bytes, and all but the last are filled but for the room of a
        // few labels.
        let bytes = takes[2].files.iter();
        let bytes: Vec<_> = bytes
            .map(|file| std::fs::metadata(&file.path).unwrap().len())
            .collect();
        let (last, full) = bytes.split_last().unwrap();
        assert!(*last <= 100_000, "{bytes:?}");
        let is_full = |bytes: &u64| (99_000..=100_000).contains(bytes);
        assert!(full.iter().all(is_full), "{bytes:?}");
        // The pauses begin 0.4 s into each half second.
        let firsts: Vec<_> = takes[3].files.iter().map(|file| file.first_frame).collect();
        assert_eq!(firsts, [0, 21_600, 45_600, 69_600, 93_600]);
        for take in &takes[1..] {
            assert_eq!(joined(take), whole);
            assert_eq!(take.gaps, takes[0].gaps);
            let first = take
                .path
                .file_name()
                .unwrap()
                .to_string_lossy()
                .into_owned();
            assert!(first.ends_with("-001.wav"), "{first}");
        }
    }
}

#[test]
fn dither_is_the_same_again_when_a_disk_failed_meanwhile_and_gaps_are_silent() {
    let folder = folder();
    let dithered = |name: &str| RecordConfig {
        format: SampleFormat::I16,
        dither: Dither::Triangular,
        ..config(folder.path(), name)
    };
    // A spill in the middle of what was dithered.
    std::fs::create_dir(folder.path().join("small")).unwrap();
    let takes = record(vec![
        dithered("whole.wav"),
        RecordConfig {
            spill: Some(folder.path().to_owned()),
            disk: Arc::new(On(BadDisk::with_room("small", 150_001))),
            ..dithered("small/spilled.wav")
        },
    ]);
    assert_eq!(takes[1].files.len(), 2);
    let whole = joined(&takes[0]);
    assert_eq!(joined(&takes[1]), whole);
    let gap = takes[0].gaps[0];
    assert_eq!(gap.frames, 1_234);
    let lost = &whole[gap.position as usize..(gap.position + gap.frames) as usize];
    assert!(lost.iter().all(|sample| *sample == 0.0));
    // Silence of the source is dithered.
    assert!(whole[19_300..20_000].iter().any(|sample| *sample != 0.0));
}

#[test]
fn flac_takes_split_and_spill_without_a_missing_frame_and_ogg_has_all_frames() {
    let folder = folder();
    std::fs::create_dir(folder.path().join("small")).unwrap();
    let flac = |name: &str| RecordConfig {
        format: SampleFormat::I16,
        dither: Dither::Triangular,
        ..config(folder.path(), name)
    };
    let split = Some(Split::Every(Moment::Frames(10_007)));
    let takes = record(vec![
        flac("whole.flac"),
        RecordConfig {
            split,
            ..flac("split.flac")
        },
        RecordConfig {
            spill: Some(folder.path().to_owned()),
            disk: Arc::new(On(BadDisk::with_room("small", 30_001))),
            ..flac("small/spilled.flac")
        },
        RecordConfig {
            split,
            ..config(folder.path(), "take.ogg")
        },
        flac("whole.wav"),
    ]);
    let whole = joined(&takes[4]);
    assert_eq!(whole.len(), 96_000);
    for take in &takes[..3] {
        assert_eq!(joined(take), whole, "{:?}", take.files);
        assert_eq!(take.gaps, takes[4].gaps);
    }
    let files: Vec<_> = takes.iter().map(|take| take.files.len()).collect();
    assert_eq!(files, [1, 10, 2, 10, 1]);
    assert_eq!(joined(&takes[3]).len(), 96_000);
}

#[test]
fn gaps_and_marks_are_labels_at_their_places() {
    let folder = folder();
    let takes = record(vec![config(folder.path(), "take.wav")]);
    assert!(takes[0].marks.len() > 90, "{} marks", takes[0].marks.len());
    let bytes = std::fs::read(&takes[0].path).unwrap();
    let find = |what: &[u8]| bytes.windows(what.len()).filter(|at| *at == what).count();
    assert_eq!(find(b"lost: xrun"), 1);
    assert_eq!(find(b"here\0"), takes[0].marks.len());
    // The label's number is that of a cue point, which has the gap's position.
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let text = bytes
        .windows(10)
        .position(|at| at == b"lost: xrun")
        .unwrap();
    let cue = bytes.windows(4).rposition(|at| at == b"cue ").unwrap();
    let mut points = (0..word(cue + 8) as usize).map(|n| cue + 12 + 24 * n);
    let point = points.find(|at| word(*at) == word(text - 4)).unwrap();
    assert_eq!(u64::from(word(point + 4)), takes[0].gaps[0].position);
    // Marked whenever 20 ms were over, each is at the position that was reached then.
    let positions: Vec<_> = takes[0].marks.iter().map(|mark| mark.position).collect();
    for (n, position) in positions.iter().enumerate().skip(1).take(30) {
        let reached = (n as u64 + 1) * 960;
        assert!(reached - position < 256 + 48, "{positions:?}");
    }
}

#[test]
fn a_list_of_gaps_that_an_older_take_left_is_removed() {
    let folder = folder();
    let path = folder.path().join("take.wav");
    let list = folder.path().join("take.wav.gaps.json");
    std::fs::write(&path, b"old").unwrap();
    std::fs::write(&list, b"{}").unwrap();
    let sim = Sim::new(53);
    sim.plug(SimDevice::new("mic", 1, 0)).unwrap();
    let config = RecordConfig {
        overwrite: Overwrite::Replace,
        ..config(folder.path(), "take.wav")
    };
    let session = start(&sim, recording("mic", vec![config]));
    sim.run_for(Duration::from_millis(100));
    session.stop().unwrap();
    assert!(!list.exists());
    assert_eq!(AudioFile::open(&path).unwrap().info().channels, 1);
}

#[test]
fn dry_and_wet_are_recorded_at_once_and_one_name_is_not_for_two() {
    let folder = folder();
    let tapped = |tap, name: &str| RecordConfig {
        tap,
        ..config(folder.path(), name)
    };
    let sim = Sim::new(55);
    let mic = SimDevice::new("mic", 1, 0).with_source(|frame, _| frame as f32);
    sim.plug(mic).unwrap();
    let chain = ossicle::chain::Chain::parse("gain:gain=6.0206dB").unwrap();
    let both = vec![tapped(Tap::Pre, "dry.wav"), tapped(Tap::Post, "wet.wav")];
    let config = SessionConfig {
        chain,
        ..recording("mic", both)
    };
    let session = start(&sim, config);
    sim.run_for(Duration::from_millis(500));
    let ended = session.stop().unwrap();
    let (dry, wet) = (joined(&ended.recorded[0]), joined(&ended.recorded[1]));
    assert!(dry.len() > 20_000 && dry.len() == wet.len());
    // The gain has ramped up by then.
    for at in 10_000..20_000 {
        assert_eq!(dry[at], at as f32);
        assert!((wet[at] / dry[at] - 2.0).abs() < 1e-4, "{at}: {}", wet[at]);
    }
    let twice = vec![tapped(Tap::Pre, "one.wav"), tapped(Tap::Post, "one.wav")];
    let world = Arc::new(sim.clone());
    let error = Session::start_in(recording("mic", twice), world).unwrap_err();
    assert!(error.to_string().contains("two recordings"), "{error}");
    assert!(!folder.path().join("one.wav").exists());
}

#[test]
fn a_take_has_all_that_leaves_the_chain_not_only_what_the_output_plays() {
    let folder = folder();
    let sim = Sim::new(57);
    sim.plug(SimDevice::new("one", 2, 0)).unwrap();
    let two = SimDevice::new("two", 2, 0).with_source(|_, channel| 0.25 * (channel + 1) as f32);
    sim.plug(two).unwrap();
    sim.plug(SimDevice::new("out", 0, 2)).unwrap();
    let config = SessionConfig {
        more_inputs: port("two").into_iter().collect(),
        output: port("out"),
        ..recording("one", vec![config(folder.path(), "wet.wav")])
    };
    let session = start(&sim, config);
    sim.run_for(Duration::from_millis(500));
    let ended = session.stop().unwrap();
    let told = ended.warnings.join("; ");
    assert!(told.contains("2 of the 4 channels"), "{ended:?}");
    let mut wet = AudioFile::open(folder.path().join("wet.wav")).unwrap();
    assert_eq!(wet.info().channels, 4);
    wet.seek(15_000).unwrap();
    let mut frame = [9.0; 4];
    assert_eq!(wet.read(&mut frame).unwrap(), 1);
    let expected = [0.0, 0.0, 0.25, 0.5];
    let is_near = |(sample, expected): (&f32, f32)| (sample - expected).abs() < 1e-3;
    assert!(frame.iter().zip(expected).all(is_near), "{frame:?}");
    // The output plays the first two, as it does without a recording.
    assert!(sim.played("out").iter().all(|sample| *sample == 0.0));
}

#[test]
fn what_no_output_plays_is_told_without_a_recording_too() {
    for (inputs, outputs, words) in [
        (4, 2, Some("2 of the 4 channels")),
        (2, 1, Some("1 of the 2 channels")),
        (1, 2, None),
        (2, 2, None),
    ] {
        let sim = Sim::new(59);
        sim.plug(SimDevice::new("one", inputs, 0)).unwrap();
        sim.plug(SimDevice::new("out", 0, outputs)).unwrap();
        let config = SessionConfig {
            output: port("out"),
            ..recording("one", Vec::new())
        };
        let session = start(&sim, config);
        sim.run_for(Duration::from_millis(100));
        let told = session.stop().unwrap().warnings;
        let about: Vec<_> = told
            .iter()
            .filter(|line| line.contains("not heard"))
            .collect();
        match words {
            Some(words) => {
                assert!(about.len() == 1 && about[0].contains(words), "{told:?}");
                assert!(about[0].contains("[routes]"), "{told:?}");
            }
            None => assert!(about.is_empty(), "{told:?}"),
        }
    }
}

#[test]
fn a_take_begins_within_50_ms_on_an_open_device() {
    let mut best = Duration::MAX;
    for attempt in 0..5 {
        let folder = folder();
        let config = SessionConfig {
            host: Some(HostKind::Null),
            input: port("null"),
            ..SessionConfig::record(folder.path().join(format!("{attempt}.wav")))
        };
        let session = Session::start(config).unwrap();
        let began = Instant::now();
        let take = session.takes().remove(0);
        while take.frames() == 0 && began.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(1));
        }
        best = best.min(began.elapsed());
        session.stop().unwrap();
    }
    println!("first frame after {:.1} ms", best.as_secs_f64() * 1e3);
    assert!(best < Duration::from_millis(50), "{best:?}");
}
