//! The laws of the loudness node: where it ends, how it gets there, and what leaves it alone.

use ossicle_dsp::block::{Block, Planes};
use ossicle_dsp::meter::{Loudness, View, layout};
use ossicle_dsp::node::{Node, PrepareError, Spec};
use ossicle_dsp::registry::effect;
use ossicle_dsp::settings::Settings;

const RATE_HZ: u32 = 48_000;

fn node(values: &[(&str, &str)]) -> Box<dyn Node> {
    let mut settings = Settings::new(effect("loudness").unwrap());
    for (parameter, text) in values {
        settings.set_text(parameter, text).unwrap();
    }
    let mut node = settings.create().unwrap();
    let spec = Spec {
        sample_rate_hz: RATE_HZ,
        max_block_frames: 4800,
        channels: 2,
    };
    node.prepare(&spec).unwrap();
    node
}

/// A stereo tone of 1 kHz through the node, in whole hops; the gain of the last frames in decibels.
fn run(node: &mut dyn Node, level_dbfs: f64, seconds: f64) -> f64 {
    let amplitude = 10f64.powf(level_dbfs / 20.0);
    let turn = std::f64::consts::TAU / 48.0;
    let tone: Vec<f32> = (0..480)
        .map(|frame| (amplitude * (turn * f64::from(frame)).sin()) as f32)
        .collect();
    let mut gain = 0.0;
    for hop in 0..(seconds * 100.0).round() as u64 {
        let mut samples = [tone.clone(), tone.clone()].concat();
        node.process(&mut Block {
            planes: Planes::new(&mut samples, 480, 480),
            side_chain: None,
            since_reset: hop * 480,
        });
        // The last peak of the hop: frame 480 - 12 is a peak of the sine, downwards.
        gain = 20.0 * f64::from(samples[468] / tone[468]).log10();
    }
    gain
}

/// Loudness of the tone: the weighting lifts it by 0.698 dB, and 0.691 is taken off.
fn loudness(level_dbfs: f64) -> f64 {
    level_dbfs + 0.007
}

#[test]
fn a_steady_sound_ends_at_the_target() {
    for (level, target) in [(-30.0, "-23LUFS"), (-14.0, "-20"), (-23.0, "-23")] {
        let mut node = node(&[("target", target), ("time", "500ms")]);
        let gain = run(&mut *node, level, 8.0);
        let want: f64 = target.trim_end_matches("LUFS").parse().unwrap();
        // After 15 time constants 3e-7 of the way is left.
        let got = loudness(level) + gain;
        assert!((got - want).abs() < 0.005, "{level} dBFS: {got} LUFS");
    }
}

#[test]
fn what_comes_out_is_measured_as_loud_as_was_asked_for() {
    let mut node = node(&[("target", "-18LUFS"), ("time", "200ms")]);
    let mut state = 7u32;
    let mut meter = Loudness::new(RATE_HZ, layout(2)).unwrap();
    for block in 0..900u64 {
        let mut samples: Vec<f32> = (0..960)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                0.05 * ((state >> 8) as f32 / (1 << 23) as f32 - 1.0)
            })
            .collect();
        node.process(&mut Block {
            planes: Planes::new(&mut samples, 480, 480),
            side_chain: None,
            since_reset: block * 480,
        });
        meter.push(&View::planar(&samples, 480, 480));
    }
    let got = meter.short_term_lufs().unwrap();
    assert!((got + 18.0).abs() < 0.05, "{got} LUFS");
}

#[test]
fn the_gain_goes_63_percent_of_its_way_in_the_time() {
    for time_s in [0.5, 2.0, 10.0] {
        let text = format!("{time_s}s");
        let mut node = node(&[("target", "-20LUFS"), ("time", &text), ("raise", "20dB")]);
        // Loudness is known after 400 ms; each 10 ms the gain then goes its share, and is there at
        // the end of the next hop, whose last peak is 12 frames before it: so n steps of it after
        // 0.40 + n 0.01 s, and (1 - exp(-n 0.01/time)) of the way to 9.993 dB.
        let gain = run(&mut *node, -30.0, 0.40 + time_s);
        let way = 20.0 - 10.0 - 0.007;
        let steps = |count: f64| way * (1.0 - (-count * 0.01 / time_s).exp());
        let count = time_s * 100.0;
        let (low, high) = (steps(count - 1.0), steps(count + 1.0));
        assert!(
            (low..=high).contains(&gain),
            "{time_s} s: {gain} dB, not {low} to {high}"
        );
    }
}

#[test]
fn the_gain_stays_within_what_may_be_raised_and_lowered() {
    let limits = [
        ("raise", "6dB"),
        ("lower", "3dB"),
        ("time", "100ms"),
        ("target", "-20"),
    ];
    for (level, want) in [(-40.0, 6.0), (-6.0, -3.0)] {
        let gain = run(&mut *node(&limits), level, 4.0);
        assert!((gain - want).abs() < 1e-4, "{level} dBFS: {gain} dB");
    }
}

#[test]
fn a_pause_below_the_gate_changes_nothing() {
    let mut node = node(&[("target", "-20"), ("time", "300ms"), ("gate", "-45")]);
    let before = run(&mut *node, -26.0, 4.0);
    let pause = run(&mut *node, -60.0, 10.0);
    // The 400 ms before the gate sees the pause are half tone; the gain moves by less than the
    // loudness that those take off a window of 3 s.
    assert!((pause - before).abs() < 0.7, "{before} dB, then {pause} dB");
    let later = run(&mut *node, -60.0, 60.0);
    assert_eq!(
        later.to_bits(),
        pause.to_bits(),
        "{pause} dB, then {later} dB"
    );
}

#[test]
fn a_rate_at_which_loudness_is_not_defined_is_refused() {
    let settings = Settings::new(effect("loudness").unwrap());
    let spec = Spec {
        sample_rate_hz: 2000,
        max_block_frames: 64,
        channels: 1,
    };
    let error = settings.create().unwrap().prepare(&spec).unwrap_err();
    assert!(matches!(
        error,
        PrepareError::SampleRateUnsupported { min_hz: 4000, .. }
    ));
}
