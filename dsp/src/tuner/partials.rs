//! The frequency of a string's first partial, from all its partials at once.
//!
//! A stiff string's partials are not whole multiples of the first: f(n) = n f0 sqrt(1 + B n^2)
//! (Fletcher, "Normal vibration frequencies of a stiff piano string", JASA 36(1), 1964, equation 5).
//! So the period of the whole sound is shorter than that of the first partial, by cents. Here each
//! partial is fitted with two frequencies' worth of freedom, a(t) cos + b(t) sin with a and b straight
//! lines over time, all of them together by least squares: how a and b turn says how far the partial
//! is from where it was looked for, how they shrink says how it decays. High partials decay in curves,
//! though, and what no straight line follows would be taken for their neighbours: so from some periods
//! on the squares are weighed with a raised cosine, under which partials hardly touch. The squares (f(n) / n)^2 =
//! u + v n^2 lie on a straight line, whose value at 1 is the first partial's square. Each counts as
//! much as its amplitude says: the variance of a tone's frequency in white noise of variance s^2 is
//! 24 s^2 / (A^2 N^3) (Rife and Boorstyn, "Single-tone parameter estimation from discrete-time
//! observations", IEEE Trans. Information Theory 20(5), 1974).

use alloc::vec;
use alloc::vec::Vec;
use core::f64::consts::TAU;

use super::gram::{gram, weigh};
use super::solve::{dot, solve};

/// Partials that are fitted: what is left out would be taken for its neighbours.
const MOST: usize = 24;
/// Those of them that are believed in turn, each time from where the fit before says they are.
const STAGES: [usize; 4] = [6, 12, 24, 24];
/// Spread of B that is expected before anything is known.
const EXPECTED_B: f64 = 2e-4;
/// A partial is heard when its power is so many times what noise alone would give it.
const HEARD: f64 = 9.0;
/// A partial is off the line when it is so many of its standard deviations away; and as many are
/// kept.
const OFF: f64 = 5.0;
const FEWEST: usize = 3;
/// Partials that together have less than this share of the power are not there.
const ABSENT: f64 = 0.01;
/// From so many periods on, times count the less the further they are from the middle.
const WEIGHED_PERIODS: f64 = 5.0;
/// How much shorter a stretch is that tells as much of a frequency without weights: the third root
/// of the variances' ratio, (integral w^2 x^2) / (integral w x^2)^2 / 12 for w = cos^2(pi x).
const WEIGHED_SHARE: f64 = 0.753;
/// What a partial takes of the freedom, in samples: its four numbers, and so weighed (two times
/// integral w^2 / integral w, and the same with x^2).
const TAKEN: f64 = 4.0;
const WEIGHED_TAKEN: f64 = 2.4;
/// Partials that are looked at together.
const TOGETHER: usize = 4;
/// Samples after which a rotation is computed anew.
const TURN: usize = 128;

/// A string: the squares of its partials are n^2 (u + v n^2), in (cycles per sample)^2.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stiff {
    u: f64,
    v: f64,
}

impl Stiff {
    /// A string of which nothing is known but a frequency, in cycles per sample.
    pub(super) fn harmonic(norm: f64) -> Self {
        Self {
            u: norm * norm,
            v: 0.0,
        }
    }

    /// Frequency of a partial, from 1, in cycles per sample.
    pub(super) fn partial(self, number: usize) -> f64 {
        let n = number as f64;
        n * libm::sqrt((self.u + self.v * n * n).max(0.0))
    }
}

/// A partial as it was fitted.
#[derive(Clone, Copy, Debug)]
struct Partial {
    number: f64,
    /// Cycles per sample.
    norm: f64,
    /// Square of the amplitude.
    power: f64,
}

/// A string as it was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fit {
    pub(super) string: Stiff,
    /// Share of the power that it explains.
    pub(super) explained: f64,
    /// Only every so many of its partials are there: the true one is so many times as high.
    pub(super) multiple: usize,
}

/// Fits the string to `samples`, from a first guess. `None` when the fit goes astray.
pub(super) fn fit(samples: &[f32], guess: Stiff) -> Option<Fit> {
    // An odd count has a middle.
    let samples = &samples[..samples.len() - (1 - samples.len() % 2)];
    let mut string = guess;
    let (mut explained, mut multiple) = (0.0, 1);
    let first = guess.partial(1);
    for (stage, trusted) in STAGES.into_iter().enumerate() {
        let count = (1..=MOST).take_while(|&n| string.partial(n) < 0.47).count();
        let now = shortened(samples, stage, first);
        let weighed = now.len() as f64 * string.partial(1) >= WEIGHED_PERIODS;
        let (partials, share, noise) = turn(now, string, count, weighed)?;
        explained = share;
        multiple = self::multiple(&partials);
        let trusted = &partials[..trusted.min(count)];
        let tells = if weighed { WEIGHED_SHARE } else { 1.0 } * now.len() as f64;
        string = line(trusted, string, tells, noise);
        if !(0.97..1.03).contains(&(string.partial(1) / first)) {
            return None;
        }
    }
    Some(Fit {
        string,
        explained,
        multiple,
    })
}

/// Of how many partials one is there at the most, from 1.
fn multiple(partials: &[Partial]) -> usize {
    let power = |is_in: &dyn Fn(usize) -> bool| -> f64 {
        let kept = partials
            .iter()
            .filter(|partial| is_in(partial.number as usize));
        kept.map(|partial| partial.power).sum()
    };
    let total = power(&|_| true);
    let fits = |&every: &usize| power(&|number| !number.is_multiple_of(every)) < ABSENT * total;
    [3, 2].into_iter().find(fits).unwrap_or(1)
}

/// The last part of the samples: four periods at first, then twice as many, then all.
fn shortened(samples: &[f32], stage: usize, norm: f64) -> &[f32] {
    let periods = match stage {
        0 => 4.0,
        1 => 8.0,
        _ => return samples,
    };
    let wanted = ((periods / norm) as usize | 1).min(samples.len());
    &samples[samples.len() - wanted..]
}

/// Fits all partials at once; returns them, the share of the power explained, and the variance of
/// what is left.
fn turn(
    samples: &[f32],
    string: Stiff,
    count: usize,
    weighed: bool,
) -> Option<(Vec<Partial>, f64, f64)> {
    let mut total: f64 = samples.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
    let mut freedom = samples.len() as f64 - TAKEN * count as f64;
    let weighed_samples: Vec<f32>;
    let mut sounds = samples;
    if weighed {
        weighed_samples = weigh(samples);
        sounds = &weighed_samples;
        let products = samples.iter().zip(sounds);
        total = products.map(|(x, y)| f64::from(*x) * f64::from(*y)).sum();
        freedom = samples.len() as f64 / 2.0 - WEIGHED_TAKEN * count as f64;
    }
    let norms: Vec<f64> = (1..=count).map(|n| string.partial(n)).collect();
    let half = (samples.len() / 2) as f64;
    let (mut even, mut odd) = (vec![0.0; 2 * count], vec![0.0; 2 * count]);
    let projected = norms.chunks(TOGETHER).flat_map(|some| {
        let norms = core::array::from_fn(|lane| some.get(lane).copied().unwrap_or(0.0));
        project(sounds, norms)
    });
    for (place, sums) in projected.take(count).enumerate() {
        (even[2 * place], even[2 * place + 1]) = (sums[0], sums[3] / half);
        (odd[2 * place], odd[2 * place + 1]) = (sums[1], sums[2] / half);
    }
    let right = (even.clone(), odd.clone());
    let (even_matrix, odd_matrix) = gram(&norms, samples.len(), weighed);
    solve(even_matrix, &mut even)?;
    solve(odd_matrix, &mut odd)?;
    let explained = dot(&even, &right.0) + dot(&odd, &right.1);
    let noise = ((total - explained) / freedom.max(1.0)).max(total * 1e-12);
    let partials = norms.iter().enumerate().map(|(place, &norm)| {
        // x = a cos + b sin + t (p cos + q sin): turning by d gives p = d b, q = -d a.
        let (a, b) = (even[2 * place], odd[2 * place]);
        let (p, q) = (odd[2 * place + 1], even[2 * place + 1]);
        let power = a * a + b * b;
        let turned = (p * b - q * a) / power.max(f64::MIN_POSITIVE) / half;
        Partial {
            number: place as f64 + 1.0,
            norm: norm + turned / TAU,
            power,
        }
    });
    Some((
        partials.collect(),
        explained / total.max(f64::MIN_POSITIVE),
        noise,
    ))
}

/// The sums of x cos, x sin, x t cos and x t sin over the samples, with t from the middle, for each
/// of some frequencies: side by side, as each step of a rotation waits for the one before.
fn project(samples: &[f32], norms: [f64; TOGETHER]) -> [[f64; 4]; TOGETHER] {
    let half = (samples.len() / 2) as f64;
    let steps = norms.map(|norm| libm::sincos(TAU * norm));
    let (sin, cos) = (steps.map(|(sin, _)| sin), steps.map(|(_, cos)| cos));
    let mut sums = [[0.0; TOGETHER]; 4];
    for (turn, samples) in samples.chunks(TURN).enumerate() {
        let mut t = (turn * TURN) as f64 - half;
        let begins = norms.map(|norm| libm::sincos(TAU * norm * t));
        let (mut s, mut c) = (begins.map(|(s, _)| s), begins.map(|(_, c)| c));
        for &sample in samples {
            let x = f64::from(sample);
            let tx = t * x;
            for lane in 0..TOGETHER {
                sums[0][lane] += x * c[lane];
                sums[1][lane] += x * s[lane];
                sums[2][lane] += tx * c[lane];
                sums[3][lane] += tx * s[lane];
                let turned = c[lane] * cos[lane] - s[lane] * sin[lane];
                s[lane] = s[lane] * cos[lane] + c[lane] * sin[lane];
                c[lane] = turned;
            }
            t += 1.0;
        }
    }
    core::array::from_fn(|lane| sums.map(|sums| sums[lane]))
}

/// A point of the line: n^2, the square of f(n) / n, and one over its variance.
#[derive(Clone, Copy, Debug)]
struct Point {
    x: f64,
    y: f64,
    weight: f64,
}

/// The straight line through the squares of f(n) / n over n^2, each weighted with what it is known
/// to, with what is expected of B beside them. A partial that does not fit the others is left out: it
/// was looked for too far from where it is.
fn line(partials: &[Partial], before: Stiff, length: f64, noise: f64) -> Stiff {
    let heard = partials.iter().filter_map(|partial| {
        let n = partial.number;
        // Noise gives a partial the power 4 s^2 / N.
        let is_heard = partial.power > HEARD * 4.0 * noise / length;
        let moved = (partial.norm / before.partial(partial.number as usize) - 1.0).abs();
        if !is_heard || moved > 0.25 / n {
            return None;
        }
        let y = (partial.norm / n) * (partial.norm / n);
        // The variance of y is (2 sqrt(y) / n)^2 times that of the frequency.
        let of_norm = 24.0 * noise / (partial.power * length * length * length * TAU * TAU);
        Some(Point {
            x: n * n,
            y,
            weight: n * n / (4.0 * y * of_norm),
        })
    });
    let mut points: Vec<Point> = heard.collect();
    let mut string = through(&points, before);
    while points.len() > FEWEST {
        let off = |point: &Point| {
            let error = point.y - string.u - string.v * point.x;
            error * error * point.weight
        };
        let worst = (0..points.len())
            .max_by(|&one, &other| off(&points[one]).total_cmp(&off(&points[other])));
        match worst {
            Some(worst) if off(&points[worst]) > OFF * OFF => points.swap_remove(worst),
            _ => break,
        };
        string = through(&points, before);
    }
    string
}

/// The line of least squares; as it was without points.
fn through(points: &[Point], before: Stiff) -> Stiff {
    let u = before.u;
    let (mut s0, mut s1, mut s2, mut y0, mut y1) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for &Point { x, y, weight } in points {
        s0 += weight;
        s1 += weight * x;
        s2 += weight * x * x;
        y0 += weight * (y - u);
        y1 += weight * x * (y - u);
    }
    if s0 == 0.0 {
        return before;
    }
    let expected = EXPECTED_B * u;
    s2 += 1.0 / (expected * expected);
    let v = (s0 * y1 - s1 * y0) / (s0 * s2 - s1 * s1);
    let v = if v > 0.0 { v } else { 0.0 };
    Stiff {
        u: u + (y0 - s1 * v) / s0,
        v,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without noise the line through the partials is exact.
    #[test]
    fn a_stiff_string_that_decays_is_found() {
        let (f1, b) = (0.0021, 8e-5);
        let norm = |n: f64| n * f1 * libm::sqrt((1.0 + b * n * n) / (1.0 + b));
        let sound: Vec<f32> = (0..3001)
            .map(|t| {
                let t = f64::from(t);
                let partial = |n: u32| {
                    let n = f64::from(n);
                    libm::exp(-t * n * 5e-6) / n * libm::cos(TAU * norm(n) * t + n * n)
                };
                (1..=12).map(partial).sum::<f64>() as f32
            })
            .collect();
        let Fit {
            string,
            explained,
            multiple,
        } = fit(&sound, Stiff::harmonic(f1 * 1.002)).unwrap();
        let cents = 1200.0 * libm::log2(string.partial(1) / f1);
        assert!(cents.abs() < 0.002, "{cents}");
        assert!((string.v / string.u / b - 1.0).abs() < 0.01, "{string:?}");
        assert!(explained > 0.9999, "{explained}");
        assert_eq!(multiple, 1);
        // Half as high explains it as well, with every other partial.
        let half = fit(&sound, Stiff::harmonic(f1 / 2.0)).unwrap();
        assert_eq!(half.multiple, 2);
    }
}
