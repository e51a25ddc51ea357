//! The laws of the compressor, measured from outside.
//!
//! `OSSICLE_TRIALS` says how many random settings are tried.

#[path = "dynamics/rig.rs"]
mod rig;

use rig::{
    Random, Running, amplitude, constant, decibels, gains_db, sine, sine_amplitude, times, trials,
};

const RATE_HZ: u32 = 48_000;
/// A tone that is no fraction of the rate: its samples come near its peak within every hold.
const TONE_NORM: f64 = 997.0 / 48_000.0;

/// The curve of Giannoulis, Massberg and Reiss (2012), equation 4: decibels out for decibels in.
fn curve(level: f64, threshold: f64, ratio: f64, knee: f64) -> f64 {
    let x = level - threshold;
    if 2.0 * x < -knee {
        level
    } else if 2.0 * x.abs() <= knee {
        level + (1.0 / ratio - 1.0) * (x + knee / 2.0).powi(2) / (2.0 * knee)
    } else {
        threshold + x / ratio
    }
}

#[test]
fn the_static_curve_is_the_formula_within_0_02_db() {
    let mut random = Random(1);
    for trial in 0..trials(40, 10000) {
        let threshold = random.between(-80.0, 0.0);
        let (ratio, knee) = (random.ratio(1.0, 1000.0), random.between(0.1, 24.0));
        let level = random.between(-90.0, 20.0);
        let detector = random.pick(&["peak", "rms"]);
        // The hold of a quarter of the release covers half a period, 0.5 ms.
        let release = random.ratio(2.2, 200.0);
        let attack = random.ratio(0.02, 50.0);
        let text = format!(
            "compressor:threshold={threshold},ratio={ratio},knee={knee},attack={attack},\
             release={release},detector={detector},rms_window=10"
        );
        let mut running = Running::new(&text, RATE_HZ, 1, 512);
        let settle = 48 * (300.0_f64.max(12.0 * attack)) as usize;
        // 997 periods of 997 Hz.
        let tone = sine(level, TONE_NORM, 0, settle + 48_000);
        let output = running.mono(&tone);
        let got = decibels(sine_amplitude(&output[settle..], TONE_NORM));
        let want = curve(level, threshold, ratio, knee);
        assert!(
            (got - want).abs() < 0.02,
            "trial {trial}: {level} dBFS gives {got}, not {want}: {text}"
        );
    }
}

#[test]
fn the_curve_without_a_knee_has_a_corner() {
    for (level, want) in [(-20.1, -20.1), (-19.9, -19.99), (0.0, -18.0), (10.0, -17.0)] {
        let mut running = Running::new("compressor:threshold=-20,ratio=10,knee=0", RATE_HZ, 1, 64);
        let output = running.mono(&constant(level, 48_000));
        let got = decibels(f64::from(output[47_999]));
        assert!((got - want).abs() < 0.001, "{level}: {got}, not {want}");
    }
}

#[test]
fn attack_and_release_are_the_times_of_1_minus_1_over_e() {
    let mut random = Random(2);
    let mut cases = vec![
        (0.1, 0.1),
        (0.1, 5000.0),
        (5000.0, 0.1),
        (1.0, 1.0),
        (0.5, 40.0),
    ];
    cases.extend(
        (0..trials(25, 2000)).map(|_| (random.ratio(0.1, 5000.0), random.ratio(0.1, 5000.0))),
    );
    for (attack, release) in cases {
        let rate = random.pick(&[44_100, 48_000, 96_000]);
        let block = random.pick(&[1, 7, 64, 500, 4096]);
        let frames = |ms: f64| ms * 1e-3 * f64::from(rate);
        let look_ahead = random.pick(&[0.0, 0.0, 0.25, 6.0]);
        let text = format!(
            "compressor:threshold=-30,ratio=4,knee=0,attack={attack},release={release},\
             look_ahead={look_ahead}"
        );
        // 30 dB over the threshold: the gain goes to -22.5 dB, within 1e-4 dB; and back.
        let late = frames(look_ahead).round() as usize;
        let (loud, soft) = (
            (14.0 * frames(attack)) as usize,
            (1.2 * frames(release)) as usize,
        );
        let (rise, fall) = (400 + late, 400 + late + loud + 100);
        let mut input = constant(-50.0, rise);
        input.extend(constant(0.0, fall - rise));
        input.extend(constant(-50.0, soft + 3 + late));
        let mut running = Running::new(&text, rate, 1, block);
        assert_eq!(running.node.latency_frames(), late as u64);
        let output = running.mono(&input);
        let gains = gains_db(&output[late..], &input);
        // The gain moves so much before the sound as the look-ahead is long, and back with it.
        for (name, ms, begin, from, to) in [
            ("attack", attack, rise - late, 0.0, -22.5),
            ("release", release, fall, -22.5, 0.0),
        ] {
            let (time, at) = times(&gains[begin..], from, to);
            let allowed = (0.01 * frames(ms)).max(0.5);
            for time in [time, at as f64] {
                let error = time - frames(ms);
                assert!(
                    error.abs() <= allowed + 1e-6,
                    "{name} is off by {error} frames at {rate} Hz, block {block}: {text}"
                );
            }
        }
    }
}

#[test]
fn a_20_db_step_with_look_ahead_overshoots_by_0_1_db_at_most() {
    let mut random = Random(3);
    for trial in 0..trials(12, 10000) {
        // After 5.4 attacks exp(-5.4) = 0.0045 of 20 dB is left.
        let look_ahead = random.between(0.5, 20.0);
        let attack = look_ahead / 5.4;
        let text = format!(
            "compressor:threshold=-30,ratio=1000,knee=0,attack={attack},look_ahead={look_ahead}"
        );
        let mut running = Running::new(&text, RATE_HZ, 1, 64);
        let begin = (random.bits() % 48) as usize;
        let mut tone = sine(-30.0, 1.0 / 48.0, begin, 4800);
        tone.extend(sine(-10.0, 1.0 / 48.0, begin + 4800, 9600));
        let output = running.mono(&tone);
        let loudest = output.iter().fold(0.0_f32, |most, y| most.max(y.abs()));
        let over = decibels(f64::from(loudest)) - (-30.0 + 0.02);
        assert!(over < 0.1, "trial {trial}: {over} dB over: {text}");
    }
}

#[test]
fn below_the_knee_the_sound_passes_bit_for_bit() {
    let noise: Vec<f32> = (0..5000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 8) as f32 * 1e-9)
        .collect();
    let text = "compressor:threshold=-18,knee=6,look_ahead=1";
    let output = Running::new(text, RATE_HZ, 1, 100).mono(&noise);
    assert!(output[48..] == noise[..5000 - 48]);
}

#[test]
fn dry_and_wet_are_the_same_frames() {
    let tone = sine(-3.0, TONE_NORM, 0, 9600);
    let text = |mix| format!("compressor:threshold=-30,look_ahead=3,mix={mix}");
    let [dry, half, wet] =
        [0, 50, 100].map(|mix| Running::new(&text(mix), RATE_HZ, 1, 64).mono(&tone));
    assert!(
        dry[144..] == tone[..9600 - 144],
        "mix 0 is not the sound as it came"
    );
    for frame in 0..9600 {
        let want = (dry[frame] + wet[frame]) / 2.0;
        assert!((half[frame] - want).abs() < 2e-7, "frame {frame}");
    }
}

#[test]
fn linked_channels_share_their_levels_as_far_as_is_said() {
    // Levels of 0 and -20 dBFS; the channel at -20 takes over `link` of the 20 dB between.
    for link in [0.0, 30.0, 50.0, 100.0] {
        let text = format!("compressor:threshold=-40,ratio=2,knee=0,link={link}");
        let mut planes = [constant(0.0, 24_000), constant(-20.0, 24_000)];
        Running::new(&text, RATE_HZ, 2, 64).run(&mut planes);
        let gains = [(0, 0.0, 0.0), (1, -20.0, -20.0 + 0.2 * link)];
        for (channel, level, heard) in gains {
            let got = decibels(f64::from(planes[channel][23_999])) - level;
            let want = -(heard + 40.0) / 2.0;
            assert!(
                (got - want).abs() < 0.001,
                "link {link}, channel {channel}: {got}"
            );
        }
    }
}

#[test]
fn a_side_chain_alone_decides_where_there_is_one() {
    let text = "compressor:threshold=-20,ratio=4,knee=0";
    for (sound, key, want) in [(0.0, -60.0, 0.0), (-60.0, 0.0, -15.0)] {
        let mut planes = [constant(sound, 24_000), constant(sound, 24_000)];
        let keys = [constant(-90.0, 24_000), constant(key, 24_000)];
        Running::new(text, RATE_HZ, 2, 64).run_keyed(&mut planes, Some(&keys));
        for plane in &planes {
            let got = decibels(f64::from(plane[23_999])) - sound;
            assert!((got - want).abs() < 0.001, "{got} dB, not {want}");
        }
    }
}

#[test]
fn the_key_filters_are_butterworth_of_second_order() {
    // |H|^2 = 1/(1 + w^4), with w the ratio of tan(pi f) to that of the corner, or its inverse.
    let tan = |norm: f64| (std::f64::consts::PI * norm).tan();
    let mut random = Random(4);
    for _ in 0..trials(10, 10000) {
        let tone_hz = random.ratio(200.0, 15_000.0);
        let corner_hz = random.ratio(100.0, 10_000.0);
        let high = random.pick(&[true, false]);
        let ratio = tan(tone_hz / 48_000.0) / tan(corner_hz / 48_000.0);
        let w = if high { 1.0 / ratio } else { ratio };
        let passed_db = -10.0 * (1.0 + w.powi(4)).log10();
        let filter = if high {
            "key_high_pass"
        } else {
            "key_low_pass"
        };
        let text = format!(
            "compressor:threshold=-80,ratio=2,knee=0,detector=rms,rms_window=50,{filter}={corner_hz}"
        );
        let norm = tone_hz / 48_000.0;
        let tone = sine(0.0, norm, 0, 60_000);
        let output = Running::new(&text, RATE_HZ, 1, 64).mono(&tone);
        let gain = decibels(
            sine_amplitude(&output[48_000..], norm) / sine_amplitude(&tone[48_000..], norm),
        );
        let want = -((80.0 + passed_db) / 2.0).max(0.0);
        assert!(
            (gain - want).abs() < 0.02,
            "{gain} dB, not {want}: {tone_hz} Hz, {text}"
        );
    }
}

#[test]
fn automatic_release_is_quick_after_a_peak_and_slow_after_a_passage() {
    let text = "compressor:threshold=-30,ratio=4,knee=0,attack=1,release=50,auto_release=on";
    let recovery_ms = |loud_ms: usize| {
        let mut running = Running::new(text, RATE_HZ, 1, 64);
        running.mono(&constant(0.0, 48 * loud_ms));
        let soft = constant(-50.0, 48_000 * 4);
        let gains = gains_db(&running.mono(&soft), &soft);
        times(&gains, -22.5, 0.0).0 / 48.0
    };
    // The floor is 10 times as slow: after 20 ms it has 4 % of the way, after 5 s all of it.
    let (peak, passage) = (recovery_ms(20), recovery_ms(5000));
    assert!((50.0..56.0).contains(&peak), "{peak} ms after a peak");
    assert!(
        (450.0..520.0).contains(&passage),
        "{passage} ms after a passage"
    );
}

#[test]
fn make_up_is_a_gain_and_half_of_what_0_dbfs_loses_where_automatic() {
    // 0 dBFS loses 15 dB at -20 dBFS and 4:1.
    for (makeup, want) in [
        ("makeup=5", 5.0),
        ("auto_makeup=on", 7.5),
        ("makeup=-2,auto_makeup=on", 5.5),
    ] {
        let text = format!("compressor:threshold=-20,ratio=4,knee=0,{makeup}");
        let output = Running::new(&text, RATE_HZ, 1, 64).mono(&constant(-60.0, 100));
        let got = decibels(f64::from(output[99]) / amplitude(-60.0));
        assert!((got - want).abs() < 1e-4, "{makeup}: {got}");
    }
}

#[test]
fn a_steady_tone_is_not_bent() {
    // Every harmonic of a 1 kHz tone under 15 dB of reduction, with a fast attack and release.
    let text = "compressor:threshold=-20,ratio=4,knee=0,attack=0.1,release=10";
    let output = Running::new(text, RATE_HZ, 1, 64).mono(&sine(0.0, 1.0 / 48.0, 0, 14_400));
    let steady = &output[9600..];
    let tone = sine_amplitude(steady, 1.0 / 48.0);
    for harmonic in 2..24 {
        let level = decibels(sine_amplitude(steady, f64::from(harmonic) / 48.0) / tone);
        assert!(level < -120.0, "harmonic {harmonic}: {level} dB");
    }
}

#[test]
fn what_is_not_finite_is_silence_to_every_detector() {
    for more in [
        "",
        ",detector=rms",
        ",key_high_pass=100",
        ",detector=rms,key_low_pass=9000",
    ] {
        let text = format!("compressor:threshold=-20,ratio=4{more}");
        let clean = sine(0.0, TONE_NORM, 0, 9600);
        let mut broken = clean.clone();
        broken[4800] = f32::NAN;
        broken[4801] = f32::INFINITY;
        let mut silent = clean;
        silent[4800..4802].fill(0.0);
        let [broken, silent] =
            [broken, silent].map(|input| Running::new(&text, RATE_HZ, 1, 64).mono(&input));
        assert!(broken[4802..] == silent[4802..], "{text}");
    }
}
