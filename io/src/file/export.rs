//! Short sounds to WAV in one go, with the short header that the oldest programs read; through
//! hound.

use std::fs::OpenOptions;
use std::io::BufWriter;
use std::path::Path;

use super::error::FileError;
use super::file_storage::Overwrite;
use super::size_limit::check_size;
use super::wav_writer::WavSpec;
use crate::sample::{SampleFormat, f32_to_i16, f32_to_i24, f32_to_i32};

/// Most bytes of samples in such a file: its sizes have 31 bits to be safe with every program.
const MAX_BYTES: u64 = i32::MAX as u64 - 1024;

/// Longest header of such a file.
const HEADER_BYTES: u64 = 68;

/// Writes a whole sound, interleaved, as a plain WAV file; for takes there is
/// [`WavWriter`](super::WavWriter). Returns the frames.
///
/// # Errors
/// [`TornFrame`](FileError::TornFrame); [`Unsupported`](FileError::Unsupported) from 2 GiB, or 2 GiB per
/// second, on;
/// else as [`WavWriter::create`](super::WavWriter::create).
///
/// # Real-time
/// Not safe: system calls, may wait for the disk.
pub fn export_wav(
    path: impl AsRef<Path>,
    spec: WavSpec,
    interleaved: &[f32],
    overwrite: Overwrite,
) -> Result<u64, FileError> {
    spec.check()?;
    let (samples, channels) = (interleaved.len(), spec.channels);
    if !samples.is_multiple_of(channels) {
        return Err(FileError::TornFrame { samples, channels });
    }
    let bytes = samples as u64 * spec.format.bytes() as u64;
    let bytes_per_second = u64::from(spec.sample_rate_hz) * spec.frame_bytes();
    if bytes > MAX_BYTES || bytes_per_second > MAX_BYTES {
        let what = format!("a plain WAV of {bytes} bytes, {bytes_per_second} bytes/s,");
        return Err(FileError::Unsupported { what });
    }
    // Room for the longest header too.
    check_size(bytes + HEADER_BYTES).map_err(|error| FileError::writing(error, 0))?;
    let mut options = OpenOptions::new();
    options.write(true);
    match overwrite {
        Overwrite::Never => options.create_new(true),
        Overwrite::Replace => options.create(true).truncate(true),
    };
    let file = BufWriter::new(options.open(path)?);
    write(file, spec, interleaved).map_err(|error| match error {
        hound::Error::IoError(error) => FileError::writing(error, 0),
        error => FileError::Unsupported {
            what: format!("this WAV ({error})"),
        },
    })?;
    Ok((samples / channels) as u64)
}

fn write(
    file: BufWriter<std::fs::File>,
    spec: WavSpec,
    interleaved: &[f32],
) -> Result<(), hound::Error> {
    let float = spec.format == SampleFormat::F32;
    let spec_of_hound = hound::WavSpec {
        channels: spec.channels as u16,
        sample_rate: spec.sample_rate_hz,
        bits_per_sample: spec.format.bits(),
        sample_format: if float {
            hound::SampleFormat::Float
        } else {
            hound::SampleFormat::Int
        },
    };
    let mut writer = hound::WavWriter::new(file, spec_of_hound)?;
    for &sample in interleaved {
        match spec.format {
            SampleFormat::I16 => writer.write_sample(f32_to_i16(sample))?,
            SampleFormat::I24 => writer.write_sample(f32_to_i24(sample))?,
            SampleFormat::I32 => writer.write_sample(f32_to_i32(sample))?,
            SampleFormat::F32 => writer.write_sample(sample)?,
        }
    }
    writer.finalize()
}
