//! EBU Tech 3341 (2023) and 3342 (2023): every case that can be synthesised, at five rates, and the
//! `ebur128` crate beside the meter on random sound.
//!
//! Cases 7 and 8 of 3341, and 5 and 6 of 3342, are recordings of the EBU.

mod ideal;
mod judge;
mod signal;
mod tech3341;
mod tech3342;
mod true_peak;

/// The rates at which every case runs.
const RATES_HZ: [u32; 5] = [44_100, 48_000, 88_200, 96_000, 192_000];

/// How far from the analytic value a reading may be, in LU.
const WITHIN_LU: f64 = 0.02;

/// Checks a reading.
#[track_caller]
fn near(got: Option<f64>, want: f64, within: f64, what: &str) {
    let off = got.map(|got| (got - want).abs());
    assert!(
        off.is_some_and(|off| off <= within),
        "{what}: {got:?}, not {want:.3} within {within}"
    );
}

/// How often random trials run: `OSSICLE_TRIALS`, or `few`.
fn trials(few: u64) -> u64 {
    let asked = std::env::var("OSSICLE_TRIALS").ok();
    asked.and_then(|text| text.parse().ok()).unwrap_or(few)
}
