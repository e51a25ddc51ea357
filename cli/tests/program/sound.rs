//! Sound files for the tests.

use std::path::{Path, PathBuf};

use hound::{SampleFormat, WavReader, WavSpec, WavWriter};

/// A path as an argument.
pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Writes interleaved samples as a 32-bit float WAV.
pub fn write_f32(path: &Path, sample_rate_hz: u32, channels: u16, samples: &[f32]) {
    let spec = WavSpec {
        channels,
        sample_rate: sample_rate_hz,
        bits_per_sample: 32,
        sample_format: SampleFormat::Float,
    };
    let mut writer = WavWriter::create(path, spec).unwrap();
    for &sample in samples {
        writer.write_sample(sample).unwrap();
    }
    writer.finalize().unwrap();
}

/// Reads a 32-bit float WAV.
pub fn read_f32(path: &Path) -> Vec<f32> {
    let mut reader = WavReader::open(path).unwrap();
    assert_eq!(reader.spec().bits_per_sample, 32);
    reader.samples::<f32>().map(Result::unwrap).collect()
}

/// The bits of samples, to be compared.
pub fn bits(samples: &[f32]) -> Vec<u32> {
    samples.iter().map(|sample| sample.to_bits()).collect()
}

/// Noise within ±0.5, the same for the same seed (xorshift).
pub fn noise(seed: u32, samples: usize) -> Vec<f32> {
    let mut state = seed.max(1);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state >> 8) as f32 / (1 << 24) as f32 - 0.5
    };
    (0..samples).map(|_| next()).collect()
}

/// A folder with a file of noise in it: `frames` frames at 48 kHz.
pub fn folder_with_noise(channels: u16, frames: usize) -> (tempfile::TempDir, PathBuf, Vec<f32>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("noise.wav");
    let samples = noise(7, frames * usize::from(channels));
    write_f32(&path, 48_000, channels, &samples);
    (folder, path, samples)
}
