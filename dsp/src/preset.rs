//! Presets: values of an effect's parameters under a name.

use core::fmt;

/// Values for some of an effect's parameters, under a name; the rest have their defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// Permanent id, as written in a chain: `compressor:preset=vocal`.
    pub id: &'static str,
    /// Name for people.
    pub name: &'static str,
    /// What it is for, in a sentence.
    pub summary: &'static str,
    /// Parameter ids and their values as text, as [`parameter::parse`](crate::parameter::parse)
    /// reads them.
    pub values: &'static [(&'static str, &'static str)],
}

/// The ids of presets, with commas between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PresetIds(pub(crate) &'static [Preset]);

impl fmt::Display for PresetIds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, preset) in self.0.iter().enumerate() {
            let between = if place == 0 { "" } else { ", " };
            write!(formatter, "{between}{}", preset.id)?;
        }
        Ok(())
    }
}
