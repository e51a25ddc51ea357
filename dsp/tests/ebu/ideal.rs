//! What a tone's loudness is by the standard's own formulae: no filter runs here.
//!
//! A tone of peak level L in a channel of weight w has the weighted mean square
//! w 10^(L/10)/2 |H|^2, where H is the response of the K-weighting at 1 kHz.

use std::f64::consts::PI;

/// Energy of a weighted 1 kHz tone.
pub fn energy(level_db: f64, weight: f64) -> f64 {
    weight * 10f64.powf(level_db / 10.0) / 2.0 * weighting_at_1_khz()
}

/// Energy of the tone in left and right.
pub fn stereo(level_db: f64) -> f64 {
    2.0 * energy(level_db, 1.0)
}

/// Loudness of an energy: BS.1770-5, equation 2.
pub fn lufs(energy: f64) -> f64 {
    -0.691 + 10.0 * energy.log10()
}

/// |H|^2 at 1 kHz of the two filters in tables 1 and 2 of BS.1770-5, annex 1.
fn weighting_at_1_khz() -> f64 {
    let angle = 2.0 * PI * 1000.0 / 48_000.0;
    let square = |c: [f64; 3]| {
        let real = c[0] + c[1] * angle.cos() + c[2] * (2.0 * angle).cos();
        let imaginary = c[1] * angle.sin() + c[2] * (2.0 * angle).sin();
        real * real + imaginary * imaginary
    };
    let shelf = square([1.53512485958697, -2.69169618940638, 1.19839281085285])
        / square([1.0, -1.69065929318241, 0.73248077421585]);
    let high_pass = square([1.0, -2.0, 1.0]) / square([1.0, -1.99004745483398, 0.99007225036621]);
    shelf * high_pass
}

/// Energies of each 100 ms of stereo tones that last whole tenths of a second.
fn tenths(pieces: &[(Option<f64>, f64)]) -> Vec<f64> {
    let of = |&(level, seconds): &(Option<f64>, f64)| {
        let count = (seconds * 10.0).round() as usize;
        std::iter::repeat_n(level.map_or(0.0, stereo), count)
    };
    pieces.iter().flat_map(of).collect()
}

/// Means of the last `length` tenths, at each tenth from the first full one on.
fn means(tenths: &[f64], length: usize) -> Vec<f64> {
    let mean = |window: &[f64]| window.iter().sum::<f64>() / length as f64;
    tenths.windows(length).map(mean).collect()
}

fn above(values: &[f64], gate_lufs: f64) -> Vec<f64> {
    let louder = |energy: &&f64| **energy > 0.0 && lufs(**energy) > gate_lufs;
    values.iter().filter(louder).copied().collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Integrated loudness of tones: BS.1770-5, equations 4 to 7.
pub fn integrated(pieces: &[(Option<f64>, f64)]) -> f64 {
    let blocks = above(&means(&tenths(pieces), 4), -70.0);
    let gate = lufs(mean(&blocks)) - 10.0;
    lufs(mean(&above(&blocks, gate)))
}

/// Loudness range of tones: Tech 3342, section 2.
pub fn range(pieces: &[(Option<f64>, f64)]) -> f64 {
    let short_terms = above(&means(&tenths(pieces), 30), -70.0);
    let gate = lufs(mean(&short_terms)) - 20.0;
    range_of(above(&short_terms, gate))
}

/// From the 10th to the 95th percentile of energies, as levels.
pub fn range_of(mut energies: Vec<f64>) -> f64 {
    energies.sort_by(f64::total_cmp);
    let at = |share: f64| energies[((energies.len() - 1) as f64 * share).round() as usize];
    lufs(at(0.95)) - lufs(at(0.10))
}
