//! The law of the gain, measured from outside.

use ossicle_dsp::block::{Block, Planes};
use ossicle_dsp::node::{Node, Spec};
use ossicle_dsp::registry::effect;
use ossicle_dsp::settings::Settings;

fn gain(text: &str) -> Box<dyn Node> {
    let mut settings = Settings::new(effect("gain").unwrap());
    settings.set_text("gain", text).unwrap();
    let mut node = settings.create().unwrap();
    node.prepare(&Spec {
        sample_rate_hz: 48_000,
        max_block_frames: 4096,
        channels: 1,
    })
    .unwrap();
    node
}

fn process(node: &mut dyn Node, samples: &mut [f32]) {
    let frames = samples.len();
    node.process(&mut Block {
        planes: Planes::new(samples, frames, frames),
        side_chain: None,
        since_reset: 0,
    });
}

#[test]
fn twenty_decibels_are_ten_times_the_amplitude() {
    for (text, factor) in [("20dB", 10.0), ("-40dB", 0.01), ("6.0206dB", 2.0)] {
        let mut samples = [1.0, -0.3];
        process(&mut *gain(text), &mut samples);
        for (got, x) in samples.into_iter().zip([1.0, -0.3]) {
            // 6.0206 dB is 2 to six digits.
            assert!((got / (factor * x) - 1.0f32).abs() < 5e-7, "{text}: {got}");
        }
    }
}

#[test]
fn zero_decibels_pass_bit_for_bit_and_the_smallest_is_silence() {
    let input: Vec<f32> = (0..4000u32)
        .map(|n| f32::from_bits(n.wrapping_mul(2_654_435_761) & 0xbfff_ffff))
        .collect();
    let mut samples = input.clone();
    process(&mut *gain("0dB"), &mut samples);
    let same = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits();
    assert!(samples.iter().zip(&input).all(same));
    process(&mut *gain("-120dB"), &mut samples);
    assert!(samples.iter().all(|&sample| sample == 0.0));
    let mut samples = [1.0];
    process(&mut *gain("-119dB"), &mut samples);
    assert!(samples[0] > 1.1e-6 && samples[0] < 1.2e-6);
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
    let mut node = gain("0dB");
    let mut samples = [1.0; 1100];
    node.set(0, -120.0);
    process(&mut *node, &mut samples);
    for (frame, &sample) in samples.iter().enumerate() {
        let want = (1.0 - gone(frame + 1)) as f32;
        assert!(
            (sample - want).abs() < 1e-6,
            "{frame}: {sample}, not {want}"
        );
    }
    assert_eq!(samples[959..], [0.0; 141]);
}

#[test]
fn inverted_and_muted_are_signs_of_the_same_gain() {
    let mut node = gain("6.0206dB");
    // Each glide is done after 20 ms.
    let mut after = |number: usize, value: f64| {
        node.set(number, value);
        let mut samples = [0.25; 961];
        process(&mut *node, &mut samples);
        samples[960]
    };
    let close = |got: f32, want: f32| assert!((got - want).abs() < 1e-6, "{got}, not {want}");
    close(after(1, 1.0), -0.5);
    assert_eq!(after(2, 1.0), 0.0);
    close(after(2, 0.0), -0.5);
    close(after(0, 0.0), -0.25);
    close(after(1, 0.0), 0.25);
}
