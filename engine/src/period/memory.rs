//! The file in which the periods that work are remembered.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::entry::{Direction, Entry};
use crate::state_file::{self, StateFileError};

/// Version of the file's form.
const VERSION: u32 = 1;
/// More devices than this are not remembered: the oldest are forgotten.
const DEVICES: usize = 256;
const HEAD: &str = "# Periods that work, found by trying. It may be deleted.\n";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    #[serde(default)]
    device: Vec<Entry>,
}

impl File {
    /// What somebody wrote into the file makes sense.
    fn check(&self) -> Result<(), String> {
        match self.device.iter().find(|entry| !entry.is_sound()) {
            None => Ok(()),
            Some(wrong) => Err(format!(
                "\"{}\" has works_frames = {} and fails_frames = {} (allowed: 32 to 8192, and less)",
                wrong.device, wrong.works_frames, wrong.fails_frames
            )),
        }
    }
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
    /// [`StateFileError::Io`] and [`StateFileError::NotUnderstood`].
    pub fn load(path: impl Into<PathBuf>) -> Result<Self, StateFileError> {
        let path = path.into();
        let file = state_file::load(&path, VERSION, File::check)?;
        let entries = file.map_or_else(Vec::new, |file| file.device);
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
    pub(super) fn remember(&mut self, entry: &Entry) -> Result<(), StateFileError> {
        if let Ok(written) = Self::load(&self.path) {
            self.entries = written.entries;
        }
        self.entries.retain(|known| !known.is_of(entry));
        self.entries.push(entry.clone());
        let surplus = self.entries.len().saturating_sub(DEVICES);
        self.entries.drain(..surplus);
        self.save()
    }

    fn save(&self) -> Result<(), StateFileError> {
        let file = File {
            version: VERSION,
            device: self.entries.clone(),
        };
        state_file::save(&self.path, HEAD, &file)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

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
        for newer in ["version = 2\n", "version = 2\nnew = 7\n"] {
            assert_eq!(refused(newer), "it is of version 2 (allowed: 1)");
        }
        assert!(refused("version = 1\n\ndevice = 7\n").starts_with("line 3: "));
        let entry = "[[device]]\ndevice = \"a\"\ndirection = \"input\"\nsample_rate_hz = 1\n";
        let told = refused(&format!("version = 1\n{entry}works_frames = 0\n"));
        assert!(told.contains("works_frames = 0"), "{told}");
        assert!(
            refused(&format!("version = 1\n{entry}works_frames = 64\nx = 1\n")).contains("`x`")
        );
    }
}
