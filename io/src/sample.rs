//! Sample formats and the exact conversions between them and floating point.
//!
//! An integer sample of `bits` bits means `x / 2^(bits - 1)`, so that full scale is 1.0 and the
//! lowest code is exactly -1.0. The way back rounds to the nearest code, ties to even, without a
//! dead zone, and stops at the highest and lowest code; what is not a number becomes 0. `f32` to
//! 32-bit integers carries 24 bits: the 24-bit code, shifted up by eight.
//!
//! Everything here is safe on a real-time thread.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use std::fmt;
use std::str::FromStr;

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A floating-point sample: `f32` or `f64`.
pub trait Sample:
    sealed::Sealed + Copy + Default + PartialEq + fmt::Debug + Send + Sync + 'static
{
    /// From a 16-bit code; exact.
    fn from_i16(code: i16) -> Self;
    /// From a 24-bit code held in an `i32`; exact.
    fn from_i24(code: i32) -> Self;
    /// From a 32-bit code; exact in `f64`, rounded to nearest in `f32`.
    fn from_i32(code: i32) -> Self;
    /// From `f32`; exact.
    fn from_f32(value: f32) -> Self;
    /// From `f64`; rounded to nearest in `f32`.
    fn from_f64(value: f64) -> Self;
}

macro_rules! sample {
    ($float:ty) => {
        impl Sample for $float {
            #[inline]
            fn from_i16(code: i16) -> Self {
                Self::from(code) * (1.0 / 32_768.0)
            }
            #[inline]
            fn from_i24(code: i32) -> Self {
                code as $float * (1.0 / 8_388_608.0)
            }
            #[inline]
            fn from_i32(code: i32) -> Self {
                code as $float * (1.0 / 2_147_483_648.0)
            }
            #[inline]
            fn from_f32(value: f32) -> Self {
                value.into()
            }
            #[inline]
            fn from_f64(value: f64) -> Self {
                value as $float
            }
        }
    };
}

sample!(f32);
sample!(f64);

/// How samples are stored in a file or wanted by a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SampleFormat {
    /// Signed 16-bit integers.
    I16,
    /// Signed 24-bit integers, three bytes each.
    I24,
    /// Signed 32-bit integers; from `f32` they carry 24 bits.
    I32,
    /// 32-bit IEEE floating point.
    F32,
}

impl SampleFormat {
    /// All formats.
    pub const ALL: [Self; 4] = [Self::I16, Self::I24, Self::I32, Self::F32];

    /// Bytes of one sample.
    pub const fn bytes(self) -> usize {
        match self {
            Self::I16 => 2,
            Self::I24 => 3,
            Self::I32 | Self::F32 => 4,
        }
    }

    /// Bits of one sample.
    pub const fn bits(self) -> u16 {
        8 * self.bytes() as u16
    }

    /// The name, as it is parsed: `i16`, `i24`, `i32`, `f32`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::I16 => "i16",
            Self::I24 => "i24",
            Self::I32 => "i32",
            Self::F32 => "f32",
        }
    }
}

impl fmt::Display for SampleFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no sample format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sample format \"{asked}\" is unknown (i16, i24, i32, f32)")]
pub struct UnknownSampleFormat {
    /// The name that was asked for.
    pub asked: String,
}

impl FromStr for SampleFormat {
    type Err = UnknownSampleFormat;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|format| format.name() == text)
            .ok_or_else(|| UnknownSampleFormat {
                asked: text.to_owned(),
            })
    }
}

/// Three halves of 2^23: added to a value below 2^22 in magnitude, it leaves the value, rounded to
/// nearest and ties to even, in the low bits. Unlike `round_ties_even` this needs no instruction
/// that the oldest processors lack.
const ROUND_F32: f32 = 12_582_912.0;
/// Three halves of 2^52, likewise for `f64`.
const ROUND_F64: f64 = 6_755_399_441_055_744.0;

/// Nearest 16-bit code, clamped; NaN is 0.
#[inline]
pub fn f32_to_i16(value: f32) -> i16 {
    let scaled = if value.is_nan() {
        0.0
    } else {
        value * 32_768.0
    };
    let clamped = scaled.clamp(-32_768.0, 32_767.0);
    (clamped + ROUND_F32).to_bits() as i16
}

/// Nearest 24-bit code, clamped, in an `i32`; NaN is 0.
#[inline]
pub fn f32_to_i24(value: f32) -> i32 {
    let scaled = if value.is_nan() {
        0.0
    } else {
        value * 8_388_608.0
    };
    let clamped = f64::from(scaled.clamp(-8_388_608.0, 8_388_607.0));
    (clamped + ROUND_F64).to_bits() as i32
}

/// The nearest 24-bit code, clamped, shifted up by eight; NaN is 0.
#[inline]
pub fn f32_to_i32(value: f32) -> i32 {
    f32_to_i24(value) << 8
}

/// Value of a 16-bit code, exact.
#[inline]
pub fn i16_to_f32(code: i16) -> f32 {
    f32::from_i16(code)
}

/// Value of a 24-bit code held in an `i32`, exact.
#[inline]
pub fn i24_to_f32(code: i32) -> f32 {
    f32::from_i24(code)
}

/// Value of a 32-bit code, rounded to nearest.
#[inline]
pub fn i32_to_f32(code: i32) -> f32 {
    f32::from_i32(code)
}

/// Encodes samples, little endian, as many as there are and have room; returns the number of
/// samples. `f32` passes as it is, NaN and beyond full scale included.
pub fn encode(format: SampleFormat, samples: &[f32], bytes: &mut [u8]) -> usize {
    match format {
        SampleFormat::I16 => {
            let (chunks, _) = bytes.as_chunks_mut::<2>();
            for (code, &sample) in chunks.iter_mut().zip(samples) {
                *code = f32_to_i16(sample).to_le_bytes();
            }
        }
        SampleFormat::I24 => {
            let (chunks, _) = bytes.as_chunks_mut::<3>();
            for (code, &sample) in chunks.iter_mut().zip(samples) {
                let [low, middle, high, _] = f32_to_i24(sample).to_le_bytes();
                *code = [low, middle, high];
            }
        }
        SampleFormat::I32 => {
            let (chunks, _) = bytes.as_chunks_mut::<4>();
            for (code, &sample) in chunks.iter_mut().zip(samples) {
                *code = f32_to_i32(sample).to_le_bytes();
            }
        }
        SampleFormat::F32 => {
            let (chunks, _) = bytes.as_chunks_mut::<4>();
            for (code, &sample) in chunks.iter_mut().zip(samples) {
                *code = sample.to_le_bytes();
            }
        }
    }
    samples.len().min(bytes.len() / format.bytes())
}

/// Decodes little-endian samples, as many as there are and have room; returns the number of
/// samples.
pub fn decode<S: Sample>(format: SampleFormat, bytes: &[u8], samples: &mut [S]) -> usize {
    match format {
        SampleFormat::I16 => {
            let (chunks, _) = bytes.as_chunks::<2>();
            for (sample, &code) in samples.iter_mut().zip(chunks) {
                *sample = S::from_i16(i16::from_le_bytes(code));
            }
        }
        SampleFormat::I24 => {
            let (chunks, _) = bytes.as_chunks::<3>();
            for (sample, &[low, middle, high]) in samples.iter_mut().zip(chunks) {
                *sample = S::from_i24(i32::from_le_bytes([0, low, middle, high]) >> 8);
            }
        }
        SampleFormat::I32 => {
            let (chunks, _) = bytes.as_chunks::<4>();
            for (sample, &code) in samples.iter_mut().zip(chunks) {
                *sample = S::from_i32(i32::from_le_bytes(code));
            }
        }
        SampleFormat::F32 => {
            let (chunks, _) = bytes.as_chunks::<4>();
            for (sample, &code) in samples.iter_mut().zip(chunks) {
                *sample = S::from_f32(f32::from_le_bytes(code));
            }
        }
    }
    samples.len().min(bytes.len() / format.bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_16_bit_code_survives_the_way_through_f32() {
        for code in i16::MIN..=i16::MAX {
            assert_eq!(f32_to_i16(i16_to_f32(code)), code);
        }
    }

    #[test]
    fn every_24_bit_code_survives_the_way_through_f32() {
        for code in -8_388_608..=8_388_607 {
            assert_eq!(f32_to_i24(i24_to_f32(code)), code);
            assert_eq!(f32_to_i32(i24_to_f32(code)), code << 8);
        }
    }

    #[test]
    fn halves_of_a_code_go_to_the_even_one() {
        for (halves, code) in [(1, 0), (3, 2), (5, 2), (7, 4), (-1, 0), (-3, -2), (-5, -2)] {
            assert_eq!(
                f32_to_i16(halves as f32 / 65_536.0),
                code,
                "{halves} halves"
            );
            // At the bottom of f32's range of exact halves, 24 bits have halves too.
            assert_eq!(f32_to_i24(halves as f32 / 16_777_216.0), i32::from(code));
        }
        // Just beside a half the nearer code wins, and there is no dead zone round 0.
        assert_eq!(f32_to_i16(0.500_01 / 32_768.0), 1);
        assert_eq!(f32_to_i16(-0.500_01 / 32_768.0), -1);
    }

    #[test]
    fn beyond_full_scale_is_clamped_and_nan_is_zero() {
        for (value, low, wide) in [
            (1.0, 32_767, 8_388_607),
            (-1.0, -32_768, -8_388_608),
            (1e30, 32_767, 8_388_607),
            (f32::INFINITY, 32_767, 8_388_607),
            (f32::NEG_INFINITY, -32_768, -8_388_608),
            (f32::NAN, 0, 0),
        ] {
            assert_eq!(f32_to_i16(value), low);
            assert_eq!(f32_to_i24(value), wide);
            assert_eq!(f32_to_i32(value), wide << 8);
        }
    }

    #[test]
    fn bytes_are_little_endian_and_read_back() {
        let samples = [0.5, -0.25, 1.0 / 8_388_608.0, -1.0];
        let expected: [(SampleFormat, &[u8]); 4] = [
            (SampleFormat::I16, &[0, 0x40, 0, 0xe0, 0, 0, 0, 0x80]),
            (
                SampleFormat::I24,
                &[0, 0, 0x40, 0, 0, 0xe0, 1, 0, 0, 0, 0, 0x80],
            ),
            (
                SampleFormat::I32,
                &[0, 0, 0, 0x40, 0, 0, 0, 0xe0, 0, 1, 0, 0, 0, 0, 0, 0x80],
            ),
            (
                SampleFormat::F32,
                &[
                    0, 0, 0, 0x3f, 0, 0, 0x80, 0xbe, 0, 0, 0, 0x34, 0, 0, 0x80, 0xbf,
                ],
            ),
        ];
        for (format, bytes) in expected {
            let mut encoded = vec![0; 4 * format.bytes()];
            assert_eq!(encode(format, &samples, &mut encoded), 4);
            assert_eq!(encoded, bytes, "{format}");
            let mut decoded = [9.0f64; 4];
            assert_eq!(decode(format, &encoded, &mut decoded), 4);
            let third = if format == SampleFormat::I16 {
                0.0
            } else {
                1.0 / 8_388_608.0
            };
            assert_eq!(decoded, [0.5, -0.25, third, -1.0], "{format}");
        }
    }

    #[test]
    fn names_are_parsed_back() {
        for format in SampleFormat::ALL {
            assert_eq!(format.to_string().parse(), Ok(format));
        }
        let error = "s16".parse::<SampleFormat>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "sample format \"s16\" is unknown (i16, i24, i32, f32)"
        );
    }
}
