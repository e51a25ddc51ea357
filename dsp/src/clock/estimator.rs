//! The clock of a device, from its frame counter and the times at which it called.

use super::envelope::{Envelope, Line};

/// Largest error of a clock that is believed, in parts of its rate.
const MOST_ERROR: f64 = 2.5e-3;
/// Error of a clock known from before that is believed at first, in parts; it widens with a time
/// constant of this many seconds, until what is seen knows better.
const LEARNED_ERROR: f64 = 1.5e-6;
const LEARNED_S: f64 = 2.0;
/// Observations over which the mean lateness is taken.
const SPREAD_OBSERVATIONS: u32 = 2000;
/// Seconds that are looked back at where calls are late by so much in the mean, the power of the
/// lateness by which it grows, and its bounds.
const WINDOW_S: f64 = 12.0;
const WINDOW_SPREAD_NS: f64 = 25_000.0;
const WINDOW_GROWS: f64 = 0.45;
const WINDOWS_S: (f64, f64) = (8.0, 60.0);
/// Points of the envelope before a change of floor or rate is looked for.
const SETTLED_POINTS: usize = 24;
/// Distance at which the lowest observation of a stretch speaks of a change: nanoseconds, and mean
/// distances of the points.
const CHANGE_NS: f64 = 2_000.0;
const CHANGE_GAPS: f64 = 9.0;
/// The same for one that came too early to be of this line.
const EARLY_NS: f64 = 1_000.0;
const EARLY_GAPS: f64 = 3.0;
/// Weight of a stretch in the mean distance that these are measured by.
const GAP_WEIGHT: f64 = 0.05;
/// Where calls come at most so late and no later, as sharply as they come no earlier, the upper edge
/// tells the rate as well. It depends on the machine's load, so it is heard less and less, and no
/// longer after so many seconds; and not at all where its points are so much further off.
const UPPER_S: f64 = 15.0;
const UPPER_MOST: f64 = 3.0;
/// Fewest observations of a stretch.
const STRETCH_LEAST: u32 = 4;
/// Difference of two rates that is a change of the rate, in parts.
const RATE_CHANGE: f64 = 3e-6;
/// Longest wait for a decision, in seconds.
const DECIDE_S: f64 = 10.0;
/// How unsure the new rate may be, in parts, when a change is taken for one of the floor.
const FLOOR_UNSURE: f64 = 8e-6;

/// An estimate of a clock: which frame begins when.
///
/// Calls come late, never early, so the clock is the lower edge of what is observed. Two things
/// may move that edge without a change of the clock's phase: the least lateness may change (another
/// scheduler, another path through a hub), and the rate may. Which of them it was is decided by the
/// slope of what comes after.
///
/// Frames and times are kept relative to the first observation, so that nothing is lost in a float
/// of 64 bits: after 24 hours the error is below a hundredth of a nanosecond.
#[derive(Clone, Debug)]
pub struct ClockEstimator {
    nominal_ns: f64,
    first: Option<(u64, u64)>,
    last: f64,
    /// x in frames, y in nanoseconds later than the nominal rate says.
    main: Envelope,
    /// The upper edge, upside down.
    upper: Envelope,
    line: Line,
    /// What came since floor or rate seem to have changed.
    candidate: Option<Envelope>,
    /// Lowest distance from the line in this stretch, where the stretch began, and how many stretches
    /// before it spoke of a change.
    lowest_ns: f64,
    stretch_began: f64,
    stretch_seen: u32,
    changed_stretches: u32,
    gap_ns: f64,
    /// What is added to every time because the floor changed.
    floor_ns: f64,
    learned: Option<f64>,
    seen: u32,
    spread_ns: f64,
    late_ns: f64,
}

impl ClockEstimator {
    /// A clock of `rate_hz`; `learned` is its error in parts where it is known from before, positive
    /// for a fast clock. What no sound card is off by, 2500 millionths or more, is not believed.
    ///
    /// # Panics
    /// If the rate is not a positive number.
    pub fn new(rate_hz: f64, learned: Option<f64>) -> Self {
        assert!(rate_hz > 0.0 && rate_hz.is_finite(), "a clock needs a rate");
        let nominal_ns = 1e9 / rate_hz;
        let slope = |error: f64| nominal_ns / (1.0 + error) - nominal_ns;
        let believed = |slope: &f64| slope.abs() < MOST_ERROR * nominal_ns;
        Self {
            nominal_ns,
            first: None,
            last: -1.0,
            main: Envelope::new(),
            upper: Envelope::new(),
            line: Line::default(),
            candidate: None,
            lowest_ns: f64::INFINITY,
            stretch_began: 0.0,
            stretch_seen: 0,
            changed_stretches: 0,
            gap_ns: 0.0,
            floor_ns: 0.0,
            learned: learned.map(slope).filter(believed),
            seen: 0,
            spread_ns: 0.0,
            late_ns: 0.0,
        }
    }

    /// The device called at `time_ns`; at the earliest possible time of such a call, `frame` begins.
    /// Frames that the device lost count.
    ///
    /// # Real-time
    /// Safe.
    pub fn observe(&mut self, frame: u64, time_ns: u64) {
        let (first_frame, first_ns) = *self.first.get_or_insert((frame, time_ns));
        let x = relative(frame, first_frame);
        if x <= self.last {
            return;
        }
        self.last = x;
        self.seen = self.seen.saturating_add(1);
        let y = relative(time_ns, first_ns) - x * self.nominal_ns + self.floor_ns;
        let late_ns = y - self.line.y(x);
        self.late_ns = (late_ns - self.floor_ns).max(0.0);
        self.spread_ns +=
            (self.late_ns - self.spread_ns) / f64::from(self.seen.min(SPREAD_OBSERVATIONS));
        let (slopes, window) = (self.slopes(x), self.window());
        let upper_share = 1.0 - x * self.nominal_ns * 1e-9 / UPPER_S;
        if upper_share > 0.0 {
            self.upper.add(x, -y, window, (-slopes.1, -slopes.0));
        }
        if self.main.len() < SETTLED_POINTS {
            self.main.add(x, y, window, slopes);
            self.join(upper_share);
            return;
        }
        if self.gap_ns == 0.0 {
            self.gap_ns = self.main.gap();
        }
        let change_ns = CHANGE_NS + CHANGE_GAPS * self.gap_ns;
        let early_ns = EARLY_NS + EARLY_GAPS * self.gap_ns;
        if x - self.stretch_began >= self.main.stretch() && self.stretch_seen >= STRETCH_LEAST {
            self.end_stretch(x, early_ns, change_ns);
        }
        self.stretch_seen += 1;
        self.lowest_ns = self.lowest_ns.min(late_ns);
        if late_ns < -early_ns && self.candidate.is_none() {
            self.candidate = Some(Envelope::new());
            self.changed_stretches = 0;
        }
        match &mut self.candidate {
            Some(candidate) => {
                let most = MOST_ERROR * self.nominal_ns;
                candidate.add(x, y, window, (-most, most));
                self.decide(x);
            }
            None => self.main.add(x, y, window, slopes),
        }
        self.join(upper_share);
    }

    /// The line: that of the lower edge, its slope helped by the upper edge while little is known.
    fn join(&mut self, share: f64) {
        self.line = self.main.line();
        let (lower, upper) = (self.main.gap(), self.upper.gap());
        if share <= 0.0 || upper >= UPPER_MOST * lower {
            return;
        }
        let weight = share * lower * lower / (lower * lower + upper * upper);
        self.line.slope += weight * (-self.upper.line().slope - self.line.slope);
    }

    /// Ends a stretch: did its lowest observation leave the line?
    fn end_stretch(&mut self, x: f64, early_ns: f64, change_ns: f64) {
        let changed = self.lowest_ns.is_finite()
            && (self.lowest_ns > change_ns || self.lowest_ns < -early_ns);
        self.lowest_ns = f64::INFINITY;
        self.stretch_began = x;
        self.stretch_seen = 0;
        if !changed {
            self.candidate = None;
            self.changed_stretches = 0;
            self.gap_ns += GAP_WEIGHT * (self.main.gap() - self.gap_ns);
            return;
        }
        self.changed_stretches += 1;
        if self.candidate.is_none() {
            // The points of that stretch are among those before.
            self.main.forget_newest(2);
            self.candidate = Some(Envelope::new());
        }
    }

    /// Decides what changed, once enough came since.
    fn decide(&mut self, x: f64) {
        let Some(candidate) = &self.candidate else {
            return;
        };
        if self.changed_stretches < 2 || candidate.len() < SETTLED_POINTS {
            return;
        }
        let (before, since) = (self.line, candidate.line());
        let span = candidate.span();
        let unsure = 4.0 * candidate.gap() / span;
        let difference = (since.slope - before.slope).abs();
        let change = RATE_CHANGE * self.nominal_ns;
        let late = span * self.nominal_ns * 1e-9 > DECIDE_S;
        if difference > 2.0 * change + 3.0 * unsure || late && difference > change + unsure {
            // The rate: what was before, or learned, says nothing of it.
            self.learned = None;
            if let Some(candidate) = self.candidate.take() {
                self.main = candidate;
            }
            self.changed_stretches = 0;
        } else if late || unsure < FLOOR_UNSURE * self.nominal_ns && difference < change + unsure {
            // The floor: what comes now is moved onto the line.
            self.floor_ns -= since.y(x) - before.y(x);
            self.candidate = None;
            self.changed_stretches = 0;
        }
    }

    /// Length of the window in frames: the later the calls, the longer.
    fn window(&self) -> f64 {
        let seconds = (WINDOW_S * libm::pow(self.spread_ns / WINDOW_SPREAD_NS, WINDOW_GROWS))
            .clamp(WINDOWS_S.0, WINDOWS_S.1);
        seconds * 1e9 / self.nominal_ns
    }

    /// Slopes that are believed, in nanoseconds per frame.
    fn slopes(&self, x: f64) -> (f64, f64) {
        let most = MOST_ERROR * self.nominal_ns;
        let Some(slope) = self.learned else {
            return (-most, most);
        };
        let seconds = x * self.nominal_ns * 1e-9;
        let wide = (LEARNED_ERROR * libm::exp(seconds / LEARNED_S)).min(2.0 * MOST_ERROR);
        let wide = wide * self.nominal_ns;
        ((slope - wide).max(-most), (slope + wide).min(most))
    }

    /// Nanoseconds that a frame takes.
    pub fn frame_ns(&self) -> f64 {
        self.nominal_ns + self.line.slope
    }

    /// Error of the clock in parts of its rate, positive for a fast one.
    pub fn error(&self) -> f64 {
        self.nominal_ns / self.frame_ns() - 1.0
    }

    /// How late the last call came, in nanoseconds.
    pub fn late_ns(&self) -> f64 {
        self.late_ns
    }

    /// How late calls come in the mean, in nanoseconds.
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
        let line = self.line;
        let passed_ns = relative(from_ns, first_ns) + after_ns;
        let x = (passed_ns - line.level + line.slope * line.at) / (self.nominal_ns + line.slope);
        x + relative(first_frame, from_frame)
    }
}

/// `value - from` of two counters.
fn relative(value: u64, from: u64) -> f64 {
    value.wrapping_sub(from).cast_signed() as f64
}
