//! RMS: the root of the mean of the squares over the last moments, all of them alike.

use alloc::vec;
use alloc::vec::Vec;

use super::error::{MeterError, check};
use super::hops::{HOPS_PER_SECOND, Hops};
use super::view::View;
use super::window::Window;

/// Lowest rate in hertz: ten frames a hop.
const MIN_RATE_HZ: u32 = 1000;

/// Root mean square of each channel over a window that ends at the last hundredth of a second.
///
/// A sine of amplitude 1 reads 0.7071 (-3.01 dB); [`KSystem`](super::KSystem) adds the 3.01 dB by
/// which the two conventions differ.
///
/// # Examples
/// ```
/// use ossicle_dsp::meter::{Rms, View};
/// let mut rms = Rms::new(48_000, 1, 0.3)?;
/// rms.push(&View::interleaved(&[0.5; 14_400], 1));
/// assert_eq!(rms.value(0), Some(0.5));
/// # Ok::<(), ossicle_dsp::meter::MeterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Rms {
    channels: Vec<Channel>,
    hops: Hops,
    window_hops: usize,
}

#[derive(Clone, Debug)]
struct Channel {
    sum: f64,
    window: Window,
}

impl Rms {
    /// A meter for a sample rate in hertz (1000 to 3 072 000), so many channels, and a window in
    /// seconds, rounded to hundredths, 0.01 at least and 60 at most.
    ///
    /// # Errors
    /// [`MeterError`]: a rate or a channel count that is not allowed.
    ///
    /// # Panics
    /// When the window is out of its range.
    ///
    /// # Real-time
    /// Not safe: allocates.
    pub fn new(sample_rate_hz: u32, channels: usize, window_s: f64) -> Result<Self, MeterError> {
        check("the RMS level", sample_rate_hz, MIN_RATE_HZ, channels)?;
        assert!((0.01..=60.0).contains(&window_s));
        let window_hops = libm::round(window_s * HOPS_PER_SECOND as f64) as usize;
        let channel = Channel {
            sum: 0.0,
            window: Window::new(window_hops),
        };
        Ok(Self {
            channels: vec![channel; channels],
            hops: Hops::new(sample_rate_hz),
            window_hops,
        })
    }

    /// Forgets all sound.
    ///
    /// # Real-time
    /// Safe.
    pub fn reset(&mut self) {
        self.hops.reset();
        for channel in &mut self.channels {
            channel.sum = 0.0;
            channel.window.reset();
        }
    }

    /// Takes the next frames. A channel that the view has not is silent.
    ///
    /// # Real-time
    /// Safe.
    pub fn push(&mut self, view: &View<'_>) {
        let mut done = 0;
        while done < view.frames() {
            let (frames, ends) = self.hops.take(view.frames() - done);
            let part = view.part(done, frames);
            let given = 0..view.channels();
            for (number, channel) in given.zip(&mut self.channels) {
                for sample in part.channel(number) {
                    let exact = f64::from(sample);
                    channel.sum += exact * exact;
                }
            }
            if ends {
                let frames = self.hops.end();
                for channel in &mut self.channels {
                    let sum = core::mem::take(&mut channel.sum);
                    channel.window.push(sum, frames);
                }
            }
            done += frames;
        }
    }

    /// Root mean square of a channel over the window, or over what there is of it; `None` before the
    /// first hundredth of a second, and for a channel there is not.
    ///
    /// # Real-time
    /// Safe.
    #[must_use]
    pub fn value(&self, channel: usize) -> Option<f64> {
        let window = &self.channels.get(channel)?.window;
        window
            .mean(window.seen().min(self.window_hops))
            .map(libm::sqrt)
    }
}
