//! The power in each bin of a stretch of sound, and where one sound lies in another.

use realfft::RealFftPlanner;

/// Power of each bin of `samples`: the mean of the squares, split by frequency. Bin `k` of `n`
/// samples is `k / n` cycles per sample; there are `n / 2 + 1`.
///
/// There is no window: a tone is in one bin when whole periods of it were taken, and then a sine of
/// amplitude A has the power A^2 / 2.
#[must_use]
pub fn powers(samples: &[f32]) -> Vec<f64> {
    let count = samples.len();
    let transform = RealFftPlanner::<f64>::new().plan_fft_forward(count);
    let mut input: Vec<f64> = samples.iter().map(|&sample| f64::from(sample)).collect();
    let mut bins = transform.make_output_vec();
    // Fails for wrong lengths only, and these are the transform's own.
    let Ok(()) = transform.process(&mut input, &mut bins) else {
        return vec![0.0; bins.len()];
    };
    let square = (count as f64).powi(2);
    let last = bins.len() - 1;
    bins.iter()
        .enumerate()
        .map(|(bin, value)| {
            // Every bin but the first and, of an even count, the last stands for two.
            let once = bin == 0 || (bin == last && count.is_multiple_of(2));
            value.norm_sqr() / square * if once { 1.0 } else { 2.0 }
        })
        .collect()
}

/// Frames by which `sound` is later in `heard` than at its start: where the correlation of both is
/// largest in magnitude. `None` when `heard` has none of it.
#[must_use]
pub fn lag(sound: &[f32], heard: &[f32]) -> Option<usize> {
    let count = (sound.len() + heard.len()).next_power_of_two();
    let mut planner = RealFftPlanner::<f64>::new();
    let (there, back) = (
        planner.plan_fft_forward(count),
        planner.plan_fft_inverse(count),
    );
    let mut spectra = [sound, heard].map(|samples| {
        let mut padded = vec![0.0; count];
        for (padded, &sample) in padded.iter_mut().zip(samples) {
            *padded = f64::from(sample);
        }
        let mut bins = there.make_output_vec();
        there.process(&mut padded, &mut bins).ok().map(|()| bins)
    });
    let (sound, mut product) = (spectra[0].take()?, spectra[1].take()?);
    for (product, sound) in product.iter_mut().zip(&sound) {
        *product *= sound.conj();
    }
    let mut correlation = back.make_output_vec();
    back.process(&mut product, &mut correlation).ok()?;
    let found = correlation[..heard.len()]
        .iter()
        .enumerate()
        .max_by(|one, other| one.1.abs().total_cmp(&other.1.abs()))?;
    (found.1.abs() > 0.0).then_some(found.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::signal::{programme, sine};

    #[test]
    fn a_sine_of_amplitude_a_has_half_its_square_in_one_bin() {
        let powers = powers(&sine(37.0 / 4096.0, 0.5, 0.3, 4096));
        assert!((powers[37] - 0.125).abs() < 1e-8, "{}", powers[37]);
        // Rounding to single precision: 2^-24 of half the amplitude, squared, over all bins.
        let rest: f64 = powers.iter().sum::<f64>() - powers[37];
        assert!(rest < 1e-14, "{rest}");
    }

    #[test]
    fn the_sum_of_the_powers_is_the_mean_square() {
        // Parseval's theorem, for an even and an odd count.
        for count in [1000, 999] {
            let samples = programme(1, count, 5);
            let square: f64 = samples.iter().map(|x| f64::from(*x).powi(2)).sum();
            let sum: f64 = powers(&samples).iter().sum();
            assert!((sum * count as f64 / square - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn a_shifted_and_inverted_sound_is_found() {
        let sound = programme(1, 500, 1);
        let mut heard = vec![0.0; 123];
        heard.extend(sound.iter().map(|sample| -0.25 * sample));
        heard.resize(1000, 0.0);
        assert_eq!(lag(&sound, &heard), Some(123));
        assert_eq!(lag(&sound, &[0.0; 100]), None);
    }
}
