//! A ring of frames delivers, or tells the loss of, every frame, at its position.

use ossicle_io::realtime::{self, AllocatorGuard, system_calls};
use ossicle_io::ring::{Cause, FrameReader, Piece, frame_ring};
use proptest::prelude::*;

#[global_allocator]
static ALLOCATOR: AllocatorGuard = AllocatorGuard::new();

/// A sample that names its frame's position and its channel; exact in `f32` below 2^24.
fn sample(position: u64, channel: usize, channels: usize) -> f32 {
    (position * channels as u64 + channel as u64) as f32
}

fn frames(position: u64, count: usize, channels: usize) -> Vec<f32> {
    (0..count * channels)
        .map(|i| sample(position + (i / channels) as u64, i % channels, channels))
        .collect()
}

/// Reads one piece and checks it against the position where the reader stands.
fn check_piece(reader: &mut FrameReader, scratch: &mut [f32], lost: &mut [u64; 2]) -> bool {
    let (position, channels) = (reader.position(), reader.channels());
    match reader.next_piece(scratch) {
        Some(Piece::Audio { frames: count }) => {
            assert_eq!(
                &scratch[..count * channels],
                frames(position, count, channels)
            );
            assert_eq!(reader.position(), position + count as u64);
            true
        }
        Some(Piece::Lost {
            position: at,
            frames,
            cause,
        }) => {
            assert_eq!(at, position);
            assert!(frames > 0);
            assert_eq!(reader.position(), position + frames);
            lost[usize::from(cause == Cause::Xrun)] += frames;
            true
        }
        None => false,
    }
}

#[derive(Clone, Debug)]
enum Step {
    Write(usize),
    Lose(u64),
    Read(usize),
    Skip(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0usize..40).prop_map(Step::Write),
        1 => (0u64..9).prop_map(Step::Lose),
        3 => (0usize..40).prop_map(Step::Read),
        1 => (0usize..9).prop_map(Step::Skip),
    ];
    prop::collection::vec(step, 1..200)
}

proptest! {
    #[test]
    fn any_interleaving_accounts_for_every_frame(
        channels in 1usize..4,
        capacity in 1usize..64,
        steps in steps(),
    ) {
        let (mut writer, mut reader) = frame_ring(channels, capacity);
        let mut scratch = vec![0.0; 40 * channels];
        let (mut lost, mut told, mut skipped) = ([0; 2], [0; 2], false);
        for step in steps {
            match step {
                Step::Write(count) => {
                    let before = writer.position();
                    let room = writer.room_frames();
                    let missed = writer.write(&frames(before, count, channels));
                    prop_assert_eq!(missed, count.saturating_sub(room) as u64);
                    prop_assert_eq!(writer.position(), before + count as u64);
                    lost[0] += missed;
                }
                Step::Lose(count) => {
                    writer.lose(count, Cause::Xrun);
                    lost[1] += count;
                }
                Step::Read(count) => {
                    check_piece(&mut reader, &mut scratch[..count * channels], &mut told);
                }
                Step::Skip(count) => {
                    let available = reader.available();
                    prop_assert_eq!(reader.skip(count), count.min(available));
                    skipped = true;
                }
            }
        }
        while check_piece(&mut reader, &mut scratch, &mut told) {}
        prop_assert_eq!(reader.position(), writer.position());
        prop_assert_eq!(reader.lost_frames(), lost[0] + lost[1]);
        // Skipping passes over losses without telling them.
        prop_assert!(skipped || told == lost, "told {:?}, lost {:?}", told, lost);
    }
}

#[test]
fn losses_beyond_the_notes_are_still_exact() {
    let (mut writer, mut reader) = frame_ring(1, 8);
    // Two frames in, three lost: more losses than there are notes, none read.
    let mut writes = 0;
    let mut scratch = [0.0; 8];
    let mut told = [0; 2];
    for n in 0..3_000u64 {
        writer.lose(
            1 + n % 2,
            if n % 3 == 0 {
                Cause::RingFull
            } else {
                Cause::Xrun
            },
        );
        writes += writer.write(&frames(writer.position(), 1, 1));
    }
    assert!(writes > 0);
    let lost = writer.lost_frames();
    while check_piece(&mut reader, &mut scratch, &mut told) {}
    assert_eq!(reader.position(), writer.position());
    assert_eq!(told[0] + told[1], lost);
}

#[test]
fn two_threads_account_for_every_frame() {
    const FRAMES: u64 = if cfg!(miri) { 500 } else { 2_000_000 };
    let (mut writer, mut reader) = frame_ring(2, 64);
    let reading = std::thread::spawn(move || {
        let mut scratch = [0.0; 2 * 48];
        let mut told = [0; 2];
        let mut size = 1;
        loop {
            let last = reader.is_abandoned();
            size = size * 7 % 47 + 1;
            while check_piece(&mut reader, &mut scratch[..2 * size], &mut told) {}
            if last {
                return (told, reader.position());
            }
        }
    });
    let (mut lost, mut size) = ([0; 2], 1);
    let mut audio = vec![0.0f32; 2 * 64];
    while writer.position() < FRAMES {
        size = size * 5 % 61 + 1;
        if size % 13 == 0 {
            writer.lose(3, Cause::Xrun);
            lost[1] += 3;
        }
        audio.splice(.., frames(writer.position(), size, 2));
        // Positions beyond 2^24 would not be exact.
        lost[0] += realtime::callback(|| writer.write(&audio));
        if size % 7 == 0 {
            std::thread::yield_now();
        }
    }
    let written = writer.position();
    drop(writer);
    let (told, read) = reading.join().unwrap();
    assert_eq!(read, written);
    assert_eq!(told, lost);
}

#[test]
fn neither_end_allocates_or_frees_in_a_callback() {
    let (mut writer, mut reader) = frame_ring(2, 16);
    let mut scratch = [0.0; 32];
    let _ = system_calls::watch();
    let before = realtime::violations();
    realtime::callback(|| {
        for _ in 0..5_000 {
            writer.write(&scratch);
            writer.lose(2, Cause::Stalled);
            writer.write(&scratch);
            reader.next_piece(&mut scratch[..10]);
        }
        while reader.next_piece(&mut scratch).is_some() {}
        drop(reader);
        drop(writer);
    });
    assert_eq!(realtime::violations(), before);
}

#[test]
fn each_end_sees_the_other_go() {
    let (mut writer, reader) = frame_ring(1, 4);
    writer.write(&[1.0, 2.0]);
    assert!(!writer.is_abandoned() && !reader.is_abandoned());
    drop(reader);
    assert!(writer.is_abandoned());
    let (mut writer, mut reader) = frame_ring(1, 4);
    writer.write(&[1.0, 2.0]);
    realtime::callback(|| drop(writer));
    assert!(reader.is_abandoned());
    let mut frames = [0.0; 4];
    assert_eq!(reader.read(&mut frames), 2);
    assert_eq!(frames[..2], [1.0, 2.0]);
}

#[test]
#[cfg(all(target_os = "linux", not(miri)))]
fn the_first_use_of_a_ring_touches_no_new_page() {
    use ossicle_io::realtime::usage::ThreadUsage;
    const FRAMES: usize = 1 << 20;
    let (mut writer, _reader) = frame_ring(2, FRAMES);
    let audio = vec![0.5; 2 * 1024];
    // Code and stack are touched by the first calls.
    writer.write(&audio);
    let before = ThreadUsage::now().unwrap();
    let mut lost = 0;
    for _ in 1..FRAMES / 1024 {
        lost += realtime::callback(|| writer.write(&audio));
    }
    let used = ThreadUsage::now().unwrap().since(&before);
    assert_eq!(lost, 0);
    assert_eq!(used.minor_faults + used.major_faults, 0, "{used:?}");
}
