//! The laws of the meters: time constants, readings of known sounds, and what all have in common.

#[path = "battery/allocator.rs"]
mod allocator;

use std::f64::consts::PI;

use ossicle_dsp::meter::{
    Correlation, KScale, KSystem, Loudness, Rms, SamplePeak, TruePeak, View, Vu, layout,
};

const RATES_HZ: [u32; 4] = [11_025, 44_100, 48_000, 192_000];

fn sine(rate: u32, frequency_hz: f64, amplitude: f64, seconds: f64) -> Vec<f32> {
    let frames = (seconds * f64::from(rate)).round() as u32;
    let turn = 2.0 * PI * frequency_hz / f64::from(rate);
    (0..frames)
        .map(|frame| (amplitude * (turn * f64::from(frame)).sin()) as f32)
        .collect()
}

/// Noise within 1, the same for the same seed.
fn noise(seed: u32, samples: usize) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..samples).map(|_| next()).collect()
}

fn db(ratio: f64) -> f64 {
    20.0 * ratio.log10()
}

/// All meters at once.
#[derive(Clone)]
struct All {
    peak: SamplePeak,
    true_peak: TruePeak,
    rms: Rms,
    vu: Vu,
    k: KSystem,
    loudness: Loudness,
    correlation: Correlation,
}

impl All {
    fn new(rate: u32, channels: usize) -> Self {
        Self {
            peak: SamplePeak::new(rate, channels).unwrap(),
            true_peak: TruePeak::new(rate, channels).unwrap(),
            rms: Rms::new(rate, channels, 0.3).unwrap(),
            vu: Vu::new(rate, channels, -18.0).unwrap(),
            k: KSystem::new(rate, channels, KScale::K14).unwrap(),
            loudness: Loudness::new(rate, layout(channels)).unwrap(),
            correlation: Correlation::new(rate, 0.3).unwrap(),
        }
    }

    fn push(&mut self, view: &View<'_>) {
        self.peak.push(view);
        self.true_peak.push(view);
        self.rms.push(view);
        self.vu.push(view);
        self.k.push(view);
        self.loudness.push(view);
        self.correlation.push(view);
    }

    fn reset(&mut self) {
        self.peak.reset();
        self.true_peak.reset();
        self.rms.reset();
        self.vu.reset();
        self.k.reset();
        self.loudness.reset();
        self.correlation.reset();
    }

    /// Every reading of every channel, as bits.
    fn bits(&self, channels: usize) -> Vec<u64> {
        let of = |value: Option<f64>| value.map_or(u64::MAX, f64::to_bits);
        let mut all = vec![
            of(self.loudness.momentary_lufs()),
            of(self.loudness.short_term_lufs()),
            of(self.loudness.integrated_lufs()),
            of(self.loudness.range_lu()),
            of(self.loudness.max_momentary_lufs()),
            of(self.loudness.max_short_term_lufs()),
            of(self.correlation.value()),
        ];
        for channel in 0..channels {
            all.extend([
                f64::from(self.peak.largest(channel)).to_bits(),
                f64::from(self.peak.shown(channel)).to_bits(),
                f64::from(self.true_peak.largest(channel)).to_bits(),
                of(self.rms.value(channel)),
                self.vu.value(channel).to_bits(),
                of(self.k.average_db(channel)),
                of(self.k.peak_db(channel)),
            ]);
        }
        all
    }
}

#[test]
fn no_reading_depends_on_the_cut_or_the_layout() {
    let (rate, channels, frames) = (11_025, 2, 60_000);
    let interleaved: Vec<f32> = noise(5, frames * channels)
        .into_iter()
        .enumerate()
        .map(|(at, sample)| sample * ((at as f32 / 9000.0).sin() + 0.2))
        .collect();
    let planar: Vec<f32> = (0..channels)
        .flat_map(|channel| interleaved.iter().skip(channel).step_by(channels))
        .copied()
        .collect();
    let mut whole = All::new(rate, channels);
    whole.push(&View::interleaved(&interleaved, channels));
    let want = whole.bits(channels);
    assert!(!want.contains(&u64::MAX), "a reading is missing");
    for cut in [1, 7, 64, 441, 4096] {
        let mut meters = All::new(rate, channels);
        let all = View::planar(&planar, frames, frames);
        let mut done = 0;
        while done < frames {
            let now = cut.min(frames - done);
            meters.push(&all.part(done, now));
            done += now;
        }
        assert_eq!(meters.bits(channels), want, "cut into {cut}");
    }
    let mut again = whole.clone();
    again.reset();
    again.push(&View::interleaved(&interleaved, channels));
    assert_eq!(again.bits(channels), want, "after a reset");
}

#[test]
fn nothing_is_allocated_after_construction() {
    let samples = noise(1, 96_000);
    let mut meters = All::new(48_000, 2);
    let calls = allocator::calls(|| {
        for block in samples.chunks(354) {
            meters.push(&View::interleaved(block, 2));
        }
        meters.true_peak.drain();
        let read = meters.loudness.integrated_lufs().is_some();
        assert!(read && meters.correlation.value().is_some());
        meters.reset();
    });
    assert_eq!(calls, 0);
}

#[test]
fn what_is_not_finite_spoils_no_reading() {
    let mut dirty = noise(2, 96_000);
    for at in (0..dirty.len()).step_by(97) {
        dirty[at] = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY][at % 3];
    }
    let finite = |&sample: &f32| if sample.is_finite() { sample } else { 0.0 };
    let clean: Vec<f32> = dirty.iter().map(finite).collect();
    let bits = |samples: &[f32]| {
        let mut meters = All::new(48_000, 2);
        meters.push(&View::interleaved(samples, 2));
        meters.bits(2)
    };
    assert_eq!(bits(&dirty), bits(&clean));
}

#[test]
fn a_peak_is_held_for_3_s_and_then_falls_by_20_db_in_1_7_s() {
    for rate in RATES_HZ {
        let mut peak = SamplePeak::new(rate, 1).unwrap();
        let mut feed = |samples: &[f32]| {
            peak.push(&View::interleaved(samples, 1));
            peak.shown(0)
        };
        let silence = vec![0.0; 3 * rate as usize];
        assert_eq!(feed(&[-0.5]), 0.5);
        assert_eq!(feed(&silence), 0.5);
        let falling = feed(&silence[..(1.7 * f64::from(rate)).round() as usize]);
        // Half a frame, and single precision.
        let fall = db(f64::from(falling) / 0.5);
        assert!((fall + 20.0).abs() < 0.001, "{rate} Hz: {fall} dB");
        assert_eq!(feed(&[0.25]), 0.25, "a new peak is shown at once");
        assert_eq!((peak.largest(0), peak.take_recent(0)), (0.5, 0.5));
        assert_eq!(peak.take_recent(0), 0.0);
    }
}

#[test]
fn vu_reaches_99_percent_in_300_ms_and_goes_1_to_1_5_percent_beyond() {
    for rate in RATES_HZ {
        let mut vu = Vu::new(rate, 1, -18.0).unwrap();
        let tone = sine(rate, 1000.0, 0.5, 5.0);
        let rest = 0.5 / 2f64.sqrt();
        let (mut reached_at, mut most) = (None, 0.0f64);
        for (frame, sample) in tone.iter().enumerate() {
            vu.push(&View::interleaved(std::slice::from_ref(sample), 1));
            let value = vu.value(0) / rest;
            most = most.max(value);
            if value >= 0.99 && reached_at.is_none() {
                reached_at = Some(frame as f64 / f64::from(rate));
            }
        }
        // The standard allows 10 %; the ripple of the rectified tone and of its samples moves the
        // moment by less than 1 %.
        let reached_at = reached_at.unwrap();
        assert!(
            (0.297..0.303).contains(&reached_at),
            "{rate} Hz: {reached_at} s"
        );
        assert!((1.01..=1.015).contains(&most), "{rate} Hz: {most}");
        // At 11025 Hz the mean of a rectified sine is off by what its few samples make of it.
        let off = vu.level_vu(0).unwrap() - (db(0.5) + 18.0);
        assert!(off.abs() < 0.06, "{rate} Hz: {off} VU");
    }
}

#[test]
fn the_k_average_reads_a_sine_as_its_peak_and_is_there_in_600_ms() {
    for rate in RATES_HZ {
        for (scale, zero) in [
            (KScale::K12, -12.0),
            (KScale::K14, -14.0),
            (KScale::K20, -20.0),
        ] {
            let mut meter = KSystem::new(rate, 1, scale).unwrap();
            let tone = sine(rate, 1000.0, 0.25, 3.0);
            let (rise, rest) = tone.split_at((0.6 * f64::from(rate)) as usize);
            meter.push(&View::interleaved(rise, 1));
            let at_600_ms = meter.average_db(0).unwrap() - (db(0.25) - zero);
            // The ripple of the squares at 2 kHz is 10^-4 of their mean.
            assert!(
                (at_600_ms - db(0.99)).abs() < 0.002,
                "{rate} Hz: {at_600_ms} dB"
            );
            meter.push(&View::interleaved(rest, 1));
            let at_rest = meter.average_db(0).unwrap() - (db(0.25) - zero);
            assert!(at_rest.abs() < 0.002, "{rate} Hz: {at_rest} dB");
            let peak = meter.peak_db(0).unwrap() - (db(0.25) - zero);
            assert!((-0.18..0.0001).contains(&peak), "{rate} Hz: {peak} dB");
        }
    }
}

#[test]
fn rms_is_that_of_its_window_and_of_nothing_before() {
    for rate in RATES_HZ {
        let mut rms = Rms::new(rate, 1, 0.3).unwrap();
        // Whole periods fill the window.
        let loud = sine(rate, 1000.0, 1.0, 1.0);
        rms.push(&View::interleaved(&loud, 1));
        let value = rms.value(0).unwrap();
        assert!((value - 0.5f64.sqrt()).abs() < 1e-4, "{rate} Hz: {value}");
        let half = sine(rate, 1000.0, 1.0, 1.15);
        rms.reset();
        rms.push(&View::interleaved(&half, 1));
        rms.push(&View::interleaved(
            &vec![0.0; (0.15 * f64::from(rate)).round() as usize],
            1,
        ));
        // Half of the window is silent: the square is half.
        let value = rms.value(0).unwrap();
        assert!((value - 0.5).abs() < 0.01, "{rate} Hz: {value}");
        rms.push(&View::interleaved(&vec![0.0; rate as usize], 1));
        assert_eq!(rms.value(0), Some(0.0));
    }
}

#[test]
fn tones_apart_by_an_angle_correlate_by_its_cosine() {
    let rate = 48_000;
    for degrees in [0.0f64, 30.0, 60.0, 90.0, 135.0, 180.0] {
        let turn = |frame: usize| 2.0 * PI * 1000.0 * frame as f64 / f64::from(rate);
        let pair = |frame: usize| {
            [
                (0.8 * turn(frame).sin()) as f32,
                (0.1 * (turn(frame) + degrees.to_radians()).sin()) as f32,
            ]
        };
        let samples: Vec<f32> = (0..rate as usize).flat_map(pair).collect();
        let mut meter = Correlation::new(rate, 0.3).unwrap();
        assert_eq!(meter.value(), None);
        meter.push(&View::interleaved(&samples, 2));
        let value = meter.value().unwrap();
        // Single precision of the samples.
        assert!(
            (value - degrees.to_radians().cos()).abs() < 1e-5,
            "{degrees}: {value}"
        );
        meter.push(&View::interleaved(&[0.0; 96_000], 2));
        assert_eq!(meter.value(), None, "silence has nothing to compare");
    }
}

#[test]
fn a_sample_is_a_peak_too_and_the_last_frames_are_drained() {
    // Between the samples of a lone impulse the sinc is below it; and it comes 24 frames late.
    let mut meter = TruePeak::new(48_000, 2).unwrap();
    let mut samples = vec![0.0; 400];
    samples[399] = -0.75;
    meter.push(&View::interleaved(&samples, 2));
    assert_eq!((meter.largest(0), meter.largest(1)), (0.0, 0.75));
    // Two alike have their peak between them: 2 sinc(1/2) = 4/pi, less what the window takes.
    let mut pair = TruePeak::new(48_000, 1).unwrap();
    pair.push(&View::interleaved(&[0.0, 0.5, 0.5], 1));
    assert_eq!(pair.largest(0), 0.5, "not known yet");
    pair.drain();
    let value = f64::from(pair.largest(0));
    assert!((value - 2.0 / PI).abs() < 0.002, "{value}");
}

#[test]
fn rates_and_channels_that_cannot_be_are_refused() {
    let text = |error: ossicle_dsp::meter::MeterError| error.to_string();
    assert_eq!(
        text(Loudness::new(2000, layout(2)).unwrap_err()),
        "loudness cannot be measured at 2000 Hz (allowed: 4000 to 3072000 Hz)"
    );
    assert_eq!(
        text(TruePeak::new(48_000, 0).unwrap_err()),
        "the true peak cannot be measured of 0 channels (allowed: 1 or more)"
    );
    assert!(Rms::new(999, 1, 0.3).is_err() && Vu::new(0, 1, -18.0).is_err());
    assert!(KSystem::new(48_000, 0, KScale::K12).is_err());
    assert!(Correlation::new(4_000_000, 0.3).is_err() && SamplePeak::new(0, 1).is_err());
}
