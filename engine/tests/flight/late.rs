//! Late callbacks and lost frames in a flight.

use std::time::{Duration, Instant};

use ossicle::chain::Chain;
use ossicle::flight::{Flight, FlightConfig};
use ossicle::io::device::sim::{Blocks, Fault, FaultKind, Sim, SimDevice};
use ossicle::session::{Flow, SessionConfig, Source};

use crate::{CHAIN, card, edited, replayed_whole, start};

#[test]
fn a_changed_sample_is_found_in_the_callback_it_is_in() {
    let folder = tempfile::tempdir().unwrap();
    let sim = Sim::new(1);
    sim.plug(card(Blocks::Fixed(256))).unwrap();
    let chain = Chain::parse("gain:gain=-1dB").unwrap();
    let mut session = start(&sim, SessionConfig::live(chain));
    sim.run_for(Duration::from_millis(500));
    let dump = session.dump_flight(folder.path()).unwrap();
    // 4 bytes a sample; the frame in the middle of callback 40.
    let input = dump.join("input.wav");
    let mut bytes = std::fs::read(&input).unwrap();
    let sound = bytes.len() - Flight::load(&dump).unwrap().callbacks().len() * 256 * 8;
    bytes[sound + (40 * 256 + 100) * 8] ^= 1;
    std::fs::write(&input, bytes).unwrap();
    let replayed = Flight::load(&dump).unwrap().replay(None).unwrap();
    assert_eq!(replayed.first_difference, Some(40));
    assert_eq!(replayed.matched, replayed.compared - 1);
    assert_eq!(replayed.agrees_from, Some(41));
    assert!(!replayed.agrees);
}

#[test]
fn a_callback_that_took_too_long_is_dumped_by_itself_and_shown_late() {
    let folder = tempfile::tempdir().unwrap();
    let sim = Sim::new(1);
    sim.plug(card(Blocks::Fixed(480))).unwrap();
    let mut calls = 0;
    let callback = Box::new(move |_: &mut [f32], _: &_| {
        calls += 1;
        if calls == 30 {
            // No sleep: that would be a system call.
            let began = Instant::now();
            while began.elapsed() < Duration::from_millis(150) {}
        }
        Flow::Continue
    });
    let session = start(
        &sim,
        SessionConfig {
            source: Source::Own {
                callback,
                channels: 2,
            },
            flight: FlightConfig {
                folder: Some(folder.path().to_owned()),
            },
            ..SessionConfig::live(Chain::parse(CHAIN).unwrap())
        },
    );
    sim.run_for(Duration::from_secs(1));
    let ended = session.stop().unwrap();
    let told = ended
        .warnings
        .iter()
        .any(|line| line.contains("the last minute is in"));
    assert!(told, "{:?}", ended.warnings);
    let flight = replayed_whole(&folder.path().join("flight-0001"));
    let costs = flight.callbacks().iter().map(|callback| callback.cost_ns);
    let worst = costs.enumerate().max_by_key(|(_, cost)| *cost).unwrap();
    assert!(worst.0 == 29 && worst.1 >= 150_000_000, "{worst:?}");
    let late = flight.callbacks()[29];
    assert!(late.is_late(48_000) && late.period_ns(48_000) == 10_000_000);
}

#[test]
fn lost_frames_and_xruns_are_kept_with_their_positions() {
    let folder = tempfile::tempdir().unwrap();
    let sim = Sim::new(1);
    // Close enough that some fall where an edit waits, and some into fades.
    let xruns = (1..50u64).map(|number| Fault {
        at_ns: number * 7_300_000,
        kind: FaultKind::Xrun { lost_frames: 77 },
    });
    sim.plug(SimDevice {
        faults: xruns.collect(),
        ..card(Blocks::Fixed(256))
    })
    .unwrap();
    let config = SessionConfig::live(Chain::parse(CHAIN).unwrap());
    let mut session = edited(&sim, config, 24);
    let dump = session.dump_flight(folder.path()).unwrap();
    let flight = replayed_whole(&dump);
    let mut lost = 0;
    for callback in flight.callbacks() {
        assert_eq!(callback.xrun, callback.lost_frames > 0);
        lost += callback.lost_frames;
        assert_eq!(callback.position, callback.processed + lost);
    }
    assert_eq!(lost, 49 * 77);
}
