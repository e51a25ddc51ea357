//! The lower edge of late observations: a straight line below all of them.

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

/// A straight line `y = level + slope * (x - at)`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Line {
    pub(super) at: f64,
    pub(super) level: f64,
    pub(super) slope: f64,
}

impl Line {
    pub(super) fn y(&self, x: f64) -> f64 {
        self.level + self.slope * (x - self.at)
    }
}

/// Points of which each is the lowest of its stretch of x, and the line below them.
///
/// Lateness is never negative, so the truth is the lower edge. Of all lines below the points this
/// is the one with the least sum of distances: the edge of the convex hull across their middle. For
/// exponential lateness that is the most likely line, and for uniform lateness its error falls with
/// the number of observations, not with the root of it.
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
}

impl Envelope {
    /// Nothing seen.
    pub(super) fn new() -> Self {
        Self {
            points: [(0.0, 0.0); POINTS],
            len: 0,
            first: 0,
            stretch: 0.0,
            newest_began: f64::NEG_INFINITY,
            line: Line::default(),
            gap: 0.0,
            group: GROUP,
        }
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

    /// Takes an observation behind all others, and forgets what lies further back than `window`.
    /// The slope stays between `slopes`.
    pub(super) fn add(&mut self, x: f64, y: f64, window: f64, slopes: (f64, f64)) {
        let begins = x - self.newest_began >= self.stretch;
        let is_lower = self.len == 0 || y < self.line.y(x);
        if begins {
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

    fn fit(&mut self, (least, most): (f64, f64)) {
        let count = self.len as f64;
        let mut middle = 0.0;
        // The lower convex hull, left to right.
        let mut hull = [0u8; POINTS];
        let mut top = 0;
        for index in 0..self.len {
            let (x, y) = self.point(index);
            middle += x / count;
            while top >= 2 {
                let (ax, ay) = self.point(usize::from(hull[top - 2]));
                let (bx, by) = self.point(usize::from(hull[top - 1]));
                if (by - ay) * (x - bx) < (y - by) * (bx - ax) {
                    break;
                }
                top -= 1;
            }
            hull[top] = index as u8;
            top += 1;
        }
        if top < 2 {
            (self.line.at, self.line.level) = self.point(0);
            self.line.slope = self.line.slope.max(least).min(most);
            return;
        }
        // The most likely line: the edge across the middle.
        let mut edge = 1;
        while edge + 1 < top && self.point(usize::from(hull[edge])).0 < middle {
            edge += 1;
        }
        let (ax, ay) = self.point(usize::from(hull[edge - 1]));
        let (bx, by) = self.point(usize::from(hull[edge]));
        let likely = Line {
            at: ax,
            level: ay,
            slope: (by - ay) / (bx - ax),
        };
        let groups = self.measure_gap(likely);
        // The mean of all lines below the points, each as likely as exponential lateness makes it.
        // A vertex holds the lines whose slopes lie between those of its two edges.
        let sharp = SHARPNESS * groups / self.gap.max(LEAST_GAP);
        let (mut weight, mut slope, mut level) = (0.0, 0.0, 0.0);
        let mut from = least - likely.slope;
        for vertex in 0..top {
            let (x, y) = self.point(usize::from(hull[vertex]));
            let to = if vertex + 1 < top {
                let (next_x, next_y) = self.point(usize::from(hull[vertex + 1]));
                (next_y - y) / (next_x - x) - likely.slope
            } else {
                f64::INFINITY
            };
            let to = to.min(most - likely.slope);
            if to > from {
                let part = below(x - middle, y - likely.y(x), from, to, sharp);
                weight += part[0];
                slope += part[1];
                level += part[2];
                from = to;
            }
        }
        if weight > 0.0 {
            self.line = Line {
                at: middle,
                level: likely.y(middle) + level / weight - 1.0 / sharp,
                slope: likely.slope + slope / weight,
            };
        } else {
            self.line = Line {
                slope: likely.slope.max(least).min(most),
                ..likely
            };
        }
    }
}

impl Envelope {
    /// Measures the gap; how many groups there are.
    fn measure_gap(&mut self, line: Line) -> f64 {
        let (mut sum, mut groups) = (0.0, 0.0);
        // A few points of another floor are no measure of this one.
        let most = if self.len >= MEAN_POINTS {
            GAPS_MOST * self.gap
        } else {
            f64::INFINITY
        };
        for group in 0..(self.len / self.group).max(1) {
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
        groups
    }
}

/// Of the lines through a point `x` from the middle and `y` high with slopes from `from` to `to`: the
/// sum of their likelihoods, of their slopes, and of their levels in the middle.
fn below(x: f64, y: f64, from: f64, to: f64, sharp: f64) -> [f64; 3] {
    let (high, low) = (y - from * x, y - to * x);
    let rate = sharp * x;
    if (sharp * (high - low)).abs() < 1e-4 {
        let (slope, level) = (0.5 * (from + to), 0.5 * (high + low));
        let weight = (to - from) * libm::exp(sharp * level);
        return [weight, weight * slope, weight * level];
    }
    let (begin, end) = (libm::exp(sharp * high), libm::exp(sharp * low));
    let weight = (begin - end) / rate;
    let slopes = (from * begin - to * end) / rate + weight / rate;
    let levels = (high * begin - low * end) / rate - weight / sharp;
    [weight, slopes, levels]
}
