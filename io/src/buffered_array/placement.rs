//! Where the buffer goes for a request. Arithmetic only.

use std::ops::Range;

/// What decides where the buffer goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    /// Frames of the array.
    pub frames: u64,
    /// Frames the buffer should hold.
    pub bufferframes: u64,
    /// Of these, frames to keep before a request.
    pub backframes: u64,
    /// Follow a request inside of the buffer when it moves by as much; 0: never.
    pub follow: u64,
}

impl Rules {
    /// The frames the buffer should hold for `request` when it holds `held`.
    pub(super) fn place(&self, held: &Range<u64>, request: Range<u64>) -> Range<u64> {
        let (start, stop) = (request.start, request.end.min(self.frames));
        if start >= stop {
            return held.clone();
        }
        if held.start <= start && stop <= held.end {
            self.follow(held, start, stop)
        } else {
            self.jump(held, start, stop)
        }
    }

    fn jump(&self, held: &Range<u64>, start: u64, stop: u64) -> Range<u64> {
        let length = stop - start;
        if length >= self.bufferframes {
            return start..stop;
        }
        let spare = self.bufferframes - length;
        let back = if spare < 2 * self.backframes {
            spare / 2
        } else {
            self.backframes
        };
        self.at_the_ends(held, start.saturating_sub(back), self.bufferframes)
    }

    fn follow(&self, held: &Range<u64>, start: u64, stop: u64) -> Range<u64> {
        let length = held.end - held.start;
        let moved = (start - held.start).abs_diff(self.backframes);
        if self.follow == 0 || stop - start >= length || moved < self.follow {
            return held.clone();
        }
        let placed = self.at_the_ends(held, start.saturating_sub(self.backframes), length);
        // The request's end counts more than the frames before it.
        let missing = stop.saturating_sub(placed.end);
        placed.start + missing..placed.end + missing
    }

    /// Near an end of the array the buffer goes up to it, but never grows much: half as long again
    /// as it should be, or as long as it was.
    fn at_the_ends(&self, held: &Range<u64>, offset: u64, length: u64) -> Range<u64> {
        let near = self.bufferframes / 2;
        let longest = (self.bufferframes + near).max(held.end - held.start);
        let end = offset + length;
        if end > self.frames {
            return self.frames.saturating_sub(length)..self.frames;
        }
        if self.frames - end < near {
            if self.frames - offset <= longest {
                return offset..self.frames;
            }
        } else if offset < near && end <= longest {
            return 0..end;
        }
        offset..end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // A walk up and back over 10 000 frames in windows of 20, following every 10: without a bound
    // each end would make the buffer longer and nothing shorter again.
    #[test]
    fn following_never_grows_the_buffer_beyond_half_as_long_again() {
        let rules = Rules {
            frames: 10_000,
            bufferframes: 1000,
            backframes: 0,
            follow: 10,
        };
        let mut held = 0..0;
        let up = (0..1426u32).map(|step| 7 * u64::from(step));
        for start in up.clone().chain(up.rev()) {
            held = rules.place(&held, start..start + 20);
            assert!(
                held.start <= start && start + 20 <= held.end,
                "{held:?} at {start}"
            );
            assert!(held.end - held.start <= 1500, "{held:?} at {start}");
        }
    }

    #[test]
    fn frames_kept_before_a_request_never_cut_its_end() {
        let rules = Rules {
            frames: 1000,
            bufferframes: 100,
            backframes: 90,
            follow: 10,
        };
        let held = rules.place(&(375..475), 400..450);
        assert!(held.start <= 400 && 450 <= held.end, "{held:?}");
    }
}
