//! What a tone gets beside itself: harmonics, aliases, noise.

use super::signal::{odd_bin, sine};
use super::spectrum::powers;
use super::{Subject, amplitude, power_db};
use crate::error::EngineError;

/// Frames that are looked at: whole periods of the tone.
const FRAMES: usize = 1 << 16;
/// Harmonics that are named, the first among them.
const HARMONICS: usize = 10;

/// A tone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tone {
    /// Frequency asked for, in hertz, above 0 and below half the sample rate. What is used is the
    /// nearest of which 65536 frames hold an odd number of periods.
    pub frequency_hz: f64,
    /// Level of its peak in dBFS.
    pub level_dbfs: f64,
    /// Time the chain gets to settle before anything is looked at, in seconds.
    pub settle_s: f64,
}

impl Default for Tone {
    /// 997 Hz at -6 dBFS, looked at after one second.
    fn default() -> Self {
        Self {
            frequency_hz: 997.0,
            level_dbfs: -6.0,
            settle_s: 1.0,
        }
    }
}

/// What comes out for a tone. Levels are relative to the tone as it comes out; minus infinity for
/// what is not there at all.
#[derive(Clone, Debug, PartialEq)]
pub struct Distortion {
    /// The tone's frequency in hertz.
    pub frequency_hz: f64,
    /// Level of the tone as it comes out, in dBFS of its peak.
    pub level_dbfs: f64,
    /// Levels of the second harmonic and those above it, as far as they lie below half the rate.
    pub harmonics_db: Vec<f64>,
    /// All harmonics together, in decibels.
    pub thd_db: f64,
    /// All that is not the tone, in decibels; a constant does not count.
    pub thd_n_db: f64,
    /// All that is neither the tone nor one of its harmonics: aliases and noise.
    pub other_db: f64,
    /// The strongest bin among these, and its frequency in hertz.
    pub spur_db: f64,
    /// Frequency of the strongest among these in hertz.
    pub spur_hz: f64,
    /// Mean of the output; 1.0 is full scale.
    pub constant: f64,
    /// Level of each bin in dBFS of a sine's peak; bin `k` is `k` times [`bin_hz`](Self::bin_hz).
    pub spectrum_dbfs: Vec<f64>,
    /// Hertz from bin to bin.
    pub bin_hz: f64,
}

/// Measures what the first channel out gets beside a tone in all channels.
///
/// # Errors
/// A chain that is wrong, or does not fit the rate or the channels.
pub fn distortion(subject: &Subject<'_>, tone: &Tone) -> Result<Distortion, EngineError> {
    let mut bench = subject.bench()?;
    let rate = f64::from(subject.sample_rate_hz);
    let bin = odd_bin(tone.frequency_hz, subject.sample_rate_hz, FRAMES).min(FRAMES / 2 - 1);
    let settle = (tone.settle_s.max(0.0) * rate) as usize;
    // The tone is periodic, so where it begins does not matter.
    let frames = settle + bench.processor().latency_frames() as usize + FRAMES;
    let norm = bin as f64 / FRAMES as f64;
    let input = sine(norm, amplitude(tone.level_dbfs), 0.0, frames);
    let heard = bench.run_alike(&input);
    let powers = powers(&heard[0][frames - FRAMES..]);
    Ok(read(&powers, bin, rate / FRAMES as f64))
}

/// Splits the powers of all bins by what they are.
fn read(powers: &[f64], bin: usize, bin_hz: f64) -> Distortion {
    let tone = powers[bin];
    let relative = |power: f64| power_db(power / tone);
    let last = powers.len() - 1;
    let harmonics = (2..=HARMONICS).map(|number| number * bin);
    let harmonics: Vec<usize> = harmonics.take_while(|&bin| bin < last).collect();
    let distorted: f64 = harmonics.iter().map(|&bin| powers[bin]).sum();
    let beside: f64 = sum_without(powers, |at| at == 0 || at == bin);
    let is_tone = |at: usize| at == 0 || at.is_multiple_of(bin);
    let other = sum_without(powers, is_tone);
    let spur = (1..powers.len())
        .filter(|&at| !is_tone(at))
        .max_by(|&one, &other| powers[one].total_cmp(&powers[other]))
        .unwrap_or(0);
    Distortion {
        frequency_hz: bin as f64 * bin_hz,
        level_dbfs: power_db(2.0 * tone),
        harmonics_db: harmonics.iter().map(|&bin| relative(powers[bin])).collect(),
        thd_db: relative(distorted),
        thd_n_db: relative(beside),
        other_db: relative(other),
        spur_db: relative(powers[spur]),
        spur_hz: spur as f64 * bin_hz,
        constant: powers[0].sqrt(),
        spectrum_dbfs: powers.iter().map(|power| power_db(2.0 * power)).collect(),
        bin_hz,
    }
}

fn sum_without(powers: &[f64], is_out: impl Fn(usize) -> bool) -> f64 {
    let kept = powers.iter().enumerate().filter(|(at, _)| !is_out(*at));
    kept.map(|(_, power)| power).sum()
}

#[cfg(test)]
mod tests {
    use ossicle_dsp::block::Block;
    use ossicle_dsp::node::{Node, PrepareError, Shape, Spec, Tail};
    use ossicle_dsp::parameter::Parameter;

    use super::*;
    use crate::chain::Chain;

    /// y = x + a x^2 + b x^3.
    struct Polynomial(f64, f64);

    impl Node for Polynomial {
        fn parameters(&self) -> &'static [Parameter] {
            &[]
        }
        fn prepare(&mut self, spec: &Spec) -> Result<Shape, PrepareError> {
            Ok(Shape {
                channels: spec.channels,
                latency_frames: 0,
            })
        }
        fn reset(&mut self) {}
        fn process(&mut self, block: &mut Block<'_>) {
            for sample in block.planes.iter_mut().flatten() {
                let x = f64::from(*sample);
                *sample = (x + self.0 * x * x + self.1 * x * x * x) as f32;
            }
        }
        fn set(&mut self, _number: usize, _value: f64) {}
        fn latency_frames(&self) -> u64 {
            0
        }
        fn tail(&self) -> Tail {
            Tail::Frames(0)
        }
    }

    /// For x = A sin: x^2 = A^2/2 - A^2/2 cos 2w, x^3 = 3/4 A^3 sin w - 1/4 A^3 sin 3w.
    #[test]
    fn harmonics_are_those_of_the_series() {
        let subject = Subject::new(|| {
            let mut chain = Chain::new();
            chain.push_node(Box::new(Polynomial(0.02, 0.04)));
            Ok(chain)
        });
        let tone = Tone {
            frequency_hz: 1000.0,
            level_dbfs: -6.0,
            settle_s: 0.0,
        };
        let got = distortion(&subject, &tone).unwrap();
        let a = amplitude(-6.0);
        let first = a + 0.03 * a.powi(3);
        let second = 0.01 * a * a;
        let third = 0.01 * a.powi(3);
        let db = |x: f64| 20.0 * (x / first).log10();
        let close = |got: f64, want: f64| assert!((got - want).abs() < 1e-3, "{got}, not {want}");
        close(got.level_dbfs, 20.0 * first.log10());
        close(got.harmonics_db[0], db(second));
        close(got.harmonics_db[1], db(third));
        assert_eq!(got.harmonics_db.len(), 9);
        // Of a fourth there is nothing but rounding.
        assert!(got.harmonics_db[2] < -150.0, "{:?}", got.harmonics_db);
        close(got.thd_db, db(second.hypot(third)));
        close(got.thd_n_db, got.thd_db);
        close(got.constant, second);
        assert!(
            got.other_db < -140.0 && got.spur_db < -150.0,
            "{}",
            got.other_db
        );
        assert!(
            (got.frequency_hz - 1000.0).abs() < 0.8,
            "{}",
            got.frequency_hz
        );
    }
}
