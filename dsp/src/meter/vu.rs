//! VU: what the needle of a volume indicator does.
//!
//! The rectified signal through a damped second-order low-pass. Source: IEC 60268-17, "Standard
//! volume indicators": a steady 1 kHz tone that begins at once brings the needle to 99 % of its
//! rest in 300 ms, and by 1 to 1.5 % beyond it. Both figures give damping and frequency:
//! an overshoot M means z = -ln M / sqrt(pi^2 + ln^2 M), and the frequency is the one at which the
//! step response
//! 1 - exp(-z w t) (cos(w' t) + z w/w' sin(w' t)), w' = w sqrt(1 - z^2),
//! first reaches 0.99 at t = 300 ms.

use alloc::vec;
use alloc::vec::Vec;
use core::f64::consts::{PI, SQRT_2};

use super::error::{MeterError, check};
use super::view::View;
use crate::parts::analogue::Response;
use crate::parts::svf::{SvfCoefficients, SvfSolved, SvfState};

/// By how much the needle goes beyond its rest: the middle of what is allowed.
const OVERSHOOT: f64 = 0.0125;
/// When it first reaches [`REACHED`] of its rest, in seconds.
const RISE_S: f64 = 0.3;
const REACHED: f64 = 0.99;
/// From the mean of a rectified sine to its root mean square.
const FORM_FACTOR: f64 = PI / (2.0 * SQRT_2);
/// Frames between two looks whether what is left may be dropped.
const FLUSH_FRAMES: u64 = 4096;
/// Lowest rate in hertz.
const MIN_RATE_HZ: u32 = 1000;

/// A volume indicator for each channel.
///
/// It reads 0 VU for a sine of -18 dBFS peak (EBU R 68), unless another reference is given.
///
/// # Examples
/// ```
/// use ossicle_dsp::meter::{View, Vu};
/// let mut vu = Vu::new(48_000, 1, -18.0)?;
/// let sine = |n: u32| (f64::from(n) * 0.130_899_693_9).sin() * 0.125_892_541_2;
/// let tone: Vec<f32> = (0..96_000).map(|n| sine(n) as f32).collect();
/// vu.push(&View::interleaved(&tone, 1));
/// // 48 frames a period miss 0.012 dB of the mean between them.
/// assert!((vu.level_vu(0).unwrap() + 0.0124).abs() < 0.001);
/// # Ok::<(), ossicle_dsp::meter::MeterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Vu {
    channels: Vec<SvfState>,
    values: Vec<f64>,
    needle: SvfCoefficients,
    reference_dbfs: f64,
    frames: u64,
}

impl Vu {
    /// A meter for a sample rate in hertz (1000 to 3 072 000), so many channels, and the peak level
    /// in dBFS of the sine that reads 0 VU.
    ///
    /// # Errors
    /// [`MeterError`]: a rate or a channel count that is not allowed.
    ///
    /// # Real-time
    /// Not safe: allocates.
    pub fn new(
        sample_rate_hz: u32,
        channels: usize,
        reference_dbfs: f64,
    ) -> Result<Self, MeterError> {
        check("the VU level", sample_rate_hz, MIN_RATE_HZ, channels)?;
        let ln = libm::log(OVERSHOOT);
        let damping = -ln / libm::sqrt(PI * PI + ln * ln);
        let frequency_hz = rise(damping) / RISE_S / (2.0 * PI);
        let norm = frequency_hz / f64::from(sample_rate_hz);
        Ok(Self {
            channels: vec![SvfState::default(); channels],
            values: vec![0.0; channels],
            needle: SvfCoefficients::new(Response::LowPass, norm, 0.0, 0.5 / damping),
            reference_dbfs,
            frames: 0,
        })
    }

    /// Forgets all sound.
    ///
    /// # Real-time
    /// Safe.
    pub fn reset(&mut self) {
        self.channels.fill(SvfState::default());
        self.values.fill(0.0);
        self.frames = 0;
    }

    /// Takes the next frames. Channels that the view has not are left alone.
    ///
    /// # Real-time
    /// Safe.
    pub fn push(&mut self, view: &View<'_>) {
        let solved = SvfSolved::from(&self.needle);
        let mut done = 0;
        while done < view.frames() {
            let left = FLUSH_FRAMES - self.frames % FLUSH_FRAMES;
            let frames = (view.frames() - done).min(left as usize);
            let part = view.part(done, frames);
            let states = self.channels.iter_mut().zip(&mut self.values);
            for (number, (state, value)) in (0..view.channels()).zip(states) {
                for sample in part.channel(number) {
                    *value = state.next(f64::from(sample.abs()), &solved);
                }
                if frames as u64 == left {
                    state.flush();
                }
            }
            self.frames += frames as u64;
            done += frames;
        }
    }

    /// Where the needle of a channel stands, as the root mean square of the sine that would hold it
    /// there; 0.7071 for a sine of amplitude 1. 0 for a channel there is not.
    ///
    /// # Real-time
    /// Safe.
    #[must_use]
    pub fn value(&self, channel: usize) -> f64 {
        self.values
            .get(channel)
            .map_or(0.0, |value| (value * FORM_FACTOR).max(0.0))
    }

    /// The same in VU, decibels above the reference; `None` for silence.
    ///
    /// # Real-time
    /// Safe.
    #[must_use]
    pub fn level_vu(&self, channel: usize) -> Option<f64> {
        let value = self.value(channel);
        (value > 0.0).then(|| 20.0 * libm::log10(value * SQRT_2) - self.reference_dbfs)
    }
}

/// w t at which the step response of this damping first reaches [`REACHED`].
fn rise(damping: f64) -> f64 {
    let turn = libm::sqrt(1.0 - damping * damping);
    let step = |at: f64| {
        let (sine, cosine) = (libm::sin(turn * at), libm::cos(turn * at));
        1.0 - libm::exp(-damping * at) * (cosine + damping / turn * sine)
    };
    // It rises all the way to its first peak, at half a turn.
    let (mut low, mut high) = (0.0, PI / turn);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if step(middle) < REACHED {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}
