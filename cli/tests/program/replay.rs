//! `ossicle replay` on flights of simulated devices.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ossicle::chain::Chain;
use ossicle::io::device::HostKind;
use ossicle::io::device::sim::{Blocks, Fault, FaultKind, Sim, SimDevice};
use ossicle::session::{Session, SessionConfig};

use crate::call::ossicle;
use crate::sound::text;

/// Pixels of this colour stand for what was late, lost or differs.
const RED: [u8; 3] = [205, 25, 25];

/// A second of a run with two edits and a change, with or without frames lost at half of it.
fn flight(below: &Path, loses: bool) -> PathBuf {
    let sim = Sim::new(5);
    let xrun = Fault {
        at_ns: 500_000_000,
        kind: FaultKind::Xrun { lost_frames: 1234 },
    };
    let card = SimDevice {
        // Long, so that no callback takes longer than its sound.
        blocks: Blocks::Fixed(4800),
        faults: if loses { vec![xrun] } else { Vec::new() },
        ..SimDevice::new("card", 2, 2)
    };
    let card =
        card.with_source(|frame, channel| ((frame * 31 + channel as u64) % 97) as f32 / 97.0);
    sim.plug(card).unwrap();
    let config = SessionConfig {
        host: Some(HostKind::Sim),
        ..SessionConfig::live(Chain::parse("gain:gain=-2dB | delay:time=30ms").unwrap())
    };
    let mut session = Session::start_with(config, &mut |_, request| sim.open(request)).unwrap();
    for _ in 0..2 {
        let node = session.controller().nodes().next().unwrap().0;
        session.controller().set(node, "gain", "-4dB", 0).unwrap();
        session.controller().bypass(node, true).unwrap();
        sim.run_for(Duration::from_millis(500));
        session.report();
    }
    session.dump_flight(below).unwrap()
}

/// Pixels of a colour in a PNG file.
fn pixels(path: &Path, color: [u8; 3]) -> usize {
    let file = std::io::BufReader::new(std::fs::File::open(path).unwrap());
    let mut reader = png::Decoder::new(file).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    assert_eq!((info.width, info.height), (1400, 620));
    bytes
        .chunks_exact(3)
        .filter(|pixel| *pixel == color)
        .count()
}

#[test]
fn a_flight_is_replayed_with_the_same_bits_and_drawn() {
    let folder = tempfile::tempdir().unwrap();
    for loses in [false, true] {
        let flight = flight(folder.path(), loses);
        let picture = folder.path().join("flight.png");
        let ran = ossicle(&["replay", text(&flight), "--png", text(&picture), "--json"]);
        let json = ran.json();
        assert!(json["callbacks"].as_u64() >= Some(9), "{json}");
        for key in ["compared", "matched"] {
            assert_eq!(json[key], json["callbacks"], "{json}");
        }
        assert_eq!(json["agrees"], true);
        assert!(json["first_difference"].is_null() && json["stopped"].is_null());
        assert_eq!((&json["edits"], &json["changes"]), (&2.into(), &2.into()));
        let late = json["late"].as_array().unwrap();
        if loses {
            assert_eq!(late.len(), 1, "{json}");
            assert_eq!(late[0]["lost_frames"], 1234);
            assert_eq!(
                (&late[0]["xrun"], &late[0]["period_ms"]),
                (&true.into(), &100.0.into())
            );
            assert!(pixels(&picture, RED) > 200);
        } else {
            assert_eq!((late.len(), pixels(&picture, RED)), (0, 0), "{json}");
        }
        assert!(flight.join("replay.wav").exists());
        let words = ossicle(&["replay", text(&flight)]);
        words.done();
        let line = format!("{0} of {0} callbacks gave the same bits", json["callbacks"]);
        assert!(words.stdout.contains(&line), "{}", words.stdout);
        assert_eq!(
            words.stdout.contains("1234 frames lost before, xrun"),
            loses
        );
        let quiet = ossicle(&["replay", text(&flight), "-q"]);
        quiet.done();
        assert!(
            quiet.stdout.is_empty() && quiet.stderr.is_empty(),
            "{quiet:?}"
        );
    }
}

#[test]
fn other_bits_end_with_5_and_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let flight = flight(folder.path(), false);
    let input = flight.join("input.wav");
    let mut bytes = std::fs::read(&input).unwrap();
    // In the last callback but three, behind which the echo ends after 30 ms.
    let place = bytes.len() - 4 * 4800 * 8 + 100;
    bytes[place + 2] ^= 0x40;
    std::fs::write(&input, bytes).unwrap();
    let picture = folder.path().join("flight.png");
    let ran = ossicle(&["replay", text(&flight), "--png", text(&picture), "--json"]);
    assert_eq!(ran.exit, Some(5), "{ran:?}");
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let first = json["callbacks"].as_u64().unwrap() - 4;
    assert_eq!(json["first_difference"], first, "{json}");
    assert_eq!(json["agrees"], false);
    assert!(pixels(&picture, RED) > 10);
    let words = ossicle(&["replay", text(&flight)]);
    assert_eq!(words.exit, Some(5));
    let line = format!("the first that did not is {first}, frame {}", first * 4800);
    assert!(words.stdout.contains(&line), "{}", words.stdout);
    assert_eq!(ossicle(&["replay", text(&flight), "-q"]).exit, Some(5));
}

#[test]
fn what_is_no_flight_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let ran = ossicle(&["replay", text(folder.path())]);
    assert!(ran.failed(2).contains("flight.json: "), "{ran:?}");
    std::fs::write(
        folder.path().join("flight.json"),
        "{\"version\": 1,\n\"host\": 3}",
    )
    .unwrap();
    let ran = ossicle(&["replay", text(folder.path())]);
    assert!(ran.failed(2).contains("flight.json: line 2: "), "{ran:?}");
    let flight = flight(folder.path(), false);
    let nowhere = folder.path().join("nowhere").join("flight.png");
    let ran = ossicle(&["replay", text(&flight), "--png", text(&nowhere)]);
    assert!(ran.failed(2).contains("flight.png: "), "{ran:?}");
}

#[test]
fn a_folder_for_flights_that_cannot_be_made_ends_with_2() {
    let (folder, noise, _) = crate::sound::folder_with_noise(2, 100);
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let below = file.join("flights");
    let play = [
        "play",
        text(&noise),
        "--host",
        "null",
        "--flight",
        text(&below),
    ];
    assert!(ossicle(&play).failed(2).contains("flights: "));
}
