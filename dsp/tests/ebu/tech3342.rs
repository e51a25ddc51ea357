//! Tech 3342, table 1: loudness range.

use crate::ideal::range;
use crate::signal::{Rig, tone};
use crate::{RATES_HZ, WITHIN_LU, near};

/// Tones of 20 s each; `expected` is the table's value.
fn tones(levels_db: &[f64], expected: f64) {
    let pieces: Vec<_> = levels_db.iter().map(|&level| tone(level, 20.0)).collect();
    let want = range(&pieces);
    assert!((want - expected).abs() < 1.0, "{want}");
    for rate in RATES_HZ {
        let mut rig = Rig::new(rate, 2);
        rig.feed(&pieces);
        near(rig.meter.range_lu(), want, WITHIN_LU, &format!("{rate} Hz"));
    }
}

#[test]
fn ebu3342_case_1() {
    tones(&[-20.0, -30.0], 10.0);
}

#[test]
fn ebu3342_case_2() {
    tones(&[-20.0, -15.0], 5.0);
}

#[test]
fn ebu3342_case_3() {
    tones(&[-40.0, -20.0], 20.0);
}

#[test]
fn ebu3342_case_4() {
    tones(&[-50.0, -35.0, -20.0, -35.0, -50.0], 15.0);
}
