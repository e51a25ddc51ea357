//! Miri and ThreadSanitizer over what threads share: rings, slot, counters. Both need a nightly
//! toolchain; without one they are left out, visibly.

use std::process::{Command, Stdio};

use anyhow::Result;

use crate::steps::{target, workspace};
use crate::table::Table;

/// Seeds of Miri's scheduler and of its memory's choices.
const SEEDS: u32 = 16;

/// Runs both.
///
/// # Errors
/// When a command cannot be started.
pub fn find(table: &mut Table) -> Result<()> {
    let components = [
        "component",
        "add",
        "--toolchain",
        "nightly",
        "miri",
        "rust-src",
    ];
    if !succeeds("rustup", &components) {
        let reason = "no nightly toolchain with Miri and rust-src, and none can be fetched";
        table.skip("Miri, ThreadSanitizer", reason);
        return Ok(());
    }
    let ring = ["--test", "ring_accounts_for_every_frame", "two_threads"];
    for (name, package, tests) in [
        ("Miri: rings", "ossicle-io", &ring[..]),
        ("Miri: the session's slot", "ossicle", &["--lib", "slot"]),
    ] {
        let mut command = nightly(&["miri", "test", "--package", package]);
        let flags = format!("-Zmiri-disable-isolation -Zmiri-many-seeds=0..{SEEDS}");
        command
            .args(tests)
            .arg("--target-dir")
            .arg(target().join("miri"))
            .env("MIRIFLAGS", flags);
        table.run_many(name, command, &format!("{SEEDS} seeds"))?;
    }
    // The sanitizer's own memory grows where a ring's does not.
    let shared = [ring[0], ring[1], "account"];
    let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    for (name, package, tests) in [
        ("ThreadSanitizer: rings", "ossicle-io", &shared[..]),
        ("ThreadSanitizer: hand-off", "ossicle", &["--lib"]),
    ] {
        let mut command = nightly(&["test", "-Zbuild-std", "--target", &host]);
        command
            .args(["--package", package])
            .args(tests)
            .arg("--target-dir")
            .arg(target().join("thread-sanitizer"))
            .env("RUSTFLAGS", "-Zsanitizer=thread");
        table.run(name, command)?;
    }
    Ok(())
}

/// Cargo of the nightly toolchain, in the workspace's folder.
fn nightly(words: &[&str]) -> Command {
    let mut command = Command::new("rustup");
    command
        .args(["run", "nightly", "cargo"])
        .args(words)
        .current_dir(workspace())
        .stdin(Stdio::null());
    // This program was started by another toolchain's cargo, which names itself to its children.
    for name in [
        "RUSTC",
        "CARGO",
        "RUSTUP_TOOLCHAIN",
        "CARGO_ENCODED_RUSTFLAGS",
    ] {
        command.env_remove(name);
    }
    command
}

fn succeeds(program: &str, words: &[&str]) -> bool {
    Command::new(program)
        .args(words)
        .stdin(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
