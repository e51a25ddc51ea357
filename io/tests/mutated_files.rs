//! Broken files do no harm: sound files with sizes, names, counts and bytes changed, cut, doubled
//! and mixed are opened, read, sought in and recovered. None may panic, hang or take more than
//! 64 MiB.
//!
//! A few seconds' worth is part of the tests. `cargo xtask fuzz` runs ten million, optimised and
//! with overflow checks on, everywhere including the decoders; `OSSICLE_MUTATIONS` sets the number,
//! `OSSICLE_FIRST_MUTATION` the first one: a number always makes the same file.

use std::env;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

#[path = "odd_wav/build.rs"]
mod build;
#[path = "mutated_files/exercise.rs"]
mod exercise;
#[path = "odd_wav/kinds.rs"]
#[allow(dead_code)]
mod kinds;
#[path = "mutated_files/memory.rs"]
mod memory;
#[path = "mutated_files/mutate.rs"]
mod mutate;
#[path = "mutated_files/seeds.rs"]
mod seeds;

const RATE_HZ: u32 = 44_100;
/// Mutations in the ordinary tests.
const FEW: u64 = 3_000;
/// Memory that a file may take, beyond what the caller reads into.
const MAX_BYTES: u64 = 64 << 20;
/// Processor time that a file may take; none is longer than 64 KiB.
const MAX_TIME: Duration = Duration::from_secs(5);
/// After so long on the clock the process is ended: nothing else ends an endless loop.
const HUNG: Duration = Duration::from_secs(120);

#[global_allocator]
static COUNTED: memory::Counted = memory::Counted;

fn number(name: &str, default: u64) -> u64 {
    env::var(name).map_or(default, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} must be a number"))
    })
}

/// What a worker is at.
#[derive(Default)]
struct At {
    case: AtomicU64,
    done: AtomicU64,
}

#[derive(Debug, Default)]
struct Tally {
    opened: u64,
    most_bytes: u64,
    most_time: Duration,
}

#[test]
fn mutated_files_do_no_harm() {
    let count = number("OSSICLE_MUTATIONS", FEW);
    let first = number("OSSICLE_FIRST_MUTATION", 0);
    let seeds = seeds::all();
    let workers = thread::available_parallelism()
        .map_or(1, usize::from)
        .min(8) as u64;
    let begin = Instant::now();
    let places: Vec<At> = (0..workers).map(|_| At::default()).collect();
    let finished = AtomicU64::new(0);
    let tallies: Vec<Tally> = thread::scope(|scope| {
        let running: Vec<_> = (0..workers)
            .map(|worker| {
                let (seeds, finished) = (&seeds, &finished);
                let at = &places[worker as usize];
                scope.spawn(move || {
                    // Counted also when it fails, or the watch would go on for ever.
                    let cases = (first + worker..first + count).step_by(workers as usize);
                    let tally = catch_unwind(AssertUnwindSafe(|| work(cases, seeds, at)));
                    finished.fetch_add(1, Ordering::Relaxed);
                    tally.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                })
            })
            .collect();
        watch(&places, &finished);
        running
            .into_iter()
            .map(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    });
    let opened: u64 = tallies.iter().map(|tally| tally.opened).sum();
    let most_bytes = tallies.iter().map(|tally| tally.most_bytes).max();
    let most_time = tallies.iter().map(|tally| tally.most_time).max();
    let seconds = begin.elapsed().as_secs_f64();
    println!(
        "{count} mutations of {} files in {seconds:.0} s ({:.0} a second): {opened} could be \
         opened; at most {:.1} MiB and {:.0} ms of processor time for one",
        seeds.len(),
        count as f64 / seconds,
        most_bytes.unwrap_or(0) as f64 / f64::from(1 << 20),
        most_time.unwrap_or_default().as_secs_f64() * 1000.0,
    );
    assert!(
        opened > count / 4,
        "{opened} of {count} could be opened: too few to try anything"
    );
}

/// Waits for the workers, and ends the process when one hangs.
fn watch(places: &[At], finished: &AtomicU64) {
    let mut since: Vec<(u64, Instant)> = vec![(0, Instant::now()); places.len()];
    while finished.load(Ordering::Relaxed) < places.len() as u64 {
        thread::sleep(Duration::from_millis(20));
        for (at, since) in places.iter().zip(&mut since) {
            let done = at.done.load(Ordering::Relaxed);
            if since.0 != done {
                *since = (done, Instant::now());
            } else if since.1.elapsed() > HUNG && finished.load(Ordering::Relaxed) == 0 {
                let case = at.case.load(Ordering::Relaxed);
                eprintln!("mutation {case} hangs (OSSICLE_FIRST_MUTATION={case})");
                std::process::abort();
            }
        }
    }
}

fn work(cases: impl Iterator<Item = u64>, seeds: &[seeds::Seed], at: &At) -> Tally {
    let directory = tempfile::tempdir_in(memory_or_disk()).expect("a directory");
    let path = directory.path().join("mutated");
    let mut tally = Tally::default();
    for case in cases {
        at.case.store(case, Ordering::Relaxed);
        let (name, bytes) = mutate::mutated(seeds, case);
        fs::write(&path, &bytes).expect("written");
        let (before, cpu) = (memory::start(), memory::processor_time());
        let result = catch_unwind(AssertUnwindSafe(|| exercise::file(&path, case % 8 == 0)));
        let (most, time) = (memory::most_since(before), memory::processor_time() - cpu);
        let fault = match result {
            Err(_) => Some("a panic".to_owned()),
            Ok(_) if most > MAX_BYTES => Some(format!("{most} bytes of memory")),
            Ok(_) if time > MAX_TIME => Some(format!("{time:?} of processor time")),
            Ok(opened) => {
                tally.opened += u64::from(opened);
                None
            }
        };
        if let Some(fault) = fault {
            let kept = env::temp_dir().join(format!("ossicle-mutation-{case}"));
            fs::write(&kept, &bytes).expect("written");
            panic!(
                "mutation {case} of {name}: {fault}; kept as {}",
                kept.display()
            );
        }
        tally.most_bytes = tally.most_bytes.max(most);
        tally.most_time = tally.most_time.max(time);
        at.done.fetch_add(1, Ordering::Relaxed);
    }
    tally
}

/// Files in memory are quicker.
fn memory_or_disk() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        memory.to_owned()
    } else {
        env::temp_dir()
    }
}
