//! The workspace with a fault in it that leaves no trace while the program runs: a lock that is
//! always free, taken in every node, in the capture callback and in the error callback. The lint
//! and the audit must see each of them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::steps::{target, workspace};

/// What is put in.
const FAULT: &str = "
        static FREE: std::sync::Mutex<u32> = std::sync::Mutex::new(0);
        if let Ok(mut held) = FREE.lock() {
            *held += 1;
        }";
/// What a node needs before it: its crate has no standard library.
const STANDARD_LIBRARY: &str = "\n        extern crate std;";

/// A place that gets the fault.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// What it is.
    pub what: &'static str,
    /// The file, from the workspace's folder.
    pub file: &'static str,
    /// Behind this text.
    behind: &'static str,
    /// Part of the demangled name of the function it is in, or that it is inlined into.
    pub function: &'static str,
}

const PROCESS: &str = "fn process(&mut self, block: &mut Block<'_>) {";

const fn node(file: &'static str, function: &'static str) -> Place {
    Place {
        what: "a node's process",
        file,
        behind: PROCESS,
        function,
    }
}

/// Every place.
pub const PLACES: &[Place] = &[
    node("dsp/src/nodes/gain.rs", "gain::Gain as"),
    node("dsp/src/nodes/pan.rs", "pan::Pan as"),
    node("dsp/src/nodes/delay.rs", "delay::Delay as"),
    node("dsp/src/nodes/parametric_eq/mod.rs", "ParametricEq as"),
    node("dsp/src/nodes/graphic_eq/mod.rs", "GraphicEq as"),
    node(
        "dsp/src/nodes/envelope_limiter/mod.rs",
        "EnvelopeLimiter as",
    ),
    node(
        "dsp/src/nodes/compressor/mod.rs",
        "compressor::Compressor as",
    ),
    node("dsp/src/nodes/de_esser/mod.rs", "DeEsser as"),
    node("dsp/src/nodes/gate/mod.rs", "gate::Gate as"),
    node("dsp/src/nodes/loudness.rs", "LoudnessNode as"),
    node("dsp/src/nodes/mid_side.rs", "MidSide as"),
    node(
        "dsp/src/nodes/multiband_compressor/mod.rs",
        "MultibandCompressor as",
    ),
    node(
        "dsp/src/nodes/true_peak_limiter/mod.rs",
        "TruePeakLimiter as",
    ),
    node("dsp/src/nodes/width.rs", "width::Width as"),
    Place {
        what: "the callback of a device beside the master, a capture for one",
        file: "engine/src/session/device.rs",
        behind: "fn run(&mut self, call: &mut Call<'_>) {",
        function: "ossicle::session::stage::device_callback::{closure#",
    },
    Place {
        what: "the error callback",
        file: "io/src/device/cpal/stream.rs",
        behind: "let pause = realtime::callback(|| {",
        function: "cpal::stream::Pending>::build::{closure#0}",
    },
];

/// Makes the faulty workspace and returns its folder.
///
/// # Errors
/// When a place is not as it is known here, or a file cannot be written.
pub fn make() -> Result<PathBuf> {
    let folder = target().join("mutant");
    let from = workspace();
    for name in ["Cargo.toml", "Cargo.lock", "clippy.toml", "README.md"] {
        copy(&from.join(name), &folder.join(name))?;
    }
    for name in [
        "dsp", "io", "engine", "cli", "examples", "benches", "xtask", "docs",
    ] {
        copy_all(&from.join(name), &folder.join(name))?;
    }
    for place in PLACES {
        let path = folder.join(place.file);
        let text = fs::read_to_string(&path)?;
        ensure!(
            text.contains(place.behind),
            "{} has no `{}` any more",
            place.file,
            place.behind
        );
        let needs_std = place.file.starts_with("dsp/");
        let library = if needs_std { STANDARD_LIBRARY } else { "" };
        let faulty = format!("{}{library}{FAULT}", place.behind);
        fs::write(&path, text.replacen(place.behind, &faulty, 1))?;
    }
    Ok(folder)
}

/// Copies a folder without what was built; what is gone there goes here too.
fn copy_all(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(to).into_iter().flatten() {
        let entry = entry?;
        if from.join(entry.file_name()).exists() {
            continue;
        }
        let removed = match entry.file_type()?.is_dir() {
            true => fs::remove_dir_all(entry.path()),
            false => fs::remove_file(entry.path()),
        };
        removed.with_context(|| format!("removing {}", entry.path().display()))?;
    }
    for entry in fs::read_dir(from).with_context(|| format!("reading {}", from.display()))? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            if entry.file_name() != "target" {
                copy_all(&from, &to)?;
            }
        } else {
            copy(&from, &to)?;
        }
    }
    Ok(())
}

/// Copies a file where it is another one, so that what was built of it stays.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let content = fs::read(from).with_context(|| format!("reading {}", from.display()))?;
    if fs::read(to).is_ok_and(|there| there == content) {
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(to, content).with_context(|| format!("writing {}", to.display()))
}
