//! What the crates' own tests show of the recorder, in their long form; `cargo xtask test` runs the
//! short one.

use anyhow::Result;

use crate::steps::cargo;
use crate::table::Table;

/// A law, and the test that shows it.
struct Law {
    bar: &'static str,
    name: &'static str,
    package: &'static str,
    test: &'static str,
    filter: &'static str,
    is_ignored: bool,
    long: Option<(&'static str, &'static str)>,
}

const fn law(bar: &'static str, name: &'static str, words: [&'static str; 3]) -> Law {
    let [package, test, filter] = words;
    Law {
        bar,
        name,
        package,
        test,
        filter,
        is_ignored: false,
        long: None,
    }
}

impl Law {
    const fn long(mut self, variable: &'static str, value: &'static str) -> Self {
        self.long = Some((variable, value));
        self
    }

    const fn ignored(mut self) -> Self {
        self.is_ignored = true;
        self
    }
}

const LAWS: &[Law] = &[
    law(
        "1",
        "simulated faults of devices and disks",
        ["ossicle", "recorder", "faults"],
    )
    .long("OSSICLE_TRIALS", "300"),
    law(
        "2",
        "power cuts: the states that syncs allow",
        ["ossicle-io", "wav_takes", "cuts"],
    )
    .long("OSSICLE_TRIALS", "4000"),
    law(
        "2",
        "power cuts: copies of a live disk",
        ["ossicle-io", "wav_takes", "images"],
    )
    .ignored(),
    law(
        "3",
        "a kill between any two system calls",
        ["ossicle-io", "wav_takes", "kills"],
    )
    .long("OSSICLE_TRIALS", "1"),
    law(
        "4",
        "a disk that stands still for a minute",
        ["ossicle", "recorder", "a_minute"],
    ),
    law(
        "4",
        "full disks, with another disk and without",
        ["ossicle", "recorder", "a_full_disk"],
    )
    .long("OSSICLE_TRIALS", "100"),
    law(
        "5",
        "takes of 8 and 100 GiB",
        ["ossicle-io", "wav_takes", "sizes"],
    )
    .ignored(),
    law(
        "6",
        "a reader at full speed for ten minutes",
        ["ossicle", "recorder", "a_reader"],
    )
    .long("OSSICLE_SECONDS", "600"),
    law(
        "7",
        "from the start to the first frame",
        ["ossicle", "recorder", "50_ms"],
    ),
    law(
        "7",
        "split files joined are the take",
        ["ossicle", "recorder", "split"],
    ),
    law(
        "9",
        "odd files, as libsndfile reads them",
        ["ossicle-io", "odd_wav", ""],
    ),
];

/// Runs those of the bars that are wanted.
///
/// # Errors
/// When a test cannot be started.
pub fn run(is_wanted: impl Fn(&str) -> bool, table: &mut Table) -> Result<()> {
    for law in LAWS.iter().filter(|law| is_wanted(law.bar)) {
        let mut command = cargo(&["test", "--quiet", "--release", "--package", law.package]);
        command.args(["--test", law.test, law.filter, "--"]);
        if law.is_ignored {
            command.arg("--include-ignored");
        }
        command.envs(law.long);
        table.run(&format!("bar {}: {}", law.bar, law.name), command)?;
    }
    Ok(())
}
