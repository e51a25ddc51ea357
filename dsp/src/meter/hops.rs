//! The stream cut into hops of a hundredth of a second, counted from its start.

/// Hops in a second.
pub(super) const HOPS_PER_SECOND: u64 = 100;

/// Where in its hop the stream is.
///
/// Hop n ends with frame floor((n + 1) rate / 100), so that a hundred of them are a second at any
/// rate.
#[derive(Clone, Debug)]
pub(super) struct Hops {
    sample_rate_hz: u64,
    /// The hop under way, counted within its second.
    number: u64,
    frames: usize,
    left: usize,
}

impl Hops {
    pub(super) fn new(sample_rate_hz: u32) -> Self {
        let mut hops = Self {
            sample_rate_hz: u64::from(sample_rate_hz),
            number: 0,
            frames: 0,
            left: 0,
        };
        hops.begin(0);
        hops
    }

    pub(super) fn reset(&mut self) {
        self.begin(0);
    }

    /// Takes the next frames, `offered` at the most: how many, and whether the hop ends with them.
    pub(super) fn take(&mut self, offered: usize) -> (usize, bool) {
        let frames = offered.min(self.left);
        self.left -= frames;
        let ends = self.left == 0;
        (frames, ends)
    }

    /// Ends the hop; returns its length in frames.
    pub(super) fn end(&mut self) -> usize {
        let frames = self.frames;
        self.begin((self.number + 1) % HOPS_PER_SECOND);
        frames
    }

    fn begin(&mut self, number: u64) {
        let end = |number: u64| number * self.sample_rate_hz / HOPS_PER_SECOND;
        self.frames = (end(number + 1) - end(number)) as usize;
        self.left = self.frames;
        self.number = number;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_hops_are_a_second_at_any_rate() {
        for rate in [1000, 11_025, 44_100, 48_001, 192_000] {
            let mut hops = Hops::new(rate);
            for _ in 0..3 {
                let frames: usize = (0..100).map(|_| hops.end()).sum();
                assert_eq!(frames, rate as usize);
            }
        }
    }
}
