//! Who survived what: real faults survived with every frame accounted for, of those thrown.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use anyhow::Result;
use serde_json::{Value, json};

use super::program::Recorder;

/// What was thrown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    Killed,
    Full,
    Stall,
    ServerStopped,
    ServerKilled,
    Storm,
    Cut,
}

impl Class {
    const ALL: [Self; 7] = [
        Self::Killed,
        Self::Full,
        Self::Stall,
        Self::ServerStopped,
        Self::ServerKilled,
        Self::Storm,
        Self::Cut,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Killed => "kill -9",
            Self::Full => "disk full",
            Self::Stall => "disk stall",
            Self::ServerStopped => "srv stopped",
            Self::ServerKilled => "srv killed",
            Self::Storm => "xrun storm",
            Self::Cut => "power cut",
        }
    }
}

/// How one recorder fared under one fault.
#[derive(Clone, Debug)]
struct Fared {
    survived: bool,
    words: String,
}

/// All of it.
#[derive(Debug, Default)]
pub struct Score {
    fared: BTreeMap<(Recorder, Class), Vec<Fared>>,
    not_run: BTreeMap<Recorder, String>,
}

impl Score {
    /// One fault thrown at one recorder.
    pub fn count(&mut self, recorder: Recorder, class: Class, survived: bool, words: String) {
        let fared = self.fared.entry((recorder, class)).or_default();
        fared.push(Fared { survived, words });
    }

    /// Puts all of another score in.
    pub fn append(&mut self, other: Self) {
        for (who, mut fared) in other.fared {
            self.fared.entry(who).or_default().append(&mut fared);
        }
        self.not_run.extend(other.not_run);
    }

    /// A recorder could not be run.
    pub fn not_run(&mut self, recorder: Recorder, reason: String) {
        self.not_run.insert(recorder, reason);
    }

    /// Faults survived and thrown, by the recorders and classes that `wanted` chooses.
    pub fn sum(&self, wanted: impl Fn(Recorder, Class) -> bool) -> (usize, usize) {
        let chosen = self
            .fared
            .iter()
            .filter(|((who, what), _)| wanted(*who, *what));
        chosen.fold((0, 0), |(survived, thrown), (_, all)| {
            let whole = all.iter().filter(|one| one.survived).count();
            (survived + whole, thrown + all.len())
        })
    }

    /// Prints the table.
    pub fn print(&self) {
        println!("\nfaults survived with every frame accounted for / faults thrown");
        print!("{:<22}", "");
        Class::ALL
            .iter()
            .for_each(|class| print!("{:>12}", class.name()));
        println!("{:>12}{:>8}", "all", "%");
        for who in Recorder::ALL {
            print!("{:<22}", who.name());
            if let Some(reason) = self.not_run.get(&who) {
                println!("  not run: {reason}");
                continue;
            }
            for class in Class::ALL {
                print!(
                    "{:>12}",
                    ratio(self.sum(|one, what| (one, what) == (who, class)))
                );
            }
            let (survived, thrown) = self.sum(|one, _| one == who);
            let percent = 100.0 * survived as f64 / thrown.max(1) as f64;
            println!("{:>12}{percent:>8.1}", ratio((survived, thrown)));
        }
    }

    /// Writes it beside what is built, to a file of this name, with what became of each take, and says
    /// where.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str) -> Result<PathBuf> {
        let rows: Vec<Value> = Recorder::ALL.iter().map(|who| self.row(*who)).collect();
        let folder = crate::steps::target().join("recorder");
        fs::create_dir_all(&folder)?;
        let path = folder.join(name);
        let text = serde_json::to_string_pretty(&json!({ "version": 1, "recorders": rows }))?;
        fs::write(&path, text + "\n")?;
        Ok(path)
    }

    fn row(&self, who: Recorder) -> Value {
        let faults: serde_json::Map<String, Value> = Class::ALL
            .iter()
            .map(|class| {
                let (survived, thrown) = self.sum(|one, what| (one, what) == (who, *class));
                let all = self.fared.get(&(who, *class));
                let words: Vec<&str> = all
                    .into_iter()
                    .flatten()
                    .map(|one| one.words.as_str())
                    .collect();
                let cell = json!({ "survived": survived, "thrown": thrown, "takes": words });
                (class.name().to_owned(), cell)
            })
            .collect();
        let (survived, thrown) = self.sum(|one, _| one == who);
        json!({
            "recorder": who.name(),
            "survived": survived,
            "thrown": thrown,
            "not_run": self.not_run.get(&who),
            "faults": faults,
        })
    }
}

fn ratio((survived, thrown): (usize, usize)) -> String {
    if thrown == 0 {
        "-".into()
    } else {
        format!("{survived}/{thrown}")
    }
}
