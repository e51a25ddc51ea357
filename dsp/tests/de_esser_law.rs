//! The laws of the de-esser, measured from outside.
//!
//! `OSSICLE_TRIALS` says how many random settings are tried.

#[path = "dynamics/rig.rs"]
mod rig;

use std::f64::consts::PI;

use rig::{Random, Running, decibels, gains_db, sine, sine_amplitude, trials};

const RATE_HZ: u32 = 48_000;

/// z-plane corner of the bilinear transform: tan(pi f) of a tone against that of the corner.
fn warped(tone_hz: f64, corner_hz: f64) -> f64 {
    (PI * tone_hz / 48_000.0).tan() / (PI * corner_hz / 48_000.0).tan()
}

/// Size of a Butterworth high pass of second order, in decibels.
fn high_pass_db(w: f64) -> f64 {
    -10.0 * (1.0 + w.powi(-4)).log10()
}

/// Size of (g s^2 + sqrt(2) s + 1)/(s^2 + sqrt(2) s + 1) at s = j w, in decibels.
fn shelf_db(w: f64, gain: f64) -> f64 {
    let numerator = (1.0 - gain * w * w).powi(2) + 2.0 * w * w;
    10.0 * (numerator / (1.0 + w.powi(4))).log10()
}

#[test]
fn what_lies_above_the_frequency_is_turned_down_by_the_formula() {
    let mut random = Random(1);
    for trial in 0..trials(25, 10000) {
        let corner_hz = random.ratio(2000.0, 12_000.0);
        // Whole periods in a second, and several samples of a period.
        let tone_hz = random.ratio(500.0, 9000.0).round();
        let (threshold, ratio) = (random.between(-60.0, -20.0), random.ratio(1.0, 100.0));
        let range = random.between(-40.0, 0.0);
        let mode = random.pick(&["split", "wide"]);
        let text = format!(
            "de_esser:frequency={corner_hz},threshold={threshold},ratio={ratio},range={range},\
             knee=0,attack=1,release=60,mode={mode}"
        );
        let norm = tone_hz / 48_000.0;
        let output = Running::new(&text, RATE_HZ, 1, 64).mono(&sine(-6.0, norm, 0, 72_000));
        let got = decibels(sine_amplitude(&output[24_000..], norm)) + 6.0;
        let w = warped(tone_hz, corner_hz);
        let above = (-6.0 + high_pass_db(w) - threshold).max(0.0);
        let gain_db = (-above * (1.0 - 1.0 / ratio)).max(range);
        let want = match mode {
            "wide" => gain_db,
            _ => shelf_db(w, 10.0_f64.powf(gain_db / 20.0)),
        };
        // A sample lies at most half a frame, pi f, from the peak: the level may read so much less.
        let unseen = -decibels((PI * norm).cos()) * (1.0 - 1.0 / ratio);
        assert!(
            (want - 0.02..want + unseen + 0.02).contains(&got),
            "trial {trial}: {got} dB, not {want} (or {unseen} more): {tone_hz} Hz, {text}"
        );
    }
}

#[test]
fn what_has_no_sibilants_passes_bit_for_bit() {
    // 300 Hz is 51 dB down behind the high pass; that it begins is heard, for 20 releases.
    let tone = sine(0.0, 300.0 / 48_000.0, 0, 48_000);
    for mode in ["split", "wide"] {
        let text = format!("de_esser:threshold=-30,mode={mode}");
        let output = Running::new(&text, RATE_HZ, 1, 64).mono(&tone);
        assert!(output[38_400..] == tone[38_400..], "{mode}");
    }
}

#[test]
fn split_leaves_a_low_tone_beside_a_sibilant_alone() {
    let (low, high) = (200.0 / 48_000.0, 8000.0 / 48_000.0);
    let both: Vec<f32> = sine(-20.0, low, 0, 48_000)
        .iter()
        .zip(sine(-10.0, high, 0, 48_000))
        .map(|(a, b)| a + b)
        .collect();
    for (mode, want) in [("split", 0.0), ("wide", -12.0)] {
        let text = format!("de_esser:frequency=4000,threshold=-50,range=-12,mode={mode}");
        let output = Running::new(&text, RATE_HZ, 1, 64).mono(&both);
        let gain = decibels(sine_amplitude(&output[24_000..], low)) + 20.0;
        assert!((gain - want).abs() < 0.05, "{mode}: {gain} dB");
    }
}

#[test]
fn linked_channels_are_turned_down_together() {
    for (link, want) in [(100, -12.0), (0, 0.0)] {
        let text = format!("de_esser:threshold=-40,range=-12,link={link},mode=wide");
        let loud = sine(-6.0, 9000.0 / 48_000.0, 0, 24_000);
        let soft = sine(-50.0, 9000.0 / 48_000.0, 0, 24_000);
        let mut planes = [loud, soft.clone()];
        Running::new(&text, RATE_HZ, 2, 64).run(&mut planes);
        let gain = gains_db(&planes[1][23_999..], &soft[23_999..])[0];
        assert!((gain - want).abs() < 0.01, "link {link}: {gain} dB");
    }
}
