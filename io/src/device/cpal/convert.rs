//! Between the sample formats of devices and `f32`, exactly: to the nearest code, clamped.

#![warn(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::disallowed_macros
)]

use ::cpal::{Data, I24, SampleFormat, SizedSample, U24};

use crate::sample::{Sample, f32_to_i16, f32_to_i24, f32_to_i32};

/// Formats that can be converted, the best first.
pub(super) const FORMATS: [SampleFormat; 10] = [
    SampleFormat::F32,
    SampleFormat::I32,
    SampleFormat::I24,
    SampleFormat::F64,
    SampleFormat::U32,
    SampleFormat::U24,
    SampleFormat::I16,
    SampleFormat::U16,
    SampleFormat::I8,
    SampleFormat::U8,
];

/// Reads `samples.len()` samples of `data` from sample `from` on.
///
/// # Real-time
/// Safe.
pub(super) fn read(data: &Data, from: usize, samples: &mut [f32]) {
    match data.sample_format() {
        SampleFormat::F32 => get(data, from, samples, |x: f32| x),
        SampleFormat::F64 => get(data, from, samples, |x: f64| x as f32),
        SampleFormat::I32 => get(data, from, samples, f32::from_i32),
        SampleFormat::U32 => get(data, from, samples, |x: u32| f32::from_i32(flip32(x))),
        SampleFormat::I24 => get(data, from, samples, |x: I24| f32::from_i24(x.inner())),
        SampleFormat::U24 => {
            get(data, from, samples, |x: U24| {
                f32::from_i24(x.inner() - (1 << 23))
            });
        }
        SampleFormat::I16 => get(data, from, samples, f32::from_i16),
        SampleFormat::U16 => get(data, from, samples, |x: u16| f32::from_i16(flip16(x))),
        SampleFormat::I8 => get(data, from, samples, from_i8),
        SampleFormat::U8 => get(data, from, samples, |x: u8| {
            from_i8((x ^ 0x80).cast_signed())
        }),
        _ => samples.fill(0.0),
    }
}

/// Writes samples to `data` from sample `from` on.
///
/// # Real-time
/// Safe.
pub(super) fn write(samples: &[f32], data: &mut Data, from: usize) {
    match data.sample_format() {
        SampleFormat::F32 => put(samples, data, from, |x| x),
        SampleFormat::F64 => put(samples, data, from, f64::from),
        SampleFormat::I32 => put(samples, data, from, f32_to_i32),
        SampleFormat::U32 => put(samples, data, from, |x| {
            f32_to_i32(x).cast_unsigned() ^ 0x8000_0000
        }),
        SampleFormat::I24 => put(samples, data, from, |x| I24::new_unchecked(f32_to_i24(x))),
        SampleFormat::U24 => {
            put(samples, data, from, |x| {
                U24::new_unchecked(f32_to_i24(x) + (1 << 23))
            });
        }
        SampleFormat::I16 => put(samples, data, from, f32_to_i16),
        SampleFormat::U16 => put(samples, data, from, |x| {
            f32_to_i16(x).cast_unsigned() ^ 0x8000
        }),
        SampleFormat::I8 => put(samples, data, from, to_i8),
        SampleFormat::U8 => put(samples, data, from, |x| to_i8(x).cast_unsigned() ^ 0x80),
        _ => {}
    }
}

fn flip16(code: u16) -> i16 {
    (code ^ 0x8000).cast_signed()
}

fn flip32(code: u32) -> i32 {
    (code ^ 0x8000_0000).cast_signed()
}

fn from_i8(code: i8) -> f32 {
    f32::from(code) / 128.0
}

/// Nearest 8-bit code, clamped; NaN is 0.
fn to_i8(value: f32) -> i8 {
    (value * 128.0).round_ties_even() as i8
}

fn get<T: SizedSample>(data: &Data, from: usize, samples: &mut [f32], to: impl Fn(T) -> f32) {
    let Some(codes) = data.as_slice::<T>() else {
        return samples.fill(0.0);
    };
    for (sample, &code) in samples.iter_mut().zip(&codes[from..]) {
        *sample = to(code);
    }
}

fn put<T: SizedSample>(samples: &[f32], data: &mut Data, from: usize, to: impl Fn(f32) -> T) {
    let Some(codes) = data.as_slice_mut::<T>() else {
        return;
    };
    for (code, &sample) in codes[from..].iter_mut().zip(samples) {
        *code = to(sample);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back<T: SizedSample + PartialEq + core::fmt::Debug>(
        format: SampleFormat,
        codes: &mut [T],
    ) -> Vec<f32> {
        let before = codes.to_vec();
        let mut samples = vec![0.0; codes.len()];
        // SAFETY: the pointer is to as many samples of the format as is said, and outlives `data`.
        let mut data = unsafe { Data::from_parts(codes.as_mut_ptr().cast(), codes.len(), format) };
        read(&data, 0, &mut samples);
        write(&vec![0.3; codes.len()], &mut data, 0);
        write(&samples, &mut data, 0);
        assert_eq!(codes, before);
        samples
    }

    #[test]
    fn every_format_has_its_ends_and_middle_and_comes_back() {
        let ends = |top: f32| vec![-1.0, 0.0, top];
        let below = |bits: i32| 1.0 - (0.5f32).powi(bits - 1);
        let format = SampleFormat::I8;
        assert_eq!(
            there_and_back(format, &mut [i8::MIN, 0, i8::MAX]),
            ends(below(8))
        );
        assert_eq!(
            there_and_back(SampleFormat::U8, &mut [0u8, 128, 255]),
            ends(below(8))
        );
        let format = SampleFormat::I16;
        assert_eq!(
            there_and_back(format, &mut [i16::MIN, 0, i16::MAX]),
            ends(below(16))
        );
        let format = SampleFormat::U16;
        assert_eq!(
            there_and_back(format, &mut [0u16, 1 << 15, u16::MAX]),
            ends(below(16))
        );
        let mut codes = [-(1 << 23), 0, (1 << 23) - 1].map(I24::new_unchecked);
        assert_eq!(
            there_and_back(SampleFormat::I24, &mut codes),
            ends(below(24))
        );
        let mut codes = [0, 1 << 23, (1 << 24) - 1].map(U24::new_unchecked);
        assert_eq!(
            there_and_back(SampleFormat::U24, &mut codes),
            ends(below(24))
        );
        // 32-bit codes carry 24 bits.
        let mut codes = [i32::MIN, 0, i32::MAX - 255];
        assert_eq!(
            there_and_back(SampleFormat::I32, &mut codes),
            ends(below(24))
        );
        let mut codes = [0u32, 1 << 31, u32::MAX - 255];
        assert_eq!(
            there_and_back(SampleFormat::U32, &mut codes),
            ends(below(24))
        );
        assert_eq!(
            there_and_back(SampleFormat::F32, &mut [-1.0f32, 0.0, 0.7]),
            ends(0.7)
        );
        assert_eq!(
            there_and_back(SampleFormat::F64, &mut [-1.0f64, 0.0, 0.75]),
            ends(0.75)
        );
    }

    #[test]
    fn what_is_too_loud_is_clamped() {
        let mut codes = [0u8; 3];
        // SAFETY: as above.
        let mut data = unsafe { Data::from_parts(codes.as_mut_ptr().cast(), 3, SampleFormat::U8) };
        write(&[2.0, -2.0, f32::NAN], &mut data, 0);
        assert_eq!(codes, [255, 0, 128]);
    }
}
