//! Sample peak: the largest magnitude, for good, and as a meter shows it.
//!
//! The shown level jumps to each new peak, stays for the hold, and then falls by a constant number
//! of decibels a second, which is a constant factor a frame. Source of the fall: IEC 60268-18,
//! peak programme level meters, 20 dB in 1.7 s.

use alloc::vec;
use alloc::vec::Vec;

use super::error::{MeterError, check};
use super::view::View;
use crate::parts::decibel::amplitude;

/// How long a peak is held, in seconds.
const HOLD_S: f64 = 3.0;
/// How fast the level falls then, in decibels a second: 20 dB in 1.7 s.
const FALL_DB_PER_S: f64 = 20.0 / 1.7;
/// What has fallen below this is silence (-200 dBFS), so that no number becomes subnormal.
const SILENCE: f64 = 1e-10;

/// Largest magnitude of each channel: since the reset, and held for 3 s and falling by 20 dB in
/// 1.7 s.
///
/// # Examples
/// ```
/// use ossicle_dsp::meter::{SamplePeak, View};
/// let mut peak = SamplePeak::new(48_000, 1)?;
/// peak.push(&View::interleaved(&[0.25, -0.5, 0.125], 1));
/// assert_eq!((peak.largest(0), peak.shown(0)), (0.5, 0.5));
/// # Ok::<(), ossicle_dsp::meter::MeterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct SamplePeak {
    channels: Vec<Channel>,
    hold_frames: u64,
    fall: f64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Channel {
    largest: f32,
    recent: f32,
    shown: f64,
    hold_left: u64,
}

impl SamplePeak {
    /// A meter for a sample rate in hertz (1 to 3 072 000) and so many channels.
    ///
    /// # Errors
    /// [`MeterError`]: a rate or a channel count that is not allowed.
    ///
    /// # Real-time
    /// Not safe: allocates.
    pub fn new(sample_rate_hz: u32, channels: usize) -> Result<Self, MeterError> {
        check("the peak", sample_rate_hz, 1, channels)?;
        let rate = f64::from(sample_rate_hz);
        Ok(Self {
            channels: vec![Channel::default(); channels],
            hold_frames: libm::round(HOLD_S * rate) as u64,
            fall: amplitude(-FALL_DB_PER_S / rate),
        })
    }

    /// Forgets all sound.
    ///
    /// # Real-time
    /// Safe.
    pub fn reset(&mut self) {
        self.channels.fill(Channel::default());
    }

    /// Takes the next frames. Channels that the view has not are left alone.
    ///
    /// # Real-time
    /// Safe.
    pub fn push(&mut self, view: &View<'_>) {
        let given = 0..view.channels();
        for (number, channel) in given.zip(&mut self.channels) {
            let mut state = *channel;
            for sample in view.channel(number) {
                state.take(sample.abs(), self.hold_frames, self.fall);
            }
            *channel = state;
        }
    }

    /// Largest magnitude of a channel since the reset; 1.0 is 0 dBFS. 0 for a channel there is not.
    ///
    /// # Real-time
    /// Safe.
    #[must_use]
    pub fn largest(&self, channel: usize) -> f32 {
        self.channels
            .get(channel)
            .map_or(0.0, |state| state.largest)
    }

    /// Magnitude of a channel as it is shown, held or falling. 0 for a channel there is not.
    ///
    /// # Real-time
    /// Safe.
    #[must_use]
    pub fn shown(&self, channel: usize) -> f32 {
        self.channels
            .get(channel)
            .map_or(0.0, |state| state.shown as f32)
    }

    /// Largest magnitude of a channel since this was last asked. 0 for a channel there is not.
    ///
    /// # Real-time
    /// Safe.
    pub fn take_recent(&mut self, channel: usize) -> f32 {
        let state = self.channels.get_mut(channel);
        state.map_or(0.0, |state| core::mem::take(&mut state.recent))
    }
}

impl Channel {
    #[inline]
    fn take(&mut self, magnitude: f32, hold_frames: u64, fall: f64) {
        self.largest = self.largest.max(magnitude);
        self.recent = self.recent.max(magnitude);
        let exact = f64::from(magnitude);
        if exact >= self.shown {
            self.shown = exact;
            self.hold_left = hold_frames;
        } else if self.hold_left > 0 {
            self.hold_left -= 1;
        } else {
            self.shown *= fall;
            if self.shown < SILENCE {
                self.shown = 0.0;
            }
        }
    }
}
