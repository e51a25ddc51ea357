//! The line of a clock: how much later than the nominal rate says each frame begins.

/// A line `y = level + slope * d + curve * d^2 / 2`, `d = x - at`, that goes on straight where it is
/// further than `reach` from `at`: what bends it now says little of long before and long after.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Line {
    pub(super) at: f64,
    pub(super) level: f64,
    pub(super) slope: f64,
    pub(super) curve: f64,
    pub(super) reach: f64,
}

impl Line {
    pub(super) fn y(&self, x: f64) -> f64 {
        let (far, bent) = self.far(x);
        self.level + self.slope * far + self.curve * bent * (far - 0.5 * bent)
    }

    /// Slope at `x`.
    pub(super) fn slope(&self, x: f64) -> f64 {
        self.slope + self.curve * self.far(x).1
    }

    /// How far `x` is away, and how far the line bends on that way.
    fn far(&self, x: f64) -> (f64, f64) {
        let far = x - self.at;
        (far, far.max(-self.reach).min(self.reach))
    }

    /// Where the sum of the line and of `steepness * x` is `sum`.
    pub(super) fn meets(&self, sum: f64, steepness: f64) -> f64 {
        let x = (sum - self.level + self.slope * self.at) / (steepness + self.slope);
        // The curve is so slight that one step towards the root ends within nothing of it.
        x - (steepness * x + self.y(x) - sum) / (steepness + self.slope(x))
    }
}
