//! The first two lines of the "Ode to Joy" (Beethoven, 1824) on plucked strings.
//!
//! Each string is the extended Karplus-Strong model: noise in a loop of one period that loses
//! its high notes a little at each turn. Source: D. Jaffe, J. Smith, "Extensions of the
//! Karplus-Strong plucked-string algorithm", Computer Music Journal 7(2), 1983: the loop's
//! averaging filter and the all-pass that tunes it. What differs: the pluck's noise is
//! smoothed once, in place of their pick-direction filter.

use std::f64::consts::TAU;

/// Sample rate of the melody in hertz.
pub const SAMPLE_RATE_HZ: u32 = 48_000;

/// Seconds of one beat (138 beats a minute).
const BEAT_S: f64 = 60.0 / 138.0;
/// Seconds that the last chord rings.
const RING_S: f64 = 2.5;
/// MIDI notes and beats of the tune.
const TUNE: &[(u8, f64)] = &[
    (66, 1.0),
    (66, 1.0),
    (67, 1.0),
    (69, 1.0),
    (69, 1.0),
    (67, 1.0),
    (66, 1.0),
    (64, 1.0),
    (62, 1.0),
    (62, 1.0),
    (64, 1.0),
    (66, 1.0),
    (66, 1.5),
    (64, 0.5),
    (64, 2.0),
    (66, 1.0),
    (66, 1.0),
    (67, 1.0),
    (69, 1.0),
    (69, 1.0),
    (67, 1.0),
    (66, 1.0),
    (64, 1.0),
    (62, 1.0),
    (62, 1.0),
    (64, 1.0),
    (66, 1.0),
    (64, 1.5),
    (62, 0.5),
    (62, 2.0),
];
/// Bass note of each half bar (two beats), and the chord above it.
const BASS: &[(u8, [u8; 2])] = &[
    (38, [54, 57]),
    (43, [55, 59]),
    (38, [54, 57]),
    (45, [52, 55]),
    (38, [54, 57]),
    (38, [54, 57]),
    (45, [52, 57]),
    (45, [52, 55]),
    (38, [54, 57]),
    (43, [55, 59]),
    (38, [54, 57]),
    (45, [52, 55]),
    (38, [54, 57]),
    (43, [50, 55]),
    (45, [52, 55]),
    (38, [54, 57]),
];

/// The melody as interleaved stereo, within -1 to 1.
pub fn melody() -> Vec<f32> {
    let beats: f64 = TUNE.iter().map(|(_, beats)| beats).sum();
    let mut mix = Mix::new(beats * BEAT_S + RING_S);
    let mut beat = 0.0;
    for (note, beats) in TUNE {
        mix.pluck(*note, beat * BEAT_S, beats * BEAT_S + 0.25, 0.36, 0.15);
        beat += beats;
    }
    for (half_bar, (bass, chord)) in (0_u8..).zip(BASS) {
        let at = f64::from(half_bar) * 2.0 * BEAT_S;
        mix.pluck(*bass, at, 2.0 * BEAT_S + 0.2, 0.29, -0.3);
        for (late, note) in (1_u8..).zip(chord) {
            let strummed = at + BEAT_S + f64::from(late) * 0.018;
            mix.pluck(*note, strummed, BEAT_S + 0.2, 0.16, 0.45);
        }
    }
    for (late, note) in (0_u8..).zip([38, 50, 57, 62, 66]) {
        mix.pluck(
            note,
            beat * BEAT_S + f64::from(late) * 0.03,
            RING_S,
            0.26,
            0.0,
        );
    }
    mix.samples
}

/// Interleaved stereo that strings are added to.
struct Mix {
    samples: Vec<f32>,
    seed: u32,
}

impl Mix {
    fn new(seconds: f64) -> Self {
        Self {
            samples: vec![0.0; frames(seconds) * 2],
            seed: 1,
        }
    }

    /// Adds a string plucked at `at_s`, damped after `length_s`; `side` -1 left to 1 right.
    fn pluck(&mut self, note: u8, at_s: f64, length_s: f64, gain: f64, side: f64) {
        let frequency_hz = 440.0 * 2.0_f64.powf((f64::from(note) - 69.0) / 12.0);
        let mut string = Pluck::new(frequency_hz, self.noise(frequency_hz));
        let angle = (side + 1.0) * TAU / 16.0;
        let (left, right) = (gain * angle.cos(), gain * angle.sin());
        let (length, fade) = (frames(length_s), frames(0.06));
        let places = self
            .samples
            .chunks_exact_mut(2)
            .skip(frames(at_s))
            .take(length);
        for (frame, place) in places.enumerate() {
            let damped = ((length - frame) as f64 / fade as f64).min(1.0);
            let sample = string.next() * damped;
            place[0] += (sample * left) as f32;
            place[1] += (sample * right) as f32;
        }
    }

    /// One period of noise without a mean, smoothed once.
    fn noise(&mut self, frequency_hz: f64) -> Vec<f64> {
        let period = (f64::from(SAMPLE_RATE_HZ) / frequency_hz) as usize;
        let mut last = 0.0;
        let mut noise: Vec<f64> = (0..period)
            .map(|_| {
                self.seed = self
                    .seed
                    .wrapping_mul(1_664_525)
                    .wrapping_add(1_013_904_223);
                last = 0.5 * last + f64::from(self.seed >> 8) / f64::from(1 << 23) - 1.0;
                last
            })
            .collect();
        let mean = noise.iter().sum::<f64>() / period as f64;
        noise.iter_mut().for_each(|sample| *sample -= mean);
        noise
    }
}

/// The loop of one string.
struct Pluck {
    delay: Vec<f64>,
    place: usize,
    last: f64,
    tune: f64,
    tune_in: f64,
    tune_out: f64,
    loss: f64,
}

impl Pluck {
    /// The loop's delay is the line's length, half a frame of the averaging, and the all-pass.
    fn new(frequency_hz: f64, noise: Vec<f64>) -> Self {
        let period = f64::from(SAMPLE_RATE_HZ) / frequency_hz;
        let length = (period - 0.5 - 0.1).floor();
        let rest = period - 0.5 - length;
        let mut delay = noise;
        delay.resize(length as usize, 0.0);
        // Falls by 60 dB in about 3 s whatever the note.
        let loss = 10.0_f64.powf(-3.0 / (3.0 * frequency_hz));
        let tune = (1.0 - rest) / (1.0 + rest);
        Self {
            delay,
            place: 0,
            last: 0.0,
            tune,
            tune_in: 0.0,
            tune_out: 0.0,
            loss,
        }
    }

    fn next(&mut self) -> f64 {
        let out = self.delay[self.place];
        let averaged = self.loss * 0.5 * (out + self.last);
        let tuned = self.tune * (averaged - self.tune_out) + self.tune_in;
        (self.last, self.tune_in, self.tune_out) = (out, averaged, tuned);
        self.delay[self.place] = tuned;
        self.place = (self.place + 1) % self.delay.len();
        out
    }
}

fn frames(seconds: f64) -> usize {
    (seconds * f64::from(SAMPLE_RATE_HZ)) as usize
}

#[cfg(test)]
mod tests {
    use super::{Pluck, SAMPLE_RATE_HZ, melody};

    #[test]
    fn melody_stays_within_full_scale() {
        let peak = melody()
            .iter()
            .fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        assert!((0.3..=1.0).contains(&peak), "peak {peak}");
    }

    /// The fundamental's zero crossings, once the bright start has died away, count the note.
    #[test]
    fn string_is_in_tune_within_two_cents() {
        for frequency_hz in [73.42, 220.0, 369.99, 440.0] {
            let period = (f64::from(SAMPLE_RATE_HZ) / frequency_hz) as usize;
            let start = (0..period)
                .map(|at| if at < period / 2 { 1.0 } else { -1.0 })
                .collect();
            let mut string = Pluck::new(frequency_hz, start);
            let sound: Vec<f64> = (0..3 * SAMPLE_RATE_HZ).map(|_| string.next()).collect();
            // Phase of the fundamental at two places one second apart.
            let phase = |from: usize| {
                let (mut real, mut imaginary) = (0.0, 0.0);
                for (at, sample) in sound.iter().enumerate().skip(from).take(24_000) {
                    let turn = std::f64::consts::TAU * frequency_hz * at as f64
                        / f64::from(SAMPLE_RATE_HZ);
                    let window =
                        1.0 - (std::f64::consts::TAU * (at - from) as f64 / 24_000.0).cos();
                    real += sample * window * turn.cos();
                    imaginary -= sample * window * turn.sin();
                }
                f64::atan2(imaginary, real)
            };
            let turn = phase(24_000 + 4_800) - phase(24_000);
            let tau = std::f64::consts::TAU;
            let wrapped = turn - tau * (turn / tau).round();
            let error_hz = wrapped / tau * f64::from(SAMPLE_RATE_HZ) / 4_800.0;
            let cents = 1_200.0 * (1.0 + error_hz / frequency_hz).log2();
            assert!(
                cents.abs() < 2.0,
                "{frequency_hz} Hz is off by {cents} cents"
            );
        }
    }
}
