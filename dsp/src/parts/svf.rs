//! A second-order filter that stays well-behaved while its coefficients move.
//!
//! The state variable filter by trapezoidal integration, in double precision, with the outputs
//! mixed so that the response is that of the analogue prototype under the bilinear transform,
//! exact at the corner frequency. Source: Andrew Simper, "Solving the continuous SVF equations using
//! trapezoidal integration and equivalent currents", 2013 (cytomic.com), whose mixes are used
//! here; they equal the ones of Robert Bristow-Johnson's "Audio EQ Cookbook".

use core::f64::consts::PI;

pub use super::analogue::Response;
use super::analogue::{Analogue, at, squared};

/// A filter's coefficients: integrator gain, damping, and the mix of input, band and low pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SvfCoefficients {
    g: f64,
    k: f64,
    mix: [f64; 3],
}

impl SvfCoefficients {
    /// Coefficients for a corner at `frequency_norm` cycles per sample (above 0, below 0.5), a
    /// gain in decibels where the response has one, and a quality above 0.
    ///
    /// # Real-time
    /// Safe.
    #[must_use]
    pub fn new(response: Response, frequency_norm: f64, gain_db: f64, q: f64) -> Self {
        Self::bilinear(&Analogue::new(response, gain_db, q), frequency_norm)
    }

    /// A prototype by the bilinear transform, exact at the corner, which lies at `frequency_norm`
    /// cycles per sample (above 0, below 0.5).
    ///
    /// # Real-time
    /// Safe.
    #[must_use]
    pub fn bilinear(analogue: &Analogue, frequency_norm: f64) -> Self {
        let corner = libm::tan(PI * frequency_norm);
        let ([b2, b1, b0], [a2, a1, a0]) = (analogue.b, analogue.a);
        // Below, s^2 + k s + 1 of s over the poles' own frequency.
        let own = libm::sqrt(a0 / a2);
        let k = a1 / (a2 * own);
        let [high, band, low] = if analogue.b == analogue.a {
            [1.0, k, 1.0]
        } else {
            [b2 / a2, b1 / (a2 * own), b0 / a0]
        };
        Self {
            g: corner * own,
            k,
            mix: [high, band - k * high, low - high],
        }
    }

    /// Whether the output is the input, whatever the state.
    #[inline]
    #[must_use]
    pub fn is_flat(&self) -> bool {
        self.mix == [1.0, 0.0, 0.0]
    }

    /// These coefficients with the mix that passes everything.
    #[must_use]
    pub fn flattened(self) -> Self {
        Self {
            mix: [1.0, 0.0, 0.0],
            ..self
        }
    }

    /// `self + share (other - self)`, for each number.
    #[inline]
    #[must_use]
    pub fn towards(&self, other: &Self, share: f64) -> Self {
        let between = |a: f64, b: f64| a + share * (b - a);
        Self {
            g: between(self.g, other.g),
            k: between(self.k, other.k),
            mix: core::array::from_fn(|i| between(self.mix[i], other.mix[i])),
        }
    }

    /// How fast the filter falls silent: the natural logarithm of the slower pole's radius,
    /// below 0.
    #[must_use]
    pub fn decay_per_frame(&self) -> f64 {
        let (g, half) = (self.g, self.k / 2.0);
        if half < 1.0 {
            let across = 1.0 + g * g;
            return 0.5 * libm::log((across - g * self.k) / (across + g * self.k));
        }
        // Two real poles s = -half -+ root of the prototype become (1 + g s)/(1 - g s).
        let root = libm::sqrt(half * half - 1.0);
        let radius = |s: f64| ((1.0 - g * s) / (1.0 + g * s)).abs();
        libm::log(radius(half + root).max(radius(1.0 / (half + root))))
    }

    /// The square of the level at `frequency_norm` cycles per sample, from 0 to below 0.5.
    ///
    /// # Real-time
    /// Safe.
    #[must_use]
    pub fn power(&self, frequency_norm: f64) -> f64 {
        let bent = libm::tan(PI * frequency_norm) / self.g;
        self.power_at(bent * bent)
    }

    /// The square of the level, where the square of the bent frequency over the bent corner of the
    /// poles is `w`.
    pub(crate) fn power_at(&self, w: f64) -> f64 {
        let Self { k, mix, .. } = *self;
        let above = [mix[0], mix[1] + k * mix[0], mix[0] + mix[2]];
        at(&squared(&above), w) / at(&squared(&[1.0, k, 1.0]), w)
    }

    /// A bound on the gain at any frequency.
    #[must_use]
    pub fn largest_gain(&self) -> f64 {
        let [direct, band, low] = self.mix.map(f64::abs);
        direct + (band + low) * (1.0 / self.k).max(1.0)
    }
}

/// What a filter remembers of one channel.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SvfState {
    pub(super) s1: f64,
    pub(super) s2: f64,
}

impl SvfState {
    /// The next output.
    #[inline(always)]
    pub fn next(&mut self, input: f64, solved: &SvfSolved) -> f64 {
        let mix = solved.mix;
        let [v1, v2] = self.step(input, solved);
        mix[0] * input + (mix[1] * v1 + mix[2] * v2)
    }

    /// The next output of two filters that differ in their mix alone and share this state.
    #[inline(always)]
    pub fn next_both(&mut self, input: f64, solved: [&SvfSolved; 2]) -> [f64; 2] {
        let [v1, v2] = self.step(input, solved[0]);
        solved.map(|solved| solved.mix[0] * input + (solved.mix[1] * v1 + solved.mix[2] * v2))
    }

    /// The next band pass and low pass.
    #[inline(always)]
    fn step(&mut self, input: f64, solved: &SvfSolved) -> [f64; 2] {
        let SvfSolved { a1, a2, a3, .. } = *solved;
        let v3 = input - self.s2;
        let v1 = a1 * self.s1 + a2 * v3;
        let v2 = self.s2 + (a2 * self.s1 + a3 * v3);
        self.s1 = 2.0 * v1 - self.s1;
        self.s2 = 2.0 * v2 - self.s2;
        [v1, v2]
    }

    /// Becomes silent when what is left is below 1e-30, far above the subnormal numbers.
    #[inline]
    pub fn flush(&mut self) {
        if self.s1.abs() + self.s2.abs() < 1e-30 {
            *self = Self::default();
        }
    }
}

/// A filter as matrices: the next state is `a` times the state and `b` times the input, the output
/// `c` times the state and `d` times the input.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matrices {
    pub(super) a: [[f64; 2]; 2],
    pub(super) b: [f64; 2],
    pub(super) c: [f64; 2],
    pub(super) d: f64,
}

impl From<&SvfCoefficients> for Matrices {
    fn from(coefficients: &SvfCoefficients) -> Self {
        let SvfSolved { a1, a2, a3, mix } = SvfSolved::from(coefficients);
        Self {
            a: [[2.0 * a1 - 1.0, -2.0 * a2], [2.0 * a2, 1.0 - 2.0 * a3]],
            b: [2.0 * a2, 2.0 * a3],
            c: [mix[1] * a1 + mix[2] * a2, mix[2] * (1.0 - a3) - mix[1] * a2],
            d: mix[0] + mix[1] * a2 + mix[2] * a3,
        }
    }
}

/// Coefficients with the loop solved.
#[derive(Clone, Copy, Debug)]
pub struct SvfSolved {
    a1: f64,
    a2: f64,
    a3: f64,
    mix: [f64; 3],
}

impl From<&SvfCoefficients> for SvfSolved {
    #[inline(always)]
    fn from(coefficients: &SvfCoefficients) -> Self {
        let &SvfCoefficients { g, k, mix } = coefficients;
        let a1 = 1.0 / (1.0 + g * (g + k));
        let a2 = g * a1;
        Self {
            a1,
            a2,
            a3: g * a2,
            mix,
        }
    }
}
