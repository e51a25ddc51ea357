//! Readers of takes that grow.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ossicle::io::buffered_array::BufferedArray;
use ossicle::io::device::sim::{Sim, SimDevice};
use ossicle::record::{RecordConfig, Split, Take};
use ossicle::session::Moment;

use crate::rig::{BadDisk, Dice, On, folder, recording, sample, start};

const CHANNELS: usize = 8;
const RATE: u32 = 96_000;

/// Reads windows at random until told to stop; counts them.
fn scan(take: &Arc<Take>, first: u64, stop: &AtomicBool, windows: &AtomicU64) {
    let mut array = BufferedArray::new(take.source(), 4_096, 0);
    let mut dice = Dice::new(7);
    while !stop.load(Ordering::Acquire) {
        let length = 1 + dice.below(2_000);
        let frames = array.frames();
        if frames <= length {
            std::thread::sleep(Duration::from_millis(1));
            continue;
        }
        let start = dice.below(frames - length);
        let got = array.range(start..start + length).unwrap();
        for (frame, samples) in (first + start..).zip(got.chunks_exact(CHANNELS)) {
            let wanted = sample(frame);
            assert!(
                samples.iter().all(|sample| *sample == wanted),
                "frame {frame}"
            );
        }
        windows.fetch_add(1, Ordering::Relaxed);
    }
}

/// Memory that the process holds, in bytes.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = status.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

/// In real time: a second, or as many as `OSSICLE_SECONDS` says.
#[test]
fn a_reader_at_full_speed_costs_no_frame_and_finds_every_value_in_many_files() {
    let said = std::env::var("OSSICLE_SECONDS").ok();
    let seconds: u64 = said.and_then(|said| said.parse().ok()).unwrap_or(3);
    let folder = folder();
    let sim = Sim::new(71);
    let mic = SimDevice {
        sample_rate_hz: RATE,
        ..SimDevice::new("mic", CHANNELS, 0)
    };
    let mic = mic.with_block_source(|first, channels, block| {
        for (frame, samples) in (first..).zip(block.chunks_exact_mut(channels)) {
            samples.fill(sample(frame));
        }
    });
    sim.plug(mic).unwrap();
    let disk = BadDisk::new();
    let config = RecordConfig {
        memory_seconds: 10.0,
        split: Some(Split::Every(Moment::Seconds(seconds as f64 / 5.0))),
        disk: Arc::new(On(disk.clone())),
        ..RecordConfig::new(folder.path().join("take.wav"))
    };
    let mut session = start(&sim, recording("mic", vec![config]));
    let before = resident_bytes();
    let take = session.takes().remove(0);
    let (stop, windows) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut most = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| scan(&take, 0, &stop, &windows));
        let began = Instant::now();
        for step in 0..100 * seconds {
            // A disk that hangs for a while: what is read comes from memory then.
            let hangs = seconds < 60 && (100..150).contains(&step);
            disk.stalls.store(hangs, Ordering::Release);
            sim.run_for(Duration::from_millis(10));
            let report = session.report();
            assert!(
                !report.ended && report.takes[0].gaps.is_empty(),
                "{report:?}"
            );
            most = resident_bytes().unwrap_or(0).max(most);
            let due = Duration::from_millis(10 * (step + 1));
            std::thread::sleep(due.saturating_sub(began.elapsed()));
        }
        stop.store(true, Ordering::Release);
    });
    let ended = session.stop().unwrap();
    assert_eq!(ended.overrun_frames, 0);
    assert_eq!(
        (ended.recorded[0].frames, ended.recorded[0].lost_frames),
        (ended.frames, 0)
    );
    assert!(ended.recorded[0].files.len() >= 5);
    let windows = windows.load(Ordering::Relaxed);
    assert!(windows > 20 * seconds, "{windows} windows");
    let limit = 10 * u64::from(RATE) * CHANNELS as u64 * 4;
    let grown = most.saturating_sub(before.unwrap_or(most));
    println!(
        "{windows} windows in {seconds} s; {} MiB more memory",
        grown >> 20
    );
    assert!(grown < limit + (64 << 20), "{} MiB", grown >> 20);
}

/// FLAC is read back from its file while it grows, and from memory before that.
#[test]
fn a_flac_take_is_read_by_index_while_it_grows() {
    let folder = folder();
    let sim = Sim::new(73);
    let mic = SimDevice::new("mic", 1, 0)
        .with_source(|frame, _| (frame % 60_000) as f32 / 32_768.0 - 0.9);
    sim.plug(mic).unwrap();
    let config = RecordConfig {
        format: ossicle::io::sample::SampleFormat::I16,
        checkpoint_seconds: 0.01,
        ..RecordConfig::new(folder.path().join("take.flac"))
    };
    let mut session = start(&sim, recording("mic", vec![config]));
    let take = session.takes().remove(0);
    let mut array = BufferedArray::new(take.source(), 1_000, 0);
    let (mut dice, mut in_file) = (Dice::new(9), 0);
    for _ in 0..150 {
        sim.run_for(Duration::from_millis(20));
        session.report();
        std::thread::sleep(Duration::from_millis(2));
        let start = dice.below(array.frames() - 64);
        in_file += u32::from(start + 64 < take.written_frames());
        let got = array.range(start..start + 64).unwrap();
        for (frame, sample) in (start..).zip(got) {
            let wanted = (frame % 60_000) as f32 / 32_768.0 - 0.9;
            // Half a code where it comes from the file.
            assert!(
                (sample - wanted).abs() < 0.51 / 32_768.0,
                "frame {frame}: {sample}"
            );
        }
    }
    session.stop().unwrap();
    assert!(in_file > 30, "{in_file}");
}
