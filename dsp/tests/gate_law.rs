//! The laws of the gate and expander, measured from outside.
//!
//! `OSSICLE_TRIALS` says how many random settings are tried.

#[path = "dynamics/rig.rs"]
mod rig;

use rig::{
    Random, Running, amplitude, constant, decibels, gains_db, sine, sine_amplitude, times, trials,
};

const RATE_HZ: u32 = 48_000;
/// A tone whose peaks are sampled: a steep curve makes much of a level that is not quite the peak's.
const TONE_NORM: f64 = 1.0 / 48.0;

#[test]
fn the_static_curve_of_an_expander_is_the_formula_within_0_02_db() {
    let mut random = Random(1);
    for trial in 0..trials(30, 10000) {
        let (threshold, ratio) = (random.between(-60.0, 0.0), random.ratio(1.0, 1000.0));
        let range = random.between(-120.0, -1.0);
        let level = random.between(-80.0, 6.0);
        let release = random.ratio(2.2, 30.0);
        let text = format!(
            "gate:threshold={threshold},hysteresis=0,ratio={ratio},range={range},hold=0,\
             attack=1,release={release}"
        );
        let mut running = Running::new(&text, RATE_HZ, 1, 512);
        let tone = sine(level, TONE_NORM, 0, 24_000 + 48_000);
        let output = running.mono(&tone);
        let got = decibels(sine_amplitude(&output[24_000..], TONE_NORM));
        let below = (threshold - level).max(0.0);
        let want = level + ((1.0 - ratio) * below).max(range);
        assert!(
            (got - want).abs() < 0.02,
            "trial {trial}: {level} dBFS gives {got}, not {want}: {text}"
        );
    }
}

/// The frames, counted from the first, on which the gain is higher and lower than the one before.
fn moves(gains: &[f64]) -> Vec<(usize, bool)> {
    let step = |at: usize| gains[at] - gains[at - 1];
    (1..gains.len())
        .filter(|&at| step(at).abs() > 1e-4)
        .map(|at| (at, step(at) > 0.0))
        .collect()
}

#[test]
fn it_opens_and_closes_on_the_exact_frames() {
    let mut random = Random(2);
    for trial in 0..trials(30, 10000) {
        let hold_ms = random.pick(&[0.0, 0.5, 3.0, 20.0]);
        let look_ahead_ms = random.pick(&[0.0, 1.0, 7.25]);
        let text = format!(
            "gate:threshold=-40,hysteresis=6,hold={hold_ms},look_ahead={look_ahead_ms},\
             attack=0.02,release=0.1,range=-20"
        );
        // Of a release of 4.8 frames one more counts where the hold is shorter than 10 ms.
        let hold = (48.0 * hold_ms) as usize;
        let hold = if hold < 480 { hold + 1 } else { hold };
        let look_ahead = (48.0 * look_ahead_ms) as usize;
        let block = random.pick(&[1, 5, 64, 1000]);
        let loud = 500 + (random.bits() % 500) as usize;
        let mut input = constant(-60.0, 1000);
        // Between the two thresholds it does not open, and does not close.
        input.extend(constant(-43.0, 1000));
        input.extend(constant(-39.9, loud));
        input.extend(constant(-45.9, 1000));
        input.extend(constant(-46.1, 3000));
        let mut running = Running::new(&text, RATE_HZ, 1, block);
        let output = running.mono(&input);
        let mut held = vec![amplitude(-60.0) as f32; look_ahead];
        held.extend_from_slice(&input[..input.len() - look_ahead]);
        let gains = gains_db(&output[look_ahead..], &held[look_ahead..]);
        let moves = moves(&gains);
        let (opened, closed) = (moves.first(), moves.iter().find(|(_, up)| !up));
        // The frame of the first loud sample, which comes out `look_ahead` frames later; both
        // counted from `look_ahead` on.
        assert_eq!(
            opened,
            Some(&(2000 - look_ahead, true)),
            "trial {trial}: {text}"
        );
        let last = 2000 + loud + 1000 - 1;
        assert_eq!(
            closed,
            Some(&(last + 1 + hold, false)),
            "trial {trial}: {text}"
        );
    }
}

#[test]
fn attack_and_release_are_the_times_of_1_minus_1_over_e() {
    let mut random = Random(3);
    let mut cases = vec![(0.1, 0.1, 0.0), (0.1, 5000.0, 0.0), (5000.0, 0.1, 7.0)];
    let time = |random: &mut Random| random.ratio(0.1, 5000.0);
    cases.extend((0..trials(15, 2000)).map(|_| {
        (
            time(&mut random),
            time(&mut random),
            random.pick(&[0.0, 1.0, 50.0]),
        )
    }));
    for (attack, release, hold) in cases {
        let rate = random.pick(&[44_100, 48_000, 96_000]);
        let block = random.pick(&[1, 7, 64, 500, 4096]);
        let frames = |ms: f64| ms * 1e-3 * f64::from(rate);
        let text =
            format!("gate:threshold=-30,range=-40,attack={attack},release={release},hold={hold}");
        let mut running = Running::new(&text, rate, 1, block);
        let check = |name: &str, begin: usize, ms: f64, gains: &[f64], from: f64, to: f64| {
            let (time, at) = times(&gains[begin..], from, to);
            let allowed = (0.01 * frames(ms)).max(0.5);
            for time in [time, at as f64] {
                let error = time - frames(ms);
                assert!(
                    error.abs() <= allowed + 1e-6,
                    "{name} is off by {error} frames at {rate} Hz, block {block}: {text}"
                );
            }
        };
        let loud = constant(0.0, 3 + (1.2 * frames(attack)) as usize);
        running.mono(&constant(-50.0, 100));
        check(
            "attack",
            0,
            attack,
            &gains_db(&running.mono(&loud), &loud),
            -40.0,
            0.0,
        );
        running.mono(&constant(0.0, (13.0 * frames(attack)) as usize));
        let hold = frames(hold).round() as usize;
        let soft = constant(-50.0, hold + 3 + (1.2 * frames(release)) as usize);
        check(
            "release",
            hold,
            release,
            &gains_db(&running.mono(&soft), &soft),
            0.0,
            -40.0,
        );
    }
}

#[test]
fn a_tone_over_the_threshold_passes_untouched() {
    for frequency_hz in [50.0, 100.0, 1000.0, 7000.0] {
        let tone = sine(-20.0, frequency_hz / 48_000.0, 0, 96_000);
        let output = Running::new("gate:threshold=-40", RATE_HZ, 1, 64).mono(&tone);
        // Open for 40 attacks: the gain is 1 to the last bit.
        assert!(output[9600..] == tone[9600..], "{frequency_hz} Hz");
    }
}

#[test]
fn a_side_chain_alone_decides_where_there_is_one() {
    for (key_db, want) in [(-20.0, 0.0), (-70.0, -60.0)] {
        let mut planes = [constant(-10.0, 24_000)];
        let key = [constant(key_db, 24_000)];
        Running::new("gate:release=5", RATE_HZ, 1, 64).run_keyed(&mut planes, Some(&key));
        let got = decibels(f64::from(planes[0][23_999])) + 10.0;
        assert!((got - want).abs() < 1e-3, "{got} dB, not {want}");
    }
}

#[test]
fn channels_open_together_or_each_by_itself() {
    for (link, want) in [("linked", 0.0), ("independent", -60.0)] {
        let mut planes = [constant(-10.0, 24_000), constant(-80.0, 24_000)];
        let text = format!("gate:link={link},release=5");
        Running::new(&text, RATE_HZ, 2, 64).run(&mut planes);
        for (plane, (level, want)) in planes.iter().zip([(-10.0, 0.0), (-80.0, want)]) {
            let got = decibels(f64::from(plane[23_999])) - level;
            assert!((got - want).abs() < 1e-3, "{link}: {got} dB, not {want}");
        }
    }
}
