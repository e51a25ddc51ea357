//! Spectrum: how strong each frequency is.
//!
//! The last frames under a window, by the fast Fourier transform. The window is the four-term one
//! with the lowest side lobes, -98 dB; source: Nuttall, "Some windows with very good sidelobe
//! behavior", IEEE Transactions ASSP 29(1), 1981, table II, minimum 4-term.

use std::f64::consts::PI;
use std::fmt;
use std::sync::Arc;

use ossicle_dsp::meter::View;
use realfft::num_complex::Complex32;
use realfft::{RealFftPlanner, RealToComplex};

const NUTTALL: [f64; 4] = [0.363_581_9, 0.489_177_5, 0.136_599_5, 0.010_641_1];

/// Spectra of a stream, one each so many frames, of the frames before.
///
/// A spectrum has `window_frames / 2 + 1` bins, from 0 to half the sample rate; a bin holds the
/// square of the amplitude that a sine at its middle has: 1.0 is 0 dBFS. Which frames a spectrum is
/// of depends on the frames since the start alone, not on how the stream is cut.
///
/// # Examples
/// ```
/// use ossicle::dsp::meter::View;
/// use ossicle::meter::Spectrum;
/// let mut spectrum = Spectrum::new(1024, 512, 1);
/// let tone: Vec<f32> = (0..2048).map(|n| (n as f32 * std::f32::consts::TAU / 16.0).cos()).collect();
/// let mut count = 0;
/// spectrum.push(&View::interleaved(&tone, 1), |_, _| count += 1);
/// assert_eq!(count, 4);
/// assert!((spectrum.power(0)[64] - 1.0).abs() < 1e-5);
/// ```
#[derive(Clone)]
pub struct Spectrum {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    /// Brings a sine's bin to the square of its amplitude.
    scale: f32,
    /// Bins that white noise counts for one, because the window smears it.
    noise_bins: f64,
    hop_frames: usize,
    /// Frames until the next spectrum, and seen so far.
    left: usize,
    frames: u64,
    channels: Vec<Channel>,
    windowed: Vec<f32>,
    bins: Vec<Complex32>,
    scratch: Vec<Complex32>,
}

#[derive(Clone)]
struct Channel {
    /// The last frames, the oldest at the place that is written next.
    ring: Vec<f32>,
    power: Vec<f32>,
}

impl Spectrum {
    /// Spectra of `window_frames` frames, rounded up to an even number, one each `hop_frames`
    /// frames.
    ///
    /// # Panics
    /// When `window_frames`, `hop_frames` or `channels` is 0.
    ///
    /// # Real-time
    /// Not safe: allocates.
    #[must_use]
    pub fn new(window_frames: usize, hop_frames: usize, channels: usize) -> Self {
        assert!(window_frames > 0 && hop_frames > 0 && channels > 0);
        let length = window_frames.next_multiple_of(2);
        let fft = RealFftPlanner::new().plan_fft_forward(length);
        let weight = |frame: usize| {
            let turn = 2.0 * PI * frame as f64 / length as f64;
            let terms = NUTTALL.iter().enumerate();
            terms
                .map(|(k, a)| [1.0, -1.0][k % 2] * a * (k as f64 * turn).cos())
                .sum::<f64>()
        };
        let window: Vec<f64> = (0..length).map(weight).collect();
        let sum: f64 = window.iter().sum();
        let squares: f64 = window.iter().map(|weight| weight * weight).sum();
        let bins = fft.make_output_vec();
        let channel = || Channel {
            ring: vec![0.0; length],
            power: vec![0.0; bins.len()],
        };
        Self {
            channels: (0..channels).map(|_| channel()).collect(),
            window: window.iter().map(|&weight| weight as f32).collect(),
            scale: (4.0 / (sum * sum)) as f32,
            noise_bins: length as f64 * squares / (sum * sum),
            hop_frames,
            left: hop_frames,
            frames: 0,
            windowed: fft.make_input_vec(),
            scratch: fft.make_scratch_vec(),
            bins,
            fft,
        }
    }

    /// Takes the next frames; `each` is told of each new spectrum, and how many frames were seen by
    /// then. A channel that the view has not is silent.
    ///
    /// # Real-time
    /// Safe, if `each` is.
    pub fn push(&mut self, view: &View<'_>, mut each: impl FnMut(&Self, u64)) {
        let mut done = 0;
        while done < view.frames() {
            let frames = (view.frames() - done).min(self.left);
            let part = view.part(done, frames);
            self.store(&part);
            done += frames;
            self.frames += frames as u64;
            self.left -= frames;
            if self.left == 0 {
                self.left = self.hop_frames;
                self.transform();
                each(self, self.frames);
            }
        }
    }

    /// The squared amplitude in each bin of a channel, in the newest spectrum.
    ///
    /// # Panics
    /// When there is no such channel.
    #[must_use]
    pub fn power(&self, channel: usize) -> &[f32] {
        &self.channels[channel].power
    }

    /// The sum of the squared amplitudes between two frequencies in cycles per frame, as a sine has
    /// it that is as strong: a full-scale sine reads 1.0, wherever it lies within.
    ///
    /// # Panics
    /// When there is no such channel.
    #[must_use]
    pub fn band_power(&self, channel: usize, from_norm: f64, to_norm: f64) -> f64 {
        let power = self.power(channel);
        let bin =
            |norm: f64| ((norm * self.window.len() as f64).max(0.0) as usize).min(power.len());
        let (from, to) = (bin(from_norm), bin(to_norm));
        let sum: f64 = power[from..to.max(from + 1).min(power.len())]
            .iter()
            .map(|&power| f64::from(power))
            .sum();
        sum / self.noise_bins
    }

    fn store(&mut self, part: &View<'_>) {
        let length = self.window.len();
        let first = (self.frames % length as u64) as usize;
        for (number, channel) in self.channels.iter_mut().enumerate() {
            if number < part.channels() {
                let mut at = first;
                for sample in part.channel(number) {
                    channel.ring[at] = sample;
                    at = (at + 1) % length;
                }
            } else {
                channel.ring.fill(0.0);
            }
        }
    }

    fn transform(&mut self) {
        let oldest = (self.frames % self.window.len() as u64) as usize;
        for channel in &mut self.channels {
            let (newer, older) = channel.ring.split_at(oldest);
            let in_order = older.iter().chain(newer);
            let weighted = in_order.zip(&self.window);
            for (to, (sample, weight)) in self.windowed.iter_mut().zip(weighted) {
                *to = sample * weight;
            }
            // It fails only for buffers of other lengths than it made itself.
            let made = self.fft.process_with_scratch(
                &mut self.windowed,
                &mut self.bins,
                &mut self.scratch,
            );
            debug_assert!(made.is_ok());
            for (power, bin) in channel.power.iter_mut().zip(&self.bins) {
                *power = self.scale * bin.norm_sqr();
            }
        }
    }
}

impl fmt::Debug for Spectrum {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Spectrum")
            .field("window_frames", &self.window.len())
            .field("hop_frames", &self.hop_frames)
            .field("channels", &self.channels.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(frames: usize, cycles_per_frame: f64, amplitude: f64) -> Vec<f32> {
        let turn = |frame: usize| 2.0 * PI * cycles_per_frame * frame as f64;
        (0..frames)
            .map(|frame| (amplitude * turn(frame).sin()) as f32)
            .collect()
    }

    #[test]
    fn a_sine_has_its_power_in_its_bin_and_98_db_less_elsewhere() {
        let mut spectrum = Spectrum::new(4096, 4096, 1);
        // Between two bins, where side lobes are highest; the window then takes 0.851 dB.
        for (bin, least_db) in [(300.0, -0.001), (300.5, -0.852)] {
            let tone = tone(8192, bin / 4096.0, 1.0);
            spectrum.push(&View::interleaved(&tone, 1), |_, _| {});
            let db = |power: f32| 10.0 * f64::from(power).max(1e-30).log10();
            let power = spectrum.power(0);
            assert!(
                (least_db..0.001).contains(&db(power[300])),
                "{}",
                db(power[300])
            );
            let far = (0..power.len()).filter(|bin| bin.abs_diff(300) > 6);
            let most = far.map(|bin| db(power[bin])).fold(-200.0, f64::max);
            assert!(most < -97.0, "{most} dB");
            let band = spectrum.band_power(0, 280.0 / 4096.0, 320.0 / 4096.0);
            assert!((10.0 * band.log10()).abs() < 0.01, "{band}");
        }
    }

    #[test]
    fn spectra_do_not_depend_on_the_cut() {
        let samples = tone(6000, 0.0123, 0.5);
        let run = |cut: usize| {
            let mut spectrum = Spectrum::new(512, 300, 1);
            let mut all = Vec::new();
            for block in samples.chunks(cut) {
                spectrum.push(&View::interleaved(block, 1), |spectrum, at| {
                    all.push((
                        at,
                        spectrum
                            .power(0)
                            .iter()
                            .map(|p| u64::from(p.to_bits()))
                            .sum::<u64>(),
                    ));
                });
            }
            all
        };
        let whole = run(6000);
        assert_eq!(whole.len(), 20);
        assert_eq!(whole[19].0, 6000);
        for cut in [1, 77, 300, 512, 4096] {
            assert_eq!(run(cut), whole, "cut into {cut}");
        }
    }
}
