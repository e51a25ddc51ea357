//! Tech 3341, table 1: loudness. The analytic value is at most 0.04 LU off the table's.

use ossicle_dsp::meter::Loudness;

use crate::ideal::{energy, integrated, lufs, stereo};
use crate::signal::{Piece, Rig, silence, tone};
use crate::{RATES_HZ, WITHIN_LU, near};

/// Feeds a new meter at each rate.
fn at_all_rates(pieces: &[(Option<f64>, f64)], check: impl Fn(&Loudness, u32)) {
    for rate in RATES_HZ {
        let mut rig = Rig::new(rate, 2);
        rig.feed(pieces);
        check(&rig.meter, rate);
    }
}

/// A steady tone reads the same everywhere.
fn steady(level_db: f64) {
    let want = lufs(stereo(level_db));
    assert!((want - level_db).abs() < 0.01, "{want}");
    at_all_rates(&[tone(level_db, 20.0)], |meter, rate| {
        for (got, what) in [
            (meter.momentary_lufs(), "momentary"),
            (meter.short_term_lufs(), "short-term"),
            (meter.integrated_lufs(), "integrated"),
        ] {
            near(got, want, WITHIN_LU, &format!("{what} at {rate} Hz"));
        }
    });
}

/// The integrated loudness is that of the formulae, and within the table's limits.
fn gated(pieces: &[(Option<f64>, f64)]) {
    let want = integrated(pieces);
    assert!((want + 23.0).abs() < 0.1, "{want}");
    at_all_rates(pieces, |meter, rate| {
        near(
            meter.integrated_lufs(),
            want,
            WITHIN_LU,
            &format!("{rate} Hz"),
        );
    });
}

#[test]
fn ebu3341_case_1() {
    steady(-23.0);
}

#[test]
fn ebu3341_case_2() {
    steady(-33.0);
}

#[test]
fn ebu3341_case_3() {
    gated(&[tone(-36.0, 10.0), tone(-23.0, 60.0), tone(-36.0, 10.0)]);
}

#[test]
fn ebu3341_case_4() {
    gated(&[
        tone(-72.0, 10.0),
        tone(-36.0, 10.0),
        tone(-23.0, 60.0),
        tone(-36.0, 10.0),
        tone(-72.0, 10.0),
    ]);
}

#[test]
fn ebu3341_case_5() {
    gated(&[tone(-26.0, 20.0), tone(-20.0, 20.1), tone(-26.0, 20.0)]);
}

#[test]
fn ebu3341_case_6() {
    let (front, center, side) = (-28.0, -24.0, -30.0);
    let all = 2.0 * energy(front, 1.0) + energy(center, 1.0) + 2.0 * energy(side, 1.41);
    for rate in RATES_HZ {
        // 5.0, and 5.1 with something in the low-frequency channel, which is not to count.
        let five = [front, front, center, side, side];
        let six = [front, front, center, -10.0, side, side];
        for levels in [&five[..], &six] {
            let mut rig = Rig::new(rate, levels.len());
            let piece = Piece {
                seconds: 20.0,
                levels_db: Some(levels),
            };
            rig.feed_piece(piece, |_, _| {});
            let what = format!("{} channels at {rate} Hz", levels.len());
            near(rig.meter.integrated_lufs(), lufs(all), WITHIN_LU, &what);
        }
    }
    assert!((lufs(all) + 23.0).abs() < 0.1);
}

#[test]
fn ebu3341_case_9() {
    // The pattern lasts 3 s, so that every short-term window holds the same.
    let want = lufs((1.34 * stereo(-20.0) + 1.66 * stereo(-30.0)) / 3.0);
    for rate in RATES_HZ {
        let mut rig = Rig::new(rate, 2);
        for (level, seconds) in [(-20.0, 1.34), (-30.0, 1.66)].repeat(5) {
            rig.feed_looking(Some(level), seconds, |meter, at| {
                if at >= 3.0 {
                    let what = format!("{at} s at {rate} Hz");
                    near(meter.short_term_lufs(), want, WITHIN_LU, &what);
                }
            });
        }
    }
    assert!((want + 23.0).abs() < 0.1);
}

#[test]
fn ebu3341_case_10() {
    for number in 0..20 {
        let pieces = [
            silence(0.15 * f64::from(number)),
            tone(-23.0, 3.0),
            silence(1.0),
        ];
        at_all_rates(&pieces, |meter, rate| {
            let what = format!("file {number} at {rate} Hz");
            let want = lufs(stereo(-23.0));
            near(meter.max_short_term_lufs(), want, WITHIN_LU, &what);
        });
    }
}

#[test]
fn ebu3341_case_11() {
    rising(3.0, 0.15, |meter| meter.max_short_term_lufs());
}

#[test]
fn ebu3341_case_12() {
    // The pattern lasts 400 ms, so that every momentary window holds the same.
    let want = lufs((0.18 * stereo(-20.0) + 0.22 * stereo(-30.0)) / 0.4);
    for rate in RATES_HZ {
        let mut rig = Rig::new(rate, 2);
        for (level, seconds) in [(-20.0, 0.18), (-30.0, 0.22)].repeat(25) {
            rig.feed_looking(Some(level), seconds, |meter, at| {
                if at >= 1.0 {
                    let what = format!("{at} s at {rate} Hz");
                    near(meter.momentary_lufs(), want, WITHIN_LU, &what);
                }
            });
        }
    }
    assert!((want + 23.0).abs() < 0.1);
}

#[test]
fn ebu3341_case_13() {
    for number in 0..20 {
        let pieces = [
            silence(0.02 * f64::from(number)),
            tone(-23.0, 0.4),
            silence(1.0),
        ];
        at_all_rates(&pieces, |meter, rate| {
            let what = format!("file {number} at {rate} Hz");
            let want = lufs(stereo(-23.0));
            near(meter.max_momentary_lufs(), want, WITHIN_LU, &what);
        });
    }
}

#[test]
fn ebu3341_case_14() {
    rising(0.4, 0.02, |meter| meter.max_momentary_lufs());
}

/// Tones of one window's length, each 1 dB louder than the one before and later within its turn.
fn rising(window_s: f64, shift_s: f64, largest: impl Fn(&Loudness) -> Option<f64>) {
    for rate in RATES_HZ {
        let mut rig = Rig::new(rate, 2);
        for number in 0..20 {
            let (level, shift) = (f64::from(number) - 38.0, shift_s * f64::from(number));
            rig.feed(&[
                silence(shift),
                tone(level, window_s),
                silence(window_s - shift),
            ]);
            let what = format!("tone {number} at {rate} Hz");
            near(largest(&rig.meter), lufs(stereo(level)), WITHIN_LU, &what);
        }
    }
}
