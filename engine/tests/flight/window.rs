//! The window of a flight, and its files.

use std::time::Duration;

use ossicle::chain::Chain;
use ossicle::flight::{Flight, FlightError};
use ossicle::io::device::sim::{Blocks, Sim};
use ossicle::session::SessionConfig;

use crate::{card, ids, start};

#[test]
fn a_window_that_begins_later_agrees_once_the_chain_has_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let sim = Sim::new(1);
    sim.plug(card(Blocks::Fixed(4000))).unwrap();
    let chain = "gain:gain=-6dB | delay:time=50ms,feedback=0%,mix=50%";
    let mut session = start(&sim, SessionConfig::live(Chain::parse(chain).unwrap()));
    let gain = ids(session.controller())[0];
    // Longer than the minute that is kept; in steps that the recorder's rings hold.
    for second in 0..66 {
        session
            .controller()
            .set_value(gain, 0, -f64::from(second % 9), 0)
            .unwrap();
        sim.run_for(Duration::from_secs(1));
        session.report();
    }
    let dump = session.dump_flight(folder.path()).unwrap();
    let flight = Flight::load(&dump).unwrap();
    assert!(!flight.is_whole() && flight.dropped_callbacks() == 0);
    let seconds = flight.callbacks().len() as f64 * 4000.0 / 48_000.0;
    assert!((59.0..=60.1).contains(&seconds), "{seconds} s");
    let replayed = flight.replay(None).unwrap();
    // 50 ms of unknown echoes are in the first callback, and the ramp of the gain at most.
    assert!(replayed.agrees, "{replayed:?}");
    assert_eq!(
        (replayed.first_difference, replayed.agrees_from),
        (Some(0), Some(1))
    );
    assert_eq!(replayed.matched, replayed.compared - 1);
}

#[test]
fn behind_a_gap_the_chain_has_to_forget_first() {
    let folder = tempfile::tempdir().unwrap();
    let sim = Sim::new(1);
    sim.plug(card(Blocks::Fixed(480))).unwrap();
    let chain = "delay:time=25ms,feedback=0%,mix=50%";
    let mut session = start(&sim, SessionConfig::live(Chain::parse(chain).unwrap()));
    sim.run_for(Duration::from_secs(1));
    let dump = session.dump_flight(folder.path()).unwrap();
    // Ten callbacks are as if they had found no room.
    let callbacks = dump.join("callbacks.jsonl");
    let lines = std::fs::read_to_string(&callbacks).unwrap();
    let kept = lines.lines().enumerate();
    let kept: Vec<&str> = kept
        .filter(|(at, _)| !(20..30).contains(at))
        .map(|it| it.1)
        .collect();
    std::fs::write(&callbacks, kept.join("\n")).unwrap();
    let input = dump.join("input.wav");
    let mut bytes = std::fs::read(&input).unwrap();
    let sound = bytes.len() - lines.lines().count() * 480 * 8;
    bytes[sound + 20 * 480 * 8..sound + 30 * 480 * 8].fill(0);
    std::fs::write(&input, bytes).unwrap();
    let replayed = Flight::load(&dump).unwrap().replay(None).unwrap();
    // 25 ms reach into the third callback behind the gap.
    assert_eq!(
        (replayed.first_difference, replayed.agrees_from),
        (Some(20), Some(23))
    );
    assert!(replayed.agrees && replayed.matched == replayed.compared - 3);
}

#[test]
fn damaged_and_later_dumps_are_refused_with_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let sim = Sim::new(1);
    sim.plug(card(Blocks::Fixed(256))).unwrap();
    let mut session = start(&sim, SessionConfig::live(Chain::new()));
    let nothing = session.dump_flight(folder.path());
    assert!(matches!(nothing, Err(FlightError::Empty)));
    sim.run_for(Duration::from_millis(100));
    let dump = session.dump_flight(folder.path()).unwrap();
    let head = dump.join("flight.json");
    let whole = std::fs::read_to_string(&head).unwrap();
    std::fs::write(&head, whole.replacen("\"version\": 1", "\"version\": 2", 1)).unwrap();
    let later = Flight::load(&dump);
    assert!(
        matches!(
            later,
            Err(FlightError::VersionUnknown {
                asked: 2,
                allowed: 1,
                ..
            })
        ),
        "{later:?}"
    );
    std::fs::write(&head, &whole[..whole.len() / 2]).unwrap();
    assert!(matches!(
        Flight::load(&dump),
        Err(FlightError::Damaged { .. })
    ));
    std::fs::write(&head, whole).unwrap();
    let callbacks = dump.join("callbacks.jsonl");
    let lines = std::fs::read_to_string(&callbacks).unwrap();
    std::fs::write(
        &callbacks,
        lines.replacen("\"processed\":256,", "\"processed\":255,", 1),
    )
    .unwrap();
    let damaged = Flight::load(&dump);
    assert!(
        matches!(damaged, Err(FlightError::Damaged { line: 2, .. })),
        "{damaged:?}"
    );
    // More frames than there is sound.
    std::fs::write(&callbacks, lines.trim_end().rsplit_once('\n').unwrap().0).unwrap();
    assert!(Flight::load(&dump).unwrap().replay(None).is_ok());
    let doubled = lines.replacen("\"frames\":256,", "\"frames\":25600,", 1);
    std::fs::write(&callbacks, doubled.lines().next().unwrap()).unwrap();
    let unfit = Flight::load(&dump).unwrap().replay(None);
    assert!(
        matches!(unfit, Err(FlightError::SoundUnfit { .. })),
        "{unfit:?}"
    );
}
