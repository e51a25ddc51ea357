//! The clock of a device, from its frame counter and the times at which it called.

mod told;

use super::bend::Bend;
use super::change::{Stretch, Watch};
use super::envelope::Envelope;
use super::line::Line;
use super::slide::{Grid, Slide};

/// Largest error of a clock that is believed, in parts of its rate.
const MOST_ERROR: f64 = 2.5e-3;
/// A rate that seems to be so near to that is beyond it.
const BEYOND: f64 = 0.98;
/// Error of a clock known from before that is believed at first, in parts; it widens with a time
/// constant of this many seconds, until what is seen knows better.
const LEARNED_ERROR: f64 = 1.5e-6;
const LEARNED_S: f64 = 2.0;
/// What comes in less than this part of its time, before anything is settled, is caught up with.
const CATCHING_UP: f64 = 0.5;
/// Observations over which the mean lateness is taken.
const SPREAD_OBSERVATIONS: u32 = 2000;
/// Seconds that are looked back at where calls are late by so much in the mean, the power of the
/// lateness by which it grows, and its bounds.
const WINDOW_S: f64 = 12.0;
const WINDOW_SPREAD_NS: f64 = 25_000.0;
const WINDOW_GROWS: f64 = 0.5;
const WINDOWS_S: (f64, f64) = (8.0, 75.0);
/// Points of the envelope before a change of floor or rate is looked for, and how unsure its slope
/// may be by then, in parts: of calls that are very late the first few tell nothing.
const SETTLED_POINTS: usize = 24;
const SETTLED_UNSURE: f64 = 200e-6;
/// No slope is surer than this, in nanoseconds per frame.
const LEAST_UNSURE: f64 = 1e-6;
/// Points of the younger half of the calls before it may be taken for all, and how many times nearer
/// to their line they are by then.
const ANEW_POINTS: usize = 32;
const ANEW_NEARER: f64 = 8.0;
/// Where calls come at most so late and no later, as sharply as they come no earlier, the upper edge
/// tells the rate as well. It depends on the machine's load, so it is heard less and less, and no
/// longer after so many seconds; and not at all where its points are so much further off.
const UPPER_S: f64 = 15.0;
const UPPER_MOST: f64 = 3.0;
/// By how much a rate drifts that does, in parts a second: a device that warms up.
const DRIFT: f64 = 0.05e-6;
/// Difference of two rates that is a change of the rate, in parts.
const RATE_CHANGE: f64 = 3e-6;
/// How unsure the new rate may be, in parts, when it is taken for another.
const RATE_UNSURE: f64 = 20e-6;
/// Longest wait for a decision, in seconds.
const DECIDE_S: f64 = 10.0;
/// How unsure the new rate may be, in parts, when a change is taken for one of the floor.
const FLOOR_UNSURE: f64 = 8e-6;

/// Seconds for which all calls may be too late for the grid on which a device seems to call.
const AWAY_S: f64 = 2.0;

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
    /// What came since floor or rate seem to have changed; before anything is settled what came since
    /// half of the time, and where that began.
    candidate: Option<Envelope>,
    half: f64,
    /// Where all began that is not forgotten, and whether calls came there at a rate that no clock has.
    begun: f64,
    begun_y: f64,
    is_beyond: bool,
    /// Whether the line still holds; nothing before it is settled.
    watch: Option<Watch>,
    /// What is added to every time because the floor changed.
    floor_ns: f64,
    /// Moves of the floor that may be the clock's, along a grid; once that is sure the grid, and no more
    /// is taken for a move of the floor.
    slide: Option<Slide>,
    grid: Option<Grid>,
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
            main: Envelope::new(Bend::NONE),
            upper: Envelope::new(Bend::NONE),
            line: Line::default(),
            candidate: None,
            half: 0.0,
            begun: 0.0,
            begun_y: 0.0,
            is_beyond: false,
            watch: None,
            floor_ns: 0.0,
            slide: None,
            grid: None,
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
        let upper_share = 1.0 - x * self.nominal_ns * 1e-9 / UPPER_S;
        // What all calls are late by tells nothing of how sharp the edge is; nor do calls that may
        // have another floor, once the clock is well known.
        if self.candidate.is_none() || upper_share > 0.0 {
            self.spread_ns +=
                (late_ns.max(0.0) - self.spread_ns) / f64::from(self.seen.min(SPREAD_OBSERVATIONS));
        }
        let (slopes, window) = (self.slopes(x), self.window());
        if upper_share > 0.0 {
            self.upper.add(x, -y, window, (-slopes.1, -slopes.0));
        }
        let Some(watch) = &mut self.watch else {
            if self.is_catching_up(x, y) {
                self.begin_over(x, y, window, self.learned);
                self.join(upper_share);
                return;
            }
            self.main.add(x, y, window, slopes);
            if self.is_beyond && self.main.len() >= SETTLED_POINTS {
                // Of the first stretch with a rate that is believed a part may be of the one before.
                let is_still = is_beyond(self.main.line().slope, self.nominal_ns);
                self.begin_over(x, y, window, None);
                self.is_beyond = is_still;
            }
            self.begin_anew(x, y, window, slopes);
            self.join(upper_share);
            let settles = self.main.len() >= SETTLED_POINTS
                && unsure(&self.main) < SETTLED_UNSURE * self.nominal_ns;
            if settles {
                self.watch = Some(Watch::new(self.main.gap()));
                let second = 1e9 / self.nominal_ns;
                self.main
                    .set_bend(Bend::new(DRIFT * self.nominal_ns / second));
                self.candidate = None;
            }
            return;
        };
        let most = MOST_ERROR * self.nominal_ns;
        if let Some(grid) = &mut self.grid {
            let second = 1e9 / self.nominal_ns;
            let window = grid.window(WINDOWS_S.1 * second);
            let holds = grid.holds(x, late_ns, self.line.slope, AWAY_S * second, window);
            self.main.add(x, y, window, (-most, most));
            if !holds {
                self.begin_over(x, y, window, None);
            }
            self.join(0.0);
            return;
        }
        if let Some(slide) = &mut self.slide {
            slide.add(x, y - self.floor_ns, (-most, most));
        }
        match watch.end(x, self.main.stretch()) {
            Some(Stretch::Holds) => {
                self.candidate = None;
                watch.measure(self.main.gap());
            }
            Some(Stretch::Left(stretches)) if self.candidate.is_none() => {
                // The points of those stretches are among those before.
                self.main.forget_newest(stretches + 1, slopes);
                self.candidate = Some(Envelope::new(self.main.bend()));
            }
            _ => {}
        }
        if watch.see(late_ns) {
            // One of the calls before may have been too early as well, by less than shows.
            self.main.forget_newest(1, slopes);
            self.candidate = Some(Envelope::new(self.main.bend()));
        }
        match &mut self.candidate {
            Some(candidate) => {
                candidate.add(x, y, window, (-most, most));
                self.decide(x, y, window);
            }
            None => self.main.add(x, y, window, slopes),
        }
        self.join(upper_share);
    }

    /// Whether what came since the beginning came in less than half of its time: a device that stood
    /// still calls for all at once, and of those calls the last one is the least late.
    fn is_catching_up(&self, x: f64, y: f64) -> bool {
        let nominal_ns = (x - self.begun) * self.nominal_ns;
        y - self.begun_y < -CATCHING_UP * nominal_ns
    }

    /// Before anything is settled the first calls may have had another floor, and a line through
    /// theirs and the one since is none: where the calls of the younger half of the time lie so much
    /// nearer to a line of their own, that is the clock's. What was learned need not agree with it.
    fn begin_anew(&mut self, x: f64, y: f64, window: f64, slopes: (f64, f64)) {
        let candidate = self.candidate.get_or_insert_with(|| {
            self.half = x;
            Envelope::new(Bend::NONE)
        });
        let most = MOST_ERROR * self.nominal_ns;
        candidate.add(x, y, window, (-most, most));
        if candidate.len() < ANEW_POINTS {
            return;
        }
        if candidate.gap() * ANEW_NEARER < self.main.gap() {
            let slope = candidate.line().slope;
            if slope < slopes.0 || slope > slopes.1 {
                self.learned = None;
            }
            if let Some(candidate) = self.candidate.take() {
                self.main = candidate;
                self.upper = Envelope::new(Bend::NONE);
            }
        } else if x - self.begun > 2.0 * (self.half - self.begun) {
            self.candidate = None;
        }
    }

    /// No clock has such a rate: times and frames do not belong together for a while, and points of it
    /// would bend the line for as long as it looks back. All is found out as in the beginning, from the
    /// call at `x` on, but for what was `learned`.
    fn begin_over(&mut self, x: f64, y: f64, window: f64, learned: Option<f64>) {
        (self.main, self.upper) = (Envelope::new(Bend::NONE), Envelope::new(Bend::NONE));
        (self.candidate, self.watch, self.learned) = (None, None, learned);
        (self.slide, self.grid) = (None, None);
        (self.begun, self.begun_y) = (x, y);
        self.main.add(x, y, window, self.slopes(x));
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

    /// Decides what changed, once enough came since.
    fn decide(&mut self, x: f64, y: f64, window: f64) {
        let (Some(candidate), Some(watch)) = (&self.candidate, &mut self.watch) else {
            return;
        };
        if watch.left() < 2 || candidate.len() < SETTLED_POINTS {
            return;
        }
        let (before, since) = (self.line, candidate.line());
        if is_beyond(since.slope, self.nominal_ns) {
            self.begin_over(x, y, window, None);
            self.is_beyond = true;
            return;
        }
        let span = candidate.span();
        let (before_unsure, unsure) = (unsure(&self.main), unsure(candidate));
        let difference = (since.slope - before.slope(since.at)).abs();
        let change = RATE_CHANGE * self.nominal_ns;
        let late = span * self.nominal_ns * 1e-9 > DECIDE_S;
        let sure = if unsure < RATE_UNSURE * self.nominal_ns {
            3.0
        } else {
            8.0
        };
        if difference > 2.0 * change + sure * unsure || late && difference > change + unsure {
            // The rate: what was before, or learned, says nothing of it.
            (self.learned, self.slide) = (None, None);
            if let Some(candidate) = self.candidate.take() {
                self.main = candidate;
            }
            watch.holds();
        } else if late || unsure < FLOOR_UNSURE * self.nominal_ns && difference < change + unsure {
            // The floor: what comes now is moved onto the line. Between the middles of both the rate
            // may have wandered: there it is what both say, each as far as it is sure.
            let (old, new) = (before_unsure.max(LEAST_UNSURE), unsure.max(LEAST_UNSURE));
            let weight = old * old / (old * old + new * new);
            let far = since.at - before.at;
            let bent = 0.5 * before.curve * far;
            let (old, new) = (before.slope + bent, since.slope - bent);
            let slope = old + weight * (new - old);
            let by_ns = since.level - before.level - slope * far;
            watch.holds();
            self.floor_moves(by_ns);
        }
    }

    /// The floor moves by so much, and the line holds; but where such moves go on and on, the line is
    /// that of all calls since the first of them.
    fn floor_moves(&mut self, by_ns: f64) {
        let Some(mut candidate) = self.candidate.take() else {
            return;
        };
        let goes_on = |slide: &mut Slide| slide.goes_on(candidate.began(), by_ns);
        let slide = self.slide.take_if(goes_on).unwrap_or_else(|| {
            candidate.shift(-self.floor_ns);
            Slide::new(by_ns, candidate)
        });
        self.floor_ns -= by_ns;
        if let Some((edge, grid)) = slide.clock() {
            (self.main, self.floor_ns) = (edge, 0.0);
            (self.learned, self.slide, self.grid) = (None, None, Some(grid));
        } else {
            self.slide = Some(slide);
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
}

/// Whether no clock has a rate of such a slope.
fn is_beyond(slope: f64, nominal_ns: f64) -> bool {
    slope.abs() > BEYOND * MOST_ERROR * nominal_ns
}

/// By how much a slope may be wrong, in nanoseconds per frame.
fn unsure(edge: &Envelope) -> f64 {
    4.0 * edge.gap() / edge.span()
}

/// `value - from` of two counters.
fn relative(value: u64, from: u64) -> f64 {
    value.wrapping_sub(from).cast_signed() as f64
}
