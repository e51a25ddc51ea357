//! What comes out beside silence, and beside a soft tone.

use super::distortion::{Distortion, Tone, distortion};
use super::{Subject, amplitude_db, power_db};
use crate::error::EngineError;

/// Seconds of silence that are listened to.
const LISTEN_S: u32 = 1;
/// Level of the soft tone in dBFS.
const TONE_DBFS: f64 = -20.0;

/// Levels of noise; minus infinity for none at all.
#[derive(Clone, Debug, PartialEq)]
pub struct Noise {
    /// Root of the mean square of what comes out for silence from the start, in dBFS.
    pub silence_dbfs: f64,
    /// Largest sample of it, in dBFS.
    pub silence_peak_dbfs: f64,
    /// What comes out beside a tone of 997 Hz at -20 dBFS and its harmonics, in dBFS of a sine's
    /// peak.
    pub beside_tone_dbfs: f64,
    /// The tone as it comes out.
    pub tone: Distortion,
}

/// Measures the first channel out, with the same sound in all channels.
///
/// # Errors
/// A chain that is wrong, or does not fit the rate or the channels.
pub fn noise(subject: &Subject<'_>) -> Result<Noise, EngineError> {
    let frames = (LISTEN_S * subject.sample_rate_hz) as usize;
    let heard = &subject.bench()?.run_alike(&vec![0.0; frames])[0];
    let power: f64 = heard.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / frames as f64;
    let peak = heard.iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
    let tone = distortion(
        subject,
        &Tone {
            level_dbfs: TONE_DBFS,
            ..Tone::default()
        },
    )?;
    Ok(Noise {
        silence_dbfs: power_db(power),
        silence_peak_dbfs: amplitude_db(peak.into()),
        beside_tone_dbfs: tone.level_dbfs + tone.other_db,
        tone,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gain_adds_no_more_than_rounding() {
        let got = noise(&Subject::text("gain:gain=-1dB")).unwrap();
        assert_eq!(got.silence_dbfs, f64::NEG_INFINITY);
        // Rounding to 24 bits of what is below 0.1: at most 2^-29 in amplitude, -174 dB.
        assert!(got.beside_tone_dbfs < -165.0, "{}", got.beside_tone_dbfs);
        assert!(got.beside_tone_dbfs > -200.0, "{}", got.beside_tone_dbfs);
        assert!((got.tone.level_dbfs + 21.0).abs() < 1e-6);
    }
}
