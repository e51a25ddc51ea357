//! Chance, with the same bits on every machine.

/// A sequence of numbers (SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number
/// generators", OOPSLA 2014, figure 17).
#[derive(Clone, Debug)]
pub(super) struct Random {
    state: u64,
}

impl Random {
    /// Sequence `number` of those that belong to a seed; all are independent.
    pub(super) fn new(seed: u64, number: u64) -> Self {
        // Seeds that differ by a multiple of the increment would give one sequence, shifted.
        Self {
            state: mixed(seed ^ mixed(number.wrapping_add(1))),
        }
    }

    fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mixed(self.state)
    }

    /// Uniform from 0 to 1, without 1.
    pub(super) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform among the whole numbers from `least` to `most`, both among them.
    pub(super) fn whole(&mut self, least: u64, most: u64) -> u64 {
        let count = most.saturating_sub(least).saturating_add(1);
        least + ((self.unit() * count as f64) as u64).min(count - 1)
    }

    /// Exponential; at most 37 times the mean.
    pub(super) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * libm::log(1.0 - self.unit())
    }

    /// Of mean 0 and variance 1, nearly normal: the sum of twelve uniform numbers less 6.
    pub(super) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

fn mixed(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_of_a_seed_are_not_one_another_shifted() {
        for seed in [0, 1, 0x9E37_79B9_7F4A_7C15] {
            let take = |number| {
                let mut random = Random::new(seed, number);
                (0..64).map(|_| random.bits()).collect::<Vec<_>>()
            };
            let (first, second) = (take(0), take(1));
            assert!(first.iter().all(|bits| !second.contains(bits)), "{seed}");
        }
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        // Of 100,000 numbers the mean strays by sigma / 316: limits are five of these.
        const COUNT: usize = 100_000;
        let mut random = Random::new(3, 0);
        let normal: Vec<f64> = (0..COUNT).map(|_| random.normal()).collect();
        let mean = normal.iter().sum::<f64>() / COUNT as f64;
        let variance = normal.iter().map(|x| x * x).sum::<f64>() / COUNT as f64;
        assert!(mean.abs() < 0.016, "mean {mean}");
        // The variance of x^2 is below 2, that of a normal number.
        assert!((variance - 1.0).abs() < 0.023, "variance {variance}");
        let mean = (0..COUNT).map(|_| random.exponential(7.0)).sum::<f64>() / COUNT as f64;
        assert!((mean - 7.0).abs() < 0.11, "mean {mean}");
        let whole: Vec<u64> = (0..COUNT).map(|_| random.whole(3, 5)).collect();
        for number in 3..=5 {
            let share = whole.iter().filter(|&&found| found == number).count() as f64;
            assert!((share / COUNT as f64 - 1.0 / 3.0).abs() < 0.008, "{number}");
        }
        assert!(whole.iter().all(|number| (3..=5).contains(number)));
    }
}
