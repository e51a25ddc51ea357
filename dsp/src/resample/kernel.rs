//! The kernel between the frames of a history.

use alloc::vec::Vec;

use super::head::{Head, Positions};
use super::history::History;
use super::lanes;
use super::table::Design;
use crate::parts::vectors::Vectors;

/// Rates that are resampled, in hertz.
const RATES_HZ: (u32, u32) = (8_000, 768_000);
/// Rows for a way of one input frame, as a power of two, where the input is not the faster.
const PHASE_BITS: u32 = 11;

/// Length of the kernel: input frames under it, where the input is not faster than the output.
///
/// Half of it is latency. Named are the attenuation of images and aliases, and up to where the
/// passband is flat within 0.01 dB at 48 kHz; both from the formulas of the Kaiser window. The
/// transition lies half below, half above half the lower of both rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taps {
    /// 100 dB, 18 kHz.
    Taps32,
    /// 120 dB, 19 kHz.
    Taps48,
    /// 144 dB, 20 kHz.
    Taps64,
    /// 150 dB, 21 kHz.
    Taps96,
    /// 150 dB, 22 kHz.
    Taps128,
}

impl Taps {
    /// All of them, shortest first.
    pub const ALL: [Self; 5] = [
        Self::Taps32,
        Self::Taps48,
        Self::Taps64,
        Self::Taps96,
        Self::Taps128,
    ];

    /// The length as a number.
    #[must_use]
    pub fn frames(self) -> usize {
        match self {
            Self::Taps32 => 32,
            Self::Taps48 => 48,
            Self::Taps64 => 64,
            Self::Taps96 => 96,
            Self::Taps128 => 128,
        }
    }

    fn attenuation_db(self) -> f64 {
        match self {
            Self::Taps32 => 100.0,
            Self::Taps48 => 120.0,
            Self::Taps64 => 144.0,
            Self::Taps96 | Self::Taps128 => 150.0,
        }
    }
}

impl TryFrom<usize> for Taps {
    type Error = KernelError;

    /// The length of so many input frames.
    ///
    /// # Errors
    /// [`KernelError::TapsUnsupported`] when there is none.
    fn try_from(asked: usize) -> Result<Self, KernelError> {
        Self::ALL
            .into_iter()
            .find(|taps| taps.frames() == asked)
            .ok_or(KernelError::TapsUnsupported { asked })
    }
}

/// Why there is no such kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    /// There is no kernel of that length; choose one of [`Taps::ALL`].
    #[error("a kernel of {asked} taps is not offered (32, 48, 64, 96, 128)")]
    TapsUnsupported {
        /// Taps asked for.
        asked: usize,
    },
    /// The rate is not resampled; open the device at another.
    #[error("{asked_hz} Hz is not resampled (allowed: {min_hz} to {max_hz} Hz)")]
    RateUnsupported {
        /// Rate asked for.
        asked_hz: u32,
        /// Lowest rate allowed.
        min_hz: u32,
        /// Highest rate allowed.
        max_hz: u32,
    },
}

/// A low-pass that is read between the frames of a [`History`].
///
/// It passes up to half the lower of both rates, where its gain is one half. Its gain for a constant
/// is 1. Where the rates are equal, or the output is the faster, reading at a whole position gives
/// that frame bit for bit.
#[derive(Clone, Debug)]
pub struct Kernel {
    pub(super) rows: Vec<f32>,
    pub(super) taps: usize,
    pub(super) phase_bits: u32,
    /// Row 0 is a single 1.
    pub(super) whole_is_copy: bool,
    nominal_step: f64,
    pub(super) vectors: Vectors,
}

impl Kernel {
    /// A kernel for an input and an output of about these rates, 8000 to 768000 Hz each.
    ///
    /// Where the input is the faster, the kernel is longer in the same ratio, so that it is as good.
    ///
    /// # Errors
    /// [`KernelError::RateUnsupported`].
    ///
    /// # Real-time
    /// Not safe: allocates, and computes for milliseconds.
    pub fn new(taps: Taps, input_hz: u32, output_hz: u32) -> Result<Self, KernelError> {
        let (min_hz, max_hz) = RATES_HZ;
        for asked_hz in [input_hz, output_hz] {
            if !(min_hz..=max_hz).contains(&asked_hz) {
                return Err(KernelError::RateUnsupported {
                    asked_hz,
                    min_hz,
                    max_hz,
                });
            }
        }
        let nominal_step = f64::from(input_hz) / f64::from(output_hz);
        let slower = nominal_step.max(1.0);
        let length = libm::ceil(taps.frames() as f64 * slower) as usize;
        // A slower output holds lower frequencies, for which fewer rows are as good.
        let phase_bits = PHASE_BITS - (input_hz / output_hz).max(1).ilog2();
        let design = Design {
            taps: length.next_multiple_of(16),
            phases: 1 << phase_bits,
            cutoff: 1.0 / slower,
            attenuation_db: taps.attenuation_db(),
        };
        Ok(Self {
            rows: design.rows(),
            taps: design.taps,
            phase_bits,
            whole_is_copy: input_hz <= output_hz,
            nominal_step,
            vectors: Vectors::detect(),
        })
    }

    /// Input frames under the kernel.
    #[must_use]
    pub fn taps(&self) -> usize {
        self.taps
    }

    /// Input frames that are read before the one the head is at.
    #[must_use]
    pub fn frames_before(&self) -> usize {
        self.taps / 2 - 1
    }

    /// Input frames that are read after the one the head is at. This is the latency.
    #[must_use]
    pub fn frames_after(&self) -> usize {
        self.taps / 2
    }

    /// Input frames for an output frame at the rates given to `new`.
    #[must_use]
    pub fn nominal_step(&self) -> f64 {
        self.nominal_step
    }

    /// Indexes at which a head can read this history: empty while it holds too little.
    ///
    /// # Real-time
    /// Safe.
    #[must_use]
    pub fn readable(&self, history: &History) -> core::ops::Range<u64> {
        let begin = history.begin() + self.frames_before() as u64;
        let end = history.end().saturating_sub(self.frames_after() as u64);
        begin..end.max(begin)
    }

    /// Makes output frames, interleaved, until `out` is full or input is missing; returns how many.
    ///
    /// The step from one to the next, in input frames, 0 to 128, moves in a straight line from
    /// `step_from` to what would be `step_to` at the first frame behind a full `out`: position k is
    /// the sum of the k steps before it, true to 1e-11 frame over 4096, 1e-10 beyond 16. A step out of range is taken
    /// as the end it is beyond; where one is not a number the head stands still.
    ///
    /// The head is left at the first frame not made; what is behind it in `out` is left as it was.
    /// Nothing is made when the head is outside of [`readable`](Self::readable).
    ///
    /// A sample that is not finite makes those frames not finite whose kernel covers it, but for
    /// those that are copies of another.
    ///
    /// # Real-time
    /// Safe.
    pub fn read(
        &self,
        history: &History,
        head: &mut Head,
        step_from: f64,
        step_to: f64,
        out: &mut [f32],
    ) -> usize {
        let frames = out.len() / history.channels();
        let mut positions = Positions::new(head, step_from, step_to, frames);
        let made = self.vectors.run(lanes::Read {
            kernel: self,
            history,
            positions: &mut positions,
            out,
        });
        *head = positions.head();
        made
    }

    /// Input frames, counted from the head's index on, that a block of `frames` needs: it is made
    /// in full where `head.index` and these are not beyond [`History::end`].
    ///
    /// # Real-time
    /// Safe; its time grows with `frames`.
    #[must_use]
    pub fn frames_needed(&self, head: &Head, step_from: f64, step_to: f64, frames: usize) -> u64 {
        if frames == 0 {
            return 0;
        }
        let mut positions = Positions::new(head, step_from, step_to, frames);
        for _ in 1..frames {
            positions.advance();
        }
        positions.index.wrapping_sub(head.index) + self.frames_after() as u64 + 1
    }
}
