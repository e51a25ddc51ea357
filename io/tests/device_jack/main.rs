//! The JACK device against a real server with the dummy driver.

mod offers;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ossicle_io::device::reaper::Retired;
use ossicle_io::device::{
    self, Call, HostKind, LostCause, Port, Reaper, StreamRequest, StreamState,
};
use ossicle_io::realtime::{self, AllocatorGuard, system_calls};
use xtask::peers::jack as peers;
use xtask::quiet::repeat_where_the_machine_stood_still;
use xtask::servers::{Jack, JackOptions};

#[global_allocator]
static ALLOCATOR: AllocatorGuard = AllocatorGuard::new();

static TURN: Mutex<()> = Mutex::new(());

/// Waits for this test's turn, which lasts as long as what is returned.
fn turn() -> MutexGuard<'static, ()> {
    // A test that failed has ended its turn.
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a test when its turn has come.
fn served(test: impl FnMut()) {
    let _turn = turn();
    repeat_where_the_machine_stood_still(test);
}

/// A server that this process's clients go to, in their turn.
struct Rig {
    server: Jack,
}

fn rig(period_frames: u32) -> Rig {
    let server = Jack::start(JackOptions {
        period_frames,
        ..Default::default()
    })
    .unwrap();
    for (name, value) in server.env() {
        // SAFETY: the turn keeps every other test of this program from opening a client, and so
        // from reading the environment.
        unsafe { std::env::set_var(name, value) };
    }
    Rig { server }
}

fn duplex(channels: usize) -> StreamRequest {
    let port = Port {
        device: None,
        channels: Some(channels),
    };
    StreamRequest {
        input: Some(port.clone()),
        output: Some(port),
        ..Default::default()
    }
}

fn through(call: &mut Call<'_>) {
    call.output.copy_from_slice(call.input);
}

fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "{what} did not come"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn what_comes_in_leaves_in_the_same_cycle() {
    served(|| {
        for period in [64, 256] {
            let rig = rig(period);
            let _ = system_calls::watch();
            let before = realtime::violations();
            let pending = device::open(
                HostKind::Jack,
                &StreamRequest {
                    leave_unconnected: true,
                    ..duplex(2)
                },
            )
            .unwrap();
            assert_eq!(
                (pending.info().sample_rate_hz, pending.info().buffer_frames),
                (48_000, period)
            );
            let stream = pending.start(Box::new(through)).unwrap();
            let delay = peers::iodelay(&rig.server, || {
                peers::connect(&rig.server, "jack_delay:out", "ossicle:in_1")?;
                peers::connect(&rig.server, "ossicle:out_1", "jack_delay:in")
            });
            // The loop through the meter itself is one period long; we add nothing to it.
            let delay = delay.unwrap();
            assert!(
                (delay - f64::from(period)).abs() < 0.01,
                "{delay} frames at period {period}"
            );
            drop(stream);
            assert_eq!(
                realtime::violations(),
                before,
                "in the callback, beside allocations: {:?}",
                system_calls::calls()
            );
        }
    });
}

#[test]
fn the_system_ports_are_connected_unless_told_otherwise() {
    served(|| {
        let rig = rig(256);
        let connections = |rig: &Rig| {
            let listed = rig.server.tool("jack_lsp").arg("-c").output().unwrap();
            let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
            listed
                .lines()
                .filter(|line| line.starts_with(' ') && line.contains("ossicle"))
                .count()
        };
        let pending = device::open(HostKind::Jack, &duplex(2)).unwrap();
        assert_eq!(pending.info().input_device.as_deref(), Some("system"));
        assert_eq!(pending.info().output_device.as_deref(), Some("system"));
        assert!(pending.info().device_latency_frames.is_some());
        let stream = pending.start(Box::new(through)).unwrap();
        assert_eq!(connections(&rig), 4);
        drop(stream);
        let request = StreamRequest {
            leave_unconnected: true,
            ..duplex(2)
        };
        let stream = device::open(HostKind::Jack, &request)
            .unwrap()
            .start(Box::new(through))
            .unwrap();
        assert_eq!(connections(&rig), 0);
        // A second client goes to the first one's ports, found by a part of the name.
        let port = Port {
            device: Some("ossicle".to_owned()),
            channels: None,
        };
        let request = StreamRequest {
            input: Some(port),
            ..Default::default()
        };
        let pending = device::open(HostKind::Jack, &request).unwrap();
        assert_eq!(pending.info().input_channels, 2);
        let second = pending.start(Box::new(|_| {})).unwrap();
        assert_eq!(connections(&rig), 4);
        drop((stream, second));
    });
}

/// A source that comes up one port after the other, and a stream that is opened when it has its
/// first: each channel is connected when there is a port for it, and no port is taken twice.
#[test]
fn ports_that_come_late_are_connected() {
    served(|| {
        let rig = rig(256);
        let connected = |own: &str| {
            let listed = rig.server.tool("jack_lsp").args(["-c", own]).output();
            let listed = String::from_utf8_lossy(&listed.unwrap().stdout).into_owned();
            let others = listed.lines().filter(|line| line.starts_with(' '));
            others
                .map(|line| line.trim().to_owned())
                .collect::<Vec<_>>()
        };
        let late = |channels| {
            let port = Port {
                device: None,
                channels: Some(channels),
            };
            let request = StreamRequest {
                input: None,
                output: Some(port),
                leave_unconnected: true,
                ..Default::default()
            };
            let pending = device::open(HostKind::Jack, &request).unwrap();
            pending.start(Box::new(|_| {})).unwrap()
        };
        // What a client has that is found by a part of the name: `ossicle`, then `ossicle-01`.
        let first = late(1);
        let port = Port {
            device: Some("out_".to_owned()),
            channels: Some(3),
        };
        let request = StreamRequest {
            input: Some(port),
            ..Default::default()
        };
        let stream = device::open(HostKind::Jack, &request).unwrap();
        let stream = stream.start(Box::new(|_| {})).unwrap();
        assert_eq!(connected("ossicle-01:in_1"), ["ossicle:out_1"]);
        assert_eq!(connected("ossicle-01:in_2"), [""; 0]);
        let second = late(2);
        wait_until("the third connection", || {
            !connected("ossicle-01:in_3").is_empty()
        });
        assert_eq!(connected("ossicle-01:in_1"), ["ossicle:out_1"]);
        assert_eq!(connected("ossicle-01:in_2"), ["ossicle-02:out_1"]);
        assert_eq!(connected("ossicle-01:in_3"), ["ossicle-02:out_2"]);
        drop((stream, second, first));
    });
}

/// Silent samples among the first 64 blocks that are read from the client `player`.
fn silent_at_first() -> u64 {
    const SAMPLES: u64 = 64 * 256 * 2;
    let (heard, silent) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let callback = {
        let (heard, silent) = (heard.clone(), silent.clone());
        move |call: &mut Call<'_>| {
            if heard.load(Ordering::Relaxed) < SAMPLES {
                let zeros = call.input.iter().filter(|&&sample| sample == 0.0);
                silent.fetch_add(zeros.count() as u64, Ordering::Relaxed);
                heard.fetch_add(call.input.len() as u64, Ordering::Relaxed);
            }
        }
    };
    let request = StreamRequest {
        input: Some(Port {
            device: Some("player".to_owned()),
            channels: Some(2),
        }),
        ..Default::default()
    };
    let pending = device::open(HostKind::Jack, &request).unwrap();
    let stream = pending.start(Box::new(callback)).unwrap();
    wait_until("the first calls", || {
        heard.load(Ordering::Relaxed) >= SAMPLES
    });
    drop(stream);
    silent.load(Ordering::Relaxed)
}

/// A client that computes for many cycles makes the server put off new connections as long, while it goes
/// on calling the others: a stream begins when they are there, on all channels.
#[test]
fn the_first_frames_are_sound_though_connections_are_put_off() {
    served(|| {
        let rig = rig(256);
        let signal = peers::Signal::Counter;
        let source = peers::Source::start(&rig.server, "player", 2, &signal).unwrap();
        let slow = StreamRequest {
            leave_unconnected: true,
            ..duplex(1)
        };
        let slow = device::open(HostKind::Jack, &slow).unwrap();
        let computes = |_: &mut Call<'_>| {
            let began = Instant::now();
            while began.elapsed() < Duration::from_millis(60) {
                std::hint::spin_loop();
            }
        };
        let slow = slow.start(Box::new(computes)).unwrap();
        for _ in 0..8 {
            assert_eq!(silent_at_first(), 0);
        }
        // One that computes as it is ended is waited for.
        drop((slow, source));
    });
}

/// Stops the server for so many milliseconds under a stream. Returns how much longer the stream's
/// position says it took than the clock says, in seconds.
fn stall(rig: &Rig, stop_ms: u64) -> f64 {
    // What a stream position means: frames of the server's own clock since the first call.
    let end = Arc::new(AtomicU64::new(0));
    let told = Arc::new(AtomicU64::new(0));
    let callback = {
        let (end, told) = (end.clone(), told.clone());
        move |call: &mut Call<'_>| {
            let expected = end.load(Ordering::Relaxed);
            assert_eq!(call.position, expected + call.lost_frames);
            told.fetch_add(call.lost_frames, Ordering::Relaxed);
            end.store(call.position + call.frames as u64, Ordering::Relaxed);
        }
    };
    let stream = device::open(HostKind::Jack, &duplex(2))
        .unwrap()
        .start(Box::new(callback))
        .unwrap();
    let status = stream.status().clone();
    wait_until("the first cycles", || status.callbacks() > 20);
    let (began, position) = (Instant::now(), end.load(Ordering::Relaxed));
    let lost = status.lost_frames();
    rig.server.stop().unwrap();
    std::thread::sleep(Duration::from_millis(stop_ms));
    let period_ns = 256 * 1_000_000_000 / 48_000;
    assert!(stop_ms <= 250 || status.stalled(device::now_ns(), period_ns));
    rig.server.cont().unwrap();
    let callbacks = status.callbacks();
    wait_until("the cycles after the stall", || {
        status.callbacks() > callbacks + 100
    });
    let (elapsed, passed) = (began.elapsed(), end.load(Ordering::Relaxed) - position);
    assert_eq!(status.state(), StreamState::Running);
    assert!(status.xruns() > 0);
    let lost = status.lost_frames() - lost;
    drop(stream);
    assert_eq!(told.load(Ordering::Relaxed), status.lost_frames());
    // The cycle in which it was stopped comes late, and so does the next: they are not lost.
    let least = stop_ms * 48 - 3 * 256;
    assert!(
        lost > least,
        "{lost} frames lost in a stall of {stop_ms} ms"
    );
    passed as f64 / 48_000.0 - elapsed.as_secs_f64()
}

#[test]
fn positions_tell_every_frame_the_server_lost() {
    served(|| {
        let rig = rig(256);
        // The position keeps up with the clock, to within some periods of scheduling: a machine that is
        // busy with something else is given another try.
        for stop_ms in [60, 150, 220, 600] {
            let errors: Vec<f64> = (0..3).map(|_| stall(&rig, stop_ms)).collect();
            println!("stops of {stop_ms} ms: {errors:.4?} s");
            let least = errors.iter().copied().map(f64::abs).fold(1.0, f64::min);
            assert!(
                least < 0.012,
                "off by {errors:?} seconds after {stop_ms} ms"
            );
        }
    });
}

#[test]
fn a_killed_server_is_told_and_nothing_hangs() {
    served(|| {
        let mut rig = rig(256);
        let stream = device::open(HostKind::Jack, &duplex(2)).unwrap();
        let stream = stream.start(Box::new(through)).unwrap();
        let status = stream.status().clone();
        wait_until("the first cycles", || status.callbacks() > 5);
        rig.server.kill();
        wait_until("the loss", || status.state() != StreamState::Running);
        assert_eq!(status.state(), StreamState::Lost(LostCause::ServerGone));
        let retired = Reaper::new().retire(stream, Duration::from_secs(5));
        assert_eq!(retired, Retired::Done);
    });
}

#[test]
fn a_stopped_server_holds_nobody_up() {
    served(|| {
        let rig = rig(256);
        let stream = device::open(HostKind::Jack, &duplex(2)).unwrap();
        let stream = stream.start(Box::new(through)).unwrap();
        let status = stream.status().clone();
        wait_until("the first cycles", || status.callbacks() > 5);
        rig.server.stop().unwrap();
        let began = Instant::now();
        let _ = Reaper::new().retire(stream, Duration::from_millis(500));
        assert!(
            began.elapsed() < Duration::from_secs(2),
            "{:?}",
            began.elapsed()
        );
        let refused = device::open(HostKind::Jack, &duplex(2)).map(|_| ());
        assert!(refused.is_err());
        assert!(
            began.elapsed() < Duration::from_secs(9),
            "{:?}",
            began.elapsed()
        );
        rig.server.cont().unwrap();
    });
}
