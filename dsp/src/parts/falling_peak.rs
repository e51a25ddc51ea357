//! A peak that falls: e(n) = max(m(n), f e(n - 1)), many values at a time.
//!
//! Eight steps at once are e(n) = max(m(n), f m(n - 1), ..., f^7 m(n - 7), f^8 e(n - 8)): what waits
//! for the step before is one multiplication in eight values, and the rest runs in lanes along
//! time. The formula is the same for every value, so the cut of the stream into blocks does not
//! show. The powers in the window are rounded once; what is carried on is in double precision.

/// Values that may come in one call.
pub const MAX_VALUES: usize = 64;
/// Values that are worked on together.
pub const LANES: usize = 8;
/// Taken off at each step of eight, so that what falls comes to 0 and not to subnormal numbers.
const FLOOR: f64 = 1e-20;

/// A call's values, behind room for the last ones of the call before.
pub type Values = [f32; LANES + MAX_VALUES];
/// Room for a call's values.
pub const NO_VALUES: Values = [0.0; LANES + MAX_VALUES];

/// The factor of the fall, in the powers that are needed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fall {
    powers: [f32; 4],
    eighth: f64,
}

impl Fall {
    /// A fall to `factor` of it, 0 to 1, from one value to the next.
    ///
    /// # Real-time
    /// Safe.
    #[must_use]
    pub fn new(factor: f64) -> Self {
        let square = factor * factor;
        let fourth = square * square;
        Self {
            powers: [factor, square, square * factor, fourth].map(|power| power as f32),
            eighth: fourth * fourth,
        }
    }
}

/// The peak and what it needs of the past.
#[derive(Clone, Copy, Debug)]
pub struct FallingPeak {
    /// The last magnitudes, the newest last.
    magnitudes: [f32; LANES],
    /// The largest of each and its three before it, as they have fallen.
    fours: [f32; LANES],
    /// The last peaks.
    peaks: [f64; LANES],
}

impl FallingPeak {
    /// Nothing has come yet.
    pub const REST: Self = Self {
        magnitudes: [0.0; LANES],
        fours: [0.0; LANES],
        peaks: [0.0; LANES],
    };

    /// Replaces `count` magnitudes, at least 0, by the peak. They stand behind the first
    /// [`LANES`] places, whose content does not matter.
    ///
    /// # Panics
    /// When there are more than [`MAX_VALUES`].
    ///
    /// # Real-time
    /// Safe.
    #[inline(always)]
    pub fn run(&mut self, fall: &Fall, values: &mut Values, count: usize) {
        let whole = count.next_multiple_of(LANES);
        let [p1, p2, p3, p4] = fall.powers;
        values[..LANES].copy_from_slice(&self.magnitudes);
        let mut fours = NO_VALUES;
        fours[..LANES].copy_from_slice(&self.fours);
        // Loops over all values, whose body is the same for each: so they become wide.
        let (m0, m1) = (&values[LANES..][..whole], &values[LANES - 1..][..whole]);
        let (m2, m3) = (&values[LANES - 2..][..whole], &values[LANES - 3..][..whole]);
        let out = &mut fours[LANES..][..whole];
        for n in 0..whole {
            out[n] = larger(larger(m0[n], m1[n] * p1), larger(m2[n] * p2, m3[n] * p3));
        }
        self.magnitudes.copy_from_slice(&values[count..][..LANES]);
        self.fours.copy_from_slice(&fours[count..][..LANES]);
        let (near, far) = (&fours[LANES..][..whole], &fours[LANES - 4..][..whole]);
        let eights = &mut values[LANES..][..whole];
        for n in 0..whole {
            eights[n] = larger(near[n], far[n] * p4);
        }
        let mut peaks = self.peaks;
        let mut before = peaks;
        for group in eights.as_chunks_mut::<LANES>().0 {
            before = peaks;
            for lane in 0..LANES {
                let fallen = peaks[lane] * fall.eighth - FLOOR;
                let now = f64::from(group[lane]);
                peaks[lane] = if now > fallen { now } else { fallen };
            }
            for lane in 0..LANES {
                group[lane] = peaks[lane] as f32;
            }
        }
        self.peaks = last(&before, &peaks, whole - count);
    }
}

/// The last of sixteen values but for so many at the end.
#[inline(always)]
pub(super) fn last(before: &[f64; LANES], now: &[f64; LANES], without: usize) -> [f64; LANES] {
    if without == 0 {
        return *now;
    }
    let mut both = [0.0; 2 * LANES];
    both[..LANES].copy_from_slice(before);
    both[LANES..].copy_from_slice(now);
    let mut out = [0.0; LANES];
    out.copy_from_slice(&both[LANES - without..][..LANES]);
    out
}

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    #[test]
    fn it_is_the_recursion_in_double_precision_for_any_cut() {
        for factor in [0.0, 0.5, 0.99, 0.99999, 1.0] {
            let fall = Fall::new(factor);
            let (mut peak, mut exact) = (FallingPeak::REST, 0.0_f64);
            let mut at = 0_u32;
            for turn in 0..400 {
                let count = 1 + turn * 29 % MAX_VALUES;
                let mut values = NO_VALUES;
                for value in &mut values[LANES..][..count] {
                    at += 1;
                    let noise = (at.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 24) as f32;
                    *value = if at % 97 < 60 { noise * 0.1 } else { noise };
                }
                let input = values;
                peak.run(&fall, &mut values, count);
                for (value, input) in values.iter().zip(input).skip(LANES).take(count) {
                    exact = f64::from(input).max(exact * factor);
                    // Three roundings of 2^-24 and what is taken off.
                    let error = (f64::from(*value) - exact).abs();
                    assert!(
                        error < 2e-7 * exact + 1e-15,
                        "{factor}: {value}, not {exact}"
                    );
                }
            }
        }
    }
}
