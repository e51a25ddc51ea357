//! Every so many samples of a fast stream, without what lies above.

use alloc::vec;
use alloc::vec::Vec;
use core::f64::consts::{PI, TAU};

/// Rates from here on are thinned, in hertz.
const FAST_HZ: u32 = 80_000;
/// Taps of the low-pass for each sample that is left out.
const TAPS: usize = 24;

/// A low-pass that keeps one of `factor` samples.
#[derive(Clone, Debug)]
pub(super) struct Thin {
    factor: usize,
    taps: Vec<f32>,
    /// The latest samples in turn.
    ring: Vec<f32>,
    next: usize,
    left: usize,
}

impl Thin {
    /// So that 40 to 80 kHz are left of a rate.
    pub(super) fn new(sample_rate_hz: u32) -> Self {
        let mut factor = 1;
        while sample_rate_hz / factor >= FAST_HZ {
            factor *= 2;
        }
        let factor = factor as usize;
        let count = if factor == 1 { 1 } else { TAPS * factor + 1 };
        let taps: Vec<f32> = (0..count).map(|tap| tap_of(tap, count, factor)).collect();
        Self {
            factor,
            ring: vec![0.0; count],
            taps,
            next: 0,
            left: factor,
        }
    }

    pub(super) fn factor(&self) -> usize {
        self.factor
    }

    pub(super) fn reset(&mut self) {
        self.ring.fill(0.0);
        (self.next, self.left) = (0, self.factor);
    }

    /// Takes a sample; gives one now and then.
    pub(super) fn push(&mut self, sample: f32) -> Option<f32> {
        self.ring[self.next] = sample;
        self.next = (self.next + 1) % self.ring.len();
        self.left -= 1;
        if self.left > 0 {
            return None;
        }
        self.left = self.factor;
        let (newer, older) = self.ring.split_at(self.next);
        let samples = older.iter().chain(newer);
        Some(samples.zip(&self.taps).map(|(x, tap)| x * tap).sum())
    }
}

/// A sinc in a Blackman window, half way down at 0.4 of the rate that is left; its own gain is 1.
fn tap_of(tap: usize, count: usize, factor: usize) -> f32 {
    if count == 1 {
        return 1.0;
    }
    let norm = 0.4 / factor as f64;
    let at = tap as f64 - (count / 2) as f64;
    let turn = TAU * tap as f64 / (count - 1) as f64;
    let window = 0.42 - 0.5 * libm::cos(turn) + 0.08 * libm::cos(2.0 * turn);
    let sinc = if at == 0.0 {
        2.0 * norm
    } else {
        libm::sin(TAU * norm * at) / (PI * at)
    };
    (sinc * window) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_rate_passes_and_a_fast_one_is_thinned() {
        assert_eq!(
            [44_100, 48_000, 96_000, 192_000].map(|rate| Thin::new(rate).factor()),
            [1, 1, 2, 4]
        );
        assert_eq!(Thin::new(48_000).push(0.3), Some(0.3));
        let mut thin = Thin::new(192_000);
        let last = (0..1000).filter_map(|_| thin.push(1.0)).last();
        // The window is 74 dB down: so far the gain is 1.
        assert!(
            last.is_some_and(|last| (last - 1.0).abs() < 2e-3),
            "{last:?}"
        );
    }
}
