//! Files of every format: exact seeking, and what happens with damaged ones.
//!
//! The files are made by `ffmpeg` when the tests run; it must be installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use ossicle_io::file::{AudioFile, FileError, Overwrite, WavSpec, WavWriter};
use ossicle_io::sample::SampleFormat;
use tempfile::TempDir;

const RATE_HZ: u32 = 48_000;
const FRAMES: usize = 200_001;

/// A tone that never repeats and noise that a lossy codec replaces by noise of its own.
fn signal(frames: usize) -> Vec<f32> {
    let mut state = 1u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state as f32 / u32::MAX as f32 - 0.5
    };
    (0..frames)
        .flat_map(|frame| {
            let time = frame as f32 / RATE_HZ as f32;
            let tone = (1400.0 * (1.0 + 0.3 * time) * time).sin();
            [0.5 * tone + 0.02 * noise(), 0.2 * noise()]
        })
        .collect()
}

/// The signal as a 16-bit WAV, and its samples as read back from there.
fn source(directory: &Path) -> (PathBuf, Vec<f32>) {
    let path = directory.join("source.wav");
    let spec = WavSpec {
        sample_rate_hz: RATE_HZ,
        channels: 2,
        format: SampleFormat::I16,
    };
    let mut file = WavWriter::create(&path, spec, Overwrite::Never).expect("a new file");
    file.write(&signal(FRAMES)).expect("room");
    assert_eq!(file.finish().expect("room"), FRAMES as u64);
    let samples = read_all(&mut AudioFile::open(&path).expect("just written"));
    (path, samples)
}

fn convert(source: &Path, name: &str, arguments: &[&str]) -> PathBuf {
    let path = source.with_file_name(name);
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-i"])
        .arg(source)
        .args(arguments)
        .arg(&path)
        .status()
        .expect("ffmpeg must be installed");
    assert!(status.success(), "ffmpeg made no {name}");
    path
}

fn read_all(file: &mut AudioFile) -> Vec<f32> {
    let channels = file.info().channels;
    let mut all = Vec::new();
    let mut piece = vec![0.0; 1000 * channels];
    loop {
        match file.read(&mut piece).expect("a good file") {
            0 => return all,
            frames => all.extend_from_slice(&piece[..frames * channels]),
        }
    }
}

/// What is read at a place must be, to the bit, what was read there from the start.
fn assert_seeks_exactly(path: &Path) -> Vec<f32> {
    let mut file = AudioFile::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let channels = file.info().channels;
    let all = read_all(&mut file);
    let frames = (all.len() / channels) as u64;
    assert_eq!(file.info().frames, Some(frames), "{}", path.display());
    assert!(
        frames >= FRAMES as u64 - 2048,
        "{}: {frames} frames",
        path.display()
    );
    let mut places = vec![0, frames, frames - 1, 1, frames / 2, frames / 2 + 1, 0];
    places.extend((0..40).map(|number: u64| number * 7_368_787 % frames));
    let mut got = vec![0.0f32; 3000 * channels];
    for place in places {
        let place_name = format!("{} at {place}", path.display());
        file.seek(place)
            .unwrap_or_else(|error| panic!("{place_name}: {error}"));
        let read = file
            .read(&mut got)
            .unwrap_or_else(|error| panic!("{place_name}: {error}"));
        assert_eq!(read as u64, (frames - place).min(3000), "{place_name}");
        let expected = &all[place as usize * channels..][..read * channels];
        for (index, (got, expected)) in got.iter().zip(expected).enumerate() {
            assert_eq!(
                got.to_bits(),
                expected.to_bits(),
                "{place_name}: sample {index}"
            );
        }
    }
    assert!(matches!(
        file.seek(frames + 1),
        Err(FileError::BeyondEnd { .. })
    ));
    all
}

#[test]
fn lossless_files_hold_the_very_samples_and_seek_exactly() {
    let directory = TempDir::new().expect("a directory");
    let (wav, samples) = source(directory.path());
    assert_eq!(assert_seeks_exactly(&wav), samples);
    for (name, arguments) in [
        ("a.flac", &[][..]),
        ("piped.flac", &["-f", "flac"]),
        ("a.aiff", &[]),
        ("i24.aiff", &["-c:a", "pcm_s24be"]),
        ("f32.aiff", &["-c:a", "pcm_f32be"]),
        ("little.aiff", &["-c:a", "pcm_s16le"]),
        ("alac.m4a", &["-c:a", "alac"]),
        ("flac.oga", &["-c:a", "flac"]),
        ("i24.wav", &["-c:a", "pcm_s24le"]),
        ("i32.wav", &["-c:a", "pcm_s32le"]),
        ("f64.wav", &["-c:a", "pcm_f64le"]),
        ("rf64.wav", &["-rf64", "always"]),
        ("a.caf", &["-c:a", "pcm_s16be"]),
        ("alac.caf", &["-c:a", "alac"]),
    ] {
        let path = convert(&wav, name, arguments);
        assert!(
            assert_seeks_exactly(&path) == samples,
            "{name} holds other samples"
        );
    }
}

#[test]
fn lossy_files_seek_exactly() {
    let directory = TempDir::new().expect("a directory");
    let (wav, _) = source(directory.path());
    for (name, arguments) in [
        ("a.mp3", &["-c:a", "libmp3lame", "-b:a", "128k"][..]),
        (
            "without-length.mp3",
            &["-c:a", "libmp3lame", "-q:a", "5", "-write_xing", "0"],
        ),
        (
            "borrowing.mp3",
            &[
                "-c:a",
                "libmp3lame",
                "-ar",
                "48000",
                "-ac",
                "1",
                "-b:a",
                "32k",
            ],
        ),
        ("a.ogg", &["-c:a", "libvorbis"]),
        ("a.m4a", &["-c:a", "aac", "-b:a", "48k"]),
        ("a.aac", &["-c:a", "aac", "-b:a", "96k"]),
        ("adpcm.wav", &["-c:a", "adpcm_ms"]),
        ("a-law.wav", &["-c:a", "pcm_alaw"]),
        ("mu-law.wav", &["-c:a", "pcm_mulaw"]),
    ] {
        assert_seeks_exactly(&convert(&wav, name, arguments));
    }
}

#[test]
fn content_decides_and_not_the_name() {
    let directory = TempDir::new().expect("a directory");
    let (wav, samples) = source(directory.path());
    let flac = convert(&wav, "a.flac", &[]);
    let misnamed = directory.path().join("song.mp3");
    fs::rename(flac, &misnamed).expect("renamed");
    let mut file = AudioFile::open(&misnamed).expect("FLAC by another name");
    assert_eq!(file.info().codec, "flac");
    assert!(read_all(&mut file) == samples);
}

#[test]
fn files_cut_short_play_up_to_there_with_a_warning() {
    let directory = TempDir::new().expect("a directory");
    let (wav, samples) = source(directory.path());
    for path in [
        convert(&wav, "a.flac", &[]),
        convert(&wav, "a.aiff", &[]),
        wav,
    ] {
        let bytes = fs::read(&path).expect("readable");
        fs::write(&path, &bytes[..bytes.len() * 2 / 3]).expect("writable");
        let mut file = AudioFile::open(&path).expect("two thirds of a file");
        let warnings = file.info().warnings.clone();
        assert_eq!(warnings.len(), 1, "{}: {warnings:?}", path.display());
        assert!(warnings[0].starts_with("it was cut short"), "{warnings:?}");
        let got = read_all(&mut file);
        assert_eq!(
            file.info().frames,
            Some(got.len() as u64 / 2),
            "{}",
            path.display()
        );
        assert!(
            got.len() > samples.len() / 2,
            "{}: {} samples",
            path.display(),
            got.len()
        );
        assert!(got == samples[..got.len()], "{}", path.display());
    }
}

#[test]
fn what_is_no_sound_is_refused_by_its_cause() {
    let directory = TempDir::new().expect("a directory");
    let path = |name: &str| directory.path().join(name);
    fs::write(path("empty.wav"), b"").expect("written");
    fs::write(path("text.wav"), "not sound, only words\n".repeat(5000)).expect("written");
    let mut state = 7u64;
    let random: Vec<u8> = (0..2_000_000)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        })
        .collect();
    fs::write(path("random.flac"), random).expect("written");
    assert!(matches!(
        AudioFile::open(path("empty.wav")),
        Err(FileError::Empty)
    ));
    assert!(matches!(
        AudioFile::open(path("text.wav")),
        Err(FileError::NotAudio)
    ));
    let random = AudioFile::open(path("random.flac"));
    assert!(
        matches!(random, Err(FileError::NotAudio | FileError::Damaged { .. })),
        "{random:?}"
    );
    assert!(matches!(
        AudioFile::open(path("none.wav")),
        Err(FileError::NotFound)
    ));
    assert!(matches!(
        AudioFile::open(path("empty.wav/x")),
        Err(FileError::NotFound)
    ));
    assert!(matches!(
        AudioFile::open(directory.path()),
        Err(FileError::NotAFile)
    ));
}

/// Every file, cut at many lengths and with single bytes changed, opens or is refused, and what
/// opens can be read and sought in: never a panic, never a hang, never more than it claims.
#[test]
fn damaged_files_of_every_format_do_no_harm() {
    let directory = TempDir::new().expect("a directory");
    let long = directory.path().join("long.wav");
    let (wav, _) = source(directory.path());
    fs::rename(wav, &long).expect("renamed");
    let short = convert(&long, "short.wav", &["-t", "0.4"]);
    let mut state = 3u64;
    let mut next = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize % below
    };
    let mut opened = 0;
    for (name, arguments) in [
        ("a.flac", &[][..]),
        ("a.aiff", &[]),
        ("a.mp3", &["-c:a", "libmp3lame"]),
        ("a.ogg", &["-c:a", "libvorbis"]),
        ("a.m4a", &["-c:a", "aac"]),
        ("alac.m4a", &["-c:a", "alac"]),
        ("adpcm.wav", &["-c:a", "adpcm_ima_wav"]),
        ("f32.wav", &["-c:a", "pcm_f32le"]),
    ] {
        let path = convert(&short, name, arguments);
        let good = fs::read(&path).expect("readable");
        for round in 0..60 {
            let mut bytes = good.clone();
            if round % 3 == 0 {
                bytes.truncate(next(bytes.len()));
            }
            for _ in 0..round % 4 * 3 {
                // Most of what a parser trusts is at the start.
                let place = if round % 2 == 0 {
                    next(200)
                } else {
                    next(good.len())
                };
                if let Some(byte) = bytes.get_mut(place) {
                    *byte = next(256) as u8;
                }
            }
            fs::write(&path, &bytes).expect("writable");
            let began = Instant::now();
            opened += usize::from(exercise(&path));
            assert!(
                began.elapsed() < Duration::from_secs(10),
                "{name}, round {round}: slow"
            );
        }
    }
    assert!(
        opened > 100,
        "only {opened} files could be opened: the test tries too little"
    );
}

/// Says whether the file could be opened.
fn exercise(path: &Path) -> bool {
    let Ok(mut file) = AudioFile::open(path) else {
        return false;
    };
    let (channels, frames) = (file.info().channels, file.info().frames);
    assert!(channels > 0 && file.info().sample_rate_hz > 0);
    let mut piece = vec![0.0f32; 4096 * channels];
    let mut total = 0;
    while let Ok(read @ 1..) = file.read(&mut piece) {
        total += read as u64;
        if total > 1 << 22 {
            break;
        }
    }
    if let Some(frames) = frames {
        assert!(total <= frames, "{total} frames of {frames}");
    }
    for place in [0, total / 2, total.saturating_sub(1), total] {
        if file.seek(place).is_ok() {
            let _ = file.read(&mut piece);
        }
    }
    true
}
