//! A peak that falls: e(n) = max(m(n), f e(n - 1)), eight values at a time.
//!
//! Eight steps at once are e(n) = max(m(n), f m(n - 1), ..., f^7 m(n - 7), f^8 e(n - 8)): what waits
//! for the step before is one multiplication in eight values, and the rest runs in lanes along
//! time, by doubling. The formula is the same for every value, so the cut of the stream into blocks
//! does not show. The powers in the window are rounded once; what is carried on is in double
//! precision.

/// Values that are worked on together.
pub const LANES: usize = 8;
/// Taken off at each step of eight, so that what falls comes to 0 and not to subnormal numbers.
const FLOOR: f64 = 1e-20;

/// Eight values in a row.
pub type Lanes = [f32; LANES];

/// The factor of the fall, in the powers that are needed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fall {
    first: f32,
    second: f32,
    fourth: f32,
    eighth: f64,
}

impl Fall {
    /// A fall to `factor` of it, 0 to 1, from one value to the next.
    ///
    /// # Real-time
    /// Safe.
    #[must_use]
    pub const fn new(factor: f64) -> Self {
        let second = factor * factor;
        let fourth = second * second;
        Self {
            first: factor as f32,
            second: second as f32,
            fourth: fourth as f32,
            eighth: fourth * fourth,
        }
    }
}

/// The peak and what it needs of the past: the last eight of each step.
#[derive(Clone, Copy, Debug)]
pub struct FallingPeak {
    ones: Lanes,
    twos: Lanes,
    fours: Lanes,
    peaks: [f64; LANES],
}

impl FallingPeak {
    /// Nothing has come yet.
    pub const REST: Self = Self {
        ones: [0.0; LANES],
        twos: [0.0; LANES],
        fours: [0.0; LANES],
        peaks: [0.0; LANES],
    };

    /// Takes the next eight magnitudes, at least 0; gives the peak at each.
    ///
    /// # Real-time
    /// Safe.
    #[inline(always)]
    pub fn step(&mut self, fall: &Fall, magnitudes: Lanes) -> Lanes {
        let eights = self.gather(fall, magnitudes);
        self.carry(fall, eights)
    }

    /// The first half of [`step`](Self::step): the largest of each eight, as they have fallen.
    ///
    /// # Real-time
    /// Safe.
    #[inline(always)]
    pub fn gather(&mut self, fall: &Fall, magnitudes: Lanes) -> Lanes {
        let twos = largest::<1>(&self.ones, &magnitudes, fall.first);
        let fours = largest::<2>(&self.twos, &twos, fall.second);
        let eights = largest::<4>(&self.fours, &fours, fall.fourth);
        (self.ones, self.twos, self.fours) = (magnitudes, twos, fours);
        eights
    }

    /// The second half: carries on what was before. Halves may be done for many groups in turn,
    /// the first for all of them, then the second.
    ///
    /// # Real-time
    /// Safe.
    #[inline(always)]
    pub fn carry(&mut self, fall: &Fall, eights: Lanes) -> Lanes {
        for lane in 0..LANES {
            let fallen = self.peaks[lane] * fall.eighth - FLOOR;
            let now = f64::from(eights[lane]);
            self.peaks[lane] = if now > fallen { now } else { fallen };
        }
        let mut out = [0.0; LANES];
        for lane in 0..LANES {
            out[lane] = self.peaks[lane] as f32;
        }
        out
    }

    /// What it would be had only the first `count` of the last eight magnitudes come, where `before`
    /// is what it was before them.
    ///
    /// # Real-time
    /// Safe.
    #[must_use]
    pub fn after(&self, before: &Self, count: usize) -> Self {
        Self {
            ones: last(&before.ones, &self.ones, count),
            twos: last(&before.twos, &self.twos, count),
            fours: last(&before.fours, &self.fours, count),
            peaks: last(&before.peaks, &self.peaks, count),
        }
    }
}

/// The larger of each value and the one `N` before it, as it has fallen.
#[inline(always)]
fn largest<const N: usize>(before: &Lanes, now: &Lanes, factor: f32) -> Lanes {
    let earlier = earlier::<N>(before, now);
    let mut out = [0.0; LANES];
    for lane in 0..LANES {
        let fallen = earlier[lane] * factor;
        out[lane] = if now[lane] > fallen {
            now[lane]
        } else {
            fallen
        };
    }
    out
}

/// The values `N` before those of `now`.
#[inline(always)]
pub(super) fn earlier<const N: usize>(before: &Lanes, now: &Lanes) -> Lanes {
    let mut out = [0.0; LANES];
    for lane in 0..LANES {
        out[lane] = if lane < N {
            before[LANES + lane - N]
        } else {
            now[lane - N]
        };
    }
    out
}

/// The last eight of `before` and the first `count` of `now`.
pub(super) fn last<T: Copy + Default>(
    before: &[T; LANES],
    now: &[T; LANES],
    count: usize,
) -> [T; LANES] {
    let mut out = [T::default(); LANES];
    let all = before.iter().chain(now).skip(count);
    for (out, value) in out.iter_mut().zip(all) {
        *out = *value;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_recursion_in_double_precision_for_any_cut() {
        for factor in [0.0, 0.5, 0.99, 0.999_99, 1.0] {
            let fall = Fall::new(factor);
            let (mut peak, mut exact) = (FallingPeak::REST, 0.0_f64);
            let mut at = 0_u32;
            for turn in 0..4000 {
                let count = 1 + turn * 5 % LANES;
                let mut values = [1e9; LANES];
                for value in &mut values[..count] {
                    at += 1;
                    let noise = (at.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 24) as f32;
                    *value = if at % 97 < 60 { noise * 0.1 } else { noise };
                }
                let before = peak;
                let got = peak.step(&fall, values);
                peak = peak.after(&before, count);
                for (got, input) in got.iter().zip(values).take(count) {
                    exact = f64::from(input).max(exact * factor);
                    // Six roundings of 2^-25, and what is taken off.
                    let error = (f64::from(*got) - exact).abs();
                    assert!(error < 2e-7 * exact + 1e-15, "{factor}: {got}, not {exact}");
                }
            }
        }
    }
}
