//! How a sound begins, ends and begins anew: raised cosines that join without a jump.

use core::f64::consts::PI;

use ossicle::sound::{FADE, PLAY, Play, Sound, SoundPlayer, VOICES};

use crate::rig::{RATE_HZ, Random, ids, ones, run_silence, series};

/// Frames of a fade of so many milliseconds.
fn frames_of(ms: f64) -> usize {
    (ms * f64::from(RATE_HZ) / 1000.0).round() as usize
}

/// Frame `at` of a rise within `frames`: half of 1 - cos, without its first 0 and its last 1.
fn rise(at: usize, frames: usize) -> f64 {
    (1.0 - (PI * (at + 1) as f64 / (frames + 1) as f64).cos()) / 2.0
}

#[test]
fn start_and_stop_fade_in_a_raised_cosine() {
    let player = SoundPlayer::new(ones(48_000))
        .with_value(FADE, 7.0)
        .unwrap();
    let (mut controller, mut processor) = series([player], 1);
    let (id, fade) = (ids(&controller)[0], frames_of(7.0));
    controller
        .set_value(id, PLAY, Play::Once.value(), 100)
        .unwrap();
    controller
        .set_value(id, PLAY, Play::Stop.value(), 5000)
        .unwrap();
    let output = run_silence(&mut processor, 8000);
    for (frame, &heard) in output.iter().enumerate() {
        let gain = match frame {
            100..5000 if frame < 100 + fade => rise(frame - 100, fade),
            100..5000 => 1.0,
            5000.. if frame < 5000 + fade => 1.0 - rise(frame - 5000, fade),
            _ => 0.0,
        };
        // Half an ulp of rounding to f32, and the platform's cosine against ours.
        assert!(
            (f64::from(heard) - gain).abs() < 1e-7,
            "frame {frame}: {heard} for {gain}"
        );
    }
}

#[test]
fn a_restart_cross_fades_and_the_gains_make_one() {
    let player = SoundPlayer::new(ones(48_000))
        .with_value(FADE, 20.0)
        .unwrap();
    let (mut controller, mut processor) = series([player], 1);
    let id = ids(&controller)[0];
    for (play, at) in [
        (Play::Once, 0),
        (Play::Once, 3000),
        (Play::Loop, 6000),
        (Play::Once, 6500),
    ] {
        controller.set_value(id, PLAY, play.value(), at).unwrap();
    }
    let output = run_silence(&mut processor, 10_000);
    for (frame, &heard) in output.iter().enumerate().skip(frames_of(20.0)) {
        // In the last one the loop is still fading in: it fades out from where it is, and the first
        // goes on fading out.
        let inner = (6500..6960 + 960).contains(&frame);
        assert!(
            inner || (heard - 1.0).abs() < 1e-6,
            "frame {frame}: {heard}"
        );
    }
    // The new start is of the sound's beginning: a ramp shows where each voice is.
    let ramp: Vec<f32> = (0..48_000).map(|frame| frame as f32 / 48_000.0).collect();
    let ramp = Sound::from_planes(vec![ramp], RATE_HZ).unwrap();
    let player = SoundPlayer::new(ramp).with_value(FADE, 20.0).unwrap();
    let (mut controller, mut processor) = series([player], 1);
    let id = ids(&controller)[0];
    controller
        .set_value(id, PLAY, Play::Once.value(), 0)
        .unwrap();
    controller
        .set_value(id, PLAY, Play::Once.value(), 3000)
        .unwrap();
    let output = run_silence(&mut processor, 5000);
    for (frame, &heard) in output.iter().enumerate().skip(3000) {
        let rise = if frame < 3960 {
            rise(frame - 3000, 960)
        } else {
            1.0
        };
        let expected = (rise * (frame - 3000) as f64 + (1.0 - rise) * frame as f64) / 48_000.0;
        assert!((f64::from(heard) - expected).abs() < 1e-6, "frame {frame}");
    }
}

#[test]
fn whatever_is_sent_the_sound_does_not_jump() {
    let mut random = Random(5);
    let player = SoundPlayer::new(ones(1 << 20))
        .with_value(FADE, 5.0)
        .unwrap();
    let (mut controller, mut processor) = series([player], 1);
    let id = ids(&controller)[0];
    let mut at = 0;
    // 5 ms fade: no more than 12 voices at 20 frames between starts at least.
    for _ in 0..400 {
        at += 20 + random.below(60) as u64;
        let play = [Play::Stop, Play::Once, Play::Loop][random.below(3)];
        controller.set_value(id, PLAY, play.value(), at).unwrap();
    }
    let output = run_silence(&mut processor, 40_000);
    // The steepest of a raised cosine of n + 1 steps is pi / 2 / (n + 1); at any time one voice
    // rises and the falling ones, which share what one had, fall.
    let steepest = 2.0 * PI / 2.0 / 241.0;
    let jump = output
        .windows(2)
        .map(|pair| f64::from((pair[1] - pair[0]).abs()))
        .fold(0.0, f64::max);
    assert!(jump < steepest, "a jump of {jump}, more than {steepest}");
    assert!(output.iter().any(|&heard| heard > 0.5));
}

#[test]
fn more_starts_than_voices_leave_the_faintest_out() {
    // Fades of a second, a start each 20 ms: 50 would fade at once.
    let player = SoundPlayer::new(ones(1 << 20))
        .with_value(FADE, 1000.0)
        .unwrap();
    let (mut controller, mut processor) = series([player], 1);
    let id = ids(&controller)[0];
    for start in 0..200 {
        controller
            .set_value(id, PLAY, Play::Loop.value(), start * 960)
            .unwrap();
    }
    let output = run_silence(&mut processor, 200 * 960);
    let loudest = output.iter().copied().fold(0.0, f32::max);
    assert!(loudest > 0.0 && loudest < VOICES as f32, "{loudest}");
    controller
        .set_value(id, PLAY, Play::Stop.value(), 0)
        .unwrap();
    let output = run_silence(&mut processor, 2 * 48_000);
    assert_eq!(output[48_000..].iter().copied().fold(0.0, f32::max), 0.0);
}
