//! What the real-time code can call at all: an audit of the release objects.
//!
//! From the entry points of the real-time threads ([`ROOTS`]) everything is followed that they refer
//! to, through every library that is built here, down to names that lie outside: of those only the
//! ones in `ALLOWED` may be reached. It holds for every path, whether a test takes it or not, and
//! sees a lock that is always free.
//!
//! It cannot see through a call by an address that was stored elsewhere: a `dyn Node` (so every
//! node's own functions are roots), the callback of a device and of the caller, and what the C
//! libraries do. Nor does it see machine code that calls nothing: a system call written as such (the
//! traps see that), or an endless loop. Unwinding is left out: a callback that panics is lost
//! anyway, and is silenced for good.

mod allowed;
mod objects;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};

use serde_json::Value;

use crate::steps::{cargo, target};
use allowed::NOT_FOLLOWED;
use objects::{Objects, Outside};

/// Libraries whose code is followed; whatever else is called lies outside.
const LIBRARIES: &[&str] = &[
    "ossicle",
    "ossicle_dsp",
    "ossicle_io",
    "rtrb",
    "libm",
    "jack",
];

/// Functions that run on real-time threads.
struct Root {
    /// What they are.
    what: &'static str,
    /// Whether a demangled name is one of them.
    is: fn(&str) -> bool,
    /// How many there are at least: fewer means that they were renamed, and the audit looks at
    /// nothing.
    least: usize,
}

const NODE: &str = " as ossicle_dsp::node::Node>::";

const ROOTS: &[Root] = &[
    Root {
        what: "nodes",
        is: |name| {
            let method = name.split_once(NODE).map(|(_, method)| method);
            matches!(
                method,
                Some("process" | "set" | "reset" | "tail" | "latency_frames" | "subnormals")
            )
        },
        least: 5 * 3,
    },
    Root {
        what: "processor",
        is: |name| name == "<ossicle::processor::Processor>::process",
        least: 1,
    },
    Root {
        what: "session's callbacks",
        is: |name| {
            ["core", "device"].iter().any(|who| {
                name == format!("ossicle::session::stage::{who}_callback::{{closure#0}}")
            })
        },
        least: 2,
    },
    Root {
        what: "rings",
        is: |name| {
            let writer = name.strip_prefix("<ossicle_io::ring::writer::FrameWriter>::");
            let reader = name.strip_prefix("<ossicle_io::ring::reader::FrameReader>::");
            matches!(writer, Some("write" | "lose"))
                || matches!(reader, Some("next_piece" | "read" | "skip" | "available"))
        },
        least: 6,
    },
    Root {
        what: "device callbacks",
        is: |name| {
            name == "<ossicle_io::device::caller::Caller>::call"
                || name == "<ossicle_io::device::cpal::stream::Worker>::captured"
                || name == "<ossicle_io::device::pulse::capture::Worker>::captured"
                || name == "<ossicle_io::device::pulse::playback::Worker>::wanted"
                || name == "<ossicle_io::device::loss::LossClock>::block"
                || name.starts_with("<ossicle_io::device::jack::process::Process as jack")
                    && name.ends_with("::process")
        },
        least: 4,
    },
    Root {
        what: "error callbacks",
        is: |name| {
            name == "<ossicle_io::device::cpal::stream::Pending>::build::{closure#0}"
                || name.starts_with("<ossicle_io::device::jack::stream::Notices as jack")
        },
        least: 4,
    },
];

/// What an audit found.
#[derive(Debug)]
pub struct Audited {
    /// Functions it began with.
    entries: usize,
    /// Calls that are not allowed: the function it began with, the name and the way to it.
    bad: Vec<(String, Outside)>,
}

impl Audited {
    /// The figure for a table.
    ///
    /// # Errors
    /// Where there are calls that are not allowed: each with the way to it.
    pub fn measured(&self) -> Result<String> {
        let ways: Vec<String> = self
            .bad
            .iter()
            .map(|(_, outside)| outside.to_string())
            .collect();
        ensure!(
            ways.is_empty(),
            "not allowed in real-time code:\n{}",
            ways.join("\n")
        );
        let (entries, excepted) = (self.entries, NOT_FOLLOWED.len());
        Ok(format!(
            "0 from {entries} entry points, {excepted} functions not followed"
        ))
    }

    /// Whether a call that is not allowed, of a name that `is_it` takes, is reached from a function
    /// whose name holds `function`.
    pub fn has_bad(&self, is_it: impl Fn(&str) -> bool, function: &str) -> bool {
        let mut bad = self.bad.iter();
        bad.any(|(root, outside)| root.contains(function) && is_it(&outside.name))
    }
}

/// Builds the libraries of the workspace in `folder` as they are released and audits them.
///
/// # Errors
/// When a root is missing, an exception is not needed any more, or the build fails.
pub fn audit(folder: &Path) -> Result<Audited> {
    let libraries = build(folder)?;
    let objects = Objects::read(libraries.iter().map(PathBuf::as_path))?;
    let (mut entries, mut bad) = (0, Vec::new());
    let mut unused: Vec<usize> = (0..NOT_FOLLOWED.len()).collect();
    for root in ROOTS {
        let found = objects.find(root.is);
        ensure!(
            found.len() >= root.least,
            "the audit found {} functions of \"{}\" and expects {}: have they other names now?",
            found.len(),
            root.what,
            root.least
        );
        let mut most = 0;
        for (name, &place) in &found {
            let (functions, outside) = objects.reach(place, |name| {
                let known = NOT_FOLLOWED.iter().position(|(other, _)| name == *other);
                unused.retain(|&unused| Some(unused) != known);
                known.is_some()
            });
            most = most.max(functions);
            let outside = outside.into_iter();
            let outside = outside.filter(|outside| !allowed::is_allowed(&outside.name));
            bad.extend(outside.map(|outside| (name.clone(), outside)));
        }
        println!(
            "{:<22}{:>4} entry points, {most:>4} functions below one at most",
            root.what,
            found.len()
        );
        entries += found.len();
    }
    for (name, reason) in NOT_FOLLOWED {
        println!("not followed: {name}: {reason}");
    }
    if let Some(&unused) = unused.first() {
        let (name, _) = NOT_FOLLOWED[unused];
        bail!("{name} is not reached any more: it need not be excepted");
    }
    Ok(Audited { entries, bad })
}

/// Builds the engine in release, without unwinding, and returns its libraries.
fn build(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut command = cargo(&["build", "--release", "--quiet", "--package", "ossicle"]);
    command
        .current_dir(folder)
        .args(["--message-format", "json-render-diagnostics"])
        .args(["--config", "profile.release.panic=\"abort\""])
        .args(["--config", "profile.release.codegen-units=1"])
        .args(["--config", "profile.release.debug=0"])
        .arg("--target-dir")
        .arg(target().join("audit"))
        .env("RUSTFLAGS", "-C symbol-mangling-version=v0")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .stderr(Stdio::inherit());
    let built = command.output().context("building what is audited")?;
    ensure!(built.status.success(), "what is audited cannot be built");
    let mut libraries = HashMap::new();
    for line in String::from_utf8(built.stdout)?.lines() {
        let message: Value = serde_json::from_str(line)?;
        let name = message["target"]["name"].as_str().unwrap_or_default();
        let files = message["filenames"].as_array().into_iter().flatten();
        let mut files = files.filter_map(Value::as_str);
        if let Some(library) = files.find(|file| file.ends_with(".rlib")) {
            libraries.insert(name.replace('-', "_"), PathBuf::from(library));
        }
    }
    let library = |name: &&str| {
        let library = libraries.remove(*name);
        library.with_context(|| format!("no library {name} was built"))
    };
    LIBRARIES.iter().map(library).collect()
}
