//! The laws of the multiband compressor, measured from outside.
//!
//! `OSSICLE_TRIALS` says how many random settings are tried.

#[path = "dynamics/rig.rs"]
mod rig;

use rig::{Random, Running, decibels, sine, sine_amplitude, trials};

const RATE_HZ: u32 = 48_000;

/// Corners of `bands` bands, each at least a third of an octave above the one before.
fn corners(random: &mut Random, bands: usize) -> String {
    let mut low = 40.0;
    let each = (1..bands).map(|corner| {
        let frequency = low * random.ratio(1.3, 4.0);
        low = frequency;
        format!(",x{corner}_freq={frequency}")
    });
    each.collect()
}

#[test]
fn the_sum_of_the_bands_is_flat_within_0_01_db() {
    let mut random = Random(1);
    for trial in 0..trials(8, 1000) {
        let bands = 2 + trial as usize % 5;
        let corners = corners(&mut random, bands);
        let mix = random.pick(&["100", "50"]);
        let ratios: String = (1..=bands)
            .map(|band| format!(",b{band}_ratio=1"))
            .collect();
        let text =
            format!("multiband_compressor:bands={bands},mix={mix}{corners}{ratios},look_ahead=1");
        // The spectrum of the response to an impulse: a second of it, for whole hertz.
        let mut impulse = vec![0.0; 48_000];
        impulse[0] = 1.0;
        let response = Running::new(&text, RATE_HZ, 1, 64).mono(&impulse);
        for step in 0..60 {
            // From 20 Hz to 20 kHz in even ratios.
            let hz = (20.0 * 1000.0_f64.powf(f64::from(step) / 59.0)).round();
            let gain = decibels(sine_amplitude(&response, hz / 48_000.0) * 24_000.0);
            assert!(
                gain.abs() < 0.01,
                "trial {trial}: {gain} dB at {hz} Hz: {text}"
            );
        }
    }
}

#[test]
fn each_band_is_compressed_by_its_own_curve() {
    // 632 Hz lies so far from both corners that 1/1600 of it, 0.005 dB, goes to each neighbour.
    let text = "multiband_compressor:bands=3,knee=0,x1_freq=100,x2_freq=4000,\
                b1_threshold=-30,b1_ratio=2,b2_threshold=-20,b2_ratio=4,b2_makeup=3,\
                b3_threshold=-40,b3_ratio=1000,b1_release=500,b2_release=500,b3_release=500";
    // At 0 dBFS: half of 30 dB, three quarters of 20 dB less the make-up, all of 40 dB.
    for (hz, want) in [(20.0, -15.0), (632.0, -12.0), (18_000.0, -40.0)] {
        let norm = hz / 48_000.0;
        let output = Running::new(text, RATE_HZ, 1, 64).mono(&sine(0.0, norm, 0, 144_000));
        let got = decibels(sine_amplitude(&output[96_000..], norm));
        // A peak of 20 Hz is held for 10 of the 25 ms to the next; one of 18 kHz, behind its band's
        // filters, lies up to 22.5 degrees from a sample: cos 22.5 = -0.69 dB.
        let allowed = if hz == 632.0 { 0.05 } else { 0.7 };
        assert!(
            (got - want).abs() < allowed,
            "{got} dB, not {want}, at {hz} Hz"
        );
    }
}

#[test]
fn a_loud_band_leaves_the_others_alone() {
    let (low, high) = (60.0 / 48_000.0, 5000.0 / 48_000.0);
    let text =
        "multiband_compressor:bands=2,x1_freq=500,b1_threshold=-40,b1_ratio=10,b2_threshold=0";
    let both: Vec<f32> = sine(0.0, low, 0, 96_000)
        .iter()
        .zip(sine(-40.0, high, 0, 96_000))
        .map(|(a, b)| a + b)
        .collect();
    let output = Running::new(text, RATE_HZ, 1, 64).mono(&both);
    let gain = decibels(sine_amplitude(&output[48_000..], high)) + 40.0;
    assert!(gain.abs() < 0.02, "{gain} dB");
    let gain = decibels(sine_amplitude(&output[48_000..], low));
    assert!(gain < -34.0, "{gain} dB");
}

#[test]
fn dry_and_wet_are_in_phase() {
    // Of all bands 12 dB down, half: (1 + 0.25)/2 of the amplitude at every frequency.
    let text = "multiband_compressor:bands=4,mix=50,knee=0,look_ahead=2,\
                b1_threshold=0,b2_threshold=0,b3_threshold=0,b4_threshold=0,\
                b1_makeup=-12.0412,b2_makeup=-12.0412,b3_makeup=-12.0412,b4_makeup=-12.0412";
    let mut impulse = vec![0.0; 48_000];
    impulse[0] = 0.5;
    let response = Running::new(text, RATE_HZ, 1, 64).mono(&impulse);
    for hz in [50.0, 150.0, 200.0, 500.0, 2000.0, 3000.0, 5000.0, 12_000.0] {
        let gain = sine_amplitude(&response, hz / 48_000.0) * 48_000.0;
        assert!((gain - 0.625).abs() < 0.001, "{gain} at {hz} Hz");
    }
}
