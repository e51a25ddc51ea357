//! Loudness: LUFS momentary, short-term and integrated, and the loudness range.
//!
//! K-weighted squares, summed over the channels by their weights, averaged over 400 ms (momentary)
//! and 3 s (short-term), and -0.691 + 10 log10 of it. Integrated: the mean of the 400 ms blocks,
//! one each 100 ms, that are above -70 LUFS and above 10 LU below the mean of those. Range: from the
//! 10th to the 95th percentile of the short-term loudness, taken each 100 ms, above -70 LUFS and
//! above 20 LU below the mean of those. Sources: ITU-R BS.1770-5, annex 1; EBU Tech 3341 and 3342,
//! version 4. Nothing is appended to the sound for the range.
//!
//! What the gates look at is kept in bins of 0.01 LU with the exact sums of their energies, so that a
//! measurement of any length needs the same memory, and in the first 109 minutes value by value too:
//! so long the gates are exact, and later to the bin.

mod bins;
mod hop_energy;
mod k_weighting;
mod layout;

use alloc::vec::Vec;

pub use layout::{ChannelKind, layout};

use super::error::{MeterError, check};
use super::view::View;
use super::window::Window;
use bins::Bins;
pub(crate) use hop_energy::{Hop, HopEnergy};

/// Hops of 10 ms in the momentary window, in the short-term window, and from a block to the next.
pub(crate) const MOMENTARY_HOPS: usize = 40;
pub(crate) const SHORT_TERM_HOPS: usize = 300;
const BLOCK_HOPS: u32 = 10;
/// How far below the mean the gates of the integrated loudness and of the range are, as energies.
const GATE: f64 = 0.1;
const RANGE_GATE: f64 = 0.01;
/// What the range reaches from and to.
const PERCENTILES: (f64, f64) = (0.10, 0.95);
/// Lowest rate in hertz: the weighting turns at 1.7 kHz.
pub(crate) const MIN_RATE_HZ: u32 = 4000;

/// A loudness meter.
///
/// The windows move in steps of 10 ms. Memory: 1.4 MB.
///
/// # Examples
/// ```
/// use ossicle_dsp::meter::{Loudness, View, layout};
/// // 1 kHz in both channels at -23 dBFS is -23 LUFS.
/// let sine = |n: u32| (f64::from(n) * 0.130_899_693_9).sin() * 0.070_794_578;
/// let tone: Vec<f32> = (0..96_000).flat_map(|n| [sine(n) as f32; 2]).collect();
/// let mut loudness = Loudness::new(48_000, layout(2))?;
/// loudness.push(&View::interleaved(&tone, 2));
/// assert!((loudness.integrated_lufs().unwrap() + 23.0).abs() < 0.02);
/// assert_eq!(loudness.short_term_lufs(), None, "only two seconds were heard");
/// # Ok::<(), ossicle_dsp::meter::MeterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Loudness {
    energy: HopEnergy,
    window: Window,
    /// Hops until the next block.
    until_block: u32,
    blocks: Bins,
    short_terms: Bins,
    max_momentary: f64,
    max_short_term: f64,
}

impl Loudness {
    /// A meter for a sample rate in hertz (4000 to 3 072 000) and a channel of each kind in turn;
    /// [`layout`] has what is usual.
    ///
    /// # Errors
    /// [`MeterError`]: a rate or a channel count that is not allowed.
    ///
    /// # Real-time
    /// Not safe: allocates.
    pub fn new(sample_rate_hz: u32, channels: Vec<ChannelKind>) -> Result<Self, MeterError> {
        check("loudness", sample_rate_hz, MIN_RATE_HZ, channels.len())?;
        Ok(Self {
            energy: HopEnergy::new(sample_rate_hz, channels),
            window: Window::new(SHORT_TERM_HOPS),
            until_block: BLOCK_HOPS,
            blocks: Bins::new(),
            short_terms: Bins::new(),
            max_momentary: 0.0,
            max_short_term: 0.0,
        })
    }

    /// Forgets all sound.
    ///
    /// # Real-time
    /// Safe.
    pub fn reset(&mut self) {
        self.energy.reset();
        self.window.reset();
        self.until_block = BLOCK_HOPS;
        self.blocks.clear();
        self.short_terms.clear();
        (self.max_momentary, self.max_short_term) = (0.0, 0.0);
    }

    /// Takes the next frames. A channel that the view has not is silent.
    ///
    /// # Real-time
    /// Safe.
    pub fn push(&mut self, view: &View<'_>) {
        let mut done = 0;
        while done < view.frames() {
            let (frames, hop) = self.energy.take(&view.part(done, view.frames() - done));
            if let Some(hop) = hop {
                self.end_hop(hop);
            }
            done += frames;
        }
    }

    fn end_hop(&mut self, hop: Hop) {
        self.window.push(hop.sum, hop.frames);
        let momentary = self.window.mean(MOMENTARY_HOPS);
        let short_term = self.window.mean(SHORT_TERM_HOPS);
        self.max_momentary = self.max_momentary.max(momentary.unwrap_or(0.0));
        self.max_short_term = self.max_short_term.max(short_term.unwrap_or(0.0));
        self.until_block -= 1;
        if self.until_block == 0 {
            self.until_block = BLOCK_HOPS;
            momentary.into_iter().for_each(|mean| self.blocks.add(mean));
            short_term
                .into_iter()
                .for_each(|mean| self.short_terms.add(mean));
        }
    }

    /// Loudness of the last 400 ms in LUFS; `None` before they are over and for silence.
    ///
    /// # Real-time
    /// Safe.
    #[must_use]
    pub fn momentary_lufs(&self) -> Option<f64> {
        lufs(self.window.mean(MOMENTARY_HOPS)?)
    }

    /// Loudness of the last 3 s in LUFS; `None` before they are over and for silence.
    ///
    /// # Real-time
    /// Safe.
    #[must_use]
    pub fn short_term_lufs(&self) -> Option<f64> {
        lufs(self.window.mean(SHORT_TERM_HOPS)?)
    }

    /// The largest momentary loudness so far in LUFS; `None` where there was none.
    ///
    /// # Real-time
    /// Safe.
    #[must_use]
    pub fn max_momentary_lufs(&self) -> Option<f64> {
        lufs(self.max_momentary)
    }

    /// The largest short-term loudness so far in LUFS; `None` where there was none.
    ///
    /// # Real-time
    /// Safe.
    #[must_use]
    pub fn max_short_term_lufs(&self) -> Option<f64> {
        lufs(self.max_short_term)
    }

    /// Loudness of all the sound so far in LUFS, gated; `None` while nothing was above -70 LUFS.
    ///
    /// Looks at 10 000 bins and 65 536 values at most: some tens of
    /// microseconds.
    ///
    /// # Real-time
    /// Safe.
    #[must_use]
    pub fn integrated_lufs(&self) -> Option<f64> {
        let gate = GATE * self.blocks.mean_from(0.0)?;
        lufs(self.blocks.mean_from(gate)?)
    }

    /// Loudness range of all the sound so far in LU; `None` before 3 s above -70 LUFS were heard.
    ///
    /// Not settled before a minute of sound, says the standard. Takes as long as
    /// [`integrated_lufs`](Self::integrated_lufs).
    ///
    /// # Real-time
    /// Safe.
    #[must_use]
    pub fn range_lu(&self) -> Option<f64> {
        let gate = RANGE_GATE * self.short_terms.mean_from(0.0)?;
        let low = lufs(self.short_terms.percentile_from(gate, PERCENTILES.0)?)?;
        let high = lufs(self.short_terms.percentile_from(gate, PERCENTILES.1)?)?;
        Some(high - low)
    }
}

/// Loudness of a weighted mean square: BS.1770-5, equation 2.
pub(crate) fn lufs(energy: f64) -> Option<f64> {
    (energy > 0.0).then(|| -0.691 + 10.0 * libm::log10(energy))
}

/// Weighted mean square of a loudness.
fn energy(lufs: f64) -> f64 {
    libm::pow(10.0, (lufs + 0.691) / 10.0)
}
