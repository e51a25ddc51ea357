//! Level and phase over frequency, from the answer to an impulse.

use core::f64::consts::TAU;

use super::{Subject, amplitude, amplitude_db};
use crate::error::EngineError;

/// Frames of the answer that are taken at once, until what is left no longer counts.
const PIECE_FRAMES: usize = 1 << 13;
/// The longest answer, in seconds.
const LONGEST_S: u32 = 5;
/// The answer has ended when a piece holds less than this share of its power.
const END: f64 = 1e-16;
/// Frames after which the rotation is computed anew, so that its rounding does not gather.
const TURN_FRAMES: usize = 256;

/// How a chain answers a frequency.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// The frequencies, in hertz.
    pub frequencies_hz: Vec<f64>,
    /// One for each channel that comes out.
    pub channels: Vec<ChannelResponse>,
    /// The chain's latency, which is taken out of the phase.
    pub latency_frames: u64,
}

/// How one channel answers, at each frequency.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelResponse {
    /// Gain in decibels.
    pub gain_db: Vec<f64>,
    /// Phase in degrees, -180 to 180, without that of the latency.
    pub phase_deg: Vec<f64>,
}

/// Frequencies in even ratios, so many in an octave, from the first and up to the last.
#[must_use]
pub fn octaves(from_hz: f64, to_hz: f64, per_octave: u32) -> Vec<f64> {
    let steps = ((to_hz / from_hz).log2() * f64::from(per_octave) + 1e-9).floor() as u32;
    (0..=steps)
        .map(|step| from_hz * (f64::from(step) / f64::from(per_octave)).exp2())
        .collect()
}

/// Measures gain and phase at `frequencies_hz`, with an impulse of `level_dbfs` in all channels.
///
/// For a chain that is linear and stays as it is; for others it is their answer to this impulse.
///
/// # Errors
/// A chain that is wrong, or does not fit the rate or the channels.
///
/// # Examples
/// ```
/// use ossicle::measure::{Subject, response::response};
/// let response = response(&Subject::text("gain:gain=-6dB"), &[1000.0], 0.0)?;
/// assert!((response.channels[0].gain_db[0] + 6.0).abs() < 1e-6);
/// # Ok::<(), ossicle::EngineError>(())
/// ```
pub fn response(
    subject: &Subject<'_>,
    frequencies_hz: &[f64],
    level_dbfs: f64,
) -> Result<Response, EngineError> {
    let impulse = amplitude(level_dbfs) as f32;
    let (answers, latency_frames) = impulse_response(subject, impulse)?;
    let norms = frequencies_hz
        .iter()
        .map(|frequency| frequency / f64::from(subject.sample_rate_hz));
    let norms: Vec<f64> = norms.collect();
    let channels = answers.iter().map(|answer| {
        let mut channel = ChannelResponse {
            gain_db: Vec::new(),
            phase_deg: Vec::new(),
        };
        for &norm in &norms {
            let (re, im) = at_frequency(answer, norm);
            let size = re.hypot(im) / f64::from(impulse);
            channel.gain_db.push(amplitude_db(size));
            let phase = im.atan2(re) / TAU + norm * latency_frames as f64;
            channel.phase_deg.push((phase - phase.round()) * 360.0);
        }
        channel
    });
    Ok(Response {
        frequencies_hz: frequencies_hz.to_vec(),
        channels: channels.collect(),
        latency_frames,
    })
}

/// The answer of every channel to an impulse in all of them, and the latency in it.
///
/// # Errors
/// As [`response`].
pub fn impulse_response(
    subject: &Subject<'_>,
    impulse: f32,
) -> Result<(Vec<Vec<f32>>, u64), EngineError> {
    let mut bench = subject.bench()?;
    let latency_frames = bench.processor().latency_frames();
    let mut piece = vec![0.0; PIECE_FRAMES];
    piece[0] = impulse;
    let mut answers = vec![Vec::new(); bench.channels_out()];
    let longest = u64::from(LONGEST_S * subject.sample_rate_hz) + latency_frames;
    let mut power = 0.0;
    loop {
        let heard = bench.run_alike(&piece);
        piece[0] = 0.0;
        let samples = heard.iter().flatten();
        let more: f64 = samples.map(|x| f64::from(*x) * f64::from(*x)).sum();
        power += more;
        for (answer, heard) in answers.iter_mut().zip(heard) {
            answer.extend(heard);
        }
        let frames = answers[0].len() as u64;
        if frames > latency_frames && (more <= power * END || frames >= longest) {
            return Ok((answers, latency_frames));
        }
    }
}

/// The sum of x(n) e^(-i 2 pi f n): real and imaginary part.
fn at_frequency(samples: &[f32], norm: f64) -> (f64, f64) {
    let (sin, cos) = (TAU * norm).sin_cos();
    let (mut re, mut im) = (0.0, 0.0);
    for (turn, samples) in samples.chunks(TURN_FRAMES).enumerate() {
        let angle = TAU * (norm * (turn * TURN_FRAMES) as f64).fract();
        let (mut s, mut c) = angle.sin_cos();
        for &sample in samples {
            let x = f64::from(sample);
            re += x * c;
            im -= x * s;
            (c, s) = (c * cos - s * sin, s * cos + c * sin);
        }
    }
    (re, im)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn octaves_are_even_ratios() {
        let frequencies = octaves(20.0, 160.0, 2);
        assert_eq!(frequencies.len(), 7);
        assert!((frequencies[6] - 160.0).abs() < 1e-9);
        assert!((frequencies[1] / frequencies[0] - 2f64.sqrt()).abs() < 1e-12);
    }

    /// A delay of d frames, half dry and half wet: H = (1 + e^(-i w d)) / 2 = cos(w d / 2) e^(-i w d
    /// / 2), so that the gain is |cos(w d / 2)| and the phase -w d / 2 up to half a turn.
    #[test]
    fn a_comb_has_the_gain_and_phase_of_its_formula() {
        let frequencies = [100.0, 430.0, 760.0];
        let subject = Subject::text("delay:time=1ms,feedback=0%,mix=50%");
        let response = response(&subject, &frequencies, -6.0).unwrap();
        for channel in &response.channels {
            for (place, frequency) in frequencies.iter().enumerate() {
                let half = TAU * frequency / 48_000.0 * 48.0 / 2.0;
                let want_db = amplitude_db(half.cos());
                let want_deg = -half.to_degrees() + if half.cos() < 0.0 { 180.0 } else { 0.0 };
                let (got_db, got_deg) = (channel.gain_db[place], channel.phase_deg[place]);
                assert!(
                    (got_db - want_db).abs() < 1e-4,
                    "{frequency}: {got_db}, {want_db}"
                );
                assert!(
                    (got_deg - want_deg).abs() < 1e-3,
                    "{frequency}: {got_deg}, {want_deg}"
                );
            }
        }
    }

    #[test]
    fn latency_is_no_phase() {
        // An attack of 1 holds the envelope at 0: the limiter only delays, by 40 frames.
        let text = "envelope_limiter:attack_coeff=1,release_coeff=1,delay_samples=41,threshold=1";
        let response = response(&Subject::text(text), &[1000.0, 15_000.0], -6.0).unwrap();
        assert_eq!(response.latency_frames, 40);
        for channel in &response.channels {
            assert!(
                channel.phase_deg.iter().all(|deg| deg.abs() < 1e-6),
                "{channel:?}"
            );
            assert!(
                channel.gain_db.iter().all(|db| db.abs() < 1e-6),
                "{channel:?}"
            );
        }
    }
}
