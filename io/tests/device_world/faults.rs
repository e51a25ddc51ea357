//! Each fault is seen once, for what it is.

use core::time::Duration;
use std::sync::{Arc, Mutex};

use ossicle_io::device::sim::{Blocks, SimDevice};
use ossicle_io::device::{DeviceError, LostCause, StreamState};
use ossicle_io::realtime;
use proptest::prelude::*;

use super::{MS, Seen, counting, listen, on, with_faults};

/// A millisecond is a block.
fn mic() -> SimDevice {
    SimDevice {
        blocks: Blocks::Fixed(48),
        ..counting("mic")
    }
}

/// Half a second of a microphone to which happens what the lines say.
fn half_a_second(lines: &str) -> Vec<Seen> {
    let sim = with_faults(mic(), lines);
    let (stream, log) = listen(&sim, "mic");
    sim.run_for(Duration::from_millis(500));
    let log = log.lock().unwrap().clone();
    let status = stream.status();
    assert_eq!(status.callbacks(), log.len() as u64);
    assert_eq!(
        status.frames(),
        log.iter().map(|seen| seen.frames as u64).sum()
    );
    assert_eq!(status.lost_frames(), log.iter().map(|seen| seen.lost).sum());
    assert_eq!(
        status.xruns(),
        log.iter().filter(|seen| seen.xrun).count() as u64
    );
    for pair in log.windows(2) {
        let expected = pair[0].position + pair[0].frames as u64 + pair[1].lost;
        assert_eq!(pair[1].position, expected, "nothing is lost in secret");
        assert_eq!(pair[1].first, pair[1].position as f64);
    }
    log
}

/// Times in milliseconds and lengths of the calls that do not come a millisecond after the last,
/// one block long.
fn odd(log: &[Seen]) -> Vec<(u64, usize)> {
    let mut before_ns = 0;
    let mut odd = Vec::new();
    for seen in log {
        if seen.stamp_ns - before_ns != MS || seen.frames != 48 {
            assert_eq!(seen.stamp_ns % MS, 0);
            odd.push((seen.stamp_ns / MS, seen.frames));
        }
        before_ns = seen.stamp_ns;
    }
    odd
}

#[test]
fn nothing_happens_where_nothing_is_scheduled() {
    let log = half_a_second("# nothing");
    assert_eq!((odd(&log), log.len()), (vec![], 500));
}

#[test]
fn a_double_call_is_two_at_once() {
    let log = half_a_second("100500us mic double");
    // The call due at 101 ms comes with that of 102 ms.
    assert_eq!(odd(&log), [(102, 48), (102, 48)]);
    assert_eq!(log.len(), 500);
}

#[test]
fn a_call_left_out_comes_with_the_next_or_is_lost() {
    let log = half_a_second("100500us mic merge");
    assert_eq!((odd(&log), log.len()), (vec![(102, 96)], 499));
    let log = half_a_second("100500us mic miss");
    assert_eq!((odd(&log), log.len()), (vec![(102, 48)], 499));
    let told: Vec<_> = log
        .iter()
        .filter(|seen| seen.xrun)
        .map(|seen| seen.lost)
        .collect();
    assert_eq!(told, [48]);
}

#[test]
fn faults_at_one_time_all_happen() {
    let log = half_a_second("100500us mic double\n100500us mic miss\n100500us mic merge");
    // The first block of the two is lost, the second one comes with a third.
    assert_eq!((odd(&log), log.len()), (vec![(103, 96)], 498));
}

#[test]
fn blocks_have_another_length_from_a_time_on() {
    let log = half_a_second("100500us mic period 96\n200500us mic period 48");
    let long = log.iter().filter(|seen| seen.frames == 96).count();
    assert_eq!((long, log.len()), (50, 450));
    let first = log.iter().find(|seen| seen.frames == 96).unwrap();
    assert_eq!(first.stamp_ns, 103 * MS, "the block that was due was whole");
}

#[test]
fn a_floor_holds_until_the_next() {
    let log = half_a_second("100500us mic floor 7ms\n200500us mic floor 0ns");
    // A call is planned when the one before it ran. That of 101 ms was, when the floor came; that of
    // 194 ms, at 200 ms, is the last that feels it; those of 195 to 200 ms come right behind it.
    let mut late = Vec::new();
    for (due_ms, seen) in (1..).zip(&log) {
        let came_ms = seen.stamp_ns / MS;
        if came_ms != due_ms {
            assert_eq!(came_ms, (due_ms + 7).min(201));
            late.push(due_ms);
        }
    }
    assert_eq!(late, (102..=200).collect::<Vec<_>>());
}

#[test]
fn a_stream_that_falls_silent_is_told_of_nothing_and_lost_when_the_device_goes() {
    let lines = "100500us mic silence\n300ms mic errors 2\n400ms mic unplug 100ms";
    let sim = with_faults(mic(), lines);
    let (stream, log) = listen(&sim, "mic");
    sim.run_for(Duration::from_millis(350));
    assert_eq!(log.lock().unwrap().len(), 100);
    assert_eq!(stream.status().state(), StreamState::Running);
    assert_eq!((stream.status().errors(), stream.status().xruns()), (2, 0));
    let (again, heard) = listen(&sim, "mic");
    sim.run_for(Duration::from_millis(49));
    assert_eq!(heard.lock().unwrap().len(), 49, "another stream is called");
    sim.run_for(Duration::from_millis(1));
    for stream in [stream, again] {
        assert_eq!(
            stream.status().state(),
            StreamState::Lost(LostCause::DeviceGone)
        );
    }
}

#[test]
fn a_device_comes_back_with_another_format() {
    let lines = "100ms mic return 0ns 44100hz 1in 2out\n200ms mic return 100ms 96000hz 2in 0out";
    let sim = with_faults(mic(), lines);
    let (stream, _log) = listen(&sim, "mic");
    let pending = sim.open(&on("mic")).unwrap();
    sim.run_for(Duration::from_millis(150));
    assert_eq!(
        stream.status().state(),
        StreamState::Lost(LostCause::FormatChanged)
    );
    let refused = pending.start(Box::new(|_| {})).err();
    assert!(
        matches!(refused, Some(DeviceError::DeviceGone { .. })),
        "{refused:?}"
    );
    let pending = sim.open(&on("mic")).unwrap();
    let info = pending.info();
    assert_eq!((info.sample_rate_hz, info.input_channels), (44_100, 1));
    let one = pending.start(Box::new(|_| {})).unwrap();
    sim.run_for(Duration::from_millis(100));
    assert_eq!(
        one.status().state(),
        StreamState::Lost(LostCause::DeviceGone)
    );
    assert!(matches!(
        sim.open(&on("mic")).err(),
        Some(DeviceError::DeviceNotFound { .. })
    ));
    sim.run_for(Duration::from_millis(50));
    let (back, log) = listen(&sim, "mic");
    assert_eq!(back.info().sample_rate_hz, 96_000);
    sim.run_for(Duration::from_millis(100));
    assert_eq!(back.status().frames(), 9_600);
    // 4,800 frames at 48 kHz, 200 ms at 44.1 kHz: away it kept its rate.
    assert_eq!(log.lock().unwrap()[0].first, 4_800.0 + 8_820.0);
}

#[test]
fn a_stream_runs_on_at_another_actual_rate() {
    let sim = with_faults(mic(), "1s mic rate 44100hz\n2s mic rate 48000hz");
    let (stream, log) = listen(&sim, "mic");
    sim.run_for(Duration::from_secs(3));
    assert_eq!(stream.info().sample_rate_hz, 48_000);
    assert!(log.lock().unwrap().iter().all(|seen| !seen.xrun));
    let frames = stream.status().frames();
    assert!(frames.abs_diff(48_000 + 44_100 + 48_000) < 48, "{frames}");
}

#[test]
fn a_device_refuses_to_be_opened_for_a_while() {
    for (word, error) in [
        (
            "busy",
            DeviceError::DeviceBusy {
                device: "mic".into(),
            },
        ),
        (
            "denied",
            DeviceError::PermissionDenied {
                device: "mic".into(),
            },
        ),
        (
            "broken",
            DeviceError::Backend {
                host: ossicle_io::device::HostKind::Sim,
                doing: "open",
                message: "\"mic\" is broken".into(),
            },
        ),
    ] {
        let sim = with_faults(mic(), &format!("100ms mic refuse 50ms {word}"));
        let (stream, _log) = listen(&sim, "mic");
        let pending = sim.open(&on("mic")).unwrap();
        sim.run_for(Duration::from_millis(100));
        assert_eq!(sim.open(&on("mic")).err(), Some(error.clone()));
        assert_eq!(pending.start(Box::new(|_| {})).err(), Some(error));
        sim.run_for(Duration::from_millis(50));
        assert!(sim.open(&on("mic")).is_ok());
        assert_eq!(stream.status().callbacks(), 150, "what runs goes on");
    }
}

#[test]
fn errors_are_counted_and_not_freed_in_the_callback() {
    let sim = with_faults(mic(), "100ms mic errors 3\n200ms mic errors 200");
    let (stream, log) = listen(&sim, "mic");
    let before = realtime::violations();
    sim.run_for(Duration::from_millis(500));
    assert_eq!(stream.status().errors(), 203);
    assert_eq!(log.lock().unwrap().len(), 500);
    assert_eq!(
        stream.status().state(),
        StreamState::Running,
        "calls between them"
    );
    drop(stream);
    assert_eq!(realtime::violations(), before);
}

#[test]
fn errors_without_calls_between_them_are_a_storm() {
    let lines = "100500us mic silence\n200ms mic errors 60\n500ms mic errors 60";
    let sim = with_faults(mic(), lines);
    let (stream, _log) = listen(&sim, "mic");
    sim.run_for(Duration::from_millis(499));
    assert_eq!(stream.status().state(), StreamState::Running);
    sim.run_for(Duration::from_millis(1));
    assert_eq!(
        stream.status().state(),
        StreamState::Lost(LostCause::ErrorStorm)
    );
}

#[test]
fn a_sink_hears_what_is_played_with_its_frames() {
    type Heard = Arc<Mutex<Vec<(u64, usize, Vec<f32>)>>>;
    let heard = Heard::default();
    let ear = heard.clone();
    let speaker = SimDevice::new("speaker", 0, 2).with_sink(move |first, channels, block| {
        ear.lock().unwrap().push((first, channels, block.to_vec()));
    });
    let sim = with_faults(speaker, "50ms speaker xrun 1000");
    sim.run_for(Duration::from_millis(20));
    let request = ossicle_io::device::StreamRequest {
        input: None,
        output: Some(Default::default()),
        ..Default::default()
    };
    let play = |call: &mut ossicle_io::device::Call<'_>| {
        for (frame, samples) in (call.position..).zip(call.output.chunks_exact_mut(2)) {
            samples.fill(frame as f32);
        }
    };
    let _stream = sim.open(&request).unwrap().start(Box::new(play)).unwrap();
    sim.run_for(Duration::from_secs(1));
    let heard = heard.lock().unwrap();
    assert_eq!(heard.len(), (48_000 - 1_000) / 256);
    let mut gaps = Vec::new();
    let mut next = 960;
    for (first, channels, block) in heard.iter() {
        assert_eq!(*channels, 2);
        // The stream began at frame 960 of the device.
        assert!(
            block
                .chunks(2)
                .zip(first - 960..)
                .all(|(pair, frame)| pair == [frame as f32; 2])
        );
        gaps.extend(Some(first - next).filter(|&gap| gap > 0));
        next = first + block.len() as u64 / 2;
    }
    assert_eq!(gaps, [1_000]);
    let played = sim.played("speaker");
    let last = heard.last().unwrap();
    assert_eq!(
        played.len() as u64,
        2 * (last.0 - 960) + last.2.len() as u64
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn each_fault_is_told_exactly_once(faults in prop::collection::vec((0..400_000u64, 0..6usize), 0..40)) {
        let kinds = ["xrun 100", "miss", "errors 2", "stall 5ms", "merge", "double"];
        let count = |kind: usize| faults.iter().filter(|fault| fault.1 == kind).count() as u64;
        let lines: Vec<String> =
            faults.iter().map(|&(us, kind)| format!("{us}us mic {}", kinds[kind])).collect();
        let sim = with_faults(SimDevice { blocks: Blocks::Fixed(32), ..mic() }, &lines.join("\n"));
        let (stream, log) = listen(&sim, "mic");
        sim.run_for(Duration::from_secs(1));
        let (status, log) = (stream.status(), log.lock().unwrap());
        prop_assert_eq!(status.errors(), 2 * count(2));
        prop_assert_eq!(status.xruns(), count(0) + count(1));
        // A block that is left out may be one that a merge made longer.
        let lost: u64 = log.iter().map(|seen| seen.lost).sum();
        prop_assert_eq!(lost, status.lost_frames());
        prop_assert!(lost >= 100 * count(0) + 32 * count(1), "{}", lost);
        if count(4) + count(5) == 0 {
            prop_assert_eq!(lost, 100 * count(0) + 32 * count(1));
        }
        // All is well in the end, and every frame is accounted for.
        let last = log[log.len() - 1];
        let end = last.position + last.frames as u64;
        prop_assert!((48_000 - 31..=48_000).contains(&end), "{}", end);
        prop_assert_eq!(status.frames() + lost, end);
    }
}
