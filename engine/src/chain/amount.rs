//! Levels and wet shares as they are written: `-6dB`, `30%`.

use ossicle_dsp::parameter::{Kind, Parameter, Scale, Unit, ValueError, parse, print};

use super::{MAX_LEVEL_DB, MIN_LEVEL_DB};

/// The level of a branch or a send.
const LEVEL: Parameter = Parameter {
    id: "level",
    name: "Level",
    summary: "Level with which it is added",
    unit: Unit::Decibel,
    min: MIN_LEVEL_DB,
    max: MAX_LEVEL_DB,
    default: 0.0,
    scale: Scale::Linear,
    kind: Kind::Step,
};

/// The share of a node that is heard.
const WET: Parameter = Parameter {
    id: "wet",
    name: "Wet",
    summary: "How much of the node is heard",
    unit: Unit::Percent,
    min: 0.0,
    max: 100.0,
    default: 100.0,
    scale: Scale::Linear,
    kind: Kind::Step,
};

/// Reads a level in decibels.
pub(super) fn read_level(text: &str) -> Result<f64, ValueError> {
    parse(&LEVEL, text)
}

/// Writes a level as [`read_level`] reads it, to the last bit; nothing for 0 dB.
pub(super) fn written_level(level_db: f64) -> Option<String> {
    (level_db.to_bits() != 0).then(|| print(&LEVEL, level_db))
}

/// Reads a share in per cent, 1 for all of it.
pub(super) fn read_wet(text: &str) -> Result<f64, ValueError> {
    let percent = parse(&WET, text)?;
    let number = text.trim().trim_end_matches('%').trim_end();
    // The hundredth in decimals is rounded once: `30%` is 0.3 and not a bit less.
    Ok(shifted(number, -2).parse().unwrap_or(percent / 100.0))
}

/// Writes a share as [`read_wet`] reads it, to the last bit; nothing for all of it.
pub(super) fn written_wet(wet: f64) -> Option<String> {
    (wet != 1.0).then(|| {
        let shifted = shifted(&wet.to_string(), 2);
        format!("{}%", plain(&shifted).unwrap_or(shifted))
    })
}

/// A decimal number times ten to the power of `places`.
fn shifted(number: &str, places: i32) -> String {
    let (digits, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let exponent = exponent.parse::<i32>().unwrap_or(0).saturating_add(places);
    format!("{digits}e{exponent}")
}

/// A number with an exponent that is not negative (`0.3e2`), written without one (`30`).
fn plain(number: &str) -> Option<String> {
    let (digits, exponent) = number.split_once('e')?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let exponent: usize = exponent.parse().ok()?;
    let sign = if whole.starts_with('-') { "-" } else { "" };
    let moved = format!("{fraction:0<exponent$}");
    let (moved, rest) = moved.split_at_checked(exponent)?;
    let whole = format!("{}{moved}", whole.trim_start_matches('-'));
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    let point = if rest.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_written_in_plain_per_cent_and_read_to_the_bit() {
        for (wet, text) in [
            (0.3, "30%"),
            (0.07, "7%"),
            (0.0, "0%"),
            (0.005, "0.5%"),
            (0.333, "33.3%"),
            (0.125_25, "12.525%"),
            (1e-9, "0.0000001%"),
            (0.1 + 0.2, "30.000000000000004%"),
        ] {
            assert_eq!(written_wet(wet).as_deref(), Some(text));
            assert_eq!(read_wet(text).map(f64::to_bits), Ok(f64::to_bits(wet)));
        }
        assert_eq!(written_wet(1.0), None);
        assert_eq!(read_wet("3e1 %"), Ok(0.3));
    }

    #[test]
    fn every_share_and_level_is_read_as_it_was_written() {
        // A walk over magnitudes and digits; 2^64 over the golden ratio makes the digits random.
        let mut bits = 0x1234_5678_9abc_def1_u64;
        for _ in 0..20_000 {
            bits = bits.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (bits >> 29);
            let wet = f64::from_bits(bits % 1.0f64.to_bits());
            let text = written_wet(wet).unwrap();
            let read = read_wet(&text).map(f64::to_bits);
            assert_eq!(read, Ok(wet.to_bits()), "{wet:e} as {text}");
            let level_db = wet * 144.0 - 120.0;
            let text = written_level(level_db).unwrap();
            let read = read_level(&text).map(f64::to_bits);
            assert_eq!(read, Ok(level_db.to_bits()), "{level_db:e} as {text}");
        }
        for level_db in [-0.0, MIN_LEVEL_DB, MAX_LEVEL_DB] {
            let text = written_level(level_db).unwrap();
            let read = read_level(&text).map(f64::to_bits);
            assert_eq!(read, Ok(f64::to_bits(level_db)));
        }
        assert_eq!(written_level(0.0), None);
    }
}
