//! Bar 4: a disk that stands still under 32 channels, and one that is full.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use xtask::bar::Bar;

use super::dice::Dice;
use super::judges::{Readers, is_in_place, missing_s};
use super::mount::{self, Mount};
use super::pool;
use super::program::{Place, Recorder, offers};
use super::rig::{Kind, Rig, Tolerance};
use super::scene::Stage;
use super::score::{Class, Score};
use super::take::{Take, between};
use crate::table::Table;

/// Runs of the stall that the server may spoil.
const STALL_RUNS: usize = 4;
/// Full disks at once.
const AT_ONCE: usize = 6;
/// The exit code that says that there was no room.
const NO_ROOM: i32 = 4;
/// What a recorder may take to notice, beside the time until the disk is full.
const NOTICE: Duration = Duration::from_secs(4);
/// Frames at the end that the header of a closed take may leave out: half a second.
const MOST_UNCLAIMED: u64 = 24_000;
/// Bytes a second of a take here.
const BYTES_PER_S: u64 = 48_000 * 8;

/// The disk stands still for `seconds` under a take of so many channels: from JACK, as more than 31
/// are not had from PulseAudio. Frames that the server left out, which it tells as xruns, are not the disk's:
/// then it is done again.
///
/// # Errors
/// When the disk or the server cannot be made.
pub fn stall((seconds, channels): (f64, usize), table: &mut Table) -> Result<()> {
    let name = format!("bar 4: {seconds} s disk stall at {channels} channels, 0 frames lost");
    if !mount::is_possible() {
        table.skip(&name, mount::NOT_ROOT);
        return Ok(());
    }
    for run in 1..=STALL_RUNS {
        let (measured, holds, xruns) = stalled(seconds, channels)?;
        if holds || xruns == 0 || run == STALL_RUNS {
            table.push(Bar {
                name: name.clone(),
                measured,
                holds,
            });
            break;
        }
        println!("run {run} was spoiled: {measured}");
    }
    Ok(())
}

/// What came out, whether no frame was lost, and how many xruns the server told.
fn stalled(seconds: f64, channels: usize) -> Result<(String, bool, u64)> {
    let rig = Rig::with_channels(Kind::Jack, channels)?;
    let disk = Mount::ext4(&mount::in_memory(), 512)?;
    let logs = tempfile::tempdir()?;
    let path = disk.path();
    let place = Place {
        folder: &path,
        logs: logs.path(),
        number: 0,
        more: &["--channels", &channels.to_string()],
    };
    let running = Recorder::OssicleJack.start(&rig, place)?;
    sleep(Duration::from_secs(2));
    let frozen = disk.freeze()?;
    sleep(Duration::from_secs_f64(seconds));
    drop(frozen);
    sleep(Duration::from_secs(3));
    let end = Instant::now();
    running.interrupt();
    let file = running.file.clone();
    let ended = running.finish();
    let take = Take::read(&file).with_context(|| ended.said.clone())?;
    let account = take.account(take.claimed);
    let missing = missing_s(&account, rig.watch.number(rig.zero, end));
    let (_, lost) = account.silence_and_passed();
    let xruns = ended.summary["xruns"].as_u64().unwrap_or(0);
    let all =
        lost == 0 && account.strange + account.torn == 0 && missing.is_some_and(|s| s.abs() < 0.5);
    let measured = format!(
        "{} frames, {lost} lost, {} strange, {xruns} xruns of the server, exit {:?}",
        account.heard,
        account.strange + account.torn,
        ended.exit
    );
    let holds = all && take.is_true() && ended.exit == Some(0);
    Ok((measured, holds, xruns))
}

/// A take on a disk that is full soon.
struct Full {
    /// The header claims what is there, but for half a second, and all readers agree with it.
    closed_true: bool,
    /// What is claimed, what is there and what the readers say, where that is not true.
    said: String,
    /// It claims all that is there.
    exact: bool,
    in_place: bool,
    warned: bool,
    exit: Option<i32>,
    /// It went on as if nothing were.
    went_on: bool,
}

impl Full {
    fn words(&self) -> String {
        let mut words = vec![match (self.went_on, self.exit) {
            (true, _) => "went on".to_owned(),
            (false, Some(exit)) => format!("exit {exit}"),
            (false, None) => "hung".to_owned(),
        }];
        let all = [
            (self.closed_true, "header not true"),
            (self.exact, "not all claimed"),
            (self.in_place, "frames lost"),
            (self.warned, "no word"),
        ];
        let all = all.iter().filter(|(holds, _)| !holds);
        words.extend(all.map(|(_, what)| (*what).to_owned()));
        if !self.closed_true {
            words.push(self.said.clone());
        }
        words.join(", ")
    }

    /// Closed true, said so by a code, and all before is there.
    fn survived(&self) -> bool {
        let said = self.exit.is_some_and(|exit| exit != 0);
        self.closed_true && self.in_place && said && !self.went_on
    }
}

/// Fills `count` disks by ours, and `others` by each other recorder.
///
/// # Errors
/// When a disk cannot be made or a recorder not started.
pub fn full(
    stage: &mut Stage,
    [count, others]: [usize; 2],
    table: &mut Table,
    score: &mut Score,
) -> Result<()> {
    if !mount::is_possible() {
        table.skip("bar 4: disks that are full", mount::NOT_ROOT);
        return Ok(());
    }
    stage.rigs.values_mut().try_for_each(Rig::refresh)?;
    let jobs = stage.jobs(count, others);
    let stage = &*stage;
    let all = pool::each(&jobs, AT_ONCE, |(recorder, number)| {
        Ok((*recorder, fill(stage.rig(*recorder)?, *recorder, *number)?))
    })?;
    for recorder in &stage.recorders {
        let all = all.iter().filter(|(who, _)| who == recorder);
        let all: Vec<&Full> = all.map(|(_, full)| full).collect();
        let times = all.len();
        for one in &all {
            score.count(*recorder, Class::Full, one.survived(), one.words());
        }
        let good = all.iter().filter(|one| one.survived()).count();
        let last = all.last().map(|full| full.words()).unwrap_or_default();
        println!(
            "{:<22}{good} of {times} closed true with a code; {last}",
            recorder.name()
        );
        if recorder.is_ours() {
            let full = all
                .iter()
                .filter(|one| one.survived() && one.exit == Some(NO_ROOM));
            let full = full.filter(|one| one.warned && one.exact).count();
            let first = all
                .iter()
                .find(|one| !(one.survived() && one.exit == Some(NO_ROOM)));
            let first = first
                .map(|one| format!("; {}", one.words()))
                .unwrap_or_default();
            table.push(Bar {
                name: format!(
                    "bar 4: {times} full disks, {}: closed true, warned, exit 4",
                    recorder.name()
                ),
                measured: format!("{full} of {times}{first}"),
                holds: full == times,
            });
        }
    }
    Ok(())
}

fn fill(rig: &Rig, recorder: Recorder, number: usize) -> Result<Full> {
    let kib = Dice::new(4_000 + number as u64).uniform(400.0, 900.0) as u64;
    let disk = Mount::tmpfs(&mount::in_memory(), kib)?;
    let logs = tempfile::tempdir()?;
    let path = disk.path();
    let place = Place {
        folder: &path,
        logs: logs.path(),
        number,
        more: &[],
    };
    let mut running = recorder.start(rig, place)?;
    let until = Instant::now() + NOTICE + Duration::from_secs(kib * 1024 / BYTES_PER_S);
    while running.is_running() && Instant::now() < until {
        sleep(Duration::from_millis(50));
    }
    let went_on = running.is_running();
    running.interrupt();
    let file = running.file.clone();
    let ended = running.finish();
    let read = Take::read(&file).ok();
    let said = format!("{} {}", ended.said, ended.summary["warnings"]).to_lowercase();
    let mut about = "no take".to_owned();
    let [closed_true, exact, in_place] = read.map_or([false; 3], |take| {
        let (claimed, present) = (take.claimed, take.present());
        let readers = Readers::ask(&file);
        about = format!("claims {claimed} of {present} frames, {readers}");
        let alike = readers.all_read(claimed, recorder.is_ours());
        let unclaimed = present.checked_sub(claimed);
        let closed = unclaimed.is_some_and(|frames| frames <= MOST_UNCLAIMED) && claimed > 0;
        let in_place = is_in_place(&take.account(claimed), rig.tolerance());
        [closed && alike, unclaimed == Some(0), in_place]
    });
    Ok(Full {
        closed_true,
        said: about,
        exact,
        in_place,
        warned: ["full", "room", "space"]
            .iter()
            .any(|word| said.contains(word)),
        exit: ended.exit,
        went_on,
    })
}

/// The take goes on elsewhere when the disk is full: no frame is lost between the files.
///
/// # Errors
/// When a disk cannot be made or the recorder not started.
pub fn spill(stage: &mut Stage, times: usize, table: &mut Table) -> Result<()> {
    let name = format!("bar 4: {times} full disks with --spill, 0 frames lost across the change");
    if !mount::is_possible() {
        table.skip(&name, mount::NOT_ROOT);
        return Ok(());
    }
    if !offers(&["rec", "--help"], "--spill")? {
        table.push(Bar {
            name,
            measured: "not there".to_owned(),
            holds: false,
        });
        return Ok(());
    }
    stage.rigs.values_mut().try_for_each(Rig::refresh)?;
    let rig = stage.rig(Recorder::OssiclePulse)?;
    let jobs: Vec<usize> = (0..times).collect();
    let all = pool::each(&jobs, AT_ONCE, |number| Ok(spilled(rig, *number)))?;
    let good = all.iter().filter(|spilled| spilled.is_ok()).count();
    let fault = all.iter().find_map(|spilled| spilled.as_ref().err());
    let fault = fault.map(|error| format!("; {error:#}"));
    table.push(Bar {
        name,
        measured: format!("{good} of {times}{}", fault.unwrap_or_default()),
        holds: good == times,
    });
    Ok(())
}

fn spilled(rig: &Rig, number: usize) -> Result<()> {
    let kib = Dice::new(5_000 + number as u64).uniform(400.0, 900.0) as u64;
    let disk = Mount::tmpfs(&mount::in_memory(), kib)?;
    let elsewhere = tempfile::tempdir()?;
    let logs = tempfile::tempdir()?;
    let path = disk.path();
    let place = Place {
        folder: &path,
        logs: logs.path(),
        number,
        more: &["--spill", &elsewhere.path().to_string_lossy()],
    };
    let running = Recorder::OssiclePulse.start(rig, place)?;
    sleep(Duration::from_secs(4 + kib * 1024 / BYTES_PER_S));
    let end = Instant::now();
    running.interrupt();
    let file = running.file.clone();
    let ended = running.finish();
    let first = Take::read(&file)?;
    let entries = fs::read_dir(elsewhere.path())?
        .flatten()
        .map(|entry| entry.path());
    let mut second: Vec<_> = entries
        .filter(|path| path.extension().is_some_and(|e| e == "wav"))
        .collect();
    second.sort();
    let second = second
        .first()
        .with_context(|| format!("no second file: {}", ended.said))?;
    let second = Take::read(second)?;
    let (before, after) = (first.account(first.claimed), second.account(second.claimed));
    let lost = before
        .last()
        .zip(after.first)
        .map(|(last, first)| between(last, first));
    anyhow::ensure!(lost == Some(0), "{lost:?} frames between the files");
    anyhow::ensure!(
        [&before, &after]
            .iter()
            .all(|half| is_in_place(half, Tolerance::default())),
        "frames lost in a file"
    );
    let missing = missing_s(&after, rig.watch.number(rig.zero, end));
    anyhow::ensure!(
        missing.is_some_and(|s| s < 0.5),
        "{missing:?} s missing at the end"
    );
    anyhow::ensure!(
        ended.exit == Some(0),
        "exit {:?}: {}",
        ended.exit,
        ended.said.trim()
    );
    Ok(())
}
