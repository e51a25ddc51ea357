//! Whole sessions on the `null` device, with the allocator guard on.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ossicle::EngineError;
use ossicle::chain::Chain;
use ossicle::io::buffered_array::BufferedArray;
use ossicle::io::device::HostKind;
use ossicle::io::file::{AudioFile, FileError, Overwrite, WavSpec, WavWriter};
use ossicle::io::realtime::{self, AllocatorGuard};
use ossicle::io::sample::SampleFormat;
use ossicle::record::{RecordConfig, Tap};
use ossicle::session::{BlockInfo, Ended, Flow, Moment, Session, SessionConfig, Source};

#[global_allocator]
static ALLOCATOR: AllocatorGuard = AllocatorGuard::new();

fn on_null(config: SessionConfig) -> SessionConfig {
    SessionConfig {
        host: Some(HostKind::Null),
        ..config
    }
}

/// Runs until the session ends by itself, at most ten seconds.
fn to_the_end(mut session: Session) -> Result<Ended, EngineError> {
    let began = Instant::now();
    while !session.report().ended {
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "the session does not end"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    let ended = session.stop();
    assert_eq!(realtime::violations(), 0, "a callback allocated or freed");
    Ok(ended?)
}

fn write_wav(path: &Path, sample_rate_hz: u32, channels: usize, samples: &[f32]) {
    let spec = WavSpec {
        sample_rate_hz,
        channels,
        format: SampleFormat::F32,
    };
    let mut file = WavWriter::create(path, spec, Overwrite::Never).unwrap();
    file.write(samples).unwrap();
    file.finish().unwrap();
}

fn read_wav(path: &Path) -> (usize, Vec<f32>) {
    let mut file = AudioFile::open(path).unwrap();
    let channels = file.info().channels;
    let mut samples = vec![0.0; 1 << 20];
    let frames = file.read(&mut samples).unwrap();
    samples.truncate(frames * channels);
    (channels, samples)
}

fn record_to(path: PathBuf, tap: Tap) -> Vec<RecordConfig> {
    vec![RecordConfig {
        tap,
        ..RecordConfig::new(path)
    }]
}

/// A signal in which every sample differs from its neighbours.
fn signal(samples: usize) -> Vec<f32> {
    (0..samples)
        .map(|n| ((n * 7919 % 65_536) as f32 - 32_768.0) / 65_536.0)
        .collect()
}

#[test]
fn what_is_played_is_recorded_bit_for_bit_and_ends_on_its_last_frame() {
    let folder = tempfile::tempdir().unwrap();
    let (file, take) = (folder.path().join("in.wav"), folder.path().join("out.wav"));
    let samples = signal(2 * 20_000);
    write_wav(&file, 48_000, 2, &samples);
    let config = SessionConfig {
        record: record_to(take.clone(), Tap::Post),
        ..SessionConfig::play(&file, Chain::new())
    };
    let ended = to_the_end(Session::start(on_null(config)).unwrap()).unwrap();
    assert_eq!(
        (ended.frames, ended.underrun_frames, ended.latency_frames),
        (20_000, 0, 0)
    );
    assert_eq!(ended.recorded[0].frames, 20_000);
    assert_eq!(read_wav(&take), (2, samples));
}

#[test]
fn a_mono_file_goes_to_all_channels_and_seek_and_limit_count_frames() {
    let folder = tempfile::tempdir().unwrap();
    let (file, take) = (folder.path().join("in.wav"), folder.path().join("out.wav"));
    let samples = signal(30_000);
    write_wav(&file, 44_100, 1, &samples);
    let mut config = SessionConfig {
        limit: Some(Moment::Frames(5000)),
        record: record_to(take.clone(), Tap::Post),
        ..SessionConfig::play(&file, Chain::new())
    };
    if let Source::File(play) = &mut config.source {
        play.seek = Moment::Frames(1234);
    }
    let ended = to_the_end(Session::start(on_null(config)).unwrap()).unwrap();
    // The null device takes any rate, so nothing is resampled.
    assert_eq!((ended.sample_rate_hz, ended.frames), (44_100, 5000));
    let expected: Vec<f32> = samples[1234..6234]
        .iter()
        .flat_map(|&sample| [sample, sample])
        .collect();
    assert_eq!(read_wav(&take), (2, expected));
}

#[test]
fn a_looped_file_goes_on_without_a_seam() {
    let folder = tempfile::tempdir().unwrap();
    let (file, take) = (folder.path().join("in.wav"), folder.path().join("out.wav"));
    let samples = signal(2 * 3000);
    write_wav(&file, 48_000, 2, &samples);
    let mut config = SessionConfig {
        limit: Some(Moment::Frames(10_000)),
        record: record_to(take.clone(), Tap::Post),
        ..SessionConfig::play(&file, Chain::new())
    };
    if let Source::File(play) = &mut config.source {
        play.looped = true;
    }
    to_the_end(Session::start(on_null(config)).unwrap()).unwrap();
    let expected: Vec<f32> = samples.iter().copied().cycle().take(20_000).collect();
    assert_eq!(read_wav(&take), (2, expected));
}

#[test]
fn a_file_of_another_rate_is_resampled_and_said_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("in.wav");
    write_wav(&file, 44_100, 2, &signal(2 * 22_050));
    let config = SessionConfig {
        sample_rate_hz: Some(48_000),
        ..SessionConfig::play(&file, Chain::new())
    };
    let ended = to_the_end(Session::start(on_null(config)).unwrap()).unwrap();
    assert_eq!((ended.sample_rate_hz, ended.frames), (48_000, 24_000));
    assert_eq!(
        ended.warnings,
        ["resampled from 44100 Hz to the device's 48000 Hz"]
    );
}

#[test]
fn a_recording_has_exactly_the_frames_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let take = folder.path().join("take.wav");
    let config = SessionConfig {
        limit: Some(Moment::Seconds(0.25)),
        record: record_to(take.clone(), Tap::Input),
        ..SessionConfig::record(&take)
    };
    let ended = to_the_end(Session::start(on_null(config)).unwrap()).unwrap();
    assert_eq!(ended.frames, 12_000);
    let recorded = &ended.recorded[0];
    assert_eq!((recorded.frames, &recorded.gaps[..]), (12_000, &[][..]));
    assert_eq!(read_wav(&take), (2, vec![0.0; 24_000]));
}

#[test]
fn a_callback_brings_its_own_signal_and_completes() {
    let folder = tempfile::tempdir().unwrap();
    let take = folder.path().join("take.wav");
    let count = |block: &mut [f32], info: &BlockInfo| {
        for (frame, sample) in block.iter_mut().enumerate() {
            *sample = ((info.position as usize + frame) % 1000) as f32 / 1000.0;
        }
        if info.position + block.len() as u64 >= 4000 {
            Flow::Complete
        } else {
            Flow::Continue
        }
    };
    let config = SessionConfig {
        input: None,
        source: Source::Own {
            callback: Box::new(count),
            channels: 1,
        },
        record: record_to(take.clone(), Tap::Pre),
        ..SessionConfig::live(Chain::new())
    };
    let ended = to_the_end(Session::start(on_null(config)).unwrap()).unwrap();
    let (channels, samples) = read_wav(&take);
    assert!(ended.frames >= 4000 && channels == 1 && samples.len() as u64 == ended.frames);
    let expected = |frame: usize| (frame % 1000) as f32 / 1000.0;
    assert!(
        samples
            .iter()
            .enumerate()
            .all(|(frame, &sample)| sample == expected(frame))
    );
}

#[test]
fn an_aborted_callback_is_not_heard() {
    let abort = |block: &mut [f32], _: &BlockInfo| {
        block.fill(1.0);
        Flow::Abort
    };
    let config = SessionConfig {
        input: None,
        source: Source::Own {
            callback: Box::new(abort),
            channels: 1,
        },
        ..SessionConfig::live(Chain::new())
    };
    let ended = to_the_end(Session::start(on_null(config)).unwrap()).unwrap();
    assert_eq!((ended.frames, ended.peak), (0, 0.0));
}

#[test]
fn a_live_chain_is_edited_while_it_runs() {
    let mut session =
        Session::start(on_null(SessionConfig::live(Chain::parse("gain").unwrap()))).unwrap();
    let node = session.controller().nodes().next().unwrap().0;
    session.controller().set(node, "gain", "-6dB", 0).unwrap();
    session.controller().remove(node).unwrap();
    let began = Instant::now();
    let mut answers = 0;
    while answers < 2 {
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{answers} of 2 answered"
        );
        answers += usize::from(session.controller().answer().is_some());
    }
    session.stop().unwrap();
    assert_eq!(realtime::violations(), 0);
}

#[test]
fn what_cannot_begin_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.wav");
    let error = Session::start(on_null(SessionConfig::play(&missing, Chain::new()))).unwrap_err();
    assert!(
        matches!(
            error,
            EngineError::File {
                source: FileError::NotFound,
                ..
            }
        ),
        "{error}"
    );
    let take = folder.path().join("take.wav");
    std::fs::write(&take, b"mine").unwrap();
    let error = Session::start(on_null(SessionConfig::record(&take))).unwrap_err();
    let exists = matches!(
        error,
        EngineError::File {
            source: FileError::AlreadyExists,
            ..
        }
    );
    assert!(exists, "{error}");
    assert_eq!(std::fs::read(&take).unwrap(), b"mine");
    let other = folder.path().join("other.wav");
    let config = SessionConfig {
        input: None,
        ..SessionConfig::record(&other)
    };
    assert!(matches!(
        Session::start(on_null(config)).unwrap_err(),
        EngineError::NoDevice
    ));
    assert!(!other.exists());
}

#[test]
fn a_session_that_is_dropped_closes_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let take = folder.path().join("take.wav");
    let session = Session::start(on_null(SessionConfig::record(&take))).unwrap();
    std::thread::sleep(Duration::from_millis(200));
    drop(session);
    let (channels, samples) = read_wav(&take);
    assert!(
        channels == 2 && samples.len() > 2 * 4800,
        "{} samples",
        samples.len()
    );
}

#[test]
fn a_take_is_read_by_index_while_it_grows() {
    let folder = tempfile::tempdir().unwrap();
    let take_path = folder.path().join("take.wav");
    // Twenty times real time is not to be had from a device paced by the clock: a short take with
    // a value for each frame, read at random from memory and from the file.
    let count = |block: &mut [f32], info: &BlockInfo| {
        for (frame, sample) in block.iter_mut().enumerate() {
            *sample = (info.position + frame as u64) as f32;
        }
        Flow::Continue
    };
    let config = SessionConfig {
        input: None,
        sample_rate_hz: Some(192_000),
        source: Source::Own {
            callback: Box::new(count),
            channels: 1,
        },
        record: record_to(take_path, Tap::Pre),
        ..SessionConfig::live(Chain::new())
    };
    let session = Session::start(on_null(config)).unwrap();
    let take = session.takes()[0].clone();
    let mut array = BufferedArray::new(take.source(), 1000, 0);
    let (mut seed, mut from_file) = (1u64, 0);
    while take.frames() < 200_000 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        if array.frames() < 100 {
            continue;
        }
        let start = (seed >> 33) % (array.frames() - 64);
        from_file += usize::from(start + 64 < take.written_frames());
        let frames = array.range(start..start + 64).unwrap();
        assert!(
            frames
                .iter()
                .enumerate()
                .all(|(n, &sample)| sample == (start + n as u64) as f32),
            "at {start}"
        );
    }
    assert!(from_file > 100, "{from_file} windows lay in the file");
    let ended = session.stop().unwrap();
    assert_eq!(ended.recorded[0].gaps, []);
}
