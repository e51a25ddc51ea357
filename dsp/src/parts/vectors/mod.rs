//! The one place where wider registers are entered.
//!
//! A loop over lanes is written once, with plain arrays, and compiled twice: for what every machine
//! of the kind has, and for AVX2. Both give the same bits: lanes have a fixed order, and nothing is
//! fused.

#![allow(unsafe_code)] // Code for registers that not every machine has, once this one says it has.

#[cfg(all(target_arch = "x86_64", not(miri)))]
mod avx2;
mod eight;

pub use self::eight::Eight;
use self::eight::Plain;

/// A piece of work whose loops gain from wide registers.
pub trait Work {
    /// What the work gives.
    type Output;

    /// Does the work, with eight samples in an `E` where plain arrays do not do. To be marked
    /// `#[inline(always)]`, and so what it calls: else it is not compiled for the wide registers.
    ///
    /// # Real-time
    /// As safe as the work itself.
    fn run<E: Eight>(self) -> Self::Output;
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
            Registers::Plain => work.run::<Plain>(),
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
