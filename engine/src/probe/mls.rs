//! A maximum length sequence, and what it becomes on its way.
//!
//! The sequence a of length L = 2^n - 1 is the output bit of a linear feedback shift register that
//! goes through all its states S but zero; as a signal a bit is m = 1 - 2a. Its circular
//! autocorrelation is L at 0 and -1 elsewhere, so that the circular correlation of what came back
//! with it is the impulse response of the way, but for a constant 1 / L.
//!
//! a\[i - k\] = <g(k), S(i)> over the field of two elements, so the correlation at k is the
//! Walsh-Hadamard transform, at g(k), of what came back placed by S(i): additions alone. Bit j of
//! g(k) is a\[i(j) - k\], i(j) being where the state is the j-th unit.
//!
//! Source: Borish and Angell, "An Efficient Algorithm for Measuring the Impulse Response Using
//! Pseudorandom Noise", J. Audio Eng. Soc. 31 (1983); the tables are made from the register itself.

/// Bits of the register.
const BITS: u32 = 16;
/// Frames of a period.
pub(super) const LENGTH: usize = (1 << BITS) - 1;

/// The sequence of x^16 + x^14 + x^13 + x^11 + 1, which is primitive.
pub(super) struct Sequence {
    states: Vec<u16>,
}

impl Sequence {
    pub(super) fn new() -> Self {
        let mut state = 1_u16;
        let next = |state: u16| {
            let bit = (state ^ (state >> 2) ^ (state >> 3) ^ (state >> 5)) & 1;
            (state >> 1) | (bit << 15)
        };
        let states = (0..LENGTH)
            .map(|_| {
                let following = next(state);
                core::mem::replace(&mut state, following)
            })
            .collect();
        Self { states }
    }

    /// The signal: 1 or -1, for a frame of the period.
    pub(super) fn sample(&self, frame: usize) -> f32 {
        1.0 - 2.0 * f32::from(self.bit(frame))
    }

    fn bit(&self, frame: usize) -> u16 {
        // Never out of range; on the real-time thread nothing may even look as if it could panic.
        self.states.get(frame % LENGTH).map_or(0, |state| state & 1)
    }

    /// The impulse response of what became of the signal: `heard` is a period, and its first frame
    /// came in when frame `first` of the sequence went out.
    ///
    /// # Panics
    /// If `heard` is not [`LENGTH`] frames.
    pub(super) fn response(&self, heard: &[f32], first: usize) -> Vec<f64> {
        assert_eq!(heard.len(), LENGTH, "a period is needed");
        let mut placed = vec![0.0; LENGTH + 1];
        for (frame, &sample) in heard.iter().enumerate() {
            placed[usize::from(self.states[(first + frame) % LENGTH])] = f64::from(sample);
        }
        transform(&mut placed);
        let mut units = [0; BITS as usize];
        for (frame, state) in self.states.iter().enumerate() {
            if state.is_power_of_two() {
                units[state.trailing_zeros() as usize] = frame;
            }
        }
        let scale = 1.0 / (LENGTH + 1) as f64;
        (0..LENGTH)
            .map(|delay| {
                let place = units
                    .iter()
                    .enumerate()
                    .map(|(j, unit)| usize::from(self.bit(unit + LENGTH - delay)) << j)
                    .sum::<usize>();
                placed[place] * scale
            })
            .collect()
    }
}

/// The Walsh-Hadamard transform, in place.
fn transform(values: &mut [f64]) {
    let mut half = 1;
    while half < values.len() {
        for pair in values.chunks_exact_mut(2 * half) {
            let (low, high) = pair.split_at_mut(half);
            for (low, high) in low.iter_mut().zip(high) {
                (*low, *high) = (*low + *high, *low - *high);
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_register_goes_through_all_states_but_zero() {
        let mut states = Sequence::new().states;
        states.sort_unstable();
        states.dedup();
        assert_eq!((states.len(), states[0]), (LENGTH, 1));
    }

    /// By the autocorrelation: y = sum of h(d) m(i - d) gives h(k) - (sum of the other h) / L, times
    /// L / (L + 1).
    #[test]
    fn a_response_of_three_taps_is_found_wherever_the_period_begins() {
        let sequence = Sequence::new();
        let taps = [(0, 0.25), (777, -0.5), (65_000, 0.125)];
        for first in [0, 12_345] {
            let heard: Vec<f32> = (first..first + LENGTH)
                .map(|frame| {
                    let of_tap = |&(delay, gain): &(usize, f32)| {
                        gain * sequence.sample(frame + LENGTH - delay)
                    };
                    taps.iter().map(of_tap).sum()
                })
                .collect();
            let response = sequence.response(&heard, first);
            for (delay, found) in response.into_iter().enumerate() {
                let tap = taps.iter().find(|tap| tap.0 == delay);
                let due = tap.map_or(0.0, |tap| f64::from(tap.1));
                assert!((found - due).abs() < 2e-5, "{found} at {delay}, not {due}");
            }
        }
    }
}
