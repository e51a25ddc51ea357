//! The lower edge of when a device called, found once all calls are known: the rate of its clock.
//!
//! Calls come late, never early, so that the clock is the lower edge of frames against times. What
//! must not tilt the edge: calls that are very late, a few time stamps that are early, and a floor,
//! the least lateness, that is another one for a stretch. Of short runs of calls only the earliest
//! is kept; stretches whose floor or whose lateness differs are told apart, each with a level and a
//! mean lateness of its own; what lies further below all others of its stretch than chance puts it
//! is an early stamp, and goes. The slope common to all stretches is the mean of all that are likely,
//! where lateness is exponential.

/// Calls of which the earliest is kept: of that many the lateness is about exponential, whatever it
/// is of one. Of few calls more are kept, of many no more than so many.
const RUN: usize = 4;
const POINTS: (usize, usize) = (16, 240);
/// Parts in which the first guess of the slope sees the calls, and how far apart two of them are of
/// which a slope is taken: what lies to both sides of one jump of the floor is the lesser part.
const GUESS_PARTS: usize = 24;
const GUESS_APART: usize = 6;
/// Of so many points one may be an early stamp, and more of them are none.
const LOWEST: usize = 24;
/// Of many points the lowest lie apart by their mean distance over their number, in the mean: one
/// that is further below all others by so many times that is an early stamp.
const EARLY: f64 = 30.0;
/// Points count as no later than so many times the middle one: how late they are then is no matter of
/// the floor.
const LATE: f64 = 4.0;
/// Stretches, at most; the shortest, as a part of all points; and where they may end, as parts.
const STRETCHES: usize = 4;
const SHORTEST: usize = 8;
const ENDS: usize = 24;
/// How much more likely another stretch must make the points, as a logarithm: its level, its mean
/// and its end are three numbers that can be had of any points.
const GAIN: f64 = 40.0;
/// Steps to each side in which slopes are tried, how often they become finer, and by how much.
const STEPS: i32 = 3;
const FINER: i32 = 8;
const BY: f64 = 3.0;
/// Slopes that are less likely than the best by this, as a logarithm, are not.
const UNLIKELY: f64 = 12.0;
/// Largest error that is looked for, in parts of the rate.
const MOST_ERROR: f64 = 5e-3;
/// Times are whole nanoseconds.
const LEAST_NS: f64 = 1.0;

/// What the calls tell.
#[derive(Clone, Debug)]
pub(super) struct Edge {
    /// Error of the clock in parts of its rate, positive for a fast clock.
    pub(super) error: f64,
    /// How late each call came, in nanoseconds; 0 where its stamp is early.
    pub(super) late_ns: Vec<f64>,
}

/// Finds the edge of calls, at least one: the frame behind each, and its time in nanoseconds, in their
/// order.
pub(super) fn edge(calls: &[(u64, u64)], rate_hz: f64) -> Edge {
    let nominal_ns = 1e9 / rate_hz;
    let origin = calls.first().copied().unwrap_or_default();
    let mut points: Vec<(f64, f64)> = calls
        .iter()
        .map(|&(frame, time_ns)| {
            let x = frame.abs_diff(origin.0) as f64 * nominal_ns;
            (x, time_ns.abs_diff(origin.1) as f64 - x)
        })
        .collect();
    let guess = guess(&points);
    for (x, y) in &mut points {
        *y -= guess * *x;
    }
    let run = RUN.min(points.len() / POINTS.0).max(1);
    let kept = earliest(&points, run.max(points.len().div_ceil(POINTS.1)));
    let rough = Stretches::find(&kept);
    let (kept, ends) = rough.without_early();
    let stretches = Stretches {
        points: &kept,
        ends,
        unheard: 0,
    };
    let slope = stretches.mean_slope();
    let late_ns = points
        .iter()
        .map(|&(x, y)| (y - slope * x - stretches.level(x, slope)).max(0.0))
        .collect();
    Edge {
        error: 1.0 / (1.0 + guess + slope) - 1.0,
        late_ns,
    }
}

/// The median of the slopes between the earliest calls of parts that are some way apart.
fn guess(points: &[(f64, f64)]) -> f64 {
    let parts = earliest(points, points.len().div_ceil(GUESS_PARTS).max(1));
    let apart = (1..=GUESS_APART).rev().find(|&apart| apart < parts.len());
    let Some(apart) = apart else { return 0.0 };
    let pairs = (apart.div_ceil(2)..=apart).flat_map(|apart| {
        let pairs = parts.iter().zip(&parts[apart..]);
        pairs.map(|(a, b)| (b.1 - a.1) / (b.0 - a.0).max(LEAST_NS))
    });
    median(pairs.collect()).clamp(-MOST_ERROR, MOST_ERROR)
}

/// The earliest of each run of so many points.
fn earliest(points: &[(f64, f64)], run: usize) -> Vec<(f64, f64)> {
    let runs = points.chunks(run);
    runs.filter_map(|run| run.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1)))
        .collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// Points, and where one stretch of them ends and the next begins.
struct Stretches<'a> {
    points: &'a [(f64, f64)],
    ends: Vec<usize>,
    /// Of so many points one is not heard as the lowest; 0 if all are.
    unheard: usize,
}

impl<'a> Stretches<'a> {
    /// Parts what is not of one floor and one lateness.
    fn find(points: &'a [(f64, f64)]) -> Self {
        let mut found = Self {
            points,
            ends: vec![points.len()],
            unheard: LOWEST,
        };
        let mut best = found.best_slope();
        let shortest = points.len() / SHORTEST;
        if shortest < 2 {
            return found;
        }
        while found.ends.len() < STRETCHES {
            let ends = (1..ENDS).map(|part| part * points.len() / ENDS);
            let tried = ends
                .filter_map(|end| found.with_end(end, shortest))
                .map(|ends| Self { ends, ..found })
                .map(|tried| (tried.best_slope(), tried));
            let likeliest = tried.min_by(|a, b| a.0.1.total_cmp(&b.0.1));
            match likeliest {
                Some((other, tried)) if best.1 - other.1 > GAIN => {
                    (best, found) = (other, tried);
                }
                _ => break,
            }
        }
        found
    }

    /// The ends with another one, where no stretch becomes too short.
    fn with_end(&self, end: usize, shortest: usize) -> Option<Vec<usize>> {
        let mut ends = self.ends.clone();
        ends.insert(ends.partition_point(|&other| other < end), end);
        let begins = [0].into_iter().chain(ends.iter().copied());
        let is_long = |(begin, end): (usize, usize)| end >= begin + shortest;
        begins
            .zip(ends.iter().copied())
            .all(is_long)
            .then_some(ends)
    }

    fn each(&self) -> impl Iterator<Item = &'a [(f64, f64)]> {
        let begins = [0].into_iter().chain(self.ends.iter().copied());
        let points = self.points;
        begins
            .zip(&self.ends)
            .map(move |(begin, &end)| &points[begin..end])
    }

    /// The points without early stamps, and where their stretches end.
    fn without_early(&self) -> (Vec<(f64, f64)>, Vec<usize>) {
        let slope = self.best_slope().0;
        let (mut kept, mut ends) = (Vec::with_capacity(self.points.len()), Vec::new());
        for points in self.each() {
            let distance = |&(x, y): &(f64, f64)| y - slope * x;
            let mut sorted: Vec<f64> = points.iter().map(distance).collect();
            sorted.sort_by(f64::total_cmp);
            let unheard = self.unheard(points.len());
            let mean = median(sorted.clone()) - sorted[unheard];
            let most = EARLY * (mean / points.len() as f64).max(LEAST_NS);
            let is_apart = |&lowest: &usize| sorted[lowest] > sorted[lowest - 1] + most;
            let floor = sorted[(1..=unheard).rev().find(is_apart).unwrap_or(0)];
            kept.extend(points.iter().filter(|point| distance(point) >= floor));
            ends.push(kept.len());
        }
        (kept, ends)
    }

    /// How many of so many points are not heard as the lowest.
    fn unheard(&self, points: usize) -> usize {
        match self.unheard {
            0 => 0,
            each => points.div_ceil(each).min(points - 1),
        }
    }

    /// How unlikely the points are by a slope, as a logarithm: each stretch has the highest line below
    /// its points, and the mean distance from it.
    fn unlikely(&self, slope: f64) -> f64 {
        let of_stretch = |points: &[(f64, f64)]| {
            let count = points.len() as f64;
            let mut distances: Vec<f64> = points.iter().map(|&(x, y)| y - slope * x).collect();
            let unheard = self.unheard(points.len());
            let level = *distances.select_nth_unstable_by(unheard, f64::total_cmp).1;
            let middle = points.len() / 2;
            let median = *distances.select_nth_unstable_by(middle, f64::total_cmp).1;
            let most = LATE * (median - level);
            let above = distances
                .iter()
                .map(|distance| (distance - level).max(0.0).min(most));
            (count - 1.0) * (above.sum::<f64>() / count + LEAST_NS).ln()
        };
        self.each().map(of_stretch).sum()
    }

    /// The slope by which the points are the least unlikely, and how unlikely they are by it.
    fn best_slope(&self) -> (f64, f64) {
        let mut step = MOST_ERROR / f64::from(STEPS);
        let mut best = (0.0, self.unlikely(0.0));
        for _ in 0..=FINER {
            let middle: f64 = best.0;
            for steps in -STEPS..=STEPS {
                let slope = middle + f64::from(steps) * step;
                let unlikely = self.unlikely(slope);
                if unlikely < best.1 {
                    best = (slope, unlikely);
                }
            }
            step /= BY;
        }
        best
    }

    /// The mean of all slopes, each as likely as it makes the points.
    fn mean_slope(&self) -> f64 {
        let (best, least) = self.best_slope();
        // How far to each side slopes are likely.
        let width = |side: f64| {
            let mut width = LEAST_NS * 1e-12;
            while width < MOST_ERROR && self.unlikely(best + side * width) < least + UNLIKELY {
                width *= 1.5;
            }
            width
        };
        let (low, high) = (best - width(-1.0), best + width(1.0));
        let (mut weight, mut sum) = (0.0, 0.0);
        for step in 0..=200 {
            let slope = low + (high - low) * f64::from(step) / 200.0;
            let likely = (least - self.unlikely(slope)).exp();
            weight += likely;
            sum += likely * slope;
        }
        sum / weight
    }

    /// The floor at `x` by this slope.
    fn level(&self, x: f64, slope: f64) -> f64 {
        let is_in = |points: &&[(f64, f64)]| points.last().is_some_and(|last| x <= last.0);
        let stretch = self.each().find(is_in).or_else(|| self.each().last());
        let heights = stretch.into_iter().flatten().map(|&(x, y)| y - slope * x);
        heights.fold(f64::INFINITY, f64::min)
    }
}

#[cfg(test)]
mod tests;
