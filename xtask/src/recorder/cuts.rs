//! Bar 2: power cuts. The filesystem of the takes lies in an image on another filesystem; freezing
//! that one stops the image between two writes, and a copy of it is what a cut would have left.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Result;
use xtask::bar::Bar;

use super::dice::Dice;
use super::judges::{Found, MOST_MISSING_S};
use super::mount::{self, Mount};
use super::program::Recorder;
use super::rig::{Kind, Rig};
use super::scene::Stage;
use super::score::{Class, Score};
use crate::table::Table;

/// Copies of one take.
const CUTS_A_TAKE: usize = 5;
/// Room for takes of all recorders, and for the image itself, in MiB.
const DISK_MIB: u64 = 224;
const OUTER_MIB: u64 = 320;

/// A copy of the disk, and where each take was and each source when it was made.
struct Cut {
    image: PathBuf,
    numbers: BTreeMap<Kind, Option<f64>>,
    /// Since the recorders were started.
    age: Duration,
}

/// Makes `count` cuts of the takes of all recorders, at most `spacing_s` apart.
///
/// # Errors
/// When a disk or a copy cannot be made.
pub fn run(
    stage: &mut Stage,
    (count, spacing_s): (usize, f64),
    table: &mut Table,
    score: &mut Score,
) -> Result<()> {
    if !mount::is_possible() {
        table.skip("bar 2: power cuts", mount::NOT_ROOT);
        return Ok(());
    }
    let copies = tempfile::tempdir_in(mount::in_memory())?;
    let mut dice = Dice::new(2);
    let mut found: BTreeMap<Recorder, Vec<Found>> = BTreeMap::new();
    let mut left = count;
    while left > 0 {
        let now = left.min(CUTS_A_TAKE);
        left -= now;
        // The inner one goes first, so it is named last.
        let outer = Mount::ext4(&mount::in_memory(), OUTER_MIB)?;
        let disk = Mount::ext4(&outer.path(), DISK_MIB)?;
        stage.rigs.values_mut().try_for_each(Rig::refresh)?;
        let logs = tempfile::tempdir()?;
        let running = stage.all(&disk.path(), logs.path(), 1)?;
        let began = Instant::now();
        let names: Vec<_> = running
            .iter()
            .map(|running| (running.recorder, running.file.clone()))
            .collect();
        sleep(Duration::from_secs(2));
        let mut cuts = Vec::new();
        for number in 0..now {
            sleep(Duration::from_secs_f64(dice.uniform(0.2, spacing_s)));
            let image = copies.path().join(format!("cut-{number}"));
            let frozen = outer.freeze()?;
            let at = Instant::now();
            fs::copy(disk.image(), &image)?;
            drop(frozen);
            let numbers = stage.rigs.iter();
            let numbers = numbers.map(|(kind, rig)| (*kind, rig.watch.number(rig.zero, at)));
            cuts.push(Cut {
                image,
                numbers: numbers.collect(),
                age: at - began,
            });
        }
        for running in running {
            running.interrupt();
            running.finish();
        }
        drop(disk);
        drop(outer);
        for cut in cuts {
            let mounted = Mount::copy(&cut.image, copies.path())?;
            for (recorder, file) in &names {
                let file = mounted.path().join(file.file_name().unwrap_or_default());
                let server = stage.rig(*recorder)?.tolerance();
                let number = cut.numbers[&recorder.server()];
                let found_here = Found::look(&file, recorder.is_ours(), number, server);
                let words = format!("at {:.1} s: {}", cut.age.as_secs_f64(), found_here.words());
                score.count(*recorder, Class::Cut, found_here.is_whole(), words);
                found.entry(*recorder).or_default().push(found_here);
            }
        }
    }
    println!(
        "{:<22}{:>8}{:>8}{:>10}{:>14}{:>14}",
        "", "cuts", "named", "opens", "missing, s", "most, s"
    );
    for (recorder, all) in &found {
        tell(*recorder, all, table);
    }
    Ok(())
}

/// Prints a row, and puts ours into the table.
fn tell(recorder: Recorder, all: &[Found], table: &mut Table) {
    let cuts = all.len();
    let named = all.iter().filter(|found| found.named).count();
    let opens = all.iter().filter(|found| found.opens).count();
    let lost = all.iter().filter(|found| found.missing_s.is_none()).count();
    let mut missing: Vec<f64> = all.iter().filter_map(|found| found.missing_s).collect();
    missing.sort_by(f64::total_cmp);
    let shown = |at: usize| {
        missing
            .get(at)
            .map_or("all".to_owned(), |s| format!("{s:.2}"))
    };
    let (median, most) = (
        shown(missing.len() / 2),
        shown(missing.len().saturating_sub(1)),
    );
    let name = recorder.name();
    println!(
        "{name:<22}{cuts:>8}{named:>8}{opens:>10}{median:>14}{most:>14}   all lost {lost} times"
    );
    if recorder.is_ours() {
        let whole = all.iter().filter(|found| found.is_whole()).count();
        table.push(Bar {
            name: format!(
                "bar 2: {cuts} power cuts, {name}: opens, at most {MOST_MISSING_S} s lost"
            ),
            measured: format!(
                "{whole} whole, {opens} open, at most {most} s, all lost {lost} times"
            ),
            holds: whole == cuts,
        });
    }
}
