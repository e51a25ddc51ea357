//! The peak of the wave that samples stand for, by an interpolator that nothing else here uses.
//!
//! Sixteen points for each sample, each the sum of 256 samples around it, weighted with a sinc in a
//! Kaiser window that passes to 0.99 of half the sample rate. A limiter that was checked with its
//! own interpolator would be found without fault whatever it did.
//!
//! Source: Recommendation ITU-R BS.1770-5, annex 2, for what a true peak is; Kaiser, "Nonrecursive
//! digital filter design using the I0-sinh window function", ISCAS 1974, for the window.

use core::f64::consts::PI;

/// Points for each sample.
const PHASES: usize = 16;
/// Samples that each point is made of.
const TAPS: usize = 256;
/// Cycles per sample at which the interpolator is half way down, doubled: 0.99 of Nyquist.
const CUTOFF: f64 = 0.99;
/// Shape of the Kaiser window: side lobes below -110 dB.
const BETA: f64 = 11.0;

/// The interpolator.
#[derive(Clone, Debug)]
pub struct TruePeak {
    /// Weights of each phase, the oldest sample first.
    phases: Vec<[f64; TAPS]>,
    /// The most that a point can be over the largest sample it is made of.
    gain: f64,
}

impl Default for TruePeak {
    fn default() -> Self {
        Self::new()
    }
}

impl TruePeak {
    /// Computes the weights.
    #[must_use]
    pub fn new() -> Self {
        let phases: Vec<[f64; TAPS]> = (0..PHASES).map(weights).collect();
        let sums = phases
            .iter()
            .map(|weights| weights.iter().map(|w| w.abs()).sum());
        Self {
            gain: sums.fold(0.0, f64::max),
            phases,
        }
    }

    /// The largest magnitude of the wave between and at the samples; 1.0 is 0 dBTP. Before and
    /// behind the samples is silence.
    #[must_use]
    pub fn peak(&self, samples: &[f32]) -> f64 {
        let mut padded = vec![0.0f64; TAPS];
        padded.extend(samples.iter().map(|&sample| f64::from(sample)));
        padded.resize(padded.len() + TAPS, 0.0);
        // The samples themselves are points too, and the interpolator rolls off a little.
        let magnitudes = samples.iter().map(|x| f64::from(x.abs()));
        let mut peak = magnitudes.fold(0.0, f64::max);
        let largest = |part: &[f64]| part.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        for start in (0..padded.len() - TAPS).step_by(TAPS) {
            let end = (start + TAPS).min(padded.len() - TAPS);
            // Where no point can be higher, none is computed.
            if largest(&padded[start..end + TAPS]) * self.gain <= peak {
                continue;
            }
            for first in start..end {
                let window = &padded[first..first + TAPS];
                for weights in &self.phases {
                    peak = peak.max(dot(window, weights).abs());
                }
            }
        }
        peak
    }
}

/// The weights of a point `phase` sixteenths behind the middle of the window, with a sum of 1.
fn weights(phase: usize) -> [f64; TAPS] {
    let middle = (TAPS / 2 - 1) as f64 + phase as f64 / PHASES as f64;
    let mut weights = core::array::from_fn(|tap| {
        let at = tap as f64 - middle;
        let sinc = if at == 0.0 {
            1.0
        } else {
            (PI * CUTOFF * at).sin() / (PI * CUTOFF * at)
        };
        let share = at / (TAPS / 2) as f64;
        sinc * bessel(BETA * (1.0 - share * share).max(0.0).sqrt())
    });
    let sum: f64 = weights.iter().sum();
    weights.iter_mut().for_each(|weight| *weight /= sum);
    weights
}

/// The modified Bessel function of the first kind and order zero, by its series.
fn bessel(x: f64) -> f64 {
    let (mut sum, mut term) = (1.0, 1.0);
    for n in 1..60 {
        term *= (x / 2.0 / f64::from(n)).powi(2);
        sum += term;
    }
    sum
}

/// In eight sums side by side, which the compiler can keep in wide registers.
fn dot(samples: &[f64], weights: &[f64; TAPS]) -> f64 {
    let mut sums = [0.0; 8];
    for (samples, weights) in samples.chunks_exact(8).zip(weights.chunks_exact(8)) {
        for ((sum, sample), weight) in sums.iter_mut().zip(samples).zip(weights) {
            *sum += sample * weight;
        }
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::amplitude_db;
    use crate::measure::signal::sine;

    #[test]
    fn a_tone_between_its_samples_has_its_amplitude() {
        let meter = TruePeak::new();
        // fs/4 at 45 degrees: every sample is 3 dB below the peak. And 20 kHz, at odd phases. The
        // ends are faded, so that no edge adds a peak of its own.
        for (norm, phase) in [(0.25, PI / 4.0), (20.0 / 48.0, 0.7), (0.01, 0.0)] {
            let mut samples = sine(norm, 0.5, phase, 3000);
            for at in 0..1000 {
                let fade = (at as f32 / 1000.0 * std::f32::consts::FRAC_PI_2)
                    .sin()
                    .powi(2);
                samples[at] *= fade;
                samples[2999 - at] *= fade;
            }
            let over = amplitude_db(meter.peak(&samples) / 0.5);
            // Sixteen points a sample: at most 20 log10 cos(pi f / 16) short.
            let short = amplitude_db((PI * norm / 16.0).cos());
            assert!(over < 1e-3 && over > short - 1e-3, "{norm}: {over} dB");
        }
    }

    #[test]
    fn leaving_out_what_cannot_be_higher_changes_nothing() {
        let meter = TruePeak::new();
        let samples = crate::measure::signal::programme(1, 3000, 3);
        let mut most: f64 = 0.0;
        let mut padded = vec![0.0; TAPS];
        padded.extend(samples.iter().map(|&x| f64::from(x)));
        padded.resize(padded.len() + TAPS, 0.0);
        for window in padded.windows(TAPS) {
            for weights in &meter.phases {
                most = most.max(dot(window, weights).abs());
            }
        }
        assert_eq!(meter.peak(&samples), most);
    }
}
