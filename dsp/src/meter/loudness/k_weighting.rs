//! K-weighting: a shelf for the head, then a high-pass; at any sample rate.
//!
//! BS.1770-5 gives the two filters by their coefficients at 48 kHz (annex 1, tables 1 and 2) and asks
//! for the same response at other rates. Here the bilinear transform is undone: with
//! z^-1 = (1 - s)/(1 + s), a polynomial c0 + c1 z^-1 + c2 z^-2 is, but for (1 + s)^-2,
//! (c0 - c1 + c2) s^2 + 2 (c0 - c2) s + (c0 + c1 + c2). The poles' frequency
//! K = sqrt(A0/A2) = tan(pi f0 / 48000) tells f0; s K'/K, with K' = tan(pi f0 / rate), gives the filter
//! that is exact at f0 at the other rate.

/// The rate of the standard's tables.
const TABLE_HZ: f64 = 48_000.0;
/// BS.1770-5, tables 1 and 2: b0, b1, b2, then a0, a1, a2.
const SHELF: [[f64; 3]; 2] = [
    [
        1.535_124_859_586_97,
        -2.691_696_189_406_38,
        1.198_392_810_852_85,
    ],
    [1.0, -1.690_659_293_182_41, 0.732_480_774_215_85],
];
const HIGH_PASS: [[f64; 3]; 2] = [
    [1.0, -2.0, 1.0],
    [1.0, -1.990_047_454_833_98, 0.990_072_250_366_21],
];

/// Both filters for one rate.
#[derive(Clone, Copy, Debug)]
pub(super) struct KWeighting {
    shelf: Biquad,
    high_pass: Biquad,
}

/// What the filters remember of one channel.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct KWeightingState {
    shelf: [f64; 2],
    high_pass: [f64; 2],
}

/// y = (b0 + b1 z^-1 + b2 z^-2)/(1 + a1 z^-1 + a2 z^-2) x, in the transposed direct form II.
#[derive(Clone, Copy, Debug)]
struct Biquad {
    b: [f64; 3],
    a: [f64; 2],
}

impl KWeighting {
    pub(super) fn new(sample_rate_hz: u32) -> Self {
        Self {
            shelf: Biquad::at_rate(&SHELF, sample_rate_hz),
            high_pass: Biquad::at_rate(&HIGH_PASS, sample_rate_hz),
        }
    }

    /// `sum` and the squares of the weighted samples.
    #[inline]
    pub(super) fn squares(
        &self,
        samples: impl Iterator<Item = f32>,
        state: &mut KWeightingState,
        mut sum: f64,
    ) -> f64 {
        let Self { shelf, high_pass } = *self;
        let mut now = *state;
        for sample in samples {
            let shelved = shelf.next(f64::from(sample), &mut now.shelf);
            let weighted = high_pass.next(shelved, &mut now.high_pass);
            sum += weighted * weighted;
        }
        *state = now;
        sum
    }
}

impl KWeightingState {
    /// Becomes silent when what is left is below 1e-30, far above the subnormal numbers.
    pub(super) fn flush(&mut self) {
        for state in [&mut self.shelf, &mut self.high_pass] {
            if state[0].abs() + state[1].abs() < 1e-30 {
                *state = [0.0; 2];
            }
        }
    }
}

impl Biquad {
    fn at_rate(table: &[[f64; 3]; 2], sample_rate_hz: u32) -> Self {
        let [zeros, poles] =
            table.map(|[c0, c1, c2]| [c0 - c1 + c2, 2.0 * (c0 - c2), c0 + c1 + c2]);
        let corner = libm::sqrt(poles[2] / poles[0]);
        let turn = TABLE_HZ / f64::from(sample_rate_hz);
        let ratio = corner / libm::tan(libm::atan(corner) * turn);
        let back = |[second, first, zeroth]: [f64; 3]| {
            let (second, first) = (second * ratio * ratio, first * ratio);
            [
                second + first + zeroth,
                2.0 * (zeroth - second),
                second - first + zeroth,
            ]
        };
        let (b, a) = (back(zeros), back(poles));
        Self {
            b: b.map(|b| b / a[0]),
            a: [a[1] / a[0], a[2] / a[0]],
        }
    }

    #[inline(always)]
    fn next(&self, x: f64, state: &mut [f64; 2]) -> f64 {
        let y = self.b[0] * x + state[0];
        state[0] = self.b[1] * x - self.a[0] * y + state[1];
        state[1] = self.b[2] * x - self.a[1] * y;
        y
    }

    /// Magnitude of the response at a frequency in hertz.
    #[cfg(test)]
    fn magnitude(&self, frequency_hz: f64, sample_rate_hz: f64) -> f64 {
        let angle = 2.0 * core::f64::consts::PI * frequency_hz / sample_rate_hz;
        let size = |c: [f64; 3]| {
            let real = c[0] + c[1] * angle.cos() + c[2] * (2.0 * angle).cos();
            let imaginary = c[1] * angle.sin() + c[2] * (2.0 * angle).sin();
            real.hypot(imaginary)
        };
        size(self.b) / size([1.0, self.a[0], self.a[1]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_48_khz_the_table_comes_back() {
        // The way there and back rounds some twenty times.
        for table in [SHELF, HIGH_PASS] {
            let filter = Biquad::at_rate(&table, 48_000);
            for (got, want) in filter.b.iter().zip(&table[0]) {
                assert!((got - want).abs() < 1e-12, "{filter:?}");
            }
            for (got, want) in filter.a.iter().zip(&table[1][1..]) {
                assert!((got - want).abs() < 1e-12, "{filter:?}");
            }
        }
    }

    #[test]
    fn other_rates_weigh_as_48_khz_does() {
        // The bilinear transform bends the response towards half the rate: at 48 kHz itself by
        // 0.04 dB at 5 kHz against the analogue shelf, so no more may be asked of the others.
        let magnitude = |rate: u32, frequency: f64| {
            let weighting = KWeighting::new(rate);
            let rate = f64::from(rate);
            let both = weighting.shelf.magnitude(frequency, rate)
                * weighting.high_pass.magnitude(frequency, rate);
            20.0 * both.log10()
        };
        for rate in [32_000, 44_100, 88_200, 96_000, 192_000] {
            for (frequency, within_db) in [
                (20.0, 0.001),
                (38.0, 0.001),
                (200.0, 0.001),
                (1000.0, 0.01),
                (1682.0, 0.01),
                (5000.0, 0.05),
            ] {
                let off = magnitude(rate, frequency) - magnitude(48_000, frequency);
                assert!(off.abs() < within_db, "{rate} Hz, {frequency} Hz: {off} dB");
            }
        }
        // BS.1770-5, note 1: the weighting lifts 997 Hz by 0.691 dB.
        assert!((magnitude(48_000, 997.0) - 0.691).abs() < 0.0005);
    }
}
