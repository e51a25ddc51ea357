//! What the takes of a session know of each other.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::disk::Rates;
use crate::same_file::whole_name;

/// A take among those of its session.
#[derive(Clone, Debug)]
pub(crate) struct Company {
    /// The number of the take.
    pub(super) number: usize,
    pub(super) rates: Arc<Rates>,
    names: Arc<Mutex<Vec<(usize, PathBuf)>>>,
}

impl Company {
    /// Of the first take.
    pub(crate) fn new() -> Self {
        Self {
            number: 0,
            rates: Arc::default(),
            names: Arc::default(),
        }
    }

    /// The same of another take.
    pub(crate) fn of(&self, number: usize) -> Self {
        Self {
            number,
            ..self.clone()
        }
    }

    /// Claims the name of a file for this take, for as long as the session lasts; says whether no other
    /// take has it.
    pub(super) fn claim(&self, path: &Path) -> bool {
        // What asks the disk is done before: a disk that does not answer holds up one take alone.
        let name = whole_name(path).unwrap_or_else(|| path.to_owned());
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let owner = names.iter().find(|(_, claimed)| *claimed == name);
        match owner {
            Some(&(number, _)) => number == self.number,
            None => {
                names.push((self.number, name));
                true
            }
        }
    }

    /// Whether a take of the session has claimed the name.
    pub(super) fn has(&self, path: &Path) -> bool {
        let name = whole_name(path).unwrap_or_else(|| path.to_owned());
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        names.iter().any(|(_, claimed)| *claimed == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_of_one_take_by_every_way_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let by = |way: &str| folder.path().join(way).join("take-002.wav");
        let first = Company::new();
        let second = first.of(1);
        assert!(first.claim(&by(".")) && first.claim(&by(".")));
        std::fs::create_dir(folder.path().join("in")).unwrap();
        assert!(!second.claim(&by("in/..")));
        assert!(second.claim(&by("in")) && !first.claim(&by("in")));
        assert!(first.has(&by("in")) && !first.has(&by("none")));
    }
}
