//! How exactly the equalisers run: against their formula, against double precision at every sample,
//! and that nothing that is turned is heard as a click.
//!
//! `OSSICLE_TRIALS` says how many random settings are tried.

use std::f64::consts::{PI, TAU};

use ossicle_dsp::block::{Block, Planes};
use ossicle_dsp::node::{Node, Spec};
use ossicle_dsp::parts::analogue::{Analogue, Response};
use ossicle_dsp::parts::matched::matched;
use ossicle_dsp::registry::effect;
use ossicle_dsp::settings::Settings;

const RATE_HZ: f64 = 48_000.0;

fn trials() -> u32 {
    let asked = std::env::var("OSSICLE_TRIALS").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(3)
}

/// Numbers from a seed (SplitMix64: Steele, Lea, Flood, OOPSLA 2014).
struct Random(u64);

impl Random {
    fn share(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn ratio(&mut self, min: f64, max: f64) -> f64 {
        min * (max / min).powf(self.share())
    }

    fn noise(&mut self, frames: usize) -> Vec<f32> {
        (0..frames).map(|_| (self.share() - 0.5) as f32).collect()
    }
}

fn node(name: &str, values: &str) -> Box<dyn Node> {
    let mut settings = Settings::new(effect(name).unwrap());
    for pair in values.split(',').filter(|pair| !pair.is_empty()) {
        let (parameter, text) = pair.split_once('=').unwrap();
        settings.set_text(parameter, text).unwrap();
    }
    let mut node = settings.create().unwrap();
    node.prepare(&Spec {
        sample_rate_hz: RATE_HZ as u32,
        max_block_frames: 1 << 17,
        channels: 1,
    })
    .unwrap();
    node
}

fn process(node: &mut dyn Node, samples: &mut [f32], since_reset: u64) {
    let frames = samples.len();
    node.process(&mut Block {
        planes: Planes::new(samples, frames, frames),
        side_chain: None,
        since_reset,
    });
}

/// The level at each frequency in decibels, from the impulse response, by Goertzel's recursion.
fn levels(node: &mut dyn Node, frequencies_hz: &[f64]) -> Vec<f64> {
    let mut samples = vec![0.0; 1 << 16];
    samples[0] = 1.0;
    process(node, &mut samples, 0);
    let level = |hz: &f64| {
        let turn = TAU * hz / RATE_HZ;
        let (mut s1, mut s2) = (0.0, 0.0);
        for &x in &samples {
            (s1, s2) = (f64::from(x) + 2.0 * turn.cos() * s1 - s2, s1);
        }
        10.0 * (s1 * s1 + s2 * s2 - 2.0 * turn.cos() * s1 * s2).log10()
    };
    frequencies_hz.iter().map(level).collect()
}

/// The power of a difference relative to that of `want`, in decibels.
fn error_db(got: &[f32], want: &[f64]) -> f64 {
    let power = |x: f64| x * x;
    let off: f64 = got
        .iter()
        .zip(want)
        .map(|(a, b)| power(f64::from(*a) - b))
        .sum();
    let all: f64 = want.iter().map(|b| power(*b)).sum();
    10.0 * (off / all).log10()
}

#[test]
fn what_runs_is_what_was_designed() {
    // Within 0.001 dB where the response is over -60 dB; the impulse response is rounded to single
    // precision, which is 1e-7 of its largest sample.
    let mut random = Random(3);
    let kinds = [
        ("peak", Response::Peak),
        ("low_shelf", Response::LowShelf),
        ("high_shelf", Response::HighShelf),
        ("low_pass", Response::LowPass),
        ("high_pass", Response::HighPass),
        ("notch", Response::Notch),
        ("band_pass", Response::BandPass),
    ];
    let frequencies: Vec<f64> = (0..12)
        .map(|n| 20.0 * 1000_f64.powf(f64::from(n) / 11.0))
        .collect();
    for (kind, response) in kinds {
        for _ in 0..trials() {
            let hz = random.ratio(60.0, 20_000.0);
            let (gain_db, q) = (24.0 * random.share() - 12.0, random.ratio(0.2, 2.0));
            let values = format!("b1_type={kind},b1_freq={hz},b1_gain={gain_db},b1_q={q}");
            let design = matched(&Analogue::new(response, gain_db, q), hz / RATE_HZ, q);
            let got = levels(&mut *node("parametric_eq", &values), &frequencies);
            for (hz, got) in frequencies.iter().zip(got) {
                let want = 10.0 * design.power(hz / RATE_HZ).log10();
                let near = (got - want).abs() < 0.001;
                assert!(
                    want < -60.0 || near,
                    "{values} at {hz} Hz: {got}, not {want}"
                );
            }
        }
    }
}

/// The coefficients of a state variable filter: integrator gain, damping, and what is mixed of the
/// input, the band pass and the low pass.
type Numbers = [f64; 5];

/// By the bilinear transform, from A. Simper's paper.
fn numbers(kind: &str, hz: f64, gain_db: f64, q: f64) -> Numbers {
    let g = (PI * hz / RATE_HZ).tan();
    let a = 10f64.powf(gain_db / 40.0);
    match kind {
        "peak" => [g, 1.0 / (q * a), 1.0, (a * a - 1.0) / (q * a), 0.0],
        _ => [g, 1.0 / q, 0.0, 0.0, 1.0],
    }
}

/// The filter in double precision, its coefficients anew at every sample.
struct Model {
    numbers: [Numbers; 3],
    state: [f64; 2],
}

impl Model {
    fn new(numbers: Numbers) -> Self {
        Self {
            numbers: [numbers; 3],
            state: [0.0; 2],
        }
    }

    /// Moves the coefficients on their way and gives the next output. Each number goes through three
    /// smoothers with a time constant of an 18th of 30 ms.
    fn next(&mut self, target: &Numbers, input: f64) -> f64 {
        let share = 18.0 / 1440.0;
        let mut to = *target;
        for stage in &mut self.numbers {
            for (at, to) in stage.iter_mut().zip(&mut to) {
                *at += share * (*to - *at);
                *to = *at;
            }
        }
        let [g, k, m0, m1, m2] = to;
        let [s1, s2] = self.state;
        let band = (s1 + g * (input - s2)) / (1.0 + g * (g + k));
        let low = s2 + g * band;
        self.state = [2.0 * band - s1, 2.0 * low - s2];
        m0 * input + m1 * band + m2 * low
    }
}

#[test]
fn a_low_pass_at_20_hz_rounds_below_110_db() {
    // A biquad in direct form in single precision leaves -59 dB there.
    let input = Random(5).noise(96_000);
    let mut samples = input.clone();
    let values = "design=rbj,b1_type=low_pass,b1_freq=20Hz,b1_q=0.7071067811865476";
    process(&mut *node("parametric_eq", values), &mut samples, 0);
    let target = numbers("low_pass", 20.0, 0.0, std::f64::consts::FRAC_1_SQRT_2);
    let mut model = Model::new(target);
    let want: Vec<f64> = input
        .iter()
        .map(|x| model.next(&target, f64::from(*x)))
        .collect();
    let error = error_db(&samples, &want);
    println!("{error} dB");
    assert!(error < -110.0, "{error} dB");
}

#[test]
fn a_sweep_is_that_of_coefficients_made_anew_at_every_sample() {
    // An octave in 10 ms, up and down, the frequency set before every frame, under noise.
    let (frames, octave) = (4800, 480.0);
    for (kind, gain_db, q) in [
        ("peak", 12.0, 1.0),
        ("peak", -12.0, 4.0),
        ("low_pass", 0.0, 2.0),
    ] {
        let start = 1000.0;
        let values =
            format!("design=rbj,b1_type={kind},b1_freq={start},b1_gain={gain_db},b1_q={q}");
        let mut node = node("parametric_eq", &values);
        let mut model = Model::new(numbers(kind, start, gain_db, q));
        let input = Random(6).noise(frames);
        let mut samples = input.clone();
        let mut want = Vec::new();
        for (frame, sample) in samples.iter_mut().enumerate() {
            // A triangle of two octaves.
            let octaves = 2.0 - (2.0 - (frame as f64 / octave) % 4.0).abs();
            let hz = start * 2f64.powf(octaves);
            node.set(1, hz);
            process(&mut *node, std::slice::from_mut(sample), frame as u64);
            want.push(model.next(&numbers(kind, hz, gain_db, q), f64::from(input[frame])));
        }
        let error = error_db(&samples, &want);
        println!("{kind} {gain_db} dB Q {q}: {error} dB");
        assert!(error < -100.0, "{kind}: {error} dB");
    }
}

/// The loudest sample of what lies above 4 kHz, in dBFS: through a Butterworth high pass of twelfth
/// order, which takes 144 dB from 1 kHz.
fn click_dbfs(samples: &[f32]) -> f64 {
    let mut sound: Vec<f64> = samples.iter().map(|x| f64::from(*x)).collect();
    for pair in 0..6 {
        let q = 0.5 / (PI * f64::from(2 * pair + 1) / 24.0).sin();
        let [g, k, ..] = numbers("low_pass", 4000.0, 0.0, q);
        let high = [g, k, 1.0, -k, -1.0];
        let mut filter = Model::new(high);
        sound.iter_mut().for_each(|x| *x = filter.next(&high, *x));
    }
    // What begins at the start of the tone has rung out.
    let loudest = sound[2400..]
        .iter()
        .fold(1e-9_f64, |most, x| most.max(x.abs()));
    20.0 * loudest.log10()
}

/// A tone of 1 kHz at full scale through a node; parameters are set in its middle, at its peak.
fn turned(name: &str, values: &str, changes: &[(usize, f64)]) -> f64 {
    let mut node = node(name, values);
    let mut samples: Vec<f32> = (0..14_400)
        .map(|n| (TAU * 1000.0 * f64::from(n) / RATE_HZ).sin() as f32)
        .collect();
    let (before, after) = samples.split_at_mut(7212);
    process(&mut *node, before, 0);
    changes
        .iter()
        .for_each(|&(number, value)| node.set(number, value));
    process(&mut *node, after, 7212);
    click_dbfs(&samples)
}

#[test]
fn parameters_that_jump_do_not_click_over_80_dbfs() {
    const PEAK: &str = "b1_type=peak,b1_freq=1kHz,b1_gain=12dB,b1_q=1";
    for (name, values, changes) in [
        ("parametric_eq", PEAK, &[(2, -12.0)][..]),
        ("parametric_eq", PEAK, &[(2, 0.0)]),
        ("parametric_eq", PEAK, &[(1, 300.0)]),
        ("parametric_eq", PEAK, &[(1, 2500.0)]),
        ("parametric_eq", PEAK, &[(3, 8.0)]),
        // Off, and each other type; another design; a pass, steeper.
        ("parametric_eq", PEAK, &[(0, 0.0)]),
        ("parametric_eq", PEAK, &[(0, 2.0)]),
        ("parametric_eq", PEAK, &[(0, 3.0)]),
        ("parametric_eq", PEAK, &[(0, 4.0)]),
        ("parametric_eq", PEAK, &[(0, 5.0)]),
        ("parametric_eq", PEAK, &[(0, 6.0)]),
        ("parametric_eq", PEAK, &[(0, 7.0)]),
        ("parametric_eq", PEAK, &[(0, 8.0)]),
        ("parametric_eq", PEAK, &[(160, 1.0)]),
        (
            "parametric_eq",
            "b1_type=low_pass,b1_freq=900Hz",
            &[(128, 7.0)],
        ),
        ("parametric_eq", "", &[(0, 4.0), (1, 500.0)]),
        ("graphic_eq", "g1000=12dB", &[(17, -12.0)]),
        ("graphic_eq", "", &[(16, 6.0), (17, -12.0), (18, 12.0)]),
        (
            "graphic_eq",
            "g800=-12dB,g1000=12dB,g1250=-12dB",
            &[(16, 0.0), (17, 0.0), (18, 0.0)],
        ),
    ] {
        let click = turned(name, values, changes);
        println!("{name}:{values} {changes:?}: {click:.1} dBFS");
        assert!(
            click < -80.0,
            "{name}:{values} {changes:?}: {click:.1} dBFS"
        );
    }
}

#[test]
fn the_measure_of_clicks_sees_one() {
    // A step of the level by a thousandth is heard as a click of about -65 dBFS.
    let tone = |n: i32| (TAU * 1000.0 * f64::from(n) / RATE_HZ).sin() as f32;
    let whole: Vec<f32> = (0..9600).map(tone).collect();
    assert!(click_dbfs(&whole) < -110.0, "{}", click_dbfs(&whole));
    let jump = |n: i32| if n < 4812 { tone(n) } else { tone(n) * 1.001 };
    let click = click_dbfs(&(0..9600).map(jump).collect::<Vec<f32>>());
    assert!((-80.0..-50.0).contains(&click), "{click}");
}
