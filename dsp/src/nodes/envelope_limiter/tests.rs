use alloc::boxed::Box;

use super::*;
use crate::block::Planes;
use crate::registry;

/// Makes a limiter with the given values and runs `planes` (one channel after another) through it.
fn limited(values: &[(&str, &str)], channels: usize, samples: &mut [f32]) -> Box<dyn Node> {
    let mut settings = Settings::new(registry::effect("envelope_limiter").unwrap());
    for (parameter, text) in values {
        settings.set_text(parameter, text).unwrap();
    }
    let mut node = settings.create().unwrap();
    let frames = samples.len() / channels;
    let spec = Spec {
        sample_rate_hz: 48_000,
        max_block_frames: frames,
        channels,
    };
    node.prepare(&spec).unwrap();
    let planes = Planes::new(samples, frames, frames);
    node.process(&mut Block {
        planes,
        side_chain: None,
        since_reset: 0,
    });
    node
}

#[test]
fn times_and_levels_give_the_documented_coefficients() {
    let mut settings = Settings::new(&EFFECT);
    for (parameter, text) in [
        ("attack", "2ms"),
        ("release", "0.5s"),
        ("delay", "1.51ms"),
        ("threshold", "-20dBFS"),
    ] {
        settings.set_text(parameter, text).unwrap();
    }
    let mut node = EnvelopeLimiter::new(&settings);
    let spec = Spec {
        sample_rate_hz: 44_100,
        max_block_frames: 16,
        channels: 1,
    };
    // D = round(0.00151 x 44100) + 1 = round(66.591) + 1 = 68.
    assert_eq!(node.prepare(&spec).unwrap().latency_frames, 67);
    // exp(-1 / 88.2) and exp(-1 / 22050), rounded to single precision.
    assert_eq!(node.coefficients.attack, 0.988_726_15);
    assert_eq!(node.coefficients.release, 0.999_954_65);
    assert_eq!(node.coefficients.threshold, 0.1);
}

#[test]
fn an_attack_of_zero_follows_at_once() {
    let mut samples = [0.0, 0.9, 0.9, 0.9];
    limited(
        &[("attack", "0"), ("delay", "0"), ("threshold", "0.5")],
        1,
        &mut samples,
    );
    // g = (1 + t) - e = 0.6 from the first loud sample on; y = 0.9 x 0.6 within an ulp.
    assert!((samples[1] - 0.54).abs() < 1e-7, "{}", samples[1]);
}

#[test]
fn both_forms_of_one_value_are_refused_and_forms_of_different_values_are_not() {
    let mut settings = Settings::new(&EFFECT);
    settings.set_text("attack", "1ms").unwrap();
    settings.set_text("release_coeff", "0.999").unwrap();
    assert!(settings.check().is_ok());
    settings.set_text("attack_coeff", "0.9").unwrap();
    let error = settings.create().err().unwrap();
    assert!(matches!(
        error,
        crate::settings::SettingsError::Conflict {
            first: "attack_coeff",
            second: "attack",
            ..
        }
    ));
    let mut settings = Settings::new(&EFFECT);
    settings.set_text("delay_samples", "1.5").unwrap();
    assert!(settings.create().is_err());
}

#[test]
fn linked_channels_keep_their_ratio_and_independent_ones_do_not() {
    for (link, keeps) in [("linked", true), ("independent", false)] {
        let mut samples = [0.0f32; 400];
        for frame in 0..200 {
            samples[frame] = 0.95;
            samples[200 + frame] = 0.475;
        }
        limited(
            &[("link", link), ("delay", "0"), ("threshold", "0.3")],
            2,
            &mut samples,
        );
        let kept = (samples[199] / samples[399] - 2.0).abs() < 1e-6;
        assert_eq!(kept, keeps, "{link}: {} and {}", samples[199], samples[399]);
    }
}

#[test]
fn linked_channels_that_are_equal_sound_as_one_alone() {
    let values = [
        ("attack_coeff", "0.9"),
        ("release_coeff", "0.99"),
        ("delay_samples", "7"),
    ];
    let mut one: Vec<f32> = (0..300)
        .map(|n| ((n * 37 % 101) as f32 / 50.0) - 1.0)
        .collect();
    let mut two = [one.clone(), one.clone()].concat();
    limited(&values, 1, &mut one);
    let linked = [&values[..], &[("link", "linked")]].concat();
    limited(&linked, 2, &mut two);
    assert_eq!([one.clone(), one].concat(), two);
}

#[test]
fn only_raw_factors_ask_for_subnormals() {
    let mut samples = [0.0; 4];
    let kept = |values: &[(&str, &str)], samples: &mut [f32]| {
        limited(values, 1, samples).subnormals() == Subnormals::Kept
    };
    assert!(!kept(&[], &mut samples));
    assert!(!kept(
        &[("delay_samples", "3"), ("threshold", "0.5")],
        &mut samples
    ));
    assert!(kept(&[("release_coeff", "0.5")], &mut samples));
}
