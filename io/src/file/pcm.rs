//! How the samples of an uncompressed file are coded, and decoding them.

use crate::sample::Sample;

/// One sample's coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    U8,
    I8,
    I16,
    I24,
    I32,
    /// 24 bits in the low three bytes of four; the fourth is not looked at.
    I24In32,
    I40,
    I48,
    I56,
    I64,
    F32,
    F64,
    MuLaw,
    ALaw,
}

impl Coding {
    /// Bytes of a sample.
    pub(super) const fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 | Self::MuLaw | Self::ALaw => 1,
            Self::I16 => 2,
            Self::I24 => 3,
            Self::I32 | Self::I24In32 | Self::F32 => 4,
            Self::I40 => 5,
            Self::I48 => 6,
            Self::I56 => 7,
            Self::I64 | Self::F64 => 8,
        }
    }

    /// Name for people.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::U8 => "pcm_u8",
            Self::I8 => "pcm_i8",
            Self::I16 => "pcm_i16",
            Self::I24 => "pcm_i24",
            Self::I32 => "pcm_i32",
            Self::I24In32 => "pcm_i24 in 4 bytes",
            Self::I40 => "pcm_i40",
            Self::I48 => "pcm_i48",
            Self::I56 => "pcm_i56",
            Self::I64 => "pcm_i64",
            Self::F32 => "pcm_f32",
            Self::F64 => "pcm_f64",
            Self::MuLaw => "mu-law",
            Self::ALaw => "a-law",
        }
    }

    /// Decodes as many samples as there are and have room.
    pub(super) fn decode<S: Sample>(self, big_endian: bool, bytes: &[u8], out: &mut [S]) {
        match (self, big_endian) {
            (Self::U8, _) => each(bytes, out, |[code]| {
                S::from_i16((i16::from(code) - 128) << 8)
            }),
            (Self::I8, _) => each(bytes, out, |[code]| S::from_i16(i16::from(code as i8) << 8)),
            (Self::MuLaw, _) => each(bytes, out, |[code]| S::from_i16(mu_law(code))),
            (Self::ALaw, _) => each(bytes, out, |[code]| S::from_i16(a_law(code))),
            (Self::I16, false) => each(bytes, out, |b| S::from_i16(i16::from_le_bytes(b))),
            (Self::I16, true) => each(bytes, out, |b| S::from_i16(i16::from_be_bytes(b))),
            (Self::I24, false) => each(bytes, out, |[a, b, c]| {
                S::from_i24(i32::from_le_bytes([0, a, b, c]) >> 8)
            }),
            (Self::I24, true) => each(bytes, out, |[a, b, c]| {
                S::from_i24(i32::from_be_bytes([a, b, c, 0]) >> 8)
            }),
            (Self::I32, false) => each(bytes, out, |b| S::from_i32(i32::from_le_bytes(b))),
            (Self::I32, true) => each(bytes, out, |b| S::from_i32(i32::from_be_bytes(b))),
            (Self::I24In32, false) => each(bytes, out, |[a, b, c, _]| {
                S::from_i24(i32::from_le_bytes([0, a, b, c]) >> 8)
            }),
            (Self::I24In32, true) => each(bytes, out, |[_, a, b, c]| {
                S::from_i24(i32::from_be_bytes([a, b, c, 0]) >> 8)
            }),
            (Self::I40, _) => each(bytes, out, |b: [u8; 5]| wide(b, big_endian)),
            (Self::I48, _) => each(bytes, out, |b: [u8; 6]| wide(b, big_endian)),
            (Self::I56, _) => each(bytes, out, |b: [u8; 7]| wide(b, big_endian)),
            (Self::I64, _) => each(bytes, out, |b: [u8; 8]| wide(b, big_endian)),
            (Self::F32, false) => each(bytes, out, |b| S::from_f32(f32::from_le_bytes(b))),
            (Self::F32, true) => each(bytes, out, |b| S::from_f32(f32::from_be_bytes(b))),
            (Self::F64, false) => each(bytes, out, |b| S::from_f64(f64::from_le_bytes(b))),
            (Self::F64, true) => each(bytes, out, |b| S::from_f64(f64::from_be_bytes(b))),
        }
    }
}

#[inline]
fn each<const N: usize, S: Sample>(bytes: &[u8], out: &mut [S], decode: impl Fn([u8; N]) -> S) {
    let (codes, _) = bytes.as_chunks::<N>();
    for (sample, &code) in out.iter_mut().zip(codes) {
        *sample = decode(code);
    }
}

/// A code of up to 64 bits, rounded to `f64` and from there to the sample type.
#[inline]
fn wide<const N: usize, S: Sample>(mut code: [u8; N], big_endian: bool) -> S {
    if !big_endian {
        code.reverse();
    }
    let high = code
        .iter()
        .fold(0u64, |high, &byte| high << 8 | u64::from(byte));
    let left_justified = (high << (64 - 8 * N)) as i64;
    S::from_f64(left_justified as f64 * (1.0 / 9_223_372_036_854_775_808.0))
}

/// ITU-T G.711 (1988), mu-law, table 2: sign, segment, step; the bits are sent inverted. As a code
/// of 16 bits (the law has 14).
fn mu_law(code: u8) -> i16 {
    let code = !code;
    let magnitude = ((i16::from(code & 0x0f) << 3) + 0x84) << ((code >> 4) & 7);
    if code & 0x80 == 0 {
        magnitude - 0x84
    } else {
        0x84 - magnitude
    }
}

/// ITU-T G.711 (1988), A-law, table 1: sign, segment, step; every even bit is sent inverted. As a
/// code of 16 bits (the law has 13).
fn a_law(code: u8) -> i16 {
    let code = code ^ 0x55;
    let step = i16::from(code & 0x0f) << 4;
    let magnitude = match (code >> 4) & 7 {
        0 => step + 8,
        segment => (step + 0x108) << (segment - 1),
    };
    if code & 0x80 == 0 {
        -magnitude
    } else {
        magnitude
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Decoder outputs of G.711, tables 1a, 1b, 2a, 2b, shifted up to 16 bits.
    #[test]
    fn laws_have_the_values_of_the_standard() {
        for (code, value) in [
            (0xff, 0),
            (0x7f, 0),
            (0x80, 8031 << 2),
            (0x00, -(8031 << 2)),
        ] {
            assert_eq!(mu_law(code), value, "{code:#x}");
        }
        assert_eq!(mu_law(0xfe), 2 << 2);
        for (code, value) in [(0xd5, 1 << 3), (0x55, -(1 << 3)), (0xaa, 4032 << 3)] {
            assert_eq!(a_law(code), value, "{code:#x}");
        }
    }

    #[test]
    fn byte_orders_mirror_each_other() {
        let codings = [
            Coding::U8,
            Coding::I16,
            Coding::I24,
            Coding::I32,
            Coding::I24In32,
            Coding::I40,
            Coding::I48,
            Coding::I56,
            Coding::I64,
            Coding::F32,
            Coding::F64,
        ];
        for coding in codings {
            let size = coding.bytes();
            let bytes: Vec<u8> = (0..6 * size as u8)
                .map(|byte| byte.wrapping_mul(37))
                .collect();
            let mirrored: Vec<u8> = bytes
                .chunks(size)
                .flat_map(|sample| sample.iter().rev().copied())
                .collect();
            let (mut little, mut big) = (vec![0.0f64; 6], vec![0.0f64; 6]);
            coding.decode(false, &bytes, &mut little);
            coding.decode(true, &mirrored, &mut big);
            assert!(
                little
                    .iter()
                    .zip(&big)
                    .all(|(a, b)| a.to_bits() == b.to_bits())
            );
            assert!(
                little.iter().any(|&value| value != 0.0),
                "{}",
                coding.name()
            );
        }
        let mut out = [0.0f32; 3];
        Coding::U8.decode(false, &[0, 128, 255], &mut out);
        assert_eq!(out, [-1.0, 0.0, 127.0 / 128.0]);
    }
}
