//! What the user holds of a node: an effect and the values of its parameters, checked.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use crate::node::Node;
use crate::parameter::{self, Ids, Parameter, ValueError};
use crate::preset::{Preset, PresetIds};

/// An effect of the registry: what it is, its parameter table, and how a node of it is made.
#[derive(Debug)]
pub struct Effect {
    /// Permanent id, as written in a chain: `envelope_limiter`.
    pub id: &'static str,
    /// Name for people.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// What it does and what it is for, in a few sentences.
    pub about: &'static str,
    /// Where its algorithm and formulae come from.
    pub source: &'static str,
    /// Values under a name, at least three sets of them.
    pub presets: &'static [Preset],
    /// The parameter table; a parameter's place is its number.
    pub parameters: &'static [Parameter],
    /// Makes a node with the given values; it must be prepared before use.
    pub create: fn(&Settings) -> Box<dyn Node>,
    /// Checks values that are wrong only together.
    pub check: fn(&Settings) -> Result<(), SettingsError>,
}

/// Values for the parameters of one effect: what was given, and the table's default for the rest.
///
/// # Examples
/// ```
/// use ossicle_dsp::{registry, settings::Settings};
/// let mut settings = Settings::new(registry::effect("gain").unwrap());
/// settings.set_text("gain", "-6dB").unwrap();
/// assert_eq!(settings.value(0), -6.0);
/// assert!(settings.set_text("gian", "-6dB").unwrap_err().to_string().contains("nearest is gain"));
/// ```
#[derive(Clone, Debug)]
pub struct Settings {
    effect: &'static Effect,
    given: Vec<Option<f64>>,
}

impl Settings {
    /// Settings with nothing given.
    #[must_use]
    pub fn new(effect: &'static Effect) -> Self {
        Self {
            effect,
            given: vec![None; effect.parameters.len()],
        }
    }

    /// The effect these settings are for.
    #[must_use]
    pub fn effect(&self) -> &'static Effect {
        self.effect
    }

    /// Gives the parameter with the id `parameter` the value written in `text`, read as
    /// [`parameter::parse`] does.
    ///
    /// # Errors
    /// [`SettingsError::UnknownParameter`] or [`SettingsError::Value`]; nothing is changed then.
    pub fn set_text(&mut self, parameter: &str, text: &str) -> Result<(), SettingsError> {
        let number = self.effect.number(parameter)?;
        let row = &self.effect.parameters[number];
        let value = parameter::parse(row, text).map_err(|cause| self.effect.refuses(cause))?;
        self.given[number] = Some(value);
        Ok(())
    }

    /// Gives the values of the preset with the id `preset`; the other values stay as they are.
    ///
    /// # Errors
    /// [`SettingsError::UnknownPreset`]; nothing is changed then.
    ///
    /// # Examples
    /// ```
    /// use ossicle_dsp::{registry, settings::Settings};
    /// let mut settings = Settings::new(registry::effect("delay").unwrap());
    /// settings.set_preset("slapback").unwrap();
    /// assert_eq!(settings.value(0), 110.0);
    /// ```
    pub fn set_preset(&mut self, preset: &str) -> Result<(), SettingsError> {
        let effect = self.effect;
        let Some(found) = effect.presets.iter().find(|known| known.id == preset) else {
            return Err(SettingsError::UnknownPreset {
                effect: effect.id,
                asked: preset.to_string(),
                nearest: parameter::nearest(preset, effect.presets.iter().map(|known| known.id)),
                allowed: PresetIds(effect.presets),
            });
        };
        found
            .values
            .iter()
            .try_for_each(|(parameter, text)| self.set_text(parameter, text))
    }

    /// Gives parameter `number` a value in the unit of the table.
    ///
    /// # Errors
    /// [`SettingsError::UnknownNumber`] or [`SettingsError::Value`]; nothing is changed then.
    pub fn set(&mut self, number: usize, value: f64) -> Result<(), SettingsError> {
        self.effect.check_value(number, value)?;
        self.given[number] = Some(value);
        Ok(())
    }

    /// The value of parameter `number`, given or default, in the unit of the table.
    ///
    /// # Panics
    /// When the table has no such number.
    #[must_use]
    pub fn value(&self, number: usize) -> f64 {
        self.given[number].unwrap_or(self.effect.parameters[number].default)
    }

    /// Whether a value was given for parameter `number`; false for a number the table has not.
    #[must_use]
    pub fn is_given(&self, number: usize) -> bool {
        self.given.get(number).is_some_and(Option::is_some)
    }

    /// The values that were given, as (number, value), in the order of the table.
    pub fn given(&self) -> impl Iterator<Item = (usize, f64)> {
        self.given
            .iter()
            .enumerate()
            .filter_map(|(number, value)| Some((number, (*value)?)))
    }

    /// Checks what is wrong only together: two forms of one value, a fraction where only whole
    /// numbers have a meaning.
    ///
    /// # Errors
    /// [`SettingsError::Conflict`] or [`SettingsError::NotWhole`].
    pub fn check(&self) -> Result<(), SettingsError> {
        (self.effect.check)(self)
    }

    /// Makes a node with these values; it must be prepared before use.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub fn create(&self) -> Result<Box<dyn Node>, SettingsError> {
        self.check()?;
        Ok((self.effect.create)(self))
    }
}

impl PartialEq for Settings {
    fn eq(&self, other: &Self) -> bool {
        self.effect.id == other.effect.id && self.given == other.given
    }
}

impl Effect {
    /// The number of the parameter with the id `parameter`.
    ///
    /// # Errors
    /// [`SettingsError::UnknownParameter`].
    pub fn number(&self, parameter: &str) -> Result<usize, SettingsError> {
        self.parameters
            .iter()
            .position(|row| row.id == parameter)
            .ok_or_else(|| SettingsError::UnknownParameter {
                effect: self.id,
                asked: parameter.to_string(),
                nearest: parameter::nearest(parameter, self.parameters.iter().map(|row| row.id)),
                allowed: Ids(self.parameters),
            })
    }

    /// Whether parameter `number` may have `value`, in the unit of the table.
    ///
    /// # Errors
    /// [`SettingsError::UnknownNumber`] or [`SettingsError::Value`].
    pub fn check_value(&self, number: usize, value: f64) -> Result<(), SettingsError> {
        let row = self
            .parameters
            .get(number)
            .ok_or(SettingsError::UnknownNumber {
                effect: self.id,
                asked: number,
                count: self.parameters.len(),
            })?;
        parameter::fits(row, value).map_err(|cause| self.refuses(cause))
    }

    fn refuses(&self, cause: ValueError) -> SettingsError {
        SettingsError::Value {
            effect: self.id,
            cause,
        }
    }
}

/// Why settings were refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The effect has no parameter of this id; use an allowed one.
    #[error("{effect} has no parameter {asked}{} (allowed: {allowed})", parameter::Nearest(*.nearest))]
    UnknownParameter {
        /// The effect's id.
        effect: &'static str,
        /// What was asked for.
        asked: String,
        /// The id most like it.
        nearest: Option<&'static str>,
        /// The effect's parameters.
        allowed: Ids,
    },
    /// The effect has no preset of this id; use an allowed one.
    #[error("{effect} has no preset {asked}{} (allowed: {allowed})", parameter::Nearest(*.nearest))]
    UnknownPreset {
        /// The effect's id.
        effect: &'static str,
        /// What was asked for.
        asked: String,
        /// The id most like it.
        nearest: Option<&'static str>,
        /// The effect's presets.
        allowed: PresetIds,
    },
    /// The effect has no parameter of this number; use a smaller one.
    #[error("{effect} has no parameter number {asked} (it has {count}, counted from 0)")]
    UnknownNumber {
        /// The effect's id.
        effect: &'static str,
        /// What was asked for.
        asked: usize,
        /// Number of parameters.
        count: usize,
    },
    /// A value does not fit its parameter; the cause says what would.
    #[error("{effect}: {cause}")]
    Value {
        /// The effect's id.
        effect: &'static str,
        /// What is wrong with the value.
        cause: ValueError,
    },
    /// A parameter counts whole things; give a whole number.
    #[error("{effect}: {parameter}={asked} is not a whole number")]
    NotWhole {
        /// The effect's id.
        effect: &'static str,
        /// The parameter's id.
        parameter: &'static str,
        /// What was asked for.
        asked: f64,
    },
    /// A parameter means nothing beside another's value; leave it out, or change the other.
    #[error("{effect}: {parameter} is not used with {other}={value}")]
    Unused {
        /// The effect's id.
        effect: &'static str,
        /// The parameter's id.
        parameter: &'static str,
        /// The other parameter's id.
        other: &'static str,
        /// The other parameter's value, as it is written.
        value: &'static str,
    },
    /// Two parameters say the same thing in two forms; give one of them only.
    #[error("{effect}: {first} and {second} are two forms of one value, give only one of them")]
    Conflict {
        /// The effect's id.
        effect: &'static str,
        /// The one parameter.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
}
