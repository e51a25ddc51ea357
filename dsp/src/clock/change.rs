//! Whether the lower edge of a clock's calls has left its line.

/// Distance at which the lowest calls of stretches speak of a change: nanoseconds, and mean distances
/// of the points for so many stretches in a row. A distance of exponential lateness is as unlikely
/// in each of these, but for the first, which but asks for the next.
const CHANGE_NS: f64 = 2_000.0;
const CHANGE_GAPS: [(usize, f64); 1] = [(1, 9.0)];
/// The same for a call that came too early to be of this line.
const EARLY_NS: f64 = 1_000.0;
const EARLY_GAPS: f64 = 3.0;
/// A change is over where a stretch is nearer than this part of what began it.
const OVER: f64 = 0.5;
/// Weight of a stretch in the mean distance that these are measured by.
const GAP_WEIGHT: f64 = 0.05;
/// Fewest observations of a stretch.
const STRETCH_LEAST: u32 = 4;
/// Stretches that are remembered.
const KEPT: usize = 8;

/// What a stretch tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stretch {
    /// The line holds.
    Holds,
    /// So many stretches have left it.
    Left(usize),
}

/// Watches how far the lowest calls are from a line, stretch by stretch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch {
    gap_ns: f64,
    /// Lowest distance in this stretch, where it began, and its calls.
    lowest_ns: f64,
    began: f64,
    calls: u32,
    /// Lowest distances of the stretches before that held, newest first.
    before_ns: [f64; KEPT],
    /// How far calls stay from the line while it is left, above or below, and for how many stretches.
    stays_ns: Option<f64>,
    left: u32,
}

impl Watch {
    /// Of a line from which points are `gap_ns` in the mean.
    pub(super) fn new(gap_ns: f64) -> Self {
        Self {
            gap_ns,
            lowest_ns: f64::INFINITY,
            began: 0.0,
            calls: 0,
            before_ns: [0.0; KEPT],
            stays_ns: None,
            left: 0,
        }
    }

    /// A call at `x` came so far above the line; whether it came too early to be of it, though the
    /// line is not left.
    pub(super) fn see(&mut self, above_ns: f64) -> bool {
        self.calls += 1;
        self.lowest_ns = self.lowest_ns.min(above_ns);
        let early_ns = EARLY_NS + EARLY_GAPS * self.gap_ns;
        let is_early = above_ns < -early_ns && self.stays_ns.is_none();
        if is_early {
            self.stays_ns = Some(-OVER * early_ns);
        }
        is_early
    }

    /// Ends a stretch before a call at `x`, if one of this length does end there.
    pub(super) fn end(&mut self, x: f64, length: f64) -> Option<Stretch> {
        if x - self.began < length || self.calls < STRETCH_LEAST {
            return None;
        }
        let lowest_ns = core::mem::replace(&mut self.lowest_ns, f64::INFINITY);
        (self.began, self.calls) = (x, 0);
        let stays = self.stays_ns.is_some_and(|stays_ns| {
            if stays_ns < 0.0 {
                lowest_ns < stays_ns
            } else {
                lowest_ns > stays_ns
            }
        });
        if stays {
            self.left += 1;
            return Some(Stretch::Left(0));
        }
        if self.stays_ns.is_some() {
            self.holds();
        }
        self.before_ns.rotate_right(1);
        self.before_ns[0] = lowest_ns;
        for (stretches, gaps) in CHANGE_GAPS {
            let most_ns = CHANGE_NS + gaps * self.gap_ns;
            if self
                .before_ns
                .iter()
                .take(stretches)
                .all(|&ns| ns > most_ns)
            {
                self.stays_ns = Some(OVER * most_ns);
                self.left = stretches as u32;
                return Some(Stretch::Left(stretches));
            }
        }
        Some(Stretch::Holds)
    }

    /// The points are so far from the line in the mean, now that it holds.
    pub(super) fn measure(&mut self, gap_ns: f64) {
        self.gap_ns += GAP_WEIGHT * (gap_ns - self.gap_ns);
    }

    /// Stretches for which the line is left.
    pub(super) fn left(&self) -> u32 {
        self.left
    }

    /// Another line holds.
    pub(super) fn holds(&mut self) {
        (self.stays_ns, self.left) = (None, 0);
        self.before_ns = [0.0; KEPT];
    }
}
