//! A file measured from beginning to end.

use std::ops::ControlFlow;
use std::path::Path;

use ossicle_dsp::meter::View;
use ossicle_io::file::AudioFile;

use super::program::{ProgramLoudness, ProgramMeter};
use crate::error::EngineError;

/// Frames read at once.
const PIECE_FRAMES: usize = 8192;

/// What a scan came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scan {
    /// Frames that were measured.
    pub frames: u64,
    /// How loud they are.
    pub loudness: ProgramLoudness,
    /// The scan was broken off.
    pub interrupted: bool,
}

/// Measures a sound file. `progress` is told now and then how many frames are done, and may break it
/// off.
///
/// # Errors
/// [`EngineError::File`] for a file that cannot be read, [`EngineError::Meter`] for one that cannot
/// be measured.
///
/// # Real-time
/// Not safe: reads the whole file.
pub fn scan(
    path: &Path,
    progress: &mut dyn FnMut(u64) -> ControlFlow<()>,
) -> Result<Scan, EngineError> {
    let fail = |error| EngineError::file(path, error);
    let mut file = AudioFile::open(path).map_err(fail)?;
    let (sample_rate_hz, channels) = (file.info().sample_rate_hz, file.info().channels);
    let mut meter = ProgramMeter::new(sample_rate_hz, channels)?;
    let mut piece = vec![0.0f32; PIECE_FRAMES * channels];
    let (mut frames, mut interrupted) = (0, false);
    while !interrupted {
        let now = file.read(&mut piece).map_err(fail)?;
        if now == 0 {
            break;
        }
        meter.push(&View::interleaved(&piece[..now * channels], channels));
        frames += now as u64;
        interrupted = progress(frames).is_break();
    }
    Ok(Scan {
        frames,
        loudness: meter.finish(),
        interrupted,
    })
}
