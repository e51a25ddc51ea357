//! What an estimate tells of its clock.

use super::{ClockEstimator, MOST_ERROR, relative, unsure};

impl ClockEstimator {
    /// Nanoseconds that a frame takes.
    pub fn frame_ns(&self) -> f64 {
        self.nominal_ns + self.line.slope(self.last)
    }

    /// Error of the clock in parts of its rate, positive for a fast one.
    pub fn error(&self) -> f64 {
        self.nominal_ns / self.frame_ns() - 1.0
    }

    /// The error where it was found out, else what was learned from before, in parts of the rate.
    pub fn known_error(&self) -> Option<f64> {
        let learned = |slope| self.nominal_ns / (self.nominal_ns + slope) - 1.0;
        let found = self.watch.as_ref().map(|_| self.error());
        found.or(self.learned.map(learned))
    }

    /// By how much the error may be wrong, in parts: a few times its standard deviation, at most
    /// what is believed of any clock.
    pub fn unsure(&self) -> f64 {
        let span = self.main.span();
        if span > 0.0 {
            (unsure(&self.main) / self.nominal_ns).min(MOST_ERROR)
        } else {
            MOST_ERROR
        }
    }

    /// How late the last call came, in nanoseconds.
    pub fn late_ns(&self) -> f64 {
        self.late_ns
    }

    /// How late calls come in the mean beyond their floor, in nanoseconds.
    pub fn spread_ns(&self) -> f64 {
        self.spread_ns
    }

    /// Observations so far.
    pub fn seen(&self) -> u32 {
        self.seen
    }

    /// Time at which `frame` begins, in nanoseconds after `from_ns`.
    pub fn time_after(&self, from_ns: u64, frame: u64) -> f64 {
        let Some((first_frame, first_ns)) = self.first else {
            return 0.0;
        };
        let x = relative(frame, first_frame);
        relative(first_ns, from_ns) + x * self.nominal_ns + self.line.y(x)
    }

    /// The frame, relative to `from_frame`, that begins `after_ns` nanoseconds after `from_ns`.
    pub fn frame_after(&self, from_frame: u64, from_ns: u64, after_ns: f64) -> f64 {
        let Some((first_frame, first_ns)) = self.first else {
            return 0.0;
        };
        let passed_ns = relative(from_ns, first_ns) + after_ns;
        let x = self.line.meets(passed_ns, self.nominal_ns);
        x + relative(first_frame, from_frame)
    }
}
