//! The steps of `cargo xtask test`: each is named, timed and counted.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use rustix::fs::statvfs;

use crate::bars;
use crate::realtime;
use crate::recorder;
use crate::setup;

/// Frames of the FLAC whose memory is measured here; `cargo xtask bars` takes twelve hours.
const TWENTY_MINUTES: u64 = 20 * 60 * 48_000;

/// Free bytes under which a disk is taken for the cause of what failed: the largest program fits thrice.
const ROOM: u64 = 1_000_000_000;

/// What a whole run takes on the disk, in bytes, from a fresh clone.
const WHOLE: u64 = 8_000_000_000;

/// Runs every check in order and ends with how many tests passed.
///
/// # Errors
/// At the first step that fails; failed tests are all run and counted first.
pub fn test() -> Result<()> {
    let begin = Instant::now();
    let mut tally = Tally::default();
    step("setup", || setup::install(&[setup::BUILD, setup::TEST]))?;
    step("format", || run(cargo(&["fmt", "--all", "--check"])))?;
    step("lints", || {
        let features = ["--features", "xtask/jack-peer"];
        let all = ["clippy", "--quiet", "--workspace", "--all-targets"];
        run(cargo(
            &[&all[..], &features, &["--", "-D", "warnings"]].concat(),
        ))
    })?;
    step("documentation", || {
        let mut command = cargo(&["doc", "--quiet", "--workspace", "--no-deps"]);
        command.env("RUSTDOCFLAGS", "-D warnings");
        run(command)
    })?;
    step("tests", || {
        tally.run(cargo(&["test", "--workspace", "--no-fail-fast"]))
    })?;
    step("benches, once each", || {
        run(cargo(&[
            "test",
            "--quiet",
            "--package",
            "ossicle-benches",
            "--benches",
        ]))
    })?;
    step("memory of long files", || {
        let bins = [
            "--package",
            "ossicle-cli",
            "--package",
            "ossicle-benches",
            "--bins",
        ];
        let mut build = cargo(&[&["build", "--quiet"][..], &bins].concat());
        build.arg("--target-dir").arg(target());
        run(build)?;
        bars::long_files(&target().join("debug"), TWENTY_MINUTES)
    })?;
    step("real faults under the recorder", || {
        // Where this program lay, one with other features may lie by now.
        let mut check = Command::new("/proc/self/exe");
        // As it was built for the memory of long files.
        let program = target().join("debug/ossicle");
        check
            .args(["recorder", "--check"])
            .env(recorder::ANOTHER, program);
        run(check)
    })?;
    step("RealtimeSanitizer", || match sanitized()? {
        Some(commands) => commands
            .into_iter()
            .try_for_each(|command| tally.run(command)),
        None => {
            println!("skipped: {NO_SANITIZER}");
            Ok(())
        }
    })?;
    realtime::check()?;
    println!("\nall steps: {:.0} s", begin.elapsed().as_secs_f64());
    println!("{} passed, {} failed", tally.passed, tally.failed);
    ensure!(
        tally.failed == 0 && tally.broken == 0,
        "there are failed tests"
    );
    ensure!(tally.passed > 0, "no test has run");
    Ok(())
}

/// Why RealtimeSanitizer is left out.
pub const NO_SANITIZER: &str = "this toolchain has no librustc-stable_rt.rtsan.a";

/// The soak in release with `callbacks` callbacks, watched by RealtimeSanitizer; `None` where the
/// toolchain does not have it.
///
/// # Errors
/// When the toolchain cannot be asked.
pub fn sanitized_soak(callbacks: &str) -> Result<Option<Command>> {
    let command = sanitizer_library()?.map(|library| {
        let mut command = with_sanitizer(&library, "ossicle", &["--test", "soak", "--release"]);
        command.env("OSSICLE_CALLBACKS", callbacks);
        command
    });
    Ok(command)
}

/// The engine's tests again, and the faults in the error callback, with every real-time entry
/// watched by RealtimeSanitizer; `None` where the toolchain does not have it.
///
/// # Errors
/// When the toolchain cannot be asked.
pub fn sanitized() -> Result<Option<Vec<Command>>> {
    let Some(library) = sanitizer_library()? else {
        return Ok(None);
    };
    Ok(Some(vec![
        with_sanitizer(&library, "ossicle", &["--lib", "--tests"]),
        with_sanitizer(&library, "ossicle-io", &["--lib", "faults"]),
    ]))
}

fn with_sanitizer(library: &Path, package: &str, tests: &[&str]) -> Command {
    let mut command = cargo(&["test", "--package", package, "--features", "rtsan"]);
    command
        .args(tests)
        .arg("--no-fail-fast")
        .env("RTSAN_ENABLE", "1")
        .env("RTSAN_LIB_PATH", library);
    command
}

fn sanitizer_library() -> Result<Option<PathBuf>> {
    let answer = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
        .args(["--print", "sysroot"])
        .output()
        .context("asking rustc for its folder")?;
    let sysroot = String::from_utf8(answer.stdout)?;
    let machine = format!("{}-unknown-linux-gnu", env::consts::ARCH);
    let library = Path::new(sysroot.trim())
        .join("lib/rustlib")
        .join(machine)
        .join("lib/librustc-stable_rt.rtsan.a");
    Ok(library.is_file().then_some(library))
}

/// Test results of several runs, added up.
#[derive(Debug, Default)]
struct Tally {
    passed: u64,
    failed: u64,
    /// Runs that failed without a failed test: something did not build, or a test aborted.
    broken: u64,
}

impl Tally {
    /// Runs tests, shows what they print and adds up their results.
    fn run(&mut self, mut command: Command) -> Result<()> {
        let failed_before = self.failed;
        let mut child = command
            .stdout(Stdio::piped())
            .spawn()
            .context("starting cargo")?;
        let output = child.stdout.take().context("output of cargo")?;
        for line in BufReader::new(output).lines() {
            let line = line?;
            if let Some((passed, failed)) = results(&line) {
                self.passed += passed;
                self.failed += failed;
            }
            println!("{line}");
        }
        let status = child.wait()?;
        if !status.success() && self.failed == failed_before {
            self.broken += 1;
        }
        Ok(())
    }
}

/// Reads `test result: ok. 5 passed; 1 failed; ...`: how many passed and failed.
pub fn results(line: &str) -> Option<(u64, u64)> {
    let rest = line.strip_prefix("test result: ")?;
    let count = |word: &str| {
        let before = rest.split_once(word)?.0;
        before.split_whitespace().last()?.parse().ok()
    };
    Some((count(" passed")?, count(" failed")?))
}

/// Runs one step between its name and its time.
pub fn step(name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("\n== {name}");
    let begin = Instant::now();
    work().with_context(|| name.to_owned())?;
    println!("== {name}: {:.1} s", begin.elapsed().as_secs_f64());
    Ok(())
}

/// The cargo that runs this, in the workspace's folder.
pub fn cargo(words: &[&str]) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command
        .args(words)
        .current_dir(workspace())
        .stdin(Stdio::null());
    command
}

/// Runs a command with its output shown.
///
/// # Errors
/// When it cannot be started or fails.
pub fn run(mut command: Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command
        .status()
        .with_context(|| format!("starting {program}"))?;
    if !status.success() {
        let words: Vec<_> = command
            .get_args()
            .map(|word| word.to_string_lossy())
            .collect();
        bail!(
            "{} {}: {}",
            Path::new(&program).display(),
            words.join(" "),
            status
        );
    }
    Ok(())
}

/// Says so where what is built has no room: a linker then ends by a signal and names no cause.
pub fn full_disk() -> Option<String> {
    let folder = target();
    let room = statvfs(&folder).ok()?;
    let free = room.f_bavail.saturating_mul(room.f_frsize);
    (free < ROOM).then(|| {
        format!(
            "the disk of {} has {} MB left: `cargo xtask test` takes up to {} GB",
            folder.display(),
            free / 1_000_000,
            WHOLE / 1_000_000_000
        )
    })
}

/// Folder of the workspace.
pub fn workspace() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// Folder of what is built.
pub fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::results;

    #[test]
    fn results_of_a_run_are_read() {
        let line =
            "test result: FAILED. 41 passed; 2 failed; 3 ignored; 0 measured; 0 filtered out";
        assert_eq!(results(line), Some((41, 2)));
        assert_eq!(results("test gain_at_cutoff_is_half_power ... ok"), None);
    }
}
