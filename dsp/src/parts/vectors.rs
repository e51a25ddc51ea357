//! The one place where wider registers are entered.
//!
//! A loop over lanes is written once, with plain arrays, and compiled twice: for what every machine
//! of the kind has, and for AVX2. Both give the same bits: lanes have a fixed order, and nothing is
//! fused.

#![allow(unsafe_code)] // Code for registers that not every machine has, once this one says it has.

/// A piece of work whose loops gain from wide registers.
pub trait Work {
    /// What the work gives.
    type Output;

    /// Does the work. To be marked `#[inline(always)]`, and so what it calls: else it is not
    /// compiled for the wide registers.
    ///
    /// # Real-time
    /// As safe as the work itself.
    fn run(self) -> Self::Output;
}

/// The registers that work runs in. All give the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vectors(Registers);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Registers {
    /// What every machine of the kind has.
    Plain,
    /// Eight samples wide.
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    Avx2(avx2::Found),
}

impl Vectors {
    /// What every machine of the kind has: to compare with.
    pub const PLAIN: Self = Self(Registers::Plain);

    /// The widest that this machine has.
    ///
    /// # Real-time
    /// Safe, but slow: ask once, when a node is prepared.
    #[must_use]
    pub fn detect() -> Self {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        if let Some(found) = avx2::Found::detect() {
            return Self(Registers::Avx2(found));
        }
        Self::PLAIN
    }

    /// Does `work` in these registers.
    ///
    /// # Real-time
    /// As safe as the work itself.
    #[inline]
    pub fn run<W: Work>(self, work: W) -> W::Output {
        match self.0 {
            Registers::Plain => work.run(),
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            Registers::Avx2(found) => found.run(work),
        }
    }

    /// Rows to columns: the one exchange of lanes that compilers do not find in plain code.
    ///
    /// # Real-time
    /// Safe.
    #[inline(always)]
    pub fn turn(self, rows: [&[f32; 8]; 8], columns: [&mut [f32; 8]; 8]) {
        match self.0 {
            Registers::Plain => {
                for (column, values) in columns.into_iter().enumerate() {
                    for (value, row) in values.iter_mut().zip(rows) {
                        *value = row[column];
                    }
                }
            }
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            Registers::Avx2(found) => found.turn(rows, columns),
        }
    }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
mod avx2 {
    use core::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};

    use super::Work;

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
            _mm256_castpd_ps, _mm256_castps_pd, _mm256_loadu_ps, _mm256_permute2f128_ps,
            _mm256_storeu_ps, _mm256_unpackhi_pd, _mm256_unpackhi_ps, _mm256_unpacklo_pd,
            _mm256_unpacklo_ps,
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
        work.run()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn rows_become_columns_in_all_registers() {
        let rows: [[f32; 8]; 8] =
            core::array::from_fn(|row| core::array::from_fn(|place| (row * 8 + place) as f32));
        for vectors in [super::Vectors::PLAIN, super::Vectors::detect()] {
            let mut columns = [[0.0; 8]; 8];
            vectors.turn(rows.each_ref(), columns.each_mut());
            for (place, column) in columns.iter().enumerate() {
                for (row, &value) in column.iter().enumerate() {
                    assert_eq!(value, rows[row][place], "{vectors:?}");
                }
            }
        }
    }

    #[test]
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    fn avx2_is_found_where_the_system_says_so() {
        extern crate std;
        let there = std::is_x86_feature_detected!("avx2");
        assert_eq!(super::Vectors::detect() != super::Vectors::PLAIN, there);
    }
}
