//! Why a chain was not taken.

use core::fmt;
use std::io;
use std::path::PathBuf;

use ossicle_dsp::parameter::ValueError;
use ossicle_dsp::registry::EFFECTS;
use ossicle_dsp::settings::SettingsError;

use super::{MAX_LEVEL_DB, MIN_LEVEL_DB};

/// Why a chain was not taken. Places in the chain (`node`) are counted from 1.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// Nothing stands between two bars, or before the colon: name an effect there.
    #[error("node {node}: no effect is named (allowed: {allowed})")]
    EffectMissing {
        /// Place in the chain.
        node: usize,
        /// What would do.
        allowed: EffectIds,
    },
    /// There is no effect of this name; use an allowed one.
    #[error("node {node}: unknown effect \"{asked}\", nearest is {nearest} (allowed: {allowed})")]
    EffectUnknown {
        /// Place in the chain.
        node: usize,
        /// What was asked for.
        asked: String,
        /// The id that is most like it.
        nearest: &'static str,
        /// What would do.
        allowed: EffectIds,
    },
    /// A route is not written as it should be.
    #[error("route \"{asked}\" is not understood (allowed: {allowed})")]
    RouteInvalid {
        /// What was written.
        asked: String,
        /// What would do.
        allowed: &'static str,
    },
    /// A parameter is not written as `name=value`.
    #[error("node {node}: {effect}: \"{asked}\" is not of the form parameter=value")]
    ValueMissing {
        /// Place in the chain.
        node: usize,
        /// The effect there.
        effect: &'static str,
        /// What was written.
        asked: String,
    },
    /// A parameter is given twice; leave one out.
    #[error("node {node}: {effect}: {parameter} is given twice")]
    GivenTwice {
        /// Place in the chain.
        node: usize,
        /// The effect there.
        effect: &'static str,
        /// The parameter.
        parameter: String,
    },
    /// A preset stands behind other values, which it would change; put it first.
    #[error("node {node}: {effect}: preset stands behind other values: it comes first")]
    PresetNotFirst {
        /// Place in the chain.
        node: usize,
        /// The effect there.
        effect: &'static str,
    },
    /// A parameter or its value is wrong; the source says what is allowed.
    #[error("node {node}: {source}")]
    Settings {
        /// Place in the chain.
        node: usize,
        /// What is wrong.
        source: SettingsError,
    },
    /// The chain has a node of the caller's own, which has neither text nor file form.
    #[error("node {node} is a node of your own, which has no text")]
    NodeWithoutText {
        /// Place in the chain.
        node: usize,
    },
    /// A level does not fit; use one within the range, the lowest for silence.
    #[error("level {asked} dB is out of range ({MIN_LEVEL_DB} to {MAX_LEVEL_DB} dB)")]
    LevelOutOfRange {
        /// Level asked for, in decibels.
        asked: f64,
    },
    /// The share of a node that is heard does not fit.
    #[error("node {node}: {} % wet is out of range (0 to 100 %)", asked * 100.0)]
    WetOutOfRange {
        /// Place in the chain.
        node: usize,
        /// Share asked for, 1 for all.
        asked: f64,
    },
    /// Parallel branches without a branch; an empty branch is the dry sound.
    #[error("parallel branches need at least one branch")]
    NoBranches,
    /// The name of a bus is missing, or has something else in it than letters, digits, _ and -.
    #[error("\"{asked}\" is no name for a bus (letters, digits, _ and -)")]
    BusName {
        /// Name asked for.
        asked: String,
    },
    /// A level or a share is no such value; the source says what is allowed.
    #[error("{source}")]
    Value {
        /// What is wrong.
        source: ValueError,
    },
    /// A send or a bus is not written as one; write it as allowed.
    #[error("\"{asked}\" is no {link} (allowed: {allowed})")]
    LinkMalformed {
        /// What it would be: `send` or `bus`.
        link: &'static str,
        /// What was written.
        asked: String,
        /// How it is written.
        allowed: &'static str,
    },
    /// A mark stands where it means nothing.
    #[error("\"{asked}\" means nothing here (allowed: {allowed})")]
    Unexpected {
        /// The mark.
        asked: char,
        /// What would do.
        allowed: &'static str,
    },
    /// A bracket is opened and not closed.
    #[error("the bracket opened here is not closed")]
    NotClosed,
    /// Branches and buses stand too deep in one another; write some of them in series.
    #[error("branches and buses are nested too deep (allowed: {allowed} deep)")]
    TooDeep {
        /// Deepest nesting.
        allowed: usize,
    },
    /// The text is not TOML.
    #[error("{message}")]
    NotToml {
        /// What the TOML reader says.
        message: String,
    },
    /// A chain file has to say its version: `version = 1`.
    #[error("the version is missing (allowed: version = 1 to {allowed})")]
    VersionMissing {
        /// Newest version that this program reads.
        allowed: i64,
    },
    /// The chain file is of a version that this program does not know; a newer one may.
    #[error("version {asked} is unknown (allowed: 1 to {allowed})")]
    VersionUnknown {
        /// What the file says.
        asked: String,
        /// Newest version that this program reads.
        allowed: i64,
    },
    /// A key of a chain file came with a later version than the file says; say that version.
    #[error("\"{asked}\" needs version = {needed}")]
    KeyOfVersion {
        /// The key.
        asked: &'static str,
        /// The first version that has it.
        needed: i64,
    },
    /// A chain file has a key that means nothing.
    #[error("unknown key \"{asked}\", nearest is {nearest} (allowed: {allowed})")]
    KeyUnknown {
        /// The key.
        asked: String,
        /// The key that is most like it.
        nearest: &'static str,
        /// What would do.
        allowed: &'static str,
    },
    /// A key of a chain file has a value of another type.
    #[error("\"{key}\" is {found} (allowed: {allowed})")]
    TypeUnsuitable {
        /// The key.
        key: String,
        /// What it is.
        found: &'static str,
        /// What would do.
        allowed: &'static str,
    },
    /// Something is wrong in one column of a chain's text.
    #[error("column {column}: {source}")]
    AtColumn {
        /// The column, counted from 1 in characters.
        column: usize,
        /// What is wrong.
        source: Box<ChainError>,
    },
    /// Something is wrong on one line of a chain file.
    #[error("line {line}: {source}")]
    AtLine {
        /// The line, counted from 1.
        line: usize,
        /// What is wrong.
        source: Box<ChainError>,
    },
    /// Something is wrong in a chain file.
    #[error("{}: {source}", path.display())]
    InFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Box<ChainError>,
    },
    /// The file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is far too long for a chain.
    #[error("{}: longer than a chain file may be ({allowed_bytes} bytes)", path.display())]
    FileTooLong {
        /// The file.
        path: PathBuf,
        /// Most bytes that are read.
        allowed_bytes: u64,
    },
}

impl ChainError {
    /// Whether a file could not be reached, rather than the chain in it being wrong.
    #[must_use]
    pub const fn is_io(&self) -> bool {
        matches!(self, Self::Io { .. } | Self::FileTooLong { .. })
    }

    pub(super) fn at_column(self, column: usize) -> Self {
        Self::AtColumn {
            column,
            source: Box::new(self),
        }
    }

    pub(super) fn at_line(self, line: usize) -> Self {
        Self::AtLine {
            line,
            source: Box::new(self),
        }
    }
}

/// What may stand in the place of an effect, shown with commas between: the ids of all effects, and
/// in a chain's text the words for what is no effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EffectIds {
    pub(super) reserved: &'static [&'static str],
}

impl fmt::Display for EffectIds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let effects = EFFECTS.iter().map(|effect| effect.id);
        let mut comma = "";
        for id in effects.chain(self.reserved.iter().copied()) {
            write!(formatter, "{comma}{id}")?;
            comma = ", ";
        }
        Ok(())
    }
}
