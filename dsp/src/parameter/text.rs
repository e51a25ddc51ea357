//! Values as people write them: a number with a unit, or the name of a step.

use alloc::string::{String, ToString};
use core::fmt;

use super::{Parameter, Unit, nearest};

/// Why a value does not fit its parameter.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// The text is no finite number; write one, with or without the unit.
    #[error("{parameter}={asked} is not a number (allowed: {min} to {max}, as {written})")]
    NotANumber {
        /// The parameter's id.
        parameter: &'static str,
        /// What was asked for.
        asked: String,
        /// Smallest value allowed.
        min: f64,
        /// Largest value allowed.
        max: f64,
        /// How a value may be written.
        written: &'static str,
    },
    /// The unit does not belong to this parameter; use an allowed one.
    #[error("{parameter}={asked} has the wrong unit (allowed: {written})")]
    WrongUnit {
        /// The parameter's id.
        parameter: &'static str,
        /// What was asked for.
        asked: String,
        /// How a value may be written.
        written: &'static str,
    },
    /// The value lies outside the range; choose one within it.
    #[error("{parameter}={asked}{unit} is out of range (allowed: {min}{unit} to {max}{unit})")]
    OutOfRange {
        /// The parameter's id.
        parameter: &'static str,
        /// Value asked for, in the unit of the table.
        asked: f64,
        /// Smallest value allowed.
        min: f64,
        /// Largest value allowed.
        max: f64,
        /// The unit of the three.
        unit: &'static str,
    },
    /// There is no step of this name or index; choose one of the allowed.
    #[error("{parameter}={asked} is unknown{} (allowed: {allowed})", Nearest(*.nearest))]
    UnknownChoice {
        /// The parameter's id.
        parameter: &'static str,
        /// What was asked for.
        asked: String,
        /// The name most like it.
        nearest: Option<&'static str>,
        /// All names, in the order of their indices.
        allowed: Choices,
    },
}

/// The names of a parameter's steps, shown with commas between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choices(pub &'static [&'static str]);

impl fmt::Display for Choices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, name) in self.0.iter().enumerate() {
            write!(f, "{}{name}", if place == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

/// The ids of a parameter table, shown with commas between.
///
/// Of groups that repeat (`b1_freq` to `b32_freq`) the first and the last are shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ids(pub &'static [Parameter]);

impl Ids {
    /// The last group's id for an id of the first group (`b1_freq`), unless there is no such group.
    fn last_of_group(&self, id: &str) -> Option<&'static str> {
        let kind = id.strip_prefix("b1_")?;
        self.0
            .iter()
            .rev()
            .find(|row| group_kind(row.id) == Some(kind))
            .map(|row| row.id)
    }
}

impl fmt::Display for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut comma = "";
        for row in self.0 {
            match (group_kind(row.id), self.last_of_group(row.id)) {
                (None, _) => write!(f, "{comma}{}", row.id)?,
                (Some(_), Some(last)) => write!(f, "{comma}{} to {last}", row.id)?,
                (Some(_), None) => continue,
            }
            comma = ", ";
        }
        Ok(())
    }
}

/// `freq` of `b12_freq`.
fn group_kind(id: &str) -> Option<&str> {
    let (number, kind) = id.strip_prefix('b')?.split_once('_')?;
    number.parse::<u16>().ok().map(|_| kind)
}

/// Shows the nearest name, if there is one, within a message.
pub(crate) struct Nearest(pub(crate) Option<&'static str>);

impl fmt::Display for Nearest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .map_or(Ok(()), |name| write!(f, ", nearest is {name}"))
    }
}

/// Reads a value as it is written in a chain, into the unit of the table.
///
/// A bare number counts in the unit of the table. Behind a number may stand `dB`, `dBFS`, `Hz` or
/// `kHz`, `ms` or `s`, `%`, `st`, as the parameter's unit allows, in any case and with or without a
/// space; [`Unit::Amplitude`] takes a bare linear number or a level in `dBFS`. Named steps are
/// written by name or by index.
///
/// # Errors
/// [`ValueError`]: not a finite number, another unit, out of range, no such step.
///
/// # Real-time
/// Not safe: may allocate for an error.
///
/// # Examples
/// ```
/// let table = &ossicle_dsp::registry::effect("gain").unwrap().parameters;
/// let gain = &table[0];
/// assert_eq!(ossicle_dsp::parameter::parse(gain, "-6 dB"), Ok(-6.0));
/// assert!(ossicle_dsp::parameter::parse(gain, "3ms").is_err());
/// ```
pub fn parse(parameter: &Parameter, text: &str) -> Result<f64, ValueError> {
    let text = text.trim();
    if let Some(names) = parameter.choices() {
        let named = names
            .iter()
            .position(|name| name.eq_ignore_ascii_case(text));
        let index = named.or_else(|| text.parse().ok().filter(|&index| index < names.len()));
        return index
            .map(|index| index as f64)
            .ok_or_else(|| unknown_choice(parameter, text));
    }
    let number = text.trim_end_matches(|letter: char| letter.is_alphabetic() || letter == '%');
    let suffix = &text[number.len()..];
    let not_a_number = || not_a_number(parameter, text);
    let number = number.trim_end();
    number.parse::<f64>().map_err(|_| not_a_number())?;
    let value = in_unit(parameter.unit, number, suffix).ok_or_else(|| ValueError::WrongUnit {
        parameter: parameter.id,
        asked: text.to_string(),
        written: parameter.unit.written(),
    })?;
    if value.is_finite() {
        fits(parameter, value).map(|()| value)
    } else {
        Err(not_a_number())
    }
}

/// Writes a value with its unit, so that [`parse`] reads the same value again to the last bit.
///
/// # Real-time
/// Not safe: allocates.
#[must_use]
pub fn print(parameter: &Parameter, value: f64) -> String {
    match parameter
        .choices()
        .and_then(|names| names.get(value as usize))
    {
        Some(name) => (*name).to_string(),
        None => alloc::format!("{value}{}", parameter.unit.suffix()),
    }
}

/// Whether `value`, in the unit of the table, is one the parameter may have.
///
/// # Errors
/// What is wrong with it, and what would be allowed.
pub fn fits(parameter: &Parameter, value: f64) -> Result<(), ValueError> {
    if !value.is_finite() {
        return Err(not_a_number(parameter, &value.to_string()));
    }
    if let Some(names) = parameter.choices() {
        let known = (0..names.len()).any(|index| index as f64 == value);
        return if known {
            Ok(())
        } else {
            Err(unknown_choice(parameter, &value.to_string()))
        };
    }
    if (parameter.min..=parameter.max).contains(&value) {
        return Ok(());
    }
    Err(ValueError::OutOfRange {
        parameter: parameter.id,
        asked: value,
        min: parameter.min,
        max: parameter.max,
        unit: parameter.unit.suffix(),
    })
}

fn not_a_number(parameter: &Parameter, asked: &str) -> ValueError {
    ValueError::NotANumber {
        parameter: parameter.id,
        asked: asked.to_string(),
        min: parameter.min,
        max: parameter.max,
        written: parameter.unit.written(),
    }
}

fn unknown_choice(parameter: &Parameter, asked: &str) -> ValueError {
    let names = parameter.choices().unwrap_or_default();
    ValueError::UnknownChoice {
        parameter: parameter.id,
        asked: asked.to_string(),
        nearest: nearest(asked, names.iter().copied()),
        allowed: Choices(names),
    }
}

/// The value of `number` written with `suffix`; `None` when the suffix is not of this unit.
fn in_unit(unit: Unit, number: &str, suffix: &str) -> Option<f64> {
    let is = |name: &str| suffix.eq_ignore_ascii_case(name);
    match unit {
        _ if suffix.is_empty() || is(unit.suffix()) => number.parse().ok(),
        Unit::Hertz if is("kHz") => thousandfold(number),
        Unit::Millisecond if is("s") => thousandfold(number),
        Unit::Amplitude if is("dBFS") => number
            .parse()
            .ok()
            .map(|level: f64| libm::pow(10.0, level / 20.0)),
        _ => None,
    }
}

/// A thousand times `number`, rounded once: `2.3` thousandfold is 2300 and not a bit less.
fn thousandfold(number: &str) -> Option<f64> {
    let (digits, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let exponent = exponent.parse::<i32>().ok()?.saturating_add(3);
    alloc::format!("{digits}e{exponent}").parse().ok()
}
