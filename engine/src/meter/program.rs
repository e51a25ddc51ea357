//! A whole program: what is said of it in the end.

use ossicle_dsp::meter::{Loudness, MeterError, SamplePeak, TruePeak, View, layout};

/// Measures a program from its first frame to its last.
///
/// # Examples
/// ```
/// use ossicle::dsp::meter::View;
/// use ossicle::meter::ProgramMeter;
/// let mut meter = ProgramMeter::new(48_000, 2)?;
/// meter.push(&View::interleaved(&[0.5; 96_000], 2));
/// let loudness = meter.finish();
/// assert_eq!(loudness.sample_peak, 0.5);
/// assert!(loudness.true_peak >= 0.5);
/// # Ok::<(), ossicle::dsp::meter::MeterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ProgramMeter {
    loudness: Option<Loudness>,
    peak: SamplePeak,
    true_peak: TruePeak,
    channels: usize,
}

/// How loud a program is. What there is no figure for, as silence has none, is `None`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProgramLoudness {
    /// Integrated loudness in LUFS.
    pub integrated_lufs: Option<f64>,
    /// Loudness range in LU; there is none of less than 3 s.
    pub range_lu: Option<f64>,
    /// Largest momentary loudness in LUFS.
    pub max_momentary_lufs: Option<f64>,
    /// Largest short-term loudness in LUFS.
    pub max_short_term_lufs: Option<f64>,
    /// Largest magnitude between the samples too; 1.0 is 0 dBTP.
    pub true_peak: f32,
    /// Largest magnitude of a sample; 1.0 is 0 dBFS.
    pub sample_peak: f32,
}

impl ProgramLoudness {
    /// Nothing at all.
    pub const SILENCE: Self = Self {
        integrated_lufs: None,
        range_lu: None,
        max_momentary_lufs: None,
        max_short_term_lufs: None,
        true_peak: 0.0,
        sample_peak: 0.0,
    };
}

impl ProgramMeter {
    /// A meter for a sample rate in hertz and so many channels in the usual
    /// [`layout`](ossicle_dsp::meter::layout). Below 4 kHz there is no loudness, only peaks.
    ///
    /// # Errors
    /// [`MeterError`]: no channel, or a rate beyond all meters.
    pub fn new(sample_rate_hz: u32, channels: usize) -> Result<Self, MeterError> {
        Ok(Self {
            peak: SamplePeak::new(sample_rate_hz, channels)?,
            true_peak: TruePeak::new(sample_rate_hz, channels)?,
            // The others have refused all that is wrong but a rate too low for the weighting.
            loudness: Loudness::new(sample_rate_hz, layout(channels)).ok(),
            channels,
        })
    }

    /// Takes the next frames.
    ///
    /// # Real-time
    /// Safe.
    pub fn push(&mut self, view: &View<'_>) {
        if let Some(loudness) = &mut self.loudness {
            loudness.push(view);
        }
        self.peak.push(view);
        self.true_peak.push(view);
    }

    /// Ends the program.
    #[must_use]
    pub fn finish(mut self) -> ProgramLoudness {
        self.true_peak.drain();
        let largest = |of: &dyn Fn(usize) -> f32| (0..self.channels).map(of).fold(0.0, f32::max);
        let loudness = self.loudness.as_ref();
        ProgramLoudness {
            integrated_lufs: loudness.and_then(Loudness::integrated_lufs),
            range_lu: loudness.and_then(Loudness::range_lu),
            max_momentary_lufs: loudness.and_then(Loudness::max_momentary_lufs),
            max_short_term_lufs: loudness.and_then(Loudness::max_short_term_lufs),
            true_peak: largest(&|channel| self.true_peak.largest(channel)),
            sample_peak: largest(&|channel| self.peak.largest(channel)),
        }
    }
}
