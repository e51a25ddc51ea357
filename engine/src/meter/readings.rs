//! All meters of a stream, and what they read.

use super::clips::Clips;
use super::spectrum::Spectrum;
use ossicle_dsp::meter::{
    Correlation, Loudness, MeterError, Rms, SamplePeak, TruePeak, View, layout,
};

/// Windows of RMS and correlation, in seconds.
const RMS_S: f64 = 0.3;
const CORRELATION_S: f64 = 0.3;
/// Length of the spectrum's window and of its steps, in seconds.
const WINDOW_S: f64 = 0.16;
const STEP_S: f64 = 0.04;
/// Bands of a third of an octave that are told, and the tenths of a decade where they begin.
const BANDS: i32 = 30;
const FIRST_BAND: i32 = 14;

/// Every meter that a live display wants, fed together.
///
/// Where a rate is too low for a meter, that meter is left out.
#[derive(Clone, Debug)]
pub struct Meters {
    channels: usize,
    peak: SamplePeak,
    true_peak: TruePeak,
    clips: Clips,
    rms: Option<Rms>,
    correlation: Option<Correlation>,
    loudness: Option<Loudness>,
    spectrum: Spectrum,
    sample_rate_hz: u32,
}

/// What the meters of a stream read. Where there is nothing to read yet, or silence, it is `None`.
#[derive(Clone, Debug, PartialEq)]
pub struct Readings {
    /// Loudness of the last 400 ms in LUFS.
    pub momentary_lufs: Option<f64>,
    /// Loudness of the last 3 s in LUFS.
    pub short_term_lufs: Option<f64>,
    /// Loudness of all so far in LUFS, gated.
    pub integrated_lufs: Option<f64>,
    /// Loudness range of all so far in LU.
    pub range_lu: Option<f64>,
    /// Largest momentary loudness so far in LUFS.
    pub max_momentary_lufs: Option<f64>,
    /// Largest short-term loudness so far in LUFS.
    pub max_short_term_lufs: Option<f64>,
    /// Correlation of the first two channels in the last 300 ms, -1 to 1.
    pub correlation: Option<f64>,
    /// Strength of each third of an octave, around 25 Hz, 31.5 Hz and on up to 20 kHz or half the
    /// rate: the square of the amplitude of a sine that is as strong, in the loudest channel.
    pub bands: Vec<f64>,
    /// What is read of each channel.
    pub channels: Vec<ChannelReadings>,
}

/// What the meters of a channel read. Magnitudes: 1.0 is full scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChannelReadings {
    /// Peak as it is shown: held for 3 s, then falling by 20 dB in 1.7 s.
    pub shown_peak: f32,
    /// Largest sample so far.
    pub largest_peak: f32,
    /// Largest value so far, between the samples too.
    pub largest_true_peak: f32,
    /// Root mean square of the last 300 ms.
    pub rms: Option<f64>,
    /// How often it clipped so far: runs of samples at full scale, which for whole numbers of 16 bits
    /// is 32767/32768.
    pub clips: u64,
}

impl Readings {
    /// The largest true peak of all channels.
    #[must_use]
    pub fn true_peak(&self) -> f32 {
        let peaks = self
            .channels
            .iter()
            .map(|channel| channel.largest_true_peak);
        peaks.fold(0.0, f32::max)
    }

    /// How often any channel clipped.
    #[must_use]
    pub fn clips(&self) -> u64 {
        self.channels.iter().map(|channel| channel.clips).sum()
    }
}

impl Meters {
    /// Meters for a sample rate in hertz and so many channels in the usual
    /// [`layout`](ossicle_dsp::meter::layout).
    ///
    /// # Errors
    /// [`MeterError`]: no channel, or a rate beyond all meters.
    ///
    /// # Real-time
    /// Not safe: allocates.
    pub fn new(sample_rate_hz: u32, channels: usize) -> Result<Self, MeterError> {
        let peak = SamplePeak::new(sample_rate_hz, channels)?;
        let frames = |seconds: f64| (seconds * f64::from(sample_rate_hz)) as usize + 1;
        Ok(Self {
            channels,
            peak,
            true_peak: TruePeak::new(sample_rate_hz, channels)?,
            clips: Clips::new(channels),
            rms: Rms::new(sample_rate_hz, channels, RMS_S).ok(),
            correlation: Correlation::new(sample_rate_hz, CORRELATION_S)
                .ok()
                .filter(|_| channels >= 2),
            loudness: Loudness::new(sample_rate_hz, layout(channels)).ok(),
            spectrum: Spectrum::new(frames(WINDOW_S), frames(STEP_S), channels),
            sample_rate_hz,
        })
    }

    /// Takes the next frames.
    ///
    /// # Real-time
    /// Safe.
    pub fn push(&mut self, view: &View<'_>) {
        self.peak.push(view);
        self.spectrum.push(view, |_, _| {});
        self.true_peak.push(view);
        self.clips.push(view);
        if let Some(rms) = &mut self.rms {
            rms.push(view);
        }
        if let Some(correlation) = &mut self.correlation {
            correlation.push(view);
        }
        if let Some(loudness) = &mut self.loudness {
            loudness.push(view);
        }
    }

    /// What they read now.
    ///
    /// # Real-time
    /// Not safe: allocates.
    #[must_use]
    pub fn readings(&self) -> Readings {
        let loudness = self.loudness.as_ref();
        let channel = |channel: usize| ChannelReadings {
            shown_peak: self.peak.shown(channel),
            largest_peak: self.peak.largest(channel),
            largest_true_peak: self.true_peak.largest(channel),
            rms: self.rms.as_ref().and_then(|rms| rms.value(channel)),
            clips: self.clips.count(channel),
        };
        Readings {
            momentary_lufs: loudness.and_then(Loudness::momentary_lufs),
            short_term_lufs: loudness.and_then(Loudness::short_term_lufs),
            integrated_lufs: loudness.and_then(Loudness::integrated_lufs),
            range_lu: loudness.and_then(Loudness::range_lu),
            max_momentary_lufs: loudness.and_then(Loudness::max_momentary_lufs),
            max_short_term_lufs: loudness.and_then(Loudness::max_short_term_lufs),
            correlation: self.correlation.as_ref().and_then(Correlation::value),
            bands: self.bands(),
            channels: (0..self.channels).map(channel).collect(),
        }
    }

    fn bands(&self) -> Vec<f64> {
        let rate = f64::from(self.sample_rate_hz);
        let norm = |tenths: f64| 10f64.powf(tenths / 10.0) / rate;
        (0..BANDS)
            .map(|number| f64::from(FIRST_BAND + number))
            .map(|middle| (norm(middle - 0.5), norm(middle + 0.5)))
            .take_while(|(_, to)| *to <= 0.5)
            .map(|(from, to)| {
                let power = |channel| self.spectrum.band_power(channel, from, to);
                (0..self.channels).map(power).fold(0.0, f64::max)
            })
            .collect()
    }

    /// Lets the last frames of a stream that has ended be read.
    pub(crate) fn drain(&mut self) {
        self.true_peak.drain();
    }
}
