//! How a clock drifts: what bends its line.

/// A curve is no larger than so many usual ones.
const MOST: f64 = 4.0;
/// Of the weight of what was seen before so much is lost with each point; a window holds about 100.
/// Less is calmer where a rate drifts evenly, more follows one that swings; found by trying both.
const FORGOTTEN: f64 = 0.05;
/// A mean curve that is not so many times what a single one is unsure by is taken for none, and a
/// larger one made a little smaller: a clock that does not drift is not to be led about.
const SURE: f64 = 2.0;

/// A curve that is looked for step by step where it is most likely, and the mean of where it was.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bend {
    /// A usual curve.
    usual: f64,
    seen: f64,
    mean: f64,
    /// One over the square of what is unsure: the sum of all that are not forgotten.
    weight: f64,
}

impl Bend {
    /// Of a line that stays straight.
    pub(super) const NONE: Self = Self::new(0.0);

    /// Of a line that may bend, usually by so much.
    pub(super) const fn new(usual: f64) -> Self {
        Self {
            usual,
            seen: 0.0,
            mean: 0.0,
            weight: 0.0,
        }
    }

    /// The curve that seems to be likeliest.
    pub(super) fn seen(&self) -> f64 {
        self.seen
    }

    /// By how much more and less of a curve is worth trying.
    pub(super) fn step(&self) -> Option<f64> {
        (self.usual > 0.0).then(|| self.unsure().min(self.usual))
    }

    /// What a curve is unsure by that is seen once.
    fn unsure(&self) -> f64 {
        1.0 / libm::sqrt(self.weight * FORGOTTEN)
    }

    /// The logarithms of how likely it is `by` less than what was seen before, as much, and `by` more;
    /// the likeliest is where the parabola through the three has its top.
    pub(super) fn see(&mut self, by: f64, [less, same, more]: [f64; 3]) {
        let usual = 1.0 / (self.usual * self.usual);
        let rises = (more - less) / (2.0 * by) - self.seen * usual;
        let falls = (2.0 * same - less - more) / (by * by) + usual;
        if !rises.is_finite() || !falls.is_finite() {
            return;
        }
        let falls = falls.max(usual);
        let most = MOST * self.usual;
        let moved = (rises / falls).max(-2.0 * by).min(2.0 * by);
        self.seen = (self.seen + moved).max(-most).min(most);
        self.weight = self.weight * (1.0 - FORGOTTEN) + falls;
        self.mean += falls / self.weight * (self.seen - self.mean);
    }

    /// The curve that is believed.
    pub(super) fn curve(&self) -> f64 {
        if self.mean == 0.0 {
            return 0.0;
        }
        let doubt = SURE * self.unsure() / self.mean;
        self.mean * (1.0 - doubt * doubt).max(0.0)
    }
}
