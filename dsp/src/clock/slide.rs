//! Whether moves of a floor are steps of a clock along the grid on which its device calls.

use super::bend::Bend;
use super::envelope::Envelope;

/// Steps that are no chance: of 85,000 jumps of floors to any height, or to one of four, no such four were
/// in one direction, alike and even.
const STEPS: usize = 4;
/// A move is a step if it is as far as those before to this part: on a grid all are known to a few
/// thousandths.
const ALIKE: f64 = 0.05;
/// A clock is nowhere further than so many steps from where it would be if it went evenly from the first
/// step to the last.
const EVEN: f64 = 0.5;
/// The clock is a line through so many steps at least: one of them tells nothing of the rate.
const LINE_STEPS: f64 = 6.0;
/// Of a grid one call in each step's time is in time; none is later than a step, beyond what it is late
/// by chance. Where all calls are later than so many steps, or one comes so many too early, the clock is
/// not on this grid.
const MOST_LATE: f64 = 1.5;
const MOST_EARLY: f64 = 0.5;
/// Where its steps end, its line tilts. A line that tilts by this part of what they make of it, faster than
/// a clock that warms up, is none of a grid.
const MOST_TILT: f64 = 0.25;

/// Moves of a floor that are alike and in one direction, and the lower edge of all calls since the first
/// of them.
#[derive(Clone, Debug)]
pub(super) struct Slide {
    /// Of the times as they came, no floor taken away.
    edge: Envelope,
    moves: usize,
    sum_ns: f64,
    /// Where the newest moves were, oldest first.
    at: [f64; STEPS],
}

impl Slide {
    /// The floor moved by so much; the calls since then have this edge.
    pub(super) fn new(by_ns: f64, mut edge: Envelope) -> Self {
        edge.set_bend(Bend::NONE);
        Self {
            moves: 1,
            sum_ns: by_ns,
            at: [edge.began(); STEPS],
            edge,
        }
    }

    /// A call, as it came.
    pub(super) fn add(&mut self, x: f64, y: f64, slopes: (f64, f64)) {
        self.edge.add(x, y, f64::INFINITY, slopes);
    }

    /// The floor moved at `x` by so much; whether that is a step like those before.
    pub(super) fn goes_on(&mut self, x: f64, by_ns: f64) -> bool {
        let step_ns = self.step_ns();
        if (by_ns - step_ns).abs() > ALIKE * step_ns.abs() {
            return false;
        }
        self.moves += 1;
        self.sum_ns += by_ns;
        self.at.rotate_left(1);
        self.at[STEPS - 1] = x;
        true
    }

    fn step_ns(&self) -> f64 {
        self.sum_ns / self.moves as f64
    }

    /// The edge of the times as they came and its grid, if these moves are the clock's.
    pub(super) fn clock(&self) -> Option<(Envelope, Grid)> {
        let spacing = (self.at[STEPS - 1] - self.at[0]) / (STEPS - 1) as f64;
        let is_even = |(step, at): (usize, f64)| {
            let even = self.at[0] + step as f64 * spacing;
            (at - even).abs() <= EVEN * spacing
        };
        let is_clock = self.moves >= STEPS && self.at.into_iter().enumerate().all(is_even);
        is_clock.then(|| {
            let grid = Grid {
                step_ns: self.step_ns().abs(),
                spacing,
                slope: self.edge.line().slope,
                in_time: self.edge.newest(),
                last: self.edge.newest(),
            };
            (self.edge.clone(), grid)
        })
    }
}

/// A grid along which a clock slides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    step_ns: f64,
    /// From step to step, in frames.
    spacing: f64,
    /// Slope of the clock's line, in the mean over a window.
    slope: f64,
    /// The last call that was not too late for it, and the last call.
    in_time: f64,
    last: f64,
}

impl Grid {
    /// The clock's line is drawn from calls back to so long ago, in frames.
    pub(super) fn window(&self, least: f64) -> f64 {
        least.max(LINE_STEPS * self.spacing)
    }

    /// A call at `x` came so much later than the clock says, whose line has this slope; whether the clock
    /// may still be on this grid, where calls come too late for `away` frames at most.
    pub(super) fn holds(
        &mut self,
        x: f64,
        late_ns: f64,
        slope: f64,
        away: f64,
        window: f64,
    ) -> bool {
        if late_ns < MOST_LATE * self.step_ns {
            self.in_time = x;
        }
        let tilt = slope - self.slope;
        self.slope += tilt * ((x - self.last) / window).min(1.0);
        self.last = x;
        late_ns > -MOST_EARLY * self.step_ns
            && x - self.in_time < away
            && tilt.abs() < MOST_TILT * self.step_ns / self.spacing
    }
}
