//! The law of the delay: where its echoes are, how loud, and how true between frames.

use std::f64::consts::PI;

use ossicle_dsp::block::{Block, Planes};
use ossicle_dsp::node::{Node, Spec};
use ossicle_dsp::registry::effect;
use ossicle_dsp::settings::Settings;

const RATE_HZ: u32 = 48_000;

fn delay(values: &[(&str, &str)]) -> Box<dyn Node> {
    let mut settings = Settings::new(effect("delay").unwrap());
    for (parameter, text) in values {
        settings.set_text(parameter, text).unwrap();
    }
    let mut node = settings.create().unwrap();
    node.prepare(&Spec {
        sample_rate_hz: RATE_HZ,
        max_block_frames: 1 << 16,
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

fn impulse(frames: usize) -> Vec<f32> {
    let mut samples = vec![0.0; frames];
    samples[0] = 1.0;
    samples
}

#[test]
fn echoes_of_an_impulse_are_a_geometric_row() {
    let wet = [("time", "10ms"), ("feedback", "-50%"), ("mix", "25%")];
    let mut samples = impulse(2500);
    process(&mut *delay(&wet), &mut samples);
    for (frame, &sample) in samples.iter().enumerate() {
        // y(n) = x(n) + m (w(n - d) - x(n)), w(n - d) = b^(k - 1) at n = k d. All of the numbers
        // are powers of two, so nothing is rounded.
        let want = match (frame / 480, frame % 480) {
            (0, 0) => 0.75,
            (echo, 0) => 0.25 * (-0.5f32).powi(echo as i32 - 1),
            _ => 0.0,
        };
        assert_eq!(sample, want, "frame {frame}");
    }
}

#[test]
fn whole_frames_are_copied_bit_for_bit() {
    let mut seed = 1u32;
    let mut noise = || {
        seed = seed.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
        // All signs and exponents; infinities and NaN apart.
        f32::from_bits(if seed & 0x7f80_0000 == 0x7f80_0000 {
            seed & 0x80ff_ffff
        } else {
            seed
        })
    };
    let input: Vec<f32> = (0..5000).map(|_| noise()).collect();
    // 1000/48000 s cannot be written in full: the nearest whole frame is meant.
    for (time, frames) in [("10ms", 480), ("20.833333ms", 1000), ("0.1s", 4800)] {
        let mut samples = input.clone();
        let wet = [("time", time), ("feedback", "0%"), ("mix", "100%")];
        process(&mut *delay(&wet), &mut samples);
        let same = samples[frames..]
            .iter()
            .zip(&input)
            .all(|(out, into)| out.to_bits() == into.to_bits());
        assert!(
            same && samples[..frames].iter().all(|&x| x == 0.0),
            "{time}"
        );
    }
}

#[test]
fn mix_0_passes_bit_for_bit() {
    let input: Vec<f32> = (0..3000).map(|n| (n as f32 * 0.37).sin() * 3.0).collect();
    let mut samples = input.clone();
    process(&mut *delay(&[("time", "3ms"), ("mix", "0%")]), &mut samples);
    assert_eq!(samples, input);
}

/// The response to a steady sine: gain, and phase as a delay in frames near `expected`.
fn measured(time: &str, frequency_hz: f64, expected: f64) -> (f64, f64) {
    let turn = 2.0 * PI * frequency_hz / f64::from(RATE_HZ);
    let mut samples: Vec<f32> = (0..24_000)
        .map(|n| (turn * f64::from(n)).sin() as f32)
        .collect();
    let wet = [("time", time), ("feedback", "0%"), ("mix", "100%")];
    process(&mut *delay(&wet), &mut samples);
    // A whole second half of periods: 12000 frames are a quarter of a second.
    let (mut re, mut im) = (0.0, 0.0);
    for (n, &sample) in samples.iter().enumerate().skip(12_000) {
        let angle = turn * (n as f64 - expected);
        re += f64::from(sample) * angle.sin() / 6000.0;
        im += f64::from(sample) * angle.cos() / 6000.0;
    }
    (re.hypot(im), expected - im.atan2(re) / turn)
}

#[test]
fn between_frames_the_delay_is_true_to_a_hundredth_of_a_frame() {
    for time_ms in [1.03, 2.77, 10.01, 33.337] {
        let frames = time_ms * 48.0;
        for frequency_hz in [100.0, 1000.0, 4000.0, 8000.0] {
            let (gain, got) = measured(&format!("{time_ms}ms"), frequency_hz, frames);
            assert!(
                (got - frames).abs() < 0.01,
                "{time_ms} ms at {frequency_hz} Hz: {got} frames, not {frames}"
            );
            // The worst place is half-way: 0.2 dB at a sixth of the rate.
            let level = 20.0 * gain.log10();
            assert!(
                (-0.25..0.001).contains(&level),
                "{frequency_hz} Hz: {level} dB"
            );
        }
    }
}

#[test]
fn a_time_that_glides_does_not_click() {
    // A sine of 100 Hz moves by at most 2 pi 100/48000 = 0.0131 a frame. The glide from 20 to 25 ms
    // goes at most 0.27 of its way within a time constant of 20 ms, so it reads at a speed of 0.93, back
    // at 1.07; a jump by half a period would turn it over.
    let mut node = delay(&[("time", "20ms"), ("feedback", "0%"), ("mix", "100%")]);
    let turn = 2.0 * PI * 100.0 / f64::from(RATE_HZ);
    let mut samples: Vec<f32> = (0..90_000)
        .map(|n| (turn * f64::from(n)).sin() as f32)
        .collect();
    let (before, rest) = samples.split_at_mut(10_000);
    let (longer, shorter) = rest.split_at_mut(40_000);
    process(&mut *node, before);
    node.set(0, 25.0);
    process(&mut *node, longer);
    node.set(0, 20.0);
    process(&mut *node, shorter);
    let steepest = samples[2000..]
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).abs())
        .fold(0.0, f32::max);
    assert!(steepest < 1.07 * 0.0131 + 1e-5, "{steepest}");
    // It has arrived: 20 ms are 960 frames.
    let last: Vec<f32> = (0..10)
        .map(|n| (turn * (89_990.0 + f64::from(n) - 960.0)).sin() as f32)
        .collect();
    assert_eq!(samples[89_990..], last);
}

#[test]
fn full_feedback_neither_grows_nor_fades() {
    for time in ["1ms", "1.01ms"] {
        let mut node = delay(&[("time", time), ("feedback", "100%"), ("mix", "100%")]);
        // 100 Hz of 48 000: what interpolation takes from it in 1000 turns is below 0.01 dB.
        let turn = 2.0 * PI * 100.0 / f64::from(RATE_HZ);
        let mut samples: Vec<f32> = (0..48)
            .map(|n| (turn * f64::from(n)).sin() as f32)
            .collect();
        samples.resize(48_048, 0.0);
        process(&mut *node, &mut samples);
        let energy = |from: usize| -> f64 {
            samples[from..][..480]
                .iter()
                .map(|&x| f64::from(x).powi(2))
                .sum()
        };
        let level = 10.0 * (energy(47_000) / energy(480)).log10();
        assert!(level < 0.001, "{time}: {level} dB");
        if time == "1ms" {
            assert_eq!(energy(47_520), energy(480));
        }
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
fn feedback_and_mix_glide_within_20_ms() {
    // Before the first echo w(n - d) is 0, so y = 1 - m.
    let mut node = delay(&[("time", "1s"), ("mix", "0%")]);
    let mut samples = [1.0; 1100];
    node.set(2, 100.0);
    process(&mut *node, &mut samples);
    for (frame, &sample) in samples.iter().enumerate() {
        let want = (1.0 - gone(frame + 1)) as f32;
        assert!(
            (sample - want).abs() < 1e-6,
            "{frame}: {sample}, not {want}"
        );
    }
    // A constant 1 of 960 frames comes round as b, which was 0 and is to be 1.
    let mut node = delay(&[("time", "20ms"), ("feedback", "0%"), ("mix", "100%")]);
    let mut samples = [0.0; 2880];
    samples[..960].fill(1.0);
    process(&mut *node, &mut samples[..960]);
    node.set(1, 100.0);
    process(&mut *node, &mut samples[960..]);
    for (frame, &sample) in samples[1920..2880].iter().enumerate() {
        let want = gone(frame + 1) as f32;
        assert!(
            (sample - want).abs() < 1e-6,
            "{frame}: {sample}, not {want}"
        );
    }
}
