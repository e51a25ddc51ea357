//! Loudness in words: as JSON, as text, and as it is written on the command line.

use core::fmt;
use core::marker::PhantomData;
use core::str::FromStr;

use ossicle::meter::{ProgramLoudness, Readings};
use serde::Serialize;

use crate::progress::dbfs;

/// How loud something was. Silence, and what is too short, has null.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct LoudnessObject {
    pub integrated_lufs: Option<f64>,
    pub lra_lu: Option<f64>,
    pub max_momentary_lufs: Option<f64>,
    pub max_short_term_lufs: Option<f64>,
    pub true_peak_dbtp: Option<f64>,
}

impl From<&ProgramLoudness> for LoudnessObject {
    fn from(loudness: &ProgramLoudness) -> Self {
        Self {
            integrated_lufs: loudness.integrated_lufs,
            lra_lu: loudness.range_lu,
            max_momentary_lufs: loudness.max_momentary_lufs,
            max_short_term_lufs: loudness.max_short_term_lufs,
            true_peak_dbtp: dbfs(loudness.true_peak),
        }
    }
}

impl From<&Readings> for LoudnessObject {
    fn from(readings: &Readings) -> Self {
        Self {
            integrated_lufs: readings.integrated_lufs,
            lra_lu: readings.range_lu,
            max_momentary_lufs: readings.max_momentary_lufs,
            max_short_term_lufs: readings.max_short_term_lufs,
            true_peak_dbtp: dbfs(readings.true_peak()),
        }
    }
}

impl LoudnessObject {
    /// In a line: `-23.0 LUFS, range 5.1 LU, true peak -1.2 dBTP`; one decimal, as the EBU asks.
    pub fn text(&self) -> String {
        let mut parts = vec![match self.integrated_lufs {
            Some(lufs) => format!("{lufs:.1} LUFS"),
            None => "silence".to_string(),
        }];
        parts.extend(self.lra_lu.map(|range| format!("range {range:.1} LU")));
        parts.extend(
            self.true_peak_dbtp
                .map(|peak| format!("true peak {peak:.1} dBTP")),
        );
        parts.join(", ")
    }
}

/// A level with the unit `UNIT` or without any: `-16LUFS`, `-16`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level<U>(pub f64, PhantomData<U>);

/// A unit that may stand behind a level.
pub trait LevelUnit {
    /// As it is written.
    const NAME: &'static str;
}

/// Loudness.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lufs;

/// True peak.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dbtp;

/// Level below full scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dbfs;

impl LevelUnit for Dbfs {
    const NAME: &'static str = "dBFS";
}

impl LevelUnit for Lufs {
    const NAME: &'static str = "LUFS";
}

impl LevelUnit for Dbtp {
    const NAME: &'static str = "dBTP";
}

/// A text that is no level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotALevel(&'static str);

impl fmt::Display for NotALevel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "allowed: a number, with {} behind it or bare",
            self.0
        )
    }
}

impl core::error::Error for NotALevel {}

impl<U: LevelUnit> FromStr for Level<U> {
    type Err = NotALevel;

    fn from_str(text: &str) -> Result<Self, NotALevel> {
        let text = text.trim();
        let split = text.len().saturating_sub(U::NAME.len());
        let number = match text.split_at_checked(split) {
            Some((number, unit)) if unit.eq_ignore_ascii_case(U::NAME) => number.trim_end(),
            _ => text,
        };
        let is_plain = |byte: u8| byte.is_ascii_digit() || b"+-.".contains(&byte);
        let value = number.parse().ok().filter(|_| number.bytes().all(is_plain));
        value.map_or(Err(NotALevel(U::NAME)), |value| {
            Ok(Self(value, PhantomData))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_read_with_its_unit_and_without() {
        for text in ["-16LUFS", "-16 LUFS", "-16lufs", "-16", "-16.0", " -16 "] {
            let level: Result<Level<Lufs>, _> = text.parse();
            assert_eq!(level.map(|level| level.0), Ok(-16.0), "{text:?}");
        }
        for text in [
            "",
            "LUFS",
            "-16dBTP",
            "-16dB",
            "nan",
            "inf",
            "-1e1",
            "loud",
            "16 LUFS LUFS",
            "µ",
        ] {
            let level: Result<Level<Lufs>, _> = text.parse();
            assert_eq!(level, Err(NotALevel("LUFS")), "{text:?}");
        }
        let level: Result<Level<Dbtp>, _> = "-1 dBTP".parse();
        assert_eq!(level.map(|level| level.0), Ok(-1.0));
    }

    #[test]
    fn loudness_is_told_with_one_decimal_and_without_what_is_not_there() {
        let loudness = LoudnessObject {
            integrated_lufs: Some(-22.96),
            lra_lu: Some(5.04),
            true_peak_dbtp: Some(-1.25),
            ..LoudnessObject::default()
        };
        assert_eq!(
            loudness.text(),
            "-23.0 LUFS, range 5.0 LU, true peak -1.2 dBTP"
        );
        assert_eq!(LoudnessObject::default().text(), "silence");
    }
}
