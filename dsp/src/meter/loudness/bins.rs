//! Energies by their loudness, in bins.

use alloc::vec;
use alloc::vec::Vec;

use super::{energy, lufs};

/// The absolute gate, where the bins begin.
const FLOOR_LUFS: f64 = -70.0;
/// The last bin, from +30 LUFS on, takes all that is louder.
const BINS: usize = 10_001;
const BINS_PER_LU: f64 = 100.0;

/// How many values there were in each hundredth of a LU from -70 LUFS on, and their sum.
#[derive(Clone, Debug)]
pub(super) struct Bins {
    bins: Vec<Bin>,
    floor: f64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Bin {
    count: u64,
    sum: f64,
}

impl Bin {
    fn mean(self) -> f64 {
        self.sum / self.count as f64
    }
}

impl Bins {
    pub(super) fn new() -> Self {
        Self {
            bins: vec![Bin::default(); BINS],
            floor: energy(FLOOR_LUFS),
        }
    }

    pub(super) fn clear(&mut self) {
        self.bins.fill(Bin::default());
    }

    /// Takes a value, unless it is not above -70 LUFS.
    pub(super) fn add(&mut self, value: f64) {
        if value <= self.floor {
            return;
        }
        let above = lufs(value).map_or(0.0, |loudness| loudness - FLOOR_LUFS);
        let number = ((above * BINS_PER_LU) as usize).min(BINS - 1);
        let bin = &mut self.bins[number];
        bin.count += 1;
        bin.sum += value;
    }

    /// The mean of the values above `gate`, `None` if there are none.
    pub(super) fn mean_from(&self, gate: f64) -> Option<f64> {
        let all = self.above(gate).fold(Bin::default(), |all, bin| Bin {
            count: all.count + bin.count,
            sum: all.sum + bin.sum,
        });
        (all.count > 0).then(|| all.mean())
    }

    /// The value below which this share of those above `gate` is, `None` if there are none.
    ///
    /// Of n values in order, that of number round((n - 1) share), as Tech 3342 computes it.
    pub(super) fn percentile_from(&self, gate: f64, share: f64) -> Option<f64> {
        let count: u64 = self.above(gate).map(|bin| bin.count).sum();
        let wanted = libm::round(count.checked_sub(1)? as f64 * share) as u64;
        let mut passed = 0;
        self.above(gate)
            .find(|bin| {
                passed += bin.count;
                passed > wanted
            })
            .map(Bin::mean)
    }

    /// The bins that are not empty and whose mean is above `gate`.
    fn above(&self, gate: f64) -> impl Iterator<Item = Bin> + '_ {
        let filled = self.bins.iter().copied().filter(|bin| bin.count > 0);
        filled.filter(move |bin| bin.mean() > gate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_the_values_of_their_rank() {
        let mut bins = Bins::new();
        // Eleven values a LU apart: the 10th percentile is the second, the 95th the eleventh
        // (rank 9.5 is rounded up).
        (0..11).for_each(|step| bins.add(energy(-30.0 + f64::from(step))));
        let at = |share| lufs(bins.percentile_from(0.0, share).unwrap()).unwrap();
        assert!((at(0.10) + 29.0).abs() < 1e-9, "{}", at(0.10));
        assert!((at(0.95) + 20.0).abs() < 1e-9, "{}", at(0.95));
        assert!((at(0.50) + 25.0).abs() < 1e-9, "{}", at(0.50));
        let gated = bins.percentile_from(energy(-25.5), 0.0).unwrap();
        assert!((lufs(gated).unwrap() + 25.0).abs() < 1e-9);
    }

    #[test]
    fn what_is_below_the_gate_or_far_above_the_bins_is_no_trouble() {
        let mut bins = Bins::new();
        bins.add(0.0);
        bins.add(energy(-70.001));
        assert_eq!(bins.mean_from(0.0), None);
        assert_eq!(bins.percentile_from(0.0, 0.5), None);
        bins.add(energy(60.0));
        assert!((lufs(bins.mean_from(0.0).unwrap()).unwrap() - 60.0).abs() < 1e-9);
    }
}
