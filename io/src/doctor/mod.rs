//! What stands in the way of low latency on this machine, and how to mend it.
//!
//! [`examine`] reads what the system says of itself and, on the machine it runs on, also tries: a
//! thread with real-time rights, how late it wakes, which servers answer, what the default device
//! settles on. It takes a few seconds and prints nothing.
//!
//! ```
//! use ossicle_io::doctor::{Place, examine};
//!
//! let folder = std::env::temp_dir().join("an-empty-folder-stands-for-a-system-that-says-nothing");
//! let diagnosis = examine(&Place::Files(folder));
//! assert!(diagnosis.findings.is_empty() && diagnosis.wake_ups.is_none());
//! ```

mod files;
mod kernel;
mod limits;
mod sound;
mod wake_ups;

use core::fmt;
use std::path::{Path, PathBuf};

use crate::rights::Scheduling;
use files::Files;

pub use wake_ups::WakeUps;

/// What is examined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// This machine: its files, its servers and devices, and what it grants when asked.
    Machine,
    /// Only files below this folder, which stands for `/`: `proc`, `sys`, `boot`, `usr`.
    Files(PathBuf),
}

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Good to know; nothing stands in the way because of it.
    Note,
    /// Low latency works worse, or not always.
    Hinders,
    /// Low latency cannot work.
    Blocks,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Note => "note",
            Self::Hinders => "hinders",
            Self::Blocks => "blocks",
        })
    }
}

/// One thing that could be better.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How much it matters.
    pub severity: Severity,
    /// What was found, with its figures.
    pub what: String,
    /// Why it matters.
    pub why: &'static str,
    /// How to mend it: commands, or steps in words, in order.
    pub mend: Vec<String>,
}

/// Something that is so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What is told of, one word, lower case.
    pub name: &'static str,
    /// How it is.
    pub value: String,
}

/// What an examination came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diagnosis {
    /// How things are, in a fixed order.
    pub facts: Vec<Fact>,
    /// What could be better, the worst first.
    pub findings: Vec<Finding>,
    /// What a thread got that asked for real-time scheduling; `None` where nothing was tried.
    pub scheduling: Option<Scheduling>,
    /// How late that thread woke; `None` where nothing was tried.
    pub wake_ups: Option<WakeUps>,
}

impl Diagnosis {
    /// Whether nothing stands in the way: notes do not.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        let stands_in_the_way = |finding: &Finding| finding.severity > Severity::Note;
        !self.findings.iter().any(stands_in_the_way)
    }

    fn fact(&mut self, name: &'static str, value: impl Into<String>) {
        let value = value.into();
        self.facts.push(Fact { name, value });
    }

    fn find(&mut self, severity: Severity, what: String, why: &'static str, mend: &[&str]) {
        self.findings.push(Finding {
            severity,
            what,
            why,
            mend: mend.iter().map(|&step| step.to_owned()).collect(),
        });
    }
}

/// Examines a place. On [`Place::Machine`] it takes two seconds or more, and opens the default
/// devices for a moment.
#[must_use]
pub fn examine(place: &Place) -> Diagnosis {
    let mut diagnosis = Diagnosis::default();
    let (files, tried) = match place {
        Place::Machine => (Files::below(Path::new("/")), Some(wake_ups::try_it())),
        Place::Files(folder) => (Files::below(folder), None),
    };
    diagnosis.scheduling = tried.as_ref().map(|(scheduling, _)| *scheduling);
    limits::look(&files, &mut diagnosis);
    kernel::look(&files, &mut diagnosis);
    if let Some((_, wake_ups)) = tried {
        wake_ups::judge(wake_ups, &mut diagnosis);
        sound::look(&mut diagnosis);
    }
    diagnosis
        .findings
        .sort_by_key(|finding| core::cmp::Reverse(finding.severity));
    diagnosis
}
