//! A chain that is edited a thousand times a second on a real JACK server: no callback is late but
//! when the machine was.
//!
//! `OSSICLE_JACK_SECONDS` sets the length; `cargo xtask realtime` runs a minute.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ossicle::chain::{Chain, Link, LinkNode};
use ossicle::controller::Controller;
use ossicle::edit::Outcome;
use ossicle::io::device::{self, HostKind, Port, StreamRequest};
use ossicle::io::realtime::{self, AllocatorGuard};
use ossicle::io::rights::schedule_this_thread;
use ossicle::processor::ProcessorSpec;
use xtask::servers::{Jack, JackOptions};

#[global_allocator]
static ALLOCATOR: AllocatorGuard = AllocatorGuard::new();

const PERIOD: u32 = 256;
const PERIOD_NS: u64 = PERIOD as u64 * 1_000_000_000 / 48_000;
/// A control thread that wakes later than this was held up by the machine.
const HELD_UP_NS: u64 = 300_000;

fn seconds() -> u64 {
    let asked = std::env::var("OSSICLE_JACK_SECONDS").ok();
    asked.map_or(3, |text| text.parse().unwrap())
}

/// Wakes every millisecond, and notes when it was late: from when to when.
fn control(ended: &AtomicBool) -> Vec<(u64, u64)> {
    let _ = schedule_this_thread(60);
    let mut late = Vec::new();
    let mut due = device::now_ns();
    while !ended.load(Ordering::Relaxed) {
        due += 1_000_000;
        let now = device::now_ns();
        thread::sleep(Duration::from_nanos(due.saturating_sub(now)));
        let woke = device::now_ns();
        if woke > due + HELD_UP_NS {
            late.push((due, woke));
            due = woke;
        }
    }
    late
}

fn gain() -> LinkNode {
    match Chain::parse("gain:gain=-1dB").unwrap().into_links().pop() {
        Some(Link::Node(link)) => link.node,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_thousand_edits_a_second_make_no_callback_late() {
    let server = Jack::start(JackOptions {
        period_frames: PERIOD,
        ..Default::default()
    })
    .unwrap();
    for (name, value) in server.env() {
        // SAFETY: this is the only test of this program, and no other thread reads the environment.
        unsafe { std::env::set_var(name, value) };
    }
    let chain = Chain::parse(
        "gain | ( delay:time=5ms,mix=30% ; parametric_eq:b1_type=peak,b1_gain=3dB * -6dB ) | pan \
         | envelope_limiter",
    );
    let spec = ProcessorSpec {
        sample_rate_hz: 48_000,
        max_block_frames: PERIOD as usize,
        channels_in: 2,
        channels_out: Some(2),
        latency_budget_frames: 0,
    };
    let (mut controller, mut processor) = Controller::new(chain.unwrap(), spec).unwrap();
    let port = Port {
        device: None,
        channels: Some(2),
    };
    let request = StreamRequest {
        input: Some(port.clone()),
        output: Some(port),
        ..Default::default()
    };
    // Entry and exit of each callback.
    let calls = seconds() as usize * 200 + 1000;
    let (mut noted, mut heard) = ossicle::io::ring::touched(calls, || (0u64, 0u64));
    let callback = move |call: &mut device::Call<'_>| {
        processor.process(call.input, call.output);
        let _ = noted.push((call.time_ns, device::now_ns()));
    };
    let ended = Arc::new(AtomicBool::new(false));
    let watcher = {
        let ended = ended.clone();
        thread::spawn(move || control(&ended))
    };
    let stream = device::open(HostKind::Jack, &request)
        .unwrap()
        .start(Box::new(callback))
        .unwrap();
    let before = realtime::violations();
    let (began, mut sent, mut answered) = (Instant::now(), 0u64, 0u64);
    let mut inserted = Vec::new();
    while began.elapsed() < Duration::from_secs(seconds()) {
        while sent < began.elapsed().as_millis() as u64 {
            if inserted.len() < 4 {
                inserted.push(controller.insert(1, gain()).unwrap().0);
            } else {
                controller.remove(inserted.remove(0)).unwrap();
            }
            sent += 1;
        }
        while let Some(answer) = controller.answer() {
            assert!(
                !matches!(answer.outcome, Outcome::Refused { .. }),
                "{answer:?}"
            );
            answered += 1;
        }
        thread::sleep(Duration::from_micros(500));
    }
    let end = Instant::now();
    while answered < sent && end.elapsed() < Duration::from_secs(5) {
        answered += u64::from(controller.answer().is_some());
    }
    let violations = realtime::violations() - before;
    drop(stream);
    ended.store(true, Ordering::Relaxed);
    let held_up = watcher.join().unwrap();
    let calls: Vec<(u64, u64)> = std::iter::from_fn(|| heard.pop().ok()).collect();
    // Late: a callback that takes longer than its period, or comes half a period behind the last
    // one's turn. The first ones come while the ports are being connected.
    let late = calls.windows(2).skip(20).filter(|pair| {
        let [(before, _), (entry, exit)] = [pair[0], pair[1]];
        exit - entry > PERIOD_NS || entry - before > PERIOD_NS * 3 / 2
    });
    let late: Vec<(u64, u64)> = late
        .map(|pair| (pair[0].0 + PERIOD_NS, pair[1].1))
        .collect();
    let machine = |&&(from, to): &&(u64, u64)| {
        let meets = |&(due, woke): &(u64, u64)| due <= to + 1_000_000 && from <= woke + 1_000_000;
        held_up.iter().any(meets)
    };
    let ours: Vec<_> = late.iter().filter(|call| !machine(call)).collect();
    println!(
        "{} callbacks, {sent} edits, {answered} answered, {} late, of them without the control \
         thread {}; it was held up {} times; real-time server: {}",
        calls.len(),
        late.len(),
        ours.len(),
        held_up.len(),
        server.is_realtime()
    );
    let name = format!(
        "late callbacks that the control thread does not show, in {} on JACK with {sent} edits, 0",
        calls.len()
    );
    xtask::bar::tell(&name, &ours.len().to_string(), ours.is_empty());
    assert_eq!((answered, violations), (sent, 0));
    assert!(
        calls.len() as u64 > seconds() * 150,
        "{} callbacks",
        calls.len()
    );
    // A server without real-time rights is late by itself; and the short form, which runs beside
    // whatever else the machine does, only tells.
    if server.is_realtime() && std::env::var_os("OSSICLE_JACK_SECONDS").is_some() {
        assert!(ours.is_empty(), "{ours:?}");
    }
}
