//! Where a response peaks, between its frames.

use core::f64::consts::PI;

/// Frames on either side from which the response is made up between its frames, under a Hann window.
const REACH: i64 = 32;
/// Width at which the search ends, in frames.
const FINE: f64 = 1e-5;

/// The highest place of a response that repeats itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Peak {
    /// Where, in frames.
    pub(super) frames: f64,
    /// The value there, with its sign.
    pub(super) value: f64,
    /// The root of the mean square of all that is further from it than the reach: what else came.
    pub(super) rest: f64,
}

/// Finds the peak; `None` where the response is all zero.
pub(super) fn peak(response: &[f64]) -> Option<Peak> {
    let (at, value) = response
        .iter()
        .copied()
        .enumerate()
        .max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))?;
    if value == 0.0 {
        return None;
    }
    let height = |frames: f64| value.signum() * between(response, frames);
    // By thirds: there is one peak between the neighbours of the highest frame.
    let (mut low, mut high) = (at as f64 - 1.0, at as f64 + 1.0);
    while high - low > FINE {
        let third = (high - low) / 3.0;
        if height(low + third) < height(high - third) {
            low += third;
        } else {
            high -= third;
        }
    }
    let frames = 0.5 * (low + high);
    let length = response.len() as i64;
    let (mut squares, mut count) = (0.0, 0.0);
    for (frame, other) in response.iter().enumerate() {
        let far = (frame as i64 - at as i64).rem_euclid(length);
        if far.min(length - far) > REACH {
            squares += other * other;
            count += 1.0;
        }
    }
    Some(Peak {
        frames: frames.rem_euclid(length as f64),
        value: between(response, frames),
        rest: if count > 0.0 {
            (squares / count).sqrt()
        } else {
            0.0
        },
    })
}

/// The response between its frames: a windowed sinc over those around.
fn between(response: &[f64], frames: f64) -> f64 {
    let length = response.len() as i64;
    let first = frames.floor() as i64;
    (first + 1 - REACH..=first + REACH)
        .map(|frame| {
            let x = frames - frame as f64;
            let sinc = if x.abs() < 1e-9 {
                1.0
            } else {
                (PI * x).sin() / (PI * x)
            };
            let place = x / REACH as f64;
            let window = 0.5 + 0.5 * (PI * place).cos();
            response[frame.rem_euclid(length) as usize] * sinc * window
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A delay by a part of a frame of all that a converter passes: a sinc of nine tenths of the
    /// band, which peaks where it is centred.
    #[test]
    fn a_peak_between_frames_is_found_to_a_thousandth() {
        for (at, gain) in [(300.0, 1.0), (300.37, 0.5), (1_999.81, -0.1), (0.004, -1.0)] {
            let length = 2_000.0;
            let response: Vec<f64> = (0..2_000)
                .map(|frame| {
                    let x =
                        0.9 * ((f64::from(frame) - at + 1_000.0_f64).rem_euclid(length) - 1_000.0);
                    gain * if x == 0.0 {
                        1.0
                    } else {
                        (PI * x).sin() / (PI * x)
                    }
                })
                .collect();
            let peak = peak(&response).unwrap();
            let off = (peak.frames - at + 1_000.0).rem_euclid(length) - 1_000.0;
            assert!(off.abs() < 1e-3, "{} is {off} from {at}", peak.frames);
            assert!((peak.value - gain).abs() < 1e-2 * gain.abs(), "{peak:?}");
        }
        assert_eq!(peak(&[0.0; 64]), None);
    }
}
