//! Energies by their loudness, in bins.

use alloc::vec;
use alloc::vec::Vec;

use super::{energy, lufs};

/// The absolute gate, where the bins begin.
const FLOOR_LUFS: f64 = -70.0;
/// The last bin, from +30 LUFS on, takes all that is louder.
const BINS: usize = 10_001;
const BINS_PER_LU: f64 = 100.0;

/// Values that are kept one by one: of ten a second, those of 109 minutes.
const KEPT: usize = 65_536;

/// How many values there were in each hundredth of a LU from -70 LUFS on, and their sum.
///
/// The bin that a gate cuts is told apart value by value, as long as all of them are kept.
#[derive(Clone, Debug)]
pub(super) struct Bins {
    bins: Vec<Bin>,
    kept: Vec<f64>,
    seen: usize,
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
            kept: vec![0.0; KEPT],
            seen: 0,
            floor: energy(FLOOR_LUFS),
        }
    }

    pub(super) fn clear(&mut self) {
        self.bins.fill(Bin::default());
        self.seen = 0;
    }

    /// Takes a value, unless it is not above -70 LUFS.
    pub(super) fn add(&mut self, value: f64) {
        if value <= self.floor {
            return;
        }
        let bin = &mut self.bins[number(value)];
        bin.count += 1;
        bin.sum += value;
        if let Some(kept) = self.kept.get_mut(self.seen) {
            *kept = value;
        }
        self.seen += 1;
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

    /// The bins, without what is not above `gate`, that are not empty then.
    fn above(&self, gate: f64) -> impl Iterator<Item = Bin> + '_ {
        let cut = number(gate);
        let whole = self.bins[cut + 1..].iter().copied();
        core::iter::once(self.part_above(gate, cut))
            .chain(whole)
            .filter(|bin| bin.count > 0)
    }

    /// What is above `gate` of the bin that it cuts; all or nothing of it by its mean once there were
    /// too many values to keep.
    fn part_above(&self, gate: f64, cut: usize) -> Bin {
        let bin = self.bins[cut];
        // Far from the bin's end the loudness need not be computed to know the bin.
        let end = match cut + 1 {
            BINS => f64::INFINITY,
            next => energy(FLOOR_LUFS + next as f64 / BINS_PER_LU) * (1.0 + 1e-9),
        };
        match self.kept.get(..self.seen) {
            _ if bin.count == 0 => bin,
            None if bin.mean() > gate => bin,
            None => Bin::default(),
            Some(kept) => kept
                .iter()
                .filter(|&&value| value > gate && value < end && number(value) == cut)
                .fold(Bin::default(), |part, value| Bin {
                    count: part.count + 1,
                    sum: part.sum + value,
                }),
        }
    }
}

/// The bin that a value falls into.
fn number(value: f64) -> usize {
    let above = lufs(value).map_or(0.0, |loudness| loudness - FLOOR_LUFS);
    ((above.max(0.0) * BINS_PER_LU) as usize).min(BINS - 1)
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
    fn values_in_one_bin_are_told_apart_by_a_gate_between_them() {
        let mut bins = Bins::new();
        let (below, above) = (energy(-33.0049), energy(-33.0041));
        bins.add(below);
        bins.add(above);
        assert_eq!(number(below), number(above));
        assert_eq!(bins.mean_from(energy(-33.0045)), Some(above));
        assert_eq!(bins.mean_from(above), None);
        assert_eq!(bins.mean_from(0.0), Some(0.5 * (below + above)));
        // Once there are more than can be kept, the bin goes by its mean.
        (0..KEPT).for_each(|_| bins.add(energy(-20.0)));
        let count = |gate: f64| bins.above(gate).map(|bin| bin.count).sum::<u64>();
        assert_eq!(count(energy(-33.0048)), KEPT as u64 + 2);
        assert_eq!(count(energy(-33.0042)), KEPT as u64);
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
