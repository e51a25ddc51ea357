//! Dither: from floating point to integers without distortion.
//!
//! Rounding alone makes an error that follows the signal. Noise with a triangular distribution of two
//! codes' width, added before, makes the error's mean and variance independent of the signal: it is
//! white noise of 1/4 of a code squared, however soft the signal. With noise shaping the error of
//! each sample is fed back, so that the noise has the spectrum of 1 - 2 cos(w) z^-1 + z^-2: least
//! where hearing is keenest, more above.
//!
//! Source: Lipshitz, Wannamaker and Vanderkooy, "Quantization and dither: a theoretical survey", JAES
//! 40(5), 1992. Chosen here: the zero of the shaped noise at 3.5 kHz.

use alloc::vec::Vec;
use core::f64::consts::TAU;

use crate::parts::finite::or_zero;

/// Where shaped noise has its zero, in hertz.
const QUIET_HZ: f64 = 3500.0;
/// Largest error that is fed back, in codes: more is clipping.
const MOST_FED_BACK: f64 = 2.0;

/// How floating point becomes integers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dither {
    /// To the nearest code.
    #[default]
    None,
    /// With triangular noise of two codes' width.
    Triangular,
    /// With triangular noise, and the error least about 3.5 kHz, more above 8 kHz.
    Shaped,
}

/// Brings interleaved samples to codes of so many bits.
///
/// The noise comes from a fixed seed: the same samples give the same codes.
///
/// # Examples
/// ```
/// use ossicle_dsp::dither::{Dither, Ditherer};
/// let mut samples = [0.1f32; 4];
/// Ditherer::new(Dither::Triangular, 16, 2, 48_000).process(&mut samples);
/// assert!(samples.iter().all(|sample| (sample * 32_768.0).fract() == 0.0));
/// ```
#[derive(Clone, Debug)]
pub struct Ditherer {
    dither: Dither,
    /// Codes up to full scale.
    scale: f64,
    /// 2 cos(w) of the zero.
    turn: f64,
    channels: Vec<Channel>,
    /// Channel of the next sample.
    next: usize,
}

#[derive(Clone, Copy, Debug)]
struct Channel {
    random: u64,
    /// The last two errors, in codes.
    errors: [f64; 2],
}

impl Ditherer {
    /// For codes of `bits` bits, 2 to 24, and frames of `channels` samples, at least 1.
    #[must_use]
    pub fn new(dither: Dither, bits: u32, channels: usize, sample_rate_hz: u32) -> Self {
        let quiet_norm = (QUIET_HZ / f64::from(sample_rate_hz.max(1))).min(0.25);
        let channel = |number| Channel {
            random: 0x9e37_79b9_7f4a_7c15u64.wrapping_mul(number as u64 + 1),
            errors: [0.0; 2],
        };
        Self {
            dither,
            scale: libm::exp2(f64::from(bits.clamp(2, 24)) - 1.0),
            turn: 2.0 * libm::cos(TAU * quiet_norm),
            channels: (0..channels.max(1)).map(channel).collect(),
            next: 0,
        }
    }

    /// Changes samples to the values of codes, each of which single precision holds exactly. What is
    /// over full scale becomes the highest or lowest code; what is not finite counts as 0.
    ///
    /// # Real-time
    /// Safe.
    pub fn process(&mut self, interleaved: &mut [f32]) {
        for sample in interleaved {
            let channel = &mut self.channels[self.next];
            let wanted = f64::from(or_zero(*sample)) * self.scale;
            let code = channel.code(wanted, self.dither, self.turn);
            *sample = (code.clamp(-self.scale, self.scale - 1.0) / self.scale) as f32;
            self.next += 1;
            if self.next == self.channels.len() {
                self.next = 0;
            }
        }
    }
}

impl Channel {
    fn code(&mut self, wanted: f64, dither: Dither, turn: f64) -> f64 {
        match dither {
            Dither::None => libm::rint(wanted),
            Dither::Triangular => libm::rint(wanted + self.triangular()),
            Dither::Shaped => {
                let [last, before] = self.errors;
                // Noise and rounding e in code = wanted + e - turn e' + e'': the spectrum asked for.
                let fed = wanted - turn * last + before;
                let code = libm::rint(fed + self.triangular());
                let error = (code - fed).clamp(-MOST_FED_BACK, MOST_FED_BACK);
                self.errors = [error, last];
                code
            }
        }
    }

    /// From -1 to 1, most often about 0: the difference of two even numbers.
    fn triangular(&mut self) -> f64 {
        // SplitMix64 (Steele, Lea, Flood, OOPSLA 2014); each half is one number.
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        let (high, low) = ((z >> 32) as f64, (z & 0xffff_ffff) as f64);
        (high - low) / 4_294_967_296.0
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    const FRAMES: usize = 1 << 16;

    /// The errors of a constant, in codes of 16 bits.
    fn noise(dither: Dither, value: f32, frames: usize) -> Vec<f64> {
        let mut samples = vec![value; frames];
        Ditherer::new(dither, 16, 1, 48_000).process(&mut samples);
        let codes = samples.iter();
        codes
            .map(|sample| (f64::from(*sample) - f64::from(value)) * 32_768.0)
            .collect()
    }

    fn mean(values: impl Iterator<Item = f64>) -> f64 {
        let (sum, count) = values.fold((0.0, 0.0), |(sum, count), x| (sum + x, count + 1.0));
        sum / count
    }

    /// Triangular noise of +-1 code has the variance 1/6, rounding adds 1/12: 1/4, whatever the
    /// signal. Of 65 536 samples the mean square is known to 1 % or better.
    #[test]
    fn the_noise_is_the_same_wherever_between_two_codes_the_signal_lies() {
        for share in [0.0, 0.1, 0.25, 0.5, 0.77] {
            let value = (share / 32_768.0) as f32;
            let errors = noise(Dither::Triangular, value, FRAMES);
            let off = mean(errors.iter().copied());
            let square = mean(errors.iter().map(|error| error * error));
            assert!(off.abs() < 0.01, "{share}: mean {off}");
            assert!(
                (square - 0.25).abs() < 0.01,
                "{share}: mean square {square}"
            );
        }
        // Rounding alone is wrong by the share, always.
        let rounded = noise(Dither::None, (0.4 / 32_768.0) as f32, 100);
        assert!(rounded.iter().all(|error| (error + 0.4).abs() < 1e-6));
    }

    /// Power per bin of an error: |sum e(n) e^(-i w n)|^2 over stretches, averaged.
    fn power_at(errors: &[f64], norm: f64) -> f64 {
        let stretch = 1024;
        let powers = errors.chunks_exact(stretch).map(|errors| {
            let (mut re, mut im) = (0.0, 0.0);
            for (n, error) in errors.iter().enumerate() {
                // A window keeps what is strong elsewhere from leaking in.
                let window = 1.0 - libm::cos(TAU * n as f64 / stretch as f64);
                let (sin, cos) = libm::sincos(TAU * norm * n as f64);
                re += window * error * cos;
                im -= window * error * sin;
            }
            (re * re + im * im) / (1.5 * stretch as f64)
        });
        mean(powers)
    }

    /// The error's spectrum is 1/4 |1 - 2 cos(w0) e^(-iw) + e^(-2iw)|^2 = (cos w - cos w0)^2.
    #[test]
    fn shaped_noise_has_its_spectrum_and_its_zero() {
        let errors = noise(Dither::Shaped, 0.123, 8 * FRAMES);
        let quiet = libm::cos(TAU * QUIET_HZ / 48_000.0);
        for hz in [500.0, 8000.0, 15_000.0, 22_000.0] {
            let norm = hz / 48_000.0;
            let want = libm::pow(libm::cos(TAU * norm) - quiet, 2.0);
            let off_db = 10.0 * libm::log10(power_at(&errors, norm) / want);
            // The mean of 512 powers is known to 4.4 %, 0.19 dB: four times that.
            assert!(off_db.abs() < 0.8, "{hz} Hz: {off_db} dB");
        }
        let zero_db = 10.0 * libm::log10(power_at(&errors, QUIET_HZ / 48_000.0) / 0.25);
        assert!(zero_db < -35.0, "{zero_db} dB beside white");
    }

    #[test]
    fn codes_are_exact_in_range_and_alike_for_any_cut() {
        for (bits, full) in [(16, 32_768.0), (24, 8_388_608.0)] {
            let mut whole: Vec<f32> = (0..2000).map(|n| (n as f32 - 1000.0) * 1.1e-3).collect();
            whole.extend([f32::NAN, f32::INFINITY, 3.0, -3.0]);
            let mut cut = whole.clone();
            Ditherer::new(Dither::Shaped, bits, 2, 44_100).process(&mut whole);
            let mut ditherer = Ditherer::new(Dither::Shaped, bits, 2, 44_100);
            cut.chunks_mut(7).for_each(|piece| ditherer.process(piece));
            assert_eq!(whole, cut);
            for sample in &whole {
                let code = f64::from(*sample) * full;
                assert_eq!(code, libm::rint(code), "{bits}");
                assert!((-full..full).contains(&code), "{bits}: {code}");
            }
        }
    }
}
