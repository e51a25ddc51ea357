//! Times where frames make no sense yet, because the sample rate is not known.

use core::str::FromStr;

use crate::times::Time;

/// A time in seconds, finite and not negative.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seconds(pub f64);

impl FromStr for Seconds {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(Time::Seconds(seconds)) => Ok(Self(seconds)),
            _ => Err("allowed: 1.5s, 250ms, 10m, 2h, 1:02.5, or bare seconds"),
        }
    }
}

/// A parser of times within a range, bounds included.
pub fn seconds_within(
    least: f64,
    most: f64,
) -> impl Fn(&str) -> Result<Seconds, String> + Clone + Send + Sync + 'static {
    move |text| match text.parse() {
        Ok(Seconds(seconds)) if (least..=most).contains(&seconds) => Ok(Seconds(seconds)),
        Ok(_) => Err(format!("allowed: {least} s to {most} s")),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_within_its_range_and_not_in_frames() {
        let within = seconds_within(0.1, 600.0);
        assert_eq!(within("10s"), Ok(Seconds(10.0)));
        assert_eq!(within("100ms"), Ok(Seconds(0.1)));
        assert_eq!(within("10:00"), Ok(Seconds(600.0)));
        assert_eq!(within("0"), Err("allowed: 0.1 s to 600 s".to_string()));
        assert!(within("10:00.1").is_err() && within("4800f").is_err());
    }
}
