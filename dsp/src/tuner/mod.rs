//! A tuner: what note a sound has, and by how many cents it is off.
//!
//! A coarse period comes from the normalised square difference function (McLeod and Wyvill, ICMC
//! 2005), the frequency from a fit of all partials of a stiff string; what is told is the first
//! partial, which is what strobe tuners show and what tuning tables mean. A reading is made every few
//! milliseconds, from two and a half periods of a note on; the longer it sounds, the more of it is
//! used.
//!
//! Not for a real-time thread: a reading takes milliseconds. Samples are to come through a ring.

mod gram;
mod note;
mod nsdf;
mod onset;
mod partials;
mod solve;
mod thin;
mod tuning;

use alloc::vec::Vec;

pub use note::{MAX_A4_HZ, MIN_A4_HZ, Note};
use nsdf::Period;
use onset::{Onset, RECENT_S};
use partials::{Fit, Stiff};
use thin::Thin;
pub use tuning::{MAX_NOTES, TuningError, parse_tuning};

/// Time between two looks, in seconds; between two readings at the least.
const HOP_S: f64 = 0.0015;
/// A new reading is made once a note has sounded so much longer, as a share of its length; and at
/// this interval in seconds once it has sounded for [`LONGEST_S`].
const LONGER: usize = 24;
const STEADY_S: f64 = 0.04;
/// The longest stretch of a note that is used, in seconds.
const LONGEST_S: f64 = 0.3;
/// The longest stretch in which the period is looked for, in seconds: it is to be that of now.
const COARSE_S: f64 = 0.1;
/// Periods after which a longer stretch adds nothing that is needed.
const ENOUGH_PERIODS: f64 = 24.0;
/// The highest note that is told, in hertz: C8 with A4 at 480 Hz, and half a semitone.
const HIGHEST_HZ: f64 = 4700.0;
/// Softer sounds are no notes: root of the mean square, -70 dBFS.
const SILENCE: f64 = 3.2e-4;
/// A note repeats itself so well; and a fit explains so much of it.
const CLEAR: f32 = 0.8;
/// As long as it has sounded for fewer periods, it has to be clearer.
const FEW_PERIODS: f64 = 5.0;
const EARLY_CLEAR: f32 = 0.93;
const EXPLAINED: f64 = 0.9;
/// A stiff string's partials drift apart, so it repeats itself less well: so well is enough early
/// when the fit explains so much.
const EARLY_STIFF_CLEAR: f32 = 0.85;
const EARLY_EXPLAINED: f64 = 0.97;
/// A note that has moved by more than this factor since the stretch began is another note.
const MOVED: f64 = 1.012;
/// Two looks in a row agree within this factor, 5 cents, before anything is told.
const AGREED: f64 = 1.0029;

/// What a tuner heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// Frames that had been heard.
    pub position: u64,
    /// Frequency of the first partial in hertz.
    pub frequency_hz: f64,
    /// How well the sound repeats itself, 0 to 1.
    pub clarity: f32,
    /// Root of the mean square, in dBFS.
    pub level_dbfs: f64,
    /// Seconds of the note that were used.
    pub heard_s: f64,
}

/// Listens to one channel.
///
/// # Examples
/// ```
/// use ossicle_dsp::tuner::{Note, Tuner};
/// let mut tuner = Tuner::new(48_000);
/// let tone: Vec<f32> = (0..9600).map(|n| (n as f32 * 0.0144).sin()).collect();
/// let mut heard = None;
/// tuner.push(&tone, &mut |reading| heard = Some(reading));
/// // 0.0144 radians per frame are 110.008 Hz.
/// let note = Note::nearest(heard.unwrap().frequency_hz, 440.0);
/// assert_eq!(note.name(), "A2");
/// assert!((note.cents - 0.13).abs() < 0.05);
/// ```
#[derive(Clone, Debug)]
pub struct Tuner {
    thin: Thin,
    /// Sample rate of what is looked at.
    rate_hz: f64,
    /// The latest samples, the oldest first, [`LONGEST_S`] at the most.
    heard: Vec<f32>,
    longest: usize,
    hop: usize,
    /// Samples since the last reading.
    since_hop: usize,
    position: u64,
    /// Samples at the end of `heard` that are of the note that sounds.
    of_note: usize,
    /// Samples at the end of `heard` from the beginning before it, where that came just before: the
    /// second may be but a rise within one period.
    of_earlier: Option<usize>,
    onset: Onset,
    /// Samples since the last reading was tried.
    since_reading: usize,
    /// What was read last, in hertz: it is told when the next agrees.
    last_hz: Option<f64>,
}

impl Tuner {
    /// A tuner for sound of this rate in hertz.
    #[must_use]
    pub fn new(sample_rate_hz: u32) -> Self {
        let thin = Thin::new(sample_rate_hz);
        let rate_hz = f64::from(sample_rate_hz.max(1)) / thin.factor() as f64;
        let samples = |seconds: f64| (seconds * rate_hz) as usize;
        Self {
            thin,
            rate_hz,
            heard: Vec::new(),
            longest: samples(LONGEST_S).max(1),
            hop: samples(HOP_S).max(1),
            since_hop: 0,
            position: 0,
            of_note: 0,
            of_earlier: None,
            onset: Onset::new(HOP_S),
            since_reading: 0,
            last_hz: None,
        }
    }

    /// Forgets what was heard.
    pub fn reset(&mut self) {
        self.thin.reset();
        self.heard.clear();
        self.onset.reset();
        (self.since_hop, self.position) = (0, 0);
        (self.of_note, self.since_reading) = (0, 0);
        self.of_earlier = None;
        self.last_hz = None;
    }

    /// Takes samples, and tells each reading that they make. What is not finite counts as silence.
    pub fn push(&mut self, samples: &[f32], told: &mut dyn FnMut(Reading)) {
        for &sample in samples {
            self.position += 1;
            let Some(sample) = self
                .thin
                .push(if sample.is_finite() { sample } else { 0.0 })
            else {
                continue;
            };
            self.heard.push(sample);
            self.since_hop += 1;
            if self.since_hop == self.hop {
                self.since_hop = 0;
                if let Some(reading) = self.turn() {
                    told(reading);
                }
            }
        }
    }

    /// The end of a hop.
    fn turn(&mut self) -> Option<Reading> {
        if self.heard.len() > 2 * self.longest {
            self.heard.drain(..self.heard.len() - self.longest);
        }
        let hop = &self.heard[self.heard.len() - self.hop..];
        self.of_note = (self.of_note + self.hop).min(self.longest);
        let recent = |samples: &usize| *samples <= (RECENT_S * self.rate_hz) as usize;
        self.of_earlier = self.of_earlier.map(|samples| samples + self.hop);
        if let Some(at) = self.onset.push(hop) {
            self.of_earlier = Some(self.of_note).filter(recent);
            self.of_note = self.hop - at;
            self.last_hz = None;
        }
        self.since_reading += self.hop;
        let wait = if self.of_note == self.longest {
            (STEADY_S * self.rate_hz) as usize
        } else {
            self.of_note / LONGER
        };
        if self.since_reading < wait {
            return None;
        }
        self.since_reading = 0;
        let last = |samples: usize| &self.heard[self.heard.len() - samples.min(self.heard.len())..];
        let sound = last(self.of_note);
        let level = libm::sqrt(mean_square(sound));
        if level < SILENCE {
            return None;
        }
        let last_hz = self.last_hz.take();
        let earlier = self.of_earlier.filter(|samples| *samples <= self.longest);
        let read = self.read(sound);
        if let Some((.., used)) = read {
            // What was before is another note, or is no longer needed.
            (self.of_note, self.of_earlier) = (used, None);
        }
        let (frequency_hz, clarity, used) =
            read.or_else(|| earlier.and_then(|samples| self.read(last(samples))))?;
        self.last_hz = Some(frequency_hz);
        // One look alone may be deceived.
        last_hz.filter(|last| (1.0 / AGREED..AGREED).contains(&(frequency_hz / last)))?;
        Some(Reading {
            position: self.position,
            frequency_hz,
            clarity,
            level_dbfs: 20.0 * libm::log10(level),
            heard_s: used as f64 / self.rate_hz,
        })
    }

    /// Frequency, clarity, and samples of the end of `sound` that are of it.
    fn read(&self, sound: &[f32]) -> Option<(f64, f32, usize)> {
        let coarse = &sound[sound.len() - sound.len().min((COARSE_S * self.rate_hz) as usize)..];
        let least = (self.rate_hz / HIGHEST_HZ) as usize;
        let Period { samples, clarity } = nsdf::period(coarse, least)?;
        let is_early = (sound.len() as f64) < FEW_PERIODS * samples;
        let (clear, explained) = match is_early {
            true if clarity < EARLY_CLEAR => (EARLY_STIFF_CLEAR, EARLY_EXPLAINED),
            _ => (CLEAR, EXPLAINED),
        };
        if clarity < clear {
            return None;
        }
        let wanted = ((ENOUGH_PERIODS * samples) as usize).max(coarse.len());
        let mut used = wanted.min(sound.len());
        let mut guess = Stiff::harmonic(1.0 / samples);
        // Less of the sound where the note has changed; higher where partials are missing.
        for _ in 0..4 {
            let found = partials::fit(&sound[sound.len() - used..], guess);
            match found {
                Some(Fit { multiple, .. }) if multiple > 1 => {
                    guess = Stiff::harmonic(multiple as f64 / samples);
                }
                Some(fit) if fit.explained >= explained && self.is_same(fit.string, guess) => {
                    return Some((fit.string.partial(1) * self.rate_hz, clarity, used));
                }
                _ if used > coarse.len() => used = (used / 2).max(coarse.len()),
                _ => return None,
            }
        }
        None
    }

    /// Whether all of the stretch is the note of its end.
    fn is_same(&self, string: Stiff, guess: Stiff) -> bool {
        let ratio = string.partial(1) / guess.partial(1);
        (1.0 / MOVED..MOVED).contains(&ratio) && string.partial(1) * self.rate_hz < HIGHEST_HZ
    }
}

fn mean_square(samples: &[f32]) -> f64 {
    let sum: f64 = samples.iter().map(|x| f64::from(*x) * f64::from(*x)).sum();
    sum / samples.len().max(1) as f64
}
