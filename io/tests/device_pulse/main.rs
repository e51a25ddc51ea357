//! PulseAudio, natively and through ALSA, against a private server.

mod connections;
mod dry;
mod offers;
mod unplugged;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ossicle_io::device::reaper::Retired;
use ossicle_io::device::{
    self, Callback, HostKind, Port, Reaper, Stream, StreamRequest, StreamState,
};
use ossicle_io::realtime::{self, AllocatorGuard, system_calls};
use ossicle_io::ring::frame_ring;
use xtask::peers::pulse::{Pacat, Parec};
use xtask::quiet::repeat_where_the_machine_stood_still;
use xtask::servers::PulseAudio;

#[global_allocator]
static ALLOCATOR: AllocatorGuard = AllocatorGuard::new();

const HOSTS: [HostKind; 2] = [HostKind::PulseAudio, HostKind::Alsa];

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
    server: PulseAudio,
}

fn rig() -> Rig {
    let server = PulseAudio::start().unwrap();
    for (name, value) in server.env() {
        // SAFETY: the turn keeps every other test of this program from opening a device, and so
        // from reading the environment.
        unsafe { std::env::set_var(name, value) };
    }
    Rig { server }
}

fn input(channels: usize) -> StreamRequest {
    let port = Port {
        device: None,
        channels: Some(channels),
    };
    StreamRequest {
        input: Some(port),
        sample_rate_hz: Some(48_000),
        buffer_frames: Some(256),
        ..Default::default()
    }
}

fn output(channels: usize) -> StreamRequest {
    let request = input(channels);
    StreamRequest {
        output: request.input.clone(),
        input: None,
        ..request
    }
}

fn start(host: HostKind, request: &StreamRequest, callback: Callback) -> Box<dyn Stream> {
    device::open(host, request)
        .unwrap()
        .start(callback)
        .unwrap()
}

fn wait_until(what: &str, limit_s: u64, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(
            began.elapsed() < Duration::from_secs(limit_s),
            "{what} did not come"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Frames that name themselves: left counts up from 1, right down; exact in 32-bit float and kept
/// below full scale.
fn counter(frames: usize) -> Vec<f32> {
    (1..=frames)
        .flat_map(|n| [n as f32 / 16_777_216.0, -(n as f32) / 16_777_216.0])
        .collect()
}

/// The counter's frames within `samples`, in order: first, last, and frames that are missing without
/// silence of their length in their place. A server that runs dry of what a program plays puts
/// silence for it and goes on: that is the machine's, and not what is tested here.
fn counted(samples: &[f32]) -> (u64, u64, u64) {
    let (mut first, mut last, mut silent, mut missing) = (0, 0, 0, 0);
    for frame in samples.chunks_exact(2) {
        assert_eq!(frame[0], -frame[1], "channels apart");
        let number = (frame[0] * 16_777_216.0) as u64;
        if number == 0 {
            silent += 1;
            continue;
        }
        if first == 0 {
            first = number;
        } else if number != last + 1 {
            assert!(number > last, "out of order");
            println!("{silent} frames of silence between {last} and {number}");
            missing += (number.abs_diff(last + 1)).abs_diff(silent);
        }
        (last, silent) = (number, 0);
    }
    (first, last, missing)
}

#[test]
fn what_another_program_plays_is_captured_sample_for_sample() {
    served(|| {
        let rig = rig();
        for host in HOSTS {
            let _ = system_calls::watch();
            let before = realtime::violations();
            let (mut writer, mut reader) = frame_ring(2, 48_000 * 20);
            let stream = start(
                host,
                &input(2),
                Box::new(move |call| {
                    writer.lose(call.lost_frames, ossicle_io::ring::Cause::Xrun);
                    writer.write(call.input);
                }),
            );
            wait_until("a first block", 5, || stream.status().callbacks() > 3);
            let signal = counter(3 * 48_000);
            let mut player = Pacat::play(&rig.server, PulseAudio::MIC_FEED, &signal, 2).unwrap();
            player.wait(Duration::from_secs(20)).unwrap();
            std::thread::sleep(Duration::from_millis(500));
            let status = stream.status().clone();
            drop(stream);
            let mut heard = vec![0.0; 2 * reader.available()];
            reader.read(&mut heard);
            let (first, last, missing) = counted(&heard);
            println!(
                "{host}: {first} to {last}, {missing} missing, {} frames, {} xruns, {} lost",
                status.frames(),
                status.xruns(),
                status.lost_frames()
            );
            assert_eq!((first, last, missing), (1, 3 * 48_000, 0), "{host}");
            assert_eq!(status.lost_frames(), 0, "{host}");
            assert_eq!(status.state(), StreamState::Running, "{host}");
            assert_eq!(
                realtime::violations(),
                before,
                "in a callback of {host}, beside allocations: {:?}",
                system_calls::calls()
            );
        }
    });
}

#[test]
fn what_is_played_comes_out_in_order() {
    served(|| {
        let rig = rig();
        for host in HOSTS {
            let _ = system_calls::watch();
            let before = realtime::violations();
            let recorder = Parec::record(&rig.server, "speaker.monitor", 2).unwrap();
            let signal = counter(3 * 48_000);
            // Long periods, so that a busy machine does not make the server run dry.
            let request = StreamRequest {
                buffer_frames: Some(1024),
                ..output(2)
            };
            let at = Arc::new(AtomicU64::new(0));
            let played = at.clone();
            let stream = start(
                host,
                &request,
                Box::new(move |call| {
                    let at = played.fetch_add(call.output.len() as u64, Ordering::Relaxed) as usize;
                    let left = signal.get(at..).unwrap_or_default();
                    let now = left.len().min(call.output.len());
                    call.output[..now].copy_from_slice(&left[..now]);
                }),
            );
            wait_until("the end", 20, || {
                at.load(Ordering::Relaxed) > 4 * 2 * 48_000
            });
            let status = stream.status().clone();
            drop(stream);
            let heard = recorder.finish().unwrap();
            let (first, last, _) = counted(&heard);
            let whole = heard
                .chunks_exact(2)
                .filter(|frame| frame[0] != 0.0)
                .count() as u64;
            println!(
                "{host}: {first} to {last}, {whole} frames, {} xruns, {} errors",
                status.xruns(),
                status.errors()
            );
            // All of it, in order; but a busy machine lets a server run dry, and what comes too late for
            // its place is dropped there.
            assert_eq!(last, 3 * 48_000, "{host}");
            assert!(
                whole > 3 * 48_000 * 97 / 100,
                "{host}: {whole} frames came out"
            );
            assert_eq!(status.state(), StreamState::Running, "{host}");
            assert_eq!(
                realtime::violations(),
                before,
                "in a callback of {host}, beside allocations: {:?}",
                system_calls::calls()
            );
        }
    });
}

#[test]
fn a_server_that_stops_for_a_while_loses_nothing_of_a_capture() {
    served(|| {
        let rig = rig();
        let stream = start(HostKind::PulseAudio, &input(2), Box::new(|_| {}));
        let status = stream.status().clone();
        wait_until("a second", 10, || status.frames() > 48_000);
        rig.server.stop().unwrap();
        std::thread::sleep(Duration::from_secs(2));
        assert!(status.stalled(device::now_ns(), 256 * 1_000_000_000 / 48_000));
        rig.server.cont().unwrap();
        let (began, frames) = (Instant::now(), status.frames());
        std::thread::sleep(Duration::from_secs(3));
        let seconds = (status.frames() - frames) as f64 / 48_000.0;
        println!(
            "{seconds} s of frames in {:?}, {} lost",
            began.elapsed(),
            status.lost_frames()
        );
        assert_eq!(status.state(), StreamState::Running);
        // All frames of the stop came late, or are told as lost: never neither, never both.
        let told = seconds + status.lost_frames() as f64 / 48_000.0;
        let passed = 2.0 + began.elapsed().as_secs_f64();
        assert!(
            (told - passed).abs() < 0.3,
            "{told} s told, {passed} s passed"
        );
    });
}

#[test]
fn a_stopped_server_holds_nobody_up() {
    served(|| {
        for host in HOSTS {
            let rig = rig();
            let streams = [
                start(host, &input(2), Box::new(|_| {})),
                start(host, &output(2), Box::new(|_| {})),
            ];
            wait_until("blocks", 5, || {
                streams.iter().all(|it| it.status().callbacks() > 3)
            });
            rig.server.stop().unwrap();
            let (began, reaper) = (Instant::now(), Reaper::new());
            for stream in streams {
                reaper.retire(stream, Duration::from_millis(500));
            }
            assert!(
                began.elapsed() < Duration::from_secs(3),
                "{host}: {:?}",
                began.elapsed()
            );
            let refused = device::open(host, &input(2)).map(|_| ());
            assert!(refused.is_err(), "{host}");
            assert!(
                began.elapsed() < Duration::from_secs(12),
                "{host}: {:?}",
                began.elapsed()
            );
            rig.server.cont().unwrap();
            wait_until("the abandoned to end", 20, || reaper.hanging() == 0);
        }
    });
}

/// Processor time of this process so far, in seconds.
fn processor_s() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

#[test]
fn a_killed_server_is_noticed_and_costs_nothing() {
    // Without a control thread, which takes time of this process too.
    let _turn = turn();
    for host in HOSTS {
        let mut rig = rig();
        let streams = [
            start(host, &input(2), Box::new(|_| {})),
            start(host, &output(2), Box::new(|_| {})),
        ];
        wait_until("blocks", 5, || {
            streams.iter().all(|it| it.status().callbacks() > 3)
        });
        rig.server.kill();
        let killed = Instant::now();
        let lost = |stream: &dyn Stream| {
            let status = stream.status();
            status.state() != StreamState::Running || status.stalled(device::now_ns(), 5_333_333)
        };
        wait_until("the loss", 5, || {
            streams.iter().all(|stream| lost(stream.as_ref()))
        });
        let noticed = killed.elapsed();
        let before = processor_s();
        std::thread::sleep(Duration::from_secs(3));
        let load = (processor_s() - before) / 3.0;
        let errors: Vec<u64> = streams.iter().map(|it| it.status().errors()).collect();
        let states: Vec<_> = streams.iter().map(|it| it.status().state()).collect();
        let reaper = Reaper::new();
        let retired: Vec<Retired> = streams
            .into_iter()
            .map(|stream| reaper.retire(stream, Duration::from_secs(2)))
            .collect();
        println!("{host}: noticed in {noticed:?}, load {load}, {errors:?} {states:?} {retired:?}");
        assert!(noticed < Duration::from_secs(1), "{host}: {noticed:?}");
        assert!(load < 0.01, "{host}: {load} of a core");
    }
}
