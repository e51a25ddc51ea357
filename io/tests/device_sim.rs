//! Simulated devices do what their schedule says, the same each time.

use core::time::Duration;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use ossicle_io::device::sim::{Blocks, Fault, FaultKind, Lateness, Sim, SimDevice};
use ossicle_io::device::{
    Callback, DeviceError, LostCause, Port, Stream, StreamRequest, StreamState,
};
use ossicle_io::realtime::{self, AllocatorGuard, system_calls};

#[global_allocator]
static ALLOCATOR: AllocatorGuard = AllocatorGuard::new();

const SECOND_NS: u64 = 1_000_000_000;

/// What a callback saw of a call.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Seen {
    position: u64,
    frames: usize,
    lost: u64,
    xrun: bool,
    time_ns: u64,
    first: f32,
}

fn on(device: &str) -> StreamRequest {
    let port = Port {
        device: Some(device.to_owned()),
        channels: None,
    };
    StreamRequest {
        input: Some(port.clone()),
        output: Some(port),
        ..Default::default()
    }
}

fn card() -> SimDevice {
    SimDevice::new("card", 1, 1).with_source(|frame, _| frame as f32)
}

/// Runs a device for some seconds, output = input; what its callback saw, and what it played.
fn run(seed: u64, device: SimDevice, seconds: u64) -> (Vec<Seen>, Vec<f32>) {
    let sim = Sim::new(seed);
    sim.plug(device).unwrap();
    let calls = 1 + seconds as usize * 48_000;
    let seen = Arc::new(Mutex::new(Vec::with_capacity(calls)));
    let heard = seen.clone();
    let stream = sim.open(&on("card")).unwrap().start(Box::new(move |call| {
        assert!(realtime::inside());
        call.output.copy_from_slice(call.input);
        heard.lock().unwrap().push(Seen {
            position: call.position,
            frames: call.frames,
            lost: call.lost_frames,
            xrun: call.xrun,
            time_ns: call.time_ns,
            first: call.input[0],
        });
    }));
    let _ = system_calls::watch();
    let before = realtime::violations();
    sim.run_for(Duration::from_secs(seconds));
    assert_eq!(
        realtime::violations(),
        before,
        "in the callback, beside allocations: {:?}",
        system_calls::calls()
    );
    drop(stream);
    let seen = seen.lock().unwrap().clone();
    (seen, sim.played("card"))
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_another() {
    let device = || SimDevice {
        blocks: Blocks::Random { max: 900 },
        lateness: vec![Lateness::Uniform { max_ns: 3_000_000 }],
        rate_error_ppm: 120.0,
        ..card()
    };
    let (first, played) = run(7, device(), 5);
    assert_eq!(
        (&first, &played),
        (&run(7, device(), 5).0, &run(7, device(), 5).1)
    );
    assert_ne!(first, run(8, device(), 5).0);
    let lengths: std::collections::BTreeSet<usize> = first.iter().map(|seen| seen.frames).collect();
    assert!(lengths.len() > 200 && lengths.iter().all(|&frames| (1..=900).contains(&frames)));
    // Whatever the blocks, the sound is whole.
    assert!(
        played
            .iter()
            .enumerate()
            .all(|(n, &sample)| sample == n as f32)
    );
}

#[test]
fn blocks_come_as_listed_when_they_are_full() {
    let device = SimDevice {
        blocks: Blocks::List(vec![480, 1, 959]),
        ..card()
    };
    let (seen, _) = run(1, device, 1);
    let lengths: Vec<usize> = seen.iter().take(4).map(|seen| seen.frames).collect();
    assert_eq!(lengths, [480, 1, 959, 480]);
    assert_eq!(seen[0].time_ns, 10_000_000);
    assert_eq!(seen[2].time_ns, 30_000_000);
    assert_eq!(seen.iter().map(|seen| seen.frames).sum::<usize>(), 48_000);
}

#[test]
fn a_fast_clock_brings_more_frames() {
    let count = |error_ppm: f64| {
        let device = SimDevice {
            rate_error_ppm: error_ppm,
            blocks: Blocks::Fixed(10),
            ..card()
        };
        run(1, device, 100)
            .0
            .iter()
            .map(|seen| seen.frames)
            .sum::<usize>()
    };
    assert_eq!(count(0.0), 4_800_000);
    assert_eq!(count(500.0), 4_802_400);
    assert_eq!(count(-500.0), 4_797_600);
}

#[test]
fn lost_frames_are_told_once_and_missing_from_the_sound() {
    let faults = vec![
        Fault {
            at_ns: SECOND_NS / 2,
            kind: FaultKind::Xrun { lost_frames: 1_000 },
        },
        Fault {
            at_ns: SECOND_NS,
            kind: FaultKind::Xrun { lost_frames: 1 },
        },
    ];
    let (seen, played) = run(1, SimDevice { faults, ..card() }, 2);
    let told: Vec<u64> = seen
        .iter()
        .filter(|seen| seen.xrun)
        .map(|seen| seen.lost)
        .collect();
    assert_eq!(told, [1_000, 1]);
    for seen in &seen {
        assert_eq!(
            seen.first, seen.position as f32,
            "positions count what is lost"
        );
    }
    let silent = played
        .iter()
        .skip(1)
        .filter(|&&sample| sample == 0.0)
        .count();
    assert_eq!(silent, 1_001);
    let frames: usize = seen.iter().map(|seen| seen.frames).sum();
    assert!(
        (96_000 - 1_001 - frames) < 256,
        "time goes on at the same pace: {frames}"
    );
}

#[test]
fn a_stall_brings_everything_late() {
    let stall = Fault {
        at_ns: SECOND_NS,
        kind: FaultKind::Stall { for_ns: SECOND_NS },
    };
    let (seen, played) = run(
        1,
        SimDevice {
            faults: vec![stall],
            ..card()
        },
        3,
    );
    let gap = seen
        .windows(2)
        .map(|pair| pair[1].time_ns - pair[0].time_ns)
        .max();
    assert!(gap.is_some_and(|gap| gap >= SECOND_NS), "{gap:?}");
    assert!(seen.iter().all(|seen| seen.lost == 0));
    assert_eq!(played.len() / 256, 3 * 48_000 / 256);
    assert!(
        played
            .iter()
            .enumerate()
            .all(|(n, &sample)| sample == n as f32)
    );
}

#[test]
fn an_unplugged_device_is_lost_and_can_be_opened_when_it_is_back() {
    let unplug = Fault {
        at_ns: SECOND_NS,
        kind: FaultKind::Unplug { for_ns: SECOND_NS },
    };
    let sim = Sim::new(1);
    sim.plug(SimDevice {
        faults: vec![unplug],
        ..card()
    })
    .unwrap();
    sim.plug(SimDevice::new("other", 2, 0)).unwrap();
    let through = || -> ossicle_io::device::Callback {
        Box::new(|call| call.output.copy_from_slice(call.input))
    };
    let stream = sim.open(&on("card")).unwrap().start(through()).unwrap();
    sim.run_for(Duration::from_millis(1_500));
    assert_eq!(
        stream.status().state(),
        StreamState::Lost(LostCause::DeviceGone)
    );
    let frames = stream.status().frames();
    assert!((47_000..=48_000).contains(&frames), "{frames}");
    let refused = sim.open(&on("card")).map(|_| ()).unwrap_err();
    assert!(matches!(
        refused,
        DeviceError::DeviceNotFound { ref available, .. } if available == &["sim:other"]
    ));
    drop(stream);
    sim.run_for(Duration::from_secs(1));
    let stream = sim.open(&on("card")).unwrap().start(through()).unwrap();
    sim.run_for(Duration::from_millis(500));
    assert_eq!(stream.status().state(), StreamState::Running);
    // The device's clock went on while it was away.
    let played = sim.played("card");
    assert!(played.len() > 143_000, "{}", played.len());
    let wrong = |(n, &sample): (usize, &f32)| sample != 0.0 && sample != n as f32;
    assert_eq!(
        played
            .iter()
            .enumerate()
            .position(|(n, sample)| wrong((n, sample))),
        None
    );
}

#[test]
fn a_stream_dropped_while_it_is_called_is_not_called_again() {
    let sim = Sim::new(1);
    sim.plug(card()).unwrap();
    let own: Arc<Mutex<Option<Box<dyn Stream>>>> = Arc::default();
    let held = own.clone();
    let callback: Callback =
        Box::new(move |_| realtime::permit(|| drop(held.lock().unwrap().take())));
    let stream = sim.open(&on("card")).unwrap().start(callback).unwrap();
    let status = stream.status().clone();
    *own.lock().unwrap() = Some(stream);
    sim.run_for(Duration::from_secs(1));
    assert_eq!(status.callbacks(), 1);
}

#[test]
fn an_hour_takes_seconds() {
    let sim = Sim::new(1);
    sim.plug(SimDevice::new("card", 2, 0)).unwrap();
    let request = StreamRequest {
        output: None,
        ..on("card")
    };
    let stream = sim.open(&request).unwrap().start(Box::new(|_| {})).unwrap();
    let began = Instant::now();
    sim.run_for(Duration::from_secs(3_600));
    assert_eq!(stream.status().frames() / 256, 3_600 * 48_000 / 256);
    assert!(
        began.elapsed() < Duration::from_secs(30),
        "{:?}",
        began.elapsed()
    );
}

#[test]
fn what_is_not_offered_is_refused() {
    let sim = Sim::new(1);
    assert!(sim.open(&on("card")).is_err());
    sim.plug(SimDevice::new("card", 0, 2)).unwrap();
    assert!(matches!(
        sim.plug(card()),
        Err(DeviceError::DeviceBusy { .. })
    ));
    let refused = sim.open(&on("card")).map(|_| ()).unwrap_err();
    assert!(matches!(refused, DeviceError::DirectionUnsupported { .. }));
    let request = StreamRequest {
        input: None,
        sample_rate_hz: Some(44_100),
        ..on("card")
    };
    let refused = sim.open(&request).map(|_| ()).unwrap_err();
    assert!(matches!(
        refused,
        DeviceError::SampleRateUnsupported {
            asked_hz: 44_100,
            ..
        }
    ));
    let long = SimDevice {
        blocks: Blocks::Fixed(usize::MAX),
        ..SimDevice::new("b", 1, 1)
    };
    assert!(matches!(
        sim.plug(long),
        Err(DeviceError::BufferUnsupported { .. })
    ));
    let empty = SimDevice {
        blocks: Blocks::List(vec![1, 0]),
        ..SimDevice::new("b", 1, 1)
    };
    assert!(matches!(
        sim.plug(empty),
        Err(DeviceError::BufferUnsupported { .. })
    ));
}
