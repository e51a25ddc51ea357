//! K-system: an average level on a scale whose zero is the loudness one listens at.
//!
//! Source: Bob Katz, "An Integrated Approach to Metering, Monitoring, and Levelling Practices",
//! Journal of the AES 48(9), 2000: zero is 20, 14 or 12 dB below full scale; the average is the root
//! mean square, 3.01 dB up so that a sine reads the same by peak and by average (AES-17); a steady
//! tone brings it to 99 % of its rest in 600 ms. Here the squares pass a first-order low-pass whose
//! root is there in that time: 1 - exp(-t/T) = 0.99^2.

use alloc::vec;
use alloc::vec::Vec;
use core::f64::consts::SQRT_2;

use super::error::{MeterError, check};
use super::sample_peak::SamplePeak;
use super::view::View;

/// When the average has reached [`REACHED`] of its rest, in seconds.
const RISE_S: f64 = 0.6;
const REACHED: f64 = 0.99;
/// A mean square below this is silence (-200 dB), so that no number becomes subnormal.
const SILENCE: f64 = 1e-20;
/// Lowest rate in hertz.
const MIN_RATE_HZ: u32 = 1000;

/// Where zero is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KScale {
    /// 12 dB below full scale: broadcast.
    K12,
    /// 14 dB below full scale: pop and rock.
    K14,
    /// 20 dB below full scale: wide dynamics.
    K20,
}

impl KScale {
    /// Level of the scale's zero in dBFS.
    #[must_use]
    pub const fn zero_dbfs(self) -> f64 {
        match self {
            Self::K12 => -12.0,
            Self::K14 => -14.0,
            Self::K20 => -20.0,
        }
    }
}

/// Average and peak of each channel on a K-system scale.
///
/// # Examples
/// ```
/// use ossicle_dsp::meter::{KScale, KSystem, View};
/// let mut meter = KSystem::new(48_000, 1, KScale::K20)?;
/// let sine = |n: u32| (f64::from(n) * 0.130_899_693_9).sin() * 0.1;
/// let tone: Vec<f32> = (0..96_000).map(|n| sine(n) as f32).collect();
/// meter.push(&View::interleaved(&tone, 1));
/// assert!(meter.average_db(0).unwrap().abs() < 0.05);
/// assert!(meter.peak_db(0).unwrap().abs() < 0.01);
/// # Ok::<(), ossicle_dsp::meter::MeterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct KSystem {
    scale: KScale,
    squares: Vec<f64>,
    /// Share of a new square in the mean.
    share: f64,
    peak: SamplePeak,
}

impl KSystem {
    /// A meter for a sample rate in hertz (1000 to 3 072 000) and so many channels.
    ///
    /// # Errors
    /// [`MeterError`]: a rate or a channel count that is not allowed.
    ///
    /// # Real-time
    /// Not safe: allocates.
    pub fn new(sample_rate_hz: u32, channels: usize, scale: KScale) -> Result<Self, MeterError> {
        check("the K-system level", sample_rate_hz, MIN_RATE_HZ, channels)?;
        let frames = RISE_S * f64::from(sample_rate_hz);
        Ok(Self {
            scale,
            squares: vec![0.0; channels],
            share: -libm::expm1(libm::log1p(-REACHED * REACHED) / frames),
            peak: SamplePeak::new(sample_rate_hz, channels)?,
        })
    }

    /// Forgets all sound.
    ///
    /// # Real-time
    /// Safe.
    pub fn reset(&mut self) {
        self.squares.fill(0.0);
        self.peak.reset();
    }

    /// Takes the next frames. Channels that the view has not are left alone.
    ///
    /// # Real-time
    /// Safe.
    pub fn push(&mut self, view: &View<'_>) {
        for (number, square) in (0..view.channels()).zip(&mut self.squares) {
            let mut mean = *square;
            for sample in view.channel(number) {
                let exact = f64::from(sample);
                mean += self.share * (exact * exact - mean);
                if mean < SILENCE {
                    mean = 0.0;
                }
            }
            *square = mean;
        }
        self.peak.push(view);
    }

    /// Average of a channel in decibels above the scale's zero; a sine reads its peak level. `None`
    /// for silence.
    ///
    /// # Real-time
    /// Safe.
    #[must_use]
    pub fn average_db(&self, channel: usize) -> Option<f64> {
        let square = *self.squares.get(channel)?;
        self.above_zero(SQRT_2 * libm::sqrt(square))
    }

    /// Peak of a channel, held and falling as [`SamplePeak::shown`], in decibels above the scale's
    /// zero. `None` for silence.
    ///
    /// # Real-time
    /// Safe.
    #[must_use]
    pub fn peak_db(&self, channel: usize) -> Option<f64> {
        self.above_zero(f64::from(self.peak.shown(channel)))
    }

    fn above_zero(&self, amplitude: f64) -> Option<f64> {
        let zero = self.scale.zero_dbfs();
        (amplitude > 0.0).then(|| 20.0 * libm::log10(amplitude) - zero)
    }
}
