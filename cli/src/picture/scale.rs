//! From values to pixels.

/// Even steps.
#[derive(Clone, Copy, Debug)]
pub struct Linear {
    values: (f64, f64),
    pixels: (i32, i32),
}

impl Linear {
    /// The first value at the first pixel, the last at the last.
    pub fn new(values: (f64, f64), pixels: (i32, i32)) -> Self {
        Self { values, pixels }
    }

    pub fn values(&self) -> (f64, f64) {
        self.values
    }

    /// The pixel of a value; values outside are at the edge.
    pub fn pixel(&self, value: f64) -> i32 {
        let share = (value - self.values.0) / (self.values.1 - self.values.0);
        let length = f64::from(self.pixels.1 - self.pixels.0);
        self.pixels.0 + (share.clamp(0.0, 1.0) * length).round() as i32
    }
}

/// Decades of seconds, the least at the bottom.
#[derive(Clone, Copy, Debug)]
pub struct Decades {
    exponents: Linear,
    first: i32,
    last: i32,
}

impl Decades {
    /// Whole decades that hold both values, two at the least; `pixels` is top and bottom.
    pub fn new((least, most): (f64, f64), (top, bottom): (i32, i32)) -> Self {
        let last = most.max(1e-9).log10().ceil() as i32;
        let first = (least.max(1e-9).log10().floor() as i32).min(last - 2);
        let values = (f64::from(first), f64::from(last));
        Self {
            exponents: Linear::new(values, (bottom, top)),
            first,
            last,
        }
    }

    pub fn pixel(&self, value: f64) -> i32 {
        self.exponents.pixel(value.max(1e-9).log10())
    }

    /// The decades and how they are written: `1 ms`.
    pub fn labels(&self) -> Vec<(f64, String)> {
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
pub fn steps(most: f64) -> Vec<f64> {
    let decade = 10f64.powf(most.max(1e-9).log10().floor());
    let step = [0.1, 0.2, 0.5, 1.0]
        .map(|share| share * decade)
        .into_iter()
        .find(|step| most / step <= 12.0)
        .unwrap_or(decade);
    let count = (most / step + 1e-9).floor() as i32;
    (0..=count).map(|number| f64::from(number) * step).collect()
}

/// Even ratios.
#[derive(Clone, Copy, Debug)]
pub struct Logarithmic(Linear);

impl Logarithmic {
    /// The first value at the first pixel, the last at the last; both above 0.
    pub fn new(values: (f64, f64), pixels: (i32, i32)) -> Self {
        Self(Linear::new((values.0.log10(), values.1.log10()), pixels))
    }

    /// The pixel of a value; values outside are at the edge.
    pub fn pixel(&self, value: f64) -> i32 {
        self.0.pixel(value.max(f64::MIN_POSITIVE).log10())
    }

    /// The values 1, 2 and 5 of each decade within the range.
    pub fn marks(&self) -> Vec<f64> {
        let (first, last) = self.0.values();
        (first.floor() as i32..=last.ceil() as i32)
            .flat_map(|decade| [1.0, 2.0, 5.0].map(|digit| digit * 10f64.powi(decade)))
            .filter(|mark| (first - 1e-9..=last + 1e-9).contains(&mark.log10()))
            .collect()
    }
}

/// Between four and a dozen round numbers from the first value to the last.
pub fn round_numbers((first, last): (f64, f64)) -> Vec<f64> {
    let span = (last - first).max(1e-9);
    let decade = 10f64.powf(span.log10().floor());
    let step = [0.1, 0.2, 0.5, 1.0]
        .map(|share| share * decade)
        .into_iter()
        .find(|step| span / step <= 12.0)
        .unwrap_or(decade);
    let numbers = (first / step - 1e-9).ceil() as i64..=(last / step + 1e-9).floor() as i64;
    numbers.map(|number| number as f64 * step).collect()
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
    fn frequencies_are_marked_at_1_2_and_5() {
        let scale = Logarithmic::new((20.0, 20_000.0), (100, 400));
        assert_eq!(
            scale.marks(),
            [
                20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10_000.0, 20_000.0
            ]
        );
        // Three decades on 300 pixels: 200 Hz is one decade up.
        assert_eq!((scale.pixel(20.0), scale.pixel(200.0)), (100, 200));
        assert_eq!((scale.pixel(0.0), scale.pixel(1e9)), (100, 400));
    }

    #[test]
    fn round_numbers_span_both_signs() {
        assert_eq!(
            round_numbers((-12.0, 6.0)),
            [-12.0, -10.0, -8.0, -6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0]
        );
        for range in [(-120.0, 0.0), (0.3, 0.4), (-1.0, 17.0), (-96.0, 12.0)] {
            let count = round_numbers(range).len();
            assert!((4..=13).contains(&count), "{range:?}: {count}");
        }
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
