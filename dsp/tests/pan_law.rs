//! The law of the pan: gains measured from outside.

use ossicle_dsp::block::{Block, Planes};
use ossicle_dsp::node::Spec;
use ossicle_dsp::registry::effect;
use ossicle_dsp::settings::Settings;

/// What a constant 1 in every channel becomes, far from any change: left and right.
fn gains(channels: usize, pan: f64) -> (f64, f64) {
    gains_by("-3dB", channels, pan)
}

fn gains_by(law: &str, channels: usize, pan: f64) -> (f64, f64) {
    let mut settings = Settings::new(effect("pan").unwrap());
    settings.set(0, pan).unwrap();
    settings.set_text("law", law).unwrap();
    let mut node = settings.create().unwrap();
    let shape = node
        .prepare(&Spec {
            sample_rate_hz: 48_000,
            max_block_frames: 16,
            channels,
        })
        .unwrap();
    assert_eq!(shape.channels, 2);
    let mut samples = [1.0; 32];
    samples[channels * 16..].fill(f32::NAN);
    node.process(&mut Block {
        planes: Planes::new(&mut samples, 16, 16),
        side_chain: None,
        since_reset: 0,
    });
    (f64::from(samples[15]), f64::from(samples[31]))
}

/// Twice the rounding of a gain to single precision.
const ROUNDING: f64 = 1.2e-7;

#[test]
fn one_channel_keeps_its_power_wherever_it_is_put() {
    for step in -10..=10 {
        let (left, right) = gains(1, f64::from(step) * 10.0);
        let power = left * left + right * right;
        assert!((power - 1.0).abs() < 2.0 * ROUNDING, "{step}: {power}");
        // The place on the quarter circle: tan of its angle is right over left.
        let angle = right.atan2(left) / std::f64::consts::FRAC_PI_2;
        let want = (f64::from(step) + 10.0) / 20.0;
        assert!((angle - want).abs() < ROUNDING, "{step}: {angle}");
    }
}

#[test]
fn the_ends_are_silent_on_the_other_side() {
    for channels in [1, 2] {
        assert_eq!(gains(channels, -100.0), (1.0, 0.0));
        assert_eq!(gains(channels, 100.0), (0.0, 1.0));
    }
}

#[test]
fn the_middle_is_even() {
    let (left, right) = gains(1, 0.0);
    assert_eq!(left, right);
    assert_eq!(gains(2, 0.0), (1.0, 1.0));
}

#[test]
fn two_channels_keep_the_side_that_is_turned_to() {
    for pan in [1.0f64, 30.0, 50.0, 99.0] {
        let far = (pan / 100.0 * std::f64::consts::FRAC_PI_2).cos();
        let (left, right) = gains(2, pan);
        assert_eq!(right, 1.0);
        assert!((left - far).abs() < ROUNDING, "{pan}: {left}, not {far}");
        assert_eq!(gains(2, -pan), (right, left));
    }
}

/// The share of its way that a glide of 20 ms has gone after so many frames: three equal one-pole low
/// passes in a row, each with 20 time constants in it; then all of it.
fn gone(frames: usize) -> f64 {
    let (n, rate) = (frames as f64, -(-20.0f64 / 960.0).exp_m1());
    let left = (1.0 - rate).powf(n) * (1.0 + n * rate + n * (n + 1.0) / 2.0 * rate * rate);
    if frames < 960 { 1.0 - left } else { 1.0 }
}

#[test]
fn a_change_glides_within_20_ms() {
    let mut node = Settings::new(effect("pan").unwrap()).create().unwrap();
    node.prepare(&Spec {
        sample_rate_hz: 48_000,
        max_block_frames: 1100,
        channels: 2,
    })
    .unwrap();
    let mut samples = [1.0; 2200];
    node.set(0, 100.0);
    node.process(&mut Block {
        planes: Planes::new(&mut samples, 1100, 1100),
        side_chain: None,
        since_reset: 0,
    });
    for (frame, &left) in samples[..1100].iter().enumerate() {
        let want = (1.0 - gone(frame + 1)) as f32;
        assert!((left - want).abs() < 1e-6, "{frame}: {left}, not {want}");
    }
    assert_eq!(samples[959..1100], [0.0; 141]);
    assert_eq!(samples[1100..], [1.0; 1100]);
}

#[test]
fn each_law_has_its_level_in_the_middle_and_full_level_at_the_sides() {
    for (law, level_db) in [("-3dB", -3.0103), ("-4.5dB", -4.5154), ("-6dB", -6.0206)] {
        let (left, right) = gains_by(law, 1, 0.0);
        assert_eq!(left, right, "{law}");
        assert!(
            (20.0 * left.log10() - level_db).abs() < 1e-4,
            "{law}: {left}"
        );
        for channels in [1, 2] {
            assert_eq!(gains_by(law, channels, -100.0), (1.0, 0.0), "{law}");
            assert_eq!(gains_by(law, channels, 100.0), (0.0, 1.0), "{law}");
        }
        assert_eq!(gains_by(law, 2, 0.0), (1.0, 1.0), "{law}");
    }
}

#[test]
fn at_6_db_the_sum_of_both_sides_is_the_same_everywhere() {
    for step in -10..=10 {
        let (left, right) = gains_by("-6dB", 1, f64::from(step) * 10.0);
        assert!(
            (left + right - 1.0).abs() < ROUNDING,
            "{step}: {left} and {right}"
        );
    }
}
