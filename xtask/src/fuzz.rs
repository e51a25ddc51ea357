//! Sound files with errors in them, by the million.

use anyhow::Result;

use crate::steps::{cargo, run};

/// Mutations of the long run.
const MANY: &str = "10000000";

/// Mutates sound files and reads them: a few as they are in the ordinary tests, or ten million,
/// optimised and with overflow checks on. `OSSICLE_MUTATIONS` sets another number.
///
/// # Errors
/// When one of them does harm; the message names it and where it is kept.
pub fn all(short: bool) -> Result<()> {
    let mut words = vec!["test", "--package", "ossicle-io", "--test", "mutated_files"];
    if !short {
        words.extend(["--profile", "fuzz"]);
    }
    words.extend(["--", "--nocapture"]);
    let mut command = cargo(&words);
    if !short && std::env::var_os("OSSICLE_MUTATIONS").is_none() {
        command.env("OSSICLE_MUTATIONS", MANY);
    }
    run(command)
}
