//! Beside the `ebur128` crate, on random sound.

use std::f64::consts::PI;

use ebur128::{EbuR128, Mode};
use ossicle_dsp::meter::{Loudness, SamplePeak, View, layout};

use crate::ideal::range_of;
use crate::signal::Random;
use crate::{near, trials};

/// How far the two may be apart, in LU.
const WITHIN_LU: f64 = 0.01;

/// By how much the crate reads less than the standard's own filter at 48 kHz.
///
/// The table's high-pass has the numerator 1 - 2 z^-1 + z^-2, so that it lifts what it passes by
/// 1 + K/Q + K^2, 0.043 dB. The crate takes that numerator at every rate, where K is another. With
/// its readings lifted back both have one response: the one of the table.
fn crate_reads_less_by(sample_rate_hz: u32) -> f64 {
    let lift = |rate: f64| {
        let k = (PI * 38.135_470_876 / rate).tan();
        1.0 + k / 0.500_327_037 + k * k
    };
    20.0 * (lift(48_000.0) / lift(f64::from(sample_rate_hz))).log10()
}

#[test]
fn random_sound_is_as_loud_as_ebur128_says() {
    let mut random = Random::new(3);
    for trial in 0..trials(6) {
        let rate = [44_100, 48_000, 88_200, 96_000, 192_000][trial as usize % 5];
        let channels = [1, 2, 5, 6, 4][trial as usize % 5];
        let mut meter = Loudness::new(rate, layout(channels)).unwrap();
        let mut peaks = SamplePeak::new(rate, channels).unwrap();
        let mode = Mode::I | Mode::LRA | Mode::SAMPLE_PEAK;
        let mut judge = EbuR128::new(channels as u32, rate, mode).unwrap();
        let less = crate_reads_less_by(rate);
        let tenths = random.within(40.0, 120.0) as usize;
        let (mut gain, mut color) = (0.1, 0.0);
        let mut previous = vec![0.0; channels];
        let mut short_terms = Vec::new();
        for tenth in 1..=tenths {
            // The level jumps now and then, and the color drifts from white to dull.
            if random.number() > 0.6 {
                gain = 10f64.powf(random.within(-55.0, 0.0) / 20.0);
                color = random.within(0.0, 0.97);
            }
            let mut samples = Vec::with_capacity(rate as usize / 10 * channels);
            for _ in 0..rate / 10 {
                for state in &mut previous {
                    *state = color * *state + (1.0 - color) * random.number();
                    samples.push((gain * *state) as f32);
                }
            }
            meter.push(&View::interleaved(&samples, channels));
            peaks.push(&View::interleaved(&samples, channels));
            judge.add_frames_f32(&samples).unwrap();
            let what = format!("trial {trial}, {channels} channels at {rate} Hz, tenth {tenth}");
            if tenth >= 4 {
                let want = judge.loudness_momentary().unwrap() + less;
                near(meter.momentary_lufs(), want, WITHIN_LU, &what);
            }
            if tenth >= 30 {
                let want = judge.loudness_shortterm().unwrap() + less;
                near(meter.short_term_lufs(), want, WITHIN_LU, &what);
                short_terms.push(10f64.powf((want + 0.691) / 10.0));
            }
        }
        let what = format!("trial {trial}, {channels} channels at {rate} Hz");
        let want = judge.loudness_global().unwrap() + less;
        near(meter.integrated_lufs(), want, WITHIN_LU, &what);
        // The crate takes the short-term loudness once a second, where Tech 3342 has asked for ten
        // times since 2016; so its range is taken of its own readings.
        let mean = short_terms.iter().sum::<f64>() / short_terms.len() as f64;
        short_terms.retain(|energy| *energy > 0.01 * mean);
        near(meter.range_lu(), range_of(short_terms), WITHIN_LU, &what);
        for channel in 0..channels {
            let want = judge.sample_peak(channel as u32).unwrap();
            assert_eq!(f64::from(peaks.largest(channel)), want, "{what}");
        }
    }
}
