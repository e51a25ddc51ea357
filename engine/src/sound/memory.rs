//! A sound in memory: planes of samples at one rate.

use std::path::Path;
use std::sync::Arc;

use ossicle_dsp::parts::finite::or_zero;
use ossicle_io::file::{AudioFile, FileError};

use crate::error::EngineError;
use crate::resample::Resampler;

/// Most bytes that [`Sound::load`] takes: 46 minutes of stereo at 48 kHz.
pub const MAX_BYTES: u64 = 1 << 30;
/// Frames read at once.
const PIECE_FRAMES: usize = 4096;

/// A sound in memory. Clones share it, so that many players can play one sound.
#[derive(Clone)]
pub struct Sound {
    planes: Arc<[Vec<f32>]>,
    sample_rate_hz: u32,
}

impl Sound {
    /// Reads a whole sound file, at the rate `sample_rate_hz` in hertz: another rate is resampled.
    /// It may take [`MAX_BYTES`] of memory.
    ///
    /// # Errors
    /// [`EngineError::File`] when it cannot be read, [`EngineError::RateRatio`] when it cannot be
    /// resampled, [`EngineError::SoundTooLong`].
    ///
    /// # Real-time
    /// Not safe: allocates, and waits for the disk.
    pub fn load(path: impl AsRef<Path>, sample_rate_hz: u32) -> Result<Self, EngineError> {
        Self::load_within(path, sample_rate_hz, MAX_BYTES)
    }

    /// Reads a sound file as [`load`](Self::load) does, of which the samples, 4 bytes each, may take
    /// `max_bytes` of memory.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    ///
    /// # Real-time
    /// Not safe: allocates, and waits for the disk.
    pub fn load_within(
        path: impl AsRef<Path>,
        sample_rate_hz: u32,
        max_bytes: u64,
    ) -> Result<Self, EngineError> {
        let path = path.as_ref();
        let file = AudioFile::open(path).map_err(|error| EngineError::file(path, error))?;
        let (channels, from_hz) = (file.info().channels, file.info().sample_rate_hz);
        let resampler = if from_hz == sample_rate_hz {
            None
        } else {
            Some(Resampler::new(from_hz, sample_rate_hz, channels)?)
        };
        let mut loading = Loading {
            file,
            resampler,
            planes: vec![Vec::new(); channels],
            max_bytes,
        };
        let loaded = loading.check_stated().and_then(|()| loading.read_all());
        loaded.map_err(|stopped| match stopped {
            Stopped::File(error) => EngineError::file(path, error),
            Stopped::TooLong { bytes } => EngineError::SoundTooLong {
                path: path.to_owned(),
                bytes,
                allowed_bytes: max_bytes,
            },
        })?;
        Ok(Self {
            planes: loading.planes.into(),
            sample_rate_hz,
        })
    }

    /// A sound of these samples, one plane for each channel, at `sample_rate_hz` in hertz. Samples
    /// that are not finite become silence.
    ///
    /// # Errors
    /// [`EngineError::SoundWithoutChannels`]; [`EngineError::SoundTorn`] when planes differ in
    /// length.
    ///
    /// # Real-time
    /// Not safe: allocates.
    pub fn from_planes(
        mut planes: Vec<Vec<f32>>,
        sample_rate_hz: u32,
    ) -> Result<Self, EngineError> {
        let Some(first) = planes.first().map(Vec::len) else {
            return Err(EngineError::SoundWithoutChannels);
        };
        if let Some(other) = planes.iter().map(Vec::len).find(|&frames| frames != first) {
            return Err(EngineError::SoundTorn { first, other });
        }
        for sample in planes.iter_mut().flatten() {
            *sample = or_zero(*sample);
        }
        Ok(Self {
            planes: planes.into(),
            sample_rate_hz,
        })
    }

    /// Frames of the sound.
    #[must_use]
    pub fn frames(&self) -> usize {
        self.planes[0].len()
    }

    /// Channels, at least 1.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.planes.len()
    }

    /// Sample rate in hertz.
    #[must_use]
    pub const fn sample_rate_hz(&self) -> u32 {
        self.sample_rate_hz
    }

    /// The samples of one channel.
    ///
    /// # Panics
    /// When there is no such channel.
    #[must_use]
    pub fn plane(&self, channel: usize) -> &[f32] {
        &self.planes[channel]
    }
}

impl std::fmt::Debug for Sound {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Sound")
            .field("frames", &self.frames())
            .field("channels", &self.channels())
            .field("sample_rate_hz", &self.sample_rate_hz)
            .finish()
    }
}

/// A file on its way into memory.
struct Loading {
    file: AudioFile,
    resampler: Option<Resampler>,
    planes: Vec<Vec<f32>>,
    max_bytes: u64,
}

enum Stopped {
    File(FileError),
    TooLong { bytes: u64 },
}

impl Loading {
    /// Refuses a file that says that it is too long. What it says may be wrong, so no memory is set
    /// aside for it.
    fn check_stated(&self) -> Result<(), Stopped> {
        let Some(frames) = self.file.info().frames else {
            return Ok(());
        };
        let resampler = self.resampler.as_ref();
        self.check(resampler.map_or(frames, |resampler| resampler.frames_out(frames)))
    }

    fn read_all(&mut self) -> Result<(), Stopped> {
        let mut piece = vec![0.0f32; PIECE_FRAMES * self.planes.len()];
        let mut resampled = Vec::new();
        loop {
            let frames = self.file.read(&mut piece).map_err(Stopped::File)?;
            let read = &mut piece[..frames * self.planes.len()];
            read.iter_mut()
                .for_each(|sample| *sample = or_zero(*sample));
            match &mut self.resampler {
                None => append(&mut self.planes, read),
                Some(resampler) => {
                    resampled.clear();
                    match frames {
                        0 => resampler.finish(&mut resampled),
                        _ => resampler.push(read, &mut resampled),
                    }
                    append(&mut self.planes, &resampled);
                }
            }
            self.check(self.planes[0].len() as u64)?;
            if frames == 0 {
                self.planes.iter_mut().for_each(Vec::shrink_to_fit);
                return Ok(());
            }
        }
    }

    fn check(&self, frames: u64) -> Result<(), Stopped> {
        let frame_bytes = (self.planes.len() * size_of::<f32>()) as u64;
        let bytes = frames.saturating_mul(frame_bytes);
        if bytes > self.max_bytes {
            return Err(Stopped::TooLong { bytes });
        }
        Ok(())
    }
}

fn append(planes: &mut [Vec<f32>], interleaved: &[f32]) {
    let channels = planes.len();
    for (channel, plane) in planes.iter_mut().enumerate() {
        plane.extend(interleaved.iter().skip(channel).step_by(channels));
    }
}

#[cfg(test)]
mod tests {
    use ossicle_io::file::{Overwrite, WavSpec, export_wav};
    use ossicle_io::sample::SampleFormat;

    use super::*;

    #[test]
    fn a_file_that_did_not_say_its_length_is_given_up_at_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sound.wav");
        let spec = WavSpec {
            sample_rate_hz: 48_000,
            channels: 2,
            format: SampleFormat::F32,
        };
        export_wav(&path, spec, &[0.5; 200_000], Overwrite::Never).unwrap();
        for (max_bytes, given_up) in [(800_000, false), (80_000, true)] {
            let mut loading = Loading {
                file: AudioFile::open(&path).unwrap(),
                resampler: None,
                planes: vec![Vec::new(); 2],
                max_bytes,
            };
            let stopped = loading.read_all().err();
            assert_eq!(stopped.is_some(), given_up);
            // Within the piece in which the limit was passed.
            if let Some(Stopped::TooLong { bytes }) = stopped {
                assert!((80_001..=80_000 + 8 * 4096).contains(&bytes), "{bytes}");
            }
        }
    }
}
