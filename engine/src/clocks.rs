//! How fast the clocks of two devices run, remembered from one session to the next: a bridge between
//! them then is in step within 0.1 s.

use std::path::{Path, PathBuf};

use ossicle_dsp::clock::Learned;
use serde::{Deserialize, Serialize};

use crate::state_file::{self, StateFileError};

/// Version of the file's form.
const VERSION: u32 = 1;
/// More pairs than this are not remembered: the oldest are forgotten.
const PAIRS: usize = 256;
const HEAD: &str = "# How fast devices' clocks run, as found out. It may be deleted.\n";
/// What no clock is off by, in millionths, and no margin is, in milliseconds.
const MOST_PPM: f64 = 2_500.0;
const MOST_MS: f64 = 100.0;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    #[serde(default)]
    pair: Vec<Entry>,
}

impl File {
    /// What somebody wrote into the file makes sense.
    fn check(&self) -> Result<(), String> {
        match self.pair.iter().find(|entry| !entry.is_sound()) {
            None => Ok(()),
            Some(wrong) => Err(format!(
                "\"{}\" to \"{}\" has {} and {} ppm with a margin of {} ms (allowed: up to {MOST_PPM} \
                 ppm and {MOST_MS} ms)",
                wrong.pair.from, wrong.pair.to, wrong.from_ppm, wrong.to_ppm, wrong.margin_ms
            )),
        }
    }
}

/// Two devices by their ids, at their rates: one whose frames are read, and one that reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pair {
    pub(crate) from: String,
    pub(crate) from_hz: u32,
    pub(crate) to: String,
    pub(crate) to_hz: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    pair: Pair,
    /// Errors of both clocks, against this machine's.
    from_ppm: f64,
    to_ppm: f64,
    margin_ms: f64,
}

/// What was learned of the clocks of pairs of devices, kept from one session to the next.
///
/// Errors are those against the clock of this machine, which may run otherwise the next time: so
/// both of a pair are kept together, since their quotient is the same for every clock.
#[derive(Clone, Debug)]
pub struct ClockMemory {
    path: PathBuf,
    entries: Vec<Entry>,
}

impl ClockMemory {
    /// Where a user's programs keep such a file: `ossicle/clocks.toml` beside the
    /// [periods](crate::period::PeriodMemory::default_path). `None` without a home.
    pub fn default_path() -> Option<PathBuf> {
        state_file::default_path("clocks.toml")
    }

    /// Reads the file; without one, nothing is known.
    ///
    /// # Errors
    /// [`StateFileError::Io`] and [`StateFileError::NotUnderstood`].
    pub fn load(path: impl Into<PathBuf>) -> Result<Self, StateFileError> {
        let path = path.into();
        let file = state_file::load(&path, VERSION, File::check)?;
        let entries = file.map_or_else(Vec::new, |file| file.pair);
        Ok(Self { path, entries })
    }

    /// Nothing is known, and what will be goes to this file.
    pub fn empty(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            entries: Vec::new(),
        }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is known of a pair.
    pub(crate) fn learned(&self, pair: &Pair) -> Option<Learned> {
        let known = self.entries.iter().find(|entry| entry.pair == *pair)?;
        Some(Learned {
            from_error: known.from_ppm * 1e-6,
            to_error: known.to_ppm * 1e-6,
            margin_frames: known.margin_ms * 1e-3 * f64::from(pair.from_hz),
        })
    }

    /// Remembers what is known now: with what others have written meanwhile, in the place of a file
    /// that is not understood.
    pub(crate) fn remember(&mut self, learned: &[(Pair, Learned)]) -> Result<(), StateFileError> {
        if let Ok(written) = Self::load(&self.path) {
            self.entries = written.entries;
        }
        for (pair, learned) in learned {
            let entry = Entry {
                pair: pair.clone(),
                from_ppm: learned.from_error * 1e6,
                to_ppm: learned.to_error * 1e6,
                margin_ms: learned.margin_frames * 1e3 / f64::from(pair.from_hz),
            };
            if entry.is_sound() {
                self.entries.retain(|known| known.pair != *pair);
                self.entries.push(entry);
            }
        }
        let surplus = self.entries.len().saturating_sub(PAIRS);
        self.entries.drain(..surplus);
        self.save()
    }

    fn save(&self) -> Result<(), StateFileError> {
        let file = File {
            version: VERSION,
            pair: self.entries.clone(),
        };
        state_file::save(&self.path, HEAD, &file)
    }
}

impl Entry {
    /// What somebody wrote into the file makes sense.
    fn is_sound(&self) -> bool {
        let is_error = |ppm: f64| ppm.abs() <= MOST_PPM;
        is_error(self.from_ppm)
            && is_error(self.to_ppm)
            && (0.0..=MOST_MS).contains(&self.margin_ms)
            && self.pair.from_hz > 0
            && self.pair.to_hz > 0
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn pair(from: &str) -> Pair {
        Pair {
            from: from.to_owned(),
            from_hz: 44_100,
            to: "jack:output".to_owned(),
            to_hz: 48_000,
        }
    }

    fn learned(from_error: f64) -> Learned {
        Learned {
            from_error,
            to_error: -20e-6,
            margin_frames: 9.0,
        }
    }

    #[test]
    fn what_is_remembered_is_read_back_beside_what_others_wrote() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/clocks.toml");
        let mut one = ClockMemory::load(&path).unwrap();
        let mut two = ClockMemory::load(&path).unwrap();
        one.remember(&[(pair("a"), learned(1e-4))]).unwrap();
        two.remember(&[(pair("b"), learned(2e-4))]).unwrap();
        one.remember(&[(pair("a"), learned(3e-4))]).unwrap();
        let read = ClockMemory::load(&path).unwrap();
        assert_eq!(read.entries.len(), 2);
        for (name, error) in [("a", 3e-4), ("b", 2e-4)] {
            let known = read.learned(&pair(name)).unwrap();
            assert!((known.from_error - error).abs() < 1e-12, "{known:?}");
            assert!((known.to_error + 20e-6).abs() < 1e-12, "{known:?}");
            assert!((known.margin_frames - 9.0).abs() < 1e-9, "{known:?}");
        }
        let other_rate = Pair {
            to_hz: 44_100,
            ..pair("a")
        };
        assert_eq!(read.learned(&other_rate), None);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_not_understood_is_named_and_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("clocks.toml");
        let entry = "[[pair]]\nfrom = \"a\"\nfrom_hz = 1\nto = \"b\"\nto_hz = 1\n";
        let wrong = format!("version = 1\n{entry}from_ppm = 1e9\nto_ppm = 0.0\nmargin_ms = 1.0\n");
        let nan = format!("version = 1\n{entry}from_ppm = nan\nto_ppm = 0.0\nmargin_ms = 1.0\n");
        for (bytes, told) in [
            (
                &b"version = 2\nwhat = 7\n"[..],
                "it is of version 2 (allowed: 1)",
            ),
            (b"version = 1\n\npair = 7\n", "line 3: "),
            (b"\xff\xfe\0", "it is no text"),
            (b"", "line 1: "),
            (wrong.as_bytes(), "has 1000000000 and 0 ppm"),
            (nan.as_bytes(), "has NaN and 0 ppm"),
        ] {
            fs::write(&path, bytes).unwrap();
            let error = ClockMemory::load(&path).map(drop).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
            let mut memory = ClockMemory::empty(&path);
            memory.remember(&[(pair("a"), learned(1e-4))]).unwrap();
            assert!(
                ClockMemory::load(&path)
                    .unwrap()
                    .learned(&pair("a"))
                    .is_some()
            );
        }
    }
}
