//! A peak that falls: e(n) = max(m(n), f e(n - 1)), eight values at a time.
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

    /// The peak after the last value.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.peaks[LANES - 1]
    }

    /// Replaces magnitudes, at least 0, by the peak.
    ///
    /// # Panics
    /// When there are more than [`MAX_VALUES`].
    ///
    /// # Real-time
    /// Safe.
    #[inline(always)]
    pub fn run(&mut self, fall: &Fall, values: &mut [f32]) {
        const ALL: usize = MAX_VALUES + LANES;
        let count = values.len();
        let whole = count.next_multiple_of(LANES);
        let mut magnitudes = [0.0; ALL];
        magnitudes[..LANES].copy_from_slice(&self.magnitudes);
        magnitudes[LANES..LANES + count].copy_from_slice(values);
        let mut fours = [0.0; ALL];
        fours[..LANES].copy_from_slice(&self.fours);
        let [p1, p2, p3, p4] = fall.powers;
        for start in (0..whole).step_by(LANES) {
            let window: &[f32; 2 * LANES] = magnitudes[start..].first_chunk().unwrap_or(&ZEROS);
            let out: &mut [f32] = &mut fours[start + LANES..][..LANES];
            for lane in 0..LANES {
                let at = LANES + lane;
                let near = larger(window[at], window[at - 1] * p1);
                let far = larger(window[at - 2] * p2, window[at - 3] * p3);
                out[lane] = larger(near, far);
            }
        }
        let mut peaks = self.peaks;
        let mut before = peaks;
        for start in (0..whole).step_by(LANES) {
            let window: &[f32; 2 * LANES] = fours[start..].first_chunk().unwrap_or(&ZEROS);
            before = peaks;
            let mut out = [0.0; LANES];
            for lane in 0..LANES {
                let eight = larger(window[LANES + lane], window[LANES + lane - 4] * p4);
                let fallen = peaks[lane] * fall.eighth - FLOOR;
                let eight = f64::from(eight);
                peaks[lane] = if eight > fallen { eight } else { fallen };
                out[lane] = peaks[lane] as f32;
            }
            let values = &mut values[start..];
            let valid = values.len().min(LANES);
            values[..valid].copy_from_slice(&out[..valid]);
        }
        self.magnitudes
            .copy_from_slice(&magnitudes[count..count + LANES]);
        self.fours.copy_from_slice(&fours[count..count + LANES]);
        self.peaks = match count % LANES {
            0 => peaks,
            valid => core::array::from_fn(|lane| {
                if lane + valid < LANES {
                    before[lane + valid]
                } else {
                    peaks[lane + valid - LANES]
                }
            }),
        };
    }
}

const ZEROS: [f32; 2 * LANES] = [0.0; 2 * LANES];

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}
