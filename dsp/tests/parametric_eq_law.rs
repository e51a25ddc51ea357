//! The curves of the equaliser against their analogue prototypes, measured from outside.

use std::f64::consts::PI;

use ossicle_dsp::block::{Block, Planes};
use ossicle_dsp::node::{Node, PrepareError, Spec};
use ossicle_dsp::registry::effect;
use ossicle_dsp::settings::Settings;

const RATE_HZ: f64 = 48_000.0;

fn settings(values: &str) -> Settings {
    let mut settings = Settings::new(effect("parametric_eq").unwrap());
    for pair in values.split(',').filter(|pair| !pair.is_empty()) {
        let (parameter, text) = pair.split_once('=').unwrap();
        settings.set_text(parameter, text).unwrap();
    }
    settings
}

fn equaliser(values: &str, channels: usize) -> Box<dyn Node> {
    let mut node = settings(values).create().unwrap();
    node.prepare(&Spec {
        sample_rate_hz: RATE_HZ as u32,
        max_block_frames: 1 << 17,
        channels,
    })
    .unwrap();
    node
}

fn process(node: &mut dyn Node, samples: &mut [f32], channels: usize, since_reset: u64) {
    let frames = samples.len() / channels;
    node.process(&mut Block {
        planes: Planes::new(samples, frames, frames),
        side_chain: None,
        since_reset,
    });
}

/// The level in decibels at each frequency, from the impulse response.
fn levels(values: &str, frequencies_hz: &[f64]) -> Vec<f64> {
    let mut samples = vec![0.0; 1 << 16];
    samples[0] = 1.0;
    process(&mut *equaliser(values, 1), &mut samples, 1, 0);
    let level = |frequency_hz: &f64| {
        let turn = 2.0 * PI * frequency_hz / RATE_HZ;
        let (mut re, mut im) = (0.0, 0.0);
        for (n, &sample) in samples.iter().enumerate() {
            re += f64::from(sample) * (turn * n as f64).cos();
            im -= f64::from(sample) * (turn * n as f64).sin();
        }
        20.0 * re.hypot(im).log10()
    };
    frequencies_hz.iter().map(level).collect()
}

/// The level of the analogue prototype, its frequency bent as the bilinear transform bends it.
///
/// With w the bent frequency over the bent corner and A = 10^(gain/40): a quotient of polynomials
/// b2 s^2 + b1 s + b0 over a2 s^2 + a1 s + a0 at s = i w.
fn prototype(kind: &str, corner_hz: f64, gain_db: f64, q: f64, frequency_hz: f64) -> f64 {
    let bent = |frequency_hz: f64| (PI * frequency_hz / RATE_HZ).tan();
    let w = bent(frequency_hz) / bent(corner_hz);
    let a = 10f64.powf(gain_db / 40.0);
    let r = a.sqrt() / q;
    let (b, c) = match kind {
        "peak" => ([1.0, a / q, 1.0], [1.0, 1.0 / (a * q), 1.0]),
        "low_shelf" => ([a, a * r, a * a], [a, r, 1.0]),
        "high_shelf" => ([a * a, a * r, a], [1.0, r, a]),
        "low_pass" => ([0.0, 0.0, 1.0], [1.0, 1.0 / q, 1.0]),
        "notch" => ([1.0, 0.0, 1.0], [1.0, 1.0 / q, 1.0]),
        "band_pass" => ([0.0, 1.0 / q, 0.0], [1.0, 1.0 / q, 1.0]),
        "all_pass" => ([1.0, -1.0 / q, 1.0], [1.0, 1.0 / q, 1.0]),
        _ => ([1.0, 0.0, 0.0], [1.0, 1.0 / q, 1.0]),
    };
    let size = |[two, one, zero]: [f64; 3]| (zero - two * w * w).hypot(one * w);
    20.0 * (size(b) / size(c)).log10()
}

const KINDS: [&str; 8] = [
    "peak",
    "low_shelf",
    "high_shelf",
    "low_pass",
    "high_pass",
    "notch",
    "band_pass",
    "all_pass",
];

#[test]
fn curves_are_those_of_their_prototypes() {
    let frequencies = [20.0, 110.0, 700.0, 2000.0, 6000.0, 11_000.0, 19_000.0];
    for kind in KINDS {
        for (corner, gain, q) in [
            (300.0, 6.0, 0.7),
            (1000.0, -12.0, 4.0),
            (9000.0, 18.0, 1.5),
            (15_000.0, -3.0, 0.3),
        ] {
            let values =
                format!("design=rbj,b1_type={kind},b1_freq={corner}Hz,b1_gain={gain}dB,b1_q={q}");
            let got = levels(&values, &frequencies);
            for (&frequency, got) in frequencies.iter().zip(got) {
                let want = prototype(kind, corner, gain, q, frequency);
                // A thousandth of a decibel, and the rounding of the impulse response's largest
                // samples to single precision.
                let size = |level: f64| 10f64.powf(level / 20.0);
                let allowed = size(want) * (size(0.001) - 1.0) + 1e-7;
                assert!(
                    (size(got) - size(want)).abs() < allowed,
                    "{values} at {frequency} Hz: {got} dB, not {want} dB"
                );
            }
        }
    }
}

#[test]
fn landmarks_of_the_curves_are_where_they_are_said() {
    let at = |values: &str, frequency_hz: f64| levels(values, &[frequency_hz])[0];
    let near = |got: f64, want: f64| assert!((got - want).abs() < 0.001, "{got}, not {want}");
    // A pass is at Q at its corner, so that 1/sqrt(2) is half power.
    for kind in ["low_pass", "high_pass"] {
        let values = format!("design=rbj,b3_type={kind},b3_freq=12kHz,b3_q=0.7071067811865476");
        near(at(&values, 12_000.0), -10.0 * 2f64.log10());
    }
    // A peak has its gain at its centre, a shelf half of the decibels at its corner and all of them
    // at the end.
    near(
        at(
            "design=rbj,b1_type=peak,b1_freq=10kHz,b1_gain=-9dB,b1_q=3",
            10_000.0,
        ),
        -9.0,
    );
    for (kind, end) in [("low_shelf", 1.0), ("high_shelf", 23_990.0)] {
        let values = format!("design=rbj,b1_type={kind},b1_freq=8kHz,b1_gain=10dB,b1_q=0.5");
        near(at(&values, 8000.0), 5.0);
        near(at(&values, end), 10.0);
    }
}

#[test]
fn bands_add_up_in_decibels() {
    let bands = [
        ("peak", 400.0, 7.0, 1.0),
        ("high_shelf", 5000.0, -6.0, 0.7),
        ("high_pass", 60.0, 0.0, 0.9),
    ];
    let mut values = String::from("design=rbj,");
    for ((kind, corner, gain, q), band) in bands.into_iter().zip([2, 17, 32]) {
        values += &format!(
            "b{band}_type={kind},b{band}_freq={corner},b{band}_gain={gain},b{band}_q={q},"
        );
    }
    let frequencies = [30.0, 60.0, 400.0, 3000.0, 14_000.0];
    for (frequency, got) in frequencies.into_iter().zip(levels(&values, &frequencies)) {
        let want: f64 = bands
            .iter()
            .map(|&(kind, corner, gain, q)| prototype(kind, corner, gain, q, frequency))
            .sum();
        assert!(
            (got - want).abs() < 0.002,
            "{frequency} Hz: {got}, not {want}"
        );
    }
}

#[test]
fn flat_bands_pass_bit_for_bit() {
    let mut values = String::new();
    for (band, kind) in (1..).zip(["off", "peak", "low_shelf", "high_shelf"]) {
        let gain = if kind == "off" { 12 } else { 0 };
        values += &format!("b{band}_type={kind},b{band}_freq=3kHz,b{band}_gain={gain},");
    }
    let input: Vec<f32> = (0..2000u32)
        .map(|n| f32::from_bits(n.wrapping_mul(2_654_435_761) & 0xbfff_ffff))
        .chain([-0.0, f32::from_bits(1)])
        .collect();
    let mut samples = input.clone();
    process(&mut *equaliser(&values, 1), &mut samples, 1, 0);
    let same = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits();
    assert!(samples.iter().zip(&input).all(same));
}

#[test]
fn channels_know_nothing_of_each_other() {
    let values = "b1_type=peak,b1_gain=12dB,b2_type=low_pass,b2_freq=5kHz";
    let input: Vec<f32> = (0..3000u32).map(|n| (n as f32 * 1.7).sin()).collect();
    let mut samples = input.clone();
    samples[1000..2000].fill(0.0);
    process(&mut *equaliser(values, 3), &mut samples, 3, 0);
    assert!(samples[1000..2000].iter().all(|&x| x == 0.0));
    for channel in [0, 2] {
        let mut alone = input[channel * 1000..][..1000].to_vec();
        process(&mut *equaliser(values, 1), &mut alone, 1, 0);
        assert_eq!(samples[channel * 1000..][..1000], alone);
    }
}

#[test]
fn low_corners_are_free_of_rounding_noise() {
    // The same recursion in exact arithmetic is linear: the response to a sum is the sum of the
    // responses. What is left of the difference is rounding; a direct form in single precision
    // leaves -59 dB at 20 Hz.
    let values = "b1_type=low_pass,b1_freq=20Hz,b1_q=0.7071";
    let tone = |frequency: f64, level: f64| -> Vec<f32> {
        (0..48_000)
            .map(|n| (level * (2.0 * PI * frequency * f64::from(n) / RATE_HZ).sin()) as f32)
            .collect()
    };
    let run = |mut samples: Vec<f32>| {
        process(&mut *equaliser(values, 1), &mut samples, 1, 0);
        samples
    };
    let (low, high) = (tone(15.0, 0.5), tone(3000.0, 0.5));
    let both = low.iter().zip(&high).map(|(a, b)| a + b).collect();
    let (both, low, high) = (run(both), run(low), run(high));
    let (mut noise, mut signal) = (0.0, 0.0);
    for ((both, low), high) in both.iter().zip(&low).zip(&high) {
        noise += (f64::from(*both) - f64::from(*low) - f64::from(*high)).powi(2);
        signal += f64::from(*both).powi(2);
    }
    let level = 10.0 * (noise / signal).log10();
    assert!(level < -130.0, "{level} dB");
}

#[test]
fn changes_glide() {
    // The tone moves by at most 0.1 x 2 pi 50/48000 x 4 = 0.0026 a frame when it is 12 dB up, and a
    // glide goes at most 0.27 x 18/1440 = 0.0034 of its way a frame: from 0.4 to 0.4 turned over that
    // is 0.0027. A jump at the tone's peak would be 0.3.
    let mut node = equaliser("b1_type=peak,b1_freq=50Hz,b1_gain=0dB,b1_q=1", 1);
    let mut samples: Vec<f32> = (0..48_000)
        .map(|n| (2.0 * PI * 50.0 * f64::from(n) / RATE_HZ).sin() as f32 * 0.1)
        .collect();
    let chunk = 4800 + 240; // changes fall on the tone's peaks
    let changes = [
        (2, 12.0),
        (1, 400.0),
        (3, 8.0),
        (0, 4.0),
        (0, 0.0),
        (2, -12.0),
    ];
    for (turn, part) in samples.chunks_mut(chunk).enumerate() {
        if let Some(&(number, value)) = changes.get(turn) {
            node.set(number, value);
        }
        process(&mut *node, part, 1, (turn * chunk) as u64);
    }
    let steepest = samples
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).abs())
        .fold(0.0, f32::max);
    assert!(steepest < 0.0067, "{steepest}");
}

#[test]
fn a_glide_ends_where_a_fresh_node_begins() {
    let mut glided = equaliser("b1_type=peak,b1_freq=200Hz,b1_gain=-20dB,b1_q=5", 1);
    for (number, value) in [(1, 3000.0), (2, 6.0), (3, 1.0), (0, 3.0)] {
        glided.set(number, value);
    }
    // Long enough for the glide and for what it set ringing.
    process(&mut *glided, &mut [0.0; 48_000], 1, 0);
    let mut fresh = equaliser("b1_type=high_shelf,b1_freq=3kHz,b1_gain=6dB,b1_q=1", 1);
    let mut a: Vec<f32> = (0..4000).map(|n| (n as f32 * 0.7).sin()).collect();
    let mut b = a.clone();
    process(&mut *glided, &mut a, 1, 48_000);
    process(&mut *fresh, &mut b, 1, 0);
    assert_eq!(a, b);
}

#[test]
fn a_frequency_above_the_usable_range_is_refused_by_name() {
    let prepare = |values: &str| {
        settings(values).create().unwrap().prepare(&Spec {
            sample_rate_hz: 22_050,
            max_block_frames: 64,
            channels: 1,
        })
    };
    let error = prepare("b7_type=peak,b7_freq=12kHz,b7_gain=3dB").unwrap_err();
    let PrepareError::ParameterOutOfRange {
        parameter,
        asked,
        max,
        ..
    } = error
    else {
        panic!("{error}");
    };
    assert_eq!((parameter, asked), ("b7_freq", 12_000.0));
    assert!((max - 0.49 * 22_050.0).abs() < 1e-9);
    assert!(prepare("b7_type=off,b7_freq=12kHz").is_ok());
    assert!(prepare("b7_type=peak,b7_freq=10kHz").is_ok());
}
