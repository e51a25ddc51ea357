//! From values to pixels.

/// Even steps.
#[derive(Clone, Copy, Debug)]
pub(super) struct Linear {
    values: (f64, f64),
    pixels: (i32, i32),
}

impl Linear {
    /// The first value at the first pixel, the last at the last.
    pub(super) fn new(values: (f64, f64), pixels: (i32, i32)) -> Self {
        Self { values, pixels }
    }

    pub(super) fn values(&self) -> (f64, f64) {
        self.values
    }

    /// The pixel of a value; values outside are at the edge.
    pub(super) fn pixel(&self, value: f64) -> i32 {
        let share = (value - self.values.0) / (self.values.1 - self.values.0);
        let length = f64::from(self.pixels.1 - self.pixels.0);
        self.pixels.0 + (share.clamp(0.0, 1.0) * length).round() as i32
    }
}

/// Decades of seconds, the least at the bottom.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decades {
    exponents: Linear,
    first: i32,
    last: i32,
}

impl Decades {
    /// Whole decades that hold both values, two at the least; `pixels` is top and bottom.
    pub(super) fn new((least, most): (f64, f64), (top, bottom): (i32, i32)) -> Self {
        let last = most.max(1e-9).log10().ceil() as i32;
        let first = (least.max(1e-9).log10().floor() as i32).min(last - 2);
        let values = (f64::from(first), f64::from(last));
        Self {
            exponents: Linear::new(values, (bottom, top)),
            first,
            last,
        }
    }

    pub(super) fn pixel(&self, value: f64) -> i32 {
        self.exponents.pixel(value.max(1e-9).log10())
    }

    /// The decades and how they are written: `1 ms`.
    pub(super) fn labels(&self) -> Vec<(f64, String)> {
        let units = [(0, "s"), (-3, "ms"), (-6, "µs"), (-9, "ns")];
        let label = |exponent: i32| {
            let unit = units.iter().find(|(least, _)| exponent >= *least);
            let (least, unit) = unit.copied().unwrap_or((-9, "ns"));
            let value = 10f64.powi(exponent);
            (
                value,
                format!("{} {unit}", 10i64.pow((exponent - least).unsigned_abs())),
            )
        };
        (self.first..=self.last).map(label).collect()
    }
}

/// Between five and a dozen round numbers from 0 to `most`.
pub(super) fn steps(most: f64) -> Vec<f64> {
    let decade = 10f64.powf(most.max(1e-9).log10().floor());
    let step = [0.1, 0.2, 0.5, 1.0]
        .map(|share| share * decade)
        .into_iter()
        .find(|step| most / step <= 12.0)
        .unwrap_or(decade);
    let count = (most / step + 1e-9).floor() as i32;
    (0..=count).map(|number| f64::from(number) * step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decades_are_labelled_in_their_units() {
        let decades = Decades::new((3e-6, 0.15), (10, 60));
        let labels: Vec<String> = decades.labels().into_iter().map(|label| label.1).collect();
        assert_eq!(
            labels,
            ["1 µs", "10 µs", "100 µs", "1 ms", "10 ms", "100 ms", "1 s"]
        );
        assert_eq!((decades.pixel(1e-6), decades.pixel(1.0)), (60, 10));
        assert_eq!(decades.pixel(1e-3), 35);
    }

    #[test]
    fn seconds_are_round_and_neither_few_nor_many() {
        assert_eq!(
            steps(60.0),
            [
                0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0, 40.0, 45.0, 50.0, 55.0, 60.0
            ]
        );
        for most in [0.02, 0.7, 1.0, 3.3, 9.9, 12.0, 59.0] {
            let steps = steps(most);
            assert!((5..=13).contains(&steps.len()), "{most}: {steps:?}");
            assert!(steps[steps.len() - 1] <= most * 1.000_001);
        }
    }
}
