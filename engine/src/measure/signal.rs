//! Test signals: tones, and noise from a seed, the same on every machine.

/// Frames after which the level of [`programme`] takes its next step: an eighth of a second at
/// 48 kHz.
const STEP_FRAMES: usize = 6000;
/// Levels of the programme in turn, as factors: 0, -26, -8, -44, -3 and -14 dB.
const LEVELS: [f32; 6] = [1.0, 0.05, 0.4, 0.006, 0.7, 0.2];

/// Numbers from a seed (SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number
/// generators", OOPSLA 2014).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Numbers that follow from `seed` alone.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to 1, without 1.
    pub fn share(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number from -1 to 1, without 1.
    pub fn bipolar(&mut self) -> f64 {
        2.0 * self.share() - 1.0
    }
}

/// Interleaved noise that goes on like music: more power in the low than in the high, loud and soft
/// in turn, different in each channel. Its peaks are just over 0 dBFS.
///
/// So that the cost of a gate, a compressor or a limiter is that of one at work.
#[must_use]
pub fn programme(channels: usize, frames: usize, seed: u64) -> Vec<f32> {
    let mut random = Random::new(seed);
    let mut low = vec![0.0f32; channels];
    let mut samples = Vec::with_capacity(frames * channels);
    for frame in 0..frames {
        let level = LEVELS[frame / STEP_FRAMES % LEVELS.len()];
        for low in &mut low {
            let white = random.bipolar() as f32;
            *low += 0.05 * (white - *low);
            samples.push(level * (0.4 * white + 2.4 * *low));
        }
    }
    samples
}

/// A sine of `frequency_norm` cycles per sample and the given amplitude, beginning at `phase`
/// radians.
#[must_use]
pub fn sine(frequency_norm: f64, amplitude: f64, phase: f64, frames: usize) -> Vec<f32> {
    let sample = |frame: usize| {
        // Whole turns are left out, so that a long tone is as true at its end.
        let turns = (frequency_norm * frame as f64).fract();
        (amplitude * libm::sin(core::f64::consts::TAU * turns + phase)) as f32
    };
    (0..frames).map(sample).collect()
}

/// A square wave of whole half periods, `half_frames` each: its magnitude never changes, so that a
/// detector of any kind sees one level.
#[must_use]
pub fn square(half_frames: usize, amplitude: f64, frames: usize) -> Vec<f32> {
    let amplitude = amplitude as f32;
    let sample = |frame: usize| {
        if (frame / half_frames.max(1)).is_multiple_of(2) {
            amplitude
        } else {
            -amplitude
        }
    };
    (0..frames).map(sample).collect()
}

/// The bin of `count`, a power of two, that is nearest to a frequency and odd: a tone there takes
/// every value once in `count` samples, so that no rounding repeats itself.
#[must_use]
pub fn odd_bin(frequency_hz: f64, sample_rate_hz: u32, count: usize) -> usize {
    let bin = frequency_hz / f64::from(sample_rate_hz) * count as f64;
    2 * (bin / 2.0).floor().max(0.0) as usize + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programme_is_loud_and_soft_in_turn() {
        let samples = programme(2, STEP_FRAMES * LEVELS.len(), 1);
        let peaks = samples
            .chunks(STEP_FRAMES * 2)
            .map(|step| step.iter().fold(0.0f32, |peak, x| peak.max(x.abs())));
        for (peak, level) in peaks.zip(LEVELS) {
            assert!((0.7..1.5).contains(&(peak / level)), "{peak} at {level}");
        }
    }
}
