//! The parameter table: the single source of a parameter's names, range, unit and behaviour.

mod nearest;
mod text;

pub use nearest::nearest;
pub(crate) use text::Nearest;
pub use text::{Choices, Ids, ValueError, fits, parse, print};

/// The unit in which a parameter's plain numbers are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A bare number.
    None,
    /// Linear amplitude, 1.0 = 0 dBFS. A value written with `dBFS` is converted.
    Amplitude,
    /// Decibels, a difference of levels.
    Decibel,
    /// Decibels relative to full scale.
    DecibelFullScale,
    /// Loudness relative to full scale.
    LoudnessFullScale,
    /// Hertz.
    Hertz,
    /// Milliseconds.
    Millisecond,
    /// Per cent.
    Percent,
    /// Semitones.
    Semitone,
}

impl Unit {
    /// The unit as it may be written behind a number of the table; empty for bare numbers.
    #[must_use]
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::None | Self::Amplitude => "",
            Self::Decibel => "dB",
            Self::DecibelFullScale => "dBFS",
            Self::LoudnessFullScale => "LUFS",
            Self::Hertz => "Hz",
            Self::Millisecond => "ms",
            Self::Percent => "%",
            Self::Semitone => "st",
        }
    }

    /// What may be written behind a number, in words.
    #[must_use]
    pub const fn written(self) -> &'static str {
        match self {
            Self::None => "a bare number",
            Self::Amplitude => "a bare linear number or dBFS",
            Self::Decibel => "dB",
            Self::DecibelFullScale => "dBFS",
            Self::LoudnessFullScale => "LUFS",
            Self::Hertz => "Hz or kHz",
            Self::Millisecond => "ms or s",
            Self::Percent => "%",
            Self::Semitone => "st",
        }
    }
}

/// How a parameter's range is laid out on a control.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    /// Even steps of the value.
    Linear,
    /// Even ratios of the value.
    Logarithmic,
    /// Named steps; the value is the index of the name.
    Choices(&'static [&'static str]),
}

/// How a change of a parameter takes effect.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Glides to the new value within `smoothing_ms` milliseconds.
    Ramp {
        /// Length of the glide in milliseconds.
        smoothing_ms: f32,
    },
    /// Takes the new value at once.
    Step,
    /// Changes latency, memory or channels: goes by an edit of the chain.
    Structural,
}

/// One row of a node's parameter table. Its place in the table is its permanent number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameter {
    /// Permanent text id, without a unit: `gain`, `b1_freq`.
    pub id: &'static str,
    /// Name for people.
    pub name: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// Unit of `min`, `max` and `default`.
    pub unit: Unit,
    /// Smallest value allowed.
    pub min: f64,
    /// Largest value allowed.
    pub max: f64,
    /// Value when nothing is said.
    pub default: f64,
    /// Layout of the range.
    pub scale: Scale,
    /// How a change takes effect.
    pub kind: Kind,
}

impl Parameter {
    /// The names of a parameter with named steps, else nothing.
    #[must_use]
    pub const fn choices(&self) -> Option<&'static [&'static str]> {
        match self.scale {
            Scale::Choices(names) => Some(names),
            _ => None,
        }
    }

    /// Whether the parameter changes only by an edit of the chain.
    #[must_use]
    pub const fn is_structural(&self) -> bool {
        matches!(self.kind, Kind::Structural)
    }
}
