//! True peak: the largest magnitude of the sound between the samples.
//!
//! The samples are interpolated by a sinc under a Kaiser window of 48 taps, and the largest of all
//! values is kept, the samples themselves among them. Source: ITU-R BS.1770-5, annex 2, which asks
//! for four times 48 kHz. A peak between two points of a grid that is L times as fine is missed by
//! at most 20 log10 cos(pi f / (L rate)); L is 16 below 64 kHz and 8 above, so that it is 0.043 dB at
//! 24 kHz at any rate from 48 kHz on, and up to a quarter of any rate. L = 4 misses 0.69 dB at 24 of
//! 48 kHz.
//!
//! The rows of two mirrored phases p and L - p are each other backwards. So for the sums and
//! differences of the samples that lie mirrored, E = sum(even part, sums), O = sum(odd part,
//! differences), the two values are E + O and E - O: half the multiplications.

use alloc::vec;
use alloc::vec::Vec;

use super::error::{MeterError, check};
use super::view::View;
use crate::parts::vectors::{Eight, Vectors, Work};
use crate::resample::table::Design;

/// Length of the interpolator in frames.
const TAPS: usize = 48;
const PAIRS: usize = TAPS / 2;
/// Frames that stay for the next block.
const KEPT: usize = TAPS - 1;
/// Frames that are interpolated at once.
const PIECE: usize = 256;
/// The ripple is 0.01 dB, and the pass band ends at 0.46 of the rate, 20.3 kHz at 44.1 kHz.
const ATTENUATION_DB: f64 = 60.5;

/// Largest magnitude of each channel, between the samples too.
///
/// A value is known [`LATENCY_FRAMES`](Self::LATENCY_FRAMES) after it sounded; [`drain`](Self::drain)
/// fetches the last ones.
///
/// # Examples
/// ```
/// use ossicle_dsp::meter::{TruePeak, View};
/// // A tone at a quarter of the rate, sampled 45 degrees beside its peaks.
/// let tone: Vec<f32> = (0..4800).map(|n| if n % 4 < 2 { 0.5 } else { -0.5 }).collect();
/// let mut peak = TruePeak::new(48_000, 1)?;
/// peak.push(&View::interleaved(&tone[2400..], 1));
/// assert!(peak.largest(0) > 0.70);
/// # Ok::<(), ossicle_dsp::meter::MeterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TruePeak {
    channels: Vec<Channel>,
    phases: Phases,
    vectors: Vectors,
}

#[derive(Clone, Debug)]
struct Channel {
    /// The frames kept, then those of the piece.
    samples: Vec<f32>,
    largest: f32,
    recent: f32,
}

/// Even and odd parts of the rows, by how far apart two phases are.
#[derive(Clone, Debug)]
enum Phases {
    Sixteen(Rows<8>),
    Eight(Rows<4>),
}

/// The parts of the phases 1 to `HALF`, for each mirrored pair of taps.
#[derive(Clone, Debug)]
struct Rows<const HALF: usize>(Vec<([f32; HALF], [f32; HALF])>);

impl TruePeak {
    /// Frames by which a value is known later than it sounded.
    pub const LATENCY_FRAMES: usize = PAIRS;

    /// A meter for a sample rate in hertz (1 to 3 072 000) and so many channels.
    ///
    /// # Errors
    /// [`MeterError`]: a rate or a channel count that is not allowed.
    ///
    /// # Real-time
    /// Not safe: allocates.
    pub fn new(sample_rate_hz: u32, channels: usize) -> Result<Self, MeterError> {
        check("the true peak", sample_rate_hz, 1, channels)?;
        let channel = Channel {
            samples: vec![0.0; KEPT + PIECE],
            largest: 0.0,
            recent: 0.0,
        };
        Ok(Self {
            channels: vec![channel; channels],
            phases: match sample_rate_hz {
                0..64_000 => Phases::Sixteen(Rows::new()),
                _ => Phases::Eight(Rows::new()),
            },
            vectors: Vectors::detect(),
        })
    }

    /// Forgets all sound.
    ///
    /// # Real-time
    /// Safe.
    pub fn reset(&mut self) {
        for channel in &mut self.channels {
            channel.samples.fill(0.0);
            (channel.largest, channel.recent) = (0.0, 0.0);
        }
    }

    /// Takes the next frames. Channels that the view has not are left alone.
    ///
    /// # Real-time
    /// Safe.
    pub fn push(&mut self, view: &View<'_>) {
        let given = 0..view.channels();
        for (number, channel) in given.zip(&mut self.channels) {
            let mut samples = view.channel(number);
            let mut left = view.frames();
            while left > 0 {
                let frames = left.min(PIECE);
                let piece = &mut channel.samples[KEPT..KEPT + frames];
                piece
                    .iter_mut()
                    .zip(&mut samples)
                    .for_each(|(to, from)| *to = from);
                channel.measure(frames, &self.phases, self.vectors);
                left -= frames;
            }
        }
    }

    /// Ends the stream with the silence that lets its last frames be measured.
    ///
    /// # Real-time
    /// Safe.
    pub fn drain(&mut self) {
        for channel in &mut self.channels {
            channel.samples[KEPT..KEPT + PAIRS].fill(0.0);
            channel.measure(PAIRS, &self.phases, self.vectors);
        }
    }

    /// Largest magnitude of a channel since the reset; 1.0 is 0 dBTP. 0 for a channel there is not.
    ///
    /// # Real-time
    /// Safe.
    #[must_use]
    pub fn largest(&self, channel: usize) -> f32 {
        self.channels
            .get(channel)
            .map_or(0.0, |state| state.largest)
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
    /// Measures the frames of the piece and keeps the last ones.
    fn measure(&mut self, frames: usize, phases: &Phases, vectors: Vectors) {
        let heard = &self.samples[..KEPT + frames];
        let between = match phases {
            Phases::Sixteen(rows) => vectors.run(Interpolation { rows, heard }),
            Phases::Eight(rows) => vectors.run(Interpolation { rows, heard }),
        };
        let piece = heard[KEPT..].iter();
        let largest = piece.fold(between, |most, sample| most.max(sample.abs()));
        self.largest = self.largest.max(largest);
        self.recent = self.recent.max(largest);
        self.samples.copy_within(frames..frames + KEPT, 0);
    }
}

impl<const HALF: usize> Rows<HALF> {
    fn new() -> Self {
        let design = Design {
            taps: TAPS,
            phases: 2 * HALF,
            cutoff: 1.0,
            attenuation_db: ATTENUATION_DB,
        };
        let rows = design.rows();
        let parts = |pair: usize| {
            let part = |phase: usize, sign: f32| {
                let row = &rows[phase * TAPS..][..TAPS];
                0.5 * (row[pair] + sign * row[TAPS - 1 - pair])
            };
            (
                core::array::from_fn(|phase| part(phase + 1, 1.0)),
                core::array::from_fn(|phase| part(phase + 1, -1.0)),
            )
        };
        Self((0..PAIRS).map(parts).collect())
    }
}

/// The largest magnitude between the samples of all windows in `heard`.
struct Interpolation<'a, const HALF: usize> {
    rows: &'a Rows<HALF>,
    heard: &'a [f32],
}

impl<const HALF: usize> Work for Interpolation<'_, HALF> {
    type Output = f32;

    #[inline(always)]
    fn run<E: Eight>(self) -> f32 {
        let mut largest = [0.0f32; HALF];
        for window in self.heard.windows(TAPS) {
            let (early, late) = window.split_at(PAIRS);
            let (mut even, mut odd) = ([0.0f32; HALF], [0.0f32; HALF]);
            let mirrored = early.iter().zip(late.iter().rev());
            for ((early, late), (evens, odds)) in mirrored.zip(&self.rows.0) {
                let (sum, difference) = (early + late, early - late);
                for lane in 0..HALF {
                    even[lane] += sum * evens[lane];
                    odd[lane] += difference * odds[lane];
                }
            }
            for lane in 0..HALF {
                let both = (even[lane] + odd[lane]).abs();
                let mirror = (even[lane] - odd[lane]).abs();
                largest[lane] = largest[lane].max(both.max(mirror));
            }
        }
        largest.into_iter().fold(0.0, f32::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_machine_reads_the_same_bits() {
        let mut state = 1u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        let noise: Vec<f32> = (0..1000).map(|_| next()).collect();
        for rate in [48_000, 96_000] {
            let mut meters = [TruePeak::new(rate, 1), TruePeak::new(rate, 1)].map(Result::unwrap);
            meters[0].vectors = Vectors::PLAIN;
            for sample in noise.chunks(37) {
                let bits = meters.each_mut().map(|meter| {
                    meter.push(&View::interleaved(sample, 1));
                    meter.take_recent(0).to_bits()
                });
                assert_eq!(bits[0], bits[1], "{rate} Hz");
            }
        }
    }
}
