//! Correlation: how alike two channels are.
//!
//! r = sum(l r) / sqrt(sum(l^2) sum(r^2)) over the last moments: 1 for the same sound in both, 0
//! for sounds that have nothing to do with each other, -1 for the same sound upside down, which
//! vanishes when the channels are added.

use super::error::{MeterError, check};
use super::hops::{HOPS_PER_SECOND, Hops};
use super::view::View;
use super::window::Window;

/// Lowest rate in hertz: ten frames a hop.
const MIN_RATE_HZ: u32 = 1000;
/// Mean square below which a channel is silent (-150 dB) and has nothing to compare.
const SILENCE: f64 = 1e-15;

/// Correlation of the first two channels over a window that ends at the last hundredth of a second.
///
/// # Examples
/// ```
/// use ossicle_dsp::meter::{Correlation, View};
/// let mut correlation = Correlation::new(48_000, 0.3)?;
/// let wide: Vec<f32> = (0..48_000).flat_map(|n| if n % 2 == 0 { [0.5, -0.5] } else { [-0.5, 0.5] }).collect();
/// correlation.push(&View::interleaved(&wide, 2));
/// assert_eq!(correlation.value(), Some(-1.0));
/// # Ok::<(), ossicle_dsp::meter::MeterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Correlation {
    hops: Hops,
    /// Of l^2, r^2 and l r: the sum of the hop under way, and the hops before.
    sums: [f64; 3],
    windows: [Window; 3],
}

impl Correlation {
    /// A meter for a sample rate in hertz (1000 to 3 072 000) and a window in seconds, rounded to
    /// hundredths, 0.01 at least and 60 at most.
    ///
    /// # Errors
    /// [`MeterError::SampleRateUnsupported`].
    ///
    /// # Panics
    /// When the window is out of its range.
    ///
    /// # Real-time
    /// Not safe: allocates.
    pub fn new(sample_rate_hz: u32, window_s: f64) -> Result<Self, MeterError> {
        check("the correlation", sample_rate_hz, MIN_RATE_HZ, 2)?;
        assert!((0.01..=60.0).contains(&window_s));
        let hops = libm::round(window_s * HOPS_PER_SECOND as f64) as usize;
        Ok(Self {
            hops: Hops::new(sample_rate_hz),
            sums: [0.0; 3],
            windows: core::array::from_fn(|_| Window::new(hops)),
        })
    }

    /// Forgets all sound.
    ///
    /// # Real-time
    /// Safe.
    pub fn reset(&mut self) {
        self.hops.reset();
        self.sums = [0.0; 3];
        self.windows.iter_mut().for_each(Window::reset);
    }

    /// Takes the next frames. A view of one channel is silent in the second.
    ///
    /// # Real-time
    /// Safe.
    pub fn push(&mut self, view: &View<'_>) {
        let mut done = 0;
        while done < view.frames() {
            let (frames, ends) = self.hops.take(view.frames() - done);
            if view.channels() >= 2 {
                let part = view.part(done, frames);
                for (left, right) in part.channel(0).zip(part.channel(1)) {
                    let (left, right) = (f64::from(left), f64::from(right));
                    self.sums[0] += left * left;
                    self.sums[1] += right * right;
                    self.sums[2] += left * right;
                }
            }
            if ends {
                let frames = self.hops.end();
                for (window, sum) in self.windows.iter_mut().zip(&mut self.sums) {
                    window.push(core::mem::take(sum), frames);
                }
            }
            done += frames;
        }
    }

    /// The correlation, -1 to 1, over the window or what there is of it; `None` where a channel is
    /// silent, and before the first hundredth of a second.
    ///
    /// # Real-time
    /// Safe.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        let mean = |window: &Window| window.mean(window.seen());
        let [left, right, both] = &self.windows;
        let (left, right, both) = (mean(left)?, mean(right)?, mean(both)?);
        let is_heard = left > SILENCE && right > SILENCE;
        is_heard.then(|| (both / libm::sqrt(left * right)).clamp(-1.0, 1.0))
    }
}
