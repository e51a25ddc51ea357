//! The peak between samples: an interpolator of twelve times for what must be fast.
//!
//! Two stages. The first finds the value halfway between neighbouring frames, by a long window of
//! the sinc function, so that almost all of the band passes. On that grid of twice the rate the
//! signal fills half the band, so a short window is enough for the five values within each half.
//! The samples themselves are on the grid; a peak is never below them. Both windows are Kaiser's.
//!
//! Sources: R. E. Crochiere and L. R. Rabiner, "Interpolation and decimation of digital signals",
//! Proceedings of the IEEE 69(3), 1981 (stages); J. F. Kaiser's window by the formulas in
//! A. V. Oppenheim and R. W. Schafer, "Discrete-Time Signal Processing", section 7.5.3.

use core::f64::consts::PI;

use super::window::{Window, copy};

/// Frames that are worked on together; calls bring a multiple of them.
pub const GROUP: usize = 8;
/// Frames that may come in one call.
pub const MAX_FRAMES: usize = 64;
/// Coefficients on each side of the value halfway between two frames.
const HALF: usize = 32;
/// Coefficients on each side of a value within a half.
const FINE: usize = 4;
/// Pairs of values within a half that mirror each other; with the one in the middle they are five,
/// which makes twelve times the rate.
const PAIRS: usize = 2;
/// Frames that must have come behind an interval before its peak is known.
///
/// The last value within it needs that of the half two frames on, which needs `HALF` frames.
pub const LAG_FRAMES: usize = HALF + FINE / 2;
/// What is between the samples counts so much more: 1 / cos(pi 20/48/12), 0.052 dB, by which a grid
/// of twelve may under-read a tone of 20 kHz at 48 kHz (ITU-R BS.1770-5, annex 2).
const BETWEEN: f64 = 1.005_98;
/// Attenuation for which the windows are made, in decibels: the first gives some of it for a
/// narrow transition.
const HALF_DB: f64 = 40.0;
const FINE_DB: f64 = 65.0;
/// By how much the first stage raises what is above this share of the band: so much is missed of what
/// lies in its transition at half the rate, as in white noise. Below 20 kHz at 48 kHz nothing changes.
const RAISED: f64 = 0.4;
const RAISED_FROM: f64 = 0.88;

type Lanes = [f32; GROUP];

const ZEROS: Lanes = [0.0; GROUP];

/// Coefficients of the first stage: in each row those that are eight apart.
type Half = [[f32; STEPS]; GROUP];
/// Coefficients in such a row.
const STEPS: usize = 2 * HALF / GROUP;

/// Finds the peak from each frame to the next.
#[derive(Clone, Debug)]
pub struct TruePeakDetector {
    half: Half,
    /// For each pair of places that mirror each other, weights of sums and of differences.
    fine: [[[f32; FINE]; 2]; PAIRS],
    /// For the place in the middle, weights of sums.
    middle: [f32; FINE],
    signal: Window<f32>,
    /// Values halfway between a frame and the next.
    halves: Window<f32>,
}

impl TruePeakDetector {
    /// A detector that has heard silence.
    ///
    /// # Real-time
    /// Not safe: allocates.
    #[must_use]
    pub fn new() -> Self {
        let beta = kaiser_beta(HALF_DB);
        let mut half = [[0.0; STEPS]; GROUP];
        for place in 0..2 * HALF {
            let x = place as f64 - (HALF as f64 - 0.5);
            let raised = (1.0 + RAISED) * sinc(x) - RAISED * RAISED_FROM * sinc(RAISED_FROM * x);
            half[place % GROUP][place / GROUP] = raised * window(x / HALF as f64, beta);
        }
        // A constant passes unchanged.
        let sum: f64 = half.iter().flatten().sum();
        Self {
            half: half.map(|row| row.map(|value| (value / sum) as f32)),
            fine: core::array::from_fn(|pair| {
                let [before, after] = fine((pair + 1) as f64 / (2 * PAIRS + 2) as f64);
                let weights = |sign: f64| {
                    core::array::from_fn(|k| (0.5 * (before[k] + sign * after[k])) as f32)
                };
                [weights(1.0), weights(-1.0)]
            }),
            middle: fine(0.5)[0].map(|value| value as f32),
            signal: Window::new(MAX_FRAMES + 2 * HALF + GROUP),
            halves: Window::new(MAX_FRAMES + GROUP),
        }
    }

    /// Forgets all sound.
    ///
    /// # Real-time
    /// Safe.
    pub fn clear(&mut self) {
        self.signal.clear();
        self.halves.clear();
    }

    /// Takes frames of one channel, a multiple of [`GROUP`] and at most [`MAX_FRAMES`]; gives as
    /// many peaks, linear, each of the time from a frame to the next, [`LAG_FRAMES`] earlier.
    ///
    /// # Panics
    /// When the lengths differ or are not allowed.
    ///
    /// # Real-time
    /// Safe.
    #[inline(always)]
    pub fn run(&mut self, frames: &[f32], peaks: &mut [f32]) {
        let count = frames.len();
        assert!(count == peaks.len() && count.is_multiple_of(GROUP) && count <= MAX_FRAMES);
        copy(self.signal.append(count), frames);
        self.find_halves(count);
        self.find_peaks(peaks);
    }

    #[inline(always)]
    fn find_halves(&mut self, count: usize) {
        let signal = self
            .signal
            .since(count + 2 * HALF - 1, count + 2 * HALF - 1);
        let halves = self.halves.append(count);
        let (fours, rest) = halves.as_chunks_mut::<{ 4 * GROUP }>();
        let mut done = 0;
        for four in fours {
            halves_of_four(&self.half, &signal[done..], four);
            done += 4 * GROUP;
        }
        for one in rest.as_chunks_mut().0 {
            halves_of_one(&self.half, &signal[done..], one);
            done += GROUP;
        }
    }

    #[inline(always)]
    fn find_peaks(&self, peaks: &mut [f32]) {
        let count = peaks.len();
        // Both begin one frame before the first interval.
        let signal = self.signal.since(count + LAG_FRAMES + 1, count + 3);
        let halves = self.halves.since(count + 4, count + 4);
        let (x0, x1) = (&signal[..count], &signal[1..][..count]);
        let (x2, x3) = (&signal[2..][..count], &signal[3..][..count]);
        let (h0, h1, h2) = (
            &halves[..count],
            &halves[1..][..count],
            &halves[2..][..count],
        );
        let (h3, h4) = (&halves[3..][..count], &halves[4..][..count]);
        // One loop over all frames, whose body is the same for each, into memory of its own: so it
        // becomes wide.
        let mut found = [0.0; MAX_FRAMES];
        let out = &mut found[..count];
        for n in 0..count {
            let first = [
                (x1[n], h2[n]),
                (h1[n], x2[n]),
                (x0[n], h3[n]),
                (h0[n], x3[n]),
            ];
            let second = [
                (h2[n], x2[n]),
                (x1[n], h3[n]),
                (h1[n], x3[n]),
                (x0[n], h4[n]),
            ];
            // From the frame to the half, and from the half to the next frame.
            let within = larger(self.within(first), self.within(second));
            out[n] = larger(larger(x1[n].abs(), h2[n].abs()), within);
        }
        copy(peaks, out);
    }

    /// The largest magnitude between two values on the grid of halves; given are the two, then the
    /// neighbours on both sides, outwards.
    ///
    /// Two places that mirror each other are e + o and e - o, with e from the sums and o from the
    /// differences of the neighbours; the larger of their magnitudes is |e| + |o|.
    #[inline(always)]
    fn within(&self, neighbours: [(f32, f32); FINE]) -> f32 {
        let [(a0, b0), (a1, b1), (a2, b2), (a3, b3)] = neighbours;
        let sums = [a0 + b0, a1 + b1, a2 + b2, a3 + b3];
        let differences = [a0 - b0, a1 - b1, a2 - b2, a3 - b3];
        let mut peak = weighted(&self.middle, sums).abs();
        for [even, odd] in &self.fine {
            let both = weighted(even, sums).abs() + weighted(odd, differences).abs();
            peak = larger(peak, both);
        }
        peak
    }
}

impl Default for TruePeakDetector {
    fn default() -> Self {
        Self::new()
    }
}

/// The values halfway for four groups of frames, each as [`halves_of_one`] gives them.
///
/// Coefficients eight apart meet the same samples in neighbouring groups, so what is loaded serves
/// all four.
#[inline(always)]
fn halves_of_four(half: &Half, signal: &[f32], out: &mut [f32; 4 * GROUP]) {
    let mut sums = [[0.0; 4 * GROUP]; 4];
    for (first, sum) in sums.iter_mut().enumerate() {
        let (mut a, mut b, mut c, mut d) = (ZEROS, ZEROS, ZEROS, ZEROS);
        for residue in [first, first + 4] {
            let samples = signal[residue..].as_chunks::<GROUP>().0;
            let [mut x, mut y, mut z] = [samples[0], samples[1], samples[2]];
            for (&coefficient, newest) in half[residue].iter().zip(&samples[3..]) {
                add(&mut a, coefficient, &x);
                add(&mut b, coefficient, &y);
                add(&mut c, coefficient, &z);
                add(&mut d, coefficient, newest);
                (x, y, z) = (y, z, *newest);
            }
        }
        for lane in 0..GROUP {
            sum[lane] = a[lane];
            sum[GROUP + lane] = b[lane];
            sum[2 * GROUP + lane] = c[lane];
            sum[3 * GROUP + lane] = d[lane];
        }
    }
    for place in 0..4 * GROUP {
        out[place] = (sums[0][place] + sums[1][place]) + (sums[2][place] + sums[3][place]);
    }
}

/// The values halfway for a group of frames. Four sums, so that none waits long for the one before.
#[inline(always)]
fn halves_of_one(half: &Half, signal: &[f32], out: &mut Lanes) {
    let mut sums = [ZEROS; 4];
    for (first, sum) in sums.iter_mut().enumerate() {
        let mut a = ZEROS;
        for residue in [first, first + 4] {
            let samples = signal[residue..].as_chunks().0;
            for (&coefficient, samples) in half[residue].iter().zip(samples) {
                add(&mut a, coefficient, samples);
            }
        }
        *sum = a;
    }
    for lane in 0..GROUP {
        out[lane] = (sums[0][lane] + sums[1][lane]) + (sums[2][lane] + sums[3][lane]);
    }
}

#[inline(always)]
fn add(sum: &mut Lanes, coefficient: f32, values: &Lanes) {
    for lane in 0..GROUP {
        sum[lane] += coefficient * values[lane];
    }
}

#[inline(always)]
fn weighted(weights: &[f32; FINE], values: [f32; FINE]) -> f32 {
    let near = weights[0] * values[0] + weights[1] * values[1];
    near + (weights[2] * values[2] + weights[3] * values[3])
}

#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
}

/// Weights of the neighbours before and after a place, 0 to 1, between two values; outwards. Their
/// sum is [`BETWEEN`].
fn fine(place: f64) -> [[f64; FINE]; 2] {
    let beta = kaiser_beta(FINE_DB);
    let weight = |x: f64| sinc(x) * window(x / FINE as f64, beta);
    let before: [f64; FINE] = core::array::from_fn(|k| weight(place + k as f64));
    let after: [f64; FINE] = core::array::from_fn(|k| weight(1.0 - place + k as f64));
    let sum: f64 = before.iter().chain(&after).sum();
    [before, after].map(|side| side.map(|value| BETWEEN * value / sum))
}

/// Kaiser's window, from -1 to 1.
fn window(share: f64, beta: f64) -> f64 {
    bessel_i0(beta * libm::sqrt((1.0 - share * share).max(0.0))) / bessel_i0(beta)
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 {
        1.0
    } else {
        libm::sin(PI * x) / (PI * x)
    }
}

/// Shape of the window for an attenuation from 21 dB on.
fn kaiser_beta(attenuation_db: f64) -> f64 {
    if attenuation_db > 50.0 {
        0.1102 * (attenuation_db - 8.7)
    } else {
        let over = attenuation_db - 21.0;
        0.5842 * libm::pow(over, 0.4) + 0.078_86 * over
    }
}

/// The modified Bessel function of the first kind and order 0, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let (mut sum, mut term, mut n) = (1.0, 1.0, 1.0);
    while term > sum * 1e-17 {
        term *= quarter / (n * n);
        sum += term;
        n += 1.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest peak of a tone of `frequency_norm` and amplitude 1 in its middle.
    fn read(frequency_norm: f64, phase: f64) -> f32 {
        let mut detector = TruePeakDetector::new();
        let mut largest = 0.0_f32;
        for begin in (0..1600).step_by(GROUP) {
            let frames: [f32; GROUP] = core::array::from_fn(|place| {
                let turn = 2.0 * PI * frequency_norm * (begin + place) as f64;
                libm::sin(turn + phase) as f32
            });
            let mut peaks = [0.0; GROUP];
            detector.run(&frames, &mut peaks);
            if begin > 400 {
                largest = peaks.iter().fold(largest, |a, &b| a.max(b));
            }
        }
        largest
    }

    #[test]
    fn tones_whose_samples_miss_the_peak_are_read_within_a_tenth_of_a_decibel() {
        // Fractions of the rate at which the phase against the samples stays: the worst cases.
        for fraction in [3.0, 4.0, 5.0, 6.0, 8.0, 2.4] {
            for turn in 0..16 {
                let phase = 2.0 * PI * f64::from(turn) / 16.0;
                let error_db = 20.0 * libm::log10(f64::from(read(1.0 / fraction, phase)));
                assert!(
                    error_db.abs() < 0.1,
                    "rate/{fraction}, {phase}: {error_db} dB"
                );
            }
        }
    }

    #[test]
    fn a_peak_is_never_below_its_samples_and_known_after_the_lag() {
        let mut detector = TruePeakDetector::new();
        let mut frames = [0.0; 25 * GROUP];
        frames[77] = -3.0;
        let mut peaks = [0.0; 25 * GROUP];
        for (frames, peaks) in frames.chunks(40).zip(peaks.chunks_mut(40)) {
            detector.run(frames, peaks);
        }
        // The interval before it and the one behind touch it; both values halfway are lower.
        assert_eq!(peaks[77 + LAG_FRAMES], 3.0);
        assert!(peaks[76 + LAG_FRAMES] < 3.0 && peaks[78 + LAG_FRAMES] < 3.0);
    }

    #[test]
    fn the_number_of_frames_in_a_call_does_not_show() {
        let frames: [f32; 320] =
            core::array::from_fn(|n| ((n * n * 7919) % 1000) as f32 / 500.0 - 1.0);
        let run = |length: usize| {
            let mut detector = TruePeakDetector::new();
            let mut peaks = [0.0; 320];
            for (frames, peaks) in frames.chunks(length).zip(peaks.chunks_mut(length)) {
                detector.run(frames, peaks);
            }
            peaks
        };
        assert!(run(8) == run(64) && run(8) == run(40));
    }
}
