//! The one place where wider registers are entered.

#![allow(unsafe_code)] // Code for registers that not every machine has, once this one says it has.

use super::head::Positions;
use super::history::History;
use super::kernel::Kernel;
use super::lanes;

/// The registers the loop runs in. All give the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vectors {
    /// What every machine of the kind has.
    Plain,
    /// Eight samples wide.
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    Avx2(avx2::Found),
}

impl Vectors {
    /// The widest that this machine has.
    pub(super) fn detect() -> Self {
        #[cfg(all(target_arch = "x86_64", not(miri)))]
        if let Some(found) = avx2::Found::detect() {
            return Self::Avx2(found);
        }
        Self::Plain
    }

    /// [`lanes::read`], compiled for these registers.
    #[inline]
    pub(super) fn read(
        self,
        kernel: &Kernel,
        history: &History,
        positions: &mut Positions,
        out: &mut [f32],
    ) -> usize {
        match self {
            Self::Plain => lanes::read(kernel, history, positions, out),
            #[cfg(all(target_arch = "x86_64", not(miri)))]
            Self::Avx2(found) => found.read(kernel, history, positions, out),
        }
    }
}

#[cfg(all(target_arch = "x86_64", not(miri)))]
mod avx2 {
    use core::arch::x86_64::{__cpuid, __cpuid_count, _xgetbv};

    use super::{History, Kernel, Positions, lanes};

    /// Proof that machine and system have AVX2: made by [`Found::detect`] only.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(in super::super) struct Found(());

    impl Found {
        /// Source: Intel, "Software Developer's Manual" volume 1, 14.3 and 14.7.1.
        #[allow(unused_unsafe)] // CPUID is safe since Rust 1.93.
        pub(in super::super) fn detect() -> Option<Self> {
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
        pub(in super::super) fn read(
            self,
            kernel: &Kernel,
            history: &History,
            positions: &mut Positions,
            out: &mut [f32],
        ) -> usize {
            // SAFETY: `self` is the proof that AVX2 is there.
            unsafe { read(kernel, history, positions, out) }
        }
    }

    /// Registers that the system keeps for each thread.
    #[target_feature(enable = "xsave")]
    fn system_keeps() -> u64 {
        // SAFETY: register 0 is there wherever XGETBV is.
        unsafe { _xgetbv(0) }
    }

    #[target_feature(enable = "avx2")]
    fn read(
        kernel: &Kernel,
        history: &History,
        positions: &mut Positions,
        out: &mut [f32],
    ) -> usize {
        lanes::read(kernel, history, positions, out)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::super::{Head, Taps};
    use super::*;

    #[test]
    fn wide_registers_give_the_bits_of_the_plain_ones() {
        // Noise of all magnitudes that a sum of 300 products can hold.
        let noise: Vec<f32> = (1..3 * 700_u32)
            .map(|n| {
                let bits = n.wrapping_mul(2_654_435_761);
                f32::from_bits((bits & 0x8fff_ffff) | 0x3000_0000)
            })
            .collect();
        for taps in Taps::ALL {
            for (input_hz, output_hz) in [(48_000, 48_000), (44_100, 48_000), (96_000, 44_100)] {
                let kernel = Kernel::new(taps, input_hz, output_hz).unwrap();
                if kernel.vectors == Vectors::Plain {
                    continue; // There are no wider ones to compare with.
                }
                let mut plain = kernel.clone();
                plain.vectors = Vectors::Plain;
                for channels in [1, 2, 11] {
                    let mut history = History::new(channels, 1024);
                    history.write(&noise);
                    let read = |kernel: &Kernel| {
                        let mut head = Head {
                            index: history.begin() + kernel.frames_before() as u64,
                            fraction: 0.3,
                        };
                        let mut out = vec![0.0; 100 * channels];
                        let step = kernel.nominal_step();
                        kernel.read(&history, &mut head, step, step * 1.01, &mut out);
                        out.iter().map(|y| y.to_bits()).collect::<Vec<_>>()
                    };
                    assert!(
                        read(&kernel) == read(&plain),
                        "{taps:?}, {channels} channels"
                    );
                }
            }
        }
    }

    #[test]
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    fn avx2_is_found_where_the_system_says_so() {
        extern crate std;
        let there = std::is_x86_feature_detected!("avx2");
        assert_eq!(Vectors::detect() != Vectors::Plain, there);
    }
}
