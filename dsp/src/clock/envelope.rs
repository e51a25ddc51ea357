//! The lower edge of late observations: a line below all of them that bends as the clock drifts.

use super::bend::Bend;
use super::hull::Hull;
use super::line::Line;

/// Most points that are kept.
const POINTS: usize = 128;

/// Observations whose lowest is near the floor.
const GROUP: usize = 4;

/// A distance counts as no more than so many mean ones, once there are so many points: of fewer the
/// mean may be next to nothing.
const GAPS_MOST: f64 = 4.0;
const MEAN_POINTS: usize = 24;

/// Likelihoods fall so much faster with the distance than those of exponential lateness; found by
/// trying, for uniform lateness.
const SHARPNESS: f64 = 1.4;

/// Least distance that is told from none: times are whole nanoseconds.
const LEAST_GAP: f64 = 1.0;

/// Points of which each is the lowest of its stretch of x, and the line below them.
#[derive(Clone, Debug)]
pub(super) struct Envelope {
    points: [(f64, f64); POINTS],
    /// Of points in the ring, oldest first from `first`.
    len: usize,
    first: usize,
    /// Length of a point's stretch, and where the newest one began.
    stretch: f64,
    newest_began: f64,
    line: Line,
    /// Mean distance from the line of the lowest points of groups, and points of a group: of single
    /// observations the lowest is not yet told by the shape of the lateness near its floor.
    gap: f64,
    group: usize,
    bend: Bend,
}

impl Envelope {
    /// Nothing seen, of a clock of which this much is known.
    pub(super) fn new(bend: Bend) -> Self {
        Self {
            points: [(0.0, 0.0); POINTS],
            len: 0,
            first: 0,
            stretch: 0.0,
            newest_began: f64::NEG_INFINITY,
            line: Line::default(),
            gap: 0.0,
            group: GROUP,
            bend,
        }
    }

    /// How the line bends.
    pub(super) fn bend(&self) -> Bend {
        self.bend
    }

    /// From here on it may bend.
    pub(super) fn set_bend(&mut self, bend: Bend) {
        self.bend = bend;
    }

    pub(super) fn line(&self) -> Line {
        self.line
    }

    /// Mean distance of the points from the line.
    pub(super) fn gap(&self) -> f64 {
        self.gap
    }

    /// Length of x of which a point is the lowest.
    pub(super) fn stretch(&self) -> f64 {
        self.stretch
    }

    /// Points.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Length of x seen.
    pub(super) fn span(&self) -> f64 {
        if self.len == 0 {
            return 0.0;
        }
        self.point(self.len - 1).0 - self.point(0).0
    }

    /// Where the oldest point is, and the newest.
    pub(super) fn began(&self) -> f64 {
        self.point(0).0
    }

    pub(super) fn newest(&self) -> f64 {
        self.point(self.len.max(1) - 1).0
    }

    /// Takes an observation behind all others, and forgets what lies further back than `window`.
    /// The slope stays between `slopes`.
    pub(super) fn add(&mut self, x: f64, y: f64, window: f64, slopes: (f64, f64)) {
        let begins = x - self.newest_began >= self.stretch;
        let is_lower = self.len == 0 || y < self.line.y(x);
        if begins {
            self.see_bend(slopes);
            self.make_room(x, window);
            *self.slot(self.len) = (x, y);
            self.len += 1;
            self.newest_began =
                if self.newest_began.is_finite() && x - self.newest_began < 2.0 * self.stretch {
                    self.newest_began + self.stretch
                } else {
                    x
                };
        } else {
            let (line, newest) = (self.line, self.slot(self.len - 1));
            if y - line.y(x) < newest.1 - line.y(newest.0) {
                *newest = (x, y);
            } else {
                return;
            }
        }
        if begins || is_lower {
            self.fit(slopes);
        }
    }

    /// Forgets the newest points, and what they did to the line.
    pub(super) fn forget_newest(&mut self, points: usize, slopes: (f64, f64)) {
        self.len -= points.min(self.len - 1);
        self.newest_began = f64::NEG_INFINITY;
        self.fit(slopes);
    }

    /// All of it was so much later.
    pub(super) fn shift(&mut self, by: f64) {
        self.points.iter_mut().for_each(|point| point.1 += by);
        self.line.level += by;
    }

    fn point(&self, index: usize) -> (f64, f64) {
        self.points[(self.first + index) % POINTS]
    }

    fn slot(&mut self, index: usize) -> &mut (f64, f64) {
        &mut self.points[(self.first + index) % POINTS]
    }

    fn make_room(&mut self, x: f64, window: f64) {
        while self.len > 2 && x - self.point(1).0 > window {
            self.first = (self.first + 1) % POINTS;
            self.len -= 1;
        }
        if self.len < POINTS {
            return;
        }
        // The window is longer than the points reach: two stretches become one.
        let (line, span) = (self.line, x - self.point(0).0);
        let above = |(x, y): (f64, f64)| y - line.y(x);
        for pair in 0..POINTS / 2 {
            let (a, b) = (self.point(2 * pair), self.point(2 * pair + 1));
            *self.slot(pair) = if above(a) <= above(b) { a } else { b };
        }
        self.len = POINTS / 2;
        self.group = (self.group / 2).max(1);
        self.stretch = (2.0 * self.stretch).max(span / (POINTS / 2) as f64);
    }

    /// The lower hull once so much of a curve is taken away.
    fn hull(&self, middle: f64, curve: f64) -> Hull<POINTS> {
        Hull::new((0..self.len).map(|index| self.point(index)), middle, curve)
    }

    fn middle(&self) -> f64 {
        let count = self.len as f64;
        (0..self.len).map(|index| self.point(index).0 / count).sum()
    }

    fn fit(&mut self, slopes: (f64, f64)) {
        if self.len < 2 {
            (self.line.at, self.line.level) = self.point(0);
            self.line.slope = self.line.slope.max(slopes.0).min(slopes.1);
            return;
        }
        let hull = self.hull(self.middle(), self.bend.curve());
        let likely = hull.likely();
        self.measure_gap(likely);
        self.line = hull.mean(likely, self.sharp(), slopes).0;
    }

    /// By how much a likelihood falls with each nanosecond by which a line is lower in the middle.
    fn sharp(&self) -> f64 {
        SHARPNESS * self.groups() as f64 / self.gap.max(LEAST_GAP)
    }

    /// Compares the likelihoods of all lines that bend a little less, as they seem to, and a little
    /// more.
    fn see_bend(&mut self, slopes: (f64, f64)) {
        let Some(by) = self.bend.step() else {
            return;
        };
        if self.len < MEAN_POINTS {
            return;
        }
        let (middle, sharp) = (self.middle(), self.sharp());
        let squares = (0..self.len).map(|index| {
            let far = self.point(index).0 - middle;
            far * far
        });
        let square = squares.sum::<f64>() / self.len as f64;
        let likelihoods = [-by, 0.0, by].map(|by| {
            let curve = self.bend.seen() + by;
            let hull = self.hull(middle, curve);
            let likely = hull.likely();
            let (_, weight) = hull.mean(likely, sharp, slopes);
            // The sum of the distances is less by what the line is higher, in the mean of all points.
            sharp * (likely.level + 0.5 * curve * square) + libm::log(weight)
        });
        self.bend.see(by, likelihoods);
    }

    fn groups(&self) -> usize {
        (self.len / self.group).max(1)
    }

    fn measure_gap(&mut self, line: Line) {
        let (mut sum, mut groups) = (0.0, 0.0);
        // A few points of another floor are no measure of this one. Where all points are on the line, the
        // mean is rounding, of either sign, and no measure of anything.
        let most = if self.len >= MEAN_POINTS {
            GAPS_MOST * self.gap.max(LEAST_GAP)
        } else {
            f64::INFINITY
        };
        for group in 0..self.groups() {
            let points = group * self.group..((group + 1) * self.group).min(self.len);
            let distances = points.map(|index| {
                let (x, y) = self.point(index);
                y - line.y(x)
            });
            sum += distances.fold(f64::INFINITY, f64::min).min(most);
            groups += 1.0;
        }
        // Two of the points are on the line.
        self.gap = sum / (groups - 2.0f64).max(1.0);
    }
}
