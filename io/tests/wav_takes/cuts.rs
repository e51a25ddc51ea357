//! The power goes: every legal state of the disk during a take, at any moment.

use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;

use ossicle_io::file::recover::open_take;
use ossicle_io::file::{Label, Tags, WavSpec, WavWriter};
use ossicle_io::sample::SampleFormat;
use tempfile::TempDir;

use crate::judges;
use crate::logged::{Kept, Logged, Operation, cut};
use crate::{samples, spec, tags, trials};

const SECONDS: usize = 30;
const CHECKPOINTS_PER_SECOND: usize = 4;
/// Writes per second: the writer looks at the take every 20 ms.
const WRITES_PER_SECOND: usize = 50;

/// The log of a take of 30 s, checkpointed as takes are, and its samples.
fn take(spec: WavSpec, tags: &Tags, labels: &[Label]) -> (Vec<(Operation, u64)>, Vec<f32>) {
    let rate = spec.sample_rate_hz as usize;
    let all = samples(0, SECONDS * rate * spec.channels);
    let storage = Logged::default();
    let (log, given) = (storage.log.clone(), storage.given.clone());
    let mut writer = WavWriter::on(Box::new(storage), spec, tags).expect("a sound storage");
    let piece = rate / WRITES_PER_SECOND;
    let mut due = 0;
    for (number, block) in all.chunks(piece * spec.channels).enumerate() {
        let frames = (number + 1) * piece;
        given.store(frames as u64, Ordering::Relaxed);
        writer.write(block).expect("room");
        if frames >= due {
            writer.checkpoint().expect("room");
            due = frames + rate / CHECKPOINTS_PER_SECOND;
        }
    }
    for label in labels {
        writer.label(label.clone());
    }
    writer.finish().expect("room");
    let log = log.lock().expect("nobody panics with it").clone();
    (log, all)
}

/// Goes through states of the disk, `count` of them, every prefix of the log in its turn.
fn judge_cuts(spec: WavSpec, tags: &Tags, labels: &[Label], count: usize) {
    let (log, all) = take(spec, tags, labels);
    let half_second = u64::from(spec.sample_rate_hz) / 2;
    let folder = TempDir::new().expect("a directory");
    let path = folder.path().join("take.wav");
    let (mut named, mut worst, mut won) = (0, 0, 0);
    for trial in 0..count {
        // A stride that goes through all prefixes before it comes back to one.
        let prefix = (trial * 7919 + trial / (log.len() + 1)) % (log.len() + 1);
        let kept = match trial % 5 {
            0 => Kept::Nothing,
            1 => Kept::Everything,
            2 => Kept::Length,
            _ => Kept::Chance(trial as u64),
        };
        let state = cut(&log, prefix, kept);
        let Some(bytes) = state.file else { continue };
        named += 1;
        fs::write(&path, bytes).expect("room");
        let context = format!("{prefix} of {} operations, kept: {kept:?}", log.len());
        let programs = named % 64 == 1;
        let frames = told(&context, || {
            judges::agreed(&path, spec.channels, &all, programs) as u64
        });
        let lost = state.given.saturating_sub(frames);
        assert!(lost <= half_second, "{lost} frames lost after {context}");
        worst = worst.max(lost);
        won += told(&context, || {
            recovered(&path, spec, &all, frames, state.given)
        });
    }
    assert!(named > count / 2, "only {named} of {count} had a name");
    assert!(won > 0, "recovering never won a frame");
    println!(
        "{named} states with a name: at most {:.3} s lost, {won} frames won back in all",
        worst as f64 / f64::from(spec.sample_rate_hz)
    );
}

/// Finishes the take if it is open; returns the frames won.
fn recovered(path: &Path, spec: WavSpec, all: &[f32], read: u64, given: u64) -> u64 {
    let Some(take) = open_take(path).expect("readable") else {
        // Closed: nothing may be missing.
        assert_eq!(read as usize * spec.channels, all.len(), "closed too early");
        return 0;
    };
    assert_eq!(take.frames_said(), read);
    assert_eq!(take.sample_rate_hz(), spec.sample_rate_hz);
    let damage = take.damage().to_vec();
    let recovered = take.finish(&[]).expect("room");
    assert!(open_take(path).expect("readable").is_none(), "still open");
    let (info, samples) = judges::ours(path).expect("readable");
    assert_eq!(info.warnings, [""; 0]);
    assert_eq!(
        samples.len() as u64,
        recovered.frames * spec.channels as u64
    );
    assert!(recovered.frames <= given, "frames that were never given");
    let sure = read as usize * spec.channels;
    assert!(samples[..sure] == all[..sure], "other samples than before");
    // Zeros at the end of a sector that are fewer than this are not told apart from sound.
    let silent_bytes = 64;
    let at_most = silent_bytes / (spec.format.bytes() * spec.channels) + 1;
    let mut unsaid = 0;
    for frame in read..recovered.frames {
        let place = frame as usize * spec.channels;
        let differs = samples[place..place + spec.channels] != all[place..place + spec.channels];
        let said = damage
            .iter()
            .any(|damage| (damage.position..damage.position + damage.frames).contains(&frame));
        unsaid = if differs && !said { unsaid + 1 } else { 0 };
        assert!(
            unsaid <= at_most,
            "frame {frame} differs, which {damage:?} does not tell"
        );
    }
    let last = damage
        .last()
        .map_or(0, |damage| damage.position + damage.frames);
    assert!(last <= recovered.frames && damage.iter().all(|damage| damage.position >= read));
    recovered.won_frames
}

/// Runs a check; says where it failed.
fn told<T>(context: &str, check: impl FnOnce() -> T) -> T {
    struct Say<'a>(&'a str);
    impl Drop for Say<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("after {}", self.0);
            }
        }
    }
    let _say = Say(context);
    check()
}

#[test]
fn a_power_cut_at_any_moment_loses_half_a_second_at_most() {
    let spec = spec(2000, 1, SampleFormat::I16);
    judge_cuts(spec, &Tags::default(), &[], trials(200));
}

#[test]
fn a_power_cut_of_a_tagged_take_loses_half_a_second_at_most() {
    let spec = spec(1000, 2, SampleFormat::F32);
    judge_cuts(spec, &tags(), &labels(), trials(200));
}

// Mono of 24 bits: every other checkpoint has an odd length and a pad byte.
#[test]
fn a_power_cut_of_a_take_of_odd_lengths_loses_half_a_second_at_most() {
    let spec = spec(1050, 1, SampleFormat::I24);
    judge_cuts(spec, &Tags::default(), &labels(), trials(200));
}

fn labels() -> Vec<Label> {
    (0..40)
        .map(|number| Label {
            position: number * 1000,
            frames: number % 2 * 480,
            text: format!("gap {number}"),
        })
        .collect()
}
