//! What the crossover promises of its bands and their sum.

use std::f64::consts::PI;

use ossicle_dsp::block::Planes;
use ossicle_dsp::parts::crossover::{Crossover, CrossoverError};

const RATE_HZ: f64 = 48_000.0;
/// Long enough for the lowest corner, 40 Hz, to ring out.
const FRAMES: usize = 1 << 14;

fn crossover(corners_hz: &[f64], channels: usize) -> Crossover {
    let norms: Vec<f64> = corners_hz.iter().map(|hz| hz / RATE_HZ).collect();
    Crossover::new(&norms, channels, 960).unwrap()
}

/// The impulse response of each band.
fn responses(corners_hz: &[f64]) -> Vec<Vec<f32>> {
    let mut crossover = crossover(corners_hz, 1);
    let mut input = vec![0.0; FRAMES];
    input[0] = 1.0;
    let mut bands = vec![0.0; crossover.bands() * FRAMES];
    crossover.process(
        &Planes::new(&mut input, FRAMES, FRAMES),
        0,
        &mut bands,
        FRAMES,
    );
    bands.chunks(FRAMES).map(<[f32]>::to_vec).collect()
}

/// Real and imaginary part of a response at a frequency.
fn at(response: &[f32], frequency_hz: f64) -> [f64; 2] {
    let turn = 2.0 * PI * frequency_hz / RATE_HZ;
    let mut sum = [0.0, 0.0];
    for (n, &y) in response.iter().enumerate() {
        let (sin, cos) = (turn * n as f64).sin_cos();
        sum[0] += f64::from(y) * cos;
        sum[1] -= f64::from(y) * sin;
    }
    sum
}

fn level([re, im]: [f64; 2]) -> f64 {
    20.0 * re.hypot(im).log10()
}

const CORNERS: [&[f64]; 6] = [
    &[1000.0],
    &[120.0, 2500.0],
    &[90.0, 900.0, 9000.0],
    &[60.0, 250.0, 1000.0, 4000.0],
    &[40.0, 150.0, 600.0, 2400.0, 12_000.0],
    // Neighbours so near that no band is ever alone, and in no order.
    &[5000.0, 400.0, 500.0, 450.0, 18_000.0],
];

#[test]
fn the_sum_of_the_bands_is_flat() {
    for corners in CORNERS {
        let bands = responses(corners);
        for step in 0..=30 {
            let frequency = 20.0 * 1000_f64.powf(f64::from(step) / 30.0);
            let sum = bands.iter().fold([0.0, 0.0], |[re, im], band| {
                let [r, i] = at(band, frequency);
                [re + r, im + i]
            });
            let level = level(sum);
            assert!(
                level.abs() < 0.01,
                "{corners:?} at {frequency} Hz: {level} dB"
            );
        }
    }
}

#[test]
fn each_band_is_a_fourth_order_low_and_high_pass() {
    // |low|^2 = 1/(1 + w^4) of a Butterworth pass of second order, twice; w bent as the bilinear
    // transform bends it. The all-passes change no level.
    let corners = [200.0, 3000.0];
    let bands = responses(&corners);
    let bent = |hz: f64| (PI * hz / RATE_HZ).tan();
    let low = |corner: f64, hz: f64| {
        let w: f64 = bent(hz) / bent(corner);
        -20.0 * (1.0 + w.powi(4)).log10()
    };
    let high = |corner: f64, hz: f64| {
        let w: f64 = bent(corner) / bent(hz);
        -20.0 * (1.0 + w.powi(4)).log10()
    };
    for hz in [50.0, 200.0, 700.0, 3000.0, 11_000.0] {
        let want = [
            low(corners[0], hz),
            high(corners[0], hz) + low(corners[1], hz),
            high(corners[0], hz) + high(corners[1], hz),
        ];
        for (band, want) in bands.iter().zip(want) {
            let got = level(at(band, hz));
            assert!(
                want < -70.0 || (got - want).abs() < 0.001,
                "{hz} Hz: {got}, not {want}"
            );
        }
    }
    // At its corner each of the two is 6 dB down, so that they add up in phase.
    let half = level(at(&bands[0], 200.0));
    assert!((half + 20.0 * 2_f64.log10()).abs() < 0.001, "{half}");
}

fn noise(frames: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..frames).map(|_| next()).collect()
}

/// Three channels in blocks of `cut`, corners moved at fixed frames.
fn moved(cut: usize) -> Vec<f32> {
    const CHANNELS: usize = 3;
    const LENGTH: usize = 3000;
    let mut crossover = crossover(&[300.0, 2000.0], CHANNELS);
    let input: Vec<Vec<f32>> = (1..=3).map(|seed| noise(LENGTH, seed)).collect();
    let mut output = vec![0.0; 3 * CHANNELS * LENGTH];
    let mut done = 0;
    while done < LENGTH {
        match done {
            500 => crossover.set_corner(0, 500.0 / RATE_HZ),
            1000 => crossover.set_corner(1, 1500.0 / RATE_HZ),
            _ => {}
        }
        let next = [500, 1000, LENGTH]
            .into_iter()
            .find(|&at| at > done)
            .unwrap();
        let length = cut.min(next - done);
        let mut block: Vec<f32> = input
            .iter()
            .flat_map(|plane| plane[done..done + length].to_vec())
            .collect();
        let mut bands = vec![0.0; 9 * length];
        let planes = Planes::new(&mut block, length, length);
        crossover.process(&planes, done as u64, &mut bands, length);
        for (plane, band) in output.chunks_mut(LENGTH).zip(bands.chunks(length)) {
            plane[done..done + length].copy_from_slice(band);
        }
        done += length;
    }
    output
}

#[test]
fn the_cut_into_blocks_changes_no_bit_and_the_sum_never_clicks() {
    let whole = moved(4096);
    for cut in [1, 7, 64, 333] {
        let parts = moved(cut);
        let same = whole
            .iter()
            .zip(&parts)
            .all(|(a, b)| a.to_bits() == b.to_bits());
        assert!(same, "blocks of {cut}");
    }
    // The channels know nothing of each other: the third runs beside no other.
    assert!(whole.iter().all(|y| y.is_finite() && y.abs() < 4.0));
}

#[test]
fn a_moving_corner_keeps_a_tone_whole() {
    // One octave in 20 ms under a tone at the corner: the sum of the bands is all-pass at every
    // moment, so its level stays but for the turning of the phase by less than two turns, which is
    // less than 100 Hz beside the tone and so nothing far above it.
    let mut crossover = crossover(&[1000.0], 1);
    let mut input: Vec<f32> = (0..9600)
        .map(|n| (2.0 * PI * 1000.0 * f64::from(n) / RATE_HZ).sin() as f32)
        .collect();
    let mut sum = Vec::new();
    for (turn, part) in input.chunks_mut(4800).enumerate() {
        let mut bands = vec![0.0; 2 * 4800];
        let planes = Planes::new(part, 4800, 4800);
        crossover.process(&planes, turn as u64 * 4800, &mut bands, 4800);
        crossover.set_corner(0, 2000.0 / RATE_HZ);
        let (low, high) = bands.split_at(4800);
        let pairs = low.iter().zip(high);
        sum.extend(pairs.map(|(low, high)| f64::from(*low) + f64::from(*high)));
    }
    let peak = sum[1000..]
        .iter()
        .fold(0.0_f64, |peak, y| peak.max(y.abs()));
    assert!(peak < 1.05, "{peak}");
    // A fourth difference of a tone of 1 kHz is (2 sin(pi/48))^4 = -71 dB; a jump would be 0 dB.
    let mut bend = sum;
    for _ in 0..4 {
        bend = bend.windows(2).map(|pair| pair[1] - pair[0]).collect();
    }
    let most = bend[1000..]
        .iter()
        .fold(0.0_f64, |most, y| most.max(y.abs()));
    assert!(20.0 * most.log10() < -60.0, "{} dB", 20.0 * most.log10());
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let error = Crossover::new(&[], 2, 1).unwrap_err();
    assert_eq!(
        error,
        CrossoverError::CornersUnsupported { asked: 0, max: 5 }
    );
    assert!(Crossover::new(&[0.1; 6], 2, 1).is_err());
    let error = Crossover::new(&[0.1, 0.495], 2, 1).unwrap_err();
    assert_eq!(
        error.to_string(),
        "corner 1 at 0.495 of the sample rate (allowed: above 0, at most 0.49)"
    );
    for norm in [0.0, -0.1, f64::NAN] {
        assert!(Crossover::new(&[norm], 2, 1).is_err());
    }
    assert!(Crossover::new(&[0.49], 2, 1).is_ok());
}
