//! A hash of samples that is cheap enough for every callback.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

/// Odd and without structure: the golden ratio's fraction in 64 bits.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
/// Chains of multiplications that run side by side.
const LANES: usize = 4;

/// Of the bits of samples, by exclusive or and multiplication.
///
/// Each step is reversible, so that one sample that differs always gives another hash. How the
/// samples are cut into pieces is a part of what is hashed, unless all but the last are multiples of
/// eight samples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OutputHash {
    lanes: [u64; LANES],
}

impl OutputHash {
    pub(crate) const fn new() -> Self {
        Self {
            lanes: [1, 2, 3, 4],
        }
    }

    /// Adds samples.
    pub(crate) fn add(&mut self, samples: &[f32]) {
        let (groups, rest) = samples.as_chunks::<{ 2 * LANES }>();
        let mut lanes = self.lanes;
        for group in groups {
            for (lane, pair) in lanes.iter_mut().zip(group.as_chunks::<2>().0) {
                *lane = mix(*lane, bits(pair[0]) | bits(pair[1]) << 32);
            }
        }
        for (at, sample) in rest.iter().enumerate() {
            let lane = &mut lanes[at % LANES];
            *lane = mix(*lane, bits(*sample) | 1 << 32);
        }
        self.lanes = lanes;
    }

    /// The hash of all that was added.
    pub(crate) fn value(&self) -> u64 {
        self.lanes.iter().fold(0, |hash, &lane| mix(hash, lane))
    }
}

fn bits(sample: f32) -> u64 {
    u64::from(sample.to_bits())
}

fn mix(hash: u64, bits: u64) -> u64 {
    (hash ^ bits).wrapping_mul(FACTOR).rotate_left(29)
}

#[cfg(test)]
mod tests {
    use super::OutputHash;

    fn hash(samples: &[f32]) -> u64 {
        let mut hash = OutputHash::new();
        hash.add(samples);
        hash.value()
    }

    #[test]
    fn every_bit_of_every_sample_counts() {
        let samples: Vec<f32> = (0..29).map(|at| (at as f32 * 0.7).sin()).collect();
        let whole = hash(&samples);
        for at in 0..samples.len() {
            for bit in 0..32 {
                let mut other = samples.clone();
                other[at] = f32::from_bits(other[at].to_bits() ^ 1 << bit);
                assert_ne!(hash(&other), whole, "sample {at}, bit {bit}");
            }
            assert_ne!(hash(&samples[..at]), whole);
        }
        let mut swapped = samples.clone();
        swapped.swap(3, 11);
        assert_ne!(hash(&swapped), whole);
    }

    #[test]
    fn pieces_of_eight_samples_are_as_one() {
        let samples: Vec<f32> = (0..100).map(|at| at as f32).collect();
        let mut pieces = OutputHash::new();
        pieces.add(&samples[..64]);
        pieces.add(&samples[64..]);
        assert_eq!(pieces.value(), hash(&samples));
    }
}
