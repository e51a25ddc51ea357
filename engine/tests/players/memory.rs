//! Sounds on their way into memory.

use std::path::Path;

use ossicle::EngineError;
use ossicle::io::file::{FileError, Overwrite, WavSpec, export_wav};
use ossicle::io::sample::SampleFormat;
use ossicle::sound::Sound;

use crate::rig::noise;

fn write(path: &Path, sample_rate_hz: u32, channels: usize, samples: &[f32]) {
    let spec = WavSpec {
        sample_rate_hz,
        channels,
        format: SampleFormat::F32,
    };
    export_wav(path, spec, samples, Overwrite::Replace).unwrap();
}

#[test]
fn a_file_at_the_rate_asked_for_is_loaded_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sound.wav");
    let samples = noise(1, 3 * 10_001);
    write(&path, 48_000, 3, &samples);
    let sound = Sound::load(&path, 48_000).unwrap();
    assert_eq!((sound.frames(), sound.channels()), (10_001, 3));
    assert_eq!(sound.sample_rate_hz(), 48_000);
    for (place, sample) in samples.iter().enumerate() {
        assert_eq!(
            sound.plane(place % 3)[place / 3].to_bits(),
            sample.to_bits()
        );
    }
}

#[test]
fn another_rate_is_resampled_and_stays_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sound.wav");
    let sine = |hz: f64, rate_hz: f64, frame: usize| {
        (std::f64::consts::TAU * hz * frame as f64 / rate_hz).sin() as f32
    };
    let samples: Vec<f32> = (0..44_100)
        .flat_map(|frame| [sine(440.0, 44_100.0, frame), sine(997.0, 44_100.0, frame)])
        .collect();
    write(&path, 44_100, 2, &samples);
    let sound = Sound::load(&path, 48_000).unwrap();
    assert_eq!((sound.frames(), sound.channels()), (48_000, 2));
    for (channel, hz) in [440.0, 997.0].into_iter().enumerate() {
        let error = (2000..46_000)
            .map(|frame| (sound.plane(channel)[frame] - sine(hz, 48_000.0, frame)).abs())
            .fold(0.0, f32::max);
        // -90 dB, away from the ends.
        assert!(error < 3.2e-5, "largest error {error}");
    }
}

#[test]
fn samples_that_are_not_finite_become_silence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sound.wav");
    let samples = [0.5, f32::NAN, f32::INFINITY, -0.5];
    write(&path, 48_000, 1, &samples);
    let loaded = Sound::load(&path, 48_000).unwrap();
    let given = Sound::from_planes(vec![samples.to_vec()], 48_000).unwrap();
    for sound in [loaded, given] {
        assert_eq!(sound.plane(0), [0.5, 0.0, 0.0, -0.5]);
    }
}

#[test]
fn what_cannot_be_had_is_refused_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sound.wav");
    write(&path, 48_000, 2, &noise(1, 2 * 1000));
    // At twice the rate it has twice the frames: 2000 of 8 bytes.
    assert!(Sound::load_within(&path, 96_000, 16_000).is_ok());
    let refused = Sound::load_within(&path, 96_000, 15_999).unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!(
            "{}: needs 16000 bytes of memory or more (allowed: 15999)",
            path.display()
        )
    );
    let refused = Sound::load(&path, 10).unwrap_err();
    assert!(matches!(
        refused,
        EngineError::RateRatio {
            from_hz: 48_000,
            to_hz: 10
        }
    ));
    let refused = Sound::load(folder.path().join("none.wav"), 48_000).unwrap_err();
    assert!(matches!(
        refused,
        EngineError::File {
            source: FileError::NotFound,
            ..
        }
    ));
    assert!(matches!(
        Sound::from_planes(Vec::new(), 48_000),
        Err(EngineError::SoundWithoutChannels)
    ));
    assert!(matches!(
        Sound::from_planes(vec![vec![0.0; 3], vec![0.0; 3], vec![0.0; 4]], 48_000),
        Err(EngineError::SoundTorn { first: 3, other: 4 })
    ));
}
