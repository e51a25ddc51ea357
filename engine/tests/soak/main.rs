//! A session on a simulated device, edited a thousand times a second, with rings that fill up,
//! devices that fail and nodes that panic: nothing on its callbacks that may not be there, every
//! edit answered once, nothing left over.
//!
//! `OSSICLE_CALLBACKS` sets the length; `cargo xtask realtime` runs the long form.

mod edits;
mod nodes;

use std::sync::atomic::Ordering;
use std::time::Duration;

use ossicle::chain::Chain;
use ossicle::io::device::sim::{Blocks, Fault, FaultKind, Sim, SimDevice};
use ossicle::io::device::{HostKind, Port};
use ossicle::io::realtime::{self, AllocatorGuard, system_calls, usage::ThreadUsage};
use ossicle::io::rights::lock_memory;
use ossicle::session::{Session, SessionConfig};

use xtask::bar;

use edits::Editor;
use nodes::{ALIVE, PAYLOADS};

#[global_allocator]
static ALLOCATOR: AllocatorGuard = AllocatorGuard::new();

const BLOCK: usize = 64;
/// Callbacks between two turns of the one who edits.
const TURN: usize = 8;
const NS_PER_CALLBACK: u64 = BLOCK as u64 * 1_000_000_000 / 48_000;

/// Sixteen nodes of every kind, in every shape.
const CHAIN: &str = "gain:gain=-3dB | send:bus=echo,level=-12dB \
    | ( envelope_limiter:threshold=-6dBFS | pan:pan=-40% * -3dB \
      ; delay:time=12.3ms,feedback=40%,mix=50% | gain:gain=-2dB * -6dB \
      ; parametric_eq:b1_type=peak,b1_freq=900Hz,b1_gain=6dB ~ 70% * -3dB ; ) \
    | envelope_limiter:attack_coeff=0.9,release_coeff=0.999,delay_samples=40,threshold=0.5 \
    | parametric_eq:b1_type=low_pass,b1_freq=9kHz,b2_type=high_pass,b2_freq=60Hz \
    | bus:name=echo ( delay:time=31ms,feedback=60%,mix=100% | pan:pan=30% | gain:gain=-4dB ) \
    | gain:gain=2dB | delay:time=3ms,mix=20% | pan:pan=5% | gain:gain=-1dB | envelope_limiter";

fn callbacks() -> usize {
    let asked = std::env::var("OSSICLE_CALLBACKS").ok();
    asked.map_or(10_000, |text| text.parse().unwrap())
}

/// A device that loses frames and stands still, again and again.
fn card(length: usize) -> SimDevice {
    let second = 1_000_000_000u64;
    let seconds = length as u64 * NS_PER_CALLBACK / second + 1;
    let faults = (1..seconds * 2).map(|half| Fault {
        at_ns: half * second / 2,
        kind: match half % 3 {
            0 => FaultKind::Xrun { lost_frames: 100 },
            1 => FaultKind::Stall { for_ns: 4_000_000 },
            _ => FaultKind::Xrun { lost_frames: 1 },
        },
    });
    SimDevice {
        blocks: Blocks::Fixed(BLOCK),
        faults: faults.collect(),
        forgets: true,
        ..SimDevice::new("card", 2, 2)
    }
    .with_source(|frame, channel| {
        ((frame * 7919 + channel as u64 * 31) % 1000) as f32 / 1000.0 - 0.5
    })
}

#[test]
fn callbacks_stay_clean_under_a_thousand_edits_a_second() {
    let length = callbacks();
    let watching = system_calls::watch();
    // As a session asks for it: what is there is not taken away, however long it is not used.
    let locked = lock_memory();
    let sim = Sim::new(3);
    sim.plug(card(length)).unwrap();
    let config = SessionConfig {
        host: Some(HostKind::Sim),
        input: Some(Port::default()),
        output: Some(Port::default()),
        chain: Chain::parse(CHAIN).unwrap(),
        ..SessionConfig::default()
    };
    assert_eq!(config.chain.nodes().len(), 16);
    let mut session = Session::start_with(config, &mut |_, request| sim.open(request)).unwrap();
    let mut editor = Editor::new(1);
    let before = realtime::violations();
    let (mut faults, mut panics) = (0, 0);
    for turn in 0..length / TURN {
        editor.turn(session.controller(), (turn * TURN * BLOCK) as u64);
        if turn % 100 == 0 {
            // A callback that panicked is not called again.
            let report = session.report();
            assert!(!report.ended, "turn {turn}: {report:?}");
        }
        let panicked = nodes::PAYLOADS_MADE.load(Ordering::Relaxed);
        let (usage, violations) = (ThreadUsage::now().unwrap(), realtime::violations());
        let calls = system_calls::caught();
        sim.run_for(Duration::from_nanos(TURN as u64 * NS_PER_CALLBACK));
        // The call in which a node panics allocates, and what unwinds it is fetched.
        let broke = nodes::PAYLOADS_MADE.load(Ordering::Relaxed) - panicked;
        panics += broke;
        if broke > 0 {
            editor.forgive(
                realtime::violations() - violations,
                system_calls::caught() - calls,
            );
        } else if turn * TURN * BLOCK > 48_000 {
            faults += ThreadUsage::now().unwrap().since(&usage).minor_faults;
        }
    }
    let violations = realtime::violations() - before - editor.forgiven_allocations;
    let calls = system_calls::caught() - editor.forgiven_calls;
    editor.finish(session.controller(), || {
        sim.run_for(Duration::from_millis(50))
    });
    let untold = session.controller().untold_faults();
    drop(session);
    println!(
        "{length} callbacks, {} edits and {} changes sent, {} answered ({} came too late), {} not \
         taken for want of room, {panics} panics, {} faults told, {untold} without room; {watching:?}, memory locked: {}",
        editor.edits,
        editor.changes,
        editor.answered,
        editor.refused,
        editor.busy,
        editor.faults,
        locked.is_ok()
    );
    println!(
        "allocations {violations}, system calls {calls}, page faults {faults}, left over: {} nodes, \
         {} payloads",
        ALIVE.load(Ordering::Relaxed),
        PAYLOADS.load(Ordering::Relaxed)
    );
    let told = |name: &str, measured: u64, limit: u64| {
        let name = format!(
            "{name} in {length} callbacks with {} edits, {limit}",
            editor.edits
        );
        bar::tell(&name, &measured.to_string(), measured == limit);
    };
    told("allocations", violations, 0);
    told("system calls", calls, 0);
    told("page faults after the first second", faults, 0);
    let sent = editor.edits + editor.changes;
    told("edits and changes answered once", editor.answered, sent);
    told(
        "nodes left over",
        ALIVE.load(Ordering::Relaxed).unsigned_abs(),
        0,
    );
    assert_eq!((violations, calls, faults), (0, 0, 0));
    assert_eq!(editor.answered, editor.edits + editor.changes);
    assert!(editor.busy > 0, "the rings never filled");
    assert!(panics > 0 || cfg!(feature = "rtsan"), "nothing panicked");
    assert_eq!(ALIVE.load(Ordering::Relaxed), 0, "nodes left over");
    // What finds no room on its way back is forgotten and counted, never freed on the way.
    assert!(
        PAYLOADS.load(Ordering::Relaxed) <= untold as i64,
        "payloads left over"
    );
}
