//! The period of a stretch of sound, by the normalised square difference function.
//!
//! n(lag) = 2 sum x(j) x(j + lag) / sum (x(j)^2 + x(j + lag)^2), over all j for which both lie in the
//! stretch: 1 where the sound repeats itself exactly. The period is the first of the peaks that come
//! near the highest one.
//!
//! Source: McLeod and Wyvill, "A smarter way to find pitch", ICMC 2005, sections 3 to 5. Changed:
//! peaks are interpolated by a sinc in a window instead of a parabola, so that the periods of the
//! highest notes, of eleven samples, do not look less periodic than twice as many.

use alloc::vec;
use alloc::vec::Vec;
use core::f64::consts::PI;

/// A peak counts when it comes so near to the highest.
const NEAR: f32 = 0.93;
/// Periods that must lie in the stretch.
pub(super) const PERIODS: f64 = 2.3;
/// Values of the function on either side that an interpolated one is made of.
const REACH: i32 = 8;
/// Lags up to this one are interpolated; from there on the samples of a peak are dense enough.
const SHORT_LAG: usize = 160;
/// Points between two lags that are tried.
const STEPS: i32 = 8;

/// A period and how well the sound repeats itself after it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Period {
    /// In samples.
    pub samples: f64,
    /// The function there: 1 for exactly, 0 for not at all.
    pub clarity: f32,
}

/// The period of `samples`, of at least `least` samples and so that [`PERIODS`] of it lie in the
/// stretch; `None` when nothing repeats itself.
pub(super) fn period(samples: &[f32], least: usize) -> Option<Period> {
    let most = (samples.len() as f64 / PERIODS) as usize;
    let least = least.max(2);
    if most < least + 2 {
        return None;
    }
    let function = function(samples, most + REACH as usize + 1);
    let mut peaks = peaks(&function, least, most);
    for peak in &mut peaks {
        *peak = finer(&function, *peak);
    }
    let highest = peaks
        .iter()
        .fold(0.0f32, |most, peak| most.max(peak.clarity));
    peaks
        .into_iter()
        .find(|peak| peak.clarity >= NEAR * highest)
}

/// The function for each lag from 0 to `most`.
fn function(samples: &[f32], most: usize) -> Vec<f32> {
    let most = most.min(samples.len() - 1);
    let energy = |part: &[f32]| {
        part.iter()
            .map(|x| f64::from(*x) * f64::from(*x))
            .sum::<f64>()
    };
    let mut squares = 2.0 * energy(samples);
    let last = samples.len() - 1;
    let mut function = vec![0.0; most + 1];
    for (lag, value) in function.iter_mut().enumerate() {
        if lag > 0 {
            // The pairs that are lost with a longer lag.
            let (first, end) = (
                f64::from(samples[lag - 1]),
                f64::from(samples[last + 1 - lag]),
            );
            squares -= first * first + end * end;
        }
        let products = dot(&samples[..samples.len() - lag], &samples[lag..]);
        *value = if squares > 0.0 {
            (2.0 * products / squares) as f32
        } else {
            0.0
        };
    }
    function
}

/// In sixteen sums side by side, which the compiler keeps in wide registers, added in double.
fn dot(one: &[f32], other: &[f32]) -> f64 {
    let mut total = 0.0;
    for (one, other) in one.chunks(256).zip(other.chunks(256)) {
        let mut sums = [0.0f32; 16];
        let (ones, others) = (one.chunks_exact(16), other.chunks_exact(16));
        let rest = ones.remainder().iter().zip(others.remainder());
        let rest: f32 = rest.map(|(x, y)| x * y).sum();
        for (one, other) in ones.zip(others) {
            for ((sum, x), y) in sums.iter_mut().zip(one).zip(other) {
                *sum += x * y;
            }
        }
        total += f64::from(sums.iter().sum::<f32>() + rest);
    }
    total
}

/// The highest lag of each stretch between a rise through zero and the next fall through it, behind
/// the first fall.
fn peaks(function: &[f32], least: usize, most: usize) -> Vec<Period> {
    let Some(fall) = function.iter().position(|&value| value <= 0.0) else {
        return Vec::new();
    };
    let mut peaks = Vec::new();
    let mut best: Option<usize> = None;
    for lag in fall..=most {
        if function[lag] > 0.0 {
            if best.is_none_or(|best| function[lag] > function[best]) {
                best = Some(lag);
            }
        } else if let Some(at) = best.take() {
            peaks.push(at);
        }
    }
    // The last stretch is cut off; it counts when its peak is inside.
    peaks.extend(best.filter(|&at| at < most && function[at] >= function[at + 1]));
    peaks
        .into_iter()
        .filter(|&at| at >= least)
        .map(|at| Period {
            samples: at as f64,
            clarity: function[at],
        })
        .collect()
}

/// The peak between the lags.
fn finer(function: &[f32], peak: Period) -> Period {
    let at = peak.samples as usize;
    if at + 1 >= function.len() {
        return peak;
    }
    let mut best = peak;
    let mut around = [function[at - 1], function[at], function[at + 1]].map(f64::from);
    let mut step = 1.0;
    if at <= SHORT_LAG {
        step = 1.0 / f64::from(STEPS);
        for offset in 1 - STEPS..STEPS {
            let lag = at as f64 + f64::from(offset) * step;
            let value = between(function, lag);
            if value as f32 > best.clarity {
                best = Period {
                    samples: lag,
                    clarity: value as f32,
                };
            }
        }
        around = [-step, 0.0, step].map(|offset| between(function, best.samples + offset));
    }
    // A parabola through the three highest.
    let [left, middle, right] = around;
    let curve = left - 2.0 * middle + right;
    if curve < 0.0 {
        let offset = (0.5 * (left - right) / curve).clamp(-1.0, 1.0);
        best.samples += offset * step;
        best.clarity = (middle - 0.25 * (left - right) * offset) as f32;
    }
    best
}

/// The function between two lags, by a sinc in a cosine window. It is even, so lags below 0 are
/// those above.
fn between(function: &[f32], lag: f64) -> f64 {
    let whole = libm::floor(lag);
    let share = lag - whole;
    let mut sum = 0.0;
    for tap in 1 - REACH..=REACH {
        let at = (whole as i32 + tap).unsigned_abs() as usize;
        let x = share - f64::from(tap);
        let sinc = if x == 0.0 {
            1.0
        } else {
            libm::sin(PI * x) / (PI * x)
        };
        let window = libm::cos(x / f64::from(REACH) * PI / 2.0);
        let value = function.get(at).or(function.last()).copied().unwrap_or(0.0);
        sum += sinc * window * window * f64::from(value);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sine_repeats_itself_after_its_period() {
        for samples in [11.3, 33.77, 412.0] {
            let sound: Vec<f32> = (0..2400)
                .map(|n| libm::sin(2.0 * PI * f64::from(n) / samples) as f32)
                .collect();
            let got = period(&sound, 8).unwrap();
            assert!(
                (got.samples / samples - 1.0).abs() < 1e-3,
                "{got:?}, {samples}"
            );
            assert!(got.clarity > 0.999, "{got:?}");
        }
    }

    #[test]
    fn silence_and_noise_have_no_period() {
        assert_eq!(period(&[0.0; 1000], 8), None);
        let mut state = 1u32;
        let noise: Vec<f32> = (0..2000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as f32 / 8_388_608.0 - 1.0
            })
            .collect();
        assert!(period(&noise, 8).is_none_or(|got| got.clarity < 0.3));
    }
}
