//! Bar 3: `kill -9` at random moments of short takes, several at once.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Result;
use xtask::bar::Bar;

use super::control::Control;
use super::dice::Dice;
use super::judges::{Found, MOST_MISSING_S};
use super::mount::{self, Mount};
use super::pool;
use super::program::{Place, Recorder, offers, ossicle};
use super::rig::Rig;
use super::scene::Stage;
use super::score::{Class, Score};
use crate::table::Table;

/// One in so many may be spoiled by a machine that was late.
const MOST_SPOILED: usize = 10;
/// Room for what is recorded at once, in MiB.
const DISK_MIB: u64 = 128;
/// Takes at once.
const AT_ONCE: usize = 8;
/// Most that may be missing after `ossicle recover`, in seconds, beside what the device held back: the
/// source is where the control heard it at the moment of the kill.
const MOST_RECOVERED_S: f64 = 0.1;

/// A killed take, as it was found, after how long, and as it was after `ossicle recover`.
struct Killed {
    found: Found,
    age: Duration,
    /// The disk or the machine was late before the kill.
    late: bool,
    recovered: Option<Found>,
}

impl Killed {
    /// All is right but how much is missing, and that is because the machine was late.
    fn is_spoiled(&self, opening: Duration) -> bool {
        let right = self.found.opens && self.found.in_place;
        self.late && right && !self.is_whole(opening)
    }

    /// A take so young that half a second of it has not been heard may have no name or no frames yet.
    fn is_whole(&self, opening: Duration) -> bool {
        let young = self.age < opening + Duration::from_secs_f64(MOST_MISSING_S);
        let empty = !self.found.named || (self.found.opens && self.found.missing_s.is_none());
        self.found.is_whole() || (empty && young)
    }
}

/// Kills `count` takes of ours, and `others` of each other recorder.
///
/// # Errors
/// When a recorder cannot be started.
pub fn run(
    stage: &mut Stage,
    [count, others]: [usize; 2],
    table: &mut Table,
    score: &mut Score,
) -> Result<()> {
    let recovers = offers(&["recover", "--help"], "recover")?;
    stage.rigs.values_mut().try_for_each(Rig::refresh)?;
    // The control has to be heard before the first is killed.
    sleep(Duration::from_millis(300));
    let jobs = stage.jobs(count, others);
    let stage = &*stage;
    // Where other programs hold up no sync.
    let disk = mount::is_possible()
        .then(|| Mount::ext4(&mount::in_memory(), DISK_MIB))
        .transpose()?;
    let plain = tempfile::tempdir()?;
    let folder = disk
        .as_ref()
        .map_or_else(|| plain.path().to_path_buf(), Mount::path);
    let control = Control::start(&folder)?;
    let bench = (folder.as_path(), &control);
    let all = pool::each(&jobs, AT_ONCE, |(recorder, number)| {
        let killed = one(stage.rig(*recorder)?, *recorder, *number, (recovers, bench))?;
        Ok((*recorder, killed))
    })?;
    for recorder in &stage.recorders {
        let all = all.iter().filter(|(who, _)| who == recorder);
        let all: Vec<&Killed> = all.map(|(_, killed)| killed).collect();
        // How long it takes until frames come in: the quickest take says.
        let opening = opening(&all);
        for killed in all.iter().filter(|killed| !killed.is_spoiled(opening)) {
            let words = format!(
                "at {:.2} s: {}",
                killed.age.as_secs_f64(),
                killed.found.words()
            );
            score.count(*recorder, Class::Killed, killed.is_whole(opening), words);
        }
        tell(*recorder, &all, opening, table, recovers);
    }
    Ok(())
}

/// Shortest life of a process that left frames of the source: less than what opening takes is never
/// a take.
fn opening(all: &[&Killed]) -> Duration {
    let with_frames = all.iter().filter(|killed| killed.found.missing_s.is_some());
    with_frames
        .map(|killed| killed.age)
        .min()
        .unwrap_or_default()
}

fn one(
    rig: &Rig,
    recorder: Recorder,
    number: usize,
    (recovers, (disk, control)): (bool, (&Path, &Control)),
) -> Result<Killed> {
    let folder = tempfile::tempdir_in(disk)?;
    let logs = tempfile::tempdir()?;
    let mut dice = Dice::new(3_000 + number as u64);
    let place = Place {
        folder: folder.path(),
        logs: logs.path(),
        number,
        more: &[],
    };
    let began = Instant::now();
    let mut running = recorder.start(rig, place)?;
    sleep(Duration::from_secs_f64(dice.uniform(0.3, 2.0)));
    let at = Instant::now();
    running.process.kill();
    let source = rig.watch.number(rig.zero, at);
    let ours = recorder.is_ours();
    let found = Found::look(&running.file, ours, source, rig.tolerance());
    let recovered = (ours && recovers).then(|| {
        recover(folder.path());
        Found::look(&running.file, ours, source, rig.tolerance())
    });
    Ok(Killed {
        found,
        age: at - began,
        late: control.was_late(at),
        recovered,
    })
}

fn recover(folder: &Path) {
    let answer = Command::new(ossicle())
        .arg("recover")
        .arg(folder)
        .stdin(Stdio::null())
        .output();
    if let Ok(answer) = answer
        && !answer.status.success()
    {
        let names: Vec<_> = fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .collect();
        println!(
            "{names:?}: {}",
            String::from_utf8_lossy(&answer.stderr).trim()
        );
    }
}

fn tell(recorder: Recorder, all: &[&Killed], opening: Duration, table: &mut Table, recovers: bool) {
    let kills = all.len();
    let whole = all.iter().filter(|killed| killed.is_whole(opening)).count();
    let opens = all.iter().filter(|killed| killed.found.opens).count();
    let missing = |pick: fn(&Killed) -> Option<f64>| {
        let mut missing: Vec<f64> = all.iter().copied().filter_map(pick).collect();
        missing.sort_by(f64::total_cmp);
        let at = |part: usize| {
            missing.get((missing.len() * part / 100).min(missing.len().saturating_sub(1)))
        };
        [50, 100].map(|part| at(part).map_or("all".to_owned(), |s| format!("{s:.2} s")))
    };
    let [median, most] = missing(|killed| killed.found.missing_s);
    let name = recorder.name();
    let broken = all.iter().filter(|killed| !killed.is_whole(opening));
    if recorder.is_ours() {
        broken.take(5).for_each(|killed| {
            println!(
                "      killed at {:.2?}: {}",
                killed.age,
                killed.found.words()
            );
        });
    }
    let spoiled = all.iter().filter(|killed| killed.is_spoiled(opening));
    let spoiled = spoiled.count();
    let young = all.iter().filter(|killed| !killed.found.named).count();
    println!(
        "{name:<22}{kills:>6} kills, {opens} open as they are, {young} had no file yet, missing {median}, at most {most}"
    );
    if !recorder.is_ours() {
        return;
    }
    table.push(Bar {
        name: format!(
            "bar 3: {kills} kill -9, {name}: opens unrepaired, at most {MOST_MISSING_S} s missing"
        ),
        measured: format!("{whole} whole, {opens} open, {young} without a file, {spoiled} spoiled by the machine, at most {most}"),
        holds: whole + spoiled == kills && spoiled * MOST_SPOILED <= kills,
    });
    let recovered = |killed: &Killed| {
        let within = |s: f64| s - recorder.buffer_s() <= MOST_RECOVERED_S;
        let found = killed.recovered.as_ref();
        let is_whole =
            |found: &Found| found.opens && found.in_place && found.missing_s.is_some_and(within);
        let never_was = killed.found.missing_s.is_none() && killed.is_whole(opening);
        found.is_some_and(is_whole) || never_was
    };
    let good = all.iter().filter(|killed| recovered(killed)).count();
    let late = all
        .iter()
        .filter(|killed| !recovered(killed) && killed.late)
        .count();
    let [_, most] = missing(|killed| killed.recovered.as_ref()?.missing_s);
    table.push(Bar {
        name: format!(
            "bar 3: the same after ossicle recover, at most {MOST_RECOVERED_S} s missing"
        ),
        measured: if recovers {
            format!("{good} of {kills}, {late} spoiled by the machine, at most {most}")
        } else {
            "not there".to_owned()
        },
        holds: recovers && good + late == kills && late * MOST_SPOILED <= kills,
    });
}
