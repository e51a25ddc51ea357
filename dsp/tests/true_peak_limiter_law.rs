//! What the true-peak limiter promises, measured from outside.
//!
//! `OSSICLE_TRIALS` sets the number of nasty signals, 10000 for a night.

#[path = "true_peak_limiter_law/meter.rs"]
mod meter;
#[path = "true_peak_limiter_law/rig.rs"]
mod rig;
#[path = "true_peak_limiter_law/signals.rs"]
mod signals;

use std::collections::BTreeMap;
use std::f64::consts::TAU;

use meter::Meter;
use rig::{limiter, run};
use signals::{BandLimit, Kind, RATE_HZ, Random};

const RATE: u32 = RATE_HZ as u32;

/// What a true peak may be over the ceiling, in decibels: of anything below 20 kHz, of white noise
/// up to half the rate, and of all else that reaches up there, for which no meter agrees with
/// another. Not one sample may be over.
const BELOW_20_KHZ_DB: f64 = 0.1;
const WHITE_NOISE_DB: f64 = 0.6;

fn trials() -> u64 {
    let asked = std::env::var("OSSICLE_TRIALS").map(|text| text.parse());
    asked.map_or(72, |trials| trials.expect("OSSICLE_TRIALS is a number"))
}

fn decibels(ratio: f64) -> f64 {
    20.0 * ratio.log10()
}

fn single(signal: &[f64]) -> Vec<f32> {
    signal.iter().map(|&sample| sample as f32).collect()
}

fn nothing(_: &mut dyn ossicle_dsp::node::Node, _: usize) {}

#[test]
fn no_sample_passes_the_ceiling_and_no_peak_between_samples() {
    const FRAMES: usize = 1500;
    let (meter, band_limit) = (Meter::new(), BandLimit::new());
    let mut worst = BTreeMap::new();
    for seed in 0..trials() {
        let mut random = Random(seed);
        let kind = Kind::ALL[seed as usize % Kind::ALL.len()];
        let limited = (seed as usize / Kind::ALL.len()).is_multiple_of(2);
        let mut signal = kind.signal(&mut random, FRAMES);
        if limited {
            signal = band_limit.apply(&signal);
        }
        // Half of them with the values one begins with.
        let ceiling_db = [-1.0, random.between(-40.0, 0.0)][random.below(2)];
        let release_ms = [150.0, random.between(1.0, 2000.0)][random.below(2)];
        let values = [
            ("ceiling", ceiling_db.to_string()),
            ("release", release_ms.to_string()),
        ];
        let (mut node, _) = limiter(&values, RATE, 1);
        let output = run(&mut *node, &[single(&signal)], nothing).remove(0);
        let ceiling = 10.0_f64.powf(ceiling_db / 20.0);
        let over = output.iter().find(|y| f64::from(y.abs()) > ceiling);
        assert_eq!(over, None, "{kind:?}, seed {seed}: over {ceiling}");
        let peak_db = decibels(meter.peak(&output) / ceiling);
        let allowed_db = match (limited, kind) {
            (true, _) => BELOW_20_KHZ_DB,
            (false, Kind::Noise) => WHITE_NOISE_DB,
            (false, _) => f64::INFINITY,
        };
        assert!(
            peak_db <= allowed_db,
            "{kind:?}, seed {seed}, below 20 kHz: {limited}: {peak_db:+.3} dB, {values:?}"
        );
        let band = if limited { "below 20 kHz" } else { "full band" };
        let entry = worst.entry((band, format!("{kind:?}"))).or_insert(-99.0);
        *entry = peak_db.max(*entry);
    }
    for ((band, kind), peak_db) in worst {
        println!("{band:<14}{kind:<10}{peak_db:+.3} dB");
    }
}

#[test]
fn linked_by_any_share_no_channel_passes_the_ceiling_at_any_rate() {
    for (turn, rate) in [44_100, 48_000, 88_200, 96_000, 192_000]
        .into_iter()
        .enumerate()
    {
        for (step, look_ahead) in ["0.5ms", "1.5ms", "10ms"].into_iter().enumerate() {
            let mut random = Random((turn * 10 + step) as u64);
            let link = [0.0, random.between(0.0, 100.0), 100.0][random.below(3)];
            let values = [
                ("look_ahead", look_ahead.to_string()),
                ("link", link.to_string()),
            ];
            let (mut node, _) = limiter(&values, rate, 3);
            let input: Vec<_> = [Kind::Impulses, Kind::Noise, Kind::Bursts]
                .iter()
                .map(|kind| single(&kind.signal(&mut random, 6000)))
                .collect();
            let ceiling = 10.0_f64.powf(-1.0 / 20.0);
            for plane in run(&mut *node, &input, nothing) {
                let over = plane.iter().find(|y| f64::from(y.abs()) > ceiling);
                assert_eq!(over, None, "{rate} Hz, {values:?}");
            }
        }
    }
}

#[test]
fn the_latency_is_at_most_2_9_ms_and_what_is_softer_passes_bit_for_bit() {
    let (mut node, latency) = limiter(&[], RATE, 2);
    assert!(latency as f64 <= 2.9e-3 * RATE_HZ, "{latency} frames");
    let mut random = Random(1);
    // The sum of two is at most 0.85: under the ceiling of 0.891, between the samples too.
    let tone = |hertz: f64, n: usize| (TAU * hertz / RATE_HZ * n as f64).sin();
    let [a, b] = [
        random.between(100.0, 9000.0),
        random.between(9000.0, 20_000.0),
    ];
    let signal = |n: usize| (0.5 * tone(a, n) + 0.35 * tone(b, n)) as f32;
    let input = vec![(0..5000).map(signal).collect::<Vec<f32>>(); 2];
    for (plane, input) in run(&mut *node, &input, nothing).iter().zip(&input) {
        assert!(plane[..latency].iter().all(|&y| y == 0.0));
        let other = plane[latency..].iter().zip(input).position(|(y, x)| y != x);
        assert_eq!(other, None, "latency {latency}");
    }
}

/// Amplitude of a frequency in whole seconds of a signal.
fn amplitude_at(signal: &[f32], hertz: f64) -> f64 {
    let (mut re, mut im) = (0.0, 0.0);
    for (n, &y) in signal.iter().enumerate() {
        let angle = TAU * hertz * n as f64 / RATE_HZ;
        re += f64::from(y) * angle.cos();
        im += f64::from(y) * angle.sin();
    }
    2.0 * re.hypot(im) / signal.len() as f64
}

#[test]
fn a_loud_bass_note_does_not_modulate_a_tone() {
    // Sidebands within 300 Hz around a tone of 1 kHz while one of 60 Hz is 5 dB over the ceiling.
    let loud = 10.0_f64.powf(4.0 / 20.0);
    for tone_db in [-40.0_f64, -20.0, -6.0] {
        let tone = 10.0_f64.powf(tone_db / 20.0);
        let signal = |n: usize| {
            let turn = TAU * n as f64 / RATE_HZ;
            (loud * (60.0 * turn).sin() + tone * (1000.0 * turn).sin()) as f32
        };
        let input: Vec<f32> = (0..3 * RATE as usize).map(signal).collect();
        let (mut node, _) = limiter(&[], RATE, 1);
        let output = run(&mut *node, &[input], nothing).remove(0);
        let second = &output[2 * RATE as usize..][..RATE as usize];
        let main = amplitude_at(second, 1000.0);
        // All is periodic in 20 Hz.
        for hertz in (700..=1300).step_by(20).filter(|&hertz| hertz != 1000) {
            let side_db = decibels(amplitude_at(second, f64::from(hertz)) / main);
            assert!(
                side_db <= -50.0,
                "tone {tone_db} dB: {side_db:.1} dB at {hertz} Hz"
            );
        }
    }
}

#[test]
fn the_reduction_falls_to_1_e_within_the_release() {
    for release_ms in [1.0, 20.0, 150.0, 1000.0] {
        let (mut node, latency) = limiter(&[("release", format!("{release_ms}ms"))], RATE, 1);
        // A quarter of the rate: samples at the peaks, so that each shows the gain.
        let release = release_ms * 1e-3 * RATE_HZ;
        let after = (3.0 * release) as usize + 500;
        let level = |n: usize| if n < 1000 { 4.0 } else { 0.1 };
        let signal = |n: usize| [1.0, 1.0, -1.0, -1.0][n % 4] * level(n) / 2.0_f32.sqrt();
        let input: Vec<f32> = (0..1000 + after).map(signal).collect();
        let output = run(&mut *node, std::slice::from_ref(&input), nothing).remove(0);
        let reduction = |n: usize| 1.0 - f64::from(output[n + latency]) / f64::from(input[n]);
        // By then the boxes hold nothing but the fall.
        let begin = 1000 + 160;
        let target = reduction(begin) / 1_f64.exp();
        let below = (begin..)
            .find(|&n| reduction(n) <= target)
            .expect("it falls");
        let [above, under] = [reduction(below - 1), reduction(below)];
        let fallen = (below - begin) as f64 - (target - under) / (above - under);
        // Steps of 2^-24 and the rounding of the samples: a few ppm of the reduction.
        let error = (fallen / release - 1.0).abs();
        assert!(
            error < 0.01,
            "{release_ms} ms: {fallen} of {release} frames"
        );
    }
}

#[test]
fn channels_keep_their_balance_when_linked_and_not_when_independent() {
    for (link, keeps) in [("100", true), ("0", false)] {
        let mut random = Random(7);
        let loud: Vec<f32> = (0..4000).map(|_| random.normal() as f32).collect();
        let soft: Vec<f32> = loud.iter().map(|x| x * 0.125).collect();
        let (mut node, _) = limiter(&[("link", link.to_string())], RATE, 2);
        let output = run(&mut *node, &[loud, soft], nothing);
        let kept = output[0]
            .iter()
            .zip(&output[1])
            .all(|(a, b)| a * 0.125 == *b);
        assert_eq!(kept, keeps, "link {link}");
    }
}

/// The largest magnitude of what lies above 4 kHz, by a filter of -100 dB up to 3 kHz.
fn largest_above_4_khz(signal: &[f32]) -> f64 {
    const HALF: i32 = 200;
    let taps: Vec<f64> = (-HALF..=HALF)
        .map(|k| {
            let x = f64::from(k);
            let angle = TAU / 2.0 * x / f64::from(HALF + 1);
            // Nuttall's window: side lobes at -98 dB.
            let window = 0.363_581_9
                + 0.489_177_5 * angle.cos()
                + 0.136_599_5 * (2.0 * angle).cos()
                + 0.010_641_1 * (3.0 * angle).cos();
            let corner = 3500.0 / RATE_HZ;
            let low = match k {
                0 => 2.0 * corner,
                _ => (TAU * corner * x).sin() / (TAU / 2.0 * x),
            };
            f64::from(u8::from(k == 0)) - low * window
        })
        .collect();
    let filtered = signal.windows(taps.len()).map(|window| {
        let products = window.iter().zip(&taps).map(|(&x, tap)| f64::from(x) * tap);
        products.sum::<f64>().abs()
    });
    filtered.fold(0.0, f64::max)
}

#[test]
fn a_jump_of_any_parameter_does_not_click() {
    let tone = |n: usize| (TAU * 1000.0 / RATE_HZ * n as f64).sin() as f32;
    let input: Vec<f32> = (0..24_000).map(tone).collect();
    // Number, value at the start, value after the jump.
    for (number, from, to) in [
        (0, -1.0, -20.0),
        (0, -20.0, -1.0),
        (1, 0.0, 12.0),
        (1, 12.0, 0.0),
        (2, 10.0, 500.0),
    ] {
        let (mut node, latency) = limiter(&[], RATE, 1);
        node.set(number, from);
        node.reset();
        let jump = |node: &mut dyn ossicle_dsp::node::Node, at: usize| {
            if at == 12_032 {
                node.set(number, to);
            }
        };
        let output = run(&mut *node, std::slice::from_ref(&input), jump).remove(0);
        // The tone's own beginning and end are steps.
        let inner = &output[2000 + latency..23_000];
        let click_db = decibels(largest_above_4_khz(inner));
        assert!(click_db <= -80.0, "parameter {number}: {click_db:.1} dBFS");
    }
}

#[test]
fn while_the_ceiling_moves_down_nothing_passes_the_one_before() {
    let mut random = Random(3);
    let input: Vec<f32> = (0..12_000).map(|_| 2.0 * random.normal() as f32).collect();
    let (mut node, latency) = limiter(&[], RATE, 1);
    let jump = |node: &mut dyn ossicle_dsp::node::Node, at: usize| {
        if at == 6016 {
            node.set(0, -12.0);
        }
    };
    let output = run(&mut *node, &[input], jump).remove(0);
    let largest = |piece: &[f32]| piece.iter().fold(0.0_f32, |a, b| a.max(b.abs()));
    let [high, low] = [-1.0_f64, -12.0].map(|db| 10.0_f64.powf(db / 20.0));
    assert!(f64::from(largest(&output)) <= high);
    // The glide takes 80 ms, 3840 frames, and is heard after the latency.
    let settled = largest(&output[6016 + 3840 + latency..]);
    assert!(f64::from(settled) <= low, "{settled}");
}
