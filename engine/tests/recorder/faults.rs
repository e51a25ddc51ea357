//! Random faults of devices and disks, log-uniform in length.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ossicle::io::device::sim::{Blocks, Fault, FaultKind, Lateness, Sim, SimDevice};
use ossicle::io::realtime;
use ossicle::io::ring::Cause;
use ossicle::record::{GapList, RecordConfig, Split, Tap};
use ossicle::session::Moment;

use crate::rig::{
    BadDisk, Dice, On, counting, folder, joined, judge, recording, start, trials, wait_until,
};

/// Length of a trial in milliseconds, and of a look at the session.
const TRIAL_MS: u64 = 8_000;
const LOOK_MS: u64 = 10;
const MS: u64 = 1_000_000;
/// Longest block of a device.
const LONGEST: usize = 1024;

/// What befalls the disk from one millisecond to another.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    Stalls,
    Fails,
    Slow,
}

/// A fault of the device of this length, and the causes that gaps may have by it.
fn device_fault(dice: &mut Dice, for_ms: f64) -> (FaultKind, &'static [Cause]) {
    let for_ns = (for_ms * 1e6) as u64;
    let lost_frames = ((for_ms * 48.0) as u64).max(1);
    match dice.below(7) {
        0 | 1 => (
            FaultKind::Xrun { lost_frames },
            &[Cause::Xrun, Cause::Stalled],
        ),
        2 => (
            FaultKind::Unplug { for_ns },
            &[Cause::DeviceGone, Cause::Stalled],
        ),
        3 => (
            FaultKind::Stall { for_ns },
            &[Cause::DeviceGone, Cause::Stalled],
        ),
        4 => (FaultKind::Miss, &[Cause::Xrun]),
        5 => (FaultKind::Merge, &[]),
        _ => (FaultKind::Double, &[]),
    }
}

#[test]
fn every_frame_is_in_the_file_or_in_a_gap_with_its_cause() {
    let mut faults = 0;
    // In two of them a device that was opened again had not called, or not by its pace, in the end.
    for seed in (0..trials(12)).chain([174, 204]) {
        faults += trial(seed).unwrap_or_else(|wrong| panic!("trial {seed}: {wrong}"));
    }
    println!("{faults} faults: every frame is explained");
    assert_eq!(realtime::violations(), 0);
}

/// One trial; returns how many faults were thrown.
fn trial(seed: u64) -> Result<usize, String> {
    let dice = &mut Dice::new(seed + 1);
    let folder = folder();
    let spill = folder.path().join("spill");
    std::fs::create_dir_all(folder.path().join("disk")).unwrap();
    std::fs::create_dir_all(&spill).unwrap();
    let (mut allowed, mut count) = (BTreeSet::new(), 0);
    let name = |cause: &Cause| cause.to_string();

    let mut events = Vec::new();
    for _ in 0..1 + dice.below(5) {
        let at_ns = (200 + dice.below(TRIAL_MS - 1_000)) * MS;
        let for_ms = dice.log_uniform(1.0, 3_000.0);
        let (kind, causes) = device_fault(dice, for_ms);
        allowed.extend(causes.iter().map(name));
        events.push(Fault { at_ns, kind });
        count += 1;
    }
    let room = match dice.below(3) {
        0 => dice.below(600_000) + 100_000,
        _ => u64::MAX / 2,
    };
    let disk = BadDisk::with_room("disk", room);
    let mut troubles = Vec::new();
    let thrown = format!("{events:?}");
    for _ in 0..dice.below(3) {
        let trouble = [Trouble::Stalls, Trouble::Fails, Trouble::Slow][dice.below(3) as usize];
        let from = 200 + dice.below(TRIAL_MS - 1_000);
        let until = from + dice.log_uniform(1.0, 3_000.0) as u64;
        allowed.insert(name(&Cause::DiskSlow));
        troubles.push((trouble, from, until));
        count += 1;
    }

    let sim = Sim::new(seed);
    let blocks = match dice.below(3) {
        0 => Blocks::Fixed(256),
        1 => Blocks::Random { max: LONGEST },
        _ => Blocks::List(vec![441, 480, 7]),
    };
    let mic = SimDevice {
        blocks,
        rate_error_ppm: dice.below(200) as f64 - 100.0,
        lateness: vec![Lateness::Uniform { max_ns: 300_000 }],
        faults: events,
        ..SimDevice::new("mic", 1, 0)
    };
    sim.plug(counting(mic)).unwrap();
    let takes = dice.log_uniform(1.0, 17.0) as usize;
    let configs = (0..takes).map(|number| RecordConfig {
        tap: [Tap::Input, Tap::Pre, Tap::Post][number % 3],
        checkpoint_seconds: 0.01,
        memory_seconds: 1.0 + dice.below(3) as f64,
        split: (dice.below(3) == 0).then(|| Split::Every(Moment::Frames(dice.below(90_000) + 999))),
        spill: Some(spill.clone()),
        disk: Arc::new(On(disk.clone())),
        ..RecordConfig::new(folder.path().join(format!("disk/take {number}.wav")))
    });
    let mut session = start(&sim, recording("mic", configs.collect()));
    for now in (0..TRIAL_MS).step_by(LOOK_MS as usize) {
        let is_on = |of: fn(Trouble) -> bool| {
            let mut on = troubles.iter().filter(|(trouble, ..)| of(*trouble));
            on.any(|(_, from, until)| (*from..*until).contains(&now))
        };
        let stalls = is_on(|trouble| matches!(trouble, Trouble::Stalls));
        let fails = is_on(|trouble| matches!(trouble, Trouble::Fails));
        disk.stalls.store(stalls, Ordering::Release);
        disk.fails.store(fails, Ordering::Release);
        let is_slow = is_on(|trouble| matches!(trouble, Trouble::Slow));
        disk.slow_us
            .store(u64::from(is_slow) * 200, Ordering::Release);
        sim.run_for(Duration::from_millis(LOOK_MS));
        let mut report = session.report();
        if report.ended {
            return Err(format!("ended at {now} ms: {:?}", report.warnings));
        }
        // Virtual time is faster than any disk.
        while !stalls && !fails && report.takes.iter().any(|take| take.memory_seconds > 0.5) {
            std::thread::sleep(Duration::from_millis(2));
            report = session.report();
        }
    }
    disk.stalls.store(false, Ordering::Release);
    disk.fails.store(false, Ordering::Release);
    disk.slow_us.store(0, Ordering::Release);
    let ended = session.stop().map_err(|error| error.to_string())?;
    // What passed, by the device's clock, to within a block and its lateness.
    let passed = sim.device_frame("mic", TRIAL_MS as f64 * 1e6).unwrap();
    let slack = 2 * LONGEST as u64 + 64;
    for recorded in &ended.recorded {
        let path = recorded.path.display();
        let samples = joined(recorded);
        if samples.len() as u64 != recorded.frames || recorded.frames != ended.frames {
            return Err(format!(
                "{path}: {} frames of {}",
                samples.len(),
                ended.frames
            ));
        }
        if (recorded.frames as f64 - passed).abs() > slack as f64 {
            let (frames, gaps) = (recorded.frames, &recorded.gaps);
            return Err(format!(
                "{path}: {frames} frames of {passed}; {thrown}; {gaps:?}"
            ));
        }
        judge(&samples, &recorded.gaps, slack).map_err(|wrong| {
            let (gaps, told) = (&recorded.gaps, &ended.warnings);
            format!("{path}: {wrong}; {thrown}; {gaps:?}; {told:?}")
        })?;
        let causes: BTreeSet<_> = recorded.gaps.iter().map(|gap| name(&gap.cause)).collect();
        if !causes.is_subset(&allowed) {
            return Err(format!(
                "{path}: {causes:?} by {allowed:?}; {:?}",
                ended.warnings
            ));
        }
        listed(&recorded.files[0].path, recorded)?;
    }
    Ok(count)
}

/// The list beside the take says the same as the summary.
fn listed(first: &Path, recorded: &ossicle::record::Recorded) -> Result<(), String> {
    let list = GapList::load(recorded.gaps_file.as_ref().map_or(first, |_| first));
    let list = list.map_err(|error| error.to_string())?;
    match (list, &recorded.gaps[..]) {
        (None, []) => Ok(()),
        (Some(list), gaps) => {
            let same = list.gaps.iter().zip(gaps).all(|(listed, gap)| {
                (listed.position, listed.frames) == (gap.position, gap.frames)
                    && listed.cause == gap.cause.to_string()
            });
            let whole = list.closed && list.frames == recorded.frames && same;
            let whole = whole && list.gaps.len() == gaps.len();
            whole
                .then_some(())
                .ok_or(format!("the list differs: {list:?}"))
        }
        (None, gaps) => Err(format!("no list of {gaps:?}")),
    }
}

#[test]
fn a_device_that_stalls_and_then_gives_all_it_has_loses_nothing() {
    let folder = folder();
    let sim = Sim::new(3);
    // Too short for a new stream to be tried: late but complete.
    let kind = FaultKind::Stall { for_ns: 240 * MS };
    let mic = SimDevice {
        faults: vec![Fault {
            at_ns: 1_000 * MS,
            kind,
        }],
        ..SimDevice::new("mic", 1, 0)
    };
    sim.plug(counting(mic)).unwrap();
    let config = RecordConfig::new(folder.path().join("take.wav"));
    let mut session = start(&sim, recording("mic", vec![config]));
    for _ in 0..200 {
        sim.run_for(Duration::from_millis(10));
        session.report();
    }
    let take = session.takes().remove(0);
    wait_until("all collected", || take.frames() > 95_000);
    let ended = session.stop().unwrap();
    assert_eq!(ended.recorded[0].gaps, []);
    assert_eq!(ended.recorded[0].gaps_file, None);
    judge(&joined(&ended.recorded[0]), &[], 0).unwrap();
}
