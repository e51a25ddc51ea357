//! Eight samples in a row, as a value: for loops whose lanes compilers do not find by themselves.

use crate::parts::finite::or_zero;

/// Eight samples that are worked on together, in one register where there is one so wide.
///
/// All that implement it give the same bits.
///
/// # Real-time
/// Safe.
pub trait Eight: Copy {
    /// Eight times the same.
    fn splat(value: f32) -> Self;
    /// Reads eight samples.
    fn load(from: &[f32; 8]) -> Self;
    /// Writes the eight samples.
    fn store(self, to: &mut [f32; 8]);
    /// Sums.
    fn plus(self, other: Self) -> Self;
    /// Differences.
    fn minus(self, other: Self) -> Self;
    /// Products.
    fn times(self, other: Self) -> Self;
    /// Each sample where it is larger than the other, else the other.
    fn or_larger(self, other: Self) -> Self;
    /// Each sample where it is smaller than the other, else the other.
    fn or_smaller(self, other: Self) -> Self;
    /// `then` where these are larger than the other, else `otherwise`.
    fn if_larger(self, other: Self, then: Self, otherwise: Self) -> Self;
    /// The sizes, without the signs.
    fn magnitude(self) -> Self;
    /// Each sample, or 0 where it is not finite.
    fn or_zero(self) -> Self;
    /// The samples `N` places before these, 1, 2 or 4, where `before` are the eight before these.
    fn earlier<const N: usize>(self, before: Self) -> Self;
}

/// Eight samples in whatever registers every machine of the kind has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plain([f32; 8]);

impl Plain {
    #[inline(always)]
    fn with(self, other: Self, each: impl Fn(f32, f32) -> f32) -> Self {
        let mut out = [0.0; 8];
        for (out, (a, b)) in out.iter_mut().zip(self.0.into_iter().zip(other.0)) {
            *out = each(a, b);
        }
        Self(out)
    }
}

impl Eight for Plain {
    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self([value; 8])
    }

    #[inline(always)]
    fn load(from: &[f32; 8]) -> Self {
        Self(*from)
    }

    #[inline(always)]
    fn store(self, to: &mut [f32; 8]) {
        *to = self.0;
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        self.with(other, |a, b| a + b)
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        self.with(other, |a, b| a - b)
    }

    #[inline(always)]
    fn times(self, other: Self) -> Self {
        self.with(other, |a, b| a * b)
    }

    #[inline(always)]
    fn or_larger(self, other: Self) -> Self {
        self.with(other, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn or_smaller(self, other: Self) -> Self {
        self.with(other, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    fn if_larger(self, other: Self, then: Self, otherwise: Self) -> Self {
        let mut out = otherwise.0;
        for lane in 0..8 {
            let larger = self.0[lane] > other.0[lane];
            out[lane] = if larger { then.0[lane] } else { out[lane] };
        }
        Self(out)
    }

    #[inline(always)]
    fn magnitude(self) -> Self {
        Self(self.0.map(f32::abs))
    }

    #[inline(always)]
    fn or_zero(self) -> Self {
        Self(self.0.map(or_zero))
    }

    #[inline(always)]
    fn earlier<const N: usize>(self, before: Self) -> Self {
        const { assert!(N == 1 || N == 2 || N == 4, "lanes move by 1, 2 or 4 places") };
        let mut out = [0.0; 8];
        let (first, behind) = out.split_at_mut(N);
        first.copy_from_slice(&before.0[8 - N..]);
        behind.copy_from_slice(&self.0[..8 - N]);
        Self(out)
    }
}
