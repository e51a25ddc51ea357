//! The lines below points: the most likely one and the mean of all.

use super::line::Line;

/// A lower convex hull, left to right: how far its vertices are from the middle of all points, and
/// how high once a curve is taken away.
///
/// Lateness is never negative, so the truth is the lower edge. Of all lines below the points that
/// with the least sum of distances is the edge of the hull across the middle. For exponential
/// lateness it is the most likely line, and for uniform lateness its error falls with the number of
/// observations, not with the root of it.
pub(super) struct Hull<const POINTS: usize> {
    vertices: [(f64, f64); POINTS],
    len: usize,
    middle: f64,
    curve: f64,
}

impl<const POINTS: usize> Hull<POINTS> {
    /// Below `points`, of which the middle is known, once so much of a curve is taken away.
    pub(super) fn new(points: impl Iterator<Item = (f64, f64)>, middle: f64, curve: f64) -> Self {
        let mut hull = Self {
            vertices: [(0.0, 0.0); POINTS],
            len: 0,
            middle,
            curve,
        };
        for (x, y) in points.take(POINTS) {
            let far = x - middle;
            hull.push(far, y - 0.5 * curve * far * far);
        }
        hull
    }

    fn push(&mut self, x: f64, y: f64) {
        while let [.., (ax, ay), (bx, by)] = self.vertices[..self.len] {
            if (by - ay) * (x - bx) < (y - by) * (bx - ax) {
                break;
            }
            self.len -= 1;
        }
        self.vertices[self.len] = (x, y);
        self.len += 1;
    }

    /// The most likely line: the edge across the middle. There are two points at least.
    pub(super) fn likely(&self) -> Line {
        let mut edge = 1;
        while edge + 1 < self.len && self.vertices[edge].0 < 0.0 {
            edge += 1;
        }
        let (ax, ay) = self.vertices[edge - 1];
        let (bx, by) = self.vertices[edge];
        let slope = (by - ay) / (bx - ax);
        Line {
            at: self.middle,
            level: ay - slope * ax,
            slope,
            curve: self.curve,
            reach: self.vertices[self.len - 1].0 - self.vertices[0].0,
        }
    }

    /// The mean of all lines below the points with slopes from `least` to `most`, each as likely as
    /// exponential lateness makes it; and the sum of their likelihoods, that of the `likely` one
    /// being 1.
    pub(super) fn mean(&self, likely: Line, sharp: f64, (least, most): (f64, f64)) -> (Line, f64) {
        // A vertex holds the lines whose slopes lie between those of its two edges.
        let (mut weight, mut slope, mut level) = (0.0, 0.0, 0.0);
        let mut from = least - likely.slope;
        let vertices = &self.vertices[..self.len];
        for (index, &(x, y)) in vertices.iter().enumerate() {
            let to = match vertices.get(index + 1) {
                Some((next_x, next_y)) => (next_y - y) / (next_x - x) - likely.slope,
                None => f64::INFINITY,
            };
            let to = to.min(most - likely.slope);
            if to > from {
                let part = below(x, y - likely.level - likely.slope * x, from, to, sharp);
                weight += part[0];
                slope += part[1];
                level += part[2];
                from = to;
            }
        }
        let mut line = likely;
        if weight > 0.0 {
            line.level += level / weight - 1.0 / sharp;
            line.slope += slope / weight;
        } else {
            line.slope = likely.slope.max(least).min(most);
        }
        (line, weight)
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
