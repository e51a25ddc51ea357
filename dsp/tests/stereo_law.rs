//! The laws of width and mid-side, measured from outside.

use ossicle_dsp::block::{Block, Planes};
use ossicle_dsp::node::{Node, Spec};
use ossicle_dsp::registry::effect;
use ossicle_dsp::settings::Settings;

const FRAMES: usize = 1100;

fn node(id: &str, values: &[(&str, &str)]) -> Box<dyn Node> {
    let mut settings = Settings::new(effect(id).unwrap());
    for (parameter, value) in values {
        settings.set_text(parameter, value).unwrap();
    }
    let mut node = settings.create().unwrap();
    let spec = Spec {
        sample_rate_hz: 48_000,
        max_block_frames: FRAMES,
        channels: 2,
    };
    node.prepare(&spec).unwrap();
    node
}

/// Both channels of a constant sound, at every frame.
fn run(node: &mut dyn Node, left: f32, right: f32) -> (Vec<f32>, Vec<f32>) {
    let mut samples = [vec![left; FRAMES], vec![right; FRAMES]].concat();
    node.process(&mut Block {
        planes: Planes::new(&mut samples, FRAMES, FRAMES),
        side_chain: None,
        since_reset: 0,
    });
    let right = samples.split_off(FRAMES);
    (samples, right)
}

fn last(id: &str, values: &[(&str, &str)], left: f32, right: f32) -> (f32, f32) {
    let (left, right) = run(&mut *node(id, values), left, right);
    (left[FRAMES - 1], right[FRAMES - 1])
}

/// For L = 0.75 and R = 0.25: M = 0.5 and S = 0.25; all of it exact in binary.
#[test]
fn width_scales_the_difference_and_keeps_the_sum() {
    for (width, want) in [
        ("0%", (0.5, 0.5)),
        ("50%", (0.625, 0.375)),
        ("100%", (0.75, 0.25)),
        ("200%", (1.0, 0.0)),
    ] {
        assert_eq!(
            last("width", &[("width", width)], 0.75, 0.25),
            want,
            "{width}"
        );
    }
}

#[test]
fn at_100_per_cent_every_bit_passes() {
    let odd = f32::from_bits(0x3f12_3457);
    assert_eq!(last("width", &[], odd, -0.0), (odd, -0.0));
    let (_, right) = last("width", &[], odd, -0.0);
    assert!(right.is_sign_negative());
}

#[test]
fn mid_side_is_half_the_sum_and_half_the_difference_and_goes_back() {
    assert_eq!(last("mid_side", &[], 0.75, 0.25), (0.5, 0.25));
    assert_eq!(
        last("mid_side", &[("mode", "decode")], 0.5, 0.25),
        (0.75, 0.25)
    );
}

/// The share of its way that a glide of 20 ms has gone after so many frames: three equal one-pole low
/// passes in a row, each with 20 time constants in it; then all of it.
fn gone(frames: usize) -> f64 {
    let (n, rate) = (frames as f64, -(-20.0f64 / 960.0).exp_m1());
    let left = (1.0 - rate).powf(n) * (1.0 + n * rate + n * (n + 1.0) / 2.0 * rate * rate);
    if frames < 960 { 1.0 - left } else { 1.0 }
}

#[test]
fn a_change_of_either_glides_within_20_ms() {
    let mut width = node("width", &[("width", "0%")]);
    width.set(0, 200.0);
    let (left, _) = run(&mut *width, 0.75, 0.25);
    let mut mode = node("mid_side", &[]);
    mode.set(0, 1.0);
    let (first, _) = run(&mut *mode, 0.75, 0.25);
    for frame in 0..FRAMES {
        let done = gone(frame + 1) as f32;
        assert!(
            (left[frame] - (0.5 + 0.5 * done)).abs() < 1e-6,
            "{frame}: {}",
            left[frame]
        );
        assert!(
            (first[frame] - (0.5 + 0.5 * done)).abs() < 1e-6,
            "{frame}: {}",
            first[frame]
        );
    }
}
