//! The file in which the periods that work are remembered.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::entry::{Direction, Entry};
use crate::state_file;

/// Version of the file's form.
const VERSION: u32 = 1;
/// More devices than this are not remembered: the oldest are forgotten.
const DEVICES: usize = 256;
const HEAD: &str = "# Periods that work, found by trying. It may be deleted.\n";

/// Why nothing is remembered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryError {
    /// The file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The file is of another version or is damaged; delete it.
    #[error("{}: {cause}", path.display())]
    NotUnderstood {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    #[serde(default)]
    device: Vec<Entry>,
}

/// The periods that work, by device, direction and rate.
#[derive(Clone, Debug)]
pub struct PeriodMemory {
    path: PathBuf,
    entries: Vec<Entry>,
}

impl PeriodMemory {
    /// Where a user's programs keep such a file: `ossicle/periods.toml` below `XDG_STATE_HOME`, or
    /// below `.local/state` in the home folder where that is not set. `None` without a home.
    pub fn default_path() -> Option<PathBuf> {
        state_file::default_path("periods.toml")
    }

    /// Reads the file; without one, nothing is known.
    ///
    /// # Errors
    /// [`MemoryError::Io`] and [`MemoryError::NotUnderstood`].
    pub fn load(path: impl Into<PathBuf>) -> Result<Self, MemoryError> {
        let path = path.into();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::empty(path)),
            Err(source) => return Err(MemoryError::Io { path, source }),
        };
        let not_understood = |cause: String| MemoryError::NotUnderstood {
            path: path.clone(),
            cause,
        };
        let file: File = toml::from_str(&text).map_err(|error| {
            let place = error.span().map_or(0, |span| span.start);
            let line = 1 + text[..place.min(text.len())].matches('\n').count();
            not_understood(format!("line {line}: {}", error.message()))
        })?;
        if file.version != VERSION {
            let cause = format!("it is of version {} (allowed: {VERSION})", file.version);
            return Err(not_understood(cause));
        }
        if let Some(wrong) = file.device.iter().find(|entry| !entry.is_sound()) {
            let cause = format!(
                "\"{}\" has works_frames = {} and fails_frames = {} (allowed: 32 to 8192, and less)",
                wrong.device, wrong.works_frames, wrong.fails_frames
            );
            return Err(not_understood(cause));
        }
        Ok(Self {
            path,
            entries: file.device,
        })
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

    /// The shortest period in frames that is known to work, if anything is known.
    pub fn works_frames(
        &self,
        device: &str,
        direction: Direction,
        sample_rate_hz: u32,
    ) -> Option<u32> {
        let asked = Entry::new(device, direction, sample_rate_hz);
        let known = self.entries.iter().find(|entry| entry.is_of(&asked));
        known.map(|entry| entry.works_frames)
    }

    /// What is known of a device, or the little that is known of any.
    pub(super) fn entry(&self, fresh: Entry) -> Entry {
        let known = self.entries.iter().find(|entry| entry.is_of(&fresh));
        known.cloned().unwrap_or(fresh)
    }

    /// Remembers what is known now: with what others have written meanwhile.
    pub(super) fn remember(&mut self, entry: &Entry) -> Result<(), MemoryError> {
        if let Ok(written) = Self::load(&self.path) {
            self.entries = written.entries;
        }
        self.entries.retain(|known| !known.is_of(entry));
        self.entries.push(entry.clone());
        let surplus = self.entries.len().saturating_sub(DEVICES);
        self.entries.drain(..surplus);
        self.save().map_err(|source| MemoryError::Io {
            path: self.path.clone(),
            source,
        })
    }

    fn save(&self) -> io::Result<()> {
        let file = File {
            version: VERSION,
            device: self.entries.clone(),
        };
        let text = toml::to_string(&file).map_err(io::Error::other)?;
        state_file::put(&self.path, &[HEAD, &text])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_read_back_beside_what_others_wrote() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/ossicle/periods.toml");
        let mut one = PeriodMemory::load(&path).unwrap();
        let mut two = PeriodMemory::load(&path).unwrap();
        let mut speaker = Entry::new("pulseaudio:speaker", Direction::Output, 48_000);
        speaker.tried(128, true);
        one.remember(&speaker).unwrap();
        let mut microphone = Entry::new("pulseaudio:microphone", Direction::Input, 44_100);
        microphone.tried(128, false);
        two.remember(&microphone).unwrap();
        speaker.tried(64, true);
        one.remember(&speaker).unwrap();
        let read = PeriodMemory::load(&path).unwrap();
        let works = |device, direction, rate| read.works_frames(device, direction, rate);
        assert_eq!(
            works("pulseaudio:speaker", Direction::Output, 48_000),
            Some(64)
        );
        assert_eq!(works("pulseaudio:speaker", Direction::Output, 44_100), None);
        assert_eq!(works("pulseaudio:speaker", Direction::Input, 48_000), None);
        assert_eq!(read.entry(microphone.clone()), microphone);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_is_not_understood_is_named_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("periods.toml");
        let refused = |text: &str| {
            fs::write(&path, text).unwrap();
            let error = PeriodMemory::load(&path).map(drop).unwrap_err().to_string();
            error
                .strip_prefix(&format!("{}: ", path.display()))
                .map(str::to_owned)
                .unwrap()
        };
        assert_eq!(refused("version = 2\n"), "it is of version 2 (allowed: 1)");
        assert!(refused("version = 1\n\ndevice = 7\n").starts_with("line 3: "));
        let entry = "[[device]]\ndevice = \"a\"\ndirection = \"input\"\nsample_rate_hz = 1\n";
        let told = refused(&format!("version = 1\n{entry}works_frames = 0\n"));
        assert!(told.contains("works_frames = 0"), "{told}");
        assert!(
            refused(&format!("version = 1\n{entry}works_frames = 64\nx = 1\n")).contains("`x`")
        );
    }
}
