//! Eight samples wide, where machine and system have AVX2.

use core::arch::x86_64::{
    __cpuid, __cpuid_count, __m256, _CMP_GT_OQ, _CMP_LE_OQ, _mm256_add_ps, _mm256_alignr_epi8,
    _mm256_and_ps, _mm256_andnot_ps, _mm256_blendv_ps, _mm256_castps_si256, _mm256_castsi256_ps,
    _mm256_cmp_ps, _mm256_loadu_ps, _mm256_max_ps, _mm256_min_ps, _mm256_mul_ps,
    _mm256_permute2f128_ps, _mm256_set1_ps, _mm256_storeu_ps, _mm256_sub_ps, _xgetbv,
};

use super::{Eight, Work};

/// Proof that machine and system have AVX2: made by [`Found::detect`] only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found(());

impl Found {
    /// Source: Intel, "Software Developer's Manual" volume 1, 14.3 and 14.7.1.
    #[allow(unused_unsafe)] // CPUID is safe since Rust 1.93.
    pub(super) fn detect() -> Option<Self> {
        const XSAVE_AND_AVX: u32 = 1 << 27 | 1 << 28;
        const AVX2: u32 = 1 << 5;
        const XMM_AND_YMM: u64 = 0b110;
        // SAFETY: every x86-64 has CPUID; leaf 7 is asked only where leaf 0 says it is there.
        let (leaves, first) = unsafe { (__cpuid(0).eax, __cpuid(1).ecx) };
        if leaves < 7 || first & XSAVE_AND_AVX != XSAVE_AND_AVX {
            return None;
        }
        // SAFETY: as above; OSXSAVE is set, so XGETBV is there.
        let (seventh, kept) = unsafe { (__cpuid_count(7, 0).ebx, system_keeps()) };
        (seventh & AVX2 != 0 && kept & XMM_AND_YMM == XMM_AND_YMM).then_some(Self(()))
    }

    #[inline]
    pub(super) fn run<W: Work>(self, work: W) -> W::Output {
        // SAFETY: `self` is the proof that AVX2 is there.
        unsafe { run(work) }
    }

    #[inline(always)]
    pub(super) fn turn(self, rows: [&[f32; 8]; 8], columns: [&mut [f32; 8]; 8]) {
        // SAFETY: `self` is the proof that AVX2 is there.
        unsafe { turn(rows, columns) }
    }
}

/// Pairs, then fours, then eights change their places.
#[inline]
#[target_feature(enable = "avx2")]
fn turn(rows: [&[f32; 8]; 8], columns: [&mut [f32; 8]; 8]) {
    use core::arch::x86_64::{
        _mm256_castpd_ps, _mm256_castps_pd, _mm256_unpackhi_pd, _mm256_unpackhi_ps,
        _mm256_unpacklo_pd, _mm256_unpacklo_ps,
    };
    // SAFETY: each row has the eight samples that are read.
    let row = |at: usize| unsafe { _mm256_loadu_ps(rows[at].as_ptr()) };
    let pairs = |first: usize| {
        let (a, b) = (row(first), row(first + 1));
        let low = _mm256_castps_pd(_mm256_unpacklo_ps(a, b));
        (low, _mm256_castps_pd(_mm256_unpackhi_ps(a, b)))
    };
    let fours = |first: usize| {
        let ((a, b), (c, d)) = (pairs(first), pairs(first + 2));
        [
            _mm256_castpd_ps(_mm256_unpacklo_pd(a, c)),
            _mm256_castpd_ps(_mm256_unpackhi_pd(a, c)),
            _mm256_castpd_ps(_mm256_unpacklo_pd(b, d)),
            _mm256_castpd_ps(_mm256_unpackhi_pd(b, d)),
        ]
    };
    let (upper, lower) = (fours(0), fours(4));
    let [a, b, c, d, e, f, g, h] = columns;
    for (place, (one, other)) in [(a, e), (b, f), (c, g), (d, h)].into_iter().enumerate() {
        let near = _mm256_permute2f128_ps::<0x20>(upper[place], lower[place]);
        let far = _mm256_permute2f128_ps::<0x31>(upper[place], lower[place]);
        // SAFETY: each column has room for the eight samples that are written.
        unsafe {
            _mm256_storeu_ps(one.as_mut_ptr(), near);
            _mm256_storeu_ps(other.as_mut_ptr(), far);
        }
    }
}

/// Registers that the system keeps for each thread.
#[target_feature(enable = "xsave")]
fn system_keeps() -> u64 {
    // SAFETY: register 0 is there wherever XGETBV is.
    unsafe { _xgetbv(0) }
}

#[target_feature(enable = "avx2")]
fn run<W: Work>(work: W) -> W::Output {
    work.run::<Wide>()
}

/// Eight samples in one register. Only work that was entered with a [`Found`] gets to see it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wide(__m256);

// SAFETY of all below: whoever has a `Wide` as its type was entered with a `Found`, the proof that AVX2
// is there; what is read and written are whole arrays of eight samples.
impl Eight for Wide {
    #[inline(always)]
    fn splat(value: f32) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm256_set1_ps(value) })
    }

    #[inline(always)]
    fn load(from: &[f32; 8]) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm256_loadu_ps(from.as_ptr()) })
    }

    #[inline(always)]
    fn store(self, to: &mut [f32; 8]) {
        // SAFETY: see above.
        unsafe { _mm256_storeu_ps(to.as_mut_ptr(), self.0) }
    }

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm256_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm256_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn times(self, other: Self) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm256_mul_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn or_larger(self, other: Self) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm256_max_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn or_smaller(self, other: Self) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm256_min_ps(self.0, other.0) })
    }

    #[inline(always)]
    fn if_larger(self, other: Self, then: Self, otherwise: Self) -> Self {
        // SAFETY: see above.
        Self(unsafe {
            let larger = _mm256_cmp_ps::<_CMP_GT_OQ>(self.0, other.0);
            _mm256_blendv_ps(otherwise.0, then.0, larger)
        })
    }

    #[inline(always)]
    fn magnitude(self) -> Self {
        // SAFETY: see above.
        Self(unsafe { _mm256_andnot_ps(_mm256_set1_ps(-0.0), self.0) })
    }

    #[inline(always)]
    fn or_zero(self) -> Self {
        let size = self.magnitude();
        // SAFETY: see above.
        Self(unsafe {
            let finite = _mm256_cmp_ps::<_CMP_LE_OQ>(size.0, _mm256_set1_ps(f32::MAX));
            _mm256_and_ps(self.0, finite)
        })
    }

    #[inline(always)]
    fn earlier<const N: usize>(self, before: Self) -> Self {
        const { assert!(N == 1 || N == 2 || N == 4, "lanes move by 1, 2 or 4 places") };
        // SAFETY: see above.
        Self(unsafe {
            let between = _mm256_permute2f128_ps::<0x21>(before.0, self.0);
            let (high, low) = (_mm256_castps_si256(self.0), _mm256_castps_si256(between));
            match N {
                1 => _mm256_castsi256_ps(_mm256_alignr_epi8::<12>(high, low)),
                2 => _mm256_castsi256_ps(_mm256_alignr_epi8::<8>(high, low)),
                _ => between,
            }
        })
    }
}
