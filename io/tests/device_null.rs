//! The device without sound keeps the clock's pace.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ossicle_io::device::{self, DeviceError, HostKind, Port, StreamRequest};
use ossicle_io::realtime::{self, AllocatorGuard, system_calls};

#[global_allocator]
static ALLOCATOR: AllocatorGuard = AllocatorGuard::new();

fn duplex() -> StreamRequest {
    let port = Some(Port::default());
    StreamRequest {
        input: port.clone(),
        output: port,
        ..Default::default()
    }
}

#[test]
fn frames_keep_the_pace_of_the_clock_and_late_ones_are_made_up_for() {
    let _ = system_calls::watch();
    let before = realtime::violations();
    let pending = device::open(HostKind::Null, &duplex()).unwrap();
    let info = pending.info().clone();
    assert_eq!(
        (
            info.input_channels,
            info.output_channels,
            info.buffer_frames
        ),
        (2, 2, 256)
    );
    assert_eq!(info.sample_rate_hz, 48_000);
    let end = Arc::new(AtomicU64::new(0));
    let at = end.clone();
    let began = Instant::now();
    let stream = pending.start(Box::new(move |call| {
        assert!(realtime::inside() && call.input.iter().all(|&sample| sample == 0.0));
        assert_eq!(
            (call.input.len(), call.output.len()),
            (2 * call.frames, 2 * call.frames)
        );
        // Once, the callback takes ten periods: the frames behind it come at once.
        if at.load(Ordering::Relaxed) == 256 * 40 {
            realtime::permit(|| std::thread::sleep(Duration::from_millis(60)));
        }
        at.store(call.position + call.frames as u64, Ordering::Relaxed);
    }));
    let stream = stream.unwrap();
    std::thread::sleep(Duration::from_millis(1_000));
    let frames = end.load(Ordering::Relaxed);
    let passed = began.elapsed().as_secs_f64() * 48_000.0;
    assert!(
        frames as f64 <= passed,
        "{frames} frames in the time of {passed}"
    );
    assert!(
        frames as f64 > passed - 4_800.0,
        "{frames} frames in the time of {passed}"
    );
    assert!(stream.status().longest_callback_ns() >= 60_000_000);
    assert_eq!(stream.status().lost_frames(), 0);
    let dropped = Instant::now();
    drop(stream);
    assert!(
        dropped.elapsed() < Duration::from_millis(500),
        "{:?}",
        dropped.elapsed()
    );
    assert_eq!(
        realtime::violations(),
        before,
        "in the callback, beside allocations: {:?}",
        system_calls::calls()
    );
}

#[test]
fn a_process_that_stood_still_for_a_moment_is_an_xrun_and_loses_nothing() {
    let stream = device::open(HostKind::Null, &duplex()).unwrap();
    let mut first = true;
    let stream = stream.start(Box::new(move |_| {
        if core::mem::take(&mut first) {
            realtime::permit(|| std::thread::sleep(Duration::from_millis(300)));
        }
    }));
    let stream = stream.unwrap();
    std::thread::sleep(Duration::from_millis(600));
    let status = stream.status();
    // A busy machine may stand still once more, but not for each of the periods that come at once.
    let told = (status.xruns(), status.lost_frames());
    assert!((1..=3).contains(&told.0) && told.1 == 0, "{told:?}");
}

#[test]
fn what_is_later_than_a_second_is_lost() {
    let stream = device::open(HostKind::Null, &duplex()).unwrap();
    let mut first = true;
    let stream = stream.start(Box::new(move |_| {
        if core::mem::take(&mut first) {
            realtime::permit(|| std::thread::sleep(Duration::from_millis(1_400)));
        }
    }));
    let stream = stream.unwrap();
    std::thread::sleep(Duration::from_millis(1_700));
    let lost = stream.status().lost_frames();
    assert!((60_000..75_000).contains(&lost), "{lost} of 1.4 s lost");
    assert!(stream.status().xruns() > 0);
}

#[test]
fn what_it_does_not_offer_is_refused() {
    let open = |request: StreamRequest| device::open(HostKind::Null, &request).map(|_| ());
    let refused = open(StreamRequest {
        sample_rate_hz: Some(1),
        ..duplex()
    });
    assert!(matches!(
        refused,
        Err(DeviceError::SampleRateUnsupported { asked_hz: 1, .. })
    ));
    let refused = open(StreamRequest {
        buffer_frames: Some(0),
        ..duplex()
    });
    assert!(matches!(
        refused,
        Err(DeviceError::BufferUnsupported {
            asked_frames: 0,
            ..
        })
    ));
    let port = Port {
        device: Some("speaker".to_owned()),
        channels: None,
    };
    let refused = open(StreamRequest {
        input: Some(port),
        ..Default::default()
    });
    assert!(matches!(refused, Err(DeviceError::DeviceNotFound { .. })));
    let port = Port {
        device: Some("null:null".to_owned()),
        channels: Some(65),
    };
    let refused = open(StreamRequest {
        input: Some(port),
        ..Default::default()
    });
    assert!(matches!(
        refused,
        Err(DeviceError::ChannelsUnsupported { asked: 65, .. })
    ));
    assert!(device::available_hosts().contains(&HostKind::Null));
}
