//! Bar 1: stalled disks, servers that stop and die, xrun storms, up to 16 recorders at once.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use anyhow::Result;
use xtask::bar::Bar;

use super::dice::Dice;
use super::listed;
use super::mount::{self, Mount};
use super::scene::{Done, Stage, Verdict};
use super::score::{Class, Score};
use crate::table::Table;

/// Most of ours at once, at both servers together.
const MOST_AT_ONCE: usize = 16;
/// Room for takes of 40 s of all recorders and 16 of ours, in MiB.
const DISK_MIB: u64 = 640;
const TAIL: Duration = Duration::from_millis(2_500);

/// A fault to be thrown.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Stall(f64),
    ServerStopped(f64),
    ServerKilled(f64),
    Storm(u32),
}

impl Fault {
    fn class(self) -> Class {
        match self {
            Self::Stall(_) => Class::Stall,
            Self::ServerStopped(_) => Class::ServerStopped,
            Self::ServerKilled(_) => Class::ServerKilled,
            Self::Storm(_) => Class::Storm,
        }
    }

    fn throw(self, stage: &mut Stage, disk: Option<&Mount>) -> Result<()> {
        match self {
            Self::Stall(seconds) => {
                let _frozen = disk.map(Mount::freeze).transpose()?;
                sleep(Duration::from_secs_f64(seconds));
            }
            Self::ServerStopped(seconds) => {
                stage.rigs.values().try_for_each(|rig| rig.stop())?;
                sleep(Duration::from_secs_f64(seconds));
                stage.rigs.values().try_for_each(|rig| rig.cont())?;
            }
            Self::ServerKilled(seconds) => {
                stage.rigs.values_mut().for_each(|rig| rig.kill());
                sleep(Duration::from_secs_f64(seconds));
                stage.rigs.values_mut().try_for_each(|rig| rig.restart())?;
                // Those who come back have to find the server.
                sleep(TAIL);
            }
            Self::Storm(bursts) => storm(bursts),
        }
        Ok(())
    }
}

/// Keeps every core busy for a twentieth of a second at a time, above every real-time thread where
/// that is allowed.
fn storm(bursts: u32) {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let busy = [
        "timeout",
        "0.05",
        "chrt",
        "-f",
        "80",
        "sh",
        "-c",
        "while :; do :; done",
    ];
    for _ in 0..bursts {
        let hogs: Vec<_> = (0..cores)
            .filter_map(|_| {
                Command::new("chrt")
                    .args(["-f", "81"])
                    .args(busy)
                    .spawn()
                    .ok()
            })
            .collect();
        for mut hog in hogs {
            let _ = hog.wait();
        }
        sleep(Duration::from_millis(50));
    }
}

/// What was seen of ours.
#[derive(Default)]
struct Ours {
    faults: usize,
    takes: usize,
    accounted: usize,
    gaps: usize,
    /// Takes with gaps, lists of gaps that are there, and those that are true or rightly not there.
    with_gaps: usize,
    lists: usize,
    true_lists: usize,
    /// What is wrong with the first that is not.
    untrue: Option<String>,
}

/// Throws the faults of these numbers at all recorders, none longer than `most_s`.
///
/// # Errors
/// When a fault cannot be made.
pub fn run(
    stage: &mut Stage,
    (numbers, most_s): (Range<usize>, f64),
    table: &mut Table,
    score: &mut Score,
) -> Result<()> {
    let disk = mount::is_possible()
        .then(|| Mount::ext4(&mount::in_memory(), DISK_MIB))
        .transpose()?;
    if disk.is_none() {
        table.skip("bar 1: disk stalls", mount::NOT_ROOT);
    }
    let plain = tempfile::tempdir()?;
    let folder = disk
        .as_ref()
        .map_or_else(|| plain.path().to_path_buf(), Mount::path);
    let mut dice = Dice::new(1 + numbers.start as u64);
    let mut ours = Ours::default();
    for number in numbers {
        let fault = match number % 4 {
            0 if disk.is_some() => Fault::Stall(dice.log_uniform(0.1, most_s)),
            1 => Fault::ServerStopped(dice.log_uniform(0.1, most_s.min(10.0))),
            2 => Fault::ServerKilled(dice.log_uniform(0.1, most_s.min(2.0))),
            3 => Fault::Storm(10),
            _ => continue,
        };
        // Every fifth with as many of ours as may be.
        let copies = if number % 5 == 4 {
            MOST_AT_ONCE / 2
        } else {
            1 + dice.below(3)
        };
        let hit = matches!(fault, Fault::ServerStopped(_) | Fault::ServerKilled(_));
        let done = stage.play(&folder, copies, hit, TAIL, |stage| {
            fault.throw(stage, disk.as_ref())
        })?;
        ours.faults += 1;
        let mut line = Vec::new();
        for done in &done {
            let verdict = done.verdict();
            line.push(format!("{}: {}", done.recorder.name(), verdict.words));
            let words = format!("{fault:?}: {}", verdict.words);
            score.count(done.recorder, fault.class(), verdict.accounted, words);
            if done.recorder.is_ours() {
                ours.see(done, &verdict);
            }
        }
        println!(
            "{:>3} {fault:.2?}, {copies} of ours\n      {}",
            number + 1,
            line.join("\n      ")
        );
        clear(&folder)?;
    }
    ours.tell(table);
    Ok(())
}

impl Ours {
    fn see(&mut self, done: &Done, verdict: &Verdict) {
        self.takes += 1;
        self.accounted += usize::from(verdict.accounted);
        let Some((account, take)) = &verdict.take else {
            return;
        };
        let missed = account.gaps.iter().filter(|gap| gap.passed > 0).count();
        self.gaps += missed;
        self.with_gaps += usize::from(missed > 0);
        let list = listed::read(&done.file);
        self.lists += usize::from(!matches!(list, Ok(None)));
        let checked = list
            .and_then(|list| listed::check(&list.unwrap_or_default(), take, account, done.around));
        match checked {
            Ok(()) => self.true_lists += 1,
            Err(error) => {
                let name = done.recorder.name();
                println!("      {name}: list of gaps: {error:#}");
                self.untrue.get_or_insert(format!("{name}: {error:#}"));
            }
        }
    }

    fn tell(&self, table: &mut Table) {
        let Self {
            faults,
            takes,
            accounted,
            gaps,
            with_gaps,
            lists,
            true_lists,
            ..
        } = *self;
        table.push(Bar {
            name: format!("bar 1: {faults} real faults, every frame of ours accounted for"),
            measured: format!("{accounted} of {takes} takes, {gaps} gaps"),
            holds: takes > 0 && accounted == takes,
        });
        let first = self.untrue.as_deref().unwrap_or("all listed once");
        table.push(Bar {
            name: "bar 1: every gap listed once with its cause".to_owned(),
            measured: match lists {
                0 if with_gaps > 0 => "not there".to_owned(),
                _ => format!("{true_lists} of {takes} takes, {lists} lists; {first}"),
            },
            holds: true_lists == takes,
        });
    }
}

/// Takes every file away.
///
/// # Errors
/// When one cannot be taken away.
fn clear(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)?.flatten() {
        if entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
